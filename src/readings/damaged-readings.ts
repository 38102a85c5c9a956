/** Readings in readings.db whose checksum doesn't fit: looked for in the whole file, and written again from the journal. */

import { Cursor } from '#journal/cursor.ts';
import { repair } from '#readings/settling/rewriting.ts';
import { type Database, eachRow, openReadOnly, transaction } from '#src/sqlite.ts';
import { countOfBlock, soundBlock } from './blocks/codec.ts';
import { isSoundReading } from './checksums.ts';
import { openReadings } from './sqlite-store.ts';

export interface DamagedReading {
  series: number;
  timeMs: number;
  /** The entry that brought it; null when that isn't known. */
  seq: number | null;
  /** It is a block of readings, and `seq` the oldest of their entries; `mended` = what was written, if that can be told. */
  block?: { mended: Uint8Array | null };
}

const MAX = Number.MAX_SAFE_INTEGER;
/** With nothing that JavaScript can't hold: -1 is no series, no time of ours and no entry. */
const held = (column: string) => `CASE WHEN ${column} NOT BETWEEN -${MAX} AND ${MAX} THEN -1 ELSE ${column} END`;

/**
 * Looks at every reading. Of a damaged block its first time and oldest entry are told: more isn't known of it.
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
  rows += scanBlocks(readings, found);
  return { rows, unchecked };
}

/** @returns how many readings there are in the sound ones. */
function scanBlocks(readings: Database, found: (damaged: DamagedReading) => void): number {
  const all = readings.prepare(`SELECT ${held('series')}, ${held('fromMs')}, ${held('seq')}, body FROM block`);
  all.setReturnArrays(true);
  let count = 0;
  eachRow(all, [], (cells) => {
    const [series, timeMs, seq, body] = cells as unknown as [number, number, number | null, Uint8Array];
    const sound = soundBlock(series, timeMs, body);
    if (sound) count += countOfBlock(sound);
    if (sound !== body) found({ series, timeMs, seq, block: { mended: sound } });
    return true;
  });
  return count;
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
  const put: Replacement[] = [];
  let fromSeq = Number.POSITIVE_INFINITY;
  try {
    scanReadings(readings, ({ series, timeMs, seq, block }) => {
      damaged++;
      // A seq that no entry had is damaged itself: then any of them may be it.
      const isEntry = seq === null || (seq > 0 && seq <= writtenSeq);
      const isGone = isEntry && (seq === null || seq < oldestSeq);
      if (block && (block.mended || !isGone)) put.push({ series, fromMs: timeMs, body: block.mended });
      if (block?.mended) return;
      if (isGone) gone++;
      // Others of a block may have come later than its oldest.
      if (!isGone || block) fromSeq = Math.min(fromSeq, isEntry && !isGone ? seq! : oldestSeq);
    });
  } finally {
    readings.close();
  }
  const isAgain = fromSeq <= writtenSeq;
  if (isAgain) transaction(derived, () => repair(derived, fromSeq - 1));
  replaceBlocks(path, put);
  return { damaged, fromSeq: isAgain ? fromSeq : null, gone };
}

/** What a damaged block becomes; null: it goes, since the journal writes all of it again. */
interface Replacement {
  series: number;
  fromMs: number;
  body: Uint8Array | null;
}

function replaceBlocks(path: string, blocks: readonly Replacement[]): void {
  if (blocks.length === 0) return;
  const readings = openReadings(path);
  try {
    const mend = readings.prepare('UPDATE block SET body = ?3 WHERE series = ?1 AND fromMs = ?2');
    const drop = readings.prepare('DELETE FROM block WHERE series = ? AND fromMs = ?');
    transaction(readings, () => {
      for (const { series, fromMs, body } of blocks) body ? mend.run(series, fromMs, body) : drop.run(series, fromMs);
    });
  } finally {
    readings.close();
  }
}
