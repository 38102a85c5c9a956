/**
 * Frames of SL 651-2014 (§6.4, §6.5) in their two forms: HEX/BCD, which begins 7E7E, and ASCII, which begins SOH and has every
 * field of the heading as hex digits. Uplink: centre 1, station 5, password 2, function 1, direction and length 2, STX or
 * SYN, body, end character, CRC. Downlink the same with the station before the centre.
 */
import type { Fault } from '#model/faults.ts';
import { hexIn } from '../bcd.ts';
import { shortened } from '../codec.ts';
import { crc16, variantOf } from './crc.ts';

const STX = 0x02;
const ETX = 0x03;
export const EOT = 0x04;
export const ENQ = 0x05;
export const ACK = 0x06;
export const NAK = 0x15;
export const SYN = 0x16;
export const ETB = 0x17;
export const ESC = 0x1b;
const ENDS: ReadonlySet<number> = new Set([ETX, EOT, ENQ, ACK, NAK, ETB, ESC]);

export interface Form {
  /** Bytes of the start mark. */
  mark: number;
  /** Bytes (HEX/BCD) or characters (ASCII) that a byte takes. */
  width: 1 | 2;
}

export const HEX: Form = { mark: 2, width: 1 };
const ASCII: Form = { mark: 1, width: 2 };

/** Fields of a heading without the mark, in bytes: centre, station, password, function, direction and length. */
const FIELDS = 1 + 5 + 2 + 1 + 2;
const headingBytes = ({ mark, width }: Form) => mark + FIELDS * width + 1;
const checksumBytes = ({ width }: Form) => 2 * width;
/** What stands around a body. */
export const overhead = (form: Form) => headingBytes(form) + 1 + checksumBytes(form);

export interface Frame {
  form: Form;
  isDownlink: boolean;
  centre: number;
  /** Ten hex digits, upper case. */
  station: string;
  /** Four hex digits, upper case. */
  password: string;
  function: number;
  /** Of a message of several packets (SYN). */
  packet: { number: number; total: number } | null;
  /** Without the packet's heading; ASCII: the characters. */
  body: Uint8Array;
  end: number;
  /** Bytes of the whole frame by its length field, and really. */
  stated: number;
  length: number;
}

function formAt(bytes: Uint8Array, at: number): Form | null {
  if (bytes[at] === 0x7e) return bytes[at + 1] === 0x7e ? HEX : null;
  return bytes[at] === 0x01 ? ASCII : null;
}

const isHexDigit = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);

/** The bytes that `bytes` hold, or that their hex digits write. */
export function unhexed(bytes: Uint8Array, { width }: Form): Uint8Array {
  return width === 1 ? bytes : Buffer.from(Buffer.from(bytes).toString('latin1'), 'hex');
}

/**
 * Bytes of the frame that begins at `at`, by its heading; `more` while the heading isn't there, `none` where no frame
 * begins. A frame of SYN may say up to 65,535 in the standard's table 22; like all others it is taken up to 4,095 here.
 */
export function measured(bytes: Uint8Array, at: number): number | 'more' | 'none' {
  const form = formAt(bytes, at);
  if (form === null) return bytes[at] === 0x7e && at + 1 === bytes.length ? 'more' : 'none';
  if (form === HEX) return measuredHex(bytes, at);
  const { mark, width } = form;
  const fields = bytes.subarray(at + mark, Math.min(bytes.length, at + mark + FIELDS * width));
  if (!fields.every(isHexDigit)) return 'none';
  const length = unhexed(fields.subarray((FIELDS - 2) * width), form);
  const direction = length[0] === undefined ? 0 : length[0] >> 4;
  if (direction !== 0 && direction !== 8) return 'none';
  const start = bytes[at + headingBytes(form) - 1];
  if (start === undefined) return 'more';
  if (start !== STX && start !== SYN) return 'none';
  return overhead(form) + (((length[0]! & 0x0f) << 8) | length[1]!);
}

function measuredHex(bytes: Uint8Array, at: number): number | 'more' | 'none' {
  const [high, low, start] = [bytes[at + 11], bytes[at + 12], bytes[at + 13]];
  if (high !== undefined && high >> 4 !== 0 && high >> 4 !== 8) return 'none';
  if (high === undefined || low === undefined || start === undefined) return 'more';
  return start === STX || start === SYN ? overhead(HEX) + (((high & 0x0f) << 8) | low) : 'none';
}

/** Whether bytes from the mark to the checksum are a frame, whatever length it says. */
export function isSound(bytes: Uint8Array): boolean {
  const form = formAt(bytes, 0);
  if (form === null || bytes.length <= overhead(form)) return false;
  const end = bytes.length - checksumBytes(form);
  return ENDS.has(bytes[end - 1]!) && checksumAt(bytes, end, form) === crc16(bytes, 0, end);
}

