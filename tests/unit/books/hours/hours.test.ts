/** The books: whatever the order, batching and repetition of readings, the same hours, days and flags, to the bit. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayOf } from '#model/calendar.ts';
import { addReading, addStatistics, emptyStatistics, meanOf } from '#model/statistics.ts';
import { finalFlags } from '#quality/final.ts';
import { effectiveThresholds } from '#quality/thresholds.ts';
import { booksRig, HOUR, MINUTE, QUARTER, reference, STATION } from '#tests/helpers/books/rig.ts';

const ZONE = 'Asia/Shanghai';
const T0 = Date.UTC(2026, 2, 1);

interface Sent {
  timeMs: number;
  value: number | null;
  deviceFlag: string | null;
}

/** What the books must hold in the end, computed in one go from all readings. */
function expected(sent: readonly Sent[]) {
  const readings = [...new Map(sent.map((r) => [r.timeMs, r])).values()].sort((a, b) => a.timeMs - b.timeMs);
  const flags = finalFlags(readings, effectiveThresholds(reference.parameters.get('do')!, STATION));
  const hours = new Map<number, ReturnType<typeof emptyStatistics>>();
  for (const [i, { timeMs, value }] of readings.entries()) {
    addReading(
      hours.getOrInsertComputed(Math.floor(timeMs / HOUR) * HOUR, emptyStatistics),
      value,
      flags[i]!,
      'arithmetic',
    );
  }
  const days = new Map<number, ReturnType<typeof emptyStatistics>>();
  for (const [hourMs, hour] of hours) {
    addStatistics(days.getOrInsertComputed(dayOf(hourMs, ZONE).startMs, emptyStatistics), hour);
  }
  return {
    flags,
    hours: [...hours].filter(([, s]) => s.count > 0).map(([hourMs, s]) => ({ hourMs, ...s })),
    days: [...days].filter(([, s]) => s.count > 0).map(([dayMs, s]) => ({ dayMs, ...s })),
  };
}

