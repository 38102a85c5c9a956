/** Works off the inbox of readings judged anew, a batch a turn: what can't be written now waits, what can't be digested is left out. */

import type { Log } from '#alerts/log.ts';
import type { Rejudged, RejudgedInbox } from '#readings/rejudged.ts';
import { StoreError } from '#src/sqlite.ts';

const BATCH = 1000;

interface Hands {
  inbox: RejudgedInbox;
  /** Runs `work` in one transaction of the follower's. */
  commit: (work: () => void) => void;
  judge: (reading: Rejudged) => void;
  log: Log;
}

/** @returns one turn, which says whether there may be more to do at once. */
export function createRejudging({ inbox, commit, judge, log }: Hands): () => boolean {
  function take(batch: readonly Rejudged[]): void {
    commit(() => {
      for (const reading of batch) judge(reading);
      inbox.done(batch.at(-1)!.n);
    });
  }

  /** One by one, since one of them can't be digested. */
  function takeEach(batch: readonly Rejudged[]): void {
    for (const reading of batch) {
      try {
        take([reading]);
      } catch (error) {
        if (isRetryable(error)) throw error;
        const fields = { event: 'alerts.rejudged-left-out', reading, err: error };
        log.warn(fields, 'a reading can not be judged anew');
        commit(() => inbox.done(reading.n));
      }
    }
  }

  return () => {
    const batch = inbox.list(BATCH);
    if (batch.length === 0) return false;
    try {
      try {
        take(batch);
      } catch (error) {
        if (isRetryable(error)) throw error;
        takeEach(batch);
      }
    } catch (error) {
      if (!isRetryable(error)) throw error;
      log.warn({ event: 'alerts.rejudged-wait', err: error }, 'readings judged anew wait to be taken');
      return false;
    }
    return batch.length === BATCH;
  };
}

function isRetryable(error: unknown): boolean {
  return error instanceof StoreError && error.retryable;
}
