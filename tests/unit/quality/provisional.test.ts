import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '#ingest/ring.ts';
import type { Flag } from '#model/flag.ts';
import type { Standard } from '#model/reference.ts';
import { worsened } from '#quality/provisional.ts';
import { effectiveThresholds, type Thresholds } from '#quality/thresholds.ts';
import { loadReference } from '#seeds/reference.ts';
import { aStation, parameter } from '#tests/helpers/ingest/door.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function thresholds(rest: Partial<Thresholds> = {}): Thresholds {
  const none = { fail: null, suspect: null, ratePerHour: null, spike: null, flat: null };
  return { ...none, rateLeastStep: 0, intervalMs: 5 * MINUTE_MS, holeMs: 15 * MINUTE_MS, ...rest };
}

type Sent = number | null | { value: number; flag: string };

/** Flags of values sent in order, one an interval. */
function flagsOf(
  values: readonly Sent[],
  by: Thresholds,
  ring = new Ring(Number.NEGATIVE_INFINITY),
  startMs = 0,
): Flag[] {
  return values.map((sent, index) => {
    const { value, flag } = typeof sent === 'object' && sent !== null ? sent : { value: sent, flag: null };
    return ring.take(1, startMs + index * by.intervalMs, { value, deviceFlag: flag }, by, null).flag;
  });
}

describe('gross range', () => {
  it('as in ioos_qc, ends inclusive', () => {
    const by = thresholds({ fail: [10, 50], suspect: [20, 40] });
    expect(flagsOf([5, 10, 15, 20, 25, 30, 35, 40, 45, 51], by)).toEqual([4, 3, 3, 1, 1, 1, 1, 1, 3, 4]);
  });

  it('missing is 9, and what no test looks at is 2', () => {
    expect(flagsOf([1, null, 1], thresholds())).toEqual([2, 9, 2]);
  });
});

describe('the device flag', () => {
  it('only worsens', () => {
    const by = thresholds({ fail: [0, 10] });
    const letters = ['N', 'S', 'T', 'L', 'F', 'M', 'hd', '1', '2', '3', '4', '9', 'X', 'constructor'];
    const flags = flagsOf(
      letters.map((flag) => ({ value: 5, flag })),
      by,
    );
    expect(flags).toEqual([1, 1, 3, 3, 4, 4, 4, 1, 2, 3, 4, 4, 3, 3]);
    expect(letters.map((flag) => worsened(4, flag))).toEqual(letters.map(() => 4));
    expect(worsened(9, 'M')).toBe(9);
  });
});

describe('spike', () => {
  const by = thresholds({ spike: [10, 30] });

  it('is suspected once, and what comes back to the level is good at once', () => {
    expect(flagsOf([5, 6, 500, 6, 5], by)).toEqual([2, 1, 3, 1, 1]);
  });

  it('a step that stays, or goes on, is believed with the next reading', () => {
    expect(flagsOf([5, 5, 60, 61, 60], by)).toEqual([2, 1, 3, 1, 1]);
    expect(flagsOf([5, 5, 60, 120, 121], by)).toEqual([2, 1, 3, 1, 1]);
    expect(flagsOf([60, 60, 5, -50], by)).toEqual([2, 1, 3, 1]);
  });

  it('noise to both sides is never believed', () => {
    expect(flagsOf([5, 60, -50, 60, -50], by)).toEqual([2, 3, 3, 3, 3]);
  });

  it('exactly the threshold is good', () => expect(flagsOf([0, 10, 0], by)).toEqual([2, 1, 1]));

  it('missing readings between are no hindrance', () => {
    expect(flagsOf([5, null, 500, null, 5, null, 6], by)).toEqual([2, 9, 3, 9, 1, 9, 1]);
  });

  it('beyond a hole there are no neighbours', () => {
    const ring = new Ring(Number.NEGATIVE_INFINITY);
    flagsOf([5, 5], by, ring);
    expect(flagsOf([500], by, ring, by.intervalMs + by.holeMs + 1)).toEqual([2]);
  });

  it('a failed reading vouches for nothing and poisons nothing', () => {
    const ranged = thresholds({ spike: [10, 30], fail: [0, 400] });
    expect(flagsOf([5, 999, 390, 5], ranged)).toEqual([1, 4, 3, 1]);
    const calibrating = [{ value: 7, flag: 'N' }, { value: 300, flag: 'M' }, { value: 300, flag: 'N' }, 7] as const;
    expect(flagsOf(calibrating, ranged)).toEqual([1, 4, 3, 1]);
  });

  it('a reading that comes late is compared with what was before it, not with what came after', () => {
    const ring = new Ring(Number.NEGATIVE_INFINITY);
    ring.take(1, 0, { value: 5, deviceFlag: null }, by, null);
    ring.take(1, 10 * MINUTE_MS, { value: 100, deviceFlag: null }, by, null);
    expect(ring.take(1, 5 * MINUTE_MS, { value: 6, deviceFlag: null }, by, null).flag).toBe(1);
  });
});

