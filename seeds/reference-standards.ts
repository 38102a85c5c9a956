/**
 * Loads standards.yaml and the files that it names: class ladders from CSV (GB 3838-2002), criteria from YAML
 * (`reference-criteria.ts`). What a standard could not mean (a gap in a ladder, a worse class with a stricter limit) is
 * refused here, so that nothing that compares has to doubt it.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { TARGETS, type TargetClass } from '#model/class.ts';
import type { Parameter, SingleLimit, Standard, StandardItem } from '#model/reference.ts';
import { id } from '#model/register.ts';
import { csvRows } from './csv-records.ts';
import { loadCriteria } from './reference-criteria.ts';
import { SeedError } from './seed-error.ts';
import { readYaml, type YamlFile, yamlFault } from './yaml-file.ts';

const names = z.strictObject({ zh: z.string().min(1), en: z.string().min(1) });
const decimalText = z.string().regex(/^\d+(\.\d+)?$/, 'a limit is a decimal in quotation marks');

const standardsFile = z.array(
  z
    .strictObject({
      id,
      series: id,
      title: names,
      edition: z.string().min(1),
      effective: z.iso.date(),
      source: z.string().min(1),
      /** A ladder of the classes I to V. */
      file: z.string().min(1).optional(),
      reference: z.array(id).default([]),
      decimals: z.record(id, z.number().int().min(0).max(9)).default({}),
      hourlyDecimals: z.record(id, z.number().int().min(0).max(9)).default({}),
      priority: z.array(id).default([]),
      alternatives: z
        .record(id, z.strictObject({ parameter: id, least: z.partialRecord(z.enum(TARGETS), decimalText) }))
        .default({}),
      /** Criteria with levels of their own. */
      criteria: z.string().min(1).optional(),
    })
    .refine((entry) => (entry.file === undefined) !== (entry.criteria === undefined), 'needs either file or criteria'),
);
type Entry = z.infer<typeof standardsFile>[number];
type Fault = (reason: string) => SeedError;

/** Standards by id, in the order of the file. @throws SeedError naming file, line, item and reason. */
export function loadStandards(directory: string, parameters: ReadonlyMap<string, Parameter>): Map<string, Standard> {
  const file = readYaml(`${directory}/standards.yaml`, 'reference/standards.yaml');
  const parsed = standardsFile.safeParse(file.data);
  if (!parsed.success) {
    const index = Number(parsed.error.issues[0]!.path[0]);
    const entry = (file.data as { id?: unknown }[] | null)?.[index]?.id;
    throw yamlFault(file, [], typeof entry === 'string' ? entry : null, parsed.error);
  }
  const standards = new Map<string, Standard>();
  parsed.data.forEach((entry, index) => {
    const fault = (reason: string) => new SeedError(file.name, file.lineOf([index]), entry.id, reason);
    if (standards.has(entry.id)) throw fault('this id is defined twice');
    const { title, edition, effective, source, series } = entry;
    const head = { id: entry.id, series, title, edition, effective, source };
    const superseded = supersededBy(entry, parsed.data, fault);
    const rules = entry.file === undefined ? criteria(directory, entry.criteria!, parameters) : null;
    const tables = rules ?? ladder(directory, file, index, entry, entry.file!, parameters);
    standards.set(entry.id, { ...head, superseded, ...tables });
  });
  return standards;
}

/** The date from which the next edition of the same standard is in force. */
function supersededBy({ id: own, series, effective }: Entry, all: readonly Entry[], fault: Fault): string | null {
  const others = all.filter((other) => other.series === series && other.id !== own);
  const same = others.find((other) => other.effective === effective);
  if (same) throw fault(`${same.id} is an edition of ${series} from the same day on`);
  return (
    others
      .map((other) => other.effective)
      .filter((date) => date > effective)
      .sort()[0] ?? null
  );
}

type Tables = Pick<Standard, 'levels' | 'items' | 'singles' | 'criteria'>;

function criteria(directory: string, name: string, parameters: ReadonlyMap<string, Parameter>): Tables {
  return { items: [], singles: [], ...loadCriteria(`${directory}/${name}`, `reference/${name}`, parameters) };
}

const OPERATORS = ['<=', '>=', 'range', 'delta'] as const;
type Row = Record<string, string>;

