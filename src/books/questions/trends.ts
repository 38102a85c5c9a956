/**
 * Trends: statistics per bucket, from the coarsest books that are exact. Whole local days come from day rows, other
 * closed hours from hour rows; hours that are open or dirty, parts of hours, and every hour of a zone whose hours
 * aren't UTC hours are folded from readings as they are asked for. Runs in the query worker, read-only.
 *
 * Floats depend on the order in which they are added, so everything is folded in one shape whatever it comes from: readings
 * into hours, hours into local days, days into buckets. Then an hour's close, or `asOf` the present, changes no bit.
 */

import { openBookState } from '#books/clock.ts';
import { openRecountMarks } from '#books/recount/state.ts';
import { CalendarError, DAY_MS, dayOf, floorHour, HOUR_MS, openFromMs } from '#model/calendar.ts';
import type { MeanKind } from '#model/reference.ts';
import { addReading, addStatistics, emptyStatistics, meanOf, type Statistics } from '#model/statistics.ts';
import { isSoundStatistics, STATISTICS_COLUMNS, type StatisticsCells, statisticsOf } from '#readings/checksums.ts';
import { damagedRow } from '#readings/damage.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import type { ReadingQueries } from '#readings/queries.ts';
import type { Database } from '#src/sqlite.ts';
import type { BookQueries, TrendBucket, TrendQuery } from './queries.ts';

/** How much may be folded from readings for one answer. */
const RAW_MAX_MS = 400 * DAY_MS;
const PAGE = 10_000;
const TABLES = { hours: 'hourStat', days: 'dayStat' } as const;

export interface TrendQueriesParts {
  /** A read-only connection to derived.db. */
  derived: Database;
  /** As of a time, too: `src/readings/answers.ts`. */
  readings: ReadingQueries['readings'];
  allowedLatenessMs: number;
}

interface Bucket {
  startMs: number;
  endMs: number;
  statistics: Statistics;
  provisional: boolean;
}

/** A stretch of the range and the books that serve it. */
interface Stretch {
  from: 'readings' | 'hours' | 'days';
  startMs: number;
  endMs: number;
}

/**
 * @throws (from `trends`) StoreError `books.damaged`; CalendarError where only readings can answer: `range.too-long` beyond 400 days, `range.pruned` for
 * readings that have gone.
 */
