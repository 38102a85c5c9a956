/** Entries made by hand, and a `readings` follower over a derived.db in memory whose every step can be made to fail. */

import { openDerived } from '#installation/derived.ts';
import type { Correction, Entry, JournaledReading, MessageEntry } from '#model/entry.ts';
import type { SeriesReading } from '#model/reading.ts';
import { createReadingQueries } from '#readings/answers.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import type { ReadingStore, ReadingToStore } from '#readings/store.ts';

export const T = Date.UTC(2026, 10, 22, 8);
export const MINUTE = 60_000;

export function journaled(series: number, minute: number, value: number | null, more: Partial<JournaledReading> = {}) {
  const flag = value === null ? 9 : 1;
  return {
    series,
    timeMs: T + minute * MINUTE,
    value,
    flag,
    deviceFlag: null,
    verdict: 'new',
    ...more,
  } as JournaledReading;
}

export function message(seq: number, readings: JournaledReading[], source = 'gw-1'): MessageEntry {
  return { kind: 'message', seq, receivedMs: T + seq * 1000, source, gatewaySeq: null, readings };
}

export function correction(seq: number, change: Partial<Correction> & Pick<Correction, 'action'>, actor = 'li'): Entry {
  const range = { fromMs: T, toMs: T + 60 * MINUTE };
  const command: Correction = {
    verb: 'correct',
    station: 'taocha',
    parameter: 's1',
    reason: 'probe fouled',
    ...range,
    ...change,
  };
  return { kind: 'command', seq, receivedMs: T + seq * 1000, actor, command };
}

/** The places at which a step of the follower can die; `half` = the store took the first half of a write. */
export const FAULTS = ['settle', 'before-write', 'half-write', 'after-write', 'cursor'] as const;
export type Fault = (typeof FAULTS)[number];

const crash = () => Object.assign(new Error('crash'), { retryable: true });

/** The store, which fails once in the way that `fault` says. */
function fragile(store: ReadingStore, next: { fault: Fault | null }): ReadingStore {
  async function write(readings: readonly ReadingToStore[]) {
    const { fault } = next;
    if (fault === 'before-write') throw crash();
    const rejected = await store.write(fault === 'half-write' ? readings.slice(0, readings.length / 2) : readings);
    if (fault === 'half-write' || fault === 'after-write') throw crash();
    return rejected;
  }
  return {
    write,
    read: (...query) => store.read(...query),
    traced: (...query) => store.traced(...query),
    before: (...query) => store.before(...query),
    after: (...query) => store.after(...query),
    at: (keys) => store.at(keys),
    deviceFlags: (series) => store.deviceFlags(series),
    hours: (series) => store.hours(series),
    prune: (series, beforeMs) => store.prune(series, beforeMs),
    close: () => store.close(),
  };
}

/** Series N is parameter `sN` of station `taocha`. */
export function readingsRig(store: ReadingStore = new MemoryReadings(), derivedPath = ':memory:') {
  const derived = openDerived(derivedPath);
  const next: { fault: Fault | null } = { fault: null };
  const reflagged: SeriesReading[] = [];
  const start = () =>
    createReadingsFollower({
      derived,
      store: fragile(store, next),
      reader: {
        seriesById: (id) => ({ id, station: 'taocha', parameter: `s${id}` }),
        seriesByName: (station, parameter) =>
          /^s\d+$/.test(parameter) ? { id: Number(parameter.slice(1)), station, parameter } : undefined,
      },
      onReflagged: (readings) => reflagged.push(...readings),
    });
  let follower = start();
  const queries = createReadingQueries({
    derived,
    store,
    booksClockMs: () => T + 6 * 60 * MINUTE,
    allowedLatenessMs: 120 * MINUTE,
  });

  return {
    derived,
    store,
    queries,
    reflagged,
    follower: () => follower,
    /** A new follower over the same files: what a restarted worker has. */
    restart() {
      follower = start();
    },
    apply: (entries: readonly Entry[]) => follower.apply(entries),
    /** Applies entries while the given place fails; true when it did fail there. */
    async applyFailing(entries: readonly Entry[], fault: Fault): Promise<boolean> {
      next.fault = fault;
      const cursor = { settle: 'settled', cursor: 'readings' }[fault as string];
      if (cursor) {
        derived.exec(`CREATE TEMP TRIGGER fault BEFORE INSERT ON cursor WHEN NEW.follower = '${cursor}'
          BEGIN SELECT RAISE(ABORT, 'crash'); END`);
      }
      try {
        await follower.apply(entries);
        return false;
      } catch (error) {
        if (!/crash/.test((error as Error).message)) throw error;
        return true;
      } finally {
        next.fault = null;
        derived.exec('DROP TRIGGER IF EXISTS temp.fault');
      }
    },
    all: (series = 1) => store.read(series, 0, Number.MAX_SAFE_INTEGER, 1e6),
    asOf: (series: number, asOfMs: number | null) =>
      queries.readings({ series, fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1e6, asOfMs }),
    async close() {
      derived.close();
      await store.close();
    },
  };
}
