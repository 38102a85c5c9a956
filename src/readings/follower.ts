/**
 * The follower `readings`: settles what the door left open, then writes the reading store (docs/decisions/0007).
 * Two cursors make it exactly once in effect for any store: `settled` moves in the transaction that records verdicts,
 * versions and dirty hours; `readings` moves in the one that counts, after the store has the readings. A crash in between
 * repeats only the write, of the same readings: nothing is settled twice, and no duplicate lands on a final flag.
 */

import { Cursor } from '#journal/cursor.ts';
import { toStoreError } from '#journal/failure.ts';
import type { Follower } from '#journal/follower.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Correction, Entry } from '#model/entry.ts';
import type { SeriesReading } from '#model/reading.ts';
import { type Change, type CorrectionEntry, type KnownReadings, SettleRecords } from '#readings/settling/records.ts';
import { Rewriting } from '#readings/settling/rewriting.ts';
import { assertCorrection, corrected, isOpen } from '#readings/settling/settlement.ts';
import { readingsToWrite } from '#readings/settling/unwritten.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { openSeriesNames, openStoreMark } from './fit-tables.ts';
import type { ReadingStore } from './store.ts';

/** Readings that are settled in one transaction and written in one call, a single entry's apart. */
const RUN_READINGS_MAX = 20_000;
const PAGE = 10_000;

/** A correction of more than these (two years of 5-minute readings) is parked; it would stand in the way of all others. */
const CORRECTION_READINGS_MAX = 250_000;

export interface ReadingsFollowerParts {
  derived: Database;
  store: ReadingStore;
  reader: Pick<JournalReader, 'seriesByName' | 'seriesById'>;
  /** Readings that an engineer's correction has changed, once they are stored; may be told twice after a crash. */
  onReflagged: (readings: SeriesReading[]) => void;
  /** Readings were refused for good and wait to be quarantined (rejected.ts). */
  onRejected?: () => void;
}

export interface ReadingsFollower extends Follower {
  readonly name: 'readings';
  /** Seq through which verdicts are recorded: at or ahead of `cursor()`, by one run at most. */
  settled(): number;
  /** The cursor in derived.db has gone back (`writeAgain`): from now on entries are written again from there. */
  fellBack(): void;
}

