/**
 * Seeds: register entries as files (docs/seeds.md). `readSeeds` reads and checks a folder; `seedCommands` says which
 * commands bring the registers up to it, and `loadSeeds` journals them. What anybody but a seed has changed or deleted
 * since stays as it is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { OpenJournalReader } from '#journal/reader.ts';
import type { Control } from '#journal/registers.ts';
import type { JournalWriter } from '#journal/writer.ts';
import type { Command } from '#model/entry.ts';
import type { Noun } from '#model/noun.ts';
import { handedOver } from '#model/recipients.ts';
import type { Reference } from '#model/reference.ts';
import { channel, id, type Meter, meter, routes, rule, statement, station } from '#model/register.ts';
import { csvRows } from './csv-records.ts';
import { loadReference } from './reference.ts';
import type { SeedEntry } from './seed-entry.ts';
import { SeedError } from './seed-error.ts';
import { seedReferences } from './seed-references.ts';
import { readYaml, yamlFault } from './yaml-file.ts';

/** The actor of commands that seeds make. */
export const SEED_ACTOR = 'seed';

/** The routes are one list, so their register has one entry. */
const ROUTES_ID = 'routes';

// The order is that of dependence: what is named stands before what names it. Gateways and tokens are missing on
// purpose: a seed is public, a credential isn't.
const FILES = [
  { plural: 'stations', noun: 'station', schema: station },
  { plural: 'meters', noun: 'meter', schema: meter },
  { plural: 'rules', noun: 'rule', schema: rule },
  { plural: 'channels', noun: 'channel', schema: channel },
  { plural: 'routes', noun: 'routes', schema: routes },
  { plural: 'statements', noun: 'statement', schema: statement },
] as const satisfies { plural: string; noun: Noun; schema: z.ZodType }[];
type Kind = (typeof FILES)[number];

/**
 * Every entry of the folder's own `*.yaml`, `*.yml` and `*.csv` files, checked against the schemas of the registers,
 * against the reference data and against each other. Subfolders and other files are none of its business.
 * @throws SeedError naming file, line, item and reason of the first fault.
 */
export function readSeeds(directory: string, reference: Reference = loadReference()): SeedEntry[] {
  const entries: SeedEntry[] = [];
  for (const { name, kind } of seedFiles(directory)) {
    const path = `${directory}/${name}`;
    entries.push(...(name.endsWith('.csv') ? csvEntries(path, name, kind) : yamlEntries(path, name, kind)));
  }
  refuseRepeats(entries);
  seedReferences(entries, reference);
  return entries;
}

/** Brings the registers up to the folder. @returns how many entries that took. @throws SeedError; StoreError when the journal can't take a command. */
export async function loadSeeds(
  directory: string,
  journal: Pick<JournalWriter, 'appendCommand' | 'control' | 'receivedNowMs'>,
  reader: Pick<OpenJournalReader, 'seriesByName'>,
): Promise<number> {
  const commands = seedCommands(readSeeds(directory), journal.control, {
    nowMs: journal.receivedNowMs(),
    isRead: (station, parameter) => reader.seriesByName(station, parameter) !== undefined,
  });
  await Promise.all(commands.map((command) => journal.appendCommand(SEED_ACTOR, command)));
  return commands.length;
}

function seedFiles(directory: string): { name: string; kind: Kind }[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => /\.(ya?ml|csv)$/.test(name));
  } catch (error) {
    throw new SeedError(directory, null, null, `can't be read: ${(error as Error).message}`);
  }
  const files = names.sort().map((name) => {
    const stem = name.slice(0, name.indexOf('.'));
    const kind = FILES.find(({ plural }) => plural === stem);
    if (!kind) {
      const known = FILES.map(({ plural }) => plural).join(', ');
      throw new SeedError(
        name,
        null,
        null,
        `"${stem}" is no register that seeds can fill; the name begins with one of ${known}`,
      );
    }
    return { name, kind };
  });
  return files.sort((a, b) => FILES.indexOf(a.kind) - FILES.indexOf(b.kind));
}

function yamlEntries(path: string, name: string, { noun, schema }: Kind): SeedEntry[] {
  const file = readYaml(path, name);
  if (noun === 'routes') {
    const parsed = schema.safeParse(file.data);
    if (!parsed.success) throw yamlFault(file, [], ROUTES_ID, parsed.error);
    return [{ noun, id: ROUTES_ID, body: parsed.data, file: name, line: file.lineOf([]) }];
  }
  // An empty file is a register without entries.
  const bodies = z.record(z.string(), z.unknown()).safeParse(file.data ?? {});
  if (!bodies.success) throw new SeedError(name, file.lineOf([]), null, 'the file is a map of ids to entries');
  return Object.entries(bodies.data).map(([key, raw]) => {
    const line = file.lineOf([key]);
    checkId(key, name, line);
    const parsed = schema.safeParse(raw);
    if (!parsed.success) throw yamlFault(file, [key], key, parsed.error);
    return { noun, id: key, body: parsed.data, file: name, line };
  });
}

