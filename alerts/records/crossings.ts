/**
 * What an alarm counts that stands for a chattering series: each crossing of the limit as it is now, and each transition as a
 * line. Every method runs in the caller's open transaction, and costs the same however many there are already.
 */
import type { Severity } from '#model/alarms/alarm.ts';
import type { CountedEvent, CountedLine } from '#model/alarms/counted.ts';
import type { Database } from '#src/sqlite.ts';

/**
 * `crossing` = what would have been an alarm, under the id that it would have had; the alarm's own first one is there, too.
 * `countedLine` = what happened to one, append-only: `timeMs` is the event time, `atMs` the `receivedMs` of entry `seq`.
 */
export const crossingsDdl = `
  CREATE TABLE crossing (id TEXT PRIMARY KEY, alarm TEXT NOT NULL, key TEXT NOT NULL, breachStartMs INTEGER NOT NULL,
    raisedAtMs INTEGER NOT NULL, clearedAtMs INTEGER, lastBreachMs INTEGER NOT NULL, severity TEXT NOT NULL, value REAL NOT NULL,
    withdrawn INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX crossingByKey ON crossing (key, breachStartMs) WHERE withdrawn = 0;
  CREATE INDEX crossingByAlarm ON crossing (alarm, raisedAtMs) WHERE withdrawn = 0;
  CREATE TABLE countedLine (n INTEGER PRIMARY KEY, alarm TEXT NOT NULL, crossing TEXT NOT NULL, seq INTEGER NOT NULL,
    atMs INTEGER NOT NULL, event TEXT NOT NULL, timeMs INTEGER NOT NULL, severity TEXT NOT NULL, value REAL NOT NULL) STRICT;
  CREATE INDEX countedLineByAlarm ON countedLine (alarm, n);
  CREATE TRIGGER countedLineKept BEFORE DELETE ON countedLine BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
  CREATE TRIGGER countedLineFixed BEFORE UPDATE ON countedLine BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
`;

export interface Crossing {
  id: string;
  /** The alarm that counts it. */
  alarm: string;
  key: string;
  breachStartMs: number;
  raisedAtMs: number;
  clearedAtMs: number | null;
  lastBreachMs: number;
  severity: Severity;
  value: number;
  isWithdrawn: boolean;
}

export interface CrossingStore {
  put(crossing: Crossing): void;
  /** The crossing of an alarm that was raised last by event time; those withdrawn don't count. */
  newest(alarm: string): Crossing | undefined;
  /** Crossings of this key, not withdrawn, all of whose evidence lies in [fromMs, toMs). */
  restingOn(key: string, fromMs: number, toMs: number): Crossing[];
  line(line: CountedLine & { alarm: string }): void;
}

export function openCrossings(derived: Database): CrossingStore {
  const put = derived.prepare(
    `INSERT INTO crossing (id, alarm, key, breachStartMs, raisedAtMs, clearedAtMs, lastBreachMs, severity, value, withdrawn)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET breachStartMs = excluded.breachStartMs, raisedAtMs = excluded.raisedAtMs,
       clearedAtMs = excluded.clearedAtMs, lastBreachMs = excluded.lastBreachMs, severity = excluded.severity,
       value = excluded.value, withdrawn = excluded.withdrawn`,
  );
  const newest = derived.prepare(
    'SELECT * FROM crossing WHERE alarm = ? AND withdrawn = 0 ORDER BY raisedAtMs DESC LIMIT 1',
  );
  const restingOn = derived.prepare(
    `SELECT * FROM crossing WHERE key = ?1 AND breachStartMs >= ?2 AND breachStartMs < ?3 AND lastBreachMs < ?3
     AND withdrawn = 0 ORDER BY breachStartMs`,
  );
  const line = derived.prepare(
    `INSERT INTO countedLine (alarm, crossing, seq, atMs, event, timeMs, severity, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  return {
    put({ id, alarm, key, breachStartMs, raisedAtMs, clearedAtMs, lastBreachMs, severity, value, isWithdrawn }) {
      const times = [breachStartMs, raisedAtMs, clearedAtMs, lastBreachMs];
      put.run(id, alarm, key, ...times, severity, value, Number(isWithdrawn));
    },
    newest(alarm) {
      const row = newest.get(alarm);
      return row && toCrossing(row);
    },
    restingOn: (key, fromMs, toMs) => restingOn.all(key, fromMs, toMs).map(toCrossing),
    line({ alarm, crossing, seq, atMs, event, timeMs, severity, value }) {
      line.run(alarm, crossing, seq, atMs, event, timeMs, severity, value);
    },
  };
}

function toCrossing({ withdrawn, ...row }: Record<string, unknown>): Crossing {
  return { ...row, isWithdrawn: withdrawn === 1 } as Crossing;
}

/** The newest lines that an alarm has counted, oldest first, at most `limit`. */
export function countedLines(derived: Database, alarm: string, limit: number): CountedLine[] {
  const rows = derived
    .prepare(
      `SELECT crossing, seq, atMs, event, timeMs, severity, value FROM countedLine WHERE alarm = ? ORDER BY n DESC LIMIT ?`,
    )
    .all(alarm, limit);
  return rows.map((row) => ({ ...row, event: row.event as CountedEvent }) as CountedLine).reverse();
}
