/**
 * The books' clock: `receivedMs` of the newest entry that the follower `books` has passed. An hour closes when the
 * clock is past its end by the allowed lateness: then everything about it that isn't late has been received.
 */
import type { Database } from '#src/sqlite.ts';

export interface BookState {
  clockMs(): number;
  /** The zone whose days the day books hold; null while they are being rebuilt, or when the zone has none. */
  dayZone(): string | null;
  /** In the caller's open transaction. */
  saveClock(clockMs: number): void;
  saveDayZone(timeZone: string | null): void;
}

export function openBookState(derived: Database): BookState {
  const select = derived.prepare('SELECT clockMs, dayZone FROM bookState WHERE id = 1');
  const updateClock = derived.prepare('UPDATE bookState SET clockMs = ? WHERE id = 1');
  const updateZone = derived.prepare('UPDATE bookState SET dayZone = ? WHERE id = 1');
  const state = () => select.get() as { clockMs: number; dayZone: string | null };
  return {
    clockMs: () => state().clockMs,
    dayZone: () => state().dayZone,
    saveClock: (clockMs) => void updateClock.run(clockMs),
    saveDayZone: (timeZone) => void updateZone.run(timeZone),
  };
}