/** Quarter-hours with a few holes, calm water with jumps, spikes and stuck stretches; sent in disorder, some repeatedly. */
const arbitraryOrder = fc
  .record({
    spread: fc.constantFrom(0, 6, 1000),
    slots: fc.array(
      fc.record({
        isSent: fc.constantFrom(true, true, true, true, true, false),
        value: fc.constantFrom(7, 7, 7.001, 7.1, 8, 9.5, 14, 19, 22, 30, null),
        deviceFlag: fc.constantFrom(null, null, null, null, null, null, 'M', 'T', 'Q'),
        repeated: fc.constantFrom(1, 1, 1, 2),
        noise: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { minLength: 1, maxLength: 120 },
    ),
  })
  .map(({ spread, slots }) =>
    slots
      .flatMap(({ isSent, value, deviceFlag, repeated, noise }, slot) =>
        Array.from({ length: isSent ? repeated : 0 }, (_, i) => ({
          place: slot + noise * spread + i * spread * 0.7,
          sent: { timeMs: T0 + slot * QUARTER, value, deviceFlag },
        })),
      )
      .sort((a, b) => a.place - b.place)
      .map(({ sent }): Sent => sent),
  );

describe('order, batching and repetition', () => {
  test('leave no trace in hours, days and flags, through restarts and a store that fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryOrder,
        fc.array(
          fc.record({
            size: fc.integer({ min: 1, max: 10 }),
            passMs: fc.constantFrom(0, MINUTE, HOUR, 4 * HOUR, 12 * HOUR),
            event: fc.constantFrom(
              'none',
              'readings',
              'books',
              'both',
              'together',
              'restart',
              'fail before',
              'fail after',
            ),
          }),
          { minLength: 1, maxLength: 40 },
        ),
        fc.constantFrom(0, 10, 40),
        async (order, steps, startHours) => {
          const rig = booksRig();
          let nowMs = T0 + startHours * HOUR;
          const tolerant = async (work: Promise<unknown>) => {
            await work.catch((error: { retryable?: boolean }) => {
              if (!error.retryable) throw error;
            });
          };
          for (let at = 0, step = 0; at < order.length; step++) {
            const { size, passMs, event } = steps[step % steps.length]!;
            rig.message(nowMs, order.slice(at, at + size));
            at += size;
            nowMs += passMs;
            if (event === 'restart') rig.restart();
            if (event === 'fail before') rig.store.failures = ['before'];
            if (event === 'fail after') rig.store.failures = ['after'];
            if (event === 'none') continue;
            if (event === 'together') {
              await Promise.all([tolerant(rig.stepReadings(1)), tolerant(rig.stepBooks())]);
              continue;
            }
            if (event !== 'books') await tolerant(rig.stepReadings());
            if (event !== 'readings') await tolerant(rig.stepBooks());
          }
          rig.store.failures = [];
          rig.tick(nowMs + 100 * HOUR);
          await rig.settle();
          const { flags, hours, days } = expected(order);
          expect(rig.dirty()).toBe(0);
          expect(rig.hours()).toEqual(hours);
          expect(rig.days()).toEqual(days);
          expect(await rig.flags()).toEqual(flags);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a backfill of thousands of hours, other series beside it', async () => {
    const rig = booksRig();
    const backfill = Array.from({ length: 4 * 24 * 90 }, (_, i) => ({
      timeMs: T0 + i * QUARTER,
      value: 7 + Math.sin(i / 9),
    }));
    rig.message(T0 + 3000 * HOUR, backfill);
    rig.message(
      T0 + 3000 * HOUR,
      backfill.slice(0, 400).map((r) => ({ ...r, series: 2 })),
    );
    await rig.stepReadings();
    // In steps of a few thousand readings, so that other followers have their turn in between.
    expect(await rig.stepBooks()).toBeGreaterThan(2);
    expect(rig.dirty()).toBe(0);
    expect(rig.hours()).toEqual(expected(backfill.map((r) => ({ ...r, deviceFlag: null }))).hours);
    expect(rig.days()).toHaveLength(91);
    expect(rig.hours(2)).toHaveLength(100);
  });
});

describe('means', () => {
  test('of pH go through [H+], of coliforms through logarithms', () => {
    const mean = (values: number[], kind: 'ph' | 'geometric' | 'arithmetic') => {
      const statistics = emptyStatistics();
      for (const value of values) addReading(statistics, value, 1, kind);
      return meanOf(statistics, kind);
    };
    expect(mean([6.5, 7.9, 8.8, 9, 6.78, 8.87], 'ph')).toBeCloseTo(7.08, 2);
    expect(mean([10, 1000], 'geometric')).toBeCloseTo(100, 10);
    expect(mean([0, 100], 'geometric')).toBeCloseTo(10, 10);
    expect(mean([1, 2], 'arithmetic')).toBe(1.5);
    expect(mean([], 'ph')).toBe(null);
  });
});

const file = resolve('../shared/data/lro/MainStreet2019.csv');
describe.skipIf(!existsSync(file))('a real river, one day (skipped where the data are absent)', () => {
  test('hourly means equal an independent computation', async () => {
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('2019-06-12'));
    expect(lines).toHaveLength(96);
    const column = 10; // do
    const sent = lines.map((line) => {
      const cells = line.split(',');
      const value = Number(cells[column]);
      return {
        timeMs: Date.parse(`${cells[0]!.replace(' ', 'T')}:00-07:00`),
        value: Number.isFinite(value) ? value : null,
      };
    });
    const rig = booksRig();
    for (const reading of sent.toReversed()) rig.message(sent.at(-1)!.timeMs, [reading]);
    rig.tick(sent.at(-1)!.timeMs + 5 * HOUR);
    await rig.settle();
    const flags = await rig.flags();
    const byHour = Map.groupBy(
      sent.map((reading, i) => ({ ...reading, flag: flags[i]! })),
      ({ timeMs }) => Math.floor(timeMs / HOUR),
    );
    const means = [...byHour.values()].map((list) => {
      const good = list.filter(({ value, flag }) => value !== null && flag <= 2).map(({ value }) => value!);
      return good.length === 0 ? null : good.reduce((a, b) => a + b, 0) / good.length;
    });
    const rows = rig.hours() as { sum: number; valid: number }[];
    expect(rows.map(({ sum, valid }) => (valid === 0 ? null : sum / valid))).toEqual(means);
    expect(rows).toHaveLength(24);
    expect(flags.filter((flag) => flag === 1).length).toBeGreaterThan(80);
  });
});
