/**
 * The one file that knows node:sqlite. Opens a database the way every file of ours is opened and runs its
 * numbered migrations. A file newer than the program is refused: downgrades would misread it.
 */
import { statSync } from 'node:fs';
import { backup, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

export type Database = DatabaseSync;
export type Statement = StatementSync;

/** A database file that can't be used; `code` is one of the table in model/faults.ts. */
export class StoreError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  constructor(code: string, message: string, retryable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
    this.retryable = retryable;
  }
}

/**
 * Opens (or creates) a database for writing: WAL, every commit on disk (`synchronous=FULL`), migrations applied.
 * @param migrations SQL texts; the file's `user_version` says how many it has had.
 * @param options.givesPagesBack lays a new file out so that `PRAGMA incremental_vacuum` can make it smaller.
 * @throws StoreError `store.corrupt` for a file that isn't a sound database, `store.newer` for one of a later version.
 */
export function openDatabase(path: string, migrations: readonly string[], { givesPagesBack = false } = {}): Database {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
    // Of a file that has a page already it changes nothing (sqlite.org/pragma.html#pragma_auto_vacuum).
    if (givesPagesBack) database.exec('PRAGMA auto_vacuum=INCREMENTAL');
    database.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY',
    );
  } catch (error) {
    throw corrupt(path, error as Error);
  }
  try {
    migrate(database, path, migrations);
    return database;
  } catch (error) {
    if (database.isOpen) database.close();
    throw isCorruption(error) ? corrupt(path, error as Error) : error;
  }
}

/** A file up to this size is checked through when it is opened; it takes about a millisecond per MiB. */
const CHECKED_BYTES = 16 << 20;

/**
 * Checks an open file through when it is small.
 * @throws StoreError `store.corrupt`.
 */
export function checkSmall(database: Database, path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= CHECKED_BYTES) checkWhole(database, path);
}

/** @throws StoreError `store.corrupt`. */
export function checkWhole(database: Database, path: string): void {
  let verdict: unknown;
  try {
    verdict = database.prepare('PRAGMA quick_check(1)').get()!.quick_check;
  } catch (error) {
    throw isCorruption(error) ? corrupt(path, error as Error) : error;
  }
  if (verdict !== 'ok') {
    throw new StoreError('store.corrupt', `${path} is damaged (${verdict}): restore it from a backup`, false);
  }
}

/**
 * Opens a database that another thread writes, for reading only, with short waits for its checkpoints.
 * @throws StoreError `store.corrupt` for a file that isn't a database or whose schema can't be read.
 */
export function openReadOnly(path: string): Database {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
  try {
    // Opening alone looks at nothing.
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    readers.add(database);
    return database;
  } catch (error) {
    database.close();
    throw isCorruption(error) ? corrupt(path, error as Error) : error;
  }
}

