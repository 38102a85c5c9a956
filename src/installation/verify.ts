/**
 * Looks an installation through, or a backup, and changes nothing: files and their pages, ids and generations, the comparison of
 * a start (decision 22) without mending, the journal, every checksum, ledgers, and volumes that have to add up. The lock is the
 * caller's; a log beside a database (`…-wal`) is read as SQLite would.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasOldEntries } from '#journal/convert.ts';
import { type Installation, readInstallation } from '#journal/installation.ts';
import { verifyJournal } from '#journal/verify.ts';
import { scanReadings } from '#readings/damaged-readings.ts';
import { type Database, openReadOnly, openUntouched } from '#src/sqlite.ts';
import { DATABASES, describeFile, MANIFEST, mayLack, type ReadingsIn, readManifest } from './backup-manifest.ts';
import { findLosses, hasEntries, lossesOf } from './fit-losses.ts';
import { bookChecks, checkLedgers } from './verify-books.ts';
import type { Tell, VerifyCode } from './verify-codes.ts';

export interface VerifyFault {
  code: VerifyCode;
  file: string;
  message: string;
}

export interface Verified {
  faults: number;
  /** What was looked at, such as `readings: 12000`. */
  seen: Record<string, number>;
}

export interface VerifyOptions {
  directory: string;
  readingsIn: ReadingsIn;
  tell: (fault: VerifyFault) => void;
}

/** Told of one kind in one file; the rest is counted. */
const TOLD = 20;

export async function verifyInstallation({ directory, readingsIn, tell: hear }: VerifyOptions): Promise<Verified> {
  const seen: Record<string, number> = {};
  const counts = new Map<string, { code: VerifyCode; file: string; n: number }>();
  const tell: Tell = (code, file, message) => {
    const kind = counts.getOrInsertComputed(`${code} ${file}`, () => ({ code, file, n: 0 }));
    if (++kind.n <= TOLD) hear({ code, file, message });
  };
  await checkManifest(directory, tell);
  const open = openAll(directory, readingsIn, tell);
  try {
    for (const [name, database] of open) inspect(name, tell, () => checkPages(name, database, tell));
    inspect(directory, tell, () => checkFit(open, tell));
    const { journal, derived, readings } = byName(open);
    if (journal) inspect('journal.db', tell, () => checkJournal(journal, seen, tell));
    if (derived) {
      for (const check of bookChecks) inspect('derived.db', tell, () => check(derived, seen, tell));
      if (journal) inspect('derived.db', tell, () => checkLedgers(journal, derived, tell));
    }
    if (readings) inspect('readings.db', tell, () => checkReadings(readings, seen, tell));
  } finally {
    for (const database of open.values()) database.close();
  }
  for (const { code, file, n } of counts.values()) {
    if (n > TOLD) hear({ code, file, message: `${n - TOLD} more` });
  }
  return { faults: counts.values().reduce((sum, { n }) => sum + n, 0), seen };
}

/** Whatever a damaged file does to a question is a fault of the file. */
function inspect(file: string, tell: Tell, check: () => void): void {
  try {
    check();
  } catch (error) {
    tell('file.damaged', file, (error as Error).message);
  }
}

/** A backup's list says of each file what it was. */
async function checkManifest(directory: string, tell: Tell): Promise<void> {
  if (!existsSync(join(directory, MANIFEST))) return;
  try {
    for (const { name, bytes, sha256 } of readManifest(directory).files) {
      if (!existsSync(join(directory, name))) tell('file.missing', name, 'backup.json lists it');
      else {
        const found = await describeFile(directory, name);
        if (found.bytes !== bytes || found.sha256 !== sha256)
          tell('file.damaged', name, 'it is not what was backed up');
      }
    }
  } catch (error) {
    tell('file.damaged', MANIFEST, (error as Error).message);
  }
}

