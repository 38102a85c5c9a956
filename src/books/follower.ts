/**
 * The follower `books`: hour and day statistics and final flags, exact and whole, for every hour once it has closed
 * (docs/decisions/0006), and volumes at once. It keeps no running sums: entries only move its clock and mark what changed;
 * what is due is then computed from the reading store, as far as the store is known to hold it.
 */

import { createDayBooks } from '#books/hours/days.ts';
import { createHourBooks } from '#books/hours/hours.ts';
import { createSeriesRules } from '#books/hours/series-rules.ts';
import type { VolumeBooks } from '#books/water/volumes.ts';
import { Cursor } from '#journal/cursor.ts';
import { toStoreError } from '#journal/failure.ts';
import type { Follower } from '#journal/follower.ts';
import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import { floorHour, HOUR_MS, openFromMs } from '#model/calendar.ts';
import type { Entry, MessageEntry } from '#model/entry.ts';
import { isMetered } from '#model/metered.ts';
import type { SeriesReading } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import type { ReadingStore } from '#readings/store.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { openBookState } from './clock.ts';
import type { BookChanges } from './tell-changes.ts';

/** How long to wait, by the follower's own clock, before asking again for hours that the store hadn't got yet. */
const RETRY_MS = 10_000;

export interface BooksFollowerParts {
  derived: Database;
  store: ReadingStore;
  reader: Pick<JournalReader, 'seriesById' | 'seriesByName'>;
  /** The registers as of this follower's cursor; the follower advances it, so nobody else may share it. */
  control: Control;
  reference: Reference;
  allowedLatenessMs: number;
  timeZone: string;
  /** Seq through which the store holds every reading: the cursor of the follower `readings`. */
  writtenCursor: () => number;
  /** Readings whose final flag differs from the one before, once they are stored; may be told twice after a crash. */
  onReflagged: (readings: SeriesReading[], isRecount: boolean) => void;
  /** Marked inside the transactions of this follower and stepped outside, whenever the store holds what was marked. */
  volumes?: Pick<VolumeBooks, 'mark' | 'step' | 'isMarked'>;
  /** Told of what changes in the books, inside the transactions that change them. */
  changes?: BookChanges;
  /** The same of hours that a recount has changed. */
  recounted?: Pick<BookChanges, 'computed'>;
}

export interface BooksFollower extends Follower {
  /** Computes hours of a series that have rows anew (`recount.ts`), between two batches; `also` runs in its transaction. */
  recount(series: number, hoursMs: readonly number[], also: () => void): Promise<void>;
}

