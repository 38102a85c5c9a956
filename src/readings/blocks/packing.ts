/**
 * Packing: rows of closed hours become blocks, or go into the blocks that are there (docs/decisions/0027). Each call is one
 * short transaction that leaves every reading where it can be read, so it may be killed anywhere and begun again.
 */
import { type Database, type Statement, transaction, unhurried } from '#src/sqlite.ts';
import { isSoundReading, unsealed } from '../checksums.ts';
import type { PackLimits, ReadingToStore } from '../store.ts';
import { type BlockRow, putBlock, slice } from './blocks.ts';
import { type BlockColumns, decodeBlock, encodeBlock, soundBlock } from './codec.ts';

/** Rows of one series taken at a time: about a millisecond, as is a block that they go into. */
const ROWS = 600;
/** Readings in a block: a few more cost no bytes less, and reading one of them decodes all. */
const READINGS_MAX = 400;
/** A row of a WITHOUT ROWID table beyond about 1,000 bytes takes pages of its own (sqlite.org/fileformat2.html, 1.6). */
const BYTES_MAX = 950;
/** What is beyond this isn't a time of ours, and differences within it are exact. */
const TIME_MAX = 4e15;
/** Series looked up at a time: about a millisecond. */
const LOOKED_UP = 200;

type Cells = [timeMs: number, value: number | null, sealed: number, deviceFlag: string | null, seq: number | null];

/** Rows of one series. */
interface Waiting {
  /** The oldest that may have to be packed; epoch ms. */
  oldestMs: number;
  /** The oldest that an entry has brought since the last look. */
  broughtMs: number;
  /** All that are closed are to be packed. */
  isDue: boolean;
  /** Before it there were too few to be worth it. */
  tooFewMs: number;
}

/** Of the one thread that writes the file. */
export class Packing {
  readonly #database: Database;
  readonly #waiting = new Map<number, Waiting>();
  /** Up to which hours were closed at the last look; NaN: there was none. */
  #closedMs = Number.NaN;
  /** Series up to this one are known; after opening nobody knows which have rows. */
  #known = -Number.MAX_SAFE_INTEGER;
  readonly #statements: Record<
    'next' | 'rows' | 'nth' | 'following' | 'holding' | 'after' | 'drop' | 'done' | 'oneDone',
    Statement
  >;

