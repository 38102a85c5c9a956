/**
 * Cuts frames of HJ 212 out of the bytes of a connection: `##`, four digits of length, the data segment, four hex digits of
 * checksum, CR LF. The length goes first, since an encrypted segment may hold CR LF itself. Where it is wrong the frame ends
 * at the CR LF before which the checksum is right, and where that is wrong, too, at the first CR LF or the next heading: it
 * is then handed on as it is, to be refused. However the bytes come in, the same frames are found.
 */
import type { Found, Framer } from '../stream.ts';
import { checksumOf } from './checksum.ts';

const HASH = 0x23;
const CR = 0x0d;
const LF = 0x0a;
const AMPERSAND = 0x26;
/** `##` and the length. */
export const HEADING = 6;
export const CHECKSUM = 4;
/** The longest that four digits can say, with what stands around it. */
const FRAME_MAX = HEADING + 9_999 + CHECKSUM;
const HEAD_KEPT = 256;
/** Noise without an end is told in pieces of about this length. */
const NOISE_PIECE = 4_096;
/** Ends that look right within one frame: there is hardly ever a second one but from somebody who means harm. */
const TRIES_MAX = 4;

export function createFramer(): Framer {
  return new Hj212Framer();
}

class Hj212Framer implements Framer {
  #held: Buffer = Buffer.alloc(0);
  /** Noise that goes on: told once something else comes, however it was cut. */
  #noise = { head: Buffer.alloc(0) as Buffer, length: 0 };

  get isWithin(): boolean {
    return this.#held.length > 0;
  }

  push(chunk: Uint8Array): Found[] {
    const bytes = asBuffer(chunk);
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    return this.#cut(false);
  }

  end(): Found[] {
    const found = this.#cut(true);
    this.#skip(this.#held);
    this.#held = Buffer.alloc(0);
    this.#tellNoise(found);
    return found;
  }

  #cut(isEnd: boolean): Found[] {
    const found: Found[] = [];
    let at = 0;
    for (;;) {
      const start = headingAt(this.#held, at);
      // What may be the beginning of a heading stays.
      const skipped = start < 0 ? (isEnd ? this.#held.length : startOfHeading(this.#held, at)) : start;
      this.#skip(this.#held.subarray(at, skipped));
      at = skipped;
      if (start < 0) break;
      const end = endOf(this.#held, start, isEnd);
      if (end === null) break;
      this.#tellNoise(found);
      found.push({ kind: 'frame', bytes: copyOf(this.#held, start, end) });
      at = end;
    }
    this.#held = Buffer.from(this.#held.subarray(at));
    if (this.#noise.length >= NOISE_PIECE) this.#tellNoise(found);
    return found;
  }

  #skip(bytes: Buffer): void {
    if (isBlank(bytes)) return;
    const { head, length } = this.#noise;
    const isFull = head.length >= HEAD_KEPT;
    const kept = isFull ? head : Buffer.concat([head, bytes.subarray(0, HEAD_KEPT - head.length)]);
    this.#noise = { head: kept, length: length + bytes.length };
  }

  #tellNoise(found: Found[]): void {
    const { head, length } = this.#noise;
    if (length === 0) return;
    found.push({ kind: 'noise', head: copyOf(head, 0, head.length), length });
    this.#noise = { head: Buffer.alloc(0), length: 0 };
  }
}

/** What is in a payload that is whole. Nearly always that is one frame, which is then not copied. */
export function piecesOf(payload: Uint8Array): Found[] {
  const bytes = asBuffer(payload);
  if (isHeading(bytes, 0)) {
    const end = endOf(bytes, 0, true)!;
    if (isBlankFrom(bytes, end))
      return [{ kind: 'frame', bytes: end === bytes.length ? bytes : bytes.subarray(0, end) }];
  }
  const framer = new Hj212Framer();
  return [...framer.push(bytes), ...framer.end()];
}

/** The same bytes as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A frame outlives the bytes that it came in. (`slice` of a Buffer is no copy, and `Uint8Array.from` goes byte by byte.) */
function copyOf(bytes: Buffer, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end);
}

/** Ends of lines between frames, and nothing else. */
function isBlank(bytes: Buffer): boolean {
  return isBlankFrom(bytes, 0);
}

function isBlankFrom(bytes: Buffer, start: number): boolean {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== CR && byte !== LF && byte !== 0x20) return false;
  }
  return true;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

function isHeading(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== HASH || bytes[at + 1] !== HASH) return false;
  return isDigit(bytes[at + 2]) && isDigit(bytes[at + 3]) && isDigit(bytes[at + 4]) && isDigit(bytes[at + 5]);
}

/** Where the next `##0123` begins; −1 where there is none whole. */
function headingAt(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(HASH, from); at >= 0; at = bytes.indexOf(HASH, at + 1)) {
    if (isHeading(bytes, at)) return at;
  }
  return -1;
}

