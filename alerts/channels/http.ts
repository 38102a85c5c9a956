/**
 * HTTP as every channel speaks it: one request, no redirects followed, at most ten seconds, and the address judged when
 * the connection is made (address.ts), so that no channel can be led to a neighbour of this machine.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { AddressRefused, guardedLookup, hostOf, isPermitted, type Resolve } from './address.ts';
import type { ChannelPorts, Outcome, Sent } from './channel.ts';

const TIMEOUT_MS = 10_000;
/** What is longer than this isn't waited for. */
const ANSWER_MAX_BYTES = 65_536;
const RETRY_AFTER_MAX_MS = 3_600_000;

export interface HttpCall {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | null;
  /** Whether the answer's body says anything; if not, its status is enough and its body isn't waited for. */
  wantsText: boolean;
}

export interface HttpAnswer {
  status: number;
  /** At most 64 KiB; empty when it wasn't wanted. */
  text: string;
  retryAfterMs?: number;
}

/** The answer, or what a channel says when there is none. */
type Exchanged = { answer: HttpAnswer } | { failed: Sent };
export type Exchange = (call: HttpCall, ports: ChannelPorts) => Promise<Exchanged>;

/** Any 2xx is sent; time-outs, too-early, too-many and 5xx are tried again; the rest would answer the same for ever. */
export function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return 'sent';
  if (status === 408 || status === 425 || status === 429 || status >= 500) return 'failed-for-now';
  return 'failed-for-good';
}

/** Retry-After in milliseconds from now (RFC 9110 §10.2.3: seconds or a date), at most an hour; undefined if unusable. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms));
}

/** What a channel says of an answer of which the status alone counts. */
export function byStatus({ status, retryAfterMs: wait }: HttpAnswer): Sent {
  return { outcome: outcomeOf(status), status: String(status), ...(wait === undefined ? {} : { retryAfterMs: wait }) };
}

export function addressRefused(why: string): Sent {
  return { outcome: 'failed-for-good', status: `channel.address-refused: ${why}` };
}

/** @param resolve how names become addresses; the system's way, but for tests. */
export function createExchange(resolve?: Resolve, timeoutMs = TIMEOUT_MS): Exchange {
  return async (call, ports) => {
    const hostname = hostOf(call.url);
    if (isIP(hostname) !== 0 && !isPermitted(hostname, hostname, ports.policy)) {
      return { failed: addressRefused(`${hostname} is private`) };
    }
    try {
      return { answer: await exchanged(call, ports, resolve, timeoutMs) };
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (error instanceof AddressRefused) return { failed: addressRefused(error.message) };
      const status = cause.name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : (cause.code ?? cause.message);
      return { failed: { outcome: 'failed-for-now', status } };
    }
  };
}

/** Requests of this process share it, so that channels don't each keep connections open. */
export const exchange: Exchange = createExchange();

function exchanged(
  { url, method, headers, body, wantsText }: HttpCall,
  ports: ChannelPorts,
  resolve: Resolve | undefined,
  timeoutMs: number,
): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const options = {
    method,
    signal: AbortSignal.any([ports.signal, timeout]),
    lookup: guardedLookup(ports.policy, resolve),
    headers: {
      ...headers,
      'user-agent': 'Wellkeeper',
      ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
  };
  return new Promise((done, failed) => {
    const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
    // An abort by the timer surfaces as a plain AbortError; what people want to know is that nobody answered.
    const fail = (error: unknown) => failed(timeout.aborted ? timeout.reason : error);
    request.on('error', fail);
    request.on('response', (response) => {
      const wait = retryAfterMs(response.headers['retry-after'], ports.clock.nowMs());
      const answer = { status: response.statusCode ?? 0, ...(wait === undefined ? {} : { retryAfterMs: wait }) };
      if (wantsText) textOf(response).then((text) => done({ ...answer, text }), fail);
      else done({ ...answer, text: discarded(response) });
    });
    request.end(body ?? undefined);
  });
}

/** The first 64 KiB. */
async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, ANSWER_MAX_BYTES);
}

/** Lets the connection be used again, unless the answer goes on and on. An answer that breaks off has been given. */
function discarded(response: IncomingMessage): '' {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) response.destroy();
  });
  response.on('error', () => response.destroy());
  return '';
}
