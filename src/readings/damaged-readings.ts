/** Readings in readings.db whose checksum doesn't fit: looked for in the whole file, and written again from the journal. */

import { Cursor } from '#journal/cursor.ts';
import { repair } from '#readings/settling/rewriting.ts';
import { type Database, eachRow, openReadOnly, transaction } from '#src/sqlite.ts';
import { isSoundReading } from './checksums.ts';

export interface DamagedReading {
  series: number;
  timeMs: number;
  /** The entry that brought it; null when that isn't known. */
  seq: number | null;
}

const MAX = Number.MAX_SAFE_INTEGER;
/** With nothing that JavaScript can't hold: -1 is no series, no time of ours and no entry. */
const held = (column: string) => `CASE WHEN ${column} NOT BETWEEN -${MAX} AND ${MAX} THEN -1 ELSE ${column} END`;

/**
 * Looks at every reading.
 * @returns how many there are, and of how many nobody knows since they have no checksum (of an earlier version).
 */
export function scanReadings(
  readings: Database,
  found: (damaged: DamagedReading) => void,
): { rows: number; unchecked: number } {
  const all = readings.prepare(
    `SELECT ${held('series')}, ${held('timeMs')}, value, ${held('flag')}, deviceFlag, ${held('seq')} FROM reading`,
  );
  all.setReturnArrays(true);
  let rows = 0;
  let unchecked = 0;
  eachRow(all, [], (cells) => {
    const [series, timeMs, value, sealed, deviceFlag, seq] = cells as unknown as [
      number,
      number,
      number | null,
      number,
      string | null,
      number | null,
    ];
    rows++;
    if (!isSoundReading(series, timeMs, value, sealed, deviceFlag)) found({ series, timeMs, seq });
    else if (sealed < 64) unchecked++;
    return true;
  });
  return { rows, unchecked };
}

export interface WrittenAgain {
  damaged: number;
  /** From which entry on the journal writes readings again; null: it has none of them. */
  fromSeq: number | null;
  /** Damaged readings of which the journal has nothing. */
  gone: number;
}

/**
 * Has the next start write damaged readings again, from the first entry of them that the journal has. The caller holds the lock.
 * @param oldestSeq of the journal; Infinity when it is empty.
 */
export function writeDamagedAgain(path: string, derived: Database, oldestSeq: number): WrittenAgain {
  const writtenSeq = new Cursor(derived, 'readings').seq;
  const readings = openReadOnly(path);
  let damaged = 0;
  let gone = 0;
  let fromSeq = Number.POSITIVE_INFINITY;
  try {
    scanReadings(readings, ({ seq }) => {
      damaged++;
      // A seq that no entry had is damaged itself: then any of them may be it.
      const isEntry = seq === null || (seq > 0 && seq <= writtenSeq);
      if (isEntry && (seq === null || seq < oldestSeq)) gone++;
      else fromSeq = Math.min(fromSeq, isEntry ? seq! : oldestSeq);
    });
  } finally {
    readings.close();
  }
  if (fromSeq > writtenSeq) return { damaged, fromSeq: null, gone };
  transaction(derived, () => repair(derived, fromSeq - 1));
  return { damaged, fromSeq, gone };
}
