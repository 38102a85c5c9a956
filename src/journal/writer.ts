/**
 * The journal's writing side (design §1): one per data directory, on the main thread. Appends made close together
 * share one transaction and one fsync; an append's promise resolves after that, and never before.
 */
import { statSync } from 'node:fs';
import { addDuration, type Durations, noDurations } from '#model/duration-histogram.ts';
import type { Command, Entry } from '#model/entry.ts';
import type { Series } from '#model/reading.ts';
import type { Clock } from '#src/clock.ts';
import { checkSmall, type Database, openDatabase, StoreError } from '#src/sqlite.ts';
import { BatchWriter, type Content, encodeRow, type Row } from './batch-writer.ts';
import { type Head, readHead } from './batches.ts';
import { CommitPace } from './commit-pace.ts';
import { convertEntries, installationOf } from './convert.ts';
import { lockDataDir } from './data-lock.ts';
import { toStoreError } from './failure.ts';
import type { Numberings } from './gateway-numbering.ts';
import { type KnownLoss, type Loss, lossTold, noteLoss, untoldLosses } from './losses.ts';
import { partyOf } from './parties.ts';
import type { Appended, Journal, MessageDraft } from './port.ts';
import { Pruning } from './pruning.ts';
import type { QuarantineLimits } from './quarantine.ts';
import { controlVersions } from './reader.ts';
import { Control } from './registers.ts';
import { SeriesRegister } from './series-register.ts';
import { journalMigrations } from './tables.ts';

export interface JournalOptions {
  /** Of journal.db; `lock.db` stands beside it. */
  path: string;
  clock: Clock;
  /** Unpassed messages beyond this are refused; passed ones go sooner than their retention. */
  maxBytes: number;
  /** How long an append may wait for others to share its fsync. */
  ackMaxDelayMs: number;
  /**
   * Quarantine's own limits; by default 100,000 items and an eighth of `maxBytes`, at most 256 MiB. A party's share is a
   * tenth, and at least 1,000 items and 4 MB.
   */
  quarantineMaxItems?: number;
  quarantineMaxBytes?: number;
  /** Told when appending begins to fail and when it works again. */
  log?: { warn(detail: object, message: string): void; info(detail: object, message: string): void };
}

/** Counters since the journal was opened. */
interface JournalCounters {
  commits: number;
  entries: number;
  /** Commits that the disk refused. */
  failedCommits: number;
  /** Messages refused because unpassed ones exceed `maxBytes`. */
  refusedMessages: number;
  /** Messages whose fsync has come: acknowledged by whoever sent them. */
  messages: number;
  /** Values that were not taken, by the code that says why. */
  quarantined: Record<string, number>;
  /** From the begin of a transaction to its fsync. */
  commitTimes: Durations;
}

export interface JournalWriter extends Journal {
  /** The registers as of the newest commit. */
  readonly control: Control;
  readonly counters: Readonly<JournalCounters>;
  /** What the disk last said when it refused a commit; null: it never did. */
  readonly lastFailure: string | null;
  /** Appends the `start` entry, with the `receivedMs` of the entry before it. */
  start(): Promise<Appended>;
  /**
   * Tells how far every follower has passed and deletes a slice (about 10 ms) of what may go; says how many entries
   * went. Call about every second, and again on a later turn while the answer isn't 0.
   * @throws StoreError as appends do.
   */
  pruneTo(passedSeq: number, retentionMs: number): number;
  /** Something has turned out to be gone; said again, it is known already. */
  noteLoss(loss: Loss): void;
  /** What is gone and has no alarm yet. */
  untoldLosses(): KnownLoss[];
  /** Its alarm is journaled. */
  lossTold(loss: KnownLoss): void;
  /** What the journal takes on disk. */
  sizeBytes(): number;
  /** Appends that wait for a commit. */
  waiting(): number;
  /** Share of `maxBytes` that unpassed entries take; from 1 on messages are refused. */
  usedShare(): number;
  /** Commits what is pending, then gives the files and the lock back. */
  close(): Promise<void>;
}

/** One append on its way to its commit. */
interface Append {
  row: Row;
  resolve(appended: Appended): void;
  reject(error: Error): void;
}

// What one transaction takes at most, so that a flood can't hold the event loop for long.
const BATCH_APPENDS = 2_000;
const BATCH_BYTES = 4 << 20;
const WAL_KEPT_BYTES = 64 << 20;
const QUARANTINE_ITEMS = 100_000;
const QUARANTINE_BYTES = 256 << 20;
/** One party's share of quarantine, and what it may hold however small quarantine is: items of 4 KiB. */
const SHARE = 0.1;
const SHARE_ITEMS = 1000;
const SHARE_BYTES = SHARE_ITEMS * 4096;

/**
 * Opens journal.db, making it when it isn't there.
 * @throws StoreError `store.locked` while another process writes this directory, `store.corrupt`, `store.newer`.
 */
