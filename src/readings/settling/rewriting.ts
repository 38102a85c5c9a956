/**
 * Writing again what a reading store has lost (fit-files.ts): entries that were settled and versioned long ago are
 * decided once more, against the store as it is rebuilt in their order, and only their readings are wanted.
 */

import { Cursor } from '#journal/cursor.ts';
import type { Entry, MessageEntry } from '#model/entry.ts';
import type { ReadingToStore } from '#readings/store.ts';
import { openVersions, type Versions } from '#readings/versions.ts';
import type { Database, Statement } from '#src/sqlite.ts';
import { type Change, type KnownReadings, uncensors } from './records.ts';
import { decide, isOpen } from './settlement.ts';

/** The cursor that says how far entries are to be written again. */
const REWRITE_CURSOR = 'rewrite';
/** How far what is to be written again has stayed in the store, and so has stayed counted. */
const REPAIR_CURSOR = 'repair';

/** In the caller's transaction: has the follower `readings` write again what entries after `afterSeq` have stored, up to its cursor. */
export function repair(derived: Database, afterSeq: number): void {
  const [again, repaired] = [new Cursor(derived, REWRITE_CURSOR), new Cursor(derived, REPAIR_CURSOR)];
  const written = new Cursor(derived, 'readings');
  again.save(Math.max(again.seq, written.seq));
  repaired.save(Math.max(repaired.seq, written.seq));
  written.save(afterSeq);
}

/**
 * As `repair` of what the store has lost after `heldSeq`. Stored is what the store holds: the rest is counted again as it is
 * written again.
 * @param writtenSeq the follower's cursor.
 */
export function writeAgain(derived: Database, heldSeq: number, writtenSeq: number): void {
  const [again, repaired] = [new Cursor(derived, REWRITE_CURSOR), new Cursor(derived, REPAIR_CURSOR)];
  again.save(Math.max(again.seq, writtenSeq));
  new Cursor(derived, 'readings').save(heldSeq);
  // What waited for its repair is lost with the rest.
  const countedSeq = Math.max(writtenSeq, repaired.seq);
  repaired.save(0);
  derived
    .prepare(
      `UPDATE source SET stored = stored - (SELECT coalesce(sum(origin.stored), 0) FROM origin
         WHERE origin.source = source.id AND origin.seq > ? AND origin.seq <= ?)`,
    )
    .run(heldSeq, countedSeq);
}

export class Rewriting {
  /** Entries up to this seq were in the store before. */
  readonly throughSeq: number;
  readonly #repairedSeq: number;
  readonly #versions: Versions;
  readonly #stored: Statement;
  readonly #count: Statement;

  constructor(derived: Database) {
    this.throughSeq = new Cursor(derived, REWRITE_CURSOR).seq;
    this.#repairedSeq = new Cursor(derived, REPAIR_CURSOR).seq;
    this.#versions = openVersions(derived);
    this.#stored = derived.prepare('SELECT 1 FROM origin WHERE seq = ?');
    this.#count = derived.prepare(
      `UPDATE source SET stored = source.stored + origin.stored FROM origin
       WHERE origin.seq = ? AND source.id = origin.source AND origin.stored > 0`,
    );
  }

  /** Whether this entry stored anything: parked ones and those of duplicates didn't. */
  hasStored({ seq }: Entry): boolean {
    return this.#stored.get(seq) !== undefined;
  }

  /** In the caller's transaction: the store has confirmed what it was given of these entries once more. */
  count(entries: readonly Entry[]): void {
    for (const { kind, seq } of entries) {
      if (kind === 'message' && seq > this.#repairedSeq) this.#count.run(seq);
    }
  }

  /**
   * What entries have put into the store.
   * @param known what the store holds of readings whose verdict the door left open; kept up to date.
   * @param changes of the correction that stands alone, if it is one.
   */
  of(entries: readonly Entry[], known: KnownReadings, changes: readonly Change[]): ReadingToStore[] {
    const { seq } = entries.at(-1)!;
    const readings: ReadingToStore[] = [];
    for (const { series, before, after } of changes) {
      if (after !== before) readings.push({ ...after, series, uncensors: uncensors(before, after), seq });
    }
    for (const entry of entries) {
      if (entry.kind === 'message' && this.hasStored(entry)) this.#decide(entry, known, readings);
    }
    return readings;
  }

  /** A repeat of a value that stands is none, as it was then. */
  #decide({ seq, readings }: MessageEntry, known: KnownReadings, wanted: ReadingToStore[]): void {
    for (const reading of readings) {
      const { series, timeMs, value, flag, deviceFlag, censored, verdict } = reading;
      if (verdict === 'duplicate') continue;
      const times = known.get(series);
      const before = times?.get(timeMs);
      const isRepeat = () =>
        decide(reading, before, () => this.#versions.replacedByCommand(series, timeMs, seq)) === 'duplicate';
      if (isOpen(verdict) && isRepeat()) continue;
      if (times?.has(timeMs)) times.set(timeMs, { timeMs, value, flag, deviceFlag, censored, seq });
      const ends = isOpen(verdict) && uncensors(before, reading);
      wanted.push({ series, timeMs, value, flag, deviceFlag, censored, uncensors: ends, seq });
    }
  }
}
