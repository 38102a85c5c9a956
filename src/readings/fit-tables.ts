/**
 * What derived.db keeps so that the files can be compared at start (fit-files.ts): the names of the series that it and the
 * reading store know by number, in case that journal.db loses them, and how often the store had committed.
 */

import { installationDdl } from '#journal/installation.ts';
import type { Series } from '#model/reading.ts';
import type { Database } from '#src/sqlite.ts';

/** `origin.stored` = values that the entry stored; null for entries of earlier versions. */
export const fitDdl = `
  ${installationDdl}
  CREATE TABLE seriesName (id INTEGER PRIMARY KEY, station TEXT NOT NULL, parameter TEXT NOT NULL) STRICT;
  CREATE TABLE storeMark (one INTEGER PRIMARY KEY CHECK (one = 1), commits INTEGER NOT NULL) STRICT;
  ALTER TABLE origin ADD COLUMN stored INTEGER;
`;

/** What a store on a server has lost, until the journal's list has it. */
export const storeLossDdl = `
  CREATE TABLE storeLoss (id INTEGER PRIMARY KEY, firstSeq INTEGER NOT NULL, lastSeq INTEGER NOT NULL, toMs INTEGER NOT NULL,
    detail TEXT NOT NULL) STRICT;
`;

export interface SeriesNames {
  /** In the caller's transaction; each series is written once. */
  keep(series: Iterable<number>): void;
}

/** @param nameOf what the journal calls a series. */
export function openSeriesNames(derived: Database, nameOf: (id: number) => Series | undefined): SeriesNames {
  const insert = derived.prepare('INSERT OR IGNORE INTO seriesName (id, station, parameter) VALUES (?, ?, ?)');
  const kept = new Set<number>();
  return {
    keep(series) {
      for (const id of series) {
        if (kept.has(id)) continue;
        const name = nameOf(id);
        if (!name) continue;
        insert.run(id, name.station, name.parameter);
        // After a rollback it is kept by the next comparison of the files, if nothing does before.
        kept.add(id);
      }
    },
  };
}

/** @returns what notes, in the caller's transaction, how often a store had committed when that transaction began. */
export function openStoreMark(derived: Database): (commits: number | undefined) => void {
  const upsert = derived.prepare(
    'INSERT INTO storeMark (one, commits) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET commits = excluded.commits',
  );
  return (commits) => {
    if (commits !== undefined) upsert.run(commits);
  };
}