export function openJournal(options: JournalOptions): JournalWriter {
  const lock = lockDataDir(options.path);
  let database: Database | undefined;
  try {
    database = openDatabase(options.path, journalMigrations);
    prepare(database, options.path);
    return new GroupCommitJournal(options, database, lock);
  } catch (error) {
    database?.close();
    lock.close();
    throw toStoreError(error, options.path);
  }
}

function prepare(database: Database, path: string): void {
  database.exec(`PRAGMA journal_size_limit=${WAL_KEPT_BYTES}`);
  // Mostly done by fit-files.ts, which lets others have their turn in between.
  for (const _ of convertEntries(database));
  const { auto_vacuum: autoVacuum } = database.prepare('PRAGMA auto_vacuum').get() as { auto_vacuum: number };
  const isEmpty = database.prepare('SELECT 1 FROM batch LIMIT 1').get() === undefined;
  // Pages can only be given back when the file was laid out for it, which takes a VACUUM: cheap while it's empty.
  if (autoVacuum === 0 && isEmpty) database.exec('PRAGMA auto_vacuum=INCREMENTAL; VACUUM');
  checkSmall(database, path);
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

class GroupCommitJournal implements JournalWriter {
  readonly control: Control;
  readonly numberings: Numberings;
  lastFailure: string | null = null;
  readonly counters: JournalCounters = {
    commits: 0,
    entries: 0,
    failedCommits: 0,
    refusedMessages: 0,
    messages: 0,
    quarantined: {},
    commitTimes: noDurations(),
  };
  readonly #options: JournalOptions;
  readonly #clock: Clock;
  readonly #database: Database;
  readonly #lock: Database;
  readonly #series: SeriesRegister;
  readonly #writer: BatchWriter;
  readonly #pruning: Pruning;
  readonly #pace: CommitPace;
  readonly #onCommit: ((entries: readonly Entry[]) => void)[] = [];
  readonly #onFailure: ((error: Error) => void)[] = [];
  #head: Head;
  /** Of the newest append, committed or not. */
  #receivedMs: number;
  #queue: Append[] = [];
  #isClosed = false;
  #isFailing = false;

  constructor(options: JournalOptions, database: Database, lock: Database) {
    this.#options = options;
    this.#clock = options.clock;
    this.#database = database;
    this.#lock = lock;
    this.#head = readHead(database);
    this.#receivedMs = this.#head.receivedMs;
    this.control = new Control(controlVersions(database, this.#head.seq));
    this.#series = new SeriesRegister(database);
    this.#writer = new BatchWriter(database, {
      installation: installationOf(database),
      series: this.#series,
      limits: quarantineLimits(options),
      partyOf: (source) => partyOf(source, this.control),
      isGateway: (source) => this.control.get('gateway', source) !== undefined,
    });
    this.numberings = this.#writer.numberings;
    this.#pruning = new Pruning(database, options.clock, this.#head);
    this.#pace = new CommitPace({
      clock: options.clock,
      maxDelayMs: options.ackMaxDelayMs,
      waiting: () => this.#queue.length,
      commit: () => this.#commit(),
    });
  }

  get headSeq(): number {
    return this.#head.seq;
  }

  receivedNowMs(): number {
    return Math.max(this.#receivedMs, this.#clock.nowMs());
  }

  appendMessage(draft: MessageDraft): Promise<Appended> {
    return this.#append({ kind: 'message', draft });
  }

  appendCommand(actor: string, command: Command | ((receivedMs: number) => Command)): Promise<Appended> {
    const receivedMs = this.receivedNowMs();
    const made = typeof command === 'function' ? command(receivedMs) : command;
    return this.#append({ kind: 'command', actor, command: made }, receivedMs);
  }

  appendTick(): Promise<Appended> {
    return this.#append({ kind: 'tick' });
  }

  start(): Promise<Appended> {
    return this.#append({ kind: 'start', downSinceMs: this.#head.seq === 0 ? null : this.#head.receivedMs });
  }

  seriesFor(station: string, parameter: string): { series: Series; isNew: boolean } {
    return this.#series.seriesFor(station, parameter);
  }

  onCommit(listener: (entries: readonly Entry[]) => void): void {
    this.#onCommit.push(listener);
  }

  onFailure(listener: (error: Error) => void): void {
    this.#onFailure.push(listener);
  }

  pruneTo(passedSeq: number, retentionMs: number): number {
    const beforeMs = this.#clock.nowMs() - retentionMs;
    try {
      return this.#pruning.slice(this.#head, { passedSeq, beforeMs, maxBytes: this.#options.maxBytes });
    } catch (error) {
      throw toStoreError(error, this.#options.path);
    }
  }

  noteLoss(loss: Loss): void {
    noteLoss(this.#database, loss, this.#clock.nowMs());
  }

  untoldLosses(): KnownLoss[] {
    return untoldLosses(this.#database);
  }

  lossTold({ id }: KnownLoss): void {
    lossTold(this.#database, id);
  }

  sizeBytes(): number {
    return bytesOf(this.#options.path) + bytesOf(`${this.#options.path}-wal`);
  }

  waiting(): number {
    return this.#queue.length;
  }

  usedShare(): number {
    return this.#pruning.unpassedBytes(this.#head) / this.#options.maxBytes;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    while (this.#queue.length > 0) this.#commit();
    this.#database.close();
    this.#lock.close();
  }

  #append(content: Content, receivedMs = this.receivedNowMs()): Promise<Appended> {
    if (this.#isClosed) return Promise.reject(new Error('the journal is closed'));
    let row: Row;
    try {
      row = encodeRow(content, receivedMs, this.#series);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#receivedMs = row.receivedMs;
    return new Promise((resolve, reject) => {
      this.#queue.push({ row, resolve, reject });
      this.#pace.came(content.kind === 'message');
    });
  }

  #commit(): void {
    if (this.usedShare() >= 1) this.#refuseMessages();
    const batch = this.#takeBatch();
    if (batch.length === 0) return;
    const startedMs = this.#clock.monotonicMs();
    const rows = batch.map((append) => append.row);
    let written: ReturnType<BatchWriter['write']>;
    try {
      written = this.#writer.write(rows, this.#head);
    } catch (error) {
      this.counters.failedCommits += 1;
      // What still waits was judged against what has just been lost, so it fails too.
      const failure = toStoreError(error, this.#options.path);
      this.lastFailure = failure.message;
      this.#fail([...batch, ...this.#queue.splice(0)], failure);
      return;
    } finally {
      const endedMs = this.#clock.monotonicMs();
      addDuration(this.counters.commitTimes, endedMs - startedMs);
      this.#pace.took(startedMs, endedMs);
    }
    this.#head = written.head;
    this.#tell(batch, written.entries);
  }

  #count({ content }: Row): void {
    if (content.kind !== 'message') return;
    const { quarantined } = this.counters;
    this.counters.messages += 1;
    for (const { code, count = 1 } of content.draft.quarantine) quarantined[code] = (quarantined[code] ?? 0) + count;
  }

  #takeBatch(): Append[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && count < BATCH_APPENDS && bytes < BATCH_BYTES) {
      const { content, body } = this.#queue[count]!.row;
      bytes += (body?.length ?? 0) + (content.kind === 'message' ? content.draft.raw.byteLength : 0);
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** After a commit: the registers advance, callers and listeners hear of it. */
  #tell(batch: readonly Append[], written: readonly (Entry | undefined)[]): void {
    const entries: Entry[] = [];
    for (const [index, append] of batch.entries()) {
      const entry = written[index];
      if (entry) {
        entries.push(entry);
        this.#count(append.row);
        append.resolve({ seq: entry.seq, receivedMs: entry.receivedMs });
      } else append.reject(new StoreError('not-found', 'the item is not in quarantine any more', false));
    }
    this.counters.commits += 1;
    this.counters.entries += entries.length;
    // While messages are refused, a command that goes is no recovery.
    if (this.#isFailing && this.usedShare() < 1) {
      this.#isFailing = false;
      this.#options.log?.info({ seq: this.#head.seq }, 'the journal can be written again');
    }
    for (const entry of entries) this.control.apply(entry);
    if (entries.length > 0) for (const listener of this.#onCommit) listener(entries);
  }

  /** Commands and ticks still go: an operator must be able to act, and time to pass, while messages can't be taken. */
  #refuseMessages(): void {
    const refused = this.#queue.filter((append) => append.row.content.kind === 'message');
    if (refused.length === 0) return;
    this.#queue = this.#queue.filter((append) => append.row.content.kind !== 'message');
    this.counters.refusedMessages += refused.length;
    const limit = `the followers have not passed ${this.#options.maxBytes} bytes of messages`;
    this.#fail(refused, new StoreError('journal.full', `${limit} (WK_JOURNAL_MAX_BYTES); nothing more is taken`, true));
  }

  /** No message that waits survives this. Listeners first: they must have forgotten before a caller tries again. */
  #fail(appends: readonly Append[], error: Error): void {
    if (!this.#isFailing) this.#options.log?.warn({ err: error }, 'the journal refuses entries');
    this.#isFailing = true;
    for (const listener of this.#onFailure) listener(error);
    for (const append of appends) append.reject(error);
  }
}

function quarantineLimits({ maxBytes, quarantineMaxItems, quarantineMaxBytes }: JournalOptions): QuarantineLimits {
  const items = quarantineMaxItems ?? QUARANTINE_ITEMS;
  const bytes = quarantineMaxBytes ?? Math.min(QUARANTINE_BYTES, maxBytes / 8);
  const share = { items: Math.max(SHARE_ITEMS, items * SHARE), bytes: Math.max(SHARE_BYTES, bytes * SHARE) };
  return { items, bytes, share };
}