function ladder(
  directory: string,
  yaml: YamlFile,
  index: number,
  entry: Entry,
  name: string,
  parameters: ReadonlyMap<string, Parameter>,
): Tables {
  const items: StandardItem[] = [];
  const singles: SingleLimit[] = [];
  const seen = new Set<string>();
  for (const { line, row, fault: broken } of csvRows(readText(directory, name))) {
    const { parameter = '', limit = '', unit = '' } = row;
    const fault = (reason: string) => new SeedError(`reference/${name}`, line, parameter, reason);
    if (broken) throw fault(broken);
    const op = OPERATORS.find((candidate) => candidate === row.operator);
    if (!op) throw fault(`operator "${row.operator}" is none of ${OPERATORS.join(', ')}`);
    const known = parameters.get(parameter);
    if (!known) throw fault('no such parameter');
    if (seen.has(parameter)) throw fault('this item is listed twice');
    seen.add(parameter);
    if (op !== 'delta' && known.units[unit === 'degC' ? '°C' : unit]?.factor !== 1) {
      throw fault(`limits are in "${unit}", the parameter is kept in "${known.unit}"`);
    }
    if (limit === '') items.push(classed(row, parameter, op, entry, fault));
    else singles.push(single(row, parameter, op, fault));
  }
  const laddered = new Set(items.map(({ parameter }) => parameter));
  for (const key of ['reference', 'priority', 'decimals', 'hourlyDecimals', 'alternatives'] as const) {
    const named = Array.isArray(entry[key]) ? entry[key] : Object.keys(entry[key]);
    const stray = named.find((parameter) => !laddered.has(parameter));
    if (stray === undefined) continue;
    throw new SeedError(
      yaml.name,
      yaml.lineOf([index, key]),
      entry.id,
      `${key}: ${name} has no classes for "${stray}"`,
    );
  }
  return { levels: [...TARGETS], items, singles, criteria: [] };
}

function classed(row: Row, parameter: string, op: StandardItem['op'], entry: Entry, fault: Fault): StandardItem {
  const { reference, decimals, hourlyDecimals, priority, alternatives } = entry;
  const other = alternatives[parameter];
  const least = other && TARGETS.map((target) => [target, other.least[target] ?? null]);
  return {
    parameter,
    op,
    ...ladders(row, op, fault),
    alternative: other ? { parameter: other.parameter, least: Object.fromEntries(least!) } : null,
    clause: clauseOf(row),
    participates: op !== 'delta' && !reference.includes(parameter),
    decimals: decimals[parameter] ?? null,
    hourlyDecimals: hourlyDecimals[parameter] ?? null,
    priority: priority.includes(parameter),
  };
}

function single(row: Row, parameter: string, op: StandardItem['op'], fault: Fault): SingleLimit {
  if (op === 'delta') throw fault('a single limit can not be a delta');
  const classes = Object.keys(row).filter((column) => /^(lake_)?class_/.test(column) && row[column] !== '');
  if (classes.length > 0) throw fault(`has a limit for all and one in ${classes[0]}`);
  const { name_zh: zh = '', name_en: en = '', unit = '' } = row;
  return { parameter, name: { zh, en }, op, limit: decimal(row.limit!, op, fault), unit, clause: clauseOf(row) };
}

const clauseOf = ({ table, no }: Row) => `table ${table} no. ${no}`;

function readText(directory: string, name: string): string {
  try {
    return readFileSync(`${directory}/${name}`, 'utf8');
  } catch (error) {
    throw new SeedError(`reference/${name}`, null, null, `can't be read: ${(error as Error).message}`);
  }
}

/** River limits stand in `class_*`. A lake's own stand in `lake_class_*`; without them the river's hold for both. */
function ladders(row: Row, op: StandardItem['op'], fault: Fault): Pick<StandardItem, 'river' | 'lake'> {
  const river = classes(row, 'class_', op, fault);
  const lake = classes(row, 'lake_class_', op, fault);
  const has = (limits: StandardItem['river']) => Object.values(limits).some((limit) => limit !== null);
  if (!has(river) && !has(lake)) throw fault('has no limit at all');
  return { river, lake: has(lake) ? lake : river };
}

/** All five classes or none, and no class stricter than a better one. */
function classes(row: Row, prefix: string, op: StandardItem['op'], fault: Fault): StandardItem['river'] {
  const limits = TARGETS.map((target): [TargetClass, string | null] => {
    const cell = row[`${prefix}${target}`] ?? '';
    return [target, cell === '' ? null : decimal(cell, op, fault)];
  });
  const gap = limits.find(([, limit]) => limit === null);
  if (gap && limits.some(([, limit]) => limit !== null)) {
    throw fault(`${prefix}${gap[0]} is missing: a ladder has a limit for each of ${TARGETS.join(', ')}, or for none`);
  }
  if (op === '<=' || op === '>=') {
    for (let worse = 1; worse < limits.length; worse++) {
      const [before, after] = [Number(limits[worse - 1]![1]), Number(limits[worse]![1])];
      if (op === '<=' ? after >= before : after <= before) continue;
      throw fault(`${prefix}${limits[worse]![0]} is stricter than ${prefix}${limits[worse - 1]![0]}`);
    }
  }
  return Object.fromEntries(limits) as StandardItem['river'];
}

function decimal(cell: string, op: StandardItem['op'], fault: Fault): string {
  const form =
    op === 'range' ? /^\d+(\.\d+)?~\d+(\.\d+)?$/ : op === 'delta' ? /^rise<=\d+;drop<=\d+$/ : /^\d+(\.\d+)?$/;
  if (!form.test(cell)) throw fault(`"${cell}" is no limit for operator ${op}`);
  const [low, high] = cell.split('~').map(Number);
  if (op === 'range' && low! >= high!) throw fault(`"${cell}" is no range: its low end comes first`);
  return cell;
}