/** Where bytes that may yet become a heading begin at the end; the end where there are none. */
function startOfHeading(bytes: Buffer, from: number): number {
  for (let at = Math.max(from, bytes.length - HEADING + 1); at < bytes.length; at++) {
    const rest = bytes.subarray(at);
    if (rest.every((byte, index) => (index < 2 ? byte === HASH : isDigit(byte)))) return at;
  }
  return bytes.length;
}

const DIGIT_VALUE = 0x30;
/** The length that the heading at `start` says. */
export function lengthAt(bytes: Uint8Array, start: number): number {
  let length = 0;
  for (let at = start + 2; at < start + HEADING; at++) length = length * 10 + bytes[at]! - DIGIT_VALUE;
  return length;
}

/** Where the frame that begins at `start` ends, without its CR LF; null while that can't be told. */
function endOf(bytes: Buffer, start: number, isEnd: boolean): number | null {
  const said = start + HEADING + lengthAt(bytes, start) + CHECKSUM;
  // An end before the one that is said counts where the checksum is right there.
  let tries = 0;
  for (let at = lineEnd(bytes, start + HEADING); at >= 0 && at < said; at = lineEnd(bytes, at + 1)) {
    if (!looksWhole(bytes, at) || ++tries > TRIES_MAX) continue;
    if (isRight(bytes, start, at)) return at;
  }
  if (bytes.length >= said && looksWhole(bytes, said)) return said;
  if (bytes.length < said && !isEnd) return null;
  return damagedEnd(bytes, start, isEnd);
}

function damagedEnd(bytes: Buffer, start: number, isEnd: boolean): number | null {
  const line = lineEnd(bytes, start + HEADING);
  const heading = headingAt(bytes, start + 2);
  const longest = start + FRAME_MAX;
  const ends = [line, heading].filter((at) => at >= 0 && at <= longest);
  if (ends.length > 0) return Math.min(...ends);
  const isTooLong = bytes.length >= longest + HEADING;
  return isEnd || isTooLong ? Math.min(bytes.length, longest) : null;
}

function lineEnd(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(CR, from); at >= 0; at = bytes.indexOf(CR, at + 1)) {
    if (bytes[at + 1] === LF) return at;
  }
  return -1;
}

/** Whether a segment, `&&` and four hex digits end here. */
export function looksWhole(bytes: Uint8Array, end: number): boolean {
  const check = end - CHECKSUM;
  if (bytes[check - 1] !== AMPERSAND || bytes[check - 2] !== AMPERSAND) return false;
  return checksumAt(bytes, check) !== null;
}

function isRight(bytes: Buffer, start: number, end: number): boolean {
  const segmentEnd = end - CHECKSUM;
  return checksumOf(bytes, start + HEADING, segmentEnd) === checksumAt(bytes, segmentEnd);
}

/** The four hex digits here, in either case; null where there are none. */
export function checksumAt(bytes: Uint8Array, at: number): number | null {
  let value = 0;
  for (let index = at; index < at + CHECKSUM; index++) {
    const digit = hexValue(bytes[index]);
    if (digit < 0) return null;
    value = value * 16 + digit;
  }
  return value;
}

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
