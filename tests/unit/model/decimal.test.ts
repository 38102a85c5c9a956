/** What was computed is at a decimal limit when only binary noise parts the two; what was measured beyond it is beyond it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '#ingest/ring.ts';
import { compareChange, settled, signOfSum } from '#model/decimal.ts';
import { FAIL, GOOD, SUSPECT } from '#model/flag.ts';
import { attenuatedRange } from '#quality/attenuated.ts';
import { neighbour } from '#quality/companions.ts';
import { finalFlags, NO_TESTS } from '#quality/final.ts';
import { flatLine } from '#quality/flat-line.ts';
import { rateOfChange, spike } from '#quality/tests.ts';
import type { Thresholds } from '#quality/thresholds.ts';

const MIN = 60_000;

/** A decimal with so many places: what a gateway sends. */
const decimal = (places: number) =>
  fc.integer({ min: -9_999_999, max: 9_999_999 }).map((digits) => Number(`${digits}e-${places}`));

describe('a difference of decimals', () => {
  it('is compared as people compare it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), fc.integer(), fc.integer(), fc.integer(), (places, a, b, c) => {
        // Whole numbers are exact: what they say of the order is the truth.
        const [one, other, limit] = [a % 1e6, b % 1e6, Math.abs(c % 1e6)];
        const [x, y, z] = [one, other, limit].map((digits) => Number(`${digits}e-${places}`)) as [
          number,
          number,
          number,
        ];
        const difference = Math.abs(one - other);
        expect(compareChange(x, y, z)).toBe(Math.sign(difference - limit));
        expect(compareChange(x, y, z, 900, 3600)).toBe(Math.sign(difference * 900 - limit * 3600));
      }),
    );
  });

  it('of large numbers carries their noise, and no more', () => {
    expect(compareChange(7999.3, 7999.4, 0.1)).toBe(0);
    expect(compareChange(0.3, 0.4, 0.1)).toBe(0);
    expect(compareChange(1_000_000, 1_000_000.1, 0.1)).toBe(0);
    expect(compareChange(0.3, 0.40001, 0.1)).toBe(1);
    expect(compareChange(0, 1e-9 + 1e-15, 1e-9)).toBe(1);
    expect(compareChange(5, 5, 0)).toBe(0);
    expect(compareChange(5, 6, Number.POSITIVE_INFINITY)).toBe(-1);
    // 10 in 900 s is more than 0.01111111111111111 a second, if by one part in 10¹⁶ only.
    expect(compareChange(10, 0, 0.01111111111111111, 1, 900)).toBe(1);
  });

  it('is a sum of products', () => {
    // 0.07 × 100 is 7.000000000000001 in doubles.
    const few = [
      [1, 7],
      [-0.07, 100],
    ] as const;
    expect(signOfSum(few)).toBe(0);
  });

  it('settles what was added up', () => {
    expect(settled((0.1 + 0.1 + 0.1) / 3)).toBe(0.1);
    expect(settled(0)).toBe(0);
  });
});

describe('a value at the threshold passes', () => {
  it('of a spike: 0.3, 0.4, 0.3 with 0.1', () => {
    expect(spike(0.3, 0.4, 0.3, [0.1, 0.2], 'differential')).toBe(GOOD);
    expect(spike(0.3, 0.4, 0.3, [0.1, 0.2], 'average')).toBe(GOOD);
    expect(spike(0.3, 0.401, 0.3, [0.1, 0.2], 'differential')).toBe(SUSPECT);
    expect(spike(0.1, 0.3, 0.1, [0.1, 0.2], 'differential')).toBe(SUSPECT);
    expect(spike(0.1, 0.301, 0.1, [0.1, 0.2], 'differential')).toBe(FAIL);
  });

  it('of a rate, a span, a spread', () => {
    expect(rateOfChange(0.3, 0.4, 1, [0.1, 0.2], 1)).toBe(GOOD);
    expect(rateOfChange(0.3, 0.4, 15 * MIN, [0.4, 0.8], 60 * MIN)).toBe(GOOD);
    const times = [0, 1, 2, 3].map((n) => n * 15 * MIN);
    const test = { tolerance: 0.1, suspectMs: 30 * MIN, failMs: 45 * MIN };
    // 1 less 0.9 is a little less than 0.1 in doubles.
    expect(flatLine(times, [0.9, 1, 0.9, 1], test, 15 * MIN, 45 * MIN)).toEqual([GOOD, GOOD, GOOD, GOOD]);
    expect(flatLine(times, [0.9, 0.95, 0.9, 0.95], test, 15 * MIN, 45 * MIN)).toEqual([GOOD, GOOD, SUSPECT, FAIL]);
    const attenuated = { periodMs: null, valuesMin: 2, suspect: 0.1, fail: 0.05 };
    expect(attenuatedRange(times, [0.9, 1, 0.9, 1], attenuated)).toEqual([GOOD, GOOD, GOOD, GOOD]);
    const own = { timesMs: [0], values: [0.4] };
    expect(neighbour(own, { timesMs: [0], values: [0.3] }, { span: 0.1, holeMs: MIN })).toEqual([GOOD]);
  });

  it('at the door as at the close of the hour', () => {
    const thresholds: Thresholds = { ...NO_TESTS, spike: [0.1, 0.2], ratePerHour: [0.4, 0.8] };
    const values = [0.3, 0.4, 0.3, 0.4, 0.3];
    const ring = new Ring(Number.NEGATIVE_INFINITY);
    const provisional = values.map((value, i) =>
      ring.take(1, i * 15 * MIN, { value, deviceFlag: null }, thresholds, null),
    );
    // Of the first one there is nothing to compare with.
    expect(provisional.slice(1).map((taken) => (taken as { flag: number }).flag)).toEqual([GOOD, GOOD, GOOD, GOOD]);
    const window = values.map((value, i) => ({ timeMs: i * 15 * MIN, value, deviceFlag: null }));
    expect(finalFlags(window, thresholds)).toEqual([GOOD, GOOD, GOOD, GOOD, GOOD]);
  });

  it('whatever decimals it is made of', () => {
    fc.assert(
      fc.property(decimal(3), decimal(3), (level, step) => {
        fc.pre(step !== 0);
        // The value as it would be sent, not as it comes of adding.
        const value = Number((level + step).toFixed(3));
        expect(spike(level, value, level, [Math.abs(step), Math.abs(step)], 'differential')).toBe(GOOD);
        const more = Number((level + step + Math.sign(step) / 1000).toFixed(3));
        expect(spike(level, more, level, [Math.abs(step), Math.abs(step)], 'differential')).toBe(FAIL);
      }),
    );
  });
});
