/**
 * Loads a file of criteria: limits by level with conditions, statistics and allowed failures. Format: docs/seeds.md.
 * Limits are written as text (`"<= 8"`, `"6~9"`, `not-detected`) so that YAML never makes a float of them.
 */
import { z } from 'zod';
import type { Bound, Bounds, Condition, Criterion } from '#model/criterion.ts';
import { durationMs } from '#model/duration.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { id } from '#model/register.ts';
import { SeedError } from './seed-error.ts';
import { readYaml, yamlFault } from './yaml-file.ts';

const DECIMAL = String.raw`\d+(?:\.\d+)?(?:[eE]-?\d+)?`;
const decimal = z.string().regex(new RegExp(`^-?${DECIMAL}$`), 'a decimal in quotation marks, such as "0.5"');
const formula = z.strictObject({
  op: z.enum(['<=', '>=']),
  formula: z.strictObject({ variable: id, slope: decimal, intercept: decimal, factor: decimal.default('1') }),
});
const bounds = z.record(z.string().min(1), z.union([z.string(), formula, z.null()]));
const operator = z.enum(['<=', '>=', '<', '>']);
const share = z.number().min(0).max(1);
const duration = z.string().refine((text) => {
  try {
    return durationMs(text) > 0;
  } catch {
    return false;
  }
}, 'an ISO 8601 duration such as P1D');

const condition = z.union([
  z.strictObject({ parameter: id, op: operator, value: decimal, limits: bounds }),
  z.strictObject({ level: z.string(), inflowAbove: decimal, removal: decimal }),
]);
const statistic = z
  .strictObject({
    kind: z.enum(['each', 'mean', 'geometric-mean', 'max', 'min', 'percentile']).default('each'),
    window: duration.nullable().default(null),
    percentile: z.number().gt(0).lt(100).nullable().default(null),
    method: z.enum(['rank', 'lognormal']).default('rank'),
    samplesMin: z.number().int().min(1).default(1),
  })
  .refine((one) => (one.kind === 'percentile') === (one.percentile !== null), 'kind percentile needs its percentile')
  .refine(
    ({ method, percentile }) => method === 'rank' || percentile === 90 || percentile === 95,
    'method lognormal knows the percentiles 90 and 95',
  );
const count = z.number().int().min(0);
const allowance = z
  .strictObject({
    table: z.array(z.tuple([count, count, count])).default([]),
    share: share.nullable().default(null),
    count: count.nullable().default(null),
    worstFactor: z.number().min(1).nullable().default(null),
  })
  .refine(
    (one) => Number(one.table.length > 0) + Number(one.share !== null) + Number(one.count !== null) === 1,
    'an allowance is one of table, share and count',
  );

const criterion = z
  .strictObject({
    parameter: id.optional(),
    ratios: z.array(z.strictObject({ parameter: id, limit: decimal })).default([]),
    clause: z.string().min(1),
    unit: z.string().default(''),
    limits: bounds,
    when: z.array(condition).default([]),
    where: z
      .strictObject({
        waterBody: z.enum(['river', 'lake']).optional(),
        use: z.string().optional(),
        scale: z.string().optional(),
        builtFrom: z.iso.date().optional(),
        builtBefore: z.iso.date().optional(),
      })
      .default({}),
    statistic: statistic.optional(),
    allowance: allowance.optional(),
    belowDetection: z.enum(['half', 'zero', 'limit', 'ignore']).default('half'),
    excludableShare: share.default(0),
    decimals: z.number().int().min(0).max(9).nullable().default(null),
  })
  .refine((one) => (one.parameter === undefined) === one.ratios.length > 0, 'needs either a parameter or ratios');

const criteriaFile = z.strictObject({
  levels: z.array(z.string().min(1)).min(1),
  /** For every criterion that has none of its own. */
  statistic: statistic.prefault({}),
  criteria: z.array(criterion).min(1),
});

type Fault = (reason: string) => SeedError;

