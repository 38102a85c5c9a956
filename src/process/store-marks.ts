/**
 * When the followers compare a store on a server with what they know of it, and mark how far it has come
 * (installation/fit-store.ts, docs/decisions/0022): before anything is settled or computed against it, and from time to time.
 */
import type { Logger } from 'pino';
import type { StoreFit } from '#installation/fit-store.ts';
import type { Entry } from '#model/entry.ts';
import { storeTrouble } from '#readings/influx/answers.ts';
import { StoreError } from '#src/sqlite.ts';

export interface StoreMarks {
  /** Before a batch: false when the followers have gone back. @throws StoreError while nothing may be settled against the store */
  isFit(batch: readonly Entry[]): Promise<boolean>;
  /** The next `keep` asks the store. */
  due(): void;
  /** As `due` when the books have come further since the last time. @returns whether they have. */
  dueThrough(booksSeq: number): boolean;
  /** If it is due: whether the store is still what it was, and marks it. True when the followers have gone back. Never rejects. */
  keep(): Promise<boolean>;
}

export interface StoreMarksOptions {
  fit: StoreFit;
  booksSeq: number;
  fellBack: () => void;
  log: Logger;
}

export function createStoreMarks({ fit, booksSeq: dueSeq, fellBack, log }: StoreMarksOptions): StoreMarks {
  let isDue = true;
  let throughSeq = dueSeq;
  return {
    async isFit(batch) {
      try {
        if (!(await fit.compare())) return true;
      } catch (error) {
        // Of a store that is away nothing is read; ticks and registers pass, as ever.
        const isAway = error instanceof StoreError && error.code === 'store.unreachable';
        if (isAway && !batch.some(hasReadings)) return true;
        throw error;
      }
      fellBack();
      return false;
    },
    due() {
      isDue = true;
    },
    dueThrough(booksSeq) {
      const isFurther = booksSeq !== throughSeq;
      throughSeq = booksSeq;
      isDue ||= isFurther;
      return isFurther;
    },
    async keep() {
      if (!isDue) return false;
      isDue = false;
      try {
        if (!(await fit.keep())) return false;
      } catch (error) {
        // A store that can't be asked is told of by who probes it.
        if (!storeTrouble(error)) {
          const fields = { event: 'follower.failed', follower: 'readings', err: error };
          log.warn(fields, 'the store is not marked, trying again');
        }
        return false;
      }
      fellBack();
      return true;
    },
  };
}

function hasReadings(entry: Entry): boolean {
  return entry.kind === 'message' || (entry.kind === 'command' && entry.command.verb === 'correct');
}
