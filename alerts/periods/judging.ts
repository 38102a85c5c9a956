/** Drives the watch over closed periods, turn by turn: what can't be read or written now waits, what never can is left out. */

import type { Log } from '#alerts/log.ts';
import { StoreError } from '#src/sqlite.ts';
import type { Judgement, PeriodWatch } from './watch.ts';

/** Rows of the inbox that are worked off in one turn. */
const BATCH = 200;

interface Hands {
  /** Null while no books are at hand. It may be another one after each commit that failed. */
  watch: () => PeriodWatch | null;
  /** Runs `work` in one transaction of the follower's. */
  commit: (work: () => void) => void;
  write: (judgement: Judgement) => void;
  log: Log;
}

/** @returns one turn, which says whether there may be more to do at once. */
export function createPeriodJudging({ watch, commit, write, log }: Hands): () => Promise<boolean> {
  /** One by one after a failure, until it is known which of them it is. */
  let batch = BATCH;

  async function turn(): Promise<boolean> {
    const periods = watch();
    if (!periods) return false;
    const judgement = await periods.judge(batch);
    if (!judgement) return false;
    commit(() => write(judgement));
    batch = BATCH;
    return judgement.isMore;
  }

  return async () => {
    try {
      return await turn();
    } catch (error) {
      if (error instanceof StoreError && error.retryable) {
        log.warn({ event: 'alerts.periods-wait', err: error }, 'closed periods wait to be judged');
        return false;
      }
      log.warn({ event: 'alerts.periods-left-out', err: error }, 'a closed period can not be judged');
      if (batch === 1) commit(() => watch()?.leaveOut());
      batch = 1;
      return true;
    }
  };
}
