/**
 * Whether the files of a data directory fit each other, asked at start, before anything is appended or acknowledged
 * (docs/decisions/0022). A journal that ends before what others have passed goes on above it; a reading store that lost
 * commits is written again from the journal; what is gone is kept in the journal's list of losses. Files of different
 * installations or generations, and a journal that is gone beside the others, are refused.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { convertEntries, hasOldEntries } from '#journal/convert.ts';
import { lockDataDir } from '#journal/data-lock.ts';
import { toStoreError } from '#journal/failure.ts';
import { type Installation, readInstallation, stampInstallation } from '#journal/installation.ts';
import { journalMigrations } from '#journal/tables.ts';
import { openSeriesNames } from '#readings/fit-tables.ts';
import { openReadings } from '#readings/sqlite-store.ts';
import { checkSmall, type Database, openDatabase, StoreError, transaction } from '#src/sqlite.ts';
import type { ReadingsIn } from './backup-manifest.ts';
import { openDerived } from './derived.ts';
import { type Files, findLosses, mend } from './fit-losses.ts';

export interface FitOptions {
  dataDir: string;
  readingsIn: ReadingsIn;
  /** Through which entry the store in InfluxDB says that it was written; 0 or left out: it doesn't say. */
  storeSeq?: number;
  /** Wall clock. */
  nowMs: number;
  /** A start that is to stop: a journal of an older program is converted no further. */
  stopping?: AbortSignal;
}

/**
 * Makes what isn't there, converts what an older program has left, compares, mends.
 * @throws StoreError `store.mismatch` or `store.corrupt` with the file's name and the way out; `store.locked`,
 *   `store.newer` as `openJournal`.
 */
export async function fitFiles({ dataDir, readingsIn, storeSeq, nowMs, stopping }: FitOptions): Promise<void> {
  const at = (name: string) => join(dataDir, name);
  const lock = lockDataDir(at('journal.db'));
  const open: Database[] = [];
  const opened = (name: string, openIt: (path: string) => Database): Database => {
    try {
      const database = openIt(at(name));
      open.push(database);
      checkSmall(database, at(name));
      return database;
    } catch (error) {
      throw toStoreError(error, at(name));
    }
  };
  try {
    const others = readingsIn === 'sqlite' ? ['derived.db', 'readings.db'] : ['derived.db'];
    if (isEmpty(at('journal.db'))) refuseOrphans(dataDir, others, opened);
    const journal = opened('journal.db', (path) => openDatabase(path, journalMigrations));
    const holdsEntries = (table: string) => journal.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined;
    const isNew = !holdsEntries('batch') && !(hasOldEntries(journal) && holdsEntries('entry'));
    if (isNew) refuseOrphans(dataDir, others, opened);
    else if (existsSync(at('derived.db')) && isEmpty(at('derived.db'))) throw emptied(at('derived.db'));
    const hadDerived = existsSync(at('derived.db'));
    const files: Files = {
      journal,
      derived: opened('derived.db', openDerived),
      readings: readingsIn === 'sqlite' ? opened('readings.db', openReadings) : null,
    };
    identify(files, dataDir);
    for (const _ of convertEntries(journal)) {
      await nextTurn();
      stopping?.throwIfAborted();
    }
    const found = isNew ? null : findLosses(files, hadDerived, storeSeq);
    if (found) mend(files, found, { dataDir, nowMs });
    keepNames(files);
  } finally {
    for (const database of open) if (database.isOpen) database.close();
    lock.close();
  }
}

function isEmpty(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** Files that followed a journal which is not there. */
function refuseOrphans(
  dataDir: string,
  names: readonly string[],
  opened: (name: string, openIt: (path: string) => Database) => Database,
): void {
  for (const name of names) {
    const path = join(dataDir, name);
    if (isEmpty(path)) continue;
    const isReadings = name === 'readings.db';
    const database = opened(name, isReadings ? openReadings : openDerived);
    const query = isReadings
      ? 'SELECT 1 FROM reading UNION ALL SELECT 1 FROM block LIMIT 1'
      : 'SELECT 1 FROM cursor WHERE seq > 0 LIMIT 1';
    if (database.prepare(query).get() === undefined) continue;
    throw new StoreError(
      'store.mismatch',
      `${join(dataDir, 'journal.db')} is missing or empty, and ${name} beside it has followed one: put journal.db back ` +
        '(npm run restore), or move the other files of this installation away to begin a new one',
      false,
    );
  }
}

function emptied(path: string): StoreError {
  return new StoreError(
    'store.mismatch',
    `${path} is empty, and the journal beside it is not: put it back (npm run restore), or delete it to have everything ` +
      'derived anew from the entries that the journal still has (docs/operations.md says what that loses)',
    false,
  );
}

/** Files of one installation and generation; those of an earlier version, or just made, become part of it. */
function identify(files: Files, dataDir: string): void {
  const named = Object.entries(files)
    .filter((file): file is [string, Database] => file[1] !== null)
    .map(([name, database]) => ({ name: `${name}.db`, database, known: readInstallation(database) }));
  const [first] = named.filter(({ known }) => known !== null);
  const installation: Installation = first?.known ?? { id: randomUUID(), generation: 1 };
  const strange = named.find(
    ({ known }) => known && (known.id !== installation.id || known.generation !== installation.generation),
  );
  if (strange) throw mixed(dataDir, first!.name, strange.name, strange.known!.id === installation.id);
  // The journal last: once it is stamped, the others were there.
  for (const { database, known } of named.toReversed()) {
    if (!known) transaction(database, () => stampInstallation(database, installation));
  }
}

function mixed(dataDir: string, first: string, strange: string, isSame: boolean): StoreError {
  const what = isSame ? 'of another generation (a backup was restored between them)' : 'of another installation';
  return new StoreError(
    'store.mismatch',
    `${join(dataDir, strange)} is ${what} than ${first}: put together the files that belong together, or restore a whole ` +
      'backup (npm run restore)',
    false,
  );
}

/** Series of earlier versions, or that a rolled-back transaction left out. */
function keepNames({ journal, derived }: Files): void {
  const names = new Map(
    journal
      .prepare('SELECT id, station, parameter FROM series')
      .all()
      .map((row) => [row.id as number, row as unknown as { id: number; station: string; parameter: string }]),
  );
  const known = new Set(
    derived
      .prepare('SELECT id FROM seriesName')
      .all()
      .map((row) => row.id as number),
  );
  const missing = [...names.keys()].filter((id) => !known.has(id));
  if (missing.length === 0) return;
  transaction(derived, () => openSeriesNames(derived, (id) => names.get(id)).keep(missing));
}