export function createTrendQueries({
  derived,
  readings,
  allowedLatenessMs,
}: TrendQueriesParts): Pick<BookQueries, 'trends'> {
  const state = openBookState(derived);
  const frozen = openFrozenHours(derived);
  const recount = openRecountMarks(derived);
  const statementOf = (table: string, at: string) =>
    derived.prepare(
      `SELECT ${at}, ${STATISTICS_COLUMNS} FROM ${table} WHERE series = ? AND ${at} >= ? AND ${at} < ? ORDER BY ${at}`,
    );
  const rowsOf = { hours: statementOf('hourStat', 'hourMs'), days: statementOf('dayStat', 'dayMs') };
  // Half the time of objects.
  for (const statement of Object.values(rowsOf)) statement.setReturnArrays(true);
  const selectDirty = derived.prepare(
    'SELECT hourMs FROM dirtyHour WHERE series = ? AND hourMs >= ? AND hourMs < ? ORDER BY hourMs',
  );

  async function foldReadings(
    query: { series: number; fromMs: number; toMs: number; mean: MeanKind; asOfMs: number | null },
    bucketAt: (ms: number) => Bucket,
    days: DayFold,
  ): Promise<void> {
    const { series, toMs, mean, asOfMs } = query;
    let hour = { startMs: 0, untilMs: Number.NEGATIVE_INFINITY, statistics: emptyStatistics() };
    for (let fromMs = query.fromMs; ; ) {
      const page = await readings({ series, fromMs, toMs, limit: PAGE, asOfMs });
      for (const { timeMs, value, flag, censored, provisional } of page) {
        if (provisional) bucketAt(timeMs).provisional = true;
        if (timeMs >= hour.untilMs) {
          if (hour.statistics.count > 0) days.addHour(hour.startMs, hour.statistics);
          const untilMs = Math.min(floorHour(timeMs) + HOUR_MS, bucketAt(timeMs).endMs);
          hour = { startMs: timeMs, untilMs, statistics: emptyStatistics() };
        }
        addReading(hour.statistics, value, flag, mean, censored);
      }
      if (page.length < PAGE) break;
      fromMs = page.at(-1)!.timeMs + 1;
    }
    if (hour.statistics.count > 0) days.addHour(hour.startMs, hour.statistics);
  }

  /** What the books have passed all of is the present: then an hour that waits to be computed is provisional, too. */
  function markWaiting({ edgesMs, asOfMs }: TrendQuery, series: number, bucketAt: (ms: number) => Bucket): void {
    if (asOfMs !== null && asOfMs < state.clockMs()) return;
    const rows = selectDirty.all(series, floorHour(edgesMs[0]!), edgesMs.at(-1)!) as { hourMs: number }[];
    for (const { hourMs } of rows) bucketAt(Math.max(hourMs, edgesMs[0]!)).provisional = true;
  }

  /** The stretches of the range in their order; marks the buckets of dirty hours. */
  function stretches(query: TrendQuery, series: number, openMs: number, bucketAt: (ms: number) => Bucket): Stretch[] {
    const fromMs = query.edgesMs[0]!;
    const toMs = query.edgesMs.at(-1)!;
    const hasWholeHours = query.edgesMs.slice(1, -1).every((ms) => ms % HOUR_MS === 0);
    if (query.asOfMs !== null || !hasWholeHours) {
      markWaiting(query, series, bucketAt);
      if (toMs - fromMs > RAW_MAX_MS) {
        throw new CalendarError('range.too-long', 'as of a time, or in a zone off the UTC hours, at most 400 days');
      }
      return [{ from: 'readings', startMs: fromMs, endMs: toMs }];
    }
    const booksFromMs = Math.min(Math.ceil(fromMs / HOUR_MS) * HOUR_MS, toMs);
    const booksToMs = Math.max(booksFromMs, Math.min(floorHour(toMs), openMs));
    // A mark on a frozen hour changes nothing; it is on its way out.
    const dirtyFromMs = Math.max(booksFromMs, Math.min(frozen.beforeMs(series), booksToMs));
    const dirty = (selectDirty.all(series, dirtyFromMs, booksToMs) as { hourMs: number }[]).map((row) => row.hourMs);
    for (const hourMs of dirty) bucketAt(hourMs).provisional = true;
    const isDayBook = query.timeZone === state.dayZone() && query.interval !== 'PT1H';
    const list: Stretch[] = [{ from: 'readings', startMs: fromMs, endMs: booksFromMs }];
    let cleanFromMs = booksFromMs;
    // While a long backfill is being worked off, its hours are told as they stand in the books: provisional.
    for (const hourMs of dirty.length * HOUR_MS > RAW_MAX_MS ? [] : dirty) {
      list.push(...bookStretches(cleanFromMs, hourMs, isDayBook ? query.timeZone : null));
      list.push({ from: 'readings', startMs: hourMs, endMs: hourMs + HOUR_MS });
      cleanFromMs = hourMs + HOUR_MS;
    }
    list.push(...bookStretches(cleanFromMs, booksToMs, isDayBook ? query.timeZone : null));
    list.push({ from: 'readings', startMs: booksToMs, endMs: toMs });
    return list.filter(({ startMs, endMs }) => startMs < endMs);
  }

  return {
    async trends(query) {
      const { series, mean, edgesMs, asOfMs } = query;
      const openMs = openFromMs(Math.min(state.clockMs(), asOfMs ?? Number.POSITIVE_INFINITY), allowedLatenessMs);
      const buckets = edgesMs.slice(1).map(
        (endMs, i): Bucket => ({
          startMs: edgesMs[i]!,
          endMs,
          statistics: emptyStatistics(),
          provisional: endMs > openMs,
        }),
      );
      if (series !== null) {
        const bucketAt = (ms: number) => buckets[bucketIndex(edgesMs, ms)]!;
        // Until its turn an hour stands as an older program counted it.
        const olderFromMs = asOfMs === null ? recount.olderFromMs(series) : Number.POSITIVE_INFINITY;
        for (const bucket of buckets) bucket.provisional ||= bucket.endMs > olderFromMs;
        const days = createDayFold(bucketAt, query.timeZone);
        for (const { from, startMs, endMs } of stretches(query, series, openMs, bucketAt)) {
          if (from === 'readings') {
            if (startMs < frozen.beforeMs(series)) throw pruned(frozen.beforeMs(series));
            await foldReadings({ series, fromMs: startMs, toMs: endMs, mean, asOfMs }, bucketAt, days);
          } else {
            const rows = rowsOf[from].all(series, startMs, endMs) as unknown as StatisticsCells[];
            for (const row of rows) {
              if (!isSoundStatistics(series, row)) throw damagedRow(TABLES[from], `series ${series}`, row[0]);
              (from === 'days' ? days.addDay : days.addHour)(row[0], statisticsOf(row));
            }
          }
        }
        days.end();
      }
      return buckets.map((bucket) => toTrendBucket(bucket, mean));
    },
  };
}

