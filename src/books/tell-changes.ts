/**
 * How the books tell of what has changed in them: stations and meters with their days go into the inbox of alarms about
 * closed periods, in the transaction of the change. Without a rule about closed periods nothing is told.
 */

import type { JournalReader } from '#journal/port.ts';
import type { Control } from '#journal/registers.ts';
import { floorHour, openFromMs } from '#model/calendar.ts';
import { type Entry, isImport } from '#model/entry.ts';
import { isPeriodRule } from '#model/register.ts';
import type { Database } from '#src/sqlite.ts';
import { type BookKind, openChangedBooks } from './changed.ts';
import { openBookState } from './clock.ts';

/** All methods run in the caller's open transaction. */
export interface BookChanges {
  /**
   * An entry has reached the books. Its late readings will change hours that are closed: when they came is said at once, so
   * that it doesn't matter when the books get to them.
   */
  arrived(entry: Entry): void;
  /** Hours of a series are others than before. */
  computed(series: number, hoursMs: readonly number[]): void;
  /** Hours of a meter are others than before. */
  measured(meter: string, hoursMs: readonly number[]): void;
}

interface Options {
  derived: Database;
  /** The registers as of the books' cursor. */
  control: Control;
  reader: Pick<JournalReader, 'seriesById'>;
  allowedLatenessMs: number;
  /** What changes only because other rules count: judged when all of it is counted, as imported history is: a record. */
  isRecount?: boolean;
}

export function createBookChanges(options: Options): BookChanges {
  const { derived, control, reader, allowedLatenessMs, isRecount = false } = options;
  const inbox = openChangedBooks(derived, isRecount ? 'recountedBook' : 'changedBook');
  let clockMs = openBookState(derived).clockMs();
  let isWanted: boolean | null = null;
  control.onChange(({ command }) => {
    if ('noun' in command && command.noun === 'rule') isWanted = null;
  });

  function areRules(): boolean {
    isWanted ??= control.list('rule').some(({ body }) => isPeriodRule(body) && body.enabled);
    return isWanted;
  }

  function put(
    kind: BookKind,
    subject: string,
    hoursMs: Iterable<number>,
    arrived: boolean,
    imported = isRecount,
  ): void {
    inbox.putHours({ kind, subject, clockMs, arrived, imported }, hoursMs);
  }

  return {
    arrived(entry) {
      clockMs = Math.max(clockMs, entry.receivedMs);
      if (entry.kind !== 'message' || !areRules()) return;
      const isImported = isImport(entry.source);
      const openMs = openFromMs(entry.receivedMs, allowedLatenessMs);
      const late = entry.readings.filter(({ timeMs, verdict }) => timeMs < openMs && verdict !== 'duplicate');
      for (const [series, readings] of Map.groupBy(late, (reading) => reading.series)) {
        const station = reader.seriesById(series)?.station;
        if (station === undefined) continue;
        const hoursMs = readings.map(({ timeMs }) => floorHour(timeMs));
        put('station', station, hoursMs, true, isImported);
        const meters = control.list('meter').filter(({ body }) => body.station === station);
        for (const { id } of meters) put('meter', id, hoursMs, true, isImported);
      }
    },
    computed(series, hoursMs) {
      const station = areRules() ? reader.seriesById(series)?.station : undefined;
      if (station !== undefined) put('station', station, hoursMs, false);
    },
    measured(meter, hoursMs) {
      if (areRules()) put('meter', meter, hoursMs, false);
    },
  };
}
