/**
 * Statistics per local day in the installation's zone, folded from the hours' rows in their order. Zones whose hours
 * aren't UTC hours have no day books. When the zone changes, every day is folded anew, a few at a time.
 */

import type { BookState } from '#books/clock.ts';
import { dayOf, isWholeHourZone } from '#model/calendar.ts';
import { addStatistics, emptyStatistics } from '#model/statistics.ts';
import {
  isSoundStatistics,
  STATISTICS_COLUMNS,
  type StatisticsCells,
  statisticsChecksum,
  statisticsOf,
} from '#readings/checksums.ts';
import { damagedRow } from '#readings/damage.ts';
import { type Database, transaction } from '#src/sqlite.ts';

const DAYS_PER_STEP = 200;
/**
 * What the zone's hours are judged by. Before the first standard times clocks showed the sun's (Shanghai: +08:05:43 until
 * 1901): days of archives that old are computed from their readings. A zone's rules beyond 2100 are anybody's guess.
 */
const FIRST_MS = Date.UTC(2000, 0, 1);
const LAST_MS = Date.UTC(2100, 0, 1);

interface Day {
  startMs: number;
  endMs: number;
}

export interface DayBooks {
  /** Folds the days that hold these hours (ascending) anew; in the caller's open transaction. */
  fold(series: number, hoursMs: readonly number[]): void;
  /** Goes on rebuilding after a change of zone. @returns whether there is more to do. */
  step(): boolean;
}

export function createDayBooks(derived: Database, state: BookState, timeZone: string): DayBooks {
  if (!isWholeHourZone(timeZone, FIRST_MS, LAST_MS)) {
    if (state.dayZone() !== null) discard(derived, state);
    return { fold() {}, step: () => false };
  }
  const foldDay = createDayFolding(derived);
  const nextHour = derived.prepare(
    'SELECT series, hourMs FROM hourStat WHERE (series, hourMs) >= (?, ?) ORDER BY series, hourMs LIMIT 1',
  );
  let known: Day = { startMs: 0, endMs: 0 };
  /** Where rebuilding goes on; null when the days are those of `timeZone`. */
  let position: { series: number; hourMs: number } | null = null;

  function dayWith(hourMs: number): Day {
    if (hourMs < known.startMs || hourMs >= known.endMs) known = dayOf(hourMs, timeZone);
    return known;
  }

  if (state.dayZone() !== timeZone) {
    discard(derived, state);
    position = { series: 0, hourMs: 0 };
  }

  return {
    fold(series, hoursMs) {
      let foldedThroughMs = Number.NEGATIVE_INFINITY;
      for (const hourMs of hoursMs) {
        if (hourMs < foldedThroughMs) continue;
        const day = dayWith(hourMs);
        foldDay(series, day);
        foldedThroughMs = day.endMs;
      }
    },

    step() {
      if (!position) return false;
      let at: { series: number; hourMs: number } | null = position;
      transaction(derived, () => {
        for (let days = 0; at && days < DAYS_PER_STEP; days++) {
          const hour = nextHour.get(at.series, at.hourMs) as { series: number; hourMs: number } | undefined;
          if (hour) foldDay(hour.series, dayWith(hour.hourMs));
          at = hour ? { series: hour.series, hourMs: known.endMs } : null;
        }
        if (!at) state.saveDayZone(timeZone);
      });
      position = at;
      return position !== null;
    },
  };
}

/** @returns what folds a day from its hours, in the caller's open transaction. */
function createDayFolding(derived: Database): (series: number, day: Day) => void {
  const selectHours = derived.prepare(
    `SELECT hourMs, ${STATISTICS_COLUMNS} FROM hourStat WHERE series = ? AND hourMs >= ? AND hourMs < ? ORDER BY hourMs`,
  );
  selectHours.setReturnArrays(true);
  const upsert = derived.prepare(
    'INSERT OR REPLACE INTO dayStat (series, dayMs, count, valid, sum, min, max, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const remove = derived.prepare('DELETE FROM dayStat WHERE series = ? AND dayMs = ?');

  return (series, { startMs, endMs }) => {
    const day = emptyStatistics();
    let isSound = true;
    for (const hour of selectHours.all(series, startMs, endMs) as unknown as StatisticsCells[]) {
      addStatistics(day, statisticsOf(hour));
      if (isSoundStatistics(series, hour)) continue;
      isSound = false;
      damagedRow('hourStat', `series ${series}`, hour[0]);
    }
    const { count, valid, sum, min, max } = day;
    if (count === 0 && isSound) {
      remove.run(series, startMs);
      return;
    }
    const checksum = statisticsChecksum(series, startMs, count, valid, sum, min, max);
    // What a damaged hour is in is damaged: nobody is told it, until both are computed anew.
    upsert.run(series, startMs, count, valid, sum, min, max, isSound ? checksum : checksum ^ 1);
  };
}

function discard(derived: Database, state: BookState): void {
  transaction(derived, () => {
    derived.exec('DELETE FROM dayStat');
    state.saveDayZone(null);
  });
}
