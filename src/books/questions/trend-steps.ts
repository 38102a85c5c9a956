/**
 * What a test for trends takes as a series' steps: means of months, quarters, years. A step of which nothing was found above
 * the detection limit isn't half of the limit, but below it. Runs in the query worker, read-only.
 */
import type { TrendValue } from '#assess/ranks.ts';
import { isUsable } from '#model/flag.ts';
import type { ReadingQueries, ReadingRow } from '#readings/queries.ts';
import type { BookQueries, TrendBucket, TrendQuery } from './queries.ts';

/** The first readings of a step nearly always hold one that was measured, and then they are all that is read. */
const FIRST_PAGE = 50;
const PAGE = 10_000;

export function createTrendSteps({
  trends,
  readings,
}: Pick<BookQueries, 'trends'> & Pick<ReadingQueries, 'readings'>): Pick<BookQueries, 'trendSteps'> {
  /** The limit that everything usable in the step lies beyond; null where something was measured. */
  async function limitOf(series: number, { startMs, endMs }: TrendBucket): Promise<TrendValue | null> {
    let found: TrendValue | null = null;
    let limit = FIRST_PAGE;
    for (let fromMs = startMs; ; limit = PAGE) {
      const page = await readings({ series, fromMs, toMs: endMs, limit, asOfMs: null });
      for (const reading of page) {
        if (reading.value === null || !isUsable(reading.flag)) continue;
        found = together(found, reading);
        if (!found) return null;
      }
      if (page.length < limit) return found;
      fromMs = page.at(-1)!.timeMs + 1;
    }
  }

  async function stepValue({ series }: TrendQuery, step: TrendBucket): Promise<TrendValue | null> {
    const { mean, min, max } = step;
    if (mean === null) return null;
    const measured: TrendValue = { value: mean, censored: null };
    // Below a limit half of it is in the mean, and the limit in min and max; above a range its end, usually one, in all three.
    const isPossible = mean <= max! / 2 || min === max;
    return (isPossible && (await limitOf(series!, step))) || measured;
  }

  return {
    async trendSteps(query) {
      const values: (TrendValue | null)[] = [];
      for (const step of await trends(query)) values.push(await stepValue(query, step));
      return values;
    },
  };
}

/** The greatest of limits below, the least of ranges' ends; null of what was measured, or lies beyond both. */
function together(found: TrendValue | null, { value, censored }: ReadingRow): TrendValue | null {
  if (censored === undefined || (found && found.censored !== censored)) return null;
  const pick = censored === '<' ? Math.max : Math.min;
  return { value: found ? pick(found.value, value!) : value!, censored };
}
