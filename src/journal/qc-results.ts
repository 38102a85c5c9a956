/**
 * Quality controls as a projection of `qc-results` commands, written in the same transaction: what instruments made of known
 * samples, kept as long as commands are. One that comes again changes nothing; other figures for the same one replace it.
 */
import type { QcResult } from '#model/entry.ts';
import type { Database } from '#src/sqlite.ts';

export const qcResultsDdl = `
  CREATE TABLE qcResult (
    station TEXT NOT NULL,
    timeMs INTEGER NOT NULL,
    parameter TEXT NOT NULL,
    kind TEXT NOT NULL,
    value REAL,
    standard REAL,
    water REAL,
    waterMs INTEGER,
    deviceFlag TEXT,
    source TEXT NOT NULL,
    atMs INTEGER NOT NULL,
    PRIMARY KEY (station, timeMs, parameter, kind)
  ) STRICT, WITHOUT ROWID;
`;

export interface QcResultTable {
  /** Inside the journal's open transaction. */
  put(results: readonly QcResult[], source: string, atMs: number): void;
}

export function openQcResults(database: Database): QcResultTable {
  const put = database.prepare(
    `INSERT INTO qcResult (station, timeMs, parameter, kind, value, standard, water, waterMs, deviceFlag, source, atMs)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, standard = excluded.standard, water = excluded.water,
       waterMs = excluded.waterMs, deviceFlag = excluded.deviceFlag, source = excluded.source, atMs = excluded.atMs
     WHERE (value, standard, water, waterMs, deviceFlag)
       IS NOT (excluded.value, excluded.standard, excluded.water, excluded.waterMs, excluded.deviceFlag)`,
  );
  return {
    put(results, source, atMs) {
      for (const { station, timeMs, parameter, kind, value, standard, water, waterMs, deviceFlag } of results) {
        put.run(station, timeMs, parameter, kind, value, standard, water, waterMs, deviceFlag, source, atMs);
      }
    },
  };
}
