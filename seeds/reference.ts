/**
 * Loads the built-in reference data (parameters and standards) from seeds/reference/. It belongs to the program,
 * not to an installation: the files stand beside this module whatever WK_SEEDS or the working directory is.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { TARGETS, type TargetClass } from '#model/class.ts';
import { durationMs } from '#model/duration.ts';
import type { Parameter, Reference, Standard, StandardItem } from '#model/reference.ts';
import { id } from '#model/register.ts';
import { csvRows } from './csv-records.ts';
import { SeedError } from './seed-error.ts';
import { readYaml, yamlFault } from './yaml-file.ts';

const DIRECTORY = fileURLToPath(new URL('./reference/', import.meta.url));

const names = z.strictObject({ zh: z.string().min(1), en: z.string().min(1) });
const span = z.tuple([z.number(), z.number()]).refine(([low, high]) => low < high, 'low must be below high');
const pair = z
  .tuple([z.number().positive(), z.number().positive()])
  .refine(([a, b]) => a < b, 'suspect must be below fail');
const conversion = z.union([
  z.number().positive(),
  z.strictObject({ factor: z.number().positive(), offset: z.number().default(0) }),
]);
const parametersFile = z.strictObject({
  units: z.record(z.string(), z.record(z.string(), conversion)),
  parameters: z.array(
    z.strictObject({
      id,
      name: names,
      unit: z.string().min(1),
      units: z.string(),
      aliases: z.array(z.string().min(1)),
      mean: z.enum(['arithmetic', 'ph', 'geometric']).default('arithmetic'),
      multiple: z.boolean().default(true),
      qc: z.strictObject({
        fail: span.optional(),
        suspect: span.optional(),
        ratePerHour: pair.optional(),
        spike: pair.optional(),
        flat: z.strictObject({ tolerance: z.number().positive(), suspect: z.string(), fail: z.string() }).optional(),
      }),
    }),
  ),
});
type ParametersFile = z.infer<typeof parametersFile>;

const standardsFile = z.array(
  z.strictObject({
    id,
    title: names,
    edition: z.string().min(1),
    effective: z.iso.date(),
    file: z.string().min(1),
    reference: z.array(id),
    decimals: z.record(id, z.number().int().min(0).max(9)),
    priority: z.array(id),
  }),
);

/**
 * Parameters, their aliases (lower case, the ids among them) and standards.
 * @param directory the folder of parameters.yaml and standards.yaml; the package's own by default
 * @throws SeedError naming file, line, item and reason.
 */
export function loadReference(directory = DIRECTORY): Reference {
  const { parameters, aliases } = loadParameters(directory);
  const file = readYaml(`${directory}/standards.yaml`, 'reference/standards.yaml');
  const parsed = standardsFile.safeParse(file.data);
  if (!parsed.success) throw yamlFault(file, [], null, parsed.error);
  const standards = new Map<string, Standard>();
  for (const entry of parsed.data) {
    standards.set(entry.id, {
      ...head(entry),
      ...loadItems(directory, entry, parameters),
    });
  }
  return { parameters, aliases, standards };
}

function head({
  id,
  title,
  edition,
  effective,
}: z.infer<typeof standardsFile>[number]): Omit<Standard, 'items' | 'singles'> {
  return { id, title, edition, effective };
}

function loadParameters(directory: string): Pick<Reference, 'parameters' | 'aliases'> {
  const file = readYaml(`${directory}/parameters.yaml`, 'reference/parameters.yaml');
  const parsed = parametersFile.safeParse(file.data);
  if (!parsed.success) throw yamlFault(file, [], null, parsed.error);
  const parameters = new Map<string, Parameter>();
  const aliases = new Map<string, string>();
  parsed.data.parameters.forEach((entry, index) => {
    const fault = (reason: string) => new SeedError(file.name, file.lineOf(['parameters', index]), entry.id, reason);
    if (parameters.has(entry.id)) throw fault('this id is defined twice');
    parameters.set(entry.id, toParameter(entry, parsed.data.units, fault));
    for (const alias of [entry.id, ...entry.aliases]) {
      const known = aliases.get(alias.toLowerCase());
      if (known !== undefined) throw fault(`alias "${alias}" already belongs to ${known}`);
      aliases.set(alias.toLowerCase(), entry.id);
    }
  });
  return { parameters, aliases };
}

