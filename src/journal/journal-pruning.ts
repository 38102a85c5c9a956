/**
 * Taking from the old end of the journal what every follower has passed, in slices that hold ingest up for a few
 * milliseconds at most, and giving freed pages back to the disk. Never what is unpassed, never the newest entry.
 */
import type { Clock } from '#src/clock.ts';
import { type Database, type Statement, transaction } from '#src/sqlite.ts';
import type { Head } from './journal-batch.ts';

export interface PruneUntil {
  /** Every follower has passed this seq. */
  passedSeq: number;
  /** Entries received before this may go. */
  beforeMs: number;
  /** Older passed entries go sooner while the journal counts more than this. */
  maxBytes: number;
}

const SLICE_MS = 2;
/** A power of two: it is halved to find the exact end. */
const CHUNK_ENTRIES = 256;
const VACUUM_PAGES = 64;
/** Freed pages that stay in the file for the next entries: this many, or this share of the file if that is more. */
const SPARE_PAGES = 256;
const SPARE_SHARE = 1 / 16;

export class Pruning {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #at: Statement;
  readonly #delete: Statement;
  readonly #freePages: Statement;
  readonly #pages: Statement;
  #oldestSeq: number;
  #passedBytes: number;

  /** Until `slice` is told otherwise, everything up to `head` counts as passed. */
  constructor(database: Database, clock: Clock, head: Head) {
    this.#database = database;
    this.#clock = clock;
    this.#at = database.prepare('SELECT receivedMs, endBytes FROM entry WHERE seq <= ? ORDER BY seq DESC LIMIT 1');
    this.#delete = database.prepare('DELETE FROM entry WHERE seq <= ?');
    this.#freePages = database.prepare('PRAGMA freelist_count');
    this.#pages = database.prepare('PRAGMA page_count');
    const oldest = database.prepare('SELECT min(seq) AS seq FROM entry').get() as { seq: number | null };
    this.#oldestSeq = oldest.seq ?? head.seq + 1;
    this.#passedBytes = head.endBytes;
  }

  /** Bytes of entries that not every follower has passed. */
  unpassedBytes(head: Head): number {
    return head.endBytes - this.#passedBytes;
  }

  /** Deletes a slice of what may go and gives back some free pages; says how many entries went. */
  slice(head: Head, until: PruneUntil): number {
    this.#passedBytes = this.#endBytesOf(Math.min(until.passedSeq, head.seq), head);
    const startedMs = this.#clock.monotonicMs();
    const before = this.#oldestSeq;
    if (this.#mayGo(this.#oldestSeq, head, until)) {
      const next = transaction(this.#database, () => {
        let oldest = before;
        for (let chunk = CHUNK_ENTRIES; chunk >= 1 && this.#clock.monotonicMs() - startedMs < SLICE_MS; ) {
          const last = oldest + chunk - 1;
          if (this.#mayGo(last, head, until)) {
            this.#delete.run(last);
            oldest = last + 1;
          } else chunk >>= 1;
        }
        return oldest;
      });
      this.#oldestSeq = next;
    }
    this.#giveBack();
    return this.#oldestSeq - before;
  }

  /** Both receivedMs and endBytes rise with seq, so what holds for an entry holds for all before it. */
  #mayGo(seq: number, head: Head, until: PruneUntil): boolean {
    if (seq > until.passedSeq || seq >= head.seq) return false;
    const found = this.#at.get(seq) as { receivedMs: number; endBytes: number } | undefined;
    // Nothing up to here: entries that were lost.
    if (!found) return true;
    const { receivedMs, endBytes } = found;
    return receivedMs < until.beforeMs || head.endBytes - endBytes >= until.maxBytes;
  }

  #endBytesOf(seq: number, head: Head): number {
    if (seq >= head.seq) return head.endBytes;
    const row = this.#at.get(Math.max(seq, this.#oldestSeq)) as { endBytes: number } | undefined;
    return row?.endBytes ?? head.endBytes;
  }

  #giveBack(): void {
    const free = (this.#freePages.get() as { freelist_count: number }).freelist_count;
    const pages = (this.#pages.get() as { page_count: number }).page_count;
    const surplus = free - Math.max(SPARE_PAGES, Math.floor(pages * SPARE_SHARE));
    if (surplus > 0) this.#database.exec(`PRAGMA incremental_vacuum(${Math.min(surplus, VACUUM_PAGES)})`);
  }
}
