/**
 * One group commit: everything that a batch of appends changes in journal.db, in one transaction and one fsync.
 * Either all of it is on disk afterwards or none.
 */
import { ReadingColumns } from '#model/columns.ts';
import { encodeColumns } from '#model/columns-codec.ts';
import type { Command, Entry } from '#model/entry.ts';
import { type Database, type Statement, transaction } from '#src/sqlite.ts';
import { type Head, openAppending } from './batches.ts';
import { writtenMessage } from './entry-codec.ts';
import { BATCH_KINDS, type EntryParts, encodeBody } from './format.ts';
import { type Arrival, arrivalOf, NumberingTable } from './gateway-numbering.ts';
import type { Installation } from './installation.ts';
import type { MessageDraft } from './port.ts';
import { openQcResults, type QcResultTable } from './qc-results.ts';
import { type QuarantineLimits, QuarantineTable, valuesIn } from './quarantine.ts';
import type { SeriesRegister } from './series-register.ts';

/** An entry's content before it has a seq. */
export type Content =
  | { kind: 'message'; draft: MessageDraft }
  | { kind: 'command'; actor: string; command: Command }
  | { kind: 'tick' }
  | { kind: 'start'; downSinceMs: number | null };

/** Content encoded for its row; made when it is appended, so that what can't be encoded fails its own caller only. */
export interface Row {
  content: Content;
  receivedMs: number;
  body: string | Uint8Array | null;
  /** Of a message: what is asked of its readings later. */
  message?: { arrival: Arrival | null; newSeries: readonly number[] };
}

/** @throws RangeError, Error for content that no caller may hand over (see ReadingColumns). */
export function encodeRow(content: Content, receivedMs: number, series: Pick<SeriesRegister, 'unsaved'>): Row {
  switch (content.kind) {
    case 'message': {
      const { draft } = content;
      const quarantined = valuesIn(draft.quarantine);
      if (draft.received !== draft.readings.length + quarantined) {
        throw new Error(
          `${draft.received} values received are not ${draft.readings.length} taken and ${quarantined} quarantined`,
        );
      }
      const { readings } = draft;
      const columns = readings instanceof ReadingColumns ? readings : ReadingColumns.of(readings);
      const message = { arrival: arrivalOf(draft), newSeries: series.unsaved(readings) };
      return { content, receivedMs, body: encodeColumns(draft.gatewaySeq, columns), message };
    }
    case 'command': {
      const { command } = content;
      if (command.verb === 'put' && (command.body ?? null) === null)
        throw new Error('a put needs a body; null deletes');
      const body = JSON.stringify(command);
      // Listeners see what a replay will see: what JSON leaves out is left out at once.
      return { content: { ...content, command: JSON.parse(body) as Command }, receivedMs, body };
    }
    case 'tick':
      return { content, receivedMs, body: null };
    case 'start':
      return { content, receivedMs, body: JSON.stringify(content.downSinceMs) };
  }
}

/** Changes of one source's intake row, summed over a batch. */
interface IntakeChange {
  received: number;
  quarantined: number;
  seenMs: number;
}

export interface WrittenBatch {
  /** In the order of the rows; undefined where the quarantined item to be replayed was not there any more. */
  entries: (Entry | undefined)[];
  head: Head;
}

interface BatchWriterParts {
  installation: Installation;
  series: SeriesRegister;
  limits: QuarantineLimits;
  partyOf: (source: string) => string;
  isGateway: (source: string) => boolean;
}

export class BatchWriter {
  readonly numberings: NumberingTable;
  readonly #database: Database;
  readonly #series: SeriesRegister;
  readonly #quarantine: QuarantineTable;
  readonly #qcResults: QcResultTable;
  readonly #isGateway: (source: string) => boolean;
  readonly #append: ReturnType<typeof openAppending>;
  readonly #insertCommand: Statement;
  readonly #insertControl: Statement;
  readonly #addIntake: Statement;