describe('rate of change', () => {
  it('per hour against the predecessor; exactly the limit is good', () => {
    const by = thresholds({ ratePerHour: [12, 24] });
    expect(flagsOf([0, 1, 2.5, 5, 5], by)).toEqual([2, 1, 3, 3, 1]);
    expect(flagsOf([0, 2], by)).toEqual([2, 3]);
    expect(flagsOf([0, 2.001], by)).toEqual([2, 4]);
  });

  it('a plateau is believed with its second reading, a return at once', () => {
    const by = thresholds({ ratePerHour: [12, 24] });
    expect(flagsOf([0, 9, 9, 9], by)).toEqual([2, 4, 1, 1]);
    expect(flagsOf([0, 9, 0, 0], by)).toEqual([2, 4, 1, 1]);
  });

  it('with the default rate no small step counts, however fast', () => {
    const by = thresholds({ ratePerHour: [12, 24], rateLeastStep: 2, spike: [2, 4], intervalMs: 1000, holeMs: 3000 });
    expect(flagsOf([0, 2, 4, 2], by)).toEqual([2, 1, 1, 1]);
  });
});

describe('a value that leaps and then stands still', () => {
  const flat = { tolerance: 0.001, suspectMs: HOUR_MS, failMs: 2 * HOUR_MS };
  const by = thresholds({ fail: [-1, 45], spike: [5, 10], flat: { ...flat, afterJump: true } });

  it('stays doubted until it moves or comes back', () => {
    expect(flagsOf([13, 13.1, 0, 0, 0, 0, 13.2, 13.2], by)).toEqual([1, 1, 3, 3, 3, 3, 1, 1]);
    expect(flagsOf([13, 13.1, 3, 3, 3.1, 3.1], by)).toEqual([1, 1, 3, 3, 1, 1]);
  });

  it('is believed with its second reading where nobody asked for it', () => {
    expect(flagsOf([13, 13.1, 0, 0, 0], { ...by, flat })).toEqual([1, 1, 3, 1, 1]);
  });

  it('ice may stand still for days, other water not', () => {
    const ice = { ...by, flat: { ...flat, still: [-0.3, 0.3] as const } };
    expect(flagsOf(new Array<number>(60).fill(-0.02), ice)).toEqual(new Array(60).fill(1));
    expect(flagsOf(new Array<number>(60).fill(0.5), ice).slice(11, 13)).toEqual([1, 3]);
  });
});

describe('climatology', () => {
  it('counts at the door too', () => {
    const winter = { climatology: [{ months: [12, 2] as const, suspect: [0, 10] as const, fail: [-1, 20] as const }] };
    expect(flagsOf([5, 12, 21], thresholds(winter), undefined, Date.UTC(2026, 0, 15))).toEqual([1, 3, 4]);
    expect(flagsOf([5, 12, 21], thresholds(winter), undefined, Date.UTC(2026, 5, 15))).toEqual([2, 2, 2]);
  });
});

