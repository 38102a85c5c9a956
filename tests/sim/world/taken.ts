/**
 * When alerts took which reading judged anew: the one thing that their history depends on and that the journal doesn't
 * hold. Triggers of the simulation's own write it down in the transaction in which it happens.
 */

import type { Rejudged } from '#readings/rejudged.ts';
import type { Database } from '#src/sqlite.ts';

/** `seq` = the alerts' cursor then. */
export interface TakenReading extends Rejudged {
  seq: number;
}

const COLUMNS = 'n, series, timeMs, value, flag, deviceFlag, recordOnly';

/** The cursor is saved after the inbox is emptied, in the same transaction. */
export function noteTaken(derived: Database): void {
  const when = (event: 'INSERT' | 'UPDATE') => `
    CREATE TRIGGER IF NOT EXISTS takenWhen${event} AFTER ${event} ON cursor WHEN NEW.follower = 'alerts' BEGIN
      UPDATE taken SET seq = NEW.seq WHERE seq IS NULL;
    END;`;
  derived.exec(`
    CREATE TABLE IF NOT EXISTS taken (n INTEGER PRIMARY KEY, series INTEGER NOT NULL, timeMs INTEGER NOT NULL,
      value REAL, flag INTEGER NOT NULL, deviceFlag TEXT, recordOnly INTEGER NOT NULL, seq INTEGER) STRICT;
    CREATE INDEX IF NOT EXISTS takenBySeq ON taken (seq);
    CREATE TRIGGER IF NOT EXISTS takenWhat AFTER DELETE ON rejudged BEGIN
      INSERT INTO taken SELECT OLD.n, OLD.series, OLD.timeMs, OLD.value, OLD.flag, OLD.deviceFlag, OLD.recordOnly, NULL;
    END;
    ${when('INSERT')} ${when('UPDATE')}`);
}

export function takenReadings(derived: Database): TakenReading[] {
  return derived
    .prepare(`SELECT ${COLUMNS}, seq FROM taken ORDER BY n`)
    .all()
    .map((row) => ({ ...row, recordOnly: row.recordOnly === 1 })) as unknown as TakenReading[];
}

/** Puts readings into the inbox as they once stood in it. */
export function putTaken(derived: Database, readings: readonly TakenReading[]): void {
  const insert = derived.prepare(`INSERT INTO rejudged (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  for (const { n, series, timeMs, value, flag, deviceFlag, recordOnly } of readings) {
    insert.run(n, series, timeMs, value, flag, deviceFlag, Number(recordOnly));
  }
}
