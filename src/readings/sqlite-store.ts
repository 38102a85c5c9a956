/**
 * The embedded reading store: in readings.db a table clustered by (series, time), and blocks into which rows go once their
 * hours are closed (`pack`, docs/decisions/0027). The followers' worker writes it; the query worker opens it for reading only.
 * SQLite answers at once, so the promises are already settled.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toStoreError } from '#journal/failure.ts';
import { installationDdl } from '#journal/installation.ts';
import { HOUR_MS } from '#model/calendar.ts';
import { MISSING } from '#model/flag.ts';
import { censoredOfMark, flagOfMark, type Reading, toMark } from '#model/reading.ts';
import { type Database, openDatabase, openReadOnly, type Statement, transaction, unhurried } from '#src/sqlite.ts';
import { Blocks, blocksDdl, overlaid } from './blocks/blocks.ts';
import { Packing } from './blocks/packing.ts';
import { SparePages } from './blocks/spare-pages.ts';
import { isSoundReading, sealedMark, unsealed } from './checksums.ts';
import { damagedReading } from './damage.ts';
import type { Packer, ReadingStore, ReadingToStore, RejectedReading, TracedReading } from './store.ts';

/**
 * How far this file holds what it was given: the newest entry whose values are in it (null in a file of an earlier version
 * until it is compared, fit-files.ts), and how many commits have written to it.
 */
const markDdl = `
  ${installationDdl}
  CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER, commits INTEGER NOT NULL) STRICT;
  INSERT INTO mark (one, seq, commits) SELECT 1, CASE WHEN EXISTS (SELECT 1 FROM reading) THEN NULL ELSE 0 END, 0;
`;

export const readingsMigrations: readonly string[] = [
  `CREATE TABLE reading (series INTEGER NOT NULL, timeMs INTEGER NOT NULL, value REAL, flag INTEGER NOT NULL,
     deviceFlag TEXT, seq INTEGER, PRIMARY KEY (series, timeMs)) STRICT, WITHOUT ROWID`,
  markDdl,
  // From here on `flag` carries a checksum (checksums.ts), which an older program would take for another flag.
  "SELECT 'checksums'",
  blocksDdl,
];

/** Rows a statement: measured 418,000 against 303,000 upserts/s for single rows (batches of 20,000, 1,000 series). */
const ROWS = 20;

/** Rows deleted in one turn: about 20 ms. */
const PRUNED_ROWS = 20_000;

const COLUMNS = 'timeMs, value, flag, deviceFlag';
/** The same with nothing that JavaScript can't hold, as a bit that flipped may make of a number. */
const DAMAGED_COLUMNS = COLUMNS.replace('flag,', 'CASE WHEN flag BETWEEN 0 AND 999999 THEN flag ELSE -1 END AS flag,');
const DAMAGED_SEQ = 'CASE WHEN seq BETWEEN 0 AND 9007199254740991 THEN seq END AS seq';
/** `?1` = the series. */
const RANGE = 'FROM reading WHERE series = ?1 AND timeMs >= ?2 AND timeMs < ?3 ORDER BY timeMs LIMIT ?4';
const BEFORE = 'FROM reading WHERE series = ?1 AND timeMs < ?2 ORDER BY timeMs DESC LIMIT ?3';
const AT = 'FROM reading WHERE series = ?1 AND timeMs = ?2';

/** A question for rows, as arrays: half the time of objects. */
interface RowQuestion {
  statement: Statement;
  /** Prepared when a number is met that can't be one. */
  damaged: () => Statement;
}

type Cells = [timeMs: number, value: number | null, sealed: number, deviceFlag: string | null, seq?: number | null];

export class SqliteReadings implements ReadingStore {
  readonly #path: string;
  readonly #database: Database;
  readonly #upsertMany: Statement;
  readonly #upsertOne: Statement;
  readonly #read: RowQuestion;
  readonly #traced: RowQuestion;
  readonly #before: RowQuestion;
  readonly #at: RowQuestion;
  readonly #deviceFlags: Statement;
  readonly #hours: Statement;
  readonly #prune: Statement;
  /** Null for a reader: the file may be of an earlier version. */
  readonly #mark: Statement | null;
  /** Null for a reader of a file of an earlier version. */
  readonly #blocks: Blocks | null;
  /** Null for a reader. */
  readonly #packing: Packing | null;
  /** As of the last write. */
  #commits: number | undefined;

