/**
 * The registers (stations, gateways, meters, rules, channels, routes, tokens, statements, rulings, plans …) as a projection of
 * `put` and `delete` commands. Versions are kept for ever in journal.db's `control` table, written in the same
 * transaction as the command; this is the view in memory that each thread keeps, advanced entry by entry.
 */

import type { ClosedPeriod, KeptReport, MeterRuling, Plan } from '#model/accounting.ts';
import type { CommandEntry, Entry } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import type { Panel } from '#model/panel.ts';
import type {
  Channel,
  Gap,
  Gateway,
  Maintenance,
  Meter,
  Routes,
  Rule,
  Statement,
  Station,
  Token,
} from '#model/register.ts';

/** Kept on disk alone, there are thousands of them: see src/books/questions/panels.ts. */
export const ON_DISK = 'panel' satisfies Noun;

export interface NounBody {
  station: Station;
  gateway: Gateway;
  meter: Meter;
  rule: Rule;
  channel: Channel;
  routes: Routes;
  token: Token;
  statement: Statement;
  gap: Gap;
  ruling: MeterRuling;
  plan: Plan;
  period: ClosedPeriod;
  report: KeptReport;
  panel: Panel;
  maintenance: Maintenance;
}

/** One version of one register entry; `body` null = deleted. */
export interface ControlVersion {
  noun: Noun;
  id: string;
  seq: number;
  atMs: number;
  actor: string;
  body: unknown;
  /** Seq of the put since which the entry has been there, where a view begins with it; `seq` unless told. */
  sinceSeq?: number | null;
}

type Listener = (entry: CommandEntry) => void;

export class Control {
  readonly #nouns = new Map<Noun, Map<string, ControlVersion>>();
  readonly #sinceSeqs = new Map<string, number>();
  readonly #listeners: Listener[] = [];

  /** `versions` = the newest version of each entry as of the seq that this view begins at, in any order. */
  constructor(versions: Iterable<ControlVersion>) {
    for (const version of versions) this.#set(version);
  }

  get<N extends Noun>(noun: N, id: string): NounBody[N] | undefined {
    return (this.#nouns.get(noun)?.get(id)?.body ?? undefined) as NounBody[N] | undefined;
  }

  /** The newest version, a deletion included: who changed it last, and when. */
  version(noun: Noun, id: string): ControlVersion | undefined {
    return this.#nouns.get(noun)?.get(id);
  }

  /** Seq of the put since which an entry has been there without a break: who was there first. */
  sinceSeq(noun: Noun, id: string): number {
    return this.#sinceSeqs.get(keyOf(noun, id)) ?? 0;
  }

  /** Live entries in the order of their ids. */
  list<N extends Noun>(noun: N): { id: string; body: NounBody[N] }[] {
    const live = [...(this.#nouns.get(noun)?.values() ?? [])].filter((version) => version.body !== null);
    live.sort((a, b) => (a.id < b.id ? -1 : 1));
    return live.map((version) => ({ id: version.id, body: version.body as NounBody[N] }));
  }

  /** Advances this view by one entry; other kinds and other verbs change nothing. */
  apply(entry: Entry): void {
    if (entry.kind !== 'command') return;
    const { command } = entry;
    if (command.verb !== 'put' && command.verb !== 'delete') return;
    if (command.noun === ON_DISK) return;
    const body = command.verb === 'put' ? command.body : null;
    this.#set({ noun: command.noun, id: command.id, seq: entry.seq, atMs: entry.receivedMs, actor: entry.actor, body });
    for (const listener of this.#listeners) listener(entry);
  }

  /** Called after each change of a register, with its command. */
  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }

  #set(version: ControlVersion): void {
    const entries = this.#nouns.get(version.noun) ?? new Map<string, ControlVersion>();
    this.#nouns.set(version.noun, entries);
    const known = entries.get(version.id);
    if (known && known.seq > version.seq) return;
    const { sinceSeq, ...own } = version;
    entries.set(version.id, own);
    const key = keyOf(version.noun, version.id);
    if (sinceSeq !== undefined || !known || known.body === null) this.#sinceSeqs.set(key, sinceSeq ?? version.seq);
  }
}

function keyOf(noun: Noun, id: string): string {
  return `${noun} ${id}`;
}
