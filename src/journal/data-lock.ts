/**
 * One writer per data directory. The lock is an open write transaction on a tiny database: an advisory file lock
 * of the operating system, so it ends with the process however that ends, and is never stale.
 */
import { dirname, join } from 'node:path';
import { type Database, openDatabase, StoreError } from '#src/sqlite.ts';
import { isBusy } from './failure.ts';

/**
 * Takes the lock of the directory that `path` lies in; closing the answer gives it back.
 * @throws StoreError `store.locked` while another process (or another journal of this one) holds it.
 */
export function lockDataDir(path: string): Database {
  const directory = dirname(path);
  let lock: Database | undefined;
  try {
    lock = openDatabase(join(directory, 'lock.db'), []);
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    if (!isBusy(error)) throw error;
    throw new StoreError(
      'store.locked',
      `${directory} is in use: another Wellkeeper process writes it; stop that one first`,
      false,
      {
        cause: error,
      },
    );
  }
}