  /**
   * Opens the file for the one thread that writes it, and makes it when there is none.
   * @param readOnly for a thread that only asks; the file must exist.
   * @throws StoreError as `openDatabase`.
   */
  constructor(path: string, { readOnly = false } = {}) {
    const database = readOnly ? openReadOnly(path) : openToWrite(path);
    this.#path = path;
    this.#database = database;
    this.#blocks = hasBlocks(database) ? new Blocks(database) : null;
    this.#packing = readOnly ? null : new Packing(database);
    this.#upsertMany = database.prepare(upsert(ROWS));
    this.#upsertOne = database.prepare(upsert(1));
    this.#read = rowQuestion(database, RANGE, false);
    this.#traced = rowQuestion(database, RANGE, true);
    this.#before = rowQuestion(database, BEFORE, false);
    this.#at = rowQuestion(database, AT, true);
    this.#deviceFlags = database.prepare(
      'SELECT DISTINCT deviceFlag FROM reading WHERE series = ? AND deviceFlag IS NOT NULL',
    );
    this.#hours = database.prepare(
      'SELECT DISTINCT timeMs - ((timeMs % ?2) + ?2) % ?2 AS hourMs FROM reading WHERE series = ?1 ORDER BY hourMs',
    );
    this.#mark = readOnly
      ? null
      : database.prepare('UPDATE mark SET seq = max(coalesce(seq, 0), ?), commits = commits + 1 RETURNING commits');
    this.#prune = database.prepare(
      `DELETE FROM reading WHERE series = ?1 AND timeMs <
         (SELECT coalesce(max(timeMs) + 1, ?2) FROM
           (SELECT timeMs FROM reading WHERE series = ?1 AND timeMs < ?2 ORDER BY timeMs LIMIT ${PRUNED_ROWS}))`,
    );
  }

  async write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]> {
    if (readings.length === 0) return [];
    // In the order of the table each page is touched once; the sort is stable, so of two for a key the later still wins.
    const sorted = readings.toSorted((a, b) => a.series - b.series || a.timeMs - b.timeMs);
    const commits = this.#guard(() =>
      transaction(this.#database, () => {
        this.#upsert(sorted);
        return (this.#mark!.get(newestSeq(readings)) as { commits: number }).commits;
      }),
    );
    this.#commits = commits;
    this.#packing!.note(sorted);
    return [];
  }

  commits(): number | undefined {
    return this.#commits;
  }

  async read(series: number, fromMs: number, toMs: number, limit: number): Promise<Reading[]> {
    return this.#snapshot(() => {
      const rows = this.#ask(this.#read, series, fromMs, toMs, limit).map((cells) => toReading(series, cells));
      const packed = this.#blocks?.read(series, fromMs, toMs, limit, false);
      return packed?.length ? overlaid(rows, packed).slice(0, limit) : rows;
    });
  }

  async traced(series: number, fromMs: number, toMs: number, limit: number): Promise<TracedReading[]> {
    return this.#snapshot(() => {
      const rows = this.#ask(this.#traced, series, fromMs, toMs, limit).map((cells) => toTraced(series, cells));
      const packed = this.#blocks?.read(series, fromMs, toMs, limit, true) as TracedReading[] | undefined;
      return packed?.length ? overlaid(rows, packed).slice(0, limit) : rows;
    });
  }

  async before(series: number, timeMs: number, count: number): Promise<Reading[]> {
    return this.#snapshot(() => {
      const rows = this.#ask(this.#before, series, timeMs, count).map((cells) => toReading(series, cells));
      rows.reverse();
      // Rows are the newest readings, save what came late: mostly they are all that is asked for.
      const fromMs = rows.length === count && count > 0 ? rows[0]!.timeMs : Number.NEGATIVE_INFINITY;
      const packed = this.#blocks?.before(series, timeMs, count, fromMs);
      return packed?.length ? overlaid(rows, packed).slice(-count) : rows;
    });
  }

  after(series: number, timeMs: number, count: number): Promise<Reading[]> {
    return this.read(series, timeMs, Number.POSITIVE_INFINITY, count);
  }

  async at(keys: readonly { series: number; timeMs: number }[]): Promise<(TracedReading | undefined)[]> {
    // In the order of the table: what a gateway sends again is many times in few blocks.
    const order = keys.map((_, index) => index);
    order.sort((a, b) => keys[a]!.series - keys[b]!.series || keys[a]!.timeMs - keys[b]!.timeMs);
    return this.#snapshot(() => {
      const found = new Array<TracedReading | undefined>(keys.length);
      const inBlocks = this.#blocks?.finder();
      for (const index of order) {
        const { series, timeMs } = keys[index]!;
        const [cells] = this.#ask(this.#at, series, timeMs);
        const row = cells && toTraced(series, cells);
        if (row && row.seq !== null) found[index] = row;
        else {
          const packed = inBlocks?.(series, timeMs);
          found[index] = row ? { ...row, seq: packed?.seq ?? null } : packed;
        }
      }
      return found;
    });
  }

  async deviceFlags(series: number): Promise<string[]> {
    return this.#snapshot(() => {
      const found = new Set(this.#deviceFlags.all(series).map((row) => row.deviceFlag as string));
      this.#blocks?.addDeviceFlags(series, found);
      return [...found];
    });
  }

  async hours(series: number): Promise<number[]> {
    return this.#snapshot(() => {
      const rows = this.#hours.all(series, HOUR_MS).map((row) => row.hourMs as number);
      const packed = this.#blocks?.hours(series) ?? [];
      return packed.length === 0 ? rows : [...new Set([...packed, ...rows])].sort((a, b) => a - b);
    });
  }

  async prune(series: number, beforeMs: number): Promise<void> {
    try {
      // Blocks first: what a row takes the place of in one must not come to light again.
      await this.#blocks!.prune(series, beforeMs);
    } catch (error) {
      throw toStoreError(error, this.#path);
    }
    while (this.#guard(() => this.#prune.run(series, beforeMs)).changes > 0) await nextTurn();
  }

  packer(): Packer {
    const packing = this.#packing!;
    const spare = new SparePages(this.#database, this.#path);
    return {
      lookUp: () => this.#guard(() => packing.lookUp()),
      waiting: (closedMs) => packing.waiting(closedMs),
      pack: (series, limits) => this.#guard(() => packing.pack(series, limits)),
      giveBack: () => this.#guard(() => unhurried(this.#database, () => spare.giveBack())),
    };
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #ask({ statement, damaged }: RowQuestion, ...values: number[]): Cells[] {
    return this.#guard(() => {
      try {
        return statement.all(...values) as unknown as Cells[];
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_OUT_OF_RANGE') throw error;
        return damaged().all(...values) as unknown as Cells[];
      }
    });
  }

  #upsert(readings: readonly ReadingToStore[]): void {
    const many = readings.length - (readings.length % ROWS);
    const values: (number | string | null)[] = [];
    for (let index = 0; index < many; index += ROWS) {
      values.length = 0;
      for (let row = index; row < index + ROWS; row++) push(values, readings[row]!);
      this.#upsertMany.run(...values);
    }
    for (let index = many; index < readings.length; index++) {
      values.length = 0;
      push(values, readings[index]!);
      this.#upsertOne.run(...values);
    }
  }

  /** Rows may become blocks between two statements: a reader asks both as of one instant. */
  #snapshot<T>(ask: () => T): T {
    return this.#guard(() => {
      if (this.#packing) return ask();
      this.#database.exec('BEGIN');
      try {
        return ask();
      } finally {
        this.#database.exec('COMMIT');
      }
    });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error, this.#path);
    }
  }
}

