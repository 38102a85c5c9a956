/** The QARTOD tests against ioos_qc's own vectors, and what final flags promise: no dependence on how a window is cut. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Flag } from '#model/flag.ts';
import { type FlaggableReading, finalFlags, reachBackMs, reachForwardMs } from '#quality/final.ts';
import { flatLine, grossRange, rateOfChange, rollUp, spike } from '#quality/tests.ts';
import type { Thresholds } from '#quality/thresholds.ts';

interface Vector {
  test: string;
  inp: (number | null)[];
  expected: Flag[];
  fail_span: [number, number];
  suspect_span: [number, number];
  suspect_threshold: number;
  fail_threshold: number;
  step_s: number;
  threshold_per_s: number;
  fail_threshold_per_s?: number;
  suspect_threshold_s: number;
  fail_threshold_s: number;
  tolerance: number;
  vectors: Flag[][];
}

const evaluate: Record<string, (vector: Vector) => Flag[]> = {
  gross_range: ({ inp, fail_span, suspect_span }) => each(inp, (value) => grossRange(value, fail_span, suspect_span)),
  spike_average: (vector) => spikes(vector, 'average'),
  spike_differential: (vector) => spikes(vector, 'differential'),
  rate_of_change: ({ inp, step_s, threshold_per_s, fail_threshold_per_s }) =>
    each(inp, (value, i) =>
      rateOfChange(
        inp[i - 1] ?? null,
        value,
        step_s,
        [threshold_per_s, fail_threshold_per_s ?? Number.POSITIVE_INFINITY],
        1,
      ),
    ),
  flat_line: ({ inp, step_s, suspect_threshold_s, fail_threshold_s, tolerance }) =>
    flatLine(
      inp.map((_, i) => i * step_s * 1000),
      inp,
      { tolerance, suspectMs: suspect_threshold_s * 1000, failMs: fail_threshold_s * 1000 },
      step_s * 1000,
      3 * step_s * 1000,
    ),
  aggregate: ({ vectors }) => vectors[0]!.map((_, i) => rollUp(vectors.map((flags) => flags[i]!))),
};

function each(values: (number | null)[], flag: (value: number, i: number) => Flag): Flag[] {
  return values.map((value, i) => (value === null ? 9 : flag(value, i)));
}

function spikes({ inp, suspect_threshold, fail_threshold }: Vector, method: 'average' | 'differential'): Flag[] {
  return each(inp, (value, i) =>
    spike(inp[i - 1] ?? null, value, inp[i + 1] ?? null, [suspect_threshold, fail_threshold], method),
  );
}

const vectorFile = resolve('../shared/domain/qc-vectors.json');

describe.skipIf(!existsSync(vectorFile))('ioos_qc vectors (skipped where the domain notes are absent)', () => {
  const vectors = existsSync(vectorFile)
    ? (JSON.parse(readFileSync(vectorFile, 'utf8')) as { vectors: Vector[] }).vectors.filter((v) => v.test in evaluate)
    : [];
  test('there are vectors for every test that we have', () => {
    expect(new Set(vectors.map((vector) => vector.test))).toEqual(new Set(Object.keys(evaluate)));
  });
  test.each(vectors.map((vector, i) => [`${i} ${vector.test}`, vector] as const))('%s', (_, vector) => {
    expect(evaluate[vector.test]!(vector)).toEqual(vector.expected);
  });
});

const MINUTE = 60_000;
const FIVE = 5 * MINUTE;
const NO_TESTS: Thresholds = {
  fail: null,
  suspect: null,
  ratePerHour: null,
  rateLeastStep: 0,
  spike: null,
  flat: null,
  intervalMs: FIVE,
  holeMs: 3 * FIVE,
};

function flags(values: (number | null | [number, string])[], thresholds: Partial<Thresholds>, stepMs = FIVE): Flag[] {
  const window = values.map((value, i): FlaggableReading => {
    const timeMs = i * stepMs;
    return Array.isArray(value)
      ? { timeMs, value: value[0], deviceFlag: value[1] }
      : { timeMs, value, deviceFlag: null };
  });
  return finalFlags(window, { ...NO_TESTS, ...thresholds });
}

describe('finalFlags', () => {
  test('nothing configured: not evaluated; missing is 9', () => {
    expect(flags([1, null, 2], {})).toEqual([2, 9, 2]);
  });

  test('a step is flagged by rate, the plateau after it is not', () => {
    expect(flags([5, 5.1, 9, 9.1, 9, 9.1], { ratePerHour: [20, 100] })).toEqual([1, 1, 3, 1, 1, 1]);
    expect(flags([5, 5.1, 9, 9.1, 9, 9.1], { spike: [1, 2], fail: [0, 14] })).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('a spike is flagged alone', () => {
    expect(flags([5, 5.1, 9, 5, 5.1], { spike: [1, 10], fail: [0, 14] })).toEqual([1, 1, 3, 1, 1]);
  });

  test('what failed by itself is no neighbour: neither a sentinel nor a calibration makes the next value jump', () => {
    expect(flags([5, -999, 5.1, [12, 'C'], 5.2], { fail: [0, 14], ratePerHour: [2, 4] })).toEqual([1, 4, 1, 4, 1]);
  });

  test('the device only worsens: letters, numbers, unknown letters', () => {
    const sent: [number, string][] = [
      [5, 'N'],
      [5, 'T'],
      [5, 'M'],
      [5, '3'],
      [5, '1'],
      [5, '9'],
      [5, 'Q'],
      [99, 'Q'],
      [99, '1'],
    ];
    expect(flags(sent, { fail: [0, 14] })).toEqual([1, 3, 4, 3, 1, 4, 2, 4, 4]);
    expect(flags(sent.slice(0, 5), {})).toEqual([2, 3, 4, 3, 2]);
  });

  test('an engineer’s flag stands over everything, save that missing stays missing', () => {
    const window = [
      { timeMs: 0, value: 99, deviceFlag: 'M', pinned: 1 },
      { timeMs: FIVE, value: 5, deviceFlag: null, pinned: 4 },
      { timeMs: 2 * FIVE, value: null, deviceFlag: null, pinned: 1 },
    ] as const;
    expect(finalFlags(window, { ...NO_TESTS, fail: [0, 14] })).toEqual([1, 4, 9]);
  });

  test('readings further apart than a hole are no neighbours', () => {
    const pair = (apartMs: number) =>
      finalFlags(
        [
          { timeMs: 0, value: 0, deviceFlag: null },
          { timeMs: apartMs, value: 50, deviceFlag: null },
        ],
        { ...NO_TESTS, ratePerHour: [1, 2] },
      )[1];
    expect([pair(3 * FIVE), pair(3 * FIVE + 1)]).toEqual([4, 1]);
  });

  test('a change of exactly the threshold passes, and a small step is no matter of rate', () => {
    expect(flags([0, 2, 4.0001], { ratePerHour: [24, 48] })).toEqual([1, 1, 3]);
    expect(flags([0, 2, 4.0001], { ratePerHour: [1, 2], rateLeastStep: 2.1 })).toEqual([1, 1, 1]);
  });

  test('a stuck sensor is suspect, then failed; a hole ends what is known', () => {
    const flat = { tolerance: 0.001, suspectMs: 20 * MINUTE, failMs: 40 * MINUTE };
    expect(flags([7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 7.9], { flat })).toEqual([1, 1, 1, 1, 1, 3, 3, 3, 3, 4, 4, 1]);
    const split = [0, 1, 2, 3, 10, 11, 12, 13, 14].map((i) => ({ timeMs: i * FIVE, value: 8, deviceFlag: null }));
    expect(finalFlags(split, { ...NO_TESTS, flat })).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 3]);
  });

  test('flags do not depend on where the window is cut, as long as it holds the reach', () => {
    const pair = fc.tuple(fc.double({ min: 0.1, max: 5, noNaN: true }), fc.double({ min: 5, max: 20, noNaN: true }));
    const maybe = fc.option(pair) as fc.Arbitrary<[number, number] | null>;
    const arbitraryThresholds: fc.Arbitrary<Thresholds> = fc.record({
      fail: fc.constantFrom(null, [-5, 30] as [number, number]),
      suspect: fc.constantFrom(null, [0, 20] as [number, number]),
      ratePerHour: maybe,
      spike: maybe,
      rateLeastStep: fc.constantFrom(0, 1),
      intervalMs: fc.constant(FIVE),
      holeMs: fc.constantFrom(15 * MINUTE, 60 * MINUTE),
      flat: fc.option(
        fc.record({
          tolerance: fc.constantFrom(0.01, 1),
          suspectMs: fc.integer({ min: 1, max: 90 * MINUTE }),
          failMs: fc.integer({ min: 1, max: 180 * MINUTE }),
        }),
      ),
    });
    const arbitraryReadings = fc
      .array(
        fc.record({
          gapMs: fc.oneof({ weight: 8, arbitrary: fc.constant(FIVE) }, fc.integer({ min: 1, max: 100 * MINUTE })),
          value: fc.oneof(
            { weight: 6, arbitrary: fc.constantFrom(7, 7.001, 8) },
            fc.double({ min: -10, max: 40, noNaN: true }),
            fc.constant(null),
          ),
          deviceFlag: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constantFrom('M', 'T', 'Q')),
        }),
        { minLength: 1, maxLength: 120 },
      )
      .map((list) => {
        let timeMs = 0;
        return list.map(({ gapMs, value, deviceFlag }) => {
          timeMs += gapMs;
          return { timeMs, value, deviceFlag };
        });
      });
    fc.assert(
      fc.property(arbitraryReadings, arbitraryThresholds, fc.nat(), fc.nat(), (readings, thresholds, a, b) => {
        const whole = finalFlags(readings, thresholds);
        const [first, last] = [a % readings.length, b % readings.length].sort((x, y) => x - y) as [number, number];
        const from = readings[first]!.timeMs - reachBackMs(thresholds);
        const to = readings[last]!.timeMs + reachForwardMs(thresholds);
        const window = readings.filter(({ timeMs }) => timeMs >= from && timeMs <= to);
        const cut = finalFlags(window, thresholds);
        const offset = window.indexOf(readings[first]!);
        expect(cut.slice(offset, offset + last - first + 1)).toEqual(whole.slice(first, last + 1));
      }),
      { numRuns: 1000 },
    );
  });
});
