/**
 * Queries about readings: the stored ones, what was known of them at an earlier time, every version of one, and how
 * many of a source's values have settled. They run in the query worker over read-only connections.
 */

import { openFromMs } from '#model/calendar.ts';
import type { Database } from '#src/sqlite.ts';
import { type Ledger, openLedger } from './ledger.ts';
import type { ReadingQueries, ReadingRow, ReadingVersion } from './queries.ts';
import type { ReadingStore, TracedReading } from './store.ts';
import type { Unsettled } from './unsettled.ts';
import { openVersions, type Version } from './versions.ts';

export interface ReadingQueriesParts {
  derived: Database;
  store: ReadingStore;
  /** `receivedMs` of the last entry that the books have passed: the clock by which hours close. */
  booksClockMs: () => number;
  allowedLatenessMs: number;
  /** Closed hours that wait to be computed; absent where nobody keeps books: then the clock alone closes an hour. */
  unsettled?: Unsettled;
}

type Query = Parameters<ReadingQueries['readings']>[0];

/**
 * `readings` with `asOfMs` = what a reader saw who asked at that time: values received later are not there, values
 * replaced later are, and a flag that could still change is provisional (`unsettled.ts`). Exact to the entry: each stored value
 * names the journal entry that brought it (`ledger.ts`). A value that came past the journal has always been known.
 */
export function createReadingQueries({
  derived,
  store,
  booksClockMs,
  allowedLatenessMs,
  unsettled,
}: ReadingQueriesParts): ReadingQueries {
  const ledger = openLedger(derived);
  const versions = openVersions(derived);

  async function asOf({ series, fromMs, toMs, limit, todaysFlags }: Query, asOfMs: number) {
    const known: TracedReading[] = [];
    const knownSeq = ledger.lastSeqAt(asOfMs);
    for (let nextMs = fromMs; known.length < limit; ) {
      const page = await store.traced(series, nextMs, toMs, limit);
      if (page.length === 0) break;
      const endMs = page.at(-1)!.timeMs + 1;
      const earlier = versions.currentAt(series, nextMs, endMs, asOfMs, todaysFlags);
      for (const now of page) {
        const then = earlier.get(now.timeMs) ?? now;
        if (then.seq === null || then.seq <= knownSeq) known.push(then);
      }
      if (page.length < limit) break;
      nextMs = endMs;
    }
    return known.slice(0, limit);
  }

  return {
    async readings(query) {
      const { series, fromMs, toMs, limit, asOfMs } = query;
      const clockMs = booksClockMs();
      // What the books have passed all of is the present.
      const thenMs = asOfMs !== null && asOfMs < clockMs ? asOfMs : null;
      const openMs = openFromMs(thenMs ?? clockMs, allowedLatenessMs);
      const throughSeq = thenMs === null ? null : ledger.lastSeqAt(thenMs);
      const waits = unsettled?.of({ series, fromMs, toMs, throughSeq }) ?? (() => false);
      const rows = asOfMs === null ? await store.traced(series, fromMs, toMs, limit) : await asOf(query, asOfMs);
      return rows.map(({ timeMs, value, flag, deviceFlag, censored, seq }): ReadingRow => {
        return { timeMs, value, flag, deviceFlag, censored, provisional: timeMs >= openMs || waits({ timeMs, seq }) };
      });
    },

    async history({ series, timeMs }) {
      const [current] = await store.at([{ series, timeMs }]);
      if (!current) return [];
      const past = versions.of(series, timeMs).filter((version) => hasEnded(version, current));
      return [current, ...past.reverse()].map((version) => toReadingVersion(version, ledger));
    },

    async settledCounts({ source }) {
      return ledger.counts(source);
    },
  };
}

/** False for the version that is still the stored one: settled, while the store hasn't taken its successor yet. */
function hasEnded({ cause, supersededSeq }: Version, current: TracedReading): boolean {
  return cause === 'quality' || supersededSeq <= (current.seq ?? 0);
}

function toReadingVersion(version: TracedReading | Version, ledger: Ledger): ReadingVersion {
  const { value, flag, deviceFlag, censored, seq } = version;
  const origin = seq === null ? undefined : ledger.origin(seq);
  const end = 'by' in version ? version : null;
  return {
    value,
    flag,
    deviceFlag,
    censored,
    source: origin?.source ?? 'unknown',
    receivedMs: origin?.receivedMs ?? null,
    by: end?.by ?? null,
    reason: end?.reason ?? null,
    supersededAtMs: end?.supersededAtMs ?? null,
  };
}
