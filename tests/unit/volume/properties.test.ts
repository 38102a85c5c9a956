/** What has to hold of volumes whatever happens: they add up, and nothing but the content of the input counts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { volumes } from '#books/questions/volumes.ts';
import { RULING_KINDS } from '#model/accounting.ts';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { REGISTER_METER, type Read, volumeRig } from '#tests/helpers/books/volume-rig.ts';

const T0 = Date.UTC(2026, 0, 30, 12, 20);
const MINUTE = 60_000;
const SIZE = 1000;
const REPLACED_MS = T0 + 20 * HOUR_MS;

/** A register that rolls over and is replaced, a flow meter that fills gaps from it. */
const METERS: Record<string, Meter> = {
  counted: {
    ...REGISTER_METER,
    size: SIZE,
    replacements: [{ at: new Date(REPLACED_MS).toISOString(), end: 900, start: 5, size: 2 * SIZE }],
  },
  flow: { ...REGISTER_METER, parameter: 'flow', kind: 'flow', unit: 'm3/s', gap: 'register' },
};

const step = fc.record({
  gapMs: fc.oneof(fc.integer({ min: 1, max: 20 * MINUTE }), fc.integer({ min: 1, max: 5 * HOUR_MS })),
  rise: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(-1), fc.integer({ min: 500, max: 999 })),
  rate: fc.integer({ min: 0, max: 600 }),
  flag: fc.constantFrom(1 as const, 1 as const, 1 as const, 4 as const),
});
interface Step {
  gapMs: number;
  rise: number;
  rate: number;
  flag: 1 | 4;
}

function readsOf(steps: readonly Step[]): { meter: string; read: Read }[] {
  let timeMs = T0;
  let count = 950;
  return steps.flatMap(({ gapMs, rise, rate, flag }) => {
    timeMs += gapMs;
    if (rise < 500) count = rise < 0 ? 0 : (count + rise) % SIZE;
    return [
      { meter: 'counted', read: { timeMs, value: rise < 500 ? count : rise, flag } },
      ...(gapMs % 3 === 0 ? [] : [{ meter: 'flow', read: { timeMs, value: rate, flag } }]),
    ];
  });
}

type Rig = ReturnType<typeof volumeRig>;

async function inOneGo(reads: readonly { meter: string; read: Read }[], rulings: readonly Ruled[]): Promise<Rig> {
  const rig = volumeRig(METERS);
  for (const { meter, read } of reads) await rig.write(meter, [read]);
  for (const { meter, timeMs, kind } of rulings) rig.rule(meter, timeMs, kind);
  await rig.settle();
  return rig;
}

interface Ruled {
  meter: string;
  timeMs: number;
  kind: (typeof RULING_KINDS)[number];
}

function rulingsFor(reads: readonly { meter: string; read: Read }[], picks: readonly number[]): Ruled[] {
  const own = reads.filter(({ meter }) => meter === 'counted');
  const byTime = new Map(
    picks.map((pick): [number, Ruled] => {
      const { timeMs } = own[pick % own.length]!.read;
      return [timeMs, { meter: 'counted', timeMs, kind: RULING_KINDS[pick % RULING_KINDS.length]! }];
    }),
  );
  return [...byTime.values()];
}

const steps = fc.array(step, { minLength: 1, maxLength: 30 });
const picks = fc.array(fc.nat(), { maxLength: 3 });

