/**
 * The ReadingStore port: where readings rest. Adapters: `sqlite-readings.ts` (embedded), `memory-readings.ts`
 * (a plain model for tests), later `influx-readings.ts`; one contract suite, `tests/contract/reading-store.ts`.
 * A store knows nothing of verdicts, versions or entries: the `readings` follower has settled those before it writes.
 */
import type { Reading, SeriesReading } from '#model/reading.ts';

export interface ReadingStore {
  /** Upserts by (series, time); resolves when durable. Of two readings for one key in a call the later wins. */
  write(readings: readonly SeriesReading[]): Promise<void>;
  /** Readings of [fromMs, toMs) ascending by time, at most `limit`. */
  read(series: number, fromMs: number, toMs: number, limit: number): Promise<Reading[]>;
  /** The last `count` readings before `timeMs`, ascending. */
  before(series: number, timeMs: number, count: number): Promise<Reading[]>;
  /** The first `count` readings at or after `timeMs`, ascending. */
  after(series: number, timeMs: number, count: number): Promise<Reading[]>;
  /** What is stored at exactly these keys, in their order. */
  at(keys: readonly { series: number; timeMs: number }[]): Promise<(Reading | undefined)[]>;
  close(): Promise<void>;
}
