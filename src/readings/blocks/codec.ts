/**
 * Readings of one series as a block: columns, each coded by itself, under a checksum (docs/decisions/0027). Pure, and exact to the bit.
 *
 * `CRC-32 (4 bytes, little-endian; over series, first time and all that follows) · count · last time − first time · times ·
 * how values are written · values · marks · device flags, and their letters · entries`. The first time is the block's key.
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, readColumn, writeColumn } from './integer-column.ts';

/** Columns of equal length, ascending by time, at least one reading. */
export interface BlockColumns {
  /** Epoch ms. */
  times: number[];
  values: (number | null)[];
  /** Flag and censoring (`toMark`). */
  marks: number[];
  deviceFlags: (string | null)[];
  /** The entry that brought it. */
  seqs: (number | null)[];
}

const CRC_BYTES = 4;
/** Values are written as integers over a power of ten up to this. */
const DECIMALS_MAX = 9;
/** The values are doubles, as two columns of 32-bit words. */
const DOUBLES = 15;
/** Set when some have no value: a column of 0 and 1 says which. */
const HAS_HOLES = 16;
/** Set when some lie beside the decimal, as sums and conversions of units leave them: a column says by how many of their last places. */
const HAS_PLACES = 32;
const PLACES_MAX = 8;
const EXACT_MAX = 2 ** 52;

const KEY = new Float64Array(2);
const KEY_BYTES = new Uint8Array(KEY.buffer);
const DOUBLE = new Float64Array(1);
const WORDS = new Int32Array(DOUBLE.buffer);
const writer = new ByteWriter();

export function encodeBlock(series: number, columns: BlockColumns): Uint8Array {
  const { times, values, marks, deviceFlags, seqs } = columns;
  writer.clear();
  for (let index = 0; index < CRC_BYTES; index++) writer.byte(0);
  writer.integer(times.length);
  writer.integer(times.at(-1)! - times[0]!);
  writeColumn(
    writer,
    times.map((timeMs) => timeMs - times[0]!),
  );
  writeValues(values);
  writeColumn(writer, marks);
  writeDeviceFlags(deviceFlags);
  writeColumn(
    writer,
    seqs.map((seq) => (seq === null ? 0 : seq + 1)),
  );
  const body = writer.taken();
  new DataView(body.buffer).setUint32(0, checksumOf(series, times[0]!, body), true);
  return body;
}

/** Whether it is what was written for this series and first time. */
export function isSoundBlock(series: number, firstMs: number, body: Uint8Array): boolean {
  if (body.length <= CRC_BYTES) return false;
  const stored = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  return stored === checksumOf(series, firstMs, body);
}

/**
 * The block as it was written: itself, or put right where a single bit has changed, which its checksum tells from any other
 * (of damage beyond one bit one in 500,000 is taken for that). A few milliseconds then. Null: more is wrong.
 */
export function soundBlock(series: number, firstMs: number, body: Uint8Array): Uint8Array | null {
  if (isSoundBlock(series, firstMs, body)) return body;
  const mended = body.slice();
  for (let bit = 0; bit < 8 * mended.length; bit++) {
    mended[bit >> 3]! ^= 1 << (bit & 7);
    if (isSoundBlock(series, firstMs, mended)) return mended;
    mended[bit >> 3]! ^= 1 << (bit & 7);
  }
  return null;
}

/** How many readings it holds. @param body sound. */
export function countOfBlock(body: Uint8Array): number {
  return new ByteReader(body, CRC_BYTES).integer();
}

/** Time of its last reading, epoch ms. @param body sound. */
export function lastOfBlock(firstMs: number, body: Uint8Array): number {
  const reader = new ByteReader(body, CRC_BYTES);
  reader.integer();
  return firstMs + reader.integer();
}

/** @param body sound. */
export function decodeBlock(firstMs: number, body: Uint8Array): BlockColumns {
  const reader = new ByteReader(body, CRC_BYTES);
  const count = reader.integer();
  reader.integer();
  const times = readColumn(reader, count);
  for (let index = 0; index < count; index++) times[index]! += firstMs;
  const values = readValues(reader, count);
  const marks = readColumn(reader, count);
  const deviceFlags = readDeviceFlags(reader, count);
  const seqs: (number | null)[] = readColumn(reader, count);
  for (let index = 0; index < count; index++) seqs[index] = seqs[index] === 0 ? null : seqs[index]! - 1;
  return { times, values, marks, deviceFlags, seqs };
}

function checksumOf(series: number, firstMs: number, body: Uint8Array): number {
  KEY[0] = series;
  KEY[1] = firstMs;
  return crc32(body.subarray(CRC_BYTES), crc32(KEY_BYTES));
}

