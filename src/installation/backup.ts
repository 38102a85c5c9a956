/**
 * A consistent copy of a data directory, also while the service runs and under load. The three databases are pinned
 * (a read transaction each) at one instant, as a crash at that instant would have left them, and then copied from
 * there at leisure. Neither the service's writers nor its readers wait for it.
 *
 * Why not one file after the other: followers write what they derive first and their cursors later, in another file.
 * A cursor ahead of the copied journal would pass over entries that are yet to come; one ahead of the copied readings
 * would lose those in between; one behind them would settle readings again that are already there.
 *
 * Readings in InfluxDB are backed up by InfluxDB, and after this: what a copied cursor has passed is then in its backup.
 */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { journalEnds } from '#journal/batches.ts';
import { readInstallation } from '#journal/installation.ts';
import type { Clock } from '#src/clock.ts';
import { checkDatabase, copyDatabase, type Database, openReadOnly, StoreError } from '#src/sqlite.ts';
import {
  type BackupManifest,
  DATABASES,
  describeFile,
  MANIFEST,
  mayLack,
  type ReadingsIn,
  SECRETS,
} from './backup-manifest.ts';

/** An instant in which nothing is committed lasts some 10 µs; followers commit every few milliseconds. */
const TRIES = 10_000;

/**
 * Writes a backup into `target`, which must not exist or be empty, and checks the copies. Everything acknowledged
 * before the call is in it. An interrupted backup leaves `target.partial`, which the next one replaces.
 * @throws StoreError `config.invalid` for a target in use, `not-found` when `dataDir` isn't a data directory.
 */
export async function backUp(
  dataDir: string,
  target: string,
  clock: Clock,
  readingsIn: ReadingsIn = 'sqlite',
): Promise<BackupManifest> {
  if (existsSync(target) && readdirSync(target).length > 0) {
    throw new StoreError('config.invalid', `${target} isn't empty: give each backup a directory of its own`, false);
  }
  const present = DATABASES.filter(({ name }) => existsSync(join(dataDir, name)));
  const missing = DATABASES.find((one) => !present.includes(one) && !mayLack(one.name, readingsIn));
  if (missing)
    throw new StoreError('not-found', `${join(dataDir, missing.name)} isn't there: nothing to back up`, false);
  const partial = `${target}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  const createdAt = new Date(clock.nowMs()).toISOString();
  const { headSeq, cursors, installation } = await copyDatabases(dataDir, partial, present);
  const files: BackupManifest['files'] = [];
  for (const { name, migrations } of present) {
    checkDatabase(join(partial, name), migrations.length);
    files.push(await describeFile(partial, name));
  }
  for (const name of SECRETS) {
    if (!existsSync(join(dataDir, name))) continue;
    copyFileSync(join(dataDir, name), join(partial, name));
    files.push(await describeFile(partial, name));
  }
  const manifest: BackupManifest = { format: 1, createdAt, readingsIn, installation, headSeq, cursors, files };
  writeFileSync(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const name of [...files.map((file) => file.name), MANIFEST]) {
    chmodSync(join(partial, name), 0o600);
    syncToDisk(join(partial, name));
  }
  syncToDisk(partial);
  renameSync(partial, target);
  syncToDisk(dirname(target));
  return manifest;
}

/** Flushes a file, or the names in a directory, to the disk. */
export function syncToDisk(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

async function copyDatabases(
  dataDir: string,
  target: string,
  present: readonly (typeof DATABASES)[number][],
): Promise<Pick<BackupManifest, 'headSeq' | 'cursors' | 'installation'>> {
  const open: Database[] = [];
  const opened = (name: string): Database => {
    const database = openReadOnly(join(dataDir, name));
    open.push(database);
    return database;
  };
  try {
    const byName = new Map(present.map(({ name }) => [name, opened(name)]));
    const state = pinTogether({
      journal: byName.get('journal.db')!,
      derived: byName.get('derived.db')!,
      readings: byName.get('readings.db') ?? null,
      watch: opened('derived.db'),
    });
    for (const [name, database] of byName) await copyDatabase(database, join(target, name));
    return state;
  } finally {
    for (const database of open) database.close();
  }
}

interface Connections {
  journal: Database;
  derived: Database;
  /** Null when they are in InfluxDB. */
  readings: Database | null;
  /** A second one to derived.db, never in a transaction: it sees every commit. */
  watch: Database;
}

/**
 * Begins a read transaction on each database. When nothing was committed to derived.db from before its own until after
 * that on the readings, both see the instant at which the latter began; else they are begun anew. The journal comes
 * last, so that no cursor is ahead of it.
 */
function pinTogether({ journal, derived, readings, watch }: Connections) {
  const version = watch.prepare('PRAGMA data_version');
  const commits = () => (version.get() as { data_version: number }).data_version;
  const pinned = [derived, ...(readings ? [readings] : []), journal];
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = commits();
    pin(derived);
    if (readings) pin(readings);
    if (commits() === before) {
      pin(journal);
      const state = stateOf(journal, derived);
      if (state.isWhole) return state;
    }
    for (const database of pinned) if (database.isTransaction) database.exec('ROLLBACK');
  }
  throw new StoreError('store.locked', 'the service commits all the time: no instant was found to copy it', true);
}

/** A read transaction begins with its first read (sqlite.org/lang_transaction.html). */
function pin(database: Database): void {
  database.exec('BEGIN');
  database.prepare('SELECT count(*) FROM sqlite_schema').get();
}

/** `isWhole`: the journal has every entry that a follower may still ask for; pruning may have come in between. */
function stateOf(journal: Database, derived: Database) {
  const { headSeq, oldestSeq } = journalEnds(journal);
  const rows = derived.prepare('SELECT follower, seq FROM cursor').all() as { follower: string; seq: number }[];
  const cursors = Object.fromEntries(rows.map(({ follower, seq }) => [follower, seq]));
  const saved = derived.prepare('SELECT seq FROM alertState').get() as { seq: number } | undefined;
  const passed = [cursors.readings ?? 0, cursors.books ?? 0, saved?.seq ?? 0];
  const isWhole = oldestSeq <= Math.min(...passed) + 1 && Math.max(0, ...Object.values(cursors)) <= headSeq;
  return { headSeq, cursors, installation: installationOf(journal), isWhole };
}

/** Undefined in a file that this version has never been started on. */
function installationOf(journal: Database): BackupManifest['installation'] {
  const isKnown = journal.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'installation'").get() !== undefined;
  return (isKnown && readInstallation(journal)) || undefined;
}
