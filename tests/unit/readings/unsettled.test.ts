/** A flag is provisional for as long as it may change, and `asOf` the present is the present, to the bit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { periodOf } from '#assess/periods.ts';
import { createAssessmentQueries } from '#books/questions/assessments.ts';
import type { TrendInterval } from '#books/questions/queries.ts';
import { type Bucket, bucketEdges, DAY_MS } from '#model/calendar.ts';
import { createReadingQueries } from '#readings/answers.ts';
import { openUnsettled } from '#readings/unsettled.ts';
import { booksRig, HOUR, LATENESS, MINUTE } from '#tests/helpers/books/rig.ts';

const ZONE = 'Asia/Shanghai';
const T0 = Date.UTC(2026, 1, 20);
const BY: Record<TrendInterval, Bucket> = { PT1H: 'hour', P1D: 'day', P1W: 'week', P1M: 'month', P1Y: 'year' };

type Rig = ReturnType<typeof booksRig>;

function readingsOf({ derived, store }: Rig) {
  const booksClockMs = () => (derived.prepare('SELECT clockMs FROM bookState').get() as { clockMs: number }).clockMs;
  const unsettled = openUnsettled(derived);
  const queries = createReadingQueries({ derived, store, booksClockMs, allowedLatenessMs: LATENESS, unsettled });
  return async (asOfMs: number | null = null) => {
    const rows = await queries.readings({ series: 1, fromMs: T0, toMs: T0 + DAY_MS, limit: 100, asOfMs });
    return rows.map(({ flag, provisional }) => [flag, provisional]);
  };
}

describe('readings of an hour that has closed', () => {
  /** A spike that only the reading after it tells, 3 at the door and 4 for good, and a fall too fast; the hour is long over. */
  const values = [5, 5, 12, 5, 5];
  const flags = [1, 1, 3, 1, 1];
  const late = values.map((value, i) => ({ series: 1, timeMs: T0 + i * 15 * MINUTE, value, flag: flags[i]! }));

  async function rigBefore() {
    const rig = booksRig();
    rig.message(T0 + 9 * HOUR, [{ series: 1, timeMs: T0 + 9 * HOUR, value: 5, flag: 1 }]);
    await rig.settle();
    rig.message(T0 + 9 * HOUR + MINUTE, late as Parameters<Rig['message']>[1]);
    return rig;
  }

  it('are provisional from their write until the books have computed it', async () => {
    const rig = await rigBefore();
    const ask = readingsOf(rig);
    await rig.stepReadings();
    expect((await ask()).slice(0, 5)).toEqual(flags.map((flag) => [flag, true]));
    expect(await ask(Number.MAX_SAFE_INTEGER)).toEqual(await ask());
    await rig.stepBooks();
    expect((await ask()).slice(0, 5)).toEqual([1, 1, 4, 3, 1].map((flag) => [flag, false]));
    expect(await ask(Number.MAX_SAFE_INTEGER)).toEqual(await ask());
  });

  it('are provisional while the final flag is on its way into the store', async () => {
    const rig = await rigBefore();
    const ask = readingsOf(rig);
    await rig.stepReadings();
    rig.store.failures = ['before'];
    await expect(rig.stepBooks()).rejects.toThrow('the store failed before the write');
    expect((await ask())[2]).toEqual([3, true]);
    await rig.stepBooks();
    expect((await ask())[2]).toEqual([4, false]);
  });

  it('are provisional when they came after one had looked', async () => {
    const rig = await rigBefore();
    const ask = readingsOf(rig);
    rig.store.afterRead = null;
    // They are written between the look at what waits and the read.
    const { traced } = rig.store;
    rig.store.traced = async (...asked) => {
      rig.store.traced = traced;
      await rig.stepReadings();
      return traced.apply(rig.store, asked);
    };
    expect((await ask()).slice(0, 5)).toEqual(flags.map((flag) => [flag, true]));
  });
});

/** Four weeks of half-hourly values whose sums depend on the order of adding; the last hours are open, one waits. */
async function month() {
  const rig = booksRig();
  const readings = Array.from({ length: 2 * 24 * 28 }, (_, i) => ({
    series: 5,
    timeMs: T0 + i * 30 * MINUTE,
    value: Number((0.1 + ((i * 7919) % 101) / 30).toFixed(3)),
  }));
  const lastMs = readings.at(-1)!.timeMs;
  rig.message(lastMs, readings);
  await rig.settle();
  rig.message(lastMs + MINUTE, [{ series: 5, timeMs: T0 + 5 * DAY_MS + 7 * MINUTE, value: 0.7 }]);
  await rig.stepReadings();
  return { rig, lastMs };
}

describe('asOf the present', () => {
  it('gives trends to the bit, whatever books answer without it', async () => {
    const { rig, lastMs } = await month();
    const same = async () =>
      fc.assert(
        fc.asyncProperty(
          fc.integer({ min: -24, max: 27 * 24 }),
          fc.integer({ min: 1, max: 30 * 24 }),
          fc.constantFrom<TrendInterval[]>('PT1H', 'P1D', 'P1W', 'P1M', 'P1Y'),
          fc.constantFrom(ZONE, 'UTC', 'America/New_York', 'Asia/Kolkata'),
          async (startHour, hours, interval, timeZone) => {
            const fromMs = T0 + startHour * HOUR;
            const edgesMs = bucketEdges(fromMs, fromMs + hours * HOUR, BY[interval], timeZone, 10_000);
            const asked = { series: 5, mean: 'arithmetic', edgesMs, interval, timeZone } as const;
            const now = await rig.trends()({ ...asked, asOfMs: null });
            expect(await rig.trends()({ ...asked, asOfMs: lastMs + 9 * HOUR })).toEqual(now);
          },
        ),
        { numRuns: 60 },
      );
    await same();
    await rig.stepBooks();
    await same();
    // Everything closed: nothing that was told has another bit now.
    rig.tick(lastMs + 4 * HOUR);
    await rig.settle();
    await same();
  });

  it('gives the means of assessments to the bit', async () => {
    const { rig, lastMs } = await month();
    await rig.stepBooks();
    rig.tick(lastMs + 4 * HOUR);
    await rig.settle();
    const { periods } = createAssessmentQueries({
      derived: rig.derived,
      trends: rig.trends(),
      allowedLatenessMs: LATENESS,
    });
    const spans = ['2026-02-25', '2026-W09', '2026-02', '2026-03', '2026-Q1'].map((text) => {
      return { ...periodOf(text, ZONE)!, meansOnly: false };
    });
    const asked = { series: [{ id: 5, mean: 'arithmetic' as const }], spans, timeZone: ZONE, nowMs: lastMs + 4 * HOUR };
    const now = await periods({ ...asked, asOfMs: null });
    expect(await periods({ ...asked, asOfMs: lastMs + 4 * HOUR })).toEqual(now);
  });
});