function writeValues(values: readonly (number | null)[]): void {
  const hasHoles = values.includes(null);
  const holes = hasHoles ? HAS_HOLES : 0;
  // A hole is written as the value before it.
  let before = values.find((value) => value !== null) ?? 0;
  const numbers = hasHoles ? values.map((value) => (before = value ?? before)) : (values as number[]);
  const decimals = decimalsOf(numbers);
  if (decimals === null) {
    writer.byte(DOUBLES | holes);
    writeColumn(writer, words(numbers, 1));
    writeColumn(writer, words(numbers, 0));
  } else writeDecimals(numbers, decimals, holes);
  if (hasHoles)
    writeColumn(
      writer,
      values.map((value) => Number(value === null)),
    );
}

function writeDecimals(numbers: readonly number[], decimals: number, holes: number): void {
  const power = 10 ** decimals;
  const integers = numbers.map((value) => Math.round(value * power) + 0);
  const places = numbers.map((value, index) => placesBeside(integers[index]! / power, value)!);
  const hasPlaces = places.some((place) => place !== 0);
  writer.byte(decimals | holes | (hasPlaces ? HAS_PLACES : 0));
  writeColumn(writer, integers);
  if (hasPlaces) writeColumn(writer, places);
}

function readValues(reader: ByteReader, count: number): (number | null)[] {
  const how = reader.byte();
  const decimals = how & DOUBLES;
  const values: (number | null)[] = readColumn(reader, count);
  if (decimals === DOUBLES) {
    const low = readColumn(reader, count);
    for (let index = 0; index < count; index++) {
      WORDS[1] = values[index]!;
      WORDS[0] = low[index]!;
      values[index] = DOUBLE[0]!;
    }
  } else if (decimals > 0) {
    const power = 10 ** decimals;
    for (let index = 0; index < count; index++) values[index]! /= power;
  }
  if (how & HAS_PLACES) {
    const places = readColumn(reader, count);
    for (let index = 0; index < count; index++) {
      if (places[index] === 0) continue;
      DOUBLE[0] = values[index]!;
      WORDS[0]! += places[index]!;
      values[index] = DOUBLE[0]!;
    }
  }
  if (how & HAS_HOLES) {
    const holes = readColumn(reader, count);
    for (let index = 0; index < count; index++) if (holes[index] === 1) values[index] = null;
  }
  return values;
}

/** How many decimals give every value, or its near neighbour; null: none do. */
function decimalsOf(values: readonly number[]): number | null {
  let decimals = 0;
  let power = 1;
  for (const value of values) {
    for (;;) {
      // What has fewer decimals is the same quotient with more of them, rounded the same.
      const integer = Math.round(value * power) + 0;
      if (Math.abs(integer) <= EXACT_MAX && placesBeside(integer / power, value) !== null) break;
      if (++decimals > DECIMALS_MAX) return null;
      power = 10 ** decimals;
    }
  }
  // More decimals make larger integers: of the first values, too.
  const isExact = values.every((value) => Math.abs(value * power) <= EXACT_MAX);
  return isExact ? decimals : null;
}

/** How far a value lies from what its decimal gives, in its last places; null: too far. */
function placesBeside(decimal: number, value: number): number | null {
  if (Object.is(decimal, value)) return 0;
  DOUBLE[0] = decimal;
  const [low, high] = WORDS as unknown as [number, number];
  DOUBLE[0] = value;
  const places = WORDS[0]! - low;
  return WORDS[1] === high && Math.abs(places) <= PLACES_MAX ? places : null;
}

function words(values: readonly number[], which: 0 | 1): number[] {
  return values.map((value) => {
    DOUBLE[0] = value;
    return WORDS[which]!;
  });
}

function writeDeviceFlags(deviceFlags: readonly (string | null)[]): void {
  const numbers = new Map<string | null, number>([[null, 0]]);
  writeColumn(
    writer,
    deviceFlags.map((letter) => numbers.getOrInsertComputed(letter, () => numbers.size)),
  );
  for (const letter of numbers.keys()) if (letter !== null) writer.text(letter);
}

function readDeviceFlags(reader: ByteReader, count: number): (string | null)[] {
  const flags: (string | number | null)[] = readColumn(reader, count);
  const letters: (string | null)[] = [null];
  for (let index = 0; index < count; index++) {
    const number = flags[index] as number;
    // Numbers were given in the order of their first use.
    while (letters.length <= number) letters.push('');
  }
  for (let number = 1; number < letters.length; number++) letters[number] = reader.text();
  for (let index = 0; index < count; index++) flags[index] = letters[flags[index] as number]!;
  return flags as (string | null)[];
}
