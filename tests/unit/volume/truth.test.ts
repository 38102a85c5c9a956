/**
 * Registers whose water is known, whatever they show: what is booked is what docs/numbers.md says, never more than ran,
 * and never less than is certain.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { REGISTER_METER, type Read, volumeRig } from '#tests/helpers/books/volume-rig.ts';
import { hourVolumes } from '#volume/hours.ts';
import type { Segment } from '#volume/model.ts';
import type { MeterProfile } from '#volume/profile.ts';
import { type MeterPoint, meterSegments } from '#volume/segments.ts';

const T0 = Date.UTC(2026, 2, 2);
const MINUTE = 60_000;
/** Litres per second. */
const MAX_FLOW = 100;

const profileOf = (overrides: Partial<MeterProfile>): MeterProfile => ({
  kind: 'register',
  sizeLitres: null,
  resolutionLitres: 1,
  direction: 1,
  maxFlowLitresPerSecond: MAX_FLOW,
  maxGapMs: HOUR_MS,
  fromMs: -Infinity,
  toMs: Infinity,
  ...overrides,
});

/** Litres that have run since T0: each hour has a flow of its own. */
function waterOf(rates: readonly number[]): (timeMs: number) => number {
  const byHour = [0];
  for (const rate of rates) byHour.push(byHour.at(-1)! + rate * 3600);
  return (timeMs) => {
    const hour = Math.floor((timeMs - T0) / HOUR_MS);
    return byHour[hour]! + Math.floor((rates[hour]! * (timeMs - T0 - hour * HOUR_MS)) / 1000);
  };
}

const sum = (amounts: readonly number[]) => amounts.reduce((all, amount) => all + amount, 0);
const litresOf = (segments: readonly Segment[], ...qualities: Segment['quality'][]) =>
  sum(segments.filter(({ quality }) => qualities.includes(quality)).map(({ litres }) => litres));
const unknownMs = (segments: readonly Segment[], points: readonly MeterPoint[]) =>
  points.at(-1)!.timeMs -
  points[0]!.timeMs -
  sum(segments.filter(({ quality }) => quality !== 'least').map(({ fromMs, toMs }) => toMs - fromMs));

const DAYS = 5;
const rates = fc.array(fc.oneof(fc.integer({ min: 0, max: MAX_FLOW }), fc.constantFrom(0, 1, MAX_FLOW)), {
  minLength: DAYS * 24,
  maxLength: DAYS * 24,
});
const minutes = (min: number, max: number) => fc.integer({ min, max }).map((count) => count * MINUTE);