function csvEntries(path: string, name: string, { noun, schema }: Kind): SeedEntry[] {
  if (noun === 'routes' || noun === 'rule' || noun === 'channel') {
    throw new SeedError(name, null, null, 'this register is written in YAML only');
  }
  const entries: SeedEntry[] = [];
  for (const { line, row, fault } of csvRows(readFileSync(path, 'utf8'))) {
    const { id: key = '', ...cells } = row;
    if (fault) throw new SeedError(name, line, key || null, fault);
    checkId(key, name, line);
    const parsed = schema.safeParse(csvBody(cells));
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new SeedError(name, line, key, `${issue.path.map(String).join('.')}: ${issue.message}`);
    }
    entries.push({ noun, id: key, body: parsed.data, file: name, line });
  }
  return entries;
}

function checkId(key: string, file: string, line: number | null): void {
  const parsed = id.safeParse(key);
  if (!parsed.success) throw new SeedError(file, line, key, parsed.error.issues[0]!.message);
}

/** Columns that hold numbers; every other cell is text. */
const NUMERIC = new Set('location.lat location.lon size resolution direction maxFlow volume1e8m3 plan1e8m3'.split(' '));

/**
 * A row's cells as a body: `a.b` is b inside a, an empty cell is absent, and `parameters` is a list of
 * `id@interval` separated by blanks, the interval optional.
 */
function csvBody(cells: Record<string, string>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [column, cell] of Object.entries(cells)) {
    if (cell === '') continue;
    const value = column === 'parameters' ? csvParameters(cell) : NUMERIC.has(column) ? Number(cell) : cell;
    place(body, column.split('.'), value);
  }
  return body;
}

function place(target: Record<string, unknown>, [key = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const inner = (target[key] ?? {}) as Record<string, unknown>;
  place(inner, rest, value);
  target[key] = inner;
}

function csvParameters(cell: string): { id: string; interval?: string }[] {
  return cell.split(/\s+/).map((item) => {
    const [parameter = '', interval] = item.split('@');
    return interval === undefined ? { id: parameter } : { id: parameter, interval };
  });
}

function refuseRepeats(entries: readonly SeedEntry[]): void {
  const seen = new Map<string, SeedEntry>();
  for (const entry of entries) {
    const key = `${entry.noun} ${entry.id}`;
    const first = seen.get(key);
    if (first) throw new SeedError(entry.file, entry.line, entry.id, `stands in ${first.file}:${first.line} already`);
    seen.set(key, entry);
  }
}

/** When the commands will be received, and whether anything was ever read at a place. */
interface Installation {
  nowMs: number;
  isRead: (station: string, parameter: string) => boolean;
}
const NEW: Installation = { nowMs: 0, isRead: () => false };

/**
 * The commands, for actor `seed`, that bring `control` up to `entries`; none when nothing has changed. An entry that
 * somebody else changed or deleted last is theirs; one that only seeds have written follows the newer seed.
 * @throws SeedError for a meter of another unit than its readings were taken in.
 */
export function seedCommands(entries: readonly SeedEntry[], control: Control, installation = NEW): Command[] {
  return entries.flatMap((entry): Command[] => {
    const { noun, id: key } = entry;
    const version = control.version(noun, key);
    if (version && version.actor !== SEED_ACTOR) return [];
    const body = noun === 'meter' ? seedMeter(entry, control.get('meter', key), installation) : entry.body;
    if (version && isDeepStrictEqual(version.body, body)) return [];
    return [{ verb: 'put', noun, id: key, body }];
  });
}

/** As `PUT /meters/{id}` would: another recipient takes over from now on, and a unit that was read in stays. */
function seedMeter(entry: SeedEntry, before: Meter | undefined, { nowMs, isRead }: Installation): Meter {
  const body = entry.body as Meter;
  const hasReadings = isRead(body.station, body.parameter);
  if (before && hasReadings && before.unit !== body.unit) {
    const reason = `was read in ${before.unit}: a face in another unit is another meter, \`from\` when the old one ends`;
    throw new SeedError(entry.file, entry.line, entry.id, reason);
  }
  return handedOver(body, before, nowMs, hasReadings);
}
