/** The data segment of a frame: who sent it, what it is, and its data area, decrypted where that is needed. */
import { createDecipheriv } from 'node:crypto';
import type { Hj212Dialect } from '#model/dialect.ts';
import type { Fault } from '#model/faults.ts';
import { shortened } from '../codec.ts';
import { checksumOf, hex4, saidVariant, variantOf } from './checksum.ts';
import { asBuffer, CHECKSUM, checksumAt, HEADING, lengthAt, looksWhole } from './framer.ts';

export interface Segment {
  /** When it was sent (17 digits), which is not when anything was measured; null before 2017, as a rule. */
  qn: string | null;
  st: string | null;
  cn: string | null;
  pw: string | null;
  mn: string | null;
  /** Bit 0 = an answer is wanted, bit 1 = there are packet numbers, bits 2 to 7 = version; null = the edition of 2005. */
  flag: number | null;
  part: { number: number; total: number } | null;
  isResent: boolean;
  /** What stands between `CP=&&` and the last `&&`, as it was sent; null where there is none. */
  body: Uint8Array | null;
  /** Place of `body` in the frame. */
  bodyStart: number;
}

const BODY = Buffer.from('CP=&&');

/** Reads what can be read, of a damaged frame, too. */
export function segmentIn(frame: Uint8Array): Segment {
  const bytes = asBuffer(frame);
  const at = bytes.indexOf(BODY, HEADING);
  const fields = fieldsIn(bytes.toString('latin1', HEADING, at < 0 ? bytes.length : at));
  const end = bytes.length - CHECKSUM - 2;
  const bodyStart = at + BODY.length;
  const total = wholeIn(fields.pnum);
  const number = wholeIn(fields.pno);
  const isPart = total !== null && number !== null && number >= 1 && number <= total && total > 1;
  return {
    qn: fields.qn,
    st: fields.st,
    cn: fields.cn,
    pw: fields.pw,
    mn: fields.mn,
    flag: wholeIn(fields.flag),
    part: isPart ? { number, total } : null,
    isResent: fields.rf === '1',
    body: at >= 0 && bodyStart <= end && looksWhole(bytes, bytes.length) ? bytes.subarray(bodyStart, end) : null,
    bodyStart,
  };
}

interface Fields {
  qn: string | null;
  st: string | null;
  cn: string | null;
  pw: string | null;
  mn: string | null;
  flag: string | undefined;
  pnum: string | undefined;
  pno: string | undefined;
  rf: string | undefined;
}

/** `QN=…;ST=…`; a comma in place of a semicolon stands in the standard's own examples. Empty values are none. */
function fieldsIn(text: string): Fields {
  const nothing = undefined;
  const fields: Fields = {
    qn: null,
    st: null,
    cn: null,
    pw: null,
    mn: null,
    flag: nothing,
    pnum: nothing,
    pno: nothing,
    rf: nothing,
  };
  const plain = text.includes(',') ? text.replaceAll(',', ';') : text;
  for (const field of plain.split(';')) {
    const equals = field.indexOf('=');
    if (equals <= 0) continue;
    const value = field.slice(equals + 1).trim();
    const name = field.slice(0, equals).trim().toLowerCase();
    if (value !== '' && Object.hasOwn(fields, name)) fields[name as 'flag'] = value;
  }
  return fields;
}

function wholeIn(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : null;
}

export interface Opened {
  fault: null;
  /** In plain text. */
  body: Uint8Array;
  /** What is wrong with a frame that is taken nevertheless. */
  notes: Fault[];
}

/**
 * Checks a frame and gives its data area in plain text. The checksum is that of the plain text, whatever was sent.
 * @param key of SM4, 16 characters; undefined for a gateway without one.
 */
export function open(
  frame: Uint8Array,
  { body, bodyStart }: Segment,
  key: string | undefined,
  allowed: Hj212Dialect['checksum'],
): Opened | { fault: Fault } {
  const end = frame.length - CHECKSUM;
  const sent = checksumAt(frame, end);
  if (body === null || sent === null) {
    return malformed('The frame has no data area: it is cut off, or its length is wrong and its checksum, too.');
  }
  const notes = lengthNotes(frame, end - HEADING);
  if (checksumOf(frame, HEADING, end) === sent) return { fault: null, body, notes };
  const segment = frame.subarray(HEADING, end);
  const variant = variantOf(segment, sent);
  if (variant !== null && variant === allowed) return { fault: null, body, notes };
  if (key !== undefined) {
    const plain = decrypted(body, key);
    const whole = Buffer.from(segment);
    whole.set(plain, bodyStart - HEADING);
    if (checksumOf(whole) === sent) return { fault: null, body: plain, notes };
  }
  if (variant === null && isCipher(body)) return { fault: encrypted(key) };
  const found = variant === null ? '' : `: ${saidVariant(variant)}`;
  const remedy =
    variant === 'modbus' || variant === 'modbus-low-first'
      ? `; set \`dialect.hj212.checksum\` to "${variant}" if that is how this station computes it`
      : '';
  const message = `The checksum is ${hex4(checksumOf(segment))}, not ${hex4(sent)}${found}${remedy}.`;
  return { fault: { code: 'message.checksum', message } };
}

function lengthNotes(frame: Uint8Array, length: number): Fault[] {
  const said = lengthAt(frame, 0);
  if (said === length) return [];
  const message = `The frame says that its segment has ${said} bytes, it has ${length}; its checksum is right.`;
  return [{ code: 'message.length', message }];
}

function malformed(message: string): { fault: Fault } {
  return { fault: { code: 'message.malformed', message } };
}

const GROUP = 16;

/** SM4-ECB without padding: each whole group of 16 bytes is encrypted, what is left over is plain (HJ 212-2025, 6.4.2). */
function decrypted(body: Uint8Array, key: string): Uint8Array {
  const length = body.length - (body.length % GROUP);
  const decipher = createDecipheriv('sm4-ecb', Buffer.from(key, 'latin1'), null).setAutoPadding(false);
  return Buffer.concat([decipher.update(body.subarray(0, length)), decipher.final(), body.subarray(length)]);
}

/** Control characters, which no text of ours has, whatever its encoding. Of 16 random bytes one in six has none. */
function isCipher(body: Uint8Array): boolean {
  return body.length >= GROUP && body.some((byte) => byte < 0x20 || byte === 0x7f);
}

function encrypted(key: string | undefined): Fault {
  const message =
    key === undefined
      ? 'The data area is encrypted (SM4): put the key of the station into `identity.sm4Key`.'
      : 'The data area is encrypted under another key than `identity.sm4Key`: the station may have changed it.';
  return { code: 'message.encrypted', message };
}

/** A name, a letter or an address as a message shows it. */
export const quoted = (text: string | null): string => (text === null ? 'none' : `"${shortened(text)}"`);
