/**
 * Means of many series over a few periods, for assessments: folded from the day books, from hour books where a zone or an
 * edge needs them. A cell whose hours are open or wait to be computed again is asked of `trends`, which folds those from
 * readings; beyond so many such cells the books are told as they stand, as provisional. Runs in the query worker.
 */

import { openBookState } from '#books/clock.ts';
import { openRecountMarks } from '#books/recount/state.ts';
import { CalendarError, DAY_MS, dayOf, HOUR_MS, openFromMs } from '#model/calendar.ts';
import { addStatistics, emptyStatistics, meanOf, type Statistics } from '#model/statistics.ts';
import { isSoundStatistics, STATISTICS_COLUMNS, type StatisticsCells, statisticsOf } from '#readings/checksums.ts';
import { damagedRow } from '#readings/damage.ts';
import type { Database, Statement } from '#src/sqlite.ts';
import { cellColumns, type PeriodCell } from './period-cells.ts';
import type { BookQueries, PeriodQuery } from './queries.ts';

/** How many cells (a series in a span) of an answer may be folded from readings. */
const FOLDED_CELLS_MAX = 600;

export interface AssessmentQueriesParts {
  /** A read-only connection to derived.db. */
  derived: Database;
  trends: BookQueries['trends'];
  allowedLatenessMs: number;
}

type Span = PeriodQuery['spans'][number];

type Asked = PeriodQuery['series'];

/** Series that are read in one go: some thousands of rows of a quarter. */
const SERIES_AT_ONCE = 100;

/**
 * In the order of time, as what is folded from readings: an assessment as of the present has the same bits. (SQLite's own sum()
 * keeps the digits that adding loses.)
 * @throws StoreError `books.damaged`.
 */
function foldedBySeries(
  { table, statement }: { table: string; statement: Statement },
  ids: readonly number[],
  { startMs, endMs }: Span,
): Map<number, Statistics> {
  const folded = new Map<number, Statistics>();
  const sorted = ids.toSorted((a, b) => a - b);
  for (let first = 0; first < sorted.length; first += SERIES_AT_ONCE) {
    const asked = JSON.stringify(sorted.slice(first, first + SERIES_AT_ONCE));
    let into = emptyStatistics();
    for (const cells of statement.all(asked, startMs, endMs) as unknown as [...StatisticsCells, series: number][]) {
      const series = cells[7];
      if (!folded.has(series)) {
        into = emptyStatistics();
        folded.set(series, into);
      }
      const row = cells as unknown as StatisticsCells;
      if (!isSoundStatistics(series, row)) throw damagedRow(table, `series ${series}`, row[0]);
      addStatistics(into, statisticsOf(row));
    }
  }
  return folded;
}

/** @throws (from `periods`) StoreError `books.damaged`; CalendarError `range.too-long` where only readings can answer and there are too many. */
export function createAssessmentQueries({
  derived,
  trends,
  allowedLatenessMs,
}: AssessmentQueriesParts): Pick<BookQueries, 'periods'> {
  const state = openBookState(derived);
  // As arrays, and a few series at a time: each row is looked at for its checksum, and costs no more so than an aggregate.
  const prepare = (table: string, at: string) => {
    const statement = derived.prepare(
      `SELECT ${at}, ${STATISTICS_COLUMNS}, series FROM ${table}
       WHERE series IN (SELECT value FROM json_each(?)) AND ${at} >= ? AND ${at} < ? ORDER BY series, ${at}`,
    );
    statement.setReturnArrays(true);
    return { table, statement };
  };
  const recount = openRecountMarks(derived);
  const hours = prepare('hourStat', 'hourMs');
  const days = prepare('dayStat', 'dayMs');
  const selectDirty = derived.prepare('SELECT DISTINCT series FROM dirtyHour WHERE hourMs >= ? AND hourMs < ?');

  /** Series of a span that have hours which aren't in the books; `all` while the span isn't over. */
  function unclosed(span: Span, openMs: number): ReadonlySet<number> | 'all' {
    if (span.endMs > openMs) return 'all';
    return new Set((selectDirty.all(span.startMs, span.endMs) as { series: number }[]).map(({ series }) => series));
  }

  function fromBooks(asked: Asked, span: Span, isDays: boolean, provisional: boolean): PeriodCell[] {
    if (asked.length === 0) return [];
    const kinds = new Map(asked.map(({ id, mean }) => [id, mean]));
    const folded = foldedBySeries(isDays ? days : hours, [...kinds.keys()], span);
    return [...folded].map(([series, statistics]) => {
      const { valid } = statistics;
      const { count, min, max } = span.meansOnly ? { count: valid, min: null, max: null } : statistics;
      // Until its turn an hour stands as an older program counted it.
      const isOlder = span.endMs > recount.olderFromMs(series);
      const mean = meanOf(statistics, kinds.get(series)!);
      return { series, count, valid, mean, min, max, provisional: provisional || isOlder };
    });
  }

  async function fromReadings({ id, mean }: Asked[number], span: Span, query: PeriodQuery): Promise<PeriodCell[]> {
    const { timeZone, asOfMs } = query;
    const edgesMs = [span.startMs, span.endMs];
    const [bucket] = await trends({ series: id, mean, edgesMs, interval: 'P1D', timeZone, asOfMs });
    const { count, valid, mean: value, min, max, provisional } = bucket!;
    if (count === 0) return [];
    const cell = { series: id, count, valid, mean: value, min, max, provisional };
    return [span.meansOnly ? { ...cell, count: valid, min: null, max: null } : cell];
  }

  return {
    async periods(query) {
      const { spans, series, timeZone, asOfMs, nowMs } = query;
      const openMs = openFromMs(state.clockMs(), allowedLatenessMs);
      const isDayZone = state.dayZone() === timeZone;
      const past = spans.filter(({ startMs }) => startMs < nowMs);
      // What no book holds has to be folded, or not be answered at all.
      const isFolded = asOfMs !== null || past.some(({ startMs, endMs }) => startMs % HOUR_MS || endMs % HOUR_MS);
      if (isFolded && past.length * series.length > FOLDED_CELLS_MAX) {
        const reason = 'as of a time, or in a zone off the UTC hours, an assessment is of fewer sections or months';
        throw new CalendarError('range.too-long', reason);
      }
      let left = FOLDED_CELLS_MAX;
      const answer: PeriodCell[][] = [];
      for (const span of spans) {
        const asked = past.includes(span) ? series : [];
        const open = isFolded ? 'all' : unclosed(span, openMs);
        const isDays = isDayZone && isOfDays(span, timeZone);
        const closed = open === 'all' ? [] : asked.filter(({ id }) => !open.has(id));
        const unclear = open === 'all' ? asked : asked.filter(({ id }) => open.has(id));
        const folded = unclear.slice(0, left);
        left -= folded.length;
        const cells = fromBooks(closed, span, isDays, false);
        for (const one of folded) cells.push(...(await fromReadings(one, span, query)));
        answer.push([...cells, ...fromBooks(unclear.slice(folded.length), span, isDays, true)]);
      }
      return cellColumns(answer, series);
    },
  };
}

function isOfDays({ startMs, endMs }: Span, timeZone: string): boolean {
  return (
    endMs - startMs >= 20 * HOUR_MS &&
    dayOf(startMs, timeZone).startMs === startMs &&
    dayOf(endMs - DAY_MS / 4, timeZone).endMs === endMs
  );
}
