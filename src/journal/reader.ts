/** The journal's reading side. Every thread opens its own; each call is one short read, so the writer never waits. */
import type { CommandEntry, Entry } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import type { Series } from '#model/reading.ts';
import { type Database, openReadOnly, type ReadPage, readPage } from '#src/sqlite.ts';
import { AFTER, type BatchReader, type DamagedBatch, openBatchReader } from './batch-reader.ts';
import { NEWEST, OLDEST } from './batches.ts';
import { decodeEntry, type EntryRow } from './entry-codec.ts';
import { toStoreError } from './failure.ts';
import { entryRowAt, payloadAt, seqAt } from './format.ts';
import type { IntakeCount, JournalReader } from './port.ts';
import { type QuarantineReads, quarantineReads } from './quarantine.ts';
import { type ControlVersion, ON_DISK } from './registers.ts';

export interface OpenJournalReader extends JournalReader {
  /** The newest version of each register entry as of this seq, deletions included. */
  control(asOfSeq: number): ControlVersion[];
  /** When the first entry of this register was put, ever; null when there has been none. */
  firstPutMs(noun: Noun): number | null;
  /** The audit: commands with seq < `beforeSeq` (null = from the newest), newest first; never pruned. */
  commands(beforeSeq: number | null, limit: number): CommandEntry[];
  /** The same for a page, which ends sooner when they are huge. */
  commandPage(beforeSeq: number | null, limit: number): ReadPage<CommandEntry>;
  readonly quarantine: QuarantineReads;
  /** Opens the file anew: for a connection that no longer follows it. */
  renew(): void;
  intakeCount(source: string): IntakeCount | undefined;
  seriesOfStation(station: string): Series[];
  /** When the first entry after `seq` was received, as its batch says: by when all of it was. Null when there is none. */
  receivedMsAfter(seq: number): number | null;
  close(): void;
}

/** One `read` stops early after this much text, so that a run of huge messages can't fill the memory. */
const READ_CHARACTERS = 1 << 20;

/**
 * Opens the journal that a writer has opened before, for reading only.
 * @param onDamage told of each batch that isn't what was written, whenever it is opened; entries of it that are sound are read
 *   all the same, others are left out.
 * @throws StoreError `store.corrupt` when it isn't a sound journal.
 */
export function openJournalReader(
  path: string,
  onDamage: (damage: DamagedBatch) => void = () => {},
): OpenJournalReader {
  let database: Database | undefined;
  try {
    database = openReadOnly(path);
    return new SqliteJournalReader(path, database, onDamage);
  } catch (error) {
    database?.close();
    throw toStoreError(error, path);
  }
}

/** The newest version of each register entry with seq ≤ `asOfSeq`, of those that are kept in memory. */
export function controlVersions(database: Database, asOfSeq: number): ControlVersion[] {
  // With max() the bare columns come from the row that has the maximum (https://sqlite.org/lang_select.html#bareagg).
  const rows = database
    .prepare(
      `SELECT noun, id, max(seq) AS seq, atMs, actor, body,
         (SELECT min(put.seq) FROM control AS put WHERE put.noun = control.noun AND put.id = control.id AND put.seq >
           coalesce((SELECT max(gone.seq) FROM control AS gone WHERE gone.noun = control.noun AND gone.id = control.id
             AND gone.body IS NULL AND gone.seq <= ?1), 0)) AS sinceSeq
       FROM control WHERE seq <= ?1 AND noun <> ?2 GROUP BY noun, id`,
    )
    .all(asOfSeq, ON_DISK) as unknown as (Omit<ControlVersion, 'body'> & { body: string | null })[];
  return rows.map((row) => ({ ...row, body: row.body === null ? null : (JSON.parse(row.body) as unknown) }));
}

const INTAKE = 'SELECT source, received, quarantined, sinceMs, lastSeenMs FROM intake';

const SERIES = 'SELECT id, station, parameter FROM series';

function statementsOf(database: Database) {
  return {
    head: database.prepare(NEWEST),
    oldest: database.prepare(OLDEST),
    receivedAfter: database.prepare(`SELECT received ${AFTER} LIMIT 1`),
    commands: database.prepare(
      "SELECT seq, receivedMs, 'command' AS kind, actor AS source, body FROM command WHERE seq < ? ORDER BY seq DESC LIMIT ?",
    ),
    intake: database.prepare(`${INTAKE} WHERE source = ?`),
    intakes: database.prepare(`${INTAKE} ORDER BY source`),
    seriesById: database.prepare(`${SERIES} WHERE id = ?`),
    seriesByName: database.prepare(`${SERIES} WHERE station = ? AND parameter = ?`),
    seriesOfStation: database.prepare(`${SERIES} WHERE station = ?`),
    firstPut: database.prepare('SELECT min(atMs) AS atMs FROM control WHERE noun = ?'),
    series: database.prepare(`${SERIES} ORDER BY id`),
    quarantine: quarantineReads(database),
  };
}

