/**
 * Readings that are settled but perhaps not yet in the store: the part of the work to do that the journal doesn't
 * say. A `new` reading is written and a `duplicate` isn't, whatever happens; what became of the others stands here,
 * by entry and place in it, from the transaction that decided until the one that moves the `readings` cursor.
 */
import type { Entry } from '#model/entry.ts';
import { type SeriesReading, toMark } from '#model/reading.ts';
import { toSeriesReading } from '#readings/row.ts';
import type { ReadingToStore } from '#readings/store.ts';
import type { Database } from '#src/sqlite.ts';

type Settled = SeriesReading & Pick<ReadingToStore, 'uncensors'>;

/** Added to what stands in the column `flag` of a reading that ends a censored one. */
const UNCENSORS = 64;

/** `ordinal` = place in the message's readings; for a correction, a running number. */
export interface UnwrittenReading extends Settled {
  seq: number;
  ordinal: number;
}

/** `keep` and `forget` run in the caller's open transaction. */
export interface Unwritten {
  keep(seq: number, ordinal: number, reading: Settled): void;
  /** Of entries with seq <= throughSeq, by (seq, ordinal). */
  through(throughSeq: number): UnwrittenReading[];
  forget(throughSeq: number): void;
}

export function openUnwritten(derived: Database): Unwritten {
  const insert = derived.prepare(
    'INSERT INTO unwritten (seq, ordinal, series, timeMs, value, flag, deviceFlag) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const through = derived.prepare('SELECT * FROM unwritten WHERE seq <= ? ORDER BY seq, ordinal');
  const forget = derived.prepare('DELETE FROM unwritten WHERE seq <= ?');
  return {
    keep(seq, ordinal, reading) {
      const { series, timeMs, value, deviceFlag, uncensors } = reading;
      insert.run(seq, ordinal, series, timeMs, value, toMark(reading) + (uncensors ? UNCENSORS : 0), deviceFlag);
    },
    through(throughSeq) {
      return through.all(throughSeq).map((row) => {
        const mark = row.flag as number;
        const uncensors = mark >= UNCENSORS;
        const reading = toSeriesReading({ ...row, flag: uncensors ? mark - UNCENSORS : mark });
        return { ...reading, seq: row.seq as number, ordinal: row.ordinal as number, ...(uncensors && { uncensors }) };
      });
    },
    forget(throughSeq) {
      forget.run(throughSeq);
    },
  };
}

/** Everything that settled entries put into the store, in their order; and what of it corrections did. */
export function readingsToWrite(
  entries: readonly Entry[],
  unwritten: readonly UnwrittenReading[],
): { readings: ReadingToStore[]; corrected: SeriesReading[] } {
  const readings: ReadingToStore[] = [];
  const corrected: SeriesReading[] = [];
  let next = 0;
  for (const entry of entries) {
    const { seq } = entry;
    if (entry.kind === 'message') {
      for (let ordinal = 0; ordinal < entry.readings.length; ordinal++) {
        const { verdict, series, timeMs, value, flag, deviceFlag, censored } = entry.readings[ordinal]!;
        const kept = unwritten[next]?.seq === seq && unwritten[next]?.ordinal === ordinal ? unwritten[next] : undefined;
        if (kept) next++;
        if (!kept && verdict !== 'new') continue;
        const { uncensors } = kept ?? {};
        readings.push({ series, timeMs, value, flag, deviceFlag, censored, uncensors, isFirst: !kept, seq });
      }
    }
    // A message has used up its rows; what is left of this seq is a correction's.
    for (; unwritten[next]?.seq === seq; next++) {
      const { ordinal: _, seq: __, uncensors, ...reading } = unwritten[next]!;
      readings.push({ ...reading, uncensors, seq });
      corrected.push(reading);
    }
  }
  return { readings, corrected };
}