  constructor(database: Database) {
    this.#database = database;
    const integer = (column: string) =>
      `CASE WHEN ${column} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER - 1} THEN ${column} ELSE -1 END`;
    this.#statements = {
      next: database.prepare(
        `SELECT series, max(-${TIME_MAX}, min(${TIME_MAX}, timeMs)) AS timeMs FROM reading
         WHERE series > ? AND series <= ${Number.MAX_SAFE_INTEGER} ORDER BY reading.series, reading.timeMs LIMIT 1`,
      ),
      rows: database.prepare(
        `SELECT timeMs, value, ${integer('flag')}, deviceFlag, CASE WHEN seq IS NULL THEN NULL ELSE ${integer('seq')} END
         FROM reading WHERE series = ? AND timeMs >= ? AND timeMs < ? ORDER BY timeMs LIMIT ${ROWS}`,
      ),
      nth: database.prepare(
        'SELECT 1 FROM reading WHERE series = ? AND timeMs >= ? AND timeMs < ? ORDER BY timeMs LIMIT 1 OFFSET ? - 1',
      ),
      following: database.prepare(
        `SELECT timeMs FROM reading WHERE series = ? AND timeMs >= ? AND timeMs <= ${TIME_MAX} ORDER BY timeMs LIMIT 1`,
      ),
      holding: database.prepare(
        'SELECT fromMs, body FROM block WHERE series = ? AND fromMs <= ? ORDER BY fromMs DESC LIMIT 1',
      ),
      after: database.prepare('SELECT fromMs, body FROM block WHERE series = ? AND fromMs > ? ORDER BY fromMs LIMIT 1'),
      drop: database.prepare('DELETE FROM block WHERE series = ? AND fromMs = ?'),
      done: database.prepare('DELETE FROM reading WHERE series = ? AND timeMs >= ? AND timeMs <= ?'),
      oneDone: database.prepare('DELETE FROM reading WHERE series = ? AND timeMs = ?'),
    };
    this.#statements.rows.setReturnArrays(true);
  }

  /** Rows that have been written. @param readings by series. */
  note(readings: readonly Pick<ReadingToStore, 'series' | 'timeMs' | 'seq'>[]): void {
    let ofSeries = Number.NaN;
    let waiting!: Waiting;
    for (const { series, timeMs, seq } of readings) {
      if (series !== ofSeries) waiting = this.#waitingOf(series);
      ofSeries = series;
      if (timeMs < waiting.oldestMs) waiting.oldestMs = timeMs;
      if (seq !== undefined && timeMs < waiting.broughtMs) waiting.broughtMs = timeMs;
    }
  }

  #waitingOf(series: number): Waiting {
    return this.#waiting.getOrInsertComputed(series, () => ({
      oldestMs: Number.POSITIVE_INFINITY,
      broughtMs: Number.POSITIVE_INFINITY,
      isDue: false,
      tooFewMs: Number.NEGATIVE_INFINITY,
    }));
  }

  lookUp(): boolean {
    for (let count = 0; count < LOOKED_UP; count++) {
      if (this.#known === Number.POSITIVE_INFINITY) return true;
      const row = this.#statements.next.get(this.#known) as
        | { series: number; timeMs: number; seq?: undefined }
        | undefined;
      this.#known = row?.series ?? Number.POSITIVE_INFINITY;
      if (row) this.note([row]);
    }
    return false;
  }

  waiting(closedMs: number): number[] {
    // At the first look nobody can tell what was closed when it came: then all that is closed was.
    const closedThenMs = Number.isNaN(this.#closedMs) ? closedMs : this.#closedMs;
    const series: number[] = [];
    for (const [one, waiting] of this.#waiting) {
      const isClosed = waiting.oldestMs < closedMs;
      waiting.isDue = isClosed && (waiting.isDue || waiting.broughtMs < closedThenMs);
      if (waiting.isDue || (isClosed && waiting.tooFewMs < closedMs)) series.push(one);
      waiting.broughtMs = Number.POSITIVE_INFINITY;
    }
    if (this.#waiting.size > 0) this.#closedMs = closedMs;
    return series;
  }

  pack(series: readonly number[], limits: PackLimits): number {
    let done = 0;
    let readings = 0;
    unhurried(this.#database, () =>
      transaction(this.#database, () => {
        while (done < series.length && !limits.isEnough(readings)) {
          const packed = this.#packSome(series[done]!, limits);
          if (packed === null) done++;
          else readings += packed;
        }
      }),
    );
    return done;
  }

  /** @returns how many readings there are in blocks that were written for it; null: nothing of the series is to be packed now. */
  #packSome(series: number, limits: PackLimits): number | null {
    const waiting = this.#waiting.get(series);
    const beforeMs = limits.beforeMs(series);
    if (waiting === undefined || !(waiting.oldestMs < beforeMs)) return null;
    waiting.isDue ||=
      waiting.oldestMs < limits.agedMs || this.#holds(limits.fewest, series, waiting.oldestMs, beforeMs);
    if (!waiting.isDue) {
      waiting.tooFewMs = beforeMs;
      return null;
    }
    const rows = this.#statements.rows.all(series, waiting.oldestMs, beforeMs) as unknown as Cells[];
    if (rows.length === 0) {
      this.#followedBy(series, beforeMs);
      return null;
    }
    const place = this.#placeFor(series, rows[0]![0]);
    const near = rows.filter(([timeMs]) => timeMs < place.untilMs);
    const sound = near.filter((cells) => isPackable(series, cells, place.takenMs));
    let readings = 0;
    if (sound.length > 0) {
      const merged = mergedInto(place.block, sound);
      if (place.block) this.#statements.drop.run(series, place.block.times[0]!);
      for (const { columns, body } of piecesOf(series, merged, isAppended(place.block, sound)))
        putBlock(this.#database, series, columns, body);
      this.#forget(series, near, sound);
      readings = merged.times.length;
    }
    // A row that can't be packed stays, and isn't looked at again before it is written or the program starts.
    this.#followedBy(series, near.at(-1)![0] + 1);
    return readings;
  }

  /** Whether there are at least `count` rows in [fromMs, beforeMs). */
  #holds(count: number, series: number, fromMs: number, beforeMs: number): boolean {
    return this.#statements.nth.get(series, fromMs, beforeMs, count) !== undefined;
  }

  #followedBy(series: number, fromMs: number): void {
    const next = this.#statements.following.get(series, fromMs) as { timeMs: number } | undefined;
    if (next) this.#waitingOf(series).oldestMs = next.timeMs;
    else this.#waiting.delete(series);
  }

  /** The block that a row at `timeMs` belongs into, where the next one begins, and a time that a damaged one takes. */
  #placeFor(series: number, timeMs: number): { block: BlockColumns | null; untilMs: number; takenMs: number | null } {
    const { holding, after } = this.#statements;
    const following = after.get(series, timeMs) as unknown as BlockRow | undefined;
    const held = holding.get(series, timeMs) as unknown as BlockRow | undefined;
    const chosen = held ?? following;
    if (!chosen) return { block: null, untilMs: Number.POSITIVE_INFINITY, takenMs: null };
    const body = soundBlock(series, chosen.fromMs, chosen.body);
    if (!body) return { block: null, untilMs: following?.fromMs ?? Number.POSITIVE_INFINITY, takenMs: chosen.fromMs };
    const next = held ? following : (after.get(series, chosen.fromMs) as unknown as BlockRow | undefined);
    const block = decodeBlock(chosen.fromMs, body);
    return { block, untilMs: next?.fromMs ?? Number.POSITIVE_INFINITY, takenMs: null };
  }

  #forget(series: number, rows: readonly Cells[], packed: readonly Cells[]): void {
    const { done, oneDone } = this.#statements;
    if (packed.length === rows.length) done.run(series, packed[0]![0], packed.at(-1)![0]);
    else for (const [timeMs] of packed) oneDone.run(series, timeMs);
  }
}