describe('a register that is zeroed by schedule', () => {
  const cases = fc.record({
    rates,
    resetMs: fc.oneof(fc.constantFrom(HOUR_MS, 24 * HOUR_MS), minutes(10, 48 * 60)),
    offsetMs: minutes(0, 48 * 60),
    readMs: fc.oneof(fc.constantFrom(30 * MINUTE, HOUR_MS, 12 * HOUR_MS), minutes(5, 24 * 60)),
    startMs: minutes(0, 24 * 60),
    maxGapMs: minutes(5, 24 * 60),
    lost: fc.uniqueArray(fc.nat({ max: 200 }), { maxLength: 20 }),
  });

  it('books between two reads their rise, or after a fall what it shows (any schedule, any flow)', () => {
    fc.assert(
      fc.property(cases, ({ rates: flow, resetMs, offsetMs, readMs, startMs, maxGapMs, lost }) => {
        const water = waterOf(flow);
        const lastReset = (timeMs: number) =>
          Math.max(T0, timeMs - ((((timeMs - T0 - offsetMs) % resetMs) + resetMs) % resetMs));
        const times = Array.from({ length: DAYS * 24 * 12 }, (_, index) => T0 + startMs + index * readMs)
          .filter((timeMs) => timeMs < T0 + DAYS * 24 * HOUR_MS)
          .filter((_, index) => !lost.includes(index));
        fc.pre(times.length > 1);
        const counts = times.map((timeMs) => water(timeMs) - water(lastReset(timeMs)));
        const points = times.map((timeMs, index) => ({ timeMs, value: counts[index]! / 1000 }));
        const { segments, decisions } = meterSegments(profileOf({ kind: 'scheduled-reset', maxGapMs }), points);

        expect(segments.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual(
          times.slice(1).map((timeMs, index) => [times[index], timeMs]),
        );
        for (const [index, { fromMs, toMs, litres, quality }] of segments.entries()) {
          const [before, after] = [counts[index]!, counts[index + 1]!];
          const isLong = toMs - fromMs > maxGapMs;
          const canHide = after <= (MAX_FLOW * (toMs - fromMs)) / 1000 + 1;
          expect(litres).toBe(after < before ? after : after - before);
          expect(quality).toBe(isLong ? (canHide ? 'least' : 'estimated') : after < before ? 'estimated' : 'measured');
          // The truth: nothing is lost but what ran before the last reset, and nothing invented.
          const ran = water(toMs) - water(fromMs);
          const resetAtMs = lastReset(toMs);
          expect(litres).toBeLessThanOrEqual(ran);
          if (resetAtMs <= fromMs) expect(litres).toBe(ran);
          else if (after < before) expect(litres).toBe(ran - (water(resetAtMs) - water(fromMs)));
        }
        expect(decisions.every(({ kind }) => kind === 'reset')).toBe(true);
        expect(decisions).toHaveLength(counts.filter((count, index) => count < (counts[index - 1] ?? 0)).length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a register', () => {
  const START = 50_000_000;
  const spell = fc.record({
    /** Of the read before it. */
    after: fc.integer({ min: 1, max: 80 }),
    length: fc.integer({ min: 1, max: 9 }),
    level: fc.constantFrom('zero' as const, 'low' as const, 'high' as const, 'mixed' as const),
    climbs: fc.integer({ min: 0, max: 50 }),
  });
  const cases = fc.record({
    rates,
    steps: fc.array(minutes(1, 40), { minLength: 4, maxLength: 120 }),
    maxGapMs: minutes(30, 6 * 60),
    spells: fc.array(spell, { maxLength: 6 }),
    sizeLitres: fc.constantFrom(null, 1_000_000_000),
    kind: fc.constantFrom('register' as const, 'signed-register' as const),
  });

  /** Which reads are wrong, each spell whole within `maxGap` of its first read or just one read long. */
  function wrongReads(times: readonly number[], maxGapMs: number, spells: readonly Spell[]): Map<number, Spell> {
    const wrong = new Map<number, Spell>();
    for (const one of spells) {
      const end = one.after + one.length;
      const isFree = Array.from({ length: one.length + 2 }, (_, index) => one.after - 1 + index).every(
        (index) => !wrong.has(index),
      );
      if (!isFree || end >= times.length) continue;
      if (one.length > 1 && times[end]! - times[one.after]! > maxGapMs) continue;
      for (let index = one.after; index < end; index++) wrong.set(index, one);
    }
    return wrong;
  }
  type Spell = { after: number; length: number; level: 'zero' | 'low' | 'high' | 'mixed'; climbs: number };

  /** What a wrong read shows: what no flow leads to from the read before it. */
  function wrongCount({ level, after, climbs }: Spell, index: number): number {
    const high = level === 'high' || (level === 'mixed' && index % 3 === 0);
    const base = high ? 10 * START : level === 'zero' ? 0 : START / 100;
    return base + (index - after) * climbs;
  }

  it('books what ran, to the litre, whatever it showed for less than maxGap', () => {
    fc.assert(
      fc.property(cases, ({ rates: flow, steps, maxGapMs, spells, sizeLitres, kind }) => {
        const water = waterOf(flow);
        const times = [T0];
        for (const stepMs of steps) times.push(times.at(-1)! + stepMs);
        const given = kind === 'signed-register' ? spells.filter(({ level }) => level !== 'mixed') : spells;
        const wrong = wrongReads(times, maxGapMs, given);
        const points = times.map((timeMs, index) => {
          const one = wrong.get(index);
          return { timeMs, value: (one ? wrongCount(one, index) : START + water(timeMs)) / 1000 };
        });
        const { segments, decisions } = meterSegments(profileOf({ maxGapMs, sizeLitres, kind }), points);
        expect(litresOf(segments, 'measured', 'estimated')).toBe(water(times.at(-1)!));
        expect(litresOf(segments, 'measured')).toBe(
          sum(
            segments
              .filter(({ fromMs, toMs }) => toMs - fromMs <= maxGapMs)
              .map(({ fromMs, toMs }) => water(toMs) - water(fromMs)),
          ),
        );
        expect(unknownMs(segments, points)).toBe(0);
        expect(decisions.map(({ timeMs, kind: decided }) => [timeMs, decided])).toEqual(
          [...wrong.keys()].sort((a, b) => a - b).map((index) => [times[index], 'glitch']),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('books all but what ran across a reset by hand, and says how long that took', () => {
    const resets = fc.uniqueArray(fc.integer({ min: 2, max: 110 }), { maxLength: 5 });
    fc.assert(
      fc.property(cases, resets, ({ rates: flow, steps, maxGapMs, kind }, zeroedAt) => {
        const water = waterOf(flow);
        const times = [T0];
        for (const stepMs of steps) times.push(times.at(-1)! + stepMs);
        // No two next to each other, each with a read that confirms it, from so high that it doesn't come back soon.
        const most = (MAX_FLOW * (maxGapMs + 80 * MINUTE)) / 1000;
        const zeroed = zeroedAt
          .filter((index) => index < times.length - 1 && !zeroedAt.includes(index - 1) && !zeroedAt.includes(index + 1))
          .sort((a, b) => a - b);
        let base = -START;
        const taken: number[] = [];
        const points = times.map((timeMs, index) => {
          if (zeroed.includes(index) && water(times[index - 1]!) - base > most) {
            taken.push(index);
            base = water(times[index - 1]!);
          }
          return { timeMs, value: (water(timeMs) - base) / 1000 };
        });
        const { segments, decisions } = meterSegments(profileOf({ maxGapMs, kind }), points);
        const acrossMs = sum(taken.map((index) => times[index]! - times[index - 1]!));
        const across = sum(taken.map((index) => water(times[index]!) - water(times[index - 1]!)));
        expect(decisions.map(({ timeMs, kind: decided }) => [timeMs, decided])).toEqual(
          taken.map((index) => [times[index], 'reset']),
        );
        expect(litresOf(segments, 'measured', 'estimated')).toBe(water(times.at(-1)!) - across);
        expect(unknownMs(segments, points)).toBe(acrossMs);
      }),
      { numRuns: 500 },
    );
  });

  it('of a size loses nothing to its turns, and says of which holes it can’t know', () => {
    const sizes = fc.integer({ min: 700_000, max: 5_000_000 });
    const holes = fc.array(minutes(1, 36 * 60), { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(rates, sizes, holes, fc.nat(5_000_000), (flow, sizeLitres, steps, startLitres) => {
        const water = waterOf(flow);
        const times = [T0];
        for (const stepMs of steps) {
          if (times.at(-1)! + stepMs < T0 + DAYS * 24 * HOUR_MS) times.push(times.at(-1)! + stepMs);
        }
        fc.pre(times.length > 1);
        const points = times.map((timeMs) => ({ timeMs, value: ((startLitres + water(timeMs)) % sizeLitres) / 1000 }));
        const { segments } = meterSegments(profileOf({ sizeLitres, maxGapMs: 20 * MINUTE }), points);
        for (const { fromMs, toMs, litres, quality } of segments) {
          const ran = water(toMs) - water(fromMs);
          const canHide = (MAX_FLOW * (toMs - fromMs)) / 1000 >= sizeLitres;
          expect(litres).toBeLessThanOrEqual(ran);
          expect((ran - litres) % sizeLitres).toBe(0);
          if (quality !== 'least') expect(litres).toBe(ran);
          if (toMs - fromMs > 20 * MINUTE) expect(quality).toBe(canHide ? 'least' : 'estimated');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('any register', () => {
  const METERS: Record<string, Meter> = {
    register: { ...REGISTER_METER, maxFlow: 0.02, size: 100 },
    endless: { ...REGISTER_METER, station: 'b', maxFlow: 0.02 },
    zeroed: { ...REGISTER_METER, station: 'c', kind: 'scheduled-reset', maxFlow: 0.02 },
    signed: { ...REGISTER_METER, station: 'd', kind: 'signed-register', maxFlow: 0.02 },
  };
  const value = fc.oneof(
    fc.constantFrom(0, 0, 7),
    fc.integer({ min: 0, max: 90 }),
    fc.integer({ min: 60, max: 75 }),
    fc.constant(5000),
  );
  const steps = fc.array(fc.record({ stepMs: minutes(1, 25), value }), { minLength: 2, maxLength: 40 });
  const gaps = fc.constantFrom('PT10M', 'PT30M', 'PT1H', 'PT3H');

  const readsOf = (given: readonly { stepMs: number; value: number }[]): Read[] => {
    let timeMs = T0;
    return given.map(({ stepMs, value: count }) => {
      timeMs += stepMs;
      return { timeMs, value: count };
    });
  };

  it.each(Object.keys(METERS))(
    'books in any order what all its reads together say, and never more than can run: %s',
    async (id) => {
      await fc.assert(
        fc.asyncProperty(steps, gaps, fc.infiniteStream(fc.nat()), async (given, maxGap, random) => {
          const reads = readsOf(given);
          const meter = { ...METERS[id]!, maxGap };
          const rig = volumeRig({ [id]: meter });
          const shuffled = reads
            .map((read) => ({ read, key: random.next().value! }))
            .sort((a, b) => a.key - b.key)
            .map(({ read }) => read);
          for (const read of shuffled) {
            await rig.write(id, [read]);
            if (random.next().value! % 2 === 0) await rig.settle();
          }
          await rig.settle();
          const profile = profileOf({
            kind: meter.kind,
            sizeLitres: meter.size === undefined ? null : meter.size * 1000,
            maxFlowLitresPerSecond: 20,
            maxGapMs: Temporal.Duration.from(maxGap).total('milliseconds'),
          });
          const points = reads.map(({ timeMs, value: count }) => ({ timeMs, value: count }));
          const { segments, decisions } = meterSegments(profile, points);
          const kept = rig.kept();
          expect(kept.hours.map(({ meter: _meter, ...hour }) => hour)).toEqual(
            hourVolumes(segments, -8.64e15, 8.64e15),
          );
          expect(
            kept.decisions
              .filter(({ kind }) => kind !== 'gap')
              .map(({ timeMs, kind, litres }) => ({ timeMs, kind, litres })),
          ).toEqual(decisions.map(({ timeMs, kind, litres }) => ({ timeMs, kind, litres })));
          let reachedMs = -Infinity;
          for (const { fromMs, toMs, litres } of segments) {
            expect(fromMs).toBeGreaterThanOrEqual(reachedMs);
            reachedMs = toMs;
            expect(Math.abs(litres)).toBeLessThanOrEqual((20 * (toMs - fromMs)) / 1000 + 1);
            if (id !== 'signed') expect(litres).toBeGreaterThanOrEqual(0);
          }
        }),
        { numRuns: 150 },
      );
    },
  );
});
