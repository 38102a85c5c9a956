/**
 * Readings that the store refused for good, on their way into quarantine, which is in the journal and main's to write: kept in
 * derived.db by the transaction that passes them, told to main, and forgotten once main says that they are quarantined.
 */

import type { ReadingToStore } from '#readings/store.ts';
import type { Database } from '#src/sqlite.ts';

export const rejectedDdl = `
  CREATE TABLE rejected (id TEXT PRIMARY KEY, source TEXT NOT NULL, wasCounted INTEGER NOT NULL, series INTEGER NOT NULL,
    timeMs INTEGER NOT NULL, value REAL, deviceFlag TEXT, reason TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

interface RejectedRow {
  /** Of the quarantined item: the same whenever the same reading is refused again after a crash. */
  id: string;
  source: string;
  /** Whether a gateway's (or writer's) message counted it as received; an engineer's correction didn't. */
  wasCounted: boolean;
  series: number;
  timeMs: number;
  value: number | null;
  deviceFlag: string | null;
  reason: string;
}

/** `keep` and `forget` run in the caller's open transaction. */
export interface Rejected {
  keep(row: RejectedRow): void;
  list(limit: number): RejectedRow[];
  forget(ids: readonly string[]): void;
}

export function openRejected(derived: Database): Rejected {
  const insert = derived.prepare(
    `INSERT OR REPLACE INTO rejected (id, source, wasCounted, series, timeMs, value, deviceFlag, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const list = derived.prepare('SELECT * FROM rejected ORDER BY id LIMIT ?');
  const forget = derived.prepare('DELETE FROM rejected WHERE id = ?');
  return {
    keep({ id, source, wasCounted, series, timeMs, value, deviceFlag, reason }) {
      insert.run(id, source, wasCounted ? 1 : 0, series, timeMs, value, deviceFlag, reason);
    },
    list: (limit) =>
      list.all(limit).map((row) => ({
        id: row.id as string,
        source: row.source as string,
        wasCounted: row.wasCounted === 1,
        series: row.series as number,
        timeMs: row.timeMs as number,
        value: row.value as number | null,
        deviceFlag: row.deviceFlag as string | null,
        reason: row.reason as string,
      })),
    forget(ids) {
      for (const id of ids) forget.run(id);
    },
  };
}

/** The quarantined item's id; `place` tells readings of one entry for the same series and time apart. */
export function rejectedId({ seq = 0, series, timeMs }: ReadingToStore, place: number): string {
  return `store-${seq}-${series}-${timeMs}${place === 0 ? '' : `-${place}`}`;
}
