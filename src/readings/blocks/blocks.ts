/**
 * Closed hours in readings.db: each row of `block` holds some hundred readings of one series, from its first time to before the next
 * block's (docs/decisions/0027). A reading may also stand in the table `reading`, whose row then is the newer one: it was
 * written after its hour was packed. Here blocks are read and pruned; `packing.ts` makes them.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { floorHour } from '#model/calendar.ts';
import { MISSING } from '#model/flag.ts';
import { censoredOfMark, flagOfMark, type Reading } from '#model/reading.ts';
import { type Database, eachRow, type Statement, transaction } from '#src/sqlite.ts';
import { firstAtOrAfter } from '../ascending.ts';
import { damagedReading } from '../damage.ts';
import type { TracedReading } from '../store.ts';
import { type BlockColumns, decodeBlock, encodeBlock, lastOfBlock, soundBlock } from './codec.ts';

/** `seq` = the oldest entry in it, from which on the journal writes it again; null: not all are known. */
export const blocksDdl = `
  CREATE TABLE block (series INTEGER NOT NULL, fromMs INTEGER NOT NULL, seq INTEGER, body BLOB NOT NULL,
    PRIMARY KEY (series, fromMs)) STRICT, WITHOUT ROWID;
`;

/** Blocks deleted in one turn: a few milliseconds. */
const PRUNED_BLOCKS = 100;

export interface BlockRow {
  fromMs: number;
  body: Uint8Array;
}

export class Blocks {
  readonly #database: Database;
  readonly #range: Statement;
  readonly #before: Statement;
  readonly #holding: Statement;
  readonly #rows: Statement;
  readonly #prune: Statement;

  /** @param database of a version that has blocks. */
  constructor(database: Database) {
    this.#database = database;
    const columns = 'SELECT fromMs, body FROM block WHERE series = ?1';
    const holding = 'SELECT max(fromMs) FROM block WHERE series = ?1 AND fromMs <= ?2';
    this.#range = database.prepare(
      `${columns} AND fromMs >= coalesce((${holding}), ?2) AND fromMs < ?3 ORDER BY fromMs`,
    );
    this.#before = database.prepare(`${columns} AND fromMs < ?2 ORDER BY fromMs DESC`);
    this.#holding = database.prepare(`${columns} AND fromMs <= ?2 ORDER BY fromMs DESC LIMIT 1`);
    this.#rows = database.prepare('SELECT timeMs FROM reading WHERE series = ? AND timeMs >= ? AND timeMs <= ?');
    this.#prune = database.prepare(
      `DELETE FROM block WHERE series = ?1 AND fromMs < (${holding}) AND fromMs <=
         (SELECT max(fromMs) FROM (SELECT fromMs FROM block WHERE series = ?1 ORDER BY fromMs LIMIT ${PRUNED_BLOCKS}))`,
    );
  }

  /** Readings of [fromMs, toMs) ascending by time, at most `limit`. */
  read(series: number, fromMs: number, toMs: number, limit: number, isTraced: boolean): Reading[] {
    const found: Reading[] = [];
    if (limit <= 0 || !(fromMs < toMs)) return found;
    eachRow(this.#range, [series, fromMs, toMs], (row) => {
      const columns = this.#columnsOf(series, row as unknown as BlockRow, fromMs);
      if (!columns) return true;
      const { times } = columns;
      for (let index = firstAtOrAfter(times, fromMs); index < times.length && times[index]! < toMs; index++) {
        found.push(isTraced ? tracedAt(columns, index) : readingAt(columns, index));
        if (found.length === limit) return false;
      }
      return true;
    });
    return found;
  }

  /** Of the last `count` readings before `timeMs` those that aren't before `fromMs`, ascending. */
  before(series: number, timeMs: number, count: number, fromMs: number): Reading[] {
    const found: Reading[] = [];
    if (count <= 0) return found;
    eachRow(this.#before, [series, timeMs], (row) => {
      const columns = this.#columnsOf(series, row as unknown as BlockRow, fromMs);
      if (!columns) return false;
      const { times } = columns;
      for (let index = firstAtOrAfter(times, timeMs) - 1; index >= 0; index--) {
        found.push(readingAt(columns, index));
        if (found.length === count) return false;
      }
      return true;
    });
    return found.reverse();
  }

  /** Answers for single times within one question: of those that come one after the other in a block it is decoded once. */
  finder(): (series: number, timeMs: number) => TracedReading | undefined {
    let ofSeries = Number.NaN;
    let columns: BlockColumns | null | undefined;
    return (series, timeMs) => {
      const isHeld = columns && series === ofSeries && timeMs >= columns.times[0]! && timeMs <= columns.times.at(-1)!;
      if (!isHeld) {
        const row = this.#holding.get(series, timeMs) as unknown as BlockRow | undefined;
        columns = row && this.#columnsOf(series, row, timeMs);
        ofSeries = series;
      }
      if (!columns) return undefined;
      const index = firstAtOrAfter(columns.times, timeMs);
      return columns.times[index] === timeMs ? tracedAt(columns, index) : undefined;
    };
  }

  /** Adds the device flags of the readings over which no row stands. A block at a time, so that years of them need no memory. */
  addDeviceFlags(series: number, found: Set<string>): void {
    eachRow(this.#before, [series, Number.MAX_SAFE_INTEGER], (row) => {
      const { times, deviceFlags } = this.#columnsOf(series, row as unknown as BlockRow, Number.NEGATIVE_INFINITY)!;
      if (deviceFlags.every((letter) => letter === null || found.has(letter))) return;
      const over = new Set(this.#rows.all(series, times[0]!, times.at(-1)!).map(({ timeMs }) => timeMs));
      deviceFlags.forEach((letter, index) => {
        if (letter !== null && !over.has(times[index]!)) found.add(letter);
      });
    });
  }

  /** Starts of the UTC hours that hold readings of this series in blocks, ascending. */
  hours(series: number): number[] {
    const found = new Set<number>();
    eachRow(this.#before, [series, Number.MAX_SAFE_INTEGER], (row) => {
      const columns = this.#columnsOf(series, row as unknown as BlockRow, Number.NEGATIVE_INFINITY)!;
      for (const timeMs of columns.times) found.add(floorHour(timeMs));
      return true;
    });
    return [...found].sort((a, b) => a - b);
  }

  /** Deletes readings before `beforeMs`. */
  async prune(series: number, beforeMs: number): Promise<void> {
    while (this.#prune.run(series, beforeMs).changes > 0) await nextTurn();
    const row = this.#holding.get(series, beforeMs - 1) as unknown as BlockRow | undefined;
    const body = row && soundBlock(series, row.fromMs, row.body);
    if (!body) return;
    const columns = decodeBlock(row.fromMs, body);
    const first = firstAtOrAfter(columns.times, beforeMs);
    transaction(this.#database, () => {
      this.#database.prepare('DELETE FROM block WHERE series = ? AND fromMs = ?').run(series, row.fromMs);
      if (first < columns.times.length) putBlock(this.#database, series, slice(columns, first, columns.times.length));
    });
  }

  /**
   * Null when all of it is before `fromMs`, which costs no decoding. One that isn't what was written, and can't be put right, is
   * told as a single missing reading, at the one time that is known of it.
   */
  #columnsOf(series: number, { fromMs: firstMs, body }: BlockRow, fromMs: number): BlockColumns | null {
    const sound = soundBlock(series, firstMs, body);
    if (sound !== body) damagedReading(series, firstMs);
    if (!sound) return { times: [firstMs], values: [null], marks: [MISSING], deviceFlags: [null], seqs: [null] };
    return lastOfBlock(firstMs, sound) < fromMs ? null : decodeBlock(firstMs, sound);
  }
}

