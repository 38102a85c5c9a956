/**
 * Statistics per local day in the installation's zone, folded from the hours' rows in their order. Zones whose hours
 * aren't UTC hours have no day books. When the zone changes, every day is folded anew, a few at a time.
 */

import type { BookState } from '#books/book-state.ts';
import { dayOf, isWholeHourZone } from '#model/calendar.ts';
import { type Database, eachRow, transaction } from '#src/sqlite.ts';
import { addStatistics, emptyStatistics, type Statistics } from './statistics.ts';

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
  const selectHours = derived.prepare(
    'SELECT count, valid, sum, min, max FROM hourStat WHERE series = ? AND hourMs >= ? AND hourMs < ? ORDER BY hourMs',
  );
  const upsert = derived.prepare(
    'INSERT OR REPLACE INTO dayStat (series, dayMs, count, valid, sum, min, max) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const remove = derived.prepare('DELETE FROM dayStat WHERE series = ? AND dayMs = ?');
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

  function foldDay(series: number, { startMs, endMs }: Day): void {
    const day = emptyStatistics();
    eachRow(selectHours, [series, startMs, endMs], (hour) => {
      addStatistics(day, hour as unknown as Statistics);
    });
    if (day.count === 0) remove.run(series, startMs);
    else upsert.run(series, startMs, day.count, day.valid, day.sum, day.min, day.max);
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

function discard(derived: Database, state: BookState): void {
  transaction(derived, () => {
    derived.exec('DELETE FROM dayStat');
    state.saveDayZone(null);
  });
}
