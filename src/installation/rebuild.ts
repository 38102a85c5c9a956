/**
 * Has every book computed anew: statistics, days and volumes go, and what they were computed from is marked. The next
 * start then works the marks off as it does any others, from the reading store, the pins and the registers; until
 * then trends fold marked hours from readings. Readings, versions, alarms and counts stay as they are, and so do hours
 * whose readings WK_RAW_RETENTION has deleted. Readings whose checksum doesn't fit are written again from the journal.
 */
import { join } from 'node:path';
import { END_OF_TIME_MS } from '#books/water/volumes.ts';
import { Cursor } from '#journal/cursor.ts';
import { lockDataDir } from '#journal/data-lock.ts';
import { openJournalReader } from '#journal/reader.ts';
import { Control } from '#journal/registers.ts';
import { COUNTING_RULES } from '#model/counting-rules.ts';
import { type WrittenAgain, writeDamagedAgain } from '#readings/damaged-readings.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import type { ReadingStore, SeriesName } from '#readings/store.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { openDerived } from './derived.ts';
import { createStoreFit } from './fit-store.ts';

export interface MarkedForRebuild {
  hours: number;
  meters: number;
  /** Of readings.db; null when they are in InfluxDB. */
  readings: WrittenAgain | null;
  /** A bucket has lost readings: what the journal has of them is written again when the service starts. */
  isBucketBehind: boolean;
}

/**
 * Marks first, then takes the books away in one transaction: after a crash in between some sound hours are computed once
 * more, and nothing is missing.
 * @param openStore the reading store to ask which hours hold readings.
 * @param bucket what the store on a server is called; null: the readings are in readings.db.
 * @throws StoreError `store.locked` while the service runs, or what the store says when it is away, or another installation's:
 *   then nothing has gone.
 */
export async function rebuildBooks(
  dataDir: string,
  openStore: (name: SeriesName) => ReadingStore,
  bucket: string | null = null,
): Promise<MarkedForRebuild> {
  const lock = lockDataDir(join(dataDir, 'journal.db'));
  const reader = openJournalReader(join(dataDir, 'journal.db'));
  const derived = openDerived(join(dataDir, 'derived.db'));
  const store = openStore((id) => reader.seriesById(id));
  try {
    const fit = createStoreFit({
      derived,
      journalPath: join(dataDir, 'journal.db'),
      store,
      storeName: bucket === null ? 'readings.db' : `the bucket ${bucket}`,
    });
    const isBucketBehind = await fit.compare();
    const writtenSeq = new Cursor(derived, 'readings').seq;
    const readingsPath = join(dataDir, 'readings.db');
    // Before the marks: until they are written again nothing is computed from them.
    const readings =
      bucket === null ? writeDamagedAgain(readingsPath, derived, reader.oldestSeq() || Number.POSITIVE_INFINITY) : null;
    for (const { id } of reader.allSeries()) await markHours(derived, store, id, writtenSeq);
    // The meters as the follower `books` knows them; later commands it meets by itself.
    const control = new Control(reader.control(new Cursor(derived, 'books').seq));
    const meters = control.list('meter').map(({ id }) => id);
    return transaction(derived, () => {
      takeBooks(derived);
      markMeters(derived, meters);
      return { hours: openDirtyHours(derived).count(), meters: meters.length, readings, isBucketBehind };
    });
  } finally {
    await store.close();
    derived.close();
    reader.close();
    lock.close();
  }
}

/** Every hour that has readings, as if the newest entry that the store holds had changed it. Marks that are there stay. */
async function markHours(derived: Database, store: ReadingStore, series: number, seq: number): Promise<void> {
  const frozenBeforeMs = openFrozenHours(derived).beforeMs(series);
  const hours = await store.hours(series);
  const { mark } = openDirtyHours(derived);
  transaction(derived, () => {
    for (const hourMs of hours) if (hourMs >= frozenBeforeMs) mark(series, hourMs, seq);
  });
}

/** Days are folded anew from the hours that stay, as after a change of zone. */
function takeBooks(derived: Database): void {
  derived.exec(`
    DELETE FROM hourStat WHERE hourMs >= coalesce(
      (SELECT beforeMs FROM frozenHours WHERE frozenHours.series = hourStat.series), ${-END_OF_TIME_MS});
    DELETE FROM dayStat; UPDATE bookState SET dayZone = NULL, rules = ${COUNTING_RULES} WHERE id = 1;
    DELETE FROM recount; DELETE FROM recountPart;
    DELETE FROM volumeHour; DELETE FROM volumeDay; DELETE FROM volumeDecision; DELETE FROM volumeDirty`);
}

function markMeters(derived: Database, meters: readonly string[]): void {
  const mark = derived.prepare('INSERT INTO volumeDirty (meter, fromMs, toMs) VALUES (?, ?, ?)');
  for (const meter of meters) mark.run(meter, -END_OF_TIME_MS, END_OF_TIME_MS);
}
