/** What people have commanded, read from the journal's entries. */
import type { Command, CommandEntry, Entry } from '#model/entry.ts';
import type { Maintenance, Rule } from '#model/register.ts';
import { GATEWAYS } from '#tests/sim/world/site.ts';

interface Commanded<V extends Command['verb']> extends CommandEntry {
  command: Extract<Command, { verb: V }>;
}

export function commandsOf<V extends Command['verb']>(committed: readonly Entry[], verb: V): Commanded<V>[] {
  return committed.filter((entry): entry is Commanded<V> => entry.kind === 'command' && entry.command.verb === verb);
}

/** Told from the name, as the contracts have it, and not as the service does. */
export const isImport = (source: string): boolean => source.startsWith('import:');

export function isImported(entry: Entry | undefined): boolean {
  return entry?.kind === 'message' && isImport(entry.source);
}

/** How often somebody asked for each notice again. */
export function resendsOf(committed: readonly Entry[]): Map<string, number> {
  const asked = Map.groupBy(commandsOf(committed, 'resend'), ({ command }) => command.notice);
  return new Map([...asked].map(([notice, entries]) => [notice, entries.length]));
}

/** One version of a register's entry; it counts for the entries after `fromSeq` and before `toSeq`. */
interface Version<T> {
  fromSeq: number;
  toSeq: number;
  fromReceivedMs: number;
  body: T;
}

function versionsOf<T>(committed: readonly Entry[], noun: string): Map<string, Version<T>[]> {
  const versions = new Map<string, Version<T>[]>();
  for (const entry of committed) {
    if (entry.kind !== 'command') continue;
    const { command, seq, receivedMs } = entry;
    if ((command.verb !== 'put' && command.verb !== 'delete') || command.noun !== noun) continue;
    const own = versions.getOrInsertComputed(command.id, () => []);
    const before = own.at(-1);
    if (before) before.toSeq = Math.min(before.toSeq, seq);
    if (command.verb === 'put') {
      own.push({ fromSeq: seq, toSeq: Number.POSITIVE_INFINITY, fromReceivedMs: receivedMs, body: command.body as T });
    }
  }
  return versions;
}

/** Every version of a rule, in order. */
export function ruleVersions(committed: readonly Entry[], id: string): Version<Rule>[] {
  return versionsOf<Rule>(committed, 'rule').get(id) ?? [];
}

interface Window {
  fromSeq: number;
  toSeq: number;
  fromMs: number;
  toMs: number;
  stations: ReadonlySet<string>;
}

/** Maintenance windows, each with the stations that it is about. */
export function windowsOf(committed: readonly Entry[]): Window[] {
  return [...versionsOf<Maintenance>(committed, 'maintenance').values()].flat().map(({ fromSeq, toSeq, body }) => ({
    fromSeq,
    toSeq,
    fromMs: Date.parse(body.from),
    toMs: Date.parse(body.to),
    stations: new Set([...(body.stations ?? []), ...(body.gateways ?? []).flatMap((id) => GATEWAYS.get(id) ?? [])]),
  }));
}