/** In the caller's open transaction. */
export function putBlock(
  database: Database,
  series: number,
  columns: BlockColumns,
  body = encodeBlock(series, columns),
): void {
  insertOf(database).run(series, columns.times[0]!, oldestSeq(columns), body);
}

const inserts = new WeakMap<Database, Statement>();

function insertOf(database: Database): Statement {
  return inserts.getOrInsertComputed(database, () =>
    database.prepare('INSERT INTO block (series, fromMs, seq, body) VALUES (?, ?, ?, ?)'),
  );
}

function oldestSeq({ seqs }: BlockColumns): number | null {
  let oldest = Number.POSITIVE_INFINITY;
  for (const seq of seqs) {
    if (seq === null) return null;
    if (seq < oldest) oldest = seq;
  }
  return oldest;
}

export function slice(columns: BlockColumns, from: number, to: number): BlockColumns {
  return {
    times: columns.times.slice(from, to),
    values: columns.values.slice(from, to),
    marks: columns.marks.slice(from, to),
    deviceFlags: columns.deviceFlags.slice(from, to),
    seqs: columns.seqs.slice(from, to),
  };
}

function tracedAt(columns: BlockColumns, index: number): TracedReading {
  const reading = readingAt(columns, index) as TracedReading;
  reading.seq = columns.seqs[index]!;
  return reading;
}

function readingAt({ times, values, marks, deviceFlags }: BlockColumns, index: number): Reading {
  const mark = marks[index]!;
  const reading: Reading = {
    timeMs: times[index]!,
    value: values[index]!,
    flag: flagOfMark(mark),
    deviceFlag: deviceFlags[index]!,
  };
  const censored = censoredOfMark(mark);
  if (censored !== undefined) reading.censored = censored;
  return reading;
}

/**
 * Rows over what blocks hold, both ascending: where both have a time the row stands, and the entry that brought the value
 * stays that of the block unless the row names one.
 */
export function overlaid<One extends Reading & { seq?: number | null }>(
  rows: readonly One[],
  packed: readonly One[],
): One[] {
  const all: One[] = [];
  let next = 0;
  for (const row of rows) {
    while (next < packed.length && packed[next]!.timeMs < row.timeMs) all.push(packed[next++]!);
    const under = packed[next]?.timeMs === row.timeMs ? packed[next++] : undefined;
    if (under && row.seq === null) row.seq = under.seq!;
    all.push(row);
  }
  for (; next < packed.length; next++) all.push(packed[next]!);
  return all;
}
