/**
 * WK_RAW_RETENTION: readings that are older go from the reading store, what was computed from them stays. Hours are frozen
 * in derived.db before a reading of theirs goes. Readings of meters never go. Once a day, series by series, beside the
 * followers that use the store.
 */

import type { JournalReader } from '#journal/port.ts';
import { DAY_MS, floorHour, HOUR_MS } from '#model/calendar.ts';
import { isMetered } from '#model/metered.ts';
import type { Series } from '#model/reading.ts';
import { type Database, StoreError, transaction } from '#src/sqlite.ts';
import { openFrozenHours } from './frozen-hours.ts';
import type { ReadingStore } from './store.ts';

/** Readings before a frozen hour that stay at least: the final flags of the first hours after it look back at them. */
const LOOK_BACK_MIN_MS = 2 * DAY_MS;
const RETRY_MS = 60_000;

export interface RawRetention {
  /** Prunes one series, if it is time. Never rejects. @returns whether there is more to do now. */
  step(): Promise<boolean>;
}

export interface RawRetentionParts {
  derived: Database;
  store: Pick<ReadingStore, 'prune'>;
  reader: Pick<JournalReader, 'allSeries'>;
  /** Of the newest entry that `books` has passed. */
  booksClockMs: () => number;
  /** How far the final flags of a series, and of those that are compared with it, look back. */
  lookBackMs: (series: number) => number;
  /** WK_RAW_RETENTION; null = readings stay. */
  retentionMs: number | null;
  clock: { monotonicMs(): number };
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** A day's pass over the series whose readings go. */
interface Pass {
  beforeMs: number;
  /** Whether the store deletes by request at all. */
  isPossible: boolean;
  series: Series[];
  next: number;
}

export function createRawRetention({
  derived,
  store,
  reader,
  booksClockMs,
  lookBackMs,
  retentionMs,
  clock,
  log,
}: RawRetentionParts): RawRetention {
  const frozen = openFrozenHours(derived);
  const isUnfinished = derived.prepare(
    'SELECT 1 FROM dirtyHour WHERE hourMs < ?1 UNION ALL SELECT 1 FROM reflag WHERE timeMs < ?1 LIMIT 1',
  );
  let pass: Pass | null = null;
  let doneBeforeMs = Number.NEGATIVE_INFINITY;
  let restUntilMs = Number.NEGATIVE_INFINITY;

  /** What may go by the books' clock: whatever entries come after it were judged by the door at that time or later. */
  function begin(retention: number): Pass | null {
    const beforeMs = floorHour(booksClockMs() - retention) - HOUR_MS;
    if (beforeMs < doneBeforeMs + DAY_MS) return null;
    // Not while an hour is to be computed yet: its mark may be of a reading that goes.
    if (isUnfinished.get(beforeMs)) return null;
    const series = reader.allSeries().filter(({ parameter }) => !isMetered(parameter));
    transaction(derived, () => {
      for (const { id } of series) frozen.freeze(id, beforeMs);
    });
    return { beforeMs, series, next: 0, isPossible: true };
  }

  return {
    async step() {
      if (retentionMs === null || clock.monotonicMs() < restUntilMs) return false;
      pass ??= begin(retentionMs);
      if (pass === null) {
        restUntilMs = clock.monotonicMs() + RETRY_MS;
        return false;
      }
      const { beforeMs, series } = pass;
      try {
        const one = series[pass.next]?.id;
        if (one !== undefined) await store.prune(one, beforeMs - Math.max(LOOK_BACK_MIN_MS, lookBackMs(one)));
        pass.next++;
      } catch (error) {
        restUntilMs = clock.monotonicMs() + RETRY_MS;
        log.warn({ event: 'retention.failed', err: error }, 'old readings could not be deleted');
        // A store that can't delete is asked again tomorrow; one that is away as soon as it may be back.
        pass.isPossible = !(error instanceof StoreError) || error.retryable;
        if (pass.isPossible) return false;
      }
      if (pass.isPossible && pass.next < series.length) return true;
      if (pass.isPossible) {
        const fields = { event: 'retention.pruned', beforeMs, series: series.length };
        log.info(fields, 'readings beyond WK_RAW_RETENTION are gone');
      }
      doneBeforeMs = beforeMs;
      pass = null;
      return false;
    },
  };
}