function toParameter(
  entry: ParametersFile['parameters'][number],
  sets: ParametersFile['units'],
  fault: (reason: string) => SeedError,
): Parameter {
  const set = sets[entry.units];
  if (!set) throw fault(`there is no set of units called "${entry.units}"`);
  const canonical = set[entry.unit];
  if (typeof canonical !== 'number') throw fault(`unit "${entry.unit}" is no plain factor of the set "${entry.units}"`);
  const units: Parameter['units'] = {};
  for (const [spelling, to] of Object.entries(set)) {
    const { factor, offset } = typeof to === 'number' ? { factor: to, offset: 0 } : to;
    units[spelling] = { factor: ratio(factor, canonical), offset: ratio(offset, canonical) };
  }
  const { qc } = entry;
  return {
    id: entry.id,
    name: entry.name,
    unit: entry.unit,
    units,
    aliases: entry.aliases,
    mean: entry.mean,
    multiple: entry.multiple,
    qc: {
      fail: qc.fail ?? null,
      suspect: qc.suspect ?? null,
      ratePerHour: qc.ratePerHour ?? null,
      spike: qc.spike ?? null,
      flat: qc.flat ? { tolerance: qc.flat.tolerance, ...flatSpans(qc.flat, fault) } : null,
    },
  };
}

function flatSpans(flat: { suspect: string; fail: string }, fault: (reason: string) => SeedError) {
  try {
    return { suspectMs: durationMs(flat.suspect), failMs: durationMs(flat.fail) };
  } catch (error) {
    throw fault((error as Error).message);
  }
}

/** Quotient of two factors without the last-bit noise of binary division, so that µg/L → mg/L is 0.001 to the bit. */
function ratio(factor: number, canonical: number): number {
  return canonical === 1 ? factor : Number((factor / canonical).toPrecision(15));
}

const OPERATORS = ['<=', '>=', 'range', 'delta'] as const;

function loadItems(
  directory: string,
  { file: name, reference, decimals, priority }: z.infer<typeof standardsFile>[number],
  parameters: ReadonlyMap<string, Parameter>,
): Pick<Standard, 'items' | 'singles'> {
  const items: StandardItem[] = [];
  const singles: Standard['singles'] = [];
  for (const { line, row, fault: broken } of csvRows(readText(directory, name))) {
    const { parameter = '', limit = '', unit = '', name_zh: zh = '', name_en: en = '' } = row;
    const fault = (reason: string) => new SeedError(`reference/${name}`, line, parameter, reason);
    if (broken) throw fault(broken);
    const op = OPERATORS.find((candidate) => candidate === row.operator);
    if (!op) throw fault(`operator "${row.operator}" is none of ${OPERATORS.join(', ')}`);
    const known = parameters.get(parameter);
    if (!known) throw fault('no such parameter');
    if (op !== 'delta' && known.units[unit === 'degC' ? '°C' : unit]?.factor !== 1) {
      throw fault(`limits are in "${unit}", the parameter is kept in "${known.unit}"`);
    }
    const clause = `table ${row.table} no. ${row.no}`;
    if (limit === '') {
      items.push({
        parameter,
        op,
        ...ladders(row, op, fault),
        clause,
        participates: op !== 'delta' && !reference.includes(parameter),
        decimals: decimals[parameter] ?? null,
        priority: priority.includes(parameter),
      });
    } else if (op === 'delta') {
      throw fault('a single limit can not be a delta');
    } else {
      singles.push({ parameter, name: { zh, en }, op, limit: decimal(limit, op, fault), unit, clause });
    }
  }
  return { items, singles };
}

function readText(directory: string, name: string): string {
  try {
    return readFileSync(`${directory}/${name}`, 'utf8');
  } catch (error) {
    throw new SeedError(`reference/${name}`, null, null, `can't be read: ${(error as Error).message}`);
  }
}

/** River limits stand in `class_*`. A lake's own stand in `lake_class_*`; without them the river's hold for both. */
function ladders(
  row: Record<string, string>,
  op: StandardItem['op'],
  fault: (reason: string) => SeedError,
): Pick<StandardItem, 'river' | 'lake'> {
  const ladder = (prefix: string): StandardItem['river'] => {
    const limits = TARGETS.map((target): [TargetClass, string | null] => {
      const cell = row[`${prefix}${target}`] ?? '';
      return [target, cell === '' ? null : decimal(cell, op, fault)];
    });
    return Object.fromEntries(limits) as StandardItem['river'];
  };
  const river = ladder('class_');
  const lake = ladder('lake_class_');
  return { river, lake: Object.values(lake).some((limit) => limit !== null) ? lake : river };
}

function decimal(cell: string, op: StandardItem['op'], fault: (reason: string) => SeedError): string {
  const form =
    op === 'range' ? /^\d+(\.\d+)?~\d+(\.\d+)?$/ : op === 'delta' ? /^rise<=\d+;drop<=\d+$/ : /^\d+(\.\d+)?$/;
  if (!form.test(cell)) throw fault(`"${cell}" is no limit for operator ${op}`);
  return cell;
}
