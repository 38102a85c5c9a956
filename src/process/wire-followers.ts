/**
 * The followers and what joins them, over one derived.db and one reading store: the worker drives them in its loops, the
 * simulation step by step. Who they tell is handed in.
 */
import { type AlertsFollower, type AlertsFollowerOptions, createAlertsFollower } from '#alerts/follower.ts';
import type { PeriodQueries } from '#alerts/periods/verdicts.ts';
import { openChangedBooks } from '#books/changed.ts';
import { openBookState } from '#books/clock.ts';
import { createBooksFollower } from '#books/follower.ts';
import { createAssessmentQueries } from '#books/questions/assessments.ts';
import { createTrendQueries } from '#books/questions/trends.ts';
import { meterVolumes } from '#books/questions/volumes.ts';
import { createRecount, type Recount, type RecountParts } from '#books/recount/recount.ts';
import { createBookChanges } from '#books/tell-changes.ts';
import { createVolumeBooks } from '#books/water/volumes.ts';
import { Cursor } from '#journal/cursor.ts';
import type { Follower } from '#journal/follower.ts';
import type { OpenJournalReader } from '#journal/reader.ts';
import { Control } from '#journal/registers.ts';
import type { SeriesReading } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import { createReadingQueries } from '#readings/answers.ts';
import { createReadingsFollower, type ReadingsFollower } from '#readings/follower.ts';
import { openRejudgedInbox } from '#readings/rejudged.ts';
import { openRejected } from '#readings/settling/rejected.ts';
import type { ReadingStore } from '#readings/store.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { type EntryWindow, readThrough } from './entry-window.ts';
import type { RejectedValue } from './followers-protocol.ts';

const REJECTED_MAX = 1000;

interface FollowersParts
  extends Pick<
      AlertsFollowerOptions,
      'standard' | 'allowedLatenessMs' | 'publicUrl' | 'linkSigner' | 'log' | 'onAlarms'
    >,
    Pick<RecountParts, 'clock'> {
  derived: Database;
  store: ReadingStore;
  reader: OpenJournalReader;
  reference: Reference;
  timeZone: string;
  entries: EntryWindow;
  /** Flags have changed in the store; may be told twice after a crash. */
  onReflagged: (readings: SeriesReading[]) => void;
  /** There is something for `takeRejudged`. */
  onRejudged: () => void;
  /** Refused by the store for good, to be quarantined; told again and again until `quarantined`. */
  onRejected: (values: RejectedValue[]) => void;
}

export interface Followers {
  readings: ReadingsFollower;
  books: Follower;
  /** Counts the books of an older program anew, between the batches of the books. */
  recount: Recount;
  alerts: AlertsFollower;
  /** The registers as of the books' and the alerts' cursors. */
  booksControl: Control;
  alertsControl: Control;
  /** Reads entries for the books, which go no further than the readings that the store holds. */
  readForBooks: EntryWindow['read'];
  /** Gives alerts the flags that stand now, once they have seen everything that was judged; says whether there is more. */
  takeRejudged(): boolean;
  /** Has alerts judge closed periods by the books, once they have passed what the books have; says whether there is more. */
  judgePeriods(): Promise<boolean>;
  /** At the start, and whenever there may be more. */
  tellRejected(): void;
  quarantined(ids: readonly string[]): void;
  /** Whether flags, periods or refused values still wait. */
  hasWaiting(): boolean;
  /** The first time at which one of them has something to do though nothing arrives, or null. */
  nextTimerMs(): number | null;
}

/** Not split: nearly every line needs what the lines before it made. */
export function wireFollowers(parts: FollowersParts): Followers {
  const { derived, store, reader, reference, entries, onReflagged, onRejected } = parts;
  const controlAsOf = (follower: string) => new Control(reader.control(new Cursor(derived, follower).seq));
  const inbox = openRejudgedInbox(derived);
  const rejected = openRejected(derived);

  function tellRejected(): void {
    const values = rejected.list(REJECTED_MAX).flatMap(({ series, ...row }): RejectedValue[] => {
      const name = reader.seriesById(series);
      if (!name) return [];
      const { station, parameter } = name;
      return [{ ...row, station, parameter, unit: reference.parameters.get(parameter)?.unit ?? null }];
    });
    if (values.length > 0) onRejected(values);
  }

  const readings = createReadingsFollower({ derived, store, reader, onReflagged, onRejected: tellRejected });
  const booksControl = controlAsOf('books');
  const changes = createBookChanges({ ...parts, control: booksControl });
  const recounted = createBookChanges({ ...parts, control: booksControl, isRecount: true });
  const volumes = createVolumeBooks({
    derived,
    store,
    reader,
    control: booksControl,
    register: reference.parameters.get('register')!,
    onChanged: changes.measured,
    onRecounted: recounted.measured,
  });
  const books = createBooksFollower({
    ...parts,
    control: booksControl,
    writtenCursor: () => readings.cursor(),
    onReflagged(changed, isRecount) {
      onReflagged(changed);
      // Alarms are what people were told by the rules of the time.
      if (isRecount) return;
      // A final flag may confirm an alarm or take it back. Told again after a crash, so nothing is lost in between.
      transaction(derived, () => {
        for (const reading of changed) inbox.put(reading);
      });
      parts.onRejudged();
    },
    changes,
    recounted,
    volumes,
  });
  const recount = createRecount({
    ...parts,
    control: booksControl,
    recountHours: books.recount,
    volumes,
    onDone: parts.onRejudged,
  });
  const alertsControl = controlAsOf('alerts');
  const alerts = createAlertsFollower({
    ...parts,
    control: alertsControl,
    books: { queries: bookQueries(parts), reader, timeZone: parts.timeZone },
  });
  const changed = openChangedBooks(derived);
  let booksReadSeq = books.cursor();

  return {
    readings,
    books,
    recount,
    alerts,
    booksControl,
    alertsControl,
    readForBooks(after, limit) {
      const found = readThrough(entries, after, readings.cursor(), limit);
      booksReadSeq = found.at(-1)?.seq ?? booksReadSeq;
      return found;
    },
    takeRejudged() {
      // Sooner, and the flag that alerts then see in the entry itself would come last.
      return alerts.cursor() >= Math.max(booksReadSeq, readings.settled()) && alerts.takeRejudged();
    },
    // Sooner, and a rule might be missing that the books have told something for.
    judgePeriods: async () => alerts.cursor() >= books.cursor() && alerts.judgePeriods(),
    tellRejected,
    quarantined(ids) {
      transaction(derived, () => rejected.forget(ids));
      if (ids.length === REJECTED_MAX) tellRejected();
    },
    hasWaiting: () => [inbox, changed, rejected].some((list) => list.list(1).length > 0),
    nextTimerMs() {
      const timers = [readings, books, alerts].map((follower) => follower.nextTimerMs()).filter((at) => at !== null);
      return timers.length > 0 ? Math.min(...timers) : null;
    },
  };
}

/** What the API asks of the books, asked by the writer of them. */
function bookQueries({ derived, store, allowedLatenessMs }: FollowersParts): PeriodQueries {
  const state = openBookState(derived);
  const { readings } = createReadingQueries({ derived, store, booksClockMs: () => state.clockMs(), allowedLatenessMs });
  const { trends } = createTrendQueries({ derived, readings, allowedLatenessMs });
  return {
    ...createAssessmentQueries({ derived, trends, allowedLatenessMs }),
    meterVolumes: async (query) => meterVolumes(derived, query),
  };
}
