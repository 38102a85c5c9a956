/**
 * What settling writes into derived.db: the half of the `readings` follower that runs inside its transaction.
 * Nothing here asks the reading store; what it holds is handed in.
 */

import { Cursor } from '#journal/cursor.ts';
import type { JournalReader } from '#journal/port.ts';
import { floorHour } from '#model/calendar.ts';
import {
  type CommandEntry,
  type Correction,
  type Entry,
  isImport,
  type JournaledReading,
  type MessageEntry,
} from '#model/entry.ts';
import { isSame, type Measurement, type Reading, type SeriesReading } from '#model/reading.ts';
import { type Amended, openAmended } from '#readings/amended.ts';
import { type DirtyHours, openDirtyHours } from '#readings/dirty-hours.ts';
import { type Ledger, openLedger } from '#readings/ledger.ts';
import { openPins, type Pins } from '#readings/pins.ts';
import { openRejudgedInbox, type RejudgedInbox } from '#readings/rejudged.ts';
import { openSeriesState, type SeriesState } from '#readings/series-state.ts';
import type { ReadingToStore, RejectedReading, TracedReading } from '#readings/store.ts';
import { openVersions, type Versions } from '#readings/versions.ts';
import type { Database, Statement } from '#src/sqlite.ts';
import { openRejected, type Rejected, rejectedId } from './rejected.ts';
import { decide, isOpen, pinsFlag } from './settlement.ts';
import { openUnwritten, type Unwritten } from './unwritten.ts';

/** What the store and the entries before hold of readings whose verdict is open; undefined = no such reading. */
export type KnownReadings = Map<number, Map<number, TracedReading | undefined>>;

export interface CorrectionEntry extends CommandEntry {
  command: Correction;
}

/** One stored reading that a correction is about. The same object twice: it changes nothing. */
export interface Change {
  series: number;
  before: TracedReading;
  after: Reading;
}

export function uncensors(before: Measurement | undefined, after: Measurement): boolean {
  return before?.censored !== undefined && after.censored === undefined;
}

/** All methods run in the caller's open transaction. */
export class SettleRecords {
  readonly unwritten: Unwritten;
  readonly #ledger: Ledger;
  readonly #versions: Versions;
  readonly #pins: Pins;
  readonly #dirtyHours: DirtyHours;
  readonly #state: SeriesState;
  readonly #rejected: Rejected;
  readonly #rejudged: RejudgedInbox;
  readonly #amended: Amended;
  readonly #countUnwritten: Statement;
  /** Through this seq an earlier program counted values when it settled them, and not when the store had them. */
  readonly #countedSeq: number;

  constructor(derived: Database, reader: Pick<JournalReader, 'seriesById' | 'seriesByName'>) {
    this.unwritten = openUnwritten(derived);
    this.#ledger = openLedger(derived);
    this.#versions = openVersions(derived);
    this.#pins = openPins(derived);
    this.#dirtyHours = openDirtyHours(derived);
    this.#state = openSeriesState(derived);
    this.#rejected = openRejected(derived);
    this.#rejudged = openRejudgedInbox(derived);
    this.#amended = openAmended(derived, reader);
    this.#countUnwritten = derived.prepare('SELECT count(*) AS n FROM unwritten WHERE seq = ?');
    this.#countedSeq = new Cursor(derived, 'counted').seq;
  }