  constructor(database: Database, { installation, series, limits, partyOf, isGateway }: BatchWriterParts) {
    this.#database = database;
    this.#series = series;
    this.#quarantine = new QuarantineTable(database, limits, partyOf);
    this.#qcResults = openQcResults(database);
    this.#isGateway = isGateway;
    this.numberings = new NumberingTable(database);
    this.#append = openAppending(database, installation);
    this.#insertCommand = database.prepare('INSERT INTO command (seq, receivedMs, actor, body) VALUES (?, ?, ?, ?)');
    this.#insertControl = database.prepare(
      'INSERT INTO control (noun, id, seq, atMs, actor, body) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#addIntake = database.prepare(
      `INSERT INTO intake (source, received, quarantined, sinceMs, lastSeenMs, lastNumber) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
       ON CONFLICT (source) DO UPDATE SET received = received + ?2, quarantined = quarantined + ?3,
         lastSeenMs = max(lastSeenMs, ?5), lastNumber = coalesce(?6, lastNumber)`,
    );
  }

  /** Writes the rows after `head`, in their order; anything thrown means that none of it was kept. */
  write(rows: readonly Row[], head: Head): WrittenBatch {
    const newSeries = new Set<number>();
    // Of a transaction that failed.
    this.numberings.discard();
    const written = transaction(this.#database, () => {
      const entries: (Entry | undefined)[] = [];
      const intake = new Map<string, IntakeChange>();
      const parts: EntryParts[] = [];
      let { seq, receivedMs } = head;
      for (const row of rows) {
        if (row.content.kind === 'message' && !this.#takeReplayed(row.content.draft, intake)) {
          entries.push(undefined);
          continue;
        }
        seq += 1;
        receivedMs = row.receivedMs;
        parts.push(partsOf(row));
        if (row.content.kind === 'message') {
          this.#series.save(row.message!.newSeries, newSeries);
          this.#countIntake(row.content.draft, receivedMs, intake);
          this.#countNumber(row.content.draft.source, row.message!.arrival, receivedMs);
        } else if (row.content.kind === 'command') this.#project(row, seq);
        entries.push(toEntry(row, seq));
      }
      for (const [source, { received, quarantined, seenMs }] of intake) {
        this.#addIntake.run(source, received, quarantined, receivedMs, seenMs, this.numberings.lastOf(source));
      }
      this.numberings.write();
      if (parts.length === 0) return { entries, head };
      const batch = { lastSeq: seq, received: receivedMs, body: encodeBody(head.seq + 1, parts) };
      return { entries, head: this.#append(head, { kind: BATCH_KINDS.entries, ...batch }) };
    });
    this.#series.saved(newSeries);
    this.numberings.kept();
    return written;
  }

  /** A command stands in the audit for ever, and a change of a register as its newest version. */
  #project({ content, receivedMs, body }: Row, seq: number): void {
    if (content.kind !== 'command') return;
    const { actor, command } = content;
    this.#insertCommand.run(seq, receivedMs, actor, body as string);
    if (command.verb === 'close-sequence') {
      const { gateway, through, reason } = command;
      this.numberings.close(gateway, through, { atMs: receivedMs, by: actor, reason });
    }
    if (command.verb === 'qc-results') this.#qcResults.put(command.results, actor, receivedMs);
    // What was received and not taken stays counted as such.
    if (command.verb === 'dismiss-quarantine') this.#quarantine.take(command.quarantineId);
    if (command.verb !== 'put' && command.verb !== 'delete') return;
    if (command.verb === 'delete' && command.noun === 'gateway') this.numberings.forget(command.id);
    const version = command.verb === 'put' ? JSON.stringify(command.body) : null;
    this.#insertControl.run(command.noun, command.id, seq, receivedMs, actor, version);
  }

  /** The replayed item leaves quarantine with its count; false when it is not there any more. */
  #takeReplayed({ replayOf }: MessageDraft, intake: Map<string, IntakeChange>): boolean {
    if (replayOf === undefined) return true;
    const taken = this.#quarantine.take(replayOf);
    if (taken === undefined) return false;
    const change = changeOf(intake, taken.source);
    change.received -= taken.count;
    change.quarantined -= taken.count;
    return true;
  }

  #countIntake(draft: MessageDraft, receivedMs: number, intake: Map<string, IntakeChange>): void {
    const { again } = draft;
    const quarantine = again ? draft.quarantine.filter(({ id }) => !this.#quarantine.hasHad(id)) : draft.quarantine;
    this.#quarantine.add(quarantine, receivedMs);
    const change = changeOf(intake, draft.source);
    if (!again) change.received += draft.received;
    else if (!again.wasCounted) change.received += valuesIn(quarantine);
    change.quarantined += valuesIn(quarantine);
    // Somebody at a desk replays, or the store refuses: that is no sign of life from the gateway.
    if (draft.replayOf === undefined && !again) change.seenMs = receivedMs;
  }

  /** Who isn't registered could number without end. */
  #countNumber(source: string, arrival: Arrival | null, receivedMs: number): void {
    if (arrival && this.#isGateway(source)) this.numberings.heard(source, arrival, receivedMs);
  }
}

function changeOf(intake: Map<string, IntakeChange>, source: string): IntakeChange {
  const known = intake.get(source);
  if (known) return known;
  const change = { received: 0, quarantined: 0, seenMs: 0 };
  intake.set(source, change);
  return change;
}

function partsOf({ content, receivedMs, body }: Row): EntryParts {
  const at = { receivedMs, body };
  if (content.kind === 'message') {
    return { ...at, kind: 'columns', source: content.draft.source, raw: content.draft.raw };
  }
  return { ...at, kind: content.kind, source: content.kind === 'command' ? content.actor : null, raw: null };
}

function toEntry({ content, receivedMs, body }: Row, seq: number): Entry {
  switch (content.kind) {
    case 'message':
      return writtenMessage({ seq, receivedMs }, content.draft, body as Uint8Array);
    case 'command':
      return { kind: 'command', seq, receivedMs, actor: content.actor, command: content.command };
    case 'tick':
      return { kind: 'tick', seq, receivedMs };
    case 'start':
      return { kind: 'start', seq, receivedMs, downSinceMs: content.downSinceMs };
  }
}
