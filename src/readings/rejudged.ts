/** The inbox of readings judged anew: what `readings` and `books` tell `alerts` of, in derived.db. */
import { type SeriesReading, toMark } from '#model/reading.ts';
import type { Database } from '#src/sqlite.ts';
import { toSeriesReading } from './row.ts';

/** `recordOnly` came later (amended.ts). */
export const rejudgedDdl = `
  CREATE TABLE rejudged (n INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, timeMs INTEGER NOT NULL, value REAL,
    flag INTEGER NOT NULL, deviceFlag TEXT) STRICT;
`;

/** A reading that waits in the inbox; `n` rises and never comes twice: alarms are named after it. */
export interface Rejudged extends SeriesReading {
  n: number;
  /** It was imported: what it shows is recorded and told to nobody. */
  recordOnly: boolean;
}

/**
 * How other followers tell the alerts follower that a reading's flag or value is no longer the one that the journal
 * says, or that a value which alerts left to them (amended.ts) is news. `put` belongs inside the transaction that changes the reading, so that a crash can't lose the news.
 */
export interface RejudgedInbox {
  put(reading: SeriesReading, recordOnly?: boolean): void;
  /** The oldest of them, at most `limit`. */
  list(limit: number): Rejudged[];
  /** Forgets those through `n`; in the transaction of their effects. */
  done(n: number): void;
}

export function openRejudgedInbox(derived: Database): RejudgedInbox {
  const columns = 'series, timeMs, value, flag, deviceFlag, recordOnly';
  const put = derived.prepare(`INSERT INTO rejudged (${columns}) VALUES (?, ?, ?, ?, ?, ?)`);
  const list = derived.prepare(`SELECT n, ${columns} FROM rejudged ORDER BY n LIMIT ?`);
  const done = derived.prepare('DELETE FROM rejudged WHERE n <= ?');
  return {
    put(reading, recordOnly = false) {
      const { series, timeMs, value, deviceFlag } = reading;
      put.run(series, timeMs, value, toMark(reading), deviceFlag, Number(recordOnly));
    },
    list: (limit) =>
      list.all(limit).map((row) => ({ ...toSeriesReading(row), n: row.n as number, recordOnly: row.recordOnly === 1 })),
    done(n) {
      done.run(n);
    },
  };
}