/** @param name how messages call the file. @throws SeedError naming file, line, item and reason. */
export function loadCriteria(
  path: string,
  name: string,
  parameters: ReadonlyMap<string, Parameter>,
): Pick<Standard, 'levels' | 'criteria'> {
  const file = readYaml(path, name);
  const parsed = criteriaFile.safeParse(file.data);
  if (!parsed.success) {
    const [key, index] = parsed.error.issues[0]!.path;
    const item =
      key === 'criteria' ? (file.data as { criteria: { parameter?: unknown }[] }).criteria[Number(index)] : null;
    throw yamlFault(file, [], typeof item?.parameter === 'string' ? item.parameter : null, parsed.error);
  }
  const { levels, statistic: usual } = parsed.data;
  const criteria = parsed.data.criteria.map((entry, index): Criterion => {
    const item = entry.parameter ?? entry.ratios.map(({ parameter }) => parameter).join(' + ');
    const fault = (reason: string) => new SeedError(name, file.lineOf(['criteria', index]), item, reason);
    checkParameters(entry, parameters, fault);
    return {
      ...entry,
      parameter: entry.parameter ?? null,
      statistic: entry.statistic ?? usual,
      allowance: entry.allowance ?? null,
      limits: toBounds(entry.limits, levels, fault),
      when: entry.when.map((one) => toCondition(one, levels, fault)),
    };
  });
  return { levels, criteria };
}

function checkParameters(
  { parameter, ratios, when, unit }: z.infer<typeof criterion>,
  parameters: ReadonlyMap<string, Parameter>,
  fault: Fault,
): void {
  const conditions = when.flatMap((one) => ('parameter' in one ? [one.parameter] : []));
  for (const named of [parameter ?? [], ratios.map((one) => one.parameter), conditions].flat()) {
    if (!parameters.has(named)) throw fault(`no such parameter: ${named}`);
  }
  const known = parameter === undefined ? undefined : parameters.get(parameter)!;
  if (known && known.units[unit]?.factor !== 1) {
    throw fault(`limits are in "${unit}", the parameter is kept in "${known.unit}"`);
  }
}

function toCondition(one: z.infer<typeof condition>, levels: readonly string[], fault: Fault): Condition {
  if ('parameter' in one) return { kind: 'measured', ...one, limits: toBounds(one.limits, levels, fault) };
  const { level, inflowAbove: value, removal } = one;
  if (!levels.includes(level)) throw fault(`there is no level "${level}"`);
  return { kind: 'removal', level, value, removal };
}

/** Every level has its word, `null` for no limit: what is left out could as well have been forgotten. */
function toBounds(given: z.infer<typeof bounds>, levels: readonly string[], fault: Fault): Bounds {
  const stray = Object.keys(given).find((level) => !levels.includes(level));
  if (stray !== undefined) throw fault(`there is no level "${stray}": they are ${levels.join(', ')}`);
  const gap = levels.find((level) => !Object.hasOwn(given, level));
  if (gap !== undefined) throw fault(`level ${gap} is missing: give its limit, or null for none`);
  const entries = levels.map((level) => [level, toBound(given[level]!, fault)] as const);
  const bound = (index: number) => entries[index]![1];
  for (let worse = 1; worse < entries.length; worse++) {
    if (!isStricter(bound(worse), bound(worse - 1))) continue;
    throw fault(`the limit of ${levels[worse]} is stricter than that of ${levels[worse - 1]}`);
  }
  return Object.fromEntries(entries);
}

function isStricter(worse: Bound | null, better: Bound | null): boolean {
  if (!worse || !better || !('value' in worse) || !('value' in better)) return false;
  return worse.op.startsWith('<')
    ? Number(worse.value) < Number(better.value)
    : Number(worse.value) > Number(better.value);
}

const LIMIT = new RegExp(`^(<=|>=|<|>) *(${DECIMAL})$`);
const RANGE = new RegExp(`^(${DECIMAL}) *~ *(${DECIMAL})$`);
const CHANGE = new RegExp(`^rise *<= *(${DECIMAL}) *; *drop *<= *(${DECIMAL})$`);

function toBound(given: string | null | z.infer<typeof formula>, fault: Fault): Bound | null {
  if (given === null || typeof given === 'object') return given;
  if (given === 'not-detected') return { op: 'not-detected' };
  const limit = LIMIT.exec(given);
  if (limit) return { op: limit[1] as '<=', value: limit[2]! };
  const range = RANGE.exec(given);
  if (range && Number(range[1]) < Number(range[2])) return { op: 'range', low: range[1]!, high: range[2]! };
  const change = CHANGE.exec(given);
  if (change) return { op: 'change', rise: change[1]!, drop: change[2]! };
  throw fault(`"${given}" is no limit such as "<= 0.5", "6~9", "rise<=1; drop<=2" or not-detected`);
}
