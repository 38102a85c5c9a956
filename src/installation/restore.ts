/**
 * Puts a backup in the place of a data directory. Everything is checked before anything is touched; what was there is
 * moved aside, never deleted. The journal comes last: before it is there, the directory is no installation.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { journalEnds } from '#journal/batches.ts';
import { lockDataDir } from '#journal/data-lock.ts';
import { readInstallation, stampInstallation } from '#journal/installation.ts';
import type { Clock } from '#src/clock.ts';
import {
  checkDatabase,
  type Database,
  openDatabase,
  openReadOnly,
  openUntouched,
  StoreError,
  transaction,
} from '#src/sqlite.ts';
import { syncToDisk } from './backup.ts';
import { type BackupManifest, DATABASES, describeFile, type ReadingsIn, readManifest } from './backup-manifest.ts';

export interface RestoreOptions {
  backup: string;
  dataDir: string;
  /** Replace an installation that is there; it is kept in a subdirectory. */
  force: boolean;
  clock: Clock;
  /** Where this installation looks for readings; the backup must be of one that does so, too. */
  readingsIn?: ReadingsIn;
}

export interface Restored {
  manifest: BackupManifest;
  /** Where the files are that were there before; null when there were none. */
  replacedInto: string | null;
}

const STAGE = 'restoring';
/** The lock itself, and what a file system or an earlier attempt puts there. */
const NOTHING = /^(lock\.db.*|lost\+found|restoring|replaced-.*)$/;
const OURS = /^((journal|derived|readings)\.db(-wal|-shm|-journal)?|admin\.token|installation\.key|(http|mqtt)\.port)$/;

/**
 * @throws StoreError `store.locked` while a service runs there, `state.conflict` for a directory that isn't empty,
 *   `store.corrupt` or `store.newer` for the backup, `not-found` when there is none, `config.invalid` when its readings
 *   are not where this installation looks for them.
 */
export async function restore({
  backup,
  dataDir,
  force,
  clock,
  readingsIn = 'sqlite',
}: RestoreOptions): Promise<Restored> {
  const manifest = await checkBackup(backup);
  if (manifest.readingsIn !== readingsIn) throw elsewhere(backup, manifest.readingsIn);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = lockDataDir(join(dataDir, 'journal.db'));
  try {
    const present = readdirSync(dataDir).filter((name) => !NOTHING.test(name) && !leadsTo(join(dataDir, name), backup));
    if (present.length > 0 && !force) {
      throw new StoreError(
        'state.conflict',
        `${dataDir} isn't empty (${present.slice(0, 5).join(', ')}): --force moves an installation aside`,
        false,
      );
    }
    const stage = join(dataDir, STAGE);
    rmSync(stage, { recursive: true, force: true });
    mkdirSync(stage, { mode: 0o700 });
    for (const { name } of manifest.files) {
      copyFileSync(join(backup, name), join(stage, name));
      chmodSync(join(stage, name), 0o600);
      syncToDisk(join(stage, name));
    }
    beginGeneration(stage, manifest, generationOf(join(dataDir, 'journal.db')));
    const replacedInto = moveAside(dataDir, clock);
    // Listed first, renamed last.
    for (const { name } of manifest.files.toReversed()) renameSync(join(stage, name), join(dataDir, name));
    rmSync(stage, { recursive: true });
    syncToDisk(dataDir);
    return { manifest, replacedInto };
  } finally {
    lock.close();
  }
}

/** Of the installation that is replaced; 0 when there is none that says. */
function generationOf(journal: string): number {
  if (!existsSync(journal)) return 0;
  let database: Database | undefined;
  try {
    database = openUntouched(journal);
    return readInstallation(database)?.generation ?? 0;
  } catch {
    // Damaged, or of an earlier version: no reason not to restore over it.
    return 0;
  } finally {
    database?.close();
  }
}

/**
 * From here on the same seq stands for other entries than in the files that this backup was made of, or that it replaces:
 * none of those may be put beside these again.
 */
function beginGeneration(stage: string, manifest: BackupManifest, replaced: number): void {
  const id = manifest.installation?.id ?? randomUUID();
  const generation = Math.max(manifest.installation?.generation ?? 0, replaced) + 1;
  for (const { name, migrations } of DATABASES) {
    if (!manifest.files.some((file) => file.name === name)) continue;
    const database = openDatabase(join(stage, name), migrations);
    try {
      transaction(database, () => stampInstallation(database, { id, generation }));
      // In WAL mode the change might still stand in a file beside it, which isn't moved.
      database.exec('PRAGMA journal_mode=DELETE');
    } finally {
      database.close();
    }
    syncToDisk(join(stage, name));
  }
}

function elsewhere(backup: string, readingsIn: ReadingsIn): StoreError {
  const message =
    readingsIn === 'influxdb'
      ? `${backup} holds no readings, they were in InfluxDB: set WK_INFLUX_URL to one that has them`
      : `${backup} holds readings in SQLite, where none are looked for while WK_INFLUX_URL is set`;
  return new StoreError('config.invalid', message, false);
}

/** True when `path` is `target` or a directory above it. */
function leadsTo(path: string, target: string): boolean {
  const way = relative(path, target);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`));
}

/** @returns where to, or null when there was nothing of ours. */
function moveAside(dataDir: string, clock: Clock): string | null {
  const present = readdirSync(dataDir).filter((name) => OURS.test(name));
  if (present.length === 0) return null;
  const target = join(dataDir, `replaced-${new Date(clock.nowMs()).toISOString().replaceAll(/[:.]/g, '-')}`);
  mkdirSync(target, { mode: 0o700 });
  // The journal first: half moved, the directory must not look like an installation.
  for (const name of present.toSorted((a, b) => Number(b.startsWith('journal')) - Number(a.startsWith('journal')))) {
    renameSync(join(dataDir, name), join(target, name));
  }
  syncToDisk(dataDir);
  return target;
}

/** Whether every file is what was written, sound, of a version that this program knows, and fits the others. */
async function checkBackup(backup: string): Promise<BackupManifest> {
  const manifest = readManifest(backup);
  for (const file of manifest.files) {
    const path = join(backup, file.name);
    if (!existsSync(path)) throw new StoreError('store.corrupt', `${path} is missing from the backup`, false);
    const { bytes, sha256 } = await describeFile(backup, file.name);
    if (bytes !== file.bytes || sha256 !== file.sha256) {
      throw new StoreError(
        'store.corrupt',
        `${path} isn't what was backed up: its size or its checksum differs`,
        false,
      );
    }
  }
  for (const { name, migrations } of DATABASES) {
    if (manifest.files.some((file) => file.name === name)) checkDatabase(join(backup, name), migrations.length);
  }
  const journal = openReadOnly(join(backup, 'journal.db'));
  const { headSeq } = journalEnds(journal);
  journal.close();
  const ahead = Object.entries(manifest.cursors).find(([, cursor]) => cursor > headSeq);
  if (ahead) throw new StoreError('store.corrupt', `${backup}: ${ahead[0]} is ahead of the journal`, false);
  return manifest;
}