class SqliteJournalReader implements OpenJournalReader {
  readonly #path: string;
  #database: Database;
  #statements: ReturnType<typeof statementsOf>;
  #batches: BatchReader;
  readonly #onDamage: (damage: DamagedBatch) => void;
  readonly #known = new Map<number, Series>();

  constructor(path: string, database: Database, onDamage: (damage: DamagedBatch) => void) {
    this.#path = path;
    this.#database = database;
    this.#onDamage = onDamage;
    this.#statements = statementsOf(database);
    this.#batches = openBatchReader(database, onDamage);
  }

  get quarantine(): QuarantineReads {
    return this.#statements.quarantine;
  }

  renew(): void {
    const database = openReadOnly(this.#path);
    this.#statements = statementsOf(database);
    this.#batches = openBatchReader(database, this.#onDamage);
    this.#database.close();
    this.#database = database;
  }

  headSeq(): number {
    return (this.#statements.head.get() as { lastSeq: number } | undefined)?.lastSeq ?? 0;
  }

  /** Seq of the oldest entry that is not pruned, 0 when the journal is empty. */
  oldestSeq(): number {
    return (this.#statements.oldest.get() as { firstSeq: number } | undefined)?.firstSeq ?? 0;
  }

  /** May stop before `limit` when the entries are huge; empty only at the head. */
  read(after: number, limit: number): Entry[] {
    const entries: Entry[] = [];
    let characters = 0;
    const isFull = () => entries.length >= limit || characters >= READ_CHARACTERS;
    this.#batches.after(after, ({ body, places }) => {
      for (let index = placeAfter(body, places, after); index < places.length && !isFull(); index++) {
        const row = entryRowAt(body, places[index]!);
        entries.push(decodeEntry(row));
        characters += row.columns?.length ?? row.body?.length ?? 0;
      }
      return !isFull();
    });
    return entries;
  }

  tail(limit: number): Entry[] {
    const rows: EntryRow[] = [];
    this.#batches.backwards(({ body, places }) => {
      for (let index = places.length - 1; index >= 0 && rows.length < limit; index--) {
        rows.push(entryRowAt(body, places[index]!));
      }
      return rows.length < limit;
    });
    return rows.reverse().map(decodeEntry);
  }

  raw(seq: number): Uint8Array | undefined {
    const batch = this.#batches.at(seq);
    const place = batch?.places.find((at) => seqAt(batch.body, at) === seq);
    return place === undefined ? undefined : payloadAt(batch!.body, place);
  }

  /** Series never change, so each is read once. */
  seriesById(id: number): Series | undefined {
    const known = this.#known.get(id);
    if (known) return known;
    const row = this.#statements.seriesById.get(id);
    if (!row) return undefined;
    const series = { ...(row as unknown as Series) };
    this.#known.set(id, series);
    return series;
  }

  seriesOfStation(station: string): Series[] {
    return this.#statements.seriesOfStation.all(station).map((row) => ({ ...(row as unknown as Series) }));
  }

  seriesByName(station: string, parameter: string): Series | undefined {
    const row = this.#statements.seriesByName.get(station, parameter);
    return row && { ...(row as unknown as Series) };
  }

  allSeries(): Series[] {
    return this.#statements.series.all().map((row) => ({ ...(row as unknown as Series) }));
  }

  intakeCounts(): IntakeCount[] {
    return this.#statements.intakes.all().map((row) => ({ ...(row as unknown as IntakeCount) }));
  }

  intakeCount(source: string): IntakeCount | undefined {
    const row = this.#statements.intake.get(source);
    return row && { ...(row as unknown as IntakeCount) };
  }

  receivedMsAfter(seq: number): number | null {
    const row = this.#statements.receivedAfter.get(seq) as { received: number } | undefined;
    return row?.received ?? null;
  }

  control(asOfSeq: number): ControlVersion[] {
    return controlVersions(this.#database, asOfSeq);
  }

  firstPutMs(noun: Noun): number | null {
    return (this.#statements.firstPut.get(noun) as { atMs: number | null }).atMs;
  }

  commands(beforeSeq: number | null, limit: number): CommandEntry[] {
    const rows = this.#statements.commands.all(beforeSeq ?? Number.MAX_SAFE_INTEGER, limit) as unknown as EntryRow[];
    return rows.map((row) => decodeEntry(row) as CommandEntry);
  }

  commandPage(beforeSeq: number | null, limit: number): ReadPage<CommandEntry> {
    const { rows, isMore } = readPage<EntryRow>(
      this.#statements.commands,
      [beforeSeq ?? Number.MAX_SAFE_INTEGER],
      limit,
      ({ body }) => body?.length ?? 0,
    );
    return { rows: rows.map((row) => decodeEntry(row) as CommandEntry), isMore };
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** Index of the first place whose entry has a greater seq. */
function placeAfter(body: Buffer, places: readonly number[], seq: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seqAt(body, places[middle]!) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}
