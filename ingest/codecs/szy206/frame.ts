/**
 * Frames of SZY 206-2016 and SL/T 427-2021: `68 L 68`, control byte C, address of 5 bytes, function AFN, data, checksum, `16`.
 * L counts from C to before the checksum.
 */
import type { Fault } from '#model/faults.ts';
import { hexIn } from '../bcd.ts';
import { shortened } from '../codec.ts';
import { type FrameShape, framerOf, type Piece, piecesIn, unhexedAs } from '../framing.ts';

const START = 0x68;
const END = 0x16;
/** `68 L 68`, checksum and `16`. */
const OVERHEAD = 5;
/** C, address, AFN. */
const LEAST = 7;

export interface Frame {
  isDownlink: boolean;
  /** Low half of C: what kind of values. */
  type: number;
  /** Ten hex digits, upper case. */
  address: string;
  afn: number;
  data: Uint8Array;
  /** Of a message that was split: frames that are still to come, and this one; null of one that wasn't. */
  countdown: number | null;
  control: number;
  stated: number;
  length: number;
}

const TABLE = Uint8Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0xe5) & 0xff : (crc << 1) & 0xff;
  return crc;
});

/** CRC-8, polynomial x^7+x^6+x^5+x^2+1 written E5, initial value 0, most significant bit first; "123456789" → F7. */
export function crc8(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  let crc = 0;
  for (let at = from; at < to; at++) crc = TABLE[crc ^ bytes[at]!]!;
  return crc;
}

function measured(bytes: Uint8Array, at: number): number | 'more' | 'none' {
  const [start, length, again] = [bytes[at], bytes[at + 1], bytes[at + 2]];
  if (start !== START || (again !== undefined && again !== START)) return 'none';
  if (length === undefined || again === undefined) return 'more';
  return length < LEAST ? 'none' : length + OVERHEAD;
}

/** Whether bytes from 68 to 16 are a frame, whatever length it says. */
export function isSound(bytes: Uint8Array): boolean {
  if (bytes.length < LEAST + OVERHEAD || bytes[0] !== START || bytes[2] !== START || bytes.at(-1) !== END) return false;
  return crc8(bytes, 3, bytes.length - 2) === bytes.at(-2);
}

const SHAPE: FrameShape = {
  startIn(bytes, from) {
    for (let at = bytes.indexOf(START, from); at >= 0; at = bytes.indexOf(START, at + 1)) {
      if (at + 2 >= bytes.length || bytes[at + 2] === START) return at;
    }
    return -1;
  },
  measured,
  isSound,
  least: LEAST + OVERHEAD,
};

export const framer = () => framerOf(SHAPE);

/** All that is in a payload. */
export function framesIn(payload: Uint8Array): Piece<Frame>[] {
  const bytes = payload[0] === 0x36 ? unhexedAs(payload, /^68..68/) : payload;
  return piecesIn(bytes, SHAPE, frameIn);
}

/** A frame's fields; null where it is shorter than the shortest. Of damaged frames anything may be wrong. */
export function frameIn(bytes: Uint8Array): Frame | null {
  if (bytes.length < LEAST + OVERHEAD || bytes[0] !== START) return null;
  const control = bytes[3]!;
  const isSplit = (control & 0x40) !== 0;
  const at = isSplit ? 5 : 4;
  return {
    isDownlink: (control & 0x80) === 0,
    type: control & 0x0f,
    address: hexIn(bytes, at, at + 5),
    afn: bytes[at + 5]!,
    data: bytes.subarray(at + 6, -2),
    countdown: isSplit ? bytes[4]! : null,
    control,
    stated: bytes[1]! + OVERHEAD,
    length: bytes.length,
  };
}

export function frameOf(
  control: number,
  address: string,
  afn: number,
  data: Uint8Array | readonly number[],
): Uint8Array {
  const inner = Buffer.from([control, ...Buffer.from(address, 'hex'), afn, ...data]);
  return Buffer.from([START, inner.length, START, ...inner, crc8(inner), END]);
}

/** What is wrong with a frame that isn't sound. */
export function faultOf(bytes: Uint8Array): Fault {
  const stated = measured(bytes, 0);
  if (typeof stated !== 'number') {
    const head = shortened(Buffer.from(bytes.subarray(0, 24)).toString('hex').toUpperCase());
    const message = `These ${bytes.length} bytes are no frame of SZY 206, which begins 68 L 68: ${head}.`;
    return { code: 'message.malformed', message };
  }
  if (bytes.length !== stated || bytes.at(-1) !== END) {
    const message = `The frame has ${bytes.length} bytes where its length says ${stated} with a 16 at the end, and its checksum is not right.`;
    return { code: 'message.malformed', message };
  }
  const covered = bytes.subarray(3, -2);
  const [sent, right] = [bytes.at(-2)!, crc8(covered)];
  const variant = variantOf(sent, covered);
  const message = `The checksum is ${hexOf(sent)}, right were ${hexOf(right)}${variant ? `: it is ${variant}` : ''}.`;
  return { code: 'message.checksum', message };
}

function variantOf(sent: number, covered: Uint8Array): string | null {
  const ways: [string, number][] = [
    ['a sum of bytes, as DL/T 645 has it', covered.reduce((sum, byte) => (sum + byte) & 0xff, 0)],
    ['CRC-8 with polynomial 07', crc8Of(covered, 0x07)],
    ['CRC-8 with polynomial 31', crc8Of(covered, 0x31)],
    ['a CRC-8 of E5 over the length, too', crc8(Buffer.from([covered.length, START, ...covered]))],
  ];
  return ways.find(([, crc]) => crc === sent)?.[0] ?? null;
}

function crc8Of(bytes: Uint8Array, polynomial: number): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ polynomial) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
}

export const hexOf = (byte: number) => `${byte.toString(16).padStart(2, '0').toUpperCase()}H`;
