/**
 * The journal as its writers and readers see it (design §1): append-only, a promise that means "on disk",
 * one clock. `src/journal/writer.ts` implements it; only main.ts, the workers and tests name that file.
 */
import type { Readings } from '#model/columns.ts';
import type { Command, Entry } from '#model/entry.ts';
import type { FaultCode } from '#model/faults.ts';
import type { Series } from '#model/reading.ts';
import type { Numberings } from './gateway-numbering.ts';

/** One thing that was not taken, kept so that it can be looked at and replayed. */
export interface QuarantineDraft {
  /** Given by the door (random, URL-safe), so that an answer can name it before the commit. */
  id: string;
  code: FaultCode;
  message: string;
  path: string | null;
  /** How to decode `payload` again: a format of the door's, or `application/octet-stream` for what is only a beginning. */
  contentType: string;
  /** The smallest payload that holds just this value (or the whole undecodable one, at most its first 4 KiB if too large). */
  payload: Uint8Array;
  /** Who replays as whom: the topic's gateway or the HTTP writer. */
  source: string;
  /** Values that it stands for, 1 unless told: more for the rest of a message of which much was refused. */
  count?: number;
}

export interface QuarantineItem extends Omit<QuarantineDraft, 'payload' | 'count'> {
  atMs: number;
  count: number;
  payload: Uint8Array;
}

/** What the door hands over for one message; everything in it is committed in one transaction. */
export interface MessageDraft {
  source: string;
  gatewaySeq: number | null;
  /** Read at once: who hands them over may fill the same columns again as soon as `appendMessage` returns. */
  readings: Readings;
  /** The payload as received, kept beside the decoded batch until the entry is pruned. */
  raw: Uint8Array;
  quarantine: QuarantineDraft[];
  /** Values received: readings + quarantined (each item by its `count`); an undecodable message counts as one. */
  received: number;
  /** The quarantined item that this message replays: it leaves quarantine, and its counts with it. */
  replayOf?: string;
  /**
   * What the reading store refused for good: taken long ago, now quarantined after all. An item that is there already, or
   * was and has been replayed, is left alone. `wasCounted`: as received, by its first message.
   */
  again?: { wasCounted: boolean };
}

/** Per source, counted in values; `sinceMs` = when counting began. Stored, duplicate and pending come from the followers. */
export interface IntakeCount {
  source: string;
  received: number;
  quarantined: number;
  sinceMs: number;
  lastSeenMs: number;
}

export interface Appended {
  seq: number;
  receivedMs: number;
}

/**
 * The writing side, main thread only. Every method that appends resolves after the fsync that covers the entry,
 * and rejects with StoreError `journal.full` or `journal.unwritable` (retryable) when nothing was kept.
 */
export interface Journal {
  appendMessage(draft: MessageDraft): Promise<Appended>;
  /** @param command or what it is at the `receivedMs` that its entry gets. */
  appendCommand(actor: string, command: Command | ((receivedMs: number) => Command)): Promise<Appended>;
  appendTick(): Promise<Appended>;
  /** Seq of the newest committed entry, 0 when empty. */
  readonly headSeq: number;
  /** `receivedMs` that the next entry would get: max(previous, wall clock). */
  receivedNowMs(): number;
  /** The series of this station and parameter, made (durably, with the next commit that uses it) when new. */
  seriesFor(station: string, parameter: string): { series: Series; isNew: boolean };
  /** What gateways' own numbers have left out. */
  readonly numberings: Numberings;
  /** Called after each commit with the entries that it made durable, in order. */
  onCommit(listener: (entries: readonly Entry[]) => void): void;
  /** Called when an append batch failed: whoever remembered its content must forget it (the door's rings). */
  onFailure(listener: (error: Error) => void): void;
}

/** The reading side; every thread opens its own. */
export interface JournalReader {
  headSeq(): number;
  oldestSeq(): number;
  /** Entries with seq > after, in order, at most `limit`. */
  read(after: number, limit: number): Entry[];
  /** The newest entries in order, at most `limit` of them: what the door rebuilds its rings from. */
  tail(limit: number): Entry[];
  raw(seq: number): Uint8Array | undefined;
  seriesById(id: number): Series | undefined;
  seriesByName(station: string, parameter: string): Series | undefined;
  allSeries(): Series[];
  intakeCounts(): IntakeCount[];
}
