/** Trends: the same answer whichever books it comes from, and honest about what may still change. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TrendInterval, TrendQuery } from '#books/questions/queries.ts';
import { type Bucket, bucketEdges, DAY_MS } from '#model/calendar.ts';
import type { MeanKind } from '#model/reference.ts';
import { booksRig, HOUR, LATENESS, MINUTE } from '#tests/helpers/books/rig.ts';

const ZONE = 'Asia/Shanghai';
const T0 = Date.UTC(2026, 1, 20);
const BY: Record<TrendInterval, Bucket> = { PT1H: 'hour', P1D: 'day', P1W: 'week', P1M: 'month', P1Y: 'year' };

function query(fromMs: number, toMs: number, interval: TrendInterval, more: Partial<TrendQuery> = {}): TrendQuery {
  const timeZone = more.timeZone ?? ZONE;
  const edgesMs = bucketEdges(fromMs, toMs, BY[interval], timeZone, 10_000);
  return { series: 5, mean: 'arithmetic', edgesMs, interval, timeZone, asOfMs: null, ...more };
}

/** A month of half-hourly readings (series 5 has no tests), the last hours still open, one old hour dirty. */
async function month(meanKind: MeanKind = 'arithmetic') {
  const rig = booksRig();
  const readings = Array.from({ length: 2 * 24 * 28 }, (_, i) => ({
    series: meanKind === 'ph' ? 2 : 5,
    timeMs: T0 + i * 30 * MINUTE,
    value: i % 97 === 0 ? null : 7 + (i % 10) / 10,
  }));
  rig.message(readings.at(-1)!.timeMs, readings);
  await rig.settle();
  return { rig, readings, trends: rig.trends() };
}

describe('buckets', () => {
  test('equal what the readings say, for any range, interval and zone', async () => {
    const { readings, trends } = await month();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -3 * 24 * 60, max: 27 * 24 * 60 }),
        fc.integer({ min: 1, max: 30 * 24 * 60 }),
        fc.constantFrom<TrendInterval[]>('PT1H', 'P1D', 'P1W', 'P1M', 'P1Y'),
        fc.constantFrom(ZONE, 'UTC', 'America/New_York', 'Asia/Kolkata'),
        async (startMinute, lengthMinutes, interval, timeZone) => {
          const fromMs = T0 + startMinute * MINUTE;
          const asked = query(fromMs, fromMs + lengthMinutes * MINUTE, interval, { timeZone });
          const buckets = await trends(asked);
          expect(buckets.map(({ startMs }) => startMs)).toEqual(asked.edgesMs.slice(0, -1));
          for (const { startMs, endMs, count, valid, mean, min, max } of buckets) {
            const values = readings
              .filter(({ timeMs, value }) => timeMs >= startMs && timeMs < endMs && value !== null)
              .map(({ value }) => value!);
            expect([count, valid]).toEqual([values.length, values.length]);
            if (values.length === 0) expect([mean, min, max]).toEqual([null, null, null]);
            else {
              expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
              expect(mean).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length, 9);
            }
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a closing hour does not change a bit of what was told before', async () => {
    const { rig, readings } = await month('ph');
    const asked = query(T0, T0 + 40 * DAY_MS, 'P1D', { series: 2, mean: 'ph' });
    const before = await rig.trends()(asked);
    rig.tick(readings.at(-1)!.timeMs + DAY_MS);
    await rig.settle();
    const after = await rig.trends()(asked);
    expect(after.map(({ mean, count }) => [mean, count])).toEqual(before.map(({ mean, count }) => [mean, count]));
    expect(before.filter(({ provisional }) => provisional).length).toBeGreaterThan(
      after.filter(({ provisional }) => provisional).length,
    );
  });

  test('of a series without a reading are all empty', async () => {
    const { trends } = await month();
    const buckets = await trends(query(T0, T0 + 2 * HOUR, 'PT1H', { series: null }));
    expect(buckets).toEqual(
      [0, 1].map((i) => ({
        startMs: T0 + i * HOUR,
        endMs: T0 + (i + 1) * HOUR,
        count: 0,
        valid: 0,
        mean: null,
        min: null,
        max: null,
        provisional: false,
      })),
    );
  });

  test('are provisional while an hour in them is open or waits to be computed again', async () => {
    const { rig, readings, trends } = await month();
    const endMs = readings.at(-1)!.timeMs + 30 * MINUTE;
    // The clock stands at the last reading: with two hours of lateness the last three hours are open.
    const hours = await trends(query(endMs - 5 * HOUR, endMs, 'PT1H'));
    expect(hours.map(({ provisional }) => provisional)).toEqual([false, false, true, true, true]);
    expect(hours.every(({ count }) => count === 2)).toBe(true);
    rig.message(endMs, [{ series: 5, timeMs: T0 + 10 * MINUTE, value: 1 }]);
    await rig.stepReadings();
    const [first, second] = await trends(query(T0, T0 + 2 * DAY_MS, 'P1D'));
    expect(first).toMatchObject({ provisional: true, min: 1 });
    expect(second).toMatchObject({ provisional: false });
    await rig.stepBooks();
    expect((await trends(query(T0, T0 + DAY_MS, 'P1D')))[0]).toMatchObject({ provisional: false, min: 1 });
    expect(LATENESS).toBe(2 * HOUR);
  });
});

describe('limits and times', () => {
  test('as of a time: values received later are not there, and only 400 days are told', async () => {
    const { rig, readings, trends } = await month();
    const laterMs = readings.at(-1)!.timeMs + DAY_MS;
    rig.message(laterMs, [{ series: 5, timeMs: T0 + 30 * MINUTE, value: 500 }]);
    await rig.settle();
    const max = async (asOfMs: number | null) => (await trends(query(T0, T0 + DAY_MS, 'P1D', { asOfMs })))[0]!.max;
    expect([await max(null), await max(laterMs - 1), await max(laterMs)]).toEqual([500, 7.9, 500]);
    await expect(trends(query(T0, T0 + 401 * DAY_MS, 'P1D', { asOfMs: laterMs }))).rejects.toMatchObject({
      code: 'range.too-long',
    });
  });

  test('a zone off the UTC hours is folded from readings, for 400 days', async () => {
    const { trends } = await month();
    const timeZone = 'Asia/Kolkata';
    await expect(trends(query(T0, T0 + 401 * DAY_MS, 'P1D', { timeZone }))).rejects.toMatchObject({
      code: 'range.too-long',
    });
    expect(await trends(query(T0, T0 + 399 * DAY_MS, 'P1M', { timeZone }))).toHaveLength(14);
  });

  test('while a backfill of more than 400 days is worked off, its hours are told as they stand', async () => {
    const { rig, trends } = await month();
    const longAgoMs = T0 - 900 * DAY_MS;
    const backfill = Array.from({ length: 24 * 401 }, (_, i) => ({
      series: 5,
      timeMs: longAgoMs + i * HOUR,
      value: 3,
    }));
    rig.message(T0 + 30 * DAY_MS, backfill);
    await rig.stepReadings();
    const asked = query(longAgoMs, longAgoMs + DAY_MS * 401, 'P1Y');
    expect((await trends(asked)).map(({ count, provisional }) => [count, provisional])).toEqual([
      [0, true],
      [0, true],
    ]);
    await rig.stepBooks();
    const counts = (await trends(asked)).map(({ count, provisional }) => [count, provisional]);
    expect(counts.reduce((sum, [count]) => sum + (count as number), 0)).toBe(24 * 401);
    expect(counts.every(([, provisional]) => provisional === false)).toBe(true);
  });
});
