/**
 * derived.db: everything that followers derive from the journal. Written by the followers' worker alone, read by
 * the query worker. Each part owns its tables' DDL in its own file; here they get their numbers. Append only: a
 * released migration is never edited.
 */

import {
  alarmFiguresDdl,
  alarmHistoryDdl,
  alarmWorstDdl,
  alertPartsDdl,
  alertsDdl,
  noticesDdl,
} from '#alerts/records/alert-tables.ts';
import { crossingsDdl } from '#alerts/records/crossings.ts';
import { periodsDdl } from '#alerts/records/period-tables.ts';
import { constantWorkDdl, tellingDdl } from '#alerts/records/telling-tables.ts';
import { booksDdl } from '#books/books-tables.ts';
import { recountDdl } from '#books/recount-tables.ts';
import { volumeDdl, volumeKnotsDdl, volumeTotalsDdl } from '#books/water/volume-tables.ts';
import { amendedAheadDdl, amendedDdl } from '#readings/amended.ts';
import { checksumsDdl } from '#readings/checksums.ts';
import { fitDdl } from '#readings/fit-tables.ts';
import { frozenHoursDdl } from '#readings/frozen-hours.ts';
import { rejectedDdl } from '#readings/rejected.ts';
import { countedDdl, settleDdl } from '#readings/settle-tables.ts';
import { type Database, openDatabase, type Statement } from '#src/sqlite.ts';

const CURSORS = `
  CREATE TABLE cursor (follower TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE parked (follower TEXT NOT NULL, seq INTEGER NOT NULL, atMs INTEGER NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (follower, seq)) STRICT, WITHOUT ROWID;
`;

export const derivedMigrations: readonly string[] = [
  CURSORS,
  settleDdl,
  booksDdl,
  volumeDdl,
  alertsDdl,
  rejectedDdl,
  frozenHoursDdl,
  volumeTotalsDdl,
  noticesDdl,
  alertPartsDdl,
  alarmHistoryDdl,
  periodsDdl,
  tellingDdl,
  alarmFiguresDdl,
  volumeKnotsDdl,
  recountDdl,
  amendedDdl,
  alarmWorstDdl,
  countedDdl,
  crossingsDdl,
  constantWorkDdl,
  fitDdl,
  amendedAheadDdl,
  checksumsDdl,
];

export function openDerived(path: string): Database {
  return openDatabase(path, derivedMigrations);
}

/** The persisted cursor of one follower; `save` belongs inside the transaction whose effects it covers. */
export class Cursor {
  #seq: number;
  readonly #name: string;
  readonly #upsert: Statement;
  constructor(database: Database, name: string) {
    this.#name = name;
    const row = database.prepare('SELECT seq FROM cursor WHERE follower = ?').get(name) as { seq: number } | undefined;
    this.#seq = row?.seq ?? 0;
    this.#upsert = database.prepare(
      'INSERT INTO cursor (follower, seq) VALUES (?, ?) ON CONFLICT (follower) DO UPDATE SET seq = excluded.seq',
    );
  }
  get seq(): number {
    return this.#seq;
  }
  /** Writes the cursor in the open transaction; call `moved` after its commit. */
  save(seq: number): void {
    this.#upsert.run(this.#name, seq);
  }
  moved(seq: number): void {
    this.#seq = seq;
  }
}
