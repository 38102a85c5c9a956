/** What the door must know before the first message: the newest reading of each series, and what no follower has passed. */
import { existsSync } from 'node:fs';
import type { Gate } from '#ingest/gate.ts';
import { Cursor } from '#journal/cursor.ts';
import type { OpenJournalReader } from '#journal/reader.ts';
import type { Entry } from '#model/entry.ts';
import { newestReadings } from '#readings/series-state.ts';
import { openReadOnly } from '#src/sqlite.ts';

/** At least so many of the newest entries fill the door's rings. */
const RING_ENTRIES = 2000;
const READ_ENTRIES = 500;

/** @param derivedPath derived.db; it isn't there before the followers' first start. */
export function fillDoor(
  door: Pick<Gate, 'rebuild'>,
  reader: OpenJournalReader,
  derivedPath: string,
  ringEntries = RING_ENTRIES,
): void {
  const after = Math.min(settledSeq(derivedPath), reader.headSeq() - ringEntries);
  door.rebuild(entriesAfter(reader, after), newestReadings(derivedPath));
}

function settledSeq(derivedPath: string): number {
  if (!existsSync(derivedPath)) return 0;
  const derived = openReadOnly(derivedPath);
  try {
    return new Cursor(derived, 'settled').seq;
  } finally {
    derived.close();
  }
}

function* entriesAfter(reader: OpenJournalReader, after: number): Generator<Entry> {
  for (let seq = after; ; ) {
    const entries = reader.read(seq, READ_ENTRIES);
    if (entries.length === 0) return;
    yield* entries;
    seq = entries.at(-1)!.seq;
  }
}
