/**
 * What computing hours writes into derived.db: the half of it that runs inside a transaction. Nothing here asks the
 * reading store; new flags wait in a table until the store has them, so that a crash in between loses none.
 */
import { floorHour } from '#model/calendar.ts';
import { COUNTING_RULES } from '#model/counting-rules.ts';
import type { Flag } from '#model/flag.ts';
import { type SeriesReading, toMark } from '#model/reading.ts';
import { emptyStatistics, type Statistics } from '#model/statistics.ts';
import {
  isSoundStatistics,
  STATISTICS_COLUMNS,
  type StatisticsCells,
  statisticsChecksum,
  statisticsOf,
} from '#readings/checksums.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { openStoreMark } from '#readings/fit-tables.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import { toSeriesReading } from '#readings/row.ts';
import { openSeriesState } from '#readings/series-state.ts';
import type { TracedReading } from '#readings/store.ts';
import { openVersions } from '#readings/versions.ts';
import type { Database } from '#src/sqlite.ts';

/** An hour as computed from the store. */
export interface ComputedHour {
  series: number;
  hourMs: number;
  /** Whether the hour's own mark is answered by this computation. */
  isMarked: boolean;
  /** Computed for a recount: alarms are not told of its flags. */
  isRecount?: boolean;
  /** Its share of the readings that were read for it. */
  readings: number;
  statistics: Statistics;
  /** Readings whose flag isn't the stored one. */
  reflagged: { before: TracedReading; flag: Flag }[];
}

/** A final flag on its way into the store. */
interface WaitingReflag extends SeriesReading {
  throughSeq: number;
  /** 1: by a recount. */
  recounted: number;
}

/** `keep` and `forget` run in the caller's open transaction. */
export interface HourRecords {
  /**
   * Keeps an hour that was computed when the store held everything up to `throughSeq`: row, superseded flags, mark.
   * @returns false when nothing was kept: an entry after `throughSeq` has changed it, and its mark stays; or the hour is
   * frozen, and the mark goes.
   */
  keep(hour: ComputedHour, throughSeq: number, clockMs: number): boolean;
  /** Whether the books say otherwise of the hour than it was computed. */
  isNews(hour: ComputedHour): boolean;
  /** Some of the flags that the store hasn't got. */
  waiting(limit: number): WaitingReflag[];
  /** Whether the reading may have changed since its flag was computed. */
  isOvertaken(reflag: WaitingReflag): boolean;
  forget(reflags: readonly WaitingReflag[]): void;
  /** How often the store had committed by now. */
  storeHas(commits: number | undefined): void;
  /** For the hours of [fromMs, toMs) that have a row: what they were computed from. */
  throughSeqs(series: number, fromMs: number, toMs: number): ReadonlyMap<number, number>;
}

const NOTHING = emptyStatistics();

function toWaiting(row: Record<string, unknown>): WaitingReflag {
  return {
    ...toSeriesReading(row),
    throughSeq: row.throughSeq as number,
    recounted: row.recounted as number,
  };
}

/** Not split: the statements and what they serve, each a few lines. */
export function openHourRecords(derived: Database): HourRecords {
  const dirtyHours = openDirtyHours(derived);
  const frozen = openFrozenHours(derived);
  const versions = openVersions(derived);
  const seriesState = openSeriesState(derived);
  const upsert = derived.prepare(
    `INSERT OR REPLACE INTO hourStat (series, hourMs, count, valid, sum, min, max, throughSeq, checksum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = derived.prepare('DELETE FROM hourStat WHERE series = ? AND hourMs = ?');
  const get = derived.prepare(`SELECT hourMs, ${STATISTICS_COLUMNS} FROM hourStat WHERE series = ? AND hourMs = ?`);
  get.setReturnArrays(true);
  const select = derived.prepare(
    'SELECT hourMs, throughSeq FROM hourStat WHERE series = ? AND hourMs >= ? AND hourMs < ?',
  );
  const newer = derived.prepare('SELECT 1 FROM dirtyHour WHERE hourMs = ? AND series = ? AND lastSeq > ?');
  const insertReflag = derived.prepare(
    `INSERT OR REPLACE INTO reflag (series, timeMs, value, flag, deviceFlag, throughSeq, recounted)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectReflags = derived.prepare('SELECT * FROM reflag ORDER BY series, timeMs LIMIT ?');
  const removeReflag = derived.prepare('DELETE FROM reflag WHERE series = ? AND timeMs = ?');

  function reflag({ series, reflagged, isRecount }: ComputedHour, throughSeq: number, clockMs: number): void {
    const current: SeriesReading[] = [];
    for (const { before, flag } of reflagged) {
      const { timeMs, value, deviceFlag } = before;
      const reason = isRecount ? `counted anew by rules ${COUNTING_RULES}` : null;
      const ended = { cause: 'quality', by: 'quality', reason, supersededAtMs: clockMs } as const;
      versions.keep({ ...before, ...ended, series, supersededSeq: throughSeq });
      const mark = toMark({ ...before, flag });
      insertReflag.run(series, timeMs, value, mark, deviceFlag, throughSeq, Number(isRecount === true));
      current.push({ series, timeMs, value, flag, deviceFlag, censored: before.censored });
    }
    seriesState.remember(current);
  }

  const storeHas = openStoreMark(derived);
  return {
    keep(hour, throughSeq, clockMs) {
      const { series, hourMs, isMarked, statistics } = hour;
      if (hourMs < frozen.beforeMs(series)) {
        if (isMarked) dirtyHours.clear(series, hourMs, throughSeq);
        return false;
      }
      if (newer.get(hourMs, series, throughSeq)) return false;
      const { count, valid, sum, min, max } = statistics;
      // An hour without a reading has no row.
      if (count === 0) remove.run(series, hourMs);
      else {
        const checksum = statisticsChecksum(series, hourMs, count, valid, sum, min, max);
        upsert.run(series, hourMs, count, valid, sum, min, max, throughSeq, checksum);
      }
      if (hour.reflagged.length > 0) reflag(hour, throughSeq, clockMs);
      if (isMarked) dirtyHours.clear(series, hourMs, throughSeq);
      return true;
    },
    isNews({ series, hourMs, statistics }) {
      const row = get.get(series, hourMs) as unknown as StatisticsCells | undefined;
      // Of a damaged row nobody knows what was told of it.
      if (row && !isSoundStatistics(series, row)) return true;
      const before = row ? statisticsOf(row) : NOTHING;
      const { count, valid, sum, min, max } = statistics;
      return (
        before.count !== count ||
        before.valid !== valid ||
        before.sum !== sum ||
        before.min !== min ||
        before.max !== max
      );
    },
    waiting: (limit) => selectReflags.all(limit).map(toWaiting),
    isOvertaken: ({ series, timeMs, throughSeq }) => newer.get(floorHour(timeMs), series, throughSeq) !== undefined,
    forget(reflags) {
      for (const { series, timeMs } of reflags) removeReflag.run(series, timeMs);
    },
    storeHas,
    throughSeqs(series, fromMs, toMs) {
      const rows = select.all(series, fromMs, toMs) as { hourMs: number; throughSeq: number }[];
      return new Map(rows.map((row) => [row.hourMs, row.throughSeq]));
    },
  };
}