function openAll(directory: string, readingsIn: ReadingsIn, tell: Tell): Map<string, Database> {
  const open = new Map<string, Database>();
  for (const { name, migrations } of DATABASES) {
    const path = join(directory, name);
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) {
      if (!mayLack(name, readingsIn)) tell('file.missing', name, existsSync(path) ? 'it is empty' : 'it is not there');
      continue;
    }
    try {
      // With a log beside it, as a crash leaves one, SQLite has to read both.
      const hasLog = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
      const database = hasLog ? openReadOnly(path) : openUntouched(path);
      const version = (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
      if (version === migrations.length) open.set(name, database);
      else {
        database.close();
        const which = version > migrations.length ? 'a newer' : 'an earlier';
        tell(
          'file.version',
          name,
          `it is of ${which} version of the program (${version}, this one: ${migrations.length})`,
        );
      }
    } catch (error) {
      tell('file.damaged', name, (error as Error).message);
    }
  }
  return open;
}

function byName(open: ReadonlyMap<string, Database>) {
  const [journal, derived, readings] = ['journal.db', 'derived.db', 'readings.db'].map(
    (name) => open.get(name) ?? null,
  );
  return { journal: journal ?? null, derived: derived ?? null, readings: readings ?? null };
}

function checkPages(name: string, database: Database, tell: Tell): void {
  for (const { integrity_check: said } of database.prepare(`PRAGMA integrity_check(${TOLD})`).all()) {
    if (said !== 'ok') tell('file.damaged', name, String(said));
  }
}

/** As at a start. */
function checkFit(open: ReadonlyMap<string, Database>, tell: Tell): void {
  const known = [...open].map(([name, database]) => ({ name, installation: readInstallation(database) }));
  const unnamed = known.filter(({ installation }) => installation === null);
  // All of an earlier version that was never started on this one, or none.
  if (unnamed.length > 0 && unnamed.length < known.length) {
    for (const { name } of unnamed) tell('store.mismatch', name, 'it carries no installation, and the others do');
  }
  const [first, ...others] = known.filter(
    (one): one is { name: string; installation: Installation } => one.installation !== null,
  );
  const strange = others.find(
    ({ installation: { id, generation } }) =>
      id !== first!.installation.id || generation !== first!.installation.generation,
  );
  if (strange) {
    tell('store.mismatch', strange.name, `it is of another installation or generation than ${first!.name}`);
    return;
  }
  const { journal, derived, readings } = byName(open);
  if (!journal || !derived || !hasEntries(journal)) return;
  // An older program's: the others have passed what the next start converts before it compares.
  if (hasOldEntries(journal)) return;
  // Of an earlier version and not started since: it is believed once, and compared from then on.
  if (readings && (readings.prepare('SELECT seq FROM mark').get() as { seq: number | null }).seq === null) return;
  const files = { journal, derived, readings };
  const found = findLosses(files, true);
  if (!found) return;
  for (const { condition, detail } of lossesOf(files, found))
    tell('files.lost', condition.replace('lost', 'db'), detail);
}

function checkJournal(journal: Database, seen: Record<string, number>, tell: Tell): void {
  for (const { code, message } of verifyJournal(journal)) tell(code, 'journal.db', message);
  const count = journal.prepare('SELECT count(*) AS batches, count(nullif(kind, 1)) AS breaks FROM batch').get();
  const { batches, breaks } = count as { batches: number; breaks: number };
  seen['batches of the journal'] = batches;
  seen['breaks in it'] = breaks;
}

function checkReadings(readings: Database, seen: Record<string, number>, tell: Tell): void {
  const { rows, unchecked } = scanReadings(readings, ({ series, timeMs, seq }) => {
    const at = Number.isFinite(timeMs) && Math.abs(timeMs) < 8.64e15 ? new Date(timeMs).toISOString() : `${timeMs} ms`;
    tell('reading.damaged', 'readings.db', `series ${series} at ${at}, of entry ${seq ?? 'unknown'}`);
  });
  seen.readings = rows;
  seen['readings without a checksum'] = unchecked;
}
