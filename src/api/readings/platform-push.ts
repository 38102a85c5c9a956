/**
 * IoT platforms that push over HTTP: how they sign, and what they want back when they try an address out. The secret is
 * `identity.pushSecret` of the gateway that the address names. Pure.
 *
 * - OneNET (China Mobile): base64 of MD5(secret, nonce, msg), in the query of the trial and beside `msg` in the JSON of a
 *   push; the trial wants `msg` back.
 * - Tencent's IoT hub and those that sign alike: hex of SHA-1 (or SHA-256, told by its length) of secret, timestamp and nonce
 *   sorted and put together, in headers (or the query); the trial wants `echostr` back. The body isn't signed, so a signature
 *   counts only near its time.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** What of a request may hold a signature. Names of headers in lower case, as Node has them. */
export interface Pushed {
  headers: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>>;
  /** Null for a trial (GET). */
  body: Uint8Array | null;
}

/** A signature over a time is good for so long before and after. */
const NEAR_MS = 600_000;
/** Larger bodies are no pushes of one device's values; what is sought in them is near their ends anyway. */
const SIGNED_BYTES_MAX = 1 << 20;

/** @param secret null: none is set, so nothing is signed. */
export function isSigned(secret: string | null, pushed: Pushed, nowMs: number): boolean {
  if (secret === null) return false;
  return hasSortedSignature(secret, pushed, nowMs) || hasMsgSignature(secret, pushed);
}

/** What the platform wants to read when it tries the address out: as it was sent; null for nothing. */
export function echoOf(pushed: Pushed): string | null {
  return said(pushed, 'echostr') ?? textIn(pushed.query, 'msg');
}

function hasSortedSignature(secret: string, pushed: Pushed, nowMs: number): boolean {
  const [signature, timestamp, nonce] = ['signature', 'timestamp', 'nonce'].map((name) => said(pushed, name));
  if (!signature || !timestamp || !nonce || !/^(?:\d{10}|\d{13})$/.test(timestamp)) return false;
  const timeMs = Number(timestamp) * (timestamp.length === 10 ? 1000 : 1);
  if (Math.abs(nowMs - timeMs) > NEAR_MS) return false;
  const algorithm = signature.length === 40 ? 'sha1' : 'sha256';
  const digest = createHash(algorithm).update([secret, timestamp, nonce].sort().join('')).digest('hex');
  return isSame(digest, signature.toLowerCase());
}

function hasMsgSignature(secret: string, { query, body }: Pushed): boolean {
  const from = body === null ? query : objectIn(body);
  const [msg, nonce] = [textIn(from, 'msg'), textIn(from, 'nonce')];
  const signature = textIn(from, 'signature') ?? textIn(from, 'msg_signature');
  if (msg === null || nonce === null || signature === null) return false;
  const digest = createHash('md5').update(`${secret}${nonce}${msg}`).digest('base64');
  // A plus sign that nobody has escaped arrives as a space.
  return isSame(digest, signature.replaceAll(' ', '+'));
}

function said({ headers, query }: Pushed, name: string): string | null {
  return textIn(headers, name) ?? textIn(query, name);
}

function textIn(from: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = from[name];
  return typeof value === 'string' ? value : null;
}

function objectIn(body: Uint8Array): Record<string, unknown> {
  if (body.byteLength > SIGNED_BYTES_MAX) return {};
  try {
    const read: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isSame(digest: string, signature: string): boolean {
  const [expected, actual] = [Buffer.from(digest), Buffer.from(signature)];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
