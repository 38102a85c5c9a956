/** Blocks of readings: whatever the readings are, they come back to the bit, and no changed bit goes unnoticed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BlockColumns,
  decodeBlock,
  encodeBlock,
  isSoundBlock,
  lastOfBlock,
  soundBlock,
} from '#readings/blocks/codec.ts';
import { ByteReader, ByteWriter, readColumn, writeColumn } from '#readings/blocks/integer-column.ts';

const SERIES = 7;
const T = Date.UTC(2026, 10, 22);

const value = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, 0.1 + 0.2, 5e-324, -1e300, 2 ** 53, 1 / 3, Number.POSITIVE_INFINITY, -1.5),
  fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 1000),
  fc.integer({ min: -1e6, max: 1e6 }).map((n) => 7 + n * 0.001),
  fc.constant(null),
);
const one = fc.record({
  value,
  mark: fc.integer({ min: 0, max: 63 }),
  deviceFlag: fc.option(
    fc.oneof(fc.constantFrom('N', 'M', '', '检修'), fc.string({ unit: 'binary' }).filter(isWellFormed)),
  ),
  seq: fc.option(fc.maxSafeNat().filter((seq) => seq < Number.MAX_SAFE_INTEGER)),
});
const times = fc.oneof(
  fc.uniqueArray(fc.integer({ min: T - 1e6, max: T + 1e9 }), { minLength: 1, maxLength: 80 }),
  fc.uniqueArray(
    fc.integer({ min: -1e6, max: 1e6 }).map((n) => n * 60_000),
    { minLength: 1, maxLength: 80 },
  ),
  fc.uniqueArray(fc.integer({ min: -4e15, max: 4e15 }), { minLength: 1, maxLength: 8 }),
);
const columns = times.chain((found) =>
  fc.array(one, { minLength: found.length, maxLength: found.length }).map(
    (rows): BlockColumns => ({
      times: found.toSorted((a, b) => a - b),
      values: rows.map((row) => row.value),
      marks: rows.map((row) => row.mark),
      deviceFlags: rows.map((row) => row.deviceFlag),
      seqs: rows.map((row) => row.seq),
    }),
  ),
);

function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}

describe('a column of integers', () => {
  it('comes back, whatever it holds', () => {
    const integer = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer({ min: -70, max: 70 }),
      fc.constant(0),
      fc.integer({ min: -100, max: 100 }).map((n) => n * 60_000),
    );
    fc.assert(
      fc.property(
        fc.array(
          integer.map((n) => n + 0),
          { minLength: 1, maxLength: 200 },
        ),
        (integers) => {
          const writer = new ByteWriter();
          writeColumn(writer, integers);
          const reader = new ByteReader(writer.taken(), 0);
          expect(readColumn(reader, integers.length)).toEqual(integers);
          expect(reader.at).toBe(writer.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes six bytes for a day of minutes', () => {
    const writer = new ByteWriter();
    writeColumn(
      writer,
      Array.from({ length: 1440 }, (_, minute) => minute * 60_000),
    );
    expect(writer.length).toBeLessThanOrEqual(10);
  });
});

describe('a block', () => {
  it('gives any readings back to the bit', () => {
    fc.assert(
      fc.property(columns, (readings) => {
        const body = encodeBlock(SERIES, readings);
        const firstMs = readings.times[0]!;
        expect(isSoundBlock(SERIES, firstMs, body)).toBe(true);
        expect(lastOfBlock(firstMs, body)).toBe(readings.times.at(-1));
        const decoded = decodeBlock(firstMs, body);
        expect(decoded.values.every((found, index) => Object.is(found, readings.values[index]))).toBe(true);
        expect(decoded).toEqual(readings);
      }),
      { numRuns: 500 },
    );
  });

  it('takes two bytes a reading for values that units were converted of', () => {
    const count = 400;
    const numbers = Array.from({ length: count }, (_, n) => n);
    const readings = (value: (n: number) => number): BlockColumns => ({
      times: numbers.map((n) => T + n * 600_000),
      values: numbers.map(value),
      marks: numbers.map(() => 1),
      deviceFlags: numbers.map(() => 'N'),
      seqs: numbers.map((n) => 5 + n * 30),
    });
    const moving = (n: number) => 350 + Math.round(20 * Math.sin(n / 9));
    expect(
      encodeBlock(
        SERIES,
        readings((n) => moving(n) / 100),
      ).length / count,
    ).toBeLessThan(1.2);
    const converted = readings((n) => moving(n) * 0.001);
    expect(converted.values.some((value, n) => value !== moving(n) / 1000)).toBe(true);
    expect(encodeBlock(SERIES, converted).length / count).toBeLessThan(2.2);
    // Doubles that no decimal gives.
    expect(
      encodeBlock(
        SERIES,
        readings((n) => Math.sin(n)),
      ).length / count,
    ).toBeLessThan(10);
  });

  it('is not believed with any bit changed, but put right, nor believed for another series or time', () => {
    const readings: BlockColumns = {
      times: [T, T + 60_000, T + 120_000],
      values: [7.25, null, 7.5],
      marks: [1, 9, 1],
      deviceFlags: ['N', null, 'N'],
      seqs: [4, 5, null],
    };
    const body = encodeBlock(SERIES, readings);
    for (let bit = 0; bit < body.length * 8; bit++) {
      const changed = body.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(isSoundBlock(SERIES, T, changed)).toBe(false);
      expect(soundBlock(SERIES, T, changed)).toEqual(body);
      changed[((bit >> 3) + 5) % body.length]! ^= 3;
      expect(soundBlock(SERIES, T, changed)).toBeNull();
    }
    expect(soundBlock(SERIES, T, body)).toBe(body);
    expect(isSoundBlock(SERIES + 1, T, body)).toBe(false);
    expect(isSoundBlock(SERIES, T + 1, body)).toBe(false);
    expect(isSoundBlock(SERIES, T, body.subarray(0, 3))).toBe(false);
  });
});
