/**
 * Batches for whoever reads their entries. One that isn't what was written is told, and those of its entries that are sound
 * are read all the same: their checksums say which.
 */

import { type Database, eachRow, isCorruption } from '#src/sqlite.ts';
import {
  BATCH_KINDS,
  type Batch,
  ENTRY_BYTES,
  FORMAT,
  hashOf,
  isKnown,
  PACKED,
  PLAIN,
  placesOf,
  salvage,
  seqAt,
} from './format.ts';
import { unpack } from './frames.ts';

export interface Stretch {
  firstSeq: number;
  lastSeq: number;
}

/** A batch that isn't what was written. `stretches` = its entries that can't be read, if there are any. */
export interface DamagedBatch extends Stretch {
  stretches: Stretch[];
  /** What is wrong, in words. */
  detail: string;
}

export interface OpenBatch extends Stretch {
  body: Buffer;
  /** Where in the body the entries begin that can be read, in the order of their seqs. */
  places: number[];
  /** Null when everything is as it was written. */
  damage: DamagedBatch | null;
}

export interface BatchReader {
  /** Visits the batches with entries after `seq`, in order. @param visit ends it early with `false`. */
  after(seq: number, visit: (batch: OpenBatch) => boolean): void;
  /** The newest first. */
  backwards(visit: (batch: OpenBatch) => boolean): void;
  /** The batch of this entry. */
  at(seq: number): OpenBatch | undefined;
}

/** As `Batch` has them; the body last, so that the others can be read without it. */
export const BATCH_COLUMNS =
  'firstSeq, lastSeq, format, installation, generation, epoch, received, prevHash, kind, hash, body';

/** SQL of the batches with seqs after `?1`, in order. */
export const AFTER = `FROM batch WHERE firstSeq >= coalesce((SELECT max(firstSeq) FROM batch WHERE firstSeq <= ?1 + 1), 0)
  AND lastSeq > ?1 ORDER BY firstSeq`;

/** As many as there are followers, each of which may be within another one; a batch is 4 MiB at most. */
const LEFT_BATCHES = 3;

/** @param onDamage told of each damaged batch whenever it is opened. */
export function openBatchReader(journal: Database, onDamage: (damage: DamagedBatch) => void): BatchReader {
  const after = journal.prepare(`SELECT ${BATCH_COLUMNS} ${AFTER}`);
  const headAfter = journal.prepare(`SELECT firstSeq, lastSeq ${AFTER} LIMIT 1`);
  const backwards = journal.prepare(`SELECT ${BATCH_COLUMNS} FROM batch ORDER BY firstSeq DESC`);
  const at = journal.prepare(`SELECT ${BATCH_COLUMNS} FROM batch WHERE firstSeq <= ? ORDER BY firstSeq DESC LIMIT 1`);
  /** Those that were left before their end, the latest first: whoever left one comes back. */
  let left: OpenBatch[] = [];

  function opened(row: Record<string, unknown>): OpenBatch {
    const batch = openBatch(row as unknown as Batch);
    if (batch.damage) onDamage(batch.damage);
    return batch;
  }

  /** A batch behind pages that SQLite can't follow. */
  function unreadable(error: unknown, seq: number): OpenBatch {
    const row = isCorruption(error) && headAfter.get(seq);
    if (!row) throw error;
    const { firstSeq, lastSeq } = row as unknown as Stretch;
    const detail = `the batch of ${inWords({ firstSeq, lastSeq })} can't be read: ${(error as Error).message}`;
    const damage = { firstSeq, lastSeq, stretches: [{ firstSeq, lastSeq }], detail };
    onDamage(damage);
    return { firstSeq, lastSeq, body: Buffer.alloc(0), places: [], damage };
  }

  return {
    after(seq, visit) {
      let passed = seq;
      let goesOn = true;
      const take = (batch: OpenBatch) => {
        goesOn = visit(batch);
        left = left.filter(({ firstSeq }) => firstSeq !== batch.firstSeq);
        if (!goesOn) left = [batch, ...left].slice(0, LEFT_BATCHES);
        passed = Math.max(passed, batch.lastSeq);
        return goesOn;
      };
      const known = left.find(({ firstSeq, lastSeq }) => firstSeq <= seq + 1 && lastSeq > seq);
      if (known) take(known);
      while (goesOn) {
        try {
          eachRow(after, [passed], (row) => take(opened(row)));
          return;
        } catch (error) {
          take(unreadable(error, passed));
        }
      }
    },
    backwards: (visit) => eachRow(backwards, [], (row) => visit(opened(row))),
    at(seq) {
      const row = at.get(seq);
      return row && opened(row);
    },
  };
}