export function createReadingsFollower({
  derived,
  store,
  reader,
  onReflagged,
  onRejected,
}: ReadingsFollowerParts): ReadingsFollower {
  const settled = new Cursor(derived, 'settled');
  const written = new Cursor(derived, 'readings');
  const records = new SettleRecords(derived, reader);
  let again = new Rewriting(derived);
  const names = openSeriesNames(derived, (id) => reader.seriesById(id));
  const storeHas = openStoreMark(derived);
  const { unwritten } = records;
  const path = derived.location() ?? 'derived.db';

  async function settle(run: readonly Entry[]): Promise<void> {
    const lastSeq = run.at(-1)!.seq;
    const [first] = run as [Entry];
    const known = await lookUp(run, store);
    const changes = isCorrection(first) ? await readChanges(first.command) : [];
    transaction(derived, () => {
      const stored: SeriesReading[] = [];
      for (const entry of run) {
        if (isCorrection(entry)) records.amend(entry);
        const more =
          entry.kind === 'message'
            ? records.settleMessage(entry, known)
            : isCorrection(entry)
              ? records.settleCorrection(entry, changes)
              : [];
        for (const reading of more) stored.push(reading);
      }
      records.touch(stored, lastSeq);
      names.keep(stored.map(({ series }) => series));
      settled.save(lastSeq);
    });
    settled.moved(lastSeq);
  }

  /** Writes what the store held before and has lost: it was settled then, and only its hours are marked. */
  async function rewrite(run: readonly Entry[]): Promise<void> {
    const lastSeq = run.at(-1)!.seq;
    const known = await lookUp(run, store);
    const [first] = run as [Entry];
    const changes = isCorrection(first) && again.hasStored(first) ? await readChanges(first.command) : [];
    const readings = again.of(run, known, changes);
    if (readings.length > 0) await store.write(readings);
    transaction(derived, () => {
      records.touch(readings, lastSeq);
      again.count(run);
      storeHas(store.commits?.());
      written.save(lastSeq);
    });
    written.moved(lastSeq);
  }

  /** The stored readings that a correction is about, as they are and as they shall be. */
  async function readChanges(command: Correction): Promise<Change[]> {
    assertCorrection(command);
    const series = reader.seriesByName(command.station, command.parameter)?.id;
    const changes: Change[] = [];
    if (series === undefined) return changes;
    for (let fromMs = command.fromMs; ; ) {
      const page = await store.traced(series, fromMs, command.toMs, PAGE);
      for (const before of page) changes.push({ series, before, after: corrected(before, command) });
      if (page.length < PAGE) return changes;
      if (changes.length > CORRECTION_READINGS_MAX) {
        throw new RangeError(
          `a correction changes at most ${CORRECTION_READINGS_MAX} readings; correct a shorter range`,
        );
      }
      fromMs = page.at(-1)!.timeMs + 1;
    }
  }

  async function write(run: readonly Entry[]): Promise<void> {
    const lastSeq = run.at(-1)!.seq;
    const { readings, corrected } = readingsToWrite(run, unwritten.through(lastSeq));
    const rejected = readings.length > 0 ? await store.write(readings) : [];
    // Told before the cursor moves: after a crash rather twice than never.
    if (corrected.length > 0) onReflagged(corrected);
    transaction(derived, () => {
      unwritten.forget(lastSeq);
      records.count(run, readings);
      records.reject(run, rejected);
      storeHas(store.commits?.());
      written.save(lastSeq);
    });
    written.moved(lastSeq);
    if (rejected.length > 0) onRejected?.();
  }

  return {
    name: 'readings',
    cursor: () => written.seq,
    settled: () => settled.seq,
    nextTimerMs: () => null,
    fellBack() {
      again = new Rewriting(derived);
      written.moved(new Cursor(derived, 'readings').seq);
    },
    async apply(entries) {
      try {
        for (const run of runsOf(entries, [again.throughSeq, settled.seq])) {
          const { seq } = run.at(-1)!;
          if (seq <= again.throughSeq) {
            await rewrite(run);
            continue;
          }
          if (seq > settled.seq) await settle(run);
          await write(run);
        }
      } catch (error) {
        throw toStoreError(error, path);
      }
    },
    skip(entry) {
      const settledSeq = Math.max(settled.seq, entry.seq);
      transaction(derived, () => {
        // What was to be written again was settled for good, and has not been counted since.
        if (entry.seq <= settled.seq && entry.seq > again.throughSeq) records.unsettle(entry);
        // Alerts may have obeyed it.
        if (isCorrection(entry)) records.amend(entry);
        unwritten.forget(entry.seq);
        settled.save(settledSeq);
        written.save(entry.seq);
      });
      settled.moved(settledSeq);
      written.moved(entry.seq);
    },
  };
}

function isCorrection(entry: Entry): entry is CorrectionEntry {
  return entry.kind === 'command' && entry.command.verb === 'correct';
}

/**
 * Cuts entries into runs that are settled in one transaction each: a correction stands alone, since it asks the store
 * about whole ranges; a run is settled wholly or not at all; and it isn't much longer than the limit.
 * @param edges no run reaches across one of these seqs.
 */
function* runsOf(entries: readonly Entry[], edges: readonly number[]): Generator<readonly Entry[]> {
  const isAcross = (last: Entry, next: Entry) => edges.some((edge) => last.seq <= edge && next.seq > edge);
  let run: Entry[] = [];
  let readings = 0;
  for (const entry of entries) {
    const more = entry.kind === 'message' ? entry.readings.length : 0;
    const last = run.at(-1);
    const isFull = readings + more > RUN_READINGS_MAX;
    if (last && (isFull || isCorrection(entry) || isCorrection(last) || isAcross(last, entry))) {
      yield run;
      run = [];
      readings = 0;
    }
    run.push(entry);
    readings += more;
  }
  if (run.length > 0) yield run;
}

/** Asks the store for the readings of open verdicts; everything before this run has been written. */
async function lookUp(run: readonly Entry[], store: ReadingStore): Promise<KnownReadings> {
  const known: KnownReadings = new Map();
  const keys: { series: number; timeMs: number }[] = [];
  for (const entry of run) {
    if (entry.kind !== 'message') continue;
    for (const reading of entry.readings) {
      if (!isOpen(reading.verdict)) continue;
      const { series, timeMs } = reading;
      const times = known.getOrInsertComputed(series, () => new Map());
      if (times.has(timeMs)) continue;
      times.set(timeMs, undefined);
      keys.push({ series, timeMs });
    }
  }
  if (keys.length === 0) return known;
  const found = await store.at(keys);
  for (const [index, { series, timeMs }] of keys.entries()) known.get(series)!.set(timeMs, found[index]);
  return known;
}
