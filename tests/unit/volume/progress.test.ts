/** How a year goes against its plan: by hand, and at its edges. */
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '#model/calendar.ts';
import { plannedBy, progressOf } from '#volume/progress.ts';

const T0 = Date.UTC(2025, 10, 1);
/** Twelve months of thirty days. */
const EDGES = Array.from({ length: 13 }, (_, month) => T0 + month * 30 * DAY_MS);
const END = EDGES[12]!;
const YEAR = { planLitres: 360_000, monthLitres: null, edgesMs: EDGES };

describe('progress', () => {
  it('projects the run-rate of the last days to the end of the year and to the plan', () => {
    const atMs = T0 + 90 * DAY_MS;
    const recent = { recentLitres: 45_000, recentFromMs: atMs - 30 * DAY_MS };
    expect(progressOf({ ...YEAR, atMs, deliveredLitres: 120_000, ...recent })).toEqual({
      share: 1 / 3,
      plannedLitres: 90_000,
      runRateLitresPerDay: 1500,
      projectedLitres: 120_000 + 1500 * 270,
      // 240,000 L are missing, at 1500 L a day.
      completionMs: atMs + 160 * DAY_MS,
    });
  });

  it('tells a completion after the year, and none that is out of sight, reached, or going backwards', () => {
    const completion = (deliveredLitres: number, recentLitres: number) => {
      const atMs = END - 30 * DAY_MS;
      return progressOf({ ...YEAR, atMs, deliveredLitres, recentLitres, recentFromMs: atMs - 30 * DAY_MS })
        .completionMs;
    };
    expect(completion(300_000, 30_000)).toBe(END - 30 * DAY_MS + 60 * DAY_MS);
    expect(completion(300_000, 10)).toBeNull();
    expect(completion(360_000, 30_000)).toBeNull();
    expect(completion(300_000, 0)).toBeNull();
    expect(completion(300_000, -500)).toBeNull();
  });

  it('knows no rate before anything has passed', () => {
    const none = { atMs: T0, deliveredLitres: 0, recentLitres: 0, recentFromMs: T0 };
    const nothing = {
      share: 0,
      plannedLitres: 0,
      runRateLitresPerDay: null,
      projectedLitres: null,
      completionMs: null,
    };
    expect(progressOf({ ...YEAR, ...none })).toEqual(nothing);
  });

  it('spreads a plan by its months, evenly within each', () => {
    const monthLitres = [10, 20, ...Array(10).fill(33)].map((share) => share * 1000);
    const planned = (atMs: number) => plannedBy({ ...YEAR, monthLitres, atMs });
    expect([T0, EDGES[1]!, EDGES[1]! + 15 * DAY_MS, EDGES[2]!, END].map(planned)).toEqual([
      0, 10_000, 20_000, 30_000, 360_000,
    ]);
  });
});