function checksumAt(bytes: Uint8Array, at: number, form: Form): number {
  const pair = form === HEX ? bytes : unhexed(bytes.subarray(at, at + checksumBytes(form)), form);
  const [high, low] = form === HEX ? [pair[at], pair[at + 1]] : [pair[0], pair[1]];
  return high === undefined || low === undefined ? Number.NaN : (high << 8) | low;
}

/** A frame's fields, as far as its heading is whole; null where it isn't. Of damaged frames anything may be wrong. */
export function frameIn(bytes: Uint8Array): Frame | null {
  const form = formAt(bytes, 0);
  const stated = measured(bytes, 0);
  if (form === null || typeof stated !== 'number' || bytes.length < headingBytes(form)) return null;
  const heading = unhexed(bytes.subarray(form.mark, headingBytes(form) - 1), form);
  const isDownlink = heading[FIELDS - 2]! >> 4 === 8;
  const [station, centre] = isDownlink ? [0, 5] : [1, 0];
  const isSplit = bytes[headingBytes(form) - 1] === SYN;
  const bodyAt = headingBytes(form) + (isSplit ? 3 * form.width : 0);
  const endAt = bytes.length - checksumBytes(form) - 1;
  return {
    form,
    isDownlink,
    centre: heading[centre]!,
    station: hexIn(heading, station, station + 5),
    password: hexIn(heading, 6, 8),
    function: heading[8]!,
    packet: isSplit ? packetIn(unhexed(bytes.subarray(headingBytes(form), bodyAt), form)) : null,
    body: bytes.subarray(bodyAt, Math.max(bodyAt, endAt)),
    end: bytes[endAt] ?? 0,
    stated,
    length: bytes.length,
  };
}

/** 12 bits of how many packets, 12 bits of which one, from 1. */
function packetIn([a = 0, b = 0, c = 0]: Uint8Array): { number: number; total: number } {
  return { number: ((b & 0x0f) << 8) | c, total: (a << 4) | (b >> 4) };
}

/** What is wrong with a frame that isn't sound. */
export function faultOf(bytes: Uint8Array): Fault {
  const form = formAt(bytes, 0);
  const stated = measured(bytes, 0);
  if (form === null || typeof stated !== 'number') {
    const head = shortened(Buffer.from(bytes.subarray(0, 24)).toString('hex').toUpperCase());
    const message = `These ${bytes.length} bytes are no frame of SL 651, which begins 7E7E or 01: ${head}.`;
    return { code: 'message.malformed', message };
  }
  if (bytes.length !== stated) {
    const message = `The frame has ${bytes.length} bytes where its length says ${stated}, and its CRC is not right.`;
    return { code: 'message.malformed', message };
  }
  const end = bytes.length - checksumBytes(form);
  if (!ENDS.has(bytes[end - 1]!)) {
    const message = `The body of the length that the frame says ends with ${hexOf(bytes[end - 1]!)}, which is no end character; its CRC is not right, either.`;
    return { code: 'message.malformed', message };
  }
  const sent = checksumAt(bytes, end, form);
  const right = crc16(bytes, 0, end).toString(16).padStart(4, '0').toUpperCase();
  const variant = variantOf(sent, bytes.subarray(0, end), form.mark);
  const said = Number.isNaN(sent) ? 'no hex digits' : sent.toString(16).padStart(4, '0').toUpperCase();
  return {
    code: 'message.checksum',
    message: `The CRC is ${said}, right were ${right}${variant ? `: ${variant}` : ''}.`,
  };
}

export const hexOf = (byte: number) => `${byte.toString(16).padStart(2, '0').toUpperCase()}H`;

/** A downlink frame, with its checksum. */
export function downlink(
  {
    form,
    station,
    centre,
    password,
    function: code,
  }: Omit<Frame, 'isDownlink' | 'packet' | 'body' | 'end' | 'stated' | 'length'>,
  packet: { number: number; total: number } | null,
  body: Uint8Array,
  end: number,
): Uint8Array {
  const split = packet
    ? [packet.total >> 4, ((packet.total & 0x0f) << 4) | (packet.number >> 8), packet.number & 0xff]
    : [];
  const inner = Buffer.concat([written(Uint8Array.from(split), form), body]);
  const heading = Buffer.from([
    ...Buffer.from(station, 'hex'),
    centre,
    ...Buffer.from(password, 'hex'),
    code,
    0x80 | (inner.length >> 8),
    inner.length & 0xff,
  ]);
  const covered = Buffer.concat([
    Buffer.from(form === HEX ? [0x7e, 0x7e] : [0x01]),
    written(heading, form),
    Buffer.from([packet ? SYN : STX]),
    inner,
    Buffer.from([end]),
  ]);
  const crc = crc16(covered);
  return Buffer.concat([covered, written(Uint8Array.from([crc >> 8, crc & 0xff]), form)]);
}

/** Bytes as the form has them: as they are, or as hex digits. */
export function written(bytes: Uint8Array, { width }: Form): Uint8Array {
  return width === 1 ? bytes : Buffer.from(Buffer.from(bytes).toString('hex').toUpperCase(), 'latin1');
}
