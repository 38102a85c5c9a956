/**
 * A journal in memory for tests of what stands before and after it: commits a batch when told (`commit`, `fail`), or
 * each append by itself at the end of its turn. Verdicts and entries as the real one; nothing is durable.
 */

import { arrivalOf, closed, type Numbering, numbered } from '#journal/gateway-numbering.ts';
import type { Appended, Journal, MessageDraft, QuarantineItem } from '#journal/port.ts';
import { valuesIn } from '#journal/quarantine.ts';
import { Control } from '#journal/registers.ts';
import type { Command, Entry } from '#model/entry.ts';
import type { Series } from '#model/reading.ts';
import type { Clock } from '#src/clock.ts';
import { StoreError } from '#src/sqlite.ts';

type Content =
  | { kind: 'message'; draft: MessageDraft }
  | { kind: 'command'; actor: string; command: Command }
  | { kind: 'tick' };

interface Pending {
  content: Content;
  resolve(appended: Appended): void;
  reject(error: Error): void;
}

export class MemoryJournal implements Journal {
  readonly entries: Entry[] = [];
  readonly quarantine = new Map<string, QuarantineItem>();
  readonly control = new Control([]);
  /** Per source, counted in values. */
  readonly intake = new Map<string, { received: number; quarantined: number }>();
  readonly #numberings = new Map<string, Numbering>();
  readonly numberings = { of: (source: string) => this.#numberings.get(source), all: () => this.#numberings };
  readonly #clock: Clock;
  readonly #isManual: boolean;
  readonly #series = new Map<string, Series>();
  readonly #onCommit: ((entries: readonly Entry[]) => void)[] = [];
  readonly #onFailure: ((error: Error) => void)[] = [];
  #pending: Pending[] = [];
  #receivedMs = 0;

  constructor(clock: Clock, { manual = false } = {}) {
    this.#clock = clock;
    this.#isManual = manual;
  }

  get headSeq(): number {
    return this.entries.length;
  }

  receivedNowMs(): number {
    return Math.max(this.#receivedMs, this.#clock.nowMs());
  }

  seriesFor(station: string, parameter: string): { series: Series; isNew: boolean } {
    const key = `${station}/${parameter}`;
    const known = this.#series.get(key);
    if (known) return { series: known, isNew: false };
    const series = { id: this.#series.size + 1, station, parameter };
    this.#series.set(key, series);
    return { series, isNew: true };
  }

  onCommit(listener: (entries: readonly Entry[]) => void): void {
    this.#onCommit.push(listener);
  }

  onFailure(listener: (error: Error) => void): void {
    this.#onFailure.push(listener);
  }

  appendMessage(draft: MessageDraft): Promise<Appended> {
    // Whoever hands them over may fill the same columns again.
    return this.#append({ kind: 'message', draft: { ...draft, readings: [...draft.readings] } });
  }

  appendCommand(actor: string, command: Command | ((receivedMs: number) => Command)): Promise<Appended> {
    const made = typeof command === 'function' ? command(this.receivedNowMs()) : command;
    return this.#append({ kind: 'command', actor, command: made });
  }

  appendTick(): Promise<Appended> {
    return this.#append({ kind: 'tick' });
  }

  /** Makes everything that waits durable, in order. */
  commit(): void {
    const batch = this.#pending.splice(0);
    const committed = batch.map(({ content }) => this.#enter(content));
    for (const entry of committed) this.control.apply(entry);
    for (const listener of this.#onCommit) listener(committed);
    for (const [index, { resolve }] of batch.entries()) {
      resolve({ seq: committed[index]!.seq, receivedMs: committed[index]!.receivedMs });
    }
  }

  /** Loses everything that waits. */
  fail(error: Error = new StoreError('journal.unwritable', 'the disk is full', true)): void {
    const batch = this.#pending.splice(0);
    for (const listener of this.#onFailure) listener(error);
    for (const { reject } of batch) reject(error);
  }

  #append(content: Content): Promise<Appended> {
    this.#receivedMs = this.receivedNowMs();
    if (!this.#isManual && this.#pending.length === 0) queueMicrotask(() => this.commit());
    return new Promise((resolve, reject) => this.#pending.push({ content, resolve, reject }));
  }

  #enter(content: Content): Entry {
    const at = { seq: this.entries.length + 1, receivedMs: this.#receivedMs };
    const entry = this.#toEntry(content, at);
    this.entries.push(entry);
    return entry;
  }

  #toEntry(content: Content, at: Appended): Entry {
    if (content.kind === 'tick') return { kind: 'tick', ...at };
    if (content.kind === 'command') {
      this.#closeNumbers(content.actor, content.command, at.receivedMs);
      return { kind: 'command', ...at, actor: content.actor, command: content.command };
    }
    const { source, gatewaySeq, readings, quarantine, received, replayOf } = content.draft;
    this.#count(source, received, valuesIn(quarantine));
    const arrival = arrivalOf(content.draft);
    if (arrival) this.#numberings.set(source, numbered(this.#numberings.get(source), arrival, at.receivedMs));
    if (replayOf !== undefined) {
      const { count } = this.quarantine.get(replayOf)!;
      this.#count(source, -count, -count);
      this.quarantine.delete(replayOf);
    }
    for (const item of quarantine) this.quarantine.set(item.id, { count: 1, ...item, atMs: at.receivedMs });
    return { kind: 'message', ...at, source, gatewaySeq, readings: [...readings] };
  }

  #closeNumbers(by: string, command: Command, atMs: number): void {
    if (command.verb === 'delete' && command.noun === 'gateway') this.#numberings.delete(command.id);
    if (command.verb !== 'close-sequence') return;
    const { gateway, through, reason } = command;
    const before = this.#numberings.get(gateway);
    if (before) this.#numberings.set(gateway, closed(before, through, { atMs, by, reason }));
  }

  #count(source: string, received: number, quarantined: number): void {
    const count = this.intake.get(source) ?? { received: 0, quarantined: 0 };
    this.intake.set(source, {
      received: count.received + received,
      quarantined: count.quarantined + quarantined,
    });
  }
}
