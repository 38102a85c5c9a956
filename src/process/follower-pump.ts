/**
 * Drives one follower along the journal: batches of about 60 ms, retries, and parking. A failure that calls itself
 * retryable (the store is away) is tried again for as long as it lasts; any other one, three times at the same place,
 * is narrowed down to its entry, which is parked: listed, alarmed, passed over. Nothing else waits for it.
 */

import type { Follower } from '#journal/follower.ts';
import { addDuration, type Durations, noDurations } from '#model/duration-histogram.ts';
import type { Entry } from '#model/entry.ts';
import type { Clock } from '#src/clock.ts';

const BATCH_MS = 60;
const BATCH_MIN = 1;
const BATCH_MAX = 1000;
const TRIES = 3;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 10_000;

export interface PumpOptions {
  follower: Follower;
  /** Entries with seq > after, in order, at most `limit`. */
  read: (after: number, limit: number) => Entry[];
  /** Lists an entry that the follower can't digest; must be durable when it returns. */
  park: (entry: Entry, error: Error) => void;
  clock: Clock;
  onError: (error: Error, seq: number) => void;
  /** Asked before each batch, and fails as the follower does; false: the follower has gone back, and reads anew from there. */
  isReady?: ((entries: readonly Entry[]) => Promise<boolean>) | undefined;
}

export interface Pump {
  readonly follower: Follower;
  /** How long batches took. */
  readonly durations: Durations;
  /** Applies at most one batch. Tells whether there may be more to do now, or until when it must wait. */
  step(): Promise<{ moved: boolean; retryAtMs: number | null }>;
}

/** True for errors that say that trying again later may help (design §7). */
function isRetryable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { retryable?: unknown }).retryable === true;
}

export function createPump({ follower, read, park, clock, onError, isReady }: PumpOptions): Pump {
  const durations = noDurations();
  let limit = 200;
  let failures = 0;
  /** While an entry is being searched for, no batch reaches beyond this seq. */
  let suspectThrough = 0;
  let retryAtMs = 0;
  let retryDelayMs = RETRY_MIN_MS;

  function waitLonger(): void {
    retryAtMs = clock.monotonicMs() + retryDelayMs;
    retryDelayMs = Math.min(retryDelayMs * 2, RETRY_MAX_MS);
  }

  /** Null when the journal can't be read now: whatever is wrong with it, ending the thread would mend nothing. */
  function readNext(): Entry[] | null {
    try {
      return read(follower.cursor(), limit);
    } catch (error) {
      onError(error as Error, follower.cursor() + 1);
      waitLonger();
      return null;
    }
  }

  function failed(error: Error, entries: readonly Entry[]): void {
    onError(error, entries[0]!.seq);
    if (isRetryable(error)) waitLonger();
    else if (++failures < TRIES) {
      retryAtMs = clock.monotonicMs() + RETRY_MIN_MS;
    } else if (entries.length > 1) {
      // Bisect: the first half either passes, and the culprit is in the rest, or fails again and is halved again.
      suspectThrough = entries.at(-1)!.seq;
      limit = Math.ceil(entries.length / 2);
    } else {
      park(entries[0]!, error);
      follower.skip(entries[0]!);
      failures = 0;
      limit = BATCH_MIN;
    }
  }

  return {
    follower,
    durations,
    async step() {
      const nowMs = clock.monotonicMs();
      if (nowMs < retryAtMs) return { moved: false, retryAtMs };
      const entries = readNext();
      if (entries === null) return { moved: false, retryAtMs };
      if (entries.length === 0) return { moved: false, retryAtMs: null };
      try {
        if (!isReady || (await isReady(entries))) await follower.apply(entries);
      } catch (error) {
        failed(error instanceof Error ? error : new Error(String(error)), entries);
        return { moved: true, retryAtMs: retryAtMs > clock.monotonicMs() ? retryAtMs : null };
      }
      retryDelayMs = RETRY_MIN_MS;
      const tookMs = clock.monotonicMs() - nowMs;
      addDuration(durations, tookMs);
      if (follower.cursor() > suspectThrough) {
        failures = 0;
        const next = tookMs > BATCH_MS ? limit * 0.7 : tookMs < BATCH_MS / 2 ? limit * 1.5 : limit;
        limit = Math.round(Math.min(BATCH_MAX, Math.max(BATCH_MIN + 1, next)));
      }
      return { moved: true, retryAtMs: null };
    },
  };
}
