/**
 * Which hours stand as they are for good since readings that they were computed from have gone (`retention.ts`). Per
 * series a point in time that only moves on: nothing before it is computed, marked or rebuilt again, also when
 * WK_RAW_RETENTION is raised later.
 */
import type { Database } from '#src/sqlite.ts';

export const frozenHoursDdl = `
  CREATE TABLE frozenHours (series INTEGER PRIMARY KEY, beforeMs INTEGER NOT NULL) STRICT;
`;

export interface FrozenHours {
  /** Hours of this series that begin before it are frozen; -Infinity when none is. */
  beforeMs(series: number): number;
  /** In the caller's open transaction; an earlier time than the one that stands changes nothing. */
  freeze(series: number, beforeMs: number): void;
}

/** @param derived may be read-only for who doesn't freeze. */
export function openFrozenHours(derived: Database): FrozenHours {
  const select = derived.prepare('SELECT beforeMs FROM frozenHours WHERE series = ?');
  const upsert = derived.prepare(
    `INSERT INTO frozenHours (series, beforeMs) VALUES (?, ?)
     ON CONFLICT (series) DO UPDATE SET beforeMs = max(beforeMs, excluded.beforeMs)`,
  );
  return {
    beforeMs: (series) =>
      (select.get(series) as { beforeMs: number } | undefined)?.beforeMs ?? Number.NEGATIVE_INFINITY,
    freeze: (series, beforeMs) => void upsert.run(series, beforeMs),
  };
}
