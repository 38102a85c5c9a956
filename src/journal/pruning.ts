/**
 * Taking from the old end of the journal what every follower has passed, whole batches in slices that hold ingest up for a few
 * milliseconds at most, and giving freed pages back to the disk. Never what is unpassed, never the newest batch.
 */
import type { Clock } from '#src/clock.ts';
import { type Database, type Statement, transaction } from '#src/sqlite.ts';
import { type Head, keepPruned } from './batches.ts';

export interface PruneUntil {
  /** Every follower has passed this seq. */
  passedSeq: number;
  /** Batches received before this may go. */
  beforeMs: number;
  /** Older passed batches go sooner while the journal counts more than this. */
  maxBytes: number;
}

const SLICE_MS = 2;
const VACUUM_PAGES = 64;
/** Freed pages that stay in the file for the next entries: this many, or this share of the file if that is more. */
const SPARE_PAGES = 256;
const SPARE_SHARE = 1 / 16;

/** What is looked at of a batch that may go. */
interface Old {
  firstSeq: number;
  lastSeq: number;
  received: number;
  endBytes: number;
  hash: Uint8Array;
}

export class Pruning {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #oldest: Statement;
  readonly #delete: Statement;
  readonly #endBytes: Statement;
  readonly #pruned: Statement;
  readonly #freePages: Statement;
  readonly #pages: Statement;
  #passedBytes: number;

  /** Until `slice` is told otherwise, everything up to `head` counts as passed. */
  constructor(database: Database, clock: Clock, head: Head) {
    this.#database = database;
    this.#clock = clock;
    this.#oldest = database.prepare(
      'SELECT firstSeq, lastSeq, received, endBytes, hash FROM batch ORDER BY firstSeq LIMIT 1',
    );
    this.#delete = database.prepare('DELETE FROM batch WHERE firstSeq = ?');
    // The newest batch that is wholly passed, pruned ones included: of the one before it, it is the start.
    this.#endBytes = database.prepare(
      `SELECT lastSeq, endBytes FROM batch WHERE firstSeq <= ?1 AND lastSeq <= ?1 ORDER BY firstSeq DESC LIMIT 1`,
    );
    this.#pruned = database.prepare('SELECT endBytes FROM pruned');
    this.#freePages = database.prepare('PRAGMA freelist_count');
    this.#pages = database.prepare('PRAGMA page_count');
    this.#passedBytes = head.endBytes;
  }

  /** Bytes of batches that not every follower has passed to their end. */
  unpassedBytes(head: Head): number {
    return head.endBytes - this.#passedBytes;
  }

  /** Deletes a slice of what may go and gives back some free pages; says how many entries went. */
  slice(head: Head, until: PruneUntil): number {
    this.#passedBytes = this.#endBytesOf(until.passedSeq, head);
    const startedMs = this.#clock.monotonicMs();
    let oldest = this.#oldest.get() as Old | undefined;
    if (!oldest || !mayGo(oldest, head, until)) {
      this.#giveBack();
      return 0;
    }
    const { firstSeq } = oldest;
    let last = oldest;
    transaction(this.#database, () => {
      do {
        last = oldest!;
        this.#delete.run(last.firstSeq);
        oldest = this.#oldest.get() as Old | undefined;
      } while (oldest && mayGo(oldest, head, until) && this.#clock.monotonicMs() - startedMs < SLICE_MS);
      keepPruned(this.#database, last);
    });
    this.#giveBack();
    return last.lastSeq + 1 - firstSeq;
  }

  #endBytesOf(seq: number, head: Head): number {
    if (seq >= head.seq) return head.endBytes;
    const row = (this.#endBytes.get(seq) ?? this.#pruned.get()) as { endBytes: number } | undefined;
    return row?.endBytes ?? 0;
  }

  #giveBack(): void {
    const free = (this.#freePages.get() as { freelist_count: number }).freelist_count;
    const pages = (this.#pages.get() as { page_count: number }).page_count;
    const surplus = free - Math.max(SPARE_PAGES, Math.floor(pages * SPARE_SHARE));
    if (surplus > 0) this.#database.exec(`PRAGMA incremental_vacuum(${Math.min(surplus, VACUUM_PAGES)})`);
  }
}

/** Both `received` and `endBytes` rise from batch to batch, so what holds for one holds for all before it. */
function mayGo({ lastSeq, received, endBytes }: Old, head: Head, until: PruneUntil): boolean {
  if (lastSeq > until.passedSeq || lastSeq >= head.seq) return false;
  return received < until.beforeMs || head.endBytes - endBytes >= until.maxBytes;
}
