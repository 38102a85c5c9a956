/**
 * Packing: rows of closed hours become blocks, or go into the blocks that are there (docs/decisions/0025). Each call is one
 * short transaction that leaves every reading where it can be read, so it may be killed anywhere and begun again.
 */
import { type Database, type Statement, transaction } from '#src/sqlite.ts';
import { type BlockColumns, decodeBlock, encodeBlock, soundBlock } from './block-codec.ts';
import { type BlockRow, putBlock, slice } from './blocks.ts';
import { isSoundReading, unsealed } from './checksums.ts';
import type { PackLimits } from './store.ts';

/** Rows of one series taken at a time: about a millisecond. */
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

/** Of the one thread that writes the file. */
export class Packing {
  readonly #database: Database;
  /** The oldest row of each series that may have to be packed. */
  readonly #oldest = new Map<number, number>();
  /** Series up to this one are known; after opening nobody knows which have rows. */
  #known = -Number.MAX_SAFE_INTEGER;
  readonly #statements: Record<
    'next' | 'rows' | 'following' | 'holding' | 'after' | 'drop' | 'done' | 'oneDone',
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

  /** Rows that have been written. @param readings by series, then time. */
  note(readings: readonly { series: number; timeMs: number }[]): void {
    let series = Number.NaN;
    for (const reading of readings) {
      if (reading.series === series) continue;
      series = reading.series;
      const known = this.#oldest.get(series);
      if (known === undefined || reading.timeMs < known) this.#oldest.set(series, reading.timeMs);
    }
  }

  lookUp(): boolean {
    for (let count = 0; count < LOOKED_UP; count++) {
      if (this.#known === Number.POSITIVE_INFINITY) return true;
      const row = this.#statements.next.get(this.#known) as { series: number; timeMs: number } | undefined;
      this.#known = row?.series ?? Number.POSITIVE_INFINITY;
      if (row) this.note([row]);
    }
    return false;
  }

  waiting(beforeMs: number): number[] {
    const series: number[] = [];
    for (const [one, oldestMs] of this.#oldest) if (oldestMs < beforeMs) series.push(one);
    return series;
  }

  pack(series: readonly number[], { beforeMs, isEnough }: PackLimits): number {
    let done = 0;
    transaction(this.#database, () => {
      while (done < series.length && !isEnough()) if (this.#packSome(series[done]!, beforeMs(series[done]!))) done++;
    });
    return done;
  }

  /** @returns whether nothing of the series is left to pack. */
  #packSome(series: number, beforeMs: number): boolean {
    const fromMs = this.#oldest.get(series);
    if (fromMs === undefined || !(fromMs < beforeMs)) return true;
    const rows = this.#statements.rows.all(series, fromMs, beforeMs) as unknown as Cells[];
    if (rows.length === 0) {
      this.#followedBy(series, beforeMs);
      return true;
    }
    const place = this.#placeFor(series, rows[0]![0]);
    const near = rows.filter(([timeMs]) => timeMs < place.untilMs);
    const sound = near.filter((cells) => isPackable(series, cells, place.takenMs));
    if (sound.length > 0) {
      const merged = mergedInto(place.block, sound);
      if (place.block) this.#statements.drop.run(series, place.block.times[0]!);
      for (const { columns, body } of piecesOf(series, merged, isAppended(place.block, sound)))
        putBlock(this.#database, series, columns, body);
      this.#forget(series, near, sound);
    }
    // A row that can't be packed stays, and isn't looked at again before it is written or the program starts.
    this.#followedBy(series, near.at(-1)![0] + 1);
    return false;
  }

  #followedBy(series: number, fromMs: number): void {
    const next = this.#statements.following.get(series, fromMs) as { timeMs: number } | undefined;
    if (next) this.#oldest.set(series, next.timeMs);
    else this.#oldest.delete(series);
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