/** Not split: one closure over the clock and the parts, shared by short methods. */
export function createBooksFollower(parts: BooksFollowerParts): BooksFollower {
  const { derived, control, volumes, changes, recounted, allowedLatenessMs, timeZone, writtenCursor } = parts;
  const cursor = new Cursor(derived, 'books');
  const state = openBookState(derived);
  const days = createDayBooks(derived, state, timeZone);
  const marks = createVolumeMarks(parts);
  const hours = createHourBooks({
    ...parts,
    ...createSeriesRules(parts),
    days,
    onRowsChanged: marks.changed,
    onChanged: (series, hoursMs) => changes?.computed(series, hoursMs),
    onRecounted: (series, hoursMs) => recounted?.computed(series, hoursMs),
  });
  const firstDirty = derived.prepare('SELECT min(hourMs) AS hourMs FROM dirtyHour');
  const firstDirtyMs = () => (firstDirty.get() as { hourMs: number | null }).hourMs;
  let clockMs = state.clockMs();
  /** Seq through which this process has marked what entries change: ahead of the cursor while there is work to do. */
  let arrivedSeq = cursor.seq;
  /** True when something due had to wait for the store. */
  let isWaiting = false;

  function arrive(entries: readonly Entry[]): void {
    transaction(derived, () => {
      for (const entry of entries) {
        if (entry.seq <= arrivedSeq) continue;
        control.apply(entry);
        marks.arrived(entry);
        changes?.arrived(entry);
      }
    });
    const { seq, receivedMs } = entries.at(-1)!;
    arrivedSeq = Math.max(arrivedSeq, seq);
    clockMs = Math.max(clockMs, receivedMs);
  }

  /** Does some of what is due, about 20 ms of it. @returns whether there is more that can be done now. */
  async function work(): Promise<boolean> {
    const openMs = openFromMs(clockMs, allowedLatenessMs);
    const isMore = days.step() || (await hours.step(openMs, writtenCursor(), clockMs));
    if (volumes && writtenCursor() >= arrivedSeq && (await volumes.step())) return true;
    return isMore;
  }

  return {
    name: 'books',
    cursor: () => cursor.seq,

    async apply(entries) {
      const { seq } = entries.at(-1)!;
      try {
        arrive(entries);
        // An entry is passed when all that it made due is done; until then it is handed in again, turn by turn.
        if (await work()) return;
        transaction(derived, () => {
          state.saveClock(clockMs);
          cursor.save(seq);
        });
        cursor.moved(seq);
        const oldestMs = firstDirtyMs();
        isWaiting = writtenCursor() < seq || (oldestMs !== null && oldestMs < openFromMs(clockMs, allowedLatenessMs));
      } catch (error) {
        throw toStoreError(error, derived.location() ?? 'derived.db');
      }
    },

    skip({ seq }) {
      if (seq <= cursor.seq) return;
      transaction(derived, () => cursor.save(seq));
      cursor.moved(seq);
    },

    recount: (series, hoursMs, also) => hours.recount(series, hoursMs, { storedSeq: writtenCursor(), clockMs }, also),

    nextTimerMs() {
      if (isWaiting || volumes?.isMarked()) return clockMs + RETRY_MS;
      const oldestMs = firstDirtyMs();
      return oldestMs === null ? null : oldestMs + HOUR_MS + allowedLatenessMs;
    },
  };
}

/**
 * Volumes are wanted live: readings of metered series are marked as they come, with the flags that they have then,
 * and again when their final flags differ. Both in the open transaction.
 */
function createVolumeMarks({ reader, volumes }: BooksFollowerParts) {
  const known = new Map<number, boolean>();
  const isMeteredSeries = (id: number) =>
    known.getOrInsertComputed(id, () => isMetered(reader.seriesById(id)?.parameter ?? ''));
  function changed(series: number, fromMs: number, toMs: number): void {
    if (volumes && isMeteredSeries(series)) volumes.mark(series, fromMs, toMs);
  }
  function arrived(entry: Entry): void {
    if (!volumes) return;
    if (entry.kind === 'message') {
      for (const { series, fromMs, toMs } of meteredSpans(entry, isMeteredSeries)) changed(series, fromMs, toMs);
    } else if (entry.kind === 'command' && entry.command.verb === 'correct') {
      const { station, parameter, fromMs, toMs } = entry.command;
      const series = reader.seriesByName(station, parameter)?.id;
      if (series !== undefined) changed(series, fromMs, toMs);
    }
  }
  return { changed, arrived };
}

/** The stretches of time, an hour at most, in which this message may have changed metered series. */
function meteredSpans({ readings }: MessageEntry, isOne: (series: number) => boolean) {
  const spans = new Map<string, { series: number; fromMs: number; toMs: number }>();
  for (const { series, timeMs, verdict } of readings) {
    if (verdict === 'duplicate' || !isOne(series)) continue;
    const span = spans.getOrInsertComputed(`${series} ${floorHour(timeMs)}`, () => ({
      series,
      fromMs: timeMs,
      toMs: timeMs,
    }));
    span.fromMs = Math.min(span.fromMs, timeMs);
    span.toMs = Math.max(span.toMs, timeMs);
  }
  return spans.values();
}
