/** What SQLite's refusals mean for the journal: StoreErrors with the codes of model/faults.ts. */
import { StoreError } from '#src/sqlite.ts';

// Primary result codes, https://sqlite.org/rescode.html; node gives the extended code, whose low byte they are.
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const FULL = 13;
const CONSTRAINT = 19;
const MISUSE = 21;
const NOT_A_DATABASE = 26;

/** SQLite's primary result code of this error or of its cause; undefined when SQLite didn't throw it. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = (error as Error & { errcode?: number }).errcode;
  return code === undefined ? resultCode(error.cause) : code & 0xff;
}

export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/**
 * The StoreError for a failed write or read of `path`; errors that are the program's own fault
 * (no SQLite error, broken constraint, misuse) come back as they are.
 */
export function toStoreError(error: unknown, path: string): Error {
  if (error instanceof StoreError) return error;
  const code = resultCode(error);
  if (!(error instanceof Error)) return new Error(String(error));
  if (code === undefined || code === CONSTRAINT || code === MISUSE) return error;
  const cause = { cause: error };
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    return new StoreError(
      'store.corrupt',
      `${path} is damaged (${error.message}): restore it from a backup`,
      false,
      cause,
    );
  }
  if (code === FULL) return new StoreError('journal.full', `no space left for ${path} (${error.message})`, true, cause);
  return new StoreError('journal.unwritable', `${path} can't be written (${error.message})`, true, cause);
}