describe('the books', () => {
  it('are the same for any order, batching and duplication of readings and rulings (invariant 3)', async () => {
    await fc.assert(
      fc.asyncProperty(steps, picks, fc.infiniteStream(fc.nat()), async (given, ruled, random) => {
        const reads = readsOf(given);
        const rulings = rulingsFor(reads, ruled);
        const expected = (await inOneGo(reads, rulings)).kept();
        const rig = volumeRig(METERS);
        const acts = [...reads, ...reads.filter((_, index) => index % 4 === 0), ...rulings]
          .map((act) => ({ act, key: random.next().value! }))
          .sort((a, b) => a.key - b.key);
        for (const { act } of acts) {
          if ('read' in act) await rig.write(act.meter, [act.read]);
          else rig.rule(act.meter, act.timeMs, act.kind);
          if (random.next().value! % 3 === 0) await rig.settle();
        }
        await rig.settle();
        expect(rig.kept()).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('are what they were once a correction or a ruling is undone', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 0, max: 2 * SIZE }),
        async (given, at, kind, value) => {
          const reads = readsOf(given);
          const rig = await inOneGo(reads, []);
          const before = rig.kept();
          const { meter, read } = reads[at % reads.length]!;
          await rig.write(meter, [{ ...read, value, flag: 1 }]);
          await rig.settle();
          await rig.write(meter, [read]);
          await rig.settle();
          expect(rig.kept()).toEqual(before);
          rig.rule(meter, read.timeMs, RULING_KINDS[kind % RULING_KINDS.length]!);
          await rig.settle();
          rig.undo(meter, read.timeMs);
          await rig.settle();
          expect(rig.kept()).toEqual(before);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keep running totals that are the sums of the hours', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(), async (given, at) => {
        const reads = readsOf(given);
        const rig = await inOneGo(reads, []);
        const { meter, read } = reads[at % reads.length]!;
        await rig.write(meter, [{ ...read, value: 7, flag: 1 }]);
        await rig.settle();
        const { hours, days } = rig.kept() as unknown as {
          hours: { meter: string; hourMs: number; measuredLitres: number; knownMs: number }[];
          days: { meter: string; dayMs: number; measuredLitres: number; knownMs: number }[];
        };
        for (const day of days) {
          const until = hours.filter((hour) => hour.meter === day.meter && hour.hourMs < day.dayMs + DAY_MS);
          expect(day.measuredLitres).toBe(until.reduce((sum, hour) => sum + hour.measuredLitres, 0));
          expect(day.knownMs).toBe(until.reduce((sum, hour) => sum + hour.knownMs, 0));
        }
        expect(new Set(days.map(({ meter: id, dayMs }) => `${id} ${dayMs}`))).toEqual(
          new Set(hours.map(({ meter: id, hourMs }) => `${id} ${hourMs - (hourMs % DAY_MS)}`)),
        );
      }),
      { numRuns: 100 },
    );
  });
});

describe('volumes', () => {
  it('add up over any partition, to the litre: measured, estimated and unknown (invariant 4)', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.uniqueArray(fc.integer({ min: T0 - 2 * DAY_MS, max: T0 + 6 * DAY_MS }), { minLength: 2, maxLength: 500 }),
        async (given, inner) => {
          const rig = await inOneGo(readsOf(given), []);
          const meters = Object.entries(METERS).map(([id, meter]) => ({ id, meter }));
          const edgesMs = inner.toSorted((a, b) => a - b);
          const parts = volumes(rig.derived, { meters, edgesMs });
          const [whole] = volumes(rig.derived, { meters, edgesMs: [edgesMs[0]!, edgesMs.at(-1)!] });
          for (const key of ['measuredLitres', 'estimatedLitres', 'unknownMs'] as const) {
            expect(parts.reduce((sum, part) => sum + part[key], 0)).toBe(whole![key]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('lose nothing to a rollover, wherever it falls', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: SIZE * 1000 - 1 }),
        fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 2, maxLength: 60 }),
        async (startLitres, rises) => {
          const rig = volumeRig({ m: { ...REGISTER_METER, size: SIZE } });
          let litres = startLitres;
          const reads = rises.map((rise, index) => {
            if (index > 0) litres += rise;
            return { timeMs: T0 + index * 10 * MINUTE, value: (litres % (SIZE * 1000)) / 1000 };
          });
          await rig.write('m', reads);
          await rig.settle();
          // Inside an hour volume is even, rounded down: whole hours hold what was read.
          const total = rig.total('m', T0 - DAY_MS, T0 + 2 * DAY_MS - 20 * MINUTE);
          expect(Math.round(total.measured * 1000)).toBe(litres - startLitres);
          expect(total.estimated).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
