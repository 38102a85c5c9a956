/** What final flags promise: no dependence on how a window is cut, and every test's verdict beside the roll-up. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Flag } from '#model/flag.ts';
import { explainedFlags, type FlaggableReading, finalFlags, reachBackMs, reachForwardMs } from '#quality/final.ts';
import type { Thresholds } from '#quality/thresholds.ts';

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
    expect(flags(sent, { fail: [0, 14] })).toEqual([1, 3, 4, 3, 1, 4, 3, 4, 4]);
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
          still: fc.constantFrom(undefined, [6.9, 7.1] as [number, number]),
          afterJump: fc.boolean(),
        }),
      ),
      climatology: fc.constantFrom(undefined, [{ months: [1, 12] as const, suspect: [0, 7.5] as const }]),
      attenuated: fc.option(
        fc.record({
          periodMs: fc.integer({ min: 1, max: 180 * MINUTE }),
          valuesMin: fc.integer({ min: 2, max: 6 }),
          suspect: fc.constantFrom(0.5, 2),
          fail: fc.constantFrom(0.0005, 0.5),
        }),
        { nil: undefined },
      ),
    });
    const arbitraryReadings = fc
      .array(
        fc.record({
          gapMs: fc.oneof({ weight: 8, arbitrary: fc.constant(FIVE) }, fc.integer({ min: 1, max: 100 * MINUTE })),
          value: fc.oneof(
            { weight: 6, arbitrary: fc.constantFrom(7, 7.001, 8, 13) },
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
        expect(explainedFlags(window, thresholds).map(({ flag }) => flag)).toEqual(cut);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a value that leaps and then stands still', () => {
  const flat = { tolerance: 0.001, suspectMs: 30 * MINUTE, failMs: 60 * MINUTE, afterJump: true };
  const by = { fail: [-1, 45] as [number, number], spike: [5, 10] as [number, number], flat };

  test('is suspect from the leap on, and no reason to doubt what comes back', () => {
    expect(flags([13, 13.1, 0, 0, 0, 13.2, 13.2, 13.3], by)).toEqual([1, 1, 3, 3, 3, 1, 1, 1]);
    expect(flags([13, 13.1, 0, 0, 0, null, 13.2, 13.2], by)).toEqual([1, 1, 3, 3, 3, 9, 1, 1]);
  });

  test('is water if it moves, and a spike if it is alone', () => {
    expect(flags([13, 13.1, 3, 3.1, 3, 3.1], by)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(flags([13, 13.1, 0, 13.2, 13.2], by)).toEqual([1, 1, 4, 1, 1]);
  });

  test('is believed where nobody asked for it', () => {
    expect(flags([13, 13.1, 0, 0, 0, 0], { ...by, flat: { ...flat, afterJump: false } })).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('ice may stand still for days', () => {
    const ice = { ...by, flat: { ...flat, still: [-0.3, 0.3] as [number, number] } };
    expect(flags([0.4, ...new Array<number>(40).fill(-0.02)], ice)).toEqual(new Array(41).fill(1));
    expect(flags([0.4, ...new Array<number>(12).fill(0.5)], ice).slice(-1)).toEqual([3]);
  });
});

describe('a flat line', () => {
  test('is none where nobody looked: half of the records at least must hold a value', () => {
    const flat = { tolerance: 0.001, suspectMs: 30 * MINUTE, failMs: 60 * MINUTE };
    const missing = new Array<null>(12).fill(null);
    expect(flags([15, ...missing, 15, 15], { flat }).slice(-2)).toEqual([1, 1]);
    expect(flags([15, null, 15, null, 15, null, 15], { flat }).at(-1)).toBe(3);
  });
});

describe('explainedFlags', () => {
  test('what each test said, beside the roll-up; a test that is not made is not listed', () => {
    const window = [5, 5.1, 9, 5, 30].map((value, i) => ({
      timeMs: i * FIVE,
      value,
      deviceFlag: i === 3 ? 'T' : null,
    }));
    const by = { ...NO_TESTS, fail: [0, 14] as const, spike: [1, 10] as const, ratePerHour: [40, 100] as const };
    expect(explainedFlags(window, by)).toEqual([
      { flag: 1, tests: { grossRange: 1, spike: 2, rateOfChange: 1 }, letter: null, timeGap: 1 },
      { flag: 1, tests: { grossRange: 1, spike: 1, rateOfChange: 1 }, letter: null, timeGap: 1 },
      { flag: 3, tests: { grossRange: 1, spike: 3, rateOfChange: 3 }, letter: null, timeGap: 1 },
      { flag: 3, tests: { grossRange: 1, spike: 2, rateOfChange: 3, device: 3 }, letter: 'suspect', timeGap: 1 },
      { flag: 4, tests: { grossRange: 4, spike: 2, rateOfChange: 2 }, letter: null, timeGap: 1 },
    ]);
  });

  test('a gap is told and held against nobody; missing is 9 throughout', () => {
    const window = [
      { timeMs: 0, value: 5, deviceFlag: null },
      { timeMs: 10 * FIVE, value: 90, deviceFlag: null, pinned: 1 as const },
      { timeMs: 11 * FIVE, value: null, deviceFlag: null },
    ];
    const flat = { tolerance: 0.001, suspectMs: 30 * MINUTE, failMs: 60 * MINUTE };
    expect(explainedFlags(window, { ...NO_TESTS, fail: [0, 14], flat })).toEqual([
      { flag: 1, tests: { grossRange: 1, flatLine: 1 }, letter: null, timeGap: 4 },
      { flag: 1, tests: { grossRange: 4, flatLine: 1 }, letter: null, timeGap: 4 },
      { flag: 9, tests: { grossRange: 9, flatLine: 9 }, letter: null, timeGap: 1 },
    ]);
  });

  test('the time of the year and a signal that has died away', () => {
    const climatology = [{ months: [1, 1] as const, suspect: [0, 7] as const, fail: [0, 9] as const }];
    const attenuated = { periodMs: 20 * MINUTE, valuesMin: 3, suspect: 1, fail: 0.1 };
    const values = [8, 6, 9.5, 6, 6.2, 6.3, 6.2];
    const window = values.map((value, i) => ({ timeMs: i * FIVE, value, deviceFlag: null }));
    const found = explainedFlags(window, { ...NO_TESTS, climatology, attenuated });
    expect(found.map(({ tests }) => tests.climatology)).toEqual([3, 1, 4, 1, 1, 1, 1]);
    expect(found.map(({ tests }) => tests.attenuatedSignal)).toEqual([2, 2, 2, 1, 3, 3, 3]);
    expect(found.map(({ flag }) => flag)).toEqual([3, 1, 4, 1, 3, 3, 3]);
  });
});