describe('flat line', () => {
  const by = thresholds({ flat: { tolerance: 0.01, suspectMs: HOUR_MS, failMs: 2 * HOUR_MS } });

  it('a stuck sensor is suspect after the one and failed after the other duration', () => {
    const flags = flagsOf(new Array<number>(30).fill(7), by);
    expect(flags.indexOf(3)).toBe(12);
    expect(flags.indexOf(4)).toBe(24);
    expect(flags.slice(0, 12)).toEqual(new Array(12).fill(1));
  });

  it('a difference of exactly the tolerance is life', () => {
    const exact = { ...by, flat: { ...by.flat!, tolerance: 0.5 } };
    expect(
      flagsOf(
        Array.from({ length: 40 }, (_, index) => 7 + (index % 2) / 2),
        exact,
      ),
    ).not.toContain(3);
    expect(
      flagsOf(
        Array.from({ length: 40 }, (_, index) => 7 + (index % 2) / 4),
        exact,
      ),
    ).toContain(4);
  });

  it('missing readings neither lengthen nor end it, a hole and a change end it', () => {
    const stuck = new Array<Sent>(13).fill(7);
    expect(flagsOf([...stuck.slice(0, 6), null, null, ...stuck.slice(0, 5)], by).at(-1)).toBe(3);
    expect(flagsOf([...stuck, 8, 7], by).slice(-3)).toEqual([3, 1, 1]);
    const ring = new Ring(Number.NEGATIVE_INFINITY);
    flagsOf(stuck, by, ring);
    expect(flagsOf(stuck, by, ring, 12 * by.intervalMs + by.holeMs + 1)).toEqual([...new Array(12).fill(1), 3]);
  });

  it('sees further back than the ring', () => {
    const minute = { ...by, intervalMs: MINUTE_MS, holeMs: 3 * MINUTE_MS };
    const flags = flagsOf(new Array<number>(130).fill(7), minute);
    expect([flags.indexOf(3), flags.indexOf(4)]).toEqual([60, 120]);
  });

  it('two equal analyses hours apart are no flat line', () => {
    const slow = { ...by, intervalMs: 4 * HOUR_MS, holeMs: 12 * HOUR_MS };
    expect(flagsOf([7, 7, 7, 7], slow)).toEqual([1, 1, 4, 4]);
  });

  it('never says flat of a span that is not, whatever the order of arrival', () => {
    const reading = fc.record({ step: fc.integer({ min: 0, max: 60 }), value: fc.integer({ min: 0, max: 1 }) });
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 200 }), (readings) => {
        const ring = new Ring(Number.NEGATIVE_INFINITY);
        const model = new Map<number, number>();
        for (const { step, value } of readings) {
          const timeMs = step * by.intervalMs;
          const { flag, verdict } = ring.take(
            1,
            timeMs,
            { value: value / 4, deviceFlag: null },
            { ...by, flat: { ...by.flat!, tolerance: 0.2 } },
            null,
          );
          model.set(timeMs, value);
          if (verdict === 'duplicate' || flag < 3) continue;
          const span = [...model].filter(([time]) => time <= timeMs && time >= timeMs - by.flat!.suspectMs);
          expect(new Set(span.map(([, each]) => each)).size).toBe(1);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('thresholds', () => {
  it('a station overrides each test as a whole; defaults stand for the rest', () => {
    const turbidity = parameter('turbidity', 'NTU', {
      qc: {
        fail: [0, 4000],
        suspect: [0, 200],
        ratePerHour: [100, 300],
        spike: [30, 90],
        flat: { tolerance: 0.01, suspectMs: 1, failMs: 2 },
      },
    });
    expect(effectiveThresholds(turbidity, undefined)).toEqual({
      ...turbidity.qc,
      rateLeastStep: 30,
      intervalMs: HOUR_MS,
      holeMs: 3 * HOUR_MS,
    });
    const qc = { ratePerHour: [5, 6] as [number, number], flat: { tolerance: 1, suspect: 'PT3H', fail: 'PT6H' } };
    const station = aStation({ parameters: [{ id: 'turbidity', interval: 'PT5M', qc }] });
    expect(effectiveThresholds(turbidity, station)).toEqual({
      ...turbidity.qc,
      ratePerHour: [5, 6],
      rateLeastStep: 0,
      flat: { tolerance: 1, suspectMs: 3 * HOUR_MS, failMs: 6 * HOUR_MS },
      intervalMs: 5 * MINUTE_MS,
      holeMs: 15 * MINUTE_MS,
    });
  });
});

describe('defaults', () => {
  const reference = loadReference();

  /** A third of the Class III limit: a smaller step must never be flagged (contracts §4). */
  const steps = [...reference.parameters.keys()].flatMap((id) => {
    const limit = { turbidity: 30, ec: 300 }[id] ?? classThree([...reference.standards.values()], id);
    return limit === null ? [] : [{ id, step: limit / 3 }];
  });

  it('there are limits to test by', () => expect(steps.length).toBeGreaterThan(20));

  it.each(steps)('$id: a step below $step is never flagged, however fast', ({ id, step }) => {
    const by = effectiveThresholds(reference.parameters.get(id)!, undefined);
    const ranges = { ...by, fail: null, suspect: null, flat: null };
    fc.assert(
      fc.property(
        fc.constantFrom(1, 1000, MINUTE_MS, HOUR_MS),
        fc.double({ min: 0, max: 50, noNaN: true }),
        fc.array(fc.double({ min: -0.999, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (everyMs, level, shares) => {
          const ring = new Ring(Number.NEGATIVE_INFINITY);
          let value = level * step;
          for (const [index, share] of [0, ...shares].entries()) {
            value += share * step;
            expect(ring.take(1, index * everyMs, { value, deviceFlag: null }, ranges, null).flag).toBeLessThanOrEqual(
              2,
            );
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each(steps)(
    '$id: a pollution step to ten times the Class III limit is usable with its second reading',
    ({ id, step }) => {
      const by = effectiveThresholds(reference.parameters.get(id)!, undefined);
      const polluted = { ...by, fail: null, suspect: null, intervalMs: 5 * MINUTE_MS, holeMs: 15 * MINUTE_MS };
      const flags = flagsOf([step, step * 1.01, step * 30, step * 30.5, step * 31], polluted);
      expect(flags.slice(3).every((flag) => flag <= 2)).toBe(true);
    },
  );
});

/** The river limit of class III; of a range its lower end, which is the stricter reading of "a third of the limit". */
function classThree(standards: readonly Standard[], id: string): number | null {
  for (const { items } of standards) {
    const limit = items.find((item) => item.parameter === id && item.op !== 'delta')?.river.III;
    if (limit) return Number.parseFloat(limit);
  }
  return null;
}