/**
 * Opens readings.db for writing.
 * @throws StoreError as `openDatabase`.
 */
export function openReadings(path: string): Database {
  return openDatabase(path, readingsMigrations, { givesPagesBack: true });
}

function openToWrite(path: string): Database {
  const database = openReadings(path);
  // A checkpoint each 40 MB of log: every batch touches a page of each series, and these are then copied once.
  database.exec('PRAGMA cache_size=-32000; PRAGMA wal_autocheckpoint=10000');
  return database;
}

function hasBlocks(database: Database): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'block'").get() !== undefined;
}

function upsert(rows: number): string {
  return `INSERT INTO reading (series, timeMs, value, flag, deviceFlag, seq)
    VALUES ${Array(rows).fill('(?, ?, ?, ?, ?, ?)').join(', ')}
    ON CONFLICT (series, timeMs) DO UPDATE SET value = excluded.value, flag = excluded.flag,
      deviceFlag = excluded.deviceFlag, seq = coalesce(excluded.seq, seq)`;
}

/** Zero when they only change flags. */
function newestSeq(readings: readonly ReadingToStore[]): number {
  let newest = 0;
  for (const { seq } of readings) if (seq !== undefined && seq > newest) newest = seq;
  return newest;
}

function push(values: (number | string | null)[], reading: ReadingToStore): void {
  const { series, timeMs, value, deviceFlag, seq } = reading;
  const sealed = sealedMark(series, timeMs, value, toMark(reading), deviceFlag);
  values.push(series, timeMs, value, sealed, deviceFlag, seq ?? null);
}

function rowQuestion(database: Database, from: string, isTraced: boolean): RowQuestion {
  const prepare = (columns: string) => {
    const statement = database.prepare(`SELECT ${columns} ${from}`);
    statement.setReturnArrays(true);
    return statement;
  };
  return {
    statement: prepare(isTraced ? `${COLUMNS}, seq` : COLUMNS),
    damaged: () => prepare(isTraced ? `${DAMAGED_COLUMNS}, ${DAMAGED_SEQ}` : DAMAGED_COLUMNS),
  };
}

/** One that isn't what was written is told as missing. */
function toReading(series: number, [timeMs, value, sealed, deviceFlag]: Cells): Reading {
  if (!isSoundReading(series, timeMs, value, sealed, deviceFlag)) {
    damagedReading(series, timeMs);
    return { timeMs, value: null, flag: MISSING, deviceFlag: null };
  }
  const mark = unsealed(sealed);
  const reading: Reading = { timeMs, value, flag: flagOfMark(mark), deviceFlag };
  const censored = censoredOfMark(mark);
  if (censored !== undefined) reading.censored = censored;
  return reading;
}

function toTraced(series: number, cells: Cells): TracedReading {
  return { ...toReading(series, cells), seq: cells[4] ?? null };
}