/** A damaged one stays the row that it is, for `npm run rebuild` to find. */
function isPackable(series: number, [timeMs, value, sealed, deviceFlag, seq]: Cells, takenMs: number | null): boolean {
  if (Math.abs(timeMs) > TIME_MAX) return false;
  return (seq === null || seq >= 0) && timeMs !== takenMs && isSoundReading(series, timeMs, value, sealed, deviceFlag);
}

function isAppended(block: BlockColumns | null, rows: readonly Cells[]): boolean {
  return block === null || block.times.at(-1)! < rows[0]![0];
}

/** Rows over a block's readings, as an upsert would. */
function mergedInto(block: BlockColumns | null, rows: readonly Cells[]): BlockColumns {
  const merged: BlockColumns = { times: [], values: [], marks: [], deviceFlags: [], seqs: [] };
  const held = block ?? merged;
  const heldCount = block ? block.times.length : 0;
  let next = 0;
  const take = () => {
    push(merged, held.times[next]!, held.values[next]!, held.marks[next]!, held.deviceFlags[next]!, held.seqs[next]!);
    next++;
  };
  for (const [timeMs, value, sealed, deviceFlag, seq] of rows) {
    while (next < heldCount && held.times[next]! < timeMs) take();
    const isOver = next < heldCount && held.times[next] === timeMs;
    const origin = seq ?? (isOver ? held.seqs[next]! : null);
    push(merged, timeMs, value, unsealed(sealed), deviceFlag, origin);
    if (isOver) next++;
  }
  while (next < heldCount) take();
  return merged;
}

function push(
  into: BlockColumns,
  timeMs: number,
  value: number | null,
  mark: number,
  deviceFlag: string | null,
  seq: number | null,
): void {
  into.times.push(timeMs);
  into.values.push(value);
  into.marks.push(mark);
  into.deviceFlags.push(deviceFlag);
  into.seqs.push(seq);
}

interface Piece {
  columns: BlockColumns;
  body: Uint8Array;
}

/** Appended to, blocks are filled one after the other; otherwise they are cut alike, so that each has room. */
function* piecesOf(series: number, columns: BlockColumns, isAppended: boolean): Generator<Piece> {
  const count = columns.times.length;
  const pieces = Math.ceil(count / READINGS_MAX);
  const size = isAppended ? READINGS_MAX : Math.ceil(count / pieces);
  for (let from = 0; from < count; from += size)
    yield* fitting(series, slice(columns, from, Math.min(count, from + size)));
}

function* fitting(series: number, columns: BlockColumns): Generator<Piece> {
  const count = columns.times.length;
  const body = encodeBlock(series, columns);
  if (count === 1 || body.length <= BYTES_MAX) {
    yield { columns, body };
    return;
  }
  const middle = Math.ceil(count / 2);
  yield* fitting(series, slice(columns, 0, middle));
  yield* fitting(series, slice(columns, middle, count));
}
