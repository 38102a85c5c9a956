/**
 * Has the reading store pack what rests: readings of hours that are closed by the books' clock and that the books have
 * computed, so that their final flags go in with them. What had been closed when it came is packed within a minute, what
 * closes as time goes on by the day (`FEWEST`, `AGED_MS`). Beside the followers that use the store, a few milliseconds at a time.
 */
import { DAY_MS } from '#model/calendar.ts';
import type { Database } from '#src/sqlite.ts';
import type { Packer } from '../store.ts';

/** What a step takes at most, so that settling waits no longer for it: so many readings take some 6 ms. */
const STEP_READINGS = 3000;
/** Where the machine is busy with other things. */
const STEP_MS = 8;
/** Series in one transaction at most. */
const STEP_SERIES = 500;
const REST_MS = 5000;
/** While many entries wait to be settled packing waits, too, but so long at most: what is packed together costs less. */
const BEHIND_REST_MS = 30_000;
const RETRY_MS = 60_000;
/**
 * A merge costs the same however little it brings, some 150 µs: so a series that reports each minute is packed every hour, one
 * that reports every 5 minutes every five, one that reports each hour once a day.
 */
const FEWEST = 60;
const AGED_MS = DAY_MS;
/** While the books have so many closed hours to compute, packing waits for them. */
const DIRTY_MAX = 10_000;

export interface ColdHours {
  /** Packs a little, if it is time. Never throws. @returns whether there is more to do now. */
  step(): boolean;
  /** Whether a step would look for something to do. */
  isDue(): boolean;
}

export interface ColdHoursParts {
  derived: Database;
  /** Null for a store that packs by itself. */
  packer: Packer | null;
  /** Whether followers have much to work off. */
  isBehind: () => boolean;
  /** Start of the first hour that is open by the books' clock. */
  openFromMs: () => number;
  clock: { monotonicMs(): number };
  log: { warn(fields: object, message: string): void };
}

/** A pass over the series that had something to pack when it began. */
interface Pass {
  series: number[];
  next: number;
  openMs: number;
  /** The first hour of a series that the books will compute anew: its flags may change. */
  dirtyMs: ReadonlyMap<number, number>;
}

export function createColdHours({ derived, packer, isBehind, openFromMs, clock, log }: ColdHoursParts): ColdHours {
  const dirty = derived.prepare('SELECT series, hourMs FROM dirtyHour WHERE hourMs < ? ORDER BY hourMs DESC LIMIT ?');
  let pass: Pass | null = null;
  let restUntilMs = Number.NEGATIVE_INFINITY;
  const isDue = () => packer !== null && clock.monotonicMs() >= restUntilMs + (isBehind() ? BEHIND_REST_MS : 0);

  function begin(from: Packer): Pass {
    const openMs = openFromMs();
    const marks = dirty.all(openMs, DIRTY_MAX + 1) as { series: number; hourMs: number }[];
    // Before the first entry nobody can tell what is closed.
    const isNow = openMs > 0 && marks.length <= DIRTY_MAX;
    const dirtyMs = new Map(marks.map(({ series, hourMs }) => [series, hourMs]));
    return { series: isNow ? from.waiting(openMs) : [], next: 0, openMs, dirtyMs };
  }

  function stepOf(from: Packer): boolean {
    if (!from.lookUp()) return true;
    pass ??= begin(from);
    const { series, next, openMs, dirtyMs } = pass;
    if (next < series.length) {
      const endMs = clock.monotonicMs() + STEP_MS;
      pass.next += from.pack(series.slice(next, next + STEP_SERIES), {
        beforeMs: (one) => Math.min(openMs, dirtyMs.get(one) ?? openMs),
        fewest: FEWEST,
        agedMs: openMs - AGED_MS,
        isEnough: (readings) => readings >= STEP_READINGS || clock.monotonicMs() >= endMs,
      });
      return true;
    }
    if (from.giveBack()) return true;
    pass = null;
    return false;
  }

  return {
    isDue,
    step() {
      if (!packer || !isDue()) return false;
      try {
        if (stepOf(packer)) return true;
        restUntilMs = clock.monotonicMs() + REST_MS;
      } catch (error) {
        pass = null;
        restUntilMs = clock.monotonicMs() + RETRY_MS;
        log.warn({ event: 'packing.failed', err: error }, 'readings of closed hours could not be packed');
      }
      return false;
    },
  };
}
