/**
 * Flags that an engineer has set by hand (`POST /corrections`, action `flag`): the quality tests compute around
 * them and never over them. A pin judges one value, so it goes when another value takes its place.
 */
import type { Flag } from '#model/flag.ts';
import type { Database } from '#src/sqlite.ts';

/** Writing methods run in the caller's open transaction. */
export interface Pins {
  /** Pinned flags of [fromMs, toMs), by time. */
  flags(series: number, fromMs: number, toMs: number): ReadonlyMap<number, Flag>;
  pin(series: number, timeMs: number, flag: Flag, by: string, seq: number): void;
  unpin(series: number, timeMs: number): void;
}

export function openPins(derived: Database): Pins {
  const select = derived.prepare('SELECT timeMs, flag FROM pin WHERE series = ? AND timeMs >= ? AND timeMs < ?');
  const upsert = derived.prepare('INSERT OR REPLACE INTO pin (series, timeMs, flag, by, seq) VALUES (?, ?, ?, ?, ?)');
  const remove = derived.prepare('DELETE FROM pin WHERE series = ? AND timeMs = ?');
  return {
    flags(series, fromMs, toMs) {
      const rows = select.all(series, fromMs, toMs) as { timeMs: number; flag: Flag }[];
      return new Map(rows.map((row) => [row.timeMs, row.flag]));
    },
    pin(series, timeMs, flag, by, seq) {
      upsert.run(series, timeMs, flag, by, seq);
    },
    unpin(series, timeMs) {
      remove.run(series, timeMs);
    },
  };
}
