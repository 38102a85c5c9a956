/** A follower reads the journal in order and derives something from it (design §1). */
import type { Entry, FollowerName } from '#model/entry.ts';

/**
 * At-least-once and idempotent: `apply` commits its results together with its cursor, in the file that the cursor
 * protects, and is called again from the old cursor if it threw. Runs in the followers' worker.
 */
export interface Follower {
  readonly name: FollowerName;
  /** Seq of the last entry whose effects are durable. */
  cursor(): number;
  /**
   * Entries are consecutive and start right after `cursor()`. Leaves `cursor()` at the last one, or before it when
   * they ask for more work than one batch's time allows: they are then handed in again.
   */
  apply(entries: readonly Entry[]): Promise<void>;
  /** Moves past one entry that can't be digested; the worker has listed it as parked. */
  skip(entry: Entry): void;
  /** The earliest `receivedMs` at which a timer of this follower is due, or null: main appends a tick for it. */
  nextTimerMs(): number | null;
}
