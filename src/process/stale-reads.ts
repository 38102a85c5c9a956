/** Threads that read from an old state: each says so, and gives up its connections by itself. */

/** A connection that stood still for `ageMs`. */
export interface StaleFile {
  path: string;
  ageMs: number;
}

/** A snapshot may be so old between two questions before its connection is given up. */
export const STALE_AFTER_MS = 1000;