function pruned(beforeMs: number): CalendarError {
  const date = new Date(beforeMs).toISOString();
  return new CalendarError(
    'range.pruned',
    `readings before ${date} are gone (WK_RAW_RETENTION): ask for whole hours, and not as of a time`,
  );
}

interface DayFold {
  /** Statistics of an hour, or of the part of one that is in the bucket; ascending. */
  addHour(startMs: number, statistics: Statistics): void;
  /** Of a whole local day, as the day books have it. */
  addDay(startMs: number, statistics: Statistics): void;
  end(): void;
}

/** Hours that come one by one are folded into their local day first, and days into the bucket that they are in. */
function createDayFold(bucketAt: (ms: number) => Bucket, timeZone: string): DayFold {
  let bucket: Bucket | null = null;
  let dayEndMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  let day = emptyStatistics();
  const end = () => {
    if (bucket !== null && day.count > 0) addStatistics(bucket.statistics, day);
    day = emptyStatistics();
  };
  const moveTo = (startMs: number) => {
    if (startMs < untilMs) return;
    end();
    bucket = bucketAt(startMs);
    if (startMs >= dayEndMs) dayEndMs = dayOf(startMs, timeZone).endMs;
    untilMs = Math.min(dayEndMs, bucket.endMs);
  };
  return {
    addHour(startMs, statistics) {
      moveTo(startMs);
      addStatistics(day, statistics);
    },
    addDay(startMs, statistics) {
      end();
      untilMs = Number.NEGATIVE_INFINITY;
      addStatistics(bucketAt(startMs).statistics, statistics);
    },
    end,
  };
}

/** Clean, closed hours: whole days from the day books where they serve (`dayZone`), the rest from hours. */
function bookStretches(startMs: number, endMs: number, dayZone: string | null): Stretch[] {
  if (dayZone === null || endMs - startMs < DAY_MS) return [{ from: 'hours', startMs, endMs }];
  const first = dayOf(startMs, dayZone);
  const daysFromMs = first.startMs === startMs ? startMs : first.endMs;
  const daysToMs = dayOf(endMs, dayZone).startMs;
  if (daysFromMs >= daysToMs) return [{ from: 'hours', startMs, endMs }];
  return [
    { from: 'hours', startMs, endMs: daysFromMs },
    { from: 'days', startMs: daysFromMs, endMs: daysToMs },
    { from: 'hours', startMs: daysToMs, endMs },
  ];
}

/** Index of the bucket that holds `ms`; edges ascend. */
function bucketIndex(edgesMs: readonly number[], ms: number): number {
  let low = 0;
  let high = edgesMs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (edgesMs[middle]! <= ms) low = middle;
    else high = middle;
  }
  return low;
}

function toTrendBucket({ startMs, endMs, statistics, provisional }: Bucket, mean: MeanKind): TrendBucket {
  const { count, valid, min, max } = statistics;
  return { startMs, endMs, count, valid, mean: meanOf(statistics, mean), min, max, provisional };
}
