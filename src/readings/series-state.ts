/** The newest reading of each series by event time, kept beside the cursors so that "latest" needs no scan at start. */
import { existsSync } from 'node:fs';
import { type Reading, type SeriesReading, toMark } from '#model/reading.ts';
import { type Database, openReadOnly } from '#src/sqlite.ts';
import { toReading, toSeriesReading } from './row.ts';

export interface SeriesState {
  /** In the caller's transaction: takes over what is as new as or newer than what is known (a corrected flag too). */
  remember(readings: readonly SeriesReading[]): void;
  all(): SeriesReading[];
  of(series: number): Reading | undefined;
}

export function openSeriesState(derived: Database): SeriesState {
  const upsert = derived.prepare(
    `INSERT INTO seriesState (series, timeMs, value, flag, deviceFlag) VALUES (?, ?, ?, ?, ?) ON CONFLICT (series)
     DO UPDATE SET timeMs = excluded.timeMs, value = excluded.value, flag = excluded.flag, deviceFlag = excluded.deviceFlag
     WHERE excluded.timeMs >= timeMs`,
  );
  const all = derived.prepare('SELECT series, timeMs, value, flag, deviceFlag FROM seriesState ORDER BY series');
  const of = derived.prepare('SELECT timeMs, value, flag, deviceFlag FROM seriesState WHERE series = ?');
  return {
    remember(readings) {
      for (const reading of newestOfEach(readings)) {
        upsert.run(reading.series, reading.timeMs, reading.value, toMark(reading), reading.deviceFlag);
      }
    },
    all() {
      return all.all().map(toSeriesReading);
    },
    of(series) {
      const row = of.get(series);
      return row && toReading(row);
    },
  };
}

/**
 * The newest reading of each series as the followers left them in this derived.db; empty before their first start.
 * What the journal holds beyond the `readings` cursor may be newer.
 */
export function newestReadings(derivedPath: string): Map<number, Reading> {
  if (!existsSync(derivedPath)) return new Map();
  const derived = openReadOnly(derivedPath);
  try {
    const isMade = derived.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'seriesState'").get() !== undefined;
    const all = isMade ? openSeriesState(derived).all() : [];
    return new Map(all.map(({ series, ...reading }) => [series, reading]));
  } finally {
    derived.close();
  }
}

function newestOfEach(readings: readonly SeriesReading[]): Iterable<SeriesReading> {
  const newest = new Map<number, SeriesReading>();
  for (const reading of readings) {
    const known = newest.get(reading.series);
    if (!known || reading.timeMs >= known.timeMs) newest.set(reading.series, reading);
  }
  return newest.values();
}
