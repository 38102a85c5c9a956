/**
 * The ReadingStore port: where readings rest. Adapters: `sqlite-store.ts` (embedded), `memory-store.ts`
 * (a plain model for tests), `influx/store.ts`; one contract suite, `tests/contract/reading-store.ts`.
 * A store knows nothing of verdicts, versions or entries: the `readings` follower has settled those before it writes.
 */

import type { Installation } from '#journal/installation.ts';
import type { Told } from '#model/alarms/phrases.ts';
import type { PlatformCondition } from '#model/alarms/platform.ts';
import type { Reading, SeriesReading } from '#model/reading.ts';

/**
 * What a store is given. `seq` = the journal entry that brought the value; who only changes a flag leaves it out,
 * and the store keeps the one that is there (InfluxDB merges fields, so this costs no adapter a read).
 */
export interface ReadingToStore extends SeriesReading {
  seq?: number;
  /** The reading that was there was censored, and this one isn't: a store that merges fields has to be told. */
  uncensors?: boolean | undefined;
  /** Nothing stood at this time: a store that merges fields needn't be told what this reading lacks. */
  isFirst?: boolean | undefined;
}

/** A reading with its origin; `seq` is null when the store was filled past the journal. */
export interface TracedReading extends Reading {
  seq: number | null;
}

/** A reading that the store refused for good, whatever came with it; everything else of the call is stored. */
export interface RejectedReading {
  reading: ReadingToStore;
  /** In the store's own words. */
  reason: string;
}

/** What is wrong with a store (or a broker), in words that hold no secret. */
export interface StoreTrouble extends Told {
  condition: PlatformCondition;
}

/** What a server was measured to do before it was written to. */
export interface StoreCapabilities {
  /** What it calls itself. */
  product: string;
  /** It may show only later what it has confirmed, or nobody could measure that: `write` waits until it does. */
  isSeenLate: boolean;
  /** Whether `prune` deletes. */
  deletes: boolean;
  /** The earliest time that a reading can have there, epoch ms; null: any. */
  earliestMs: number | null;
}

/** What a store says of itself: whose it is, and that it holds what entries up to `seq` have put into it. */
export interface StoreMark extends Installation {
  seq: number;
}

/** What a series is called; stores that know no numbers ask for it. */
export type SeriesName = (series: number) => { station: string; parameter: string } | undefined;

export interface PackLimits {
  /** Readings at or after it stay as they are; epoch ms. */
  beforeMs: (series: number) => number;
  /**
   * A series isn't worth it before it has `fewest` to pack, or one from before `agedMs`. What had been closed when it came
   * doesn't wait for that.
   */
  fewest: number;
  agedMs: number;
  /** Asked before each piece of work of a millisecond or two. @param readings packed in this call so far, those of blocks they went into too. */
  isEnough: (readings: number) => boolean;
}

/** What a store is told from outside to do about readings that rest: each call is short, and changes no answer. */
export interface Packer {
  /** Finds out which series have anything to pack, some at a time. @returns whether that is known of all of them. */
  lookUp(): boolean;
  /** Series with unpacked readings before `closedMs`, up to which hours are closed now. */
  waiting(closedMs: number): number[];
  /** Packs readings of these series that are worth it, in their order. @returns how many of them are done with. */
  pack(series: readonly number[], limits: PackLimits): number;
  /** Gives a little unused space back to the disk. @returns whether there is more. */
  giveBack(): boolean;
}

export interface ReadingStore {
  /**
   * Upserts by (series, time); resolves when durable and seen by whoever asks from now on, with the readings that were refused for good (none, as a rule).
   * Of two readings for one key in a call the later wins. Negative zero is stored as zero.
   * Rejects with StoreError; `retryable` when trying again may help.
   */
  write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]>;
  /** Readings of [fromMs, toMs) ascending by time, at most `limit`. */
  read(series: number, fromMs: number, toMs: number, limit: number): Promise<Reading[]>;
  /** As `read`, with where each value came from. */
  traced(series: number, fromMs: number, toMs: number, limit: number): Promise<TracedReading[]>;
  /** The last `count` readings before `timeMs`, ascending. */
  before(series: number, timeMs: number, count: number): Promise<Reading[]>;
  /** The first `count` readings at or after `timeMs`, ascending. */
  after(series: number, timeMs: number, count: number): Promise<Reading[]>;
  /** What is stored at exactly these keys, in their order. */
  at(keys: readonly { series: number; timeMs: number }[]): Promise<(TracedReading | undefined)[]>;
  /** The device flags that readings of this series were sent with, each once, in no order. */
  deviceFlags(series: number): Promise<string[]>;
  /** Starts (epoch ms) of the UTC hours that hold readings of this series, ascending: what a rebuild begins with. */
  hours(series: number): Promise<number[]>;
  /** Deletes readings of this series before `beforeMs` for good (WK_RAW_RETENTION); resolves when done. */
  prune(series: number, beforeMs: number): Promise<void>;
  /** What keeps the store from being used for now, asked of the store itself; null: nothing. Never rejects. */
  check?(): Promise<StoreTrouble | null>;
  /** What it was measured to do; null before that. A store without this method can do everything. */
  capabilities?(): StoreCapabilities | null;
  /** What it said of itself when it was checked last, another object each time; undefined: it can't be compared, or wasn't checked. */
  mark?(): { found: StoreMark | null } | undefined;
  /** Resolves once it says this of itself, durably; rejects as `write`. */
  keepMark?(mark: StoreMark): Promise<void>;
  /** How many commits have written to it as of its last `write`; a store that counts none leaves it out. */
  commits?(): number | undefined;
  /** For the thread that writes; a store that packs by itself leaves it out. */
  packer?(): Packer;
  close(): Promise<void>;
}