/** Looks whether a batch is what was written, and if not, which of its entries are. */
export function openBatch(batch: Batch): OpenBatch {
  const { firstSeq, kind } = batch;
  const stored = Buffer.from(batch.body.buffer, batch.body.byteOffset, batch.body.byteLength);
  const isWhole = Buffer.compare(hashOf(batch, stored), batch.hash) === 0;
  if (kind === BATCH_KINDS.break) {
    const { lastSeq } = batch;
    const detail = `the break ${firstSeq} to ${lastSeq} isn't what was written`;
    return {
      firstSeq,
      lastSeq,
      body: stored,
      places: [],
      damage: isWhole ? null : { firstSeq, lastSeq, stretches: [], detail },
    };
  }
  const body = plainBody(stored, batch.format, isWhole);
  const found = isWhole && batch.format <= FORMAT ? placesOf(body) : salvage(body, firstSeq);
  const places = found.every((place) => isKnown(body, place)) ? found : found.filter((place) => isKnown(body, place));
  // Of a damaged batch the header may be what is damaged: a length that its body can't have is none.
  const mostBytes = batch.format === PLAIN ? body.length : Math.max(body.length, stored.length * PACKED_AT_MOST);
  const most = firstSeq - 1 + Math.floor(mostBytes / ENTRY_BYTES);
  const newest = places.length === 0 ? firstSeq : seqAt(body, places.at(-1)!);
  const lastSeq = isWhole ? batch.lastSeq : Math.max(newest, Math.min(batch.lastSeq, most));
  const isReadable = isWhole && places.length === lastSeq - firstSeq + 1;
  return { firstSeq, lastSeq, body, places, damage: isReadable ? null : damageOf({ firstSeq, lastSeq }, body, places) };
}

/** Of a damaged one it may be the format that is wrong: then frames that are sound say which it is. */
function plainBody(stored: Buffer, format: number, isWhole: boolean): Buffer {
  if (format === PLAIN || (isWhole && format !== PACKED)) return stored;
  const unpacked = unpack(stored);
  return unpacked.length > 0 ? unpacked : stored;
}

/** Frames that are lost may have held so many times their bytes. */
const PACKED_AT_MOST = 16;
const STRETCHES_TOLD = 20;

function damageOf(batch: Stretch, body: Buffer, places: readonly number[]): DamagedBatch {
  const stretches: Stretch[] = [];
  let nextSeq = batch.firstSeq;
  for (const seq of [...places.map((place) => seqAt(body, place)), batch.lastSeq + 1]) {
    if (seq > nextSeq) stretches.push({ firstSeq: nextSeq, lastSeq: seq - 1 });
    nextSeq = seq + 1;
  }
  const told = stretches.slice(0, STRETCHES_TOLD).map(inWords).join(', ');
  const more = stretches.length > STRETCHES_TOLD ? ` and ${stretches.length - STRETCHES_TOLD} stretches more` : '';
  const detail =
    stretches.length === 0
      ? `the batch of ${inWords(batch)} isn't what was written, though each of them is`
      : `of the batch of ${inWords(batch)} can't be read: ${told}${more}`;
  return { ...batch, stretches, detail };
}

export function inWords({ firstSeq, lastSeq }: Stretch): string {
  return firstSeq === lastSeq ? `entry ${firstSeq}` : `entries ${firstSeq} to ${lastSeq}`;
}
