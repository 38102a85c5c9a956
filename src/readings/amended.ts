/**
 * Which readings people and the quality tests have changed since they came. The alerts follower judges a value as it
 * comes, before it is settled; of such a reading only settling can tell whether a value is news or the one that was
 * changed, sent once more. So alerts leave what comes for it to the follower `readings`, which hands on what is news
 * (`RejudgedInbox`). Both ask the same question of the same rows: for an entry, what was changed before it.
 */

import type { JournalReader } from '#journal/port.ts';
import type { CommandEntry, Correction, JournaledReading } from '#model/entry.ts';
import { isOpen } from '#readings/settling/settlement.ts';
import type { Database } from '#src/sqlite.ts';

/** `seq` = the entry after which values for these times are left: a correction, or the newest before a second judgement. */
export const amendedDdl = `
  CREATE TABLE amended (series INTEGER NOT NULL, fromMs INTEGER NOT NULL, toMs INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (series, fromMs, toMs)) STRICT, WITHOUT ROWID;
  CREATE INDEX amendedSpans ON amended (series, fromMs, toMs, seq) WHERE toMs > fromMs + 1;
  INSERT OR IGNORE INTO amended SELECT series, timeMs, timeMs + 1, min(seq) FROM version
    WHERE cause IN ('command', 'quality') GROUP BY series, timeMs;
  ALTER TABLE rejudged ADD COLUMN recordOnly INTEGER NOT NULL DEFAULT 0;
`;

/**
 * Corrections of series that nothing had come for yet, by name: a follower that reads such a correction late knows the
 * series already, and both must come to the same.
 */
export const amendedAheadDdl = `
  CREATE TABLE amendedAhead (station TEXT NOT NULL, parameter TEXT NOT NULL, fromMs INTEGER NOT NULL, toMs INTEGER NOT NULL,
    seq INTEGER NOT NULL, PRIMARY KEY (station, parameter, fromMs, toMs)) STRICT, WITHOUT ROWID;
`;

export interface Amended {
  /** The same of a correction, whether or not anything has come for its series yet. */
  correct(entry: Pick<CommandEntry, 'seq'> & { command: Correction }): void;
  /** Readings of [fromMs, toMs) are changed by what comes after the entry `seq`, or by that entry. */
  put(series: number, fromMs: number, toMs: number, seq: number): void;
  /** Whether an entry's open verdict on this reading is for settling alone to tell. */
  concerns(reading: Pick<JournaledReading, 'series' | 'timeMs' | 'verdict'>, seq: number): boolean;
}

/** The methods run in the caller's open transaction. */
export function openAmended(derived: Database, reader: Pick<JournalReader, 'seriesById' | 'seriesByName'>): Amended {
  const putAhead = derived.prepare(
    `INSERT INTO amendedAhead (station, parameter, fromMs, toMs, seq) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET seq = min(seq, excluded.seq)`,
  );
  const ahead = derived.prepare(
    'SELECT 1 FROM amendedAhead WHERE station = ? AND parameter = ? AND fromMs <= ? AND toMs > ? AND seq < ? LIMIT 1',
  );
  const put = derived.prepare(
    `INSERT INTO amended (series, fromMs, toMs, seq) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET seq = min(seq, excluded.seq)`,
  );
  const point = derived.prepare('SELECT 1 FROM amended WHERE series = ? AND fromMs = ? AND toMs > ? AND seq < ?');
  const span = derived.prepare(
    `SELECT 1 FROM amended WHERE series = ? AND fromMs <= ? AND toMs > ? AND toMs > fromMs + 1 AND seq < ? LIMIT 1`,
  );
  return {
    correct({ seq, command: { station, parameter, fromMs, toMs } }) {
      const series = reader.seriesByName(station, parameter);
      if (series) put.run(series.id, fromMs, toMs, seq);
      else putAhead.run(station, parameter, fromMs, toMs, seq);
    },
    put(series, fromMs, toMs, seq) {
      put.run(series, fromMs, toMs, seq);
    },
    concerns({ series, timeMs, verdict }, seq) {
      if (!isOpen(verdict)) return false;
      if ([point, span].some((rows) => rows.get(series, timeMs, timeMs, seq) !== undefined)) return true;
      const named = reader.seriesById(series);
      return named !== undefined && ahead.get(named.station, named.parameter, timeMs, timeMs, seq) !== undefined;
    },
  };
}
