/**
 * A column of integers as few bytes: what is left of each after its neighbours have told what they can. Pure.
 *
 * A column is `order, divisor, first integers as they are, residuals`. Order 0 writes the integers, 1 their differences,
 * 2 the differences of those: whichever is shortest. A difference is divided by what all first differences share (times in whole
 * minutes). An integer's first byte holds a sign and 6 bits, each further one 7 bits; a minus without a number
 * begins a run of zeros, followed by its length.
 */

const MORE = 0x80;
const MINUS = 0x40;
/** Bytes that one integer takes at most: 53 bits. */
const INTEGER_BYTES = 8;

/** Bytes to write to; it grows. */
export class ByteWriter {
  #bytes = new Uint8Array(4096);
  length = 0;

  byte(byte: number): void {
    this.room(1);
    this.#bytes[this.length++] = byte;
  }

  /** @param size bytes that are written next. */
  room(size: number): void {
    if (this.length + size <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.length + size));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  /** @param integer safe. */
  integer(integer: number): void {
    this.room(INTEGER_BYTES);
    const sign = integer < 0 ? MINUS : 0;
    this.magnitude(integer < 0 ? -integer : integer, sign);
  }

  run(zeros: number): void {
    this.room(1 + INTEGER_BYTES);
    this.#bytes[this.length++] = MINUS;
    this.magnitude(zeros, 0);
  }

  magnitude(magnitude: number, sign: number): void {
    if (magnitude < 64) {
      this.#bytes[this.length++] = sign | magnitude;
      return;
    }
    this.#bytes[this.length++] = MORE | sign | (magnitude % 64);
    let rest = Math.floor(magnitude / 64);
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.length++] = MORE | (rest % 128);
    this.#bytes[this.length++] = rest;
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.integer(bytes.length);
    this.room(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  taken(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}

/** Bytes to read from, in the order in which they were written. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;
  /** True when `integer` has met the beginning of a run, whose length comes next. */
  isRun = false;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++]!;
  }

  integer(): number {
    const first = this.bytes[this.at++]!;
    this.isRun = first === MINUS;
    let magnitude = first & 63;
    if (first & MORE) {
      let factor = 64;
      let byte: number;
      do {
        byte = this.bytes[this.at++]!;
        magnitude += (byte & 127) * factor;
        factor *= 128;
      } while (byte & MORE);
    }
    return first & MINUS ? -magnitude : magnitude;
  }

  text(): string {
    const length = this.integer();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }
}

/** @param integers safe integers, at least one, no negative zeros. */
export function writeColumn(writer: ByteWriter, integers: readonly number[]): void {
  const first = differences(integers);
  const divisor = first ? sharedDivisor(first) : 1;
  if (divisor > 1) for (let index = 0; index < first!.length; index++) first![index]! /= divisor;
  const second = first && differences(first);
  const costs = [integers, first, second].map((one) =>
    one && one.length > 0 ? costOf(one) : Number.POSITIVE_INFINITY,
  );
  // Each higher order has one more integer in front.
  const order = costs[2]! < Math.min(costs[0]!, costs[1]!) ? 2 : costs[1]! < costs[0]! ? 1 : 0;
  writer.byte(order);
  if (order > 0) {
    writer.integer(divisor);
    writer.integer(integers[0]!);
  }
  if (order === 2) writer.integer(first![0]!);
  writeResiduals(writer, order === 0 ? integers : order === 1 ? first! : second!);
}

/** @returns `count` integers as they were written. */
export function readColumn(reader: ByteReader, count: number): number[] {
  const integers = new Array<number>(count);
  const order = reader.byte();
  if (order === 0) {
    readResiduals(reader, count, integers, 0);
    return integers;
  }
  const divisor = reader.integer();
  let value = reader.integer();
  integers[0] = value;
  if (order === 1) {
    readResiduals(reader, count, integers, 1);
    for (let index = 1; index < count; index++) integers[index] = value += integers[index]! * divisor;
    return integers;
  }
  let step = reader.integer();
  readResiduals(reader, count, integers, 2);
  if (count > 1) integers[1] = value += step * divisor;
  for (let index = 2; index < count; index++) {
    step += integers[index]!;
    integers[index] = value += step * divisor;
  }
  return integers;
}

/** Null when one of them is too large to be exact. */
function differences(integers: readonly number[]): number[] | null {
  const found = new Array<number>(Math.max(0, integers.length - 1));
  for (let index = 1; index < integers.length; index++) {
    const difference = integers[index]! - integers[index - 1]!;
    if (difference > Number.MAX_SAFE_INTEGER || difference < -Number.MAX_SAFE_INTEGER) return null;
    found[index - 1] = difference;
  }
  return found;
}

function sharedDivisor(integers: readonly number[]): number {
  let shared = 0;
  for (const integer of integers) {
    let rest = Math.abs(integer);
    while (rest !== 0) [shared, rest] = [rest, shared % rest];
    if (shared === 1) break;
  }
  return Math.max(1, shared);
}

function costOf(integers: readonly number[]): number {
  let bytes = 0;
  let isInRun = false;
  for (const integer of integers) {
    if (integer === 0) {
      if (!isInRun) bytes += 2;
      isInRun = true;
      continue;
    }
    isInRun = false;
    let rest = Math.abs(integer);
    bytes++;
    for (rest = rest < 64 ? 0 : rest / 64; rest >= 1; rest /= 128) bytes++;
  }
  return bytes;
}

function writeResiduals(writer: ByteWriter, integers: readonly number[]): void {
  for (let index = 0; index < integers.length; ) {
    const integer = integers[index]!;
    let end = index + 1;
    if (integer === 0) while (end < integers.length && integers[end] === 0) end++;
    if (end - index > 2) writer.run(end - index);
    else {
      for (let zero = index; zero < end; zero++) writer.integer(integer);
    }
    index = end;
  }
}

function readResiduals(reader: ByteReader, count: number, into: number[], from: number): void {
  for (let index = from; index < count; ) {
    const integer = reader.integer();
    if (!reader.isRun) into[index++] = integer;
    else {
      const end = index + reader.integer();
      into.fill(0, index, end);
      index = end;
    }
  }
}