/** Opens a file that nobody writes as it stands, without its log and without leaving anything beside it. */
export function openUntouched(path: string): Database {
  const url = pathToFileURL(path);
  // https://sqlite.org/uri.html#uriimmutable
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

/** The open read-only connections of this thread: what `createSnapshotWatch` looks at. */
const readers = new Set<DatabaseSync>();

/**
 * Visits the rows of a statement in their order. The one way to iterate: when it returns or throws, the statement is over,
 * so that no read outlives its question. One that does keeps its snapshot: every later question on the connection is
 * answered from it, and the WAL can't be reset.
 * @param visit ends it early with `false`.
 */
export function eachRow(
  statement: Statement,
  values: readonly SQLInputValue[],
  visit: (row: Record<string, unknown>) => boolean | undefined,
): void {
  // Leaving the loop in any way closes the iterator.
  for (const row of statement.iterate(...values)) if (visit(row) === false) return;
}

export interface ReadPage<T> {
  rows: T[];
  /** Whether there are rows behind these. */
  isMore: boolean;
}

/** More text than this is not read for one page, however few its rows. */
const PAGE_CHARACTERS = 1 << 20;

/**
 * At most `limit` rows, fewer where they are large.
 * @param statement ends with `LIMIT ?`, for which one more row than `limit` is asked.
 */
export function readPage<T>(
  statement: Statement,
  values: readonly SQLInputValue[],
  limit: number,
  charactersOf: (row: T) => number,
): ReadPage<T> {
  const rows: T[] = [];
  let characters = 0;
  let isMore = false;
  eachRow(statement, [...values, limit + 1], (found) => {
    isMore = rows.length === limit || characters >= PAGE_CHARACTERS;
    if (isMore) return false;
    const row = found as T;
    rows.push(row);
    characters += charactersOf(row);
    return true;
  });
  return { rows, isMore };
}

/** A read-only connection that still answers as of before a commit; `ageMs` = how long ago that was first seen. */
interface StaleRead {
  path: string;
  ageMs: number;
}

interface Watched {
  versions: () => { own: number; file: number };
  seen: { own: number; file: number };
  sinceMs: number | null;
  isTold: boolean;
  close: () => void;
}

/**
 * Tells which connections of this thread stand still: a second connection to the same file has seen a commit that they
 * have not (https://sqlite.org/pragma.html#pragma_data_version). Between two questions none should: then a statement or a
 * transaction was left open.
 * @returns a look at all of them; call it between questions. Each connection is told once, when it has stood still for
 * `afterMs`; whoever reads from it opens another one.
 */
export function createSnapshotWatch(afterMs: number): (nowMs: number) => StaleRead[] {
  const watched = new Map<DatabaseSync, Watched>();

  function follow(): void {
    for (const [database, { close }] of watched) {
      if (database.isOpen) continue;
      close();
      watched.delete(database);
    }
    for (const database of readers) {
      if (!database.isOpen) readers.delete(database);
      else if (!watched.has(database)) watched.set(database, watch(database));
    }
  }

  return (nowMs) => {
    follow();
    const stale: StaleRead[] = [];
    for (const [database, one] of watched) {
      const now = one.versions();
      if (now.own !== one.seen.own) one.sinceMs = null;
      else if (now.file !== one.seen.file) one.sinceMs ??= nowMs;
      one.seen = now;
      if (one.sinceMs === null || one.isTold || nowMs - one.sinceMs < afterMs) continue;
      one.isTold = true;
      stale.push({ path: database.location()!, ageMs: nowMs - one.sinceMs });
    }
    return stale;
  };
}

function watch(database: DatabaseSync): Watched {
  const witness = new DatabaseSync(database.location()!, { readOnly: true, timeout: 2000 });
  const [own, file] = [database, witness].map((one) => {
    const statement = one.prepare('PRAGMA data_version');
    return () => (statement.get() as { data_version: number }).data_version;
  });
  const versions = () => {
    // The same before and after: no commit came in between, so both speak of one instant.
    for (let before = file!(); ; ) {
      const mine = own!();
      const after = file!();
      if (after === before) return { own: mine, file: after };
      before = after;
    }
  };
  return { versions, seen: versions(), sinceMs: null, isTold: false, close: () => witness.close() };
}

/** Pages copied before other work of this thread has its turn: 8 MiB. */
const COPY_PAGES = 2048;

/**
 * Copies a whole database into one self-contained file. A connection with an open read transaction copies what that
 * transaction sees, whatever is committed meanwhile (sqlite.org/c3ref/backup_finish.html: it reads through that
 * connection). On disk when it resolves.
 */
export async function copyDatabase(source: Database, path: string): Promise<void> {
  await backup(source, path, { rate: COPY_PAGES });
  const copy = new DatabaseSync(path);
  try {
    // In WAL mode each look at the copy would leave files beside it.
    copy.exec('PRAGMA journal_mode=DELETE');
  } finally {
    copy.close();
  }
}

/**
 * Looks through a closed database file without changing it.
 * @throws StoreError `store.corrupt` when it is damaged, `store.newer` when it is of a version beyond `knownVersion`.
 */
export function checkDatabase(path: string, knownVersion: number): void {
  const database = openReadOnly(path);
  try {
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version > knownVersion) throw newer(path, version, knownVersion);
    const { quick_check: verdict } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string };
    if (verdict !== 'ok') throw new StoreError('store.corrupt', `${path} is damaged: ${verdict}`, false);
  } catch (error) {
    throw isCorruption(error) ? corrupt(path, error as Error) : error;
  } finally {
    database.close();
  }
}

function newer(path: string, version: number, knownVersion: number): StoreError {
  return new StoreError(
    'store.newer',
    `${path} has version ${version}, this program knows ${knownVersion}: run the newer program`,
    false,
  );
}

// sqlite.org/rescode.html
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** A file that is torn, or none of SQLite's at all. */
export function isCorruption(error: unknown): boolean {
  const { errcode = 0 } = error as { errcode?: number };
  return [CORRUPT, NOT_A_DATABASE].includes(errcode & 0xff);
}

function corrupt(path: string, error: Error): StoreError {
  const { errcode = 0, message } = error as Error & { errcode?: number };
  const what =
    (errcode & 0xff) === CORRUPT
      ? `is damaged (${message}): restore it from a backup`
      : `can't be opened as a database: ${message}`;
  return new StoreError('store.corrupt', `${path} ${what}`, false, { cause: error });
}

function migrate(database: Database, path: string, migrations: readonly string[]): void {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (row.user_version > migrations.length) {
    database.close();
    throw newer(path, row.user_version, migrations.length);
  }
  for (let version = row.user_version; version < migrations.length; version++) {
    transaction(database, () => {
      database.exec(migrations[version]!);
      database.exec(`PRAGMA user_version=${version + 1}`);
    });
  }
}

/**
 * Runs `work`, whose commits don't wait for the disk: for what is done again when a power cut takes it. Nothing else is
 * at risk, since the log keeps its order, and the next commit that waits brings these to the disk as well
 * (sqlite.org/pragma.html#pragma_synchronous, NORMAL in WAL mode).
 */
export function unhurried<T>(database: Database, work: () => T): T {
  database.exec('PRAGMA synchronous=NORMAL');
  try {
    return work();
  } finally {
    database.exec('PRAGMA synchronous=FULL');
  }
}

/** Runs `work` in one write transaction; anything thrown rolls all of it back and is thrown on. */
export function transaction<T>(database: Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
