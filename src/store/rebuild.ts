/**
 * Has every book computed anew: statistics, days and volumes go, and what they were computed from is marked. The next
 * start then works the marks off as it does any others, from the reading store, the pins and the registers; until
 * then trends fold marked hours from readings. Readings, versions, alarms and counts stay as they are.
 */
import { join } from 'node:path';
import { HOUR_MS } from '#model/calendar.ts';
import { Control } from './control.ts';
import { lockDataDir } from './data-lock.ts';
import { Cursor, openDerived } from './derived.ts';
import { openJournalReader } from './journal-reader.ts';
import { type Database, transaction } from './sqlite.ts';
import { END_OF_TIME_MS } from './volume-books.ts';

export interface MarkedForRebuild {
  hours: number;
  meters: number;
}

/**
 * One transaction: after a crash nothing or everything of it has happened.
 * @throws StoreError `store.locked` while the service runs.
 */
export function rebuildBooks(dataDir: string): MarkedForRebuild {
  const lock = lockDataDir(join(dataDir, 'journal.db'));
  try {
    const derived = openDerived(join(dataDir, 'derived.db'));
    try {
      derived.prepare('ATTACH DATABASE ? AS stored').run(join(dataDir, 'readings.db'));
      const meters = metersOf(dataDir, new Cursor(derived, 'books').seq);
      const writtenSeq = new Cursor(derived, 'readings').seq;
      return transaction(derived, () => {
        derived.exec('DELETE FROM hourStat; DELETE FROM dayStat; DELETE FROM volumeHour; DELETE FROM volumeMonth');
        return { hours: markHours(derived, writtenSeq), meters: markMeters(derived, meters) };
      });
    } finally {
      derived.close();
    }
  } finally {
    lock.close();
  }
}

/** The meters as the follower `books` knows them; later commands it meets by itself. */
function metersOf(dataDir: string, throughSeq: number): string[] {
  const reader = openJournalReader(join(dataDir, 'journal.db'));
  try {
    return new Control(reader.control(throughSeq)).list('meter').map(({ id }) => id);
  } finally {
    reader.close();
  }
}

/** Every hour that has readings, as if the newest entry that the store holds had changed it. Marks that are there stay. */
function markHours(derived: Database, seq: number): number {
  derived
    .prepare(
      `INSERT INTO dirtyHour (series, hourMs, firstSeq, lastSeq)
       SELECT DISTINCT series, timeMs - timeMs % ?1, ?2, ?2 FROM stored.reading WHERE true
       ON CONFLICT (hourMs, series) DO UPDATE
       SET firstSeq = min(firstSeq, excluded.firstSeq), lastSeq = max(lastSeq, excluded.lastSeq)`,
    )
    .run(HOUR_MS, seq);
  return (derived.prepare('SELECT count(*) AS n FROM dirtyHour').get() as { n: number }).n;
}

function markMeters(derived: Database, meters: readonly string[]): number {
  derived.exec('DELETE FROM volumeDirty');
  const mark = derived.prepare('INSERT INTO volumeDirty (meter, fromMs, toMs) VALUES (?, ?, ?)');
  for (const meter of meters) mark.run(meter, -END_OF_TIME_MS, END_OF_TIME_MS);
  return meters.length;
}