  /** Decides what is open and returns the readings that are to be stored. `known` is kept up to date. */
  settleMessage(entry: MessageEntry, known: KnownReadings): SeriesReading[] {
    const stored: SeriesReading[] = [];
    const { seq, source, receivedMs, readings } = entry;
    for (let ordinal = 0; ordinal < readings.length; ordinal++) {
      const reading = readings[ordinal]!;
      if (reading.verdict === 'duplicate') continue;
      const { series, timeMs, value, flag, deviceFlag, censored } = reading;
      const times = known.get(series);
      if (isOpen(reading.verdict)) {
        const before = times!.get(timeMs);
        if (!this.#settleOpen(entry, reading, before)) continue;
        this.unwritten.keep(seq, ordinal, { ...reading, uncensors: uncensors(before, reading) });
      }
      if (times?.has(timeMs)) times.set(timeMs, { timeMs, value, flag, deviceFlag, censored, seq });
      stored.push(reading);
    }
    if (stored.length > 0) this.#ledger.keepOrigin(seq, source, receivedMs, stored.length);
    return stored;
  }

  /**
   * Whether the reading is to be stored; the version that it ends is kept, and the pin goes that judged its value. The door
   * judged a repeat that it had forgotten without its predecessors, and alerts believed it: they hear of the flag that stands.
   * Where something was changed since it came, they believed nothing: they hear of what is news.
   */
  #settleOpen(entry: MessageEntry, reading: JournaledReading, before: TracedReading | undefined): boolean {
    const { series, timeMs } = reading;
    const decision = decide(reading, before, () => this.#versions.replacedByCommand(series, timeMs));
    if (this.#amended.concerns(reading, entry.seq)) {
      if (decision !== 'duplicate') this.#rejudged.put(reading, isImport(entry.source));
    } else if (decision === 'duplicate' && reading.flag !== before!.flag) this.#rejudged.put({ ...before!, series });
    if (decision !== 'correction') return decision === 'new';
    this.#versions.keep({
      ...before!,
      series,
      cause: 'reading',
      by: entry.source,
      reason: null,
      supersededAtMs: entry.receivedMs,
      supersededSeq: entry.seq,
    });
    this.#pins.unpin(series, timeMs);
    return true;
  }

  /** What a correction is about has been changed, whatever there is of it. */
  amend(entry: CorrectionEntry): void {
    this.#amended.correct(entry);
  }

  /** Records a correction's changes and pins; returns the readings that are to be stored. */
  settleCorrection(entry: CorrectionEntry, changes: readonly Change[]): SeriesReading[] {
    const { seq, actor, receivedMs, command } = entry;
    const stored: SeriesReading[] = [];
    for (const { series, before, after } of changes) {
      if (after !== before) {
        this.#versions.keep({
          ...before,
          series,
          cause: 'command',
          by: actor,
          reason: command.reason,
          supersededAtMs: receivedMs,
          supersededSeq: seq,
        });
        const reading = { ...after, series };
        this.unwritten.keep(seq, stored.length, { ...reading, uncensors: uncensors(before, after) });
        stored.push(reading);
      }
      if (pinsFlag(before, command)) this.#pins.pin(series, before.timeMs, command.flag!, actor, seq);
      else if (!isSame(after, before)) this.#pins.unpin(series, before.timeMs);
    }
    if (stored.length > 0) this.#ledger.keepOrigin(seq, actor, receivedMs, null);
    return stored;
  }

  /** Marks the hours of stored readings dirty and takes the newest over as the state of their series. */
  touch(stored: readonly SeriesReading[], seq: number): void {
    const marked = new Map<number, Set<number>>();
    for (const { series, timeMs } of stored) {
      const hourMs = floorHour(timeMs);
      const those = marked.getOrInsertComputed(hourMs, () => new Set());
      if (those.has(series)) continue;
      those.add(series);
      this.#dirtyHours.mark(series, hourMs, seq);
    }
    this.#state.remember(stored);
  }

  /** Counts what became of these entries' values: until the store has confirmed what it was given of them they are pending. */
  count(run: readonly Entry[], written: readonly ReadingToStore[]): void {
    const stored = new Map<number, number>();
    for (const { seq } of written) stored.set(seq!, (stored.get(seq!) ?? 0) + 1);
    for (const entry of run) {
      if (entry.kind !== 'message' || entry.seq <= this.#countedSeq) continue;
      const own = stored.get(entry.seq) ?? 0;
      this.#ledger.add(entry.source, own, entry.readings.length - own);
    }
  }

  /**
   * Readings of these entries that the store refused for good: they are not stored after all, and wait here for main to
   * quarantine them. The version that such a value ended has not ended.
   */
  reject(run: readonly Entry[], rejected: readonly RejectedReading[]): void {
    const entries = new Map(run.map((entry) => [entry.seq, entry]));
    const ids = new Set<string>();
    for (const { reading, reason } of rejected) {
      const entry = entries.get(reading.seq!);
      if (entry?.kind !== 'message' && entry?.kind !== 'command') throw new Error(`no entry ${reading.seq} wrote this`);
      let place = 0;
      while (ids.has(rejectedId(reading, place))) place++;
      const id = rejectedId(reading, place);
      ids.add(id);
      const wasCounted = entry.kind === 'message';
      const source = entry.kind === 'message' ? entry.source : entry.actor;
      const { series, timeMs, value, deviceFlag } = reading;
      this.#rejected.keep({ id, source, wasCounted, series, timeMs, value, deviceFlag, reason });
      if (wasCounted) this.#ledger.takeBack(entry.seq, source);
      this.#versions.forget(entry.seq, reading);
    }
  }

  /** Takes back what settling recorded of an entry that the store will never have: its values stay pending. */
  unsettle(entry: Entry): void {
    if (entry.kind === 'message' && entry.seq <= this.#countedSeq) {
      const kept = (this.#countUnwritten.get(entry.seq) as { n: number }).n;
      const stored = kept + entry.readings.filter(({ verdict }) => verdict === 'new').length;
      this.#ledger.add(entry.source, -stored, stored - entry.readings.length);
    }
    this.#versions.forget(entry.seq);
    this.#ledger.forgetOrigin(entry.seq);
  }
}
