/**
 * Judges what was measured by a standard of criteria (discharges by GB 18918-2002, say): which limit holds here and now,
 * which number of the samples is compared with it, and how many may fail. Every answer says why something wasn't judged.
 */
import type { WaterBody } from '#model/class.ts';
import type { Allowance, Bound, Condition, Criterion, Where } from '#model/criterion.ts';
import { settled, signOfSum } from '#model/decimal.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { boundText, breaksBound, type CompareBound } from './bounds.ts';
import { meanOf } from './period-mean.ts';
import { roundHalfEven } from './rounding.ts';

/** `below`: not found, `value` being the detection limit. `isExcludable`: marked, as of a short-term pollution. */
export interface CriterionSample {
  value: number;
  below?: boolean | undefined;
  isExcludable?: boolean | undefined;
}

/** Where and what is judged. Samples are those of one window of the criterion, canonical units. */
export interface Occasion {
  level: string;
  waterBody?: WaterBody | undefined;
  use?: string | undefined;
  scale?: string | undefined;
  /** ISO date of construction. */
  builtOn?: string | undefined;
  samples: ReadonlyMap<string, readonly CriterionSample[]>;
  /** What flowed in, for rates of removal. */
  inflow?: ReadonlyMap<string, number> | undefined;
}

export const NOT_JUDGED = [
  'not-measured',
  'too-few-samples',
  'not-finite',
  'negative',
  'no-limit',
  'condition-unknown',
  'built-unknown',
  'detection-limit',
] as const;
type NotJudged = (typeof NOT_JUDGED)[number];

export interface Verdict {
  parameter: string;
  clause: string;
  /** As compared; null where each sample is compared, and then `samples` says how many failed. */
  value: number | null;
  /** The limit as text: `<= 8`, `6~9`, `not-detected`. */
  limit: string;
  isMet: boolean;
  /** (value − limit) / limit of the compared value, or of the worst sample; null where none is stated. */
  multiple: number | null;
  samples: { count: number; failed: number; allowed: number };
}

export interface CriteriaAssessment {
  verdicts: Verdict[];
  notJudged: { parameter: string; clause: string; reason: NotJudged }[];
}

/** @param occasion its level must be one of the standard's. */
export function assessCriteria(
  standard: Standard,
  parameters: ReadonlyMap<string, Parameter>,
  occasion: Occasion,
): CriteriaAssessment {
  const verdicts: Verdict[] = [];
  const notJudged: CriteriaAssessment['notJudged'] = [];
  for (const criterion of standard.criteria) {
    const place = holdsAt(criterion.where, occasion);
    if (place === false) continue;
    const { clause } = criterion;
    const parameter = criterion.parameter ?? criterion.ratios.map((one) => one.parameter).join(' + ');
    const found = place === null ? 'built-unknown' : judge(criterion, parameters, occasion, parameter);
    if (typeof found === 'string') notJudged.push({ parameter, clause, reason: found });
    else verdicts.push(found);
  }
  return { verdicts, notJudged };
}

/** Null: depends on the date of construction, which isn't known. */
function holdsAt(where: Where, { waterBody, use, scale, builtOn }: Occasion): boolean | null {
  if (where.waterBody !== undefined && where.waterBody !== waterBody) return false;
  if (where.use !== undefined && where.use !== use) return false;
  if (where.scale !== undefined && where.scale !== scale) return false;
  if (where.builtFrom === undefined && where.builtBefore === undefined) return true;
  if (builtOn === undefined) return null;
  return (
    (where.builtFrom === undefined || builtOn >= where.builtFrom) &&
    (where.builtBefore === undefined || builtOn < where.builtBefore)
  );
}

function judge(
  criterion: Criterion,
  parameters: ReadonlyMap<string, Parameter>,
  occasion: Occasion,
  parameter: string,
): Verdict | NotJudged {
  const samples = criterion.parameter === null ? ratioOf(criterion, occasion) : samplesOf(criterion, occasion);
  if (typeof samples === 'string') return samples;
  const removal = removalOf(criterion, occasion, samples);
  if (removal) return { parameter, clause: criterion.clause, ...removal };
  const bound = boundOf(criterion, occasion);
  if (typeof bound === 'string') return bound;
  const limit = resolved(bound, occasion);
  if (limit === null) return 'condition-unknown';
  const kind = parameters.get(parameter)?.mean ?? 'arithmetic';
  const states = parameters.get(parameter)?.multiple ?? true;
  return compare(criterion, samples, limit, { parameter, kind, states });
}

function samplesOf(criterion: Criterion, { samples }: Occasion): readonly CriterionSample[] | NotJudged {
  const all = samples.get(criterion.parameter!) ?? [];
  const room = Math.floor(criterion.excludableShare * all.length);
  const marked = all.filter((sample) => sample.isExcludable).slice(0, room);
  const used = all.filter(
    (sample) => !marked.includes(sample) && !(sample.below && criterion.belowDetection === 'ignore'),
  );
  if (all.length === 0) return 'not-measured';
  if (used.some(({ value }) => !Number.isFinite(value))) return 'not-finite';
  const bounds = Object.values(criterion.limits);
  if (used.some(({ value }) => value < 0) && !bounds.some((bound) => bound?.op === 'change')) return 'negative';
  return used.length < criterion.statistic.samplesMin ? 'too-few-samples' : used;
}

/** Σ mean / limit, as the one sample that is compared. */
function ratioOf({ ratios, belowDetection }: Criterion, { samples }: Occasion): CriterionSample[] | NotJudged {
  let sum = 0;
  for (const { parameter, limit } of ratios) {
    const own = (samples.get(parameter) ?? []).filter((one) => !(one.below && belowDetection === 'ignore'));
    if (own.length === 0) return 'not-measured';
    if (own.some(({ value }) => !Number.isFinite(value))) return 'not-finite';
    if (own.some(({ value }) => value < 0)) return 'negative';
    sum +=
      meanOf(
        own.map((one) => counted(one, belowDetection)),
        'arithmetic',
      )! / Number(limit);
  }
  return [{ value: sum }];
}

function counted({ value, below }: CriterionSample, rule: Criterion['belowDetection']): number {
  if (!below || rule === 'limit') return value;
  return rule === 'half' ? value / 2 : 0;
}

/** GB 18918-2002 table 1 note 1: from a strong inflow a share must be removed, instead of the limit. */
function removalOf(criterion: Criterion, occasion: Occasion, samples: readonly CriterionSample[]) {
  const inflow = criterion.parameter === null ? undefined : occasion.inflow?.get(criterion.parameter);
  const condition = criterion.when.find(
    (one): one is Extract<Condition, { kind: 'removal' }> => one.kind === 'removal' && one.level === occasion.level,
  );
  if (!condition || inflow === undefined || !(inflow > Number(condition.value))) return null;
  const outflow = meanOf(
    samples.map((one) => counted(one, criterion.belowDetection)),
    'arithmetic',
  )!;
  const value = (inflow - outflow) / inflow;
  const isMet = settled(value) > Number(condition.removal);
  const limit = `removal > ${condition.removal}`;
  return { value, limit, isMet, multiple: null, samples: { count: samples.length, failed: isMet ? 0 : 1, allowed: 0 } };
}

/** The first condition that holds gives the bound; one that can't be told leaves the matter open. */
function boundOf({ when, limits }: Criterion, { level, samples }: Occasion): Bound | NotJudged {
  for (const condition of when) {
    if (condition.kind !== 'measured') continue;
    const own = samples.get(condition.parameter) ?? [];
    const mean = meanOf(own.map((one) => one.value).filter(Number.isFinite), 'arithmetic');
    if (mean === null) {
      // Where the condition changes nothing for this level it need not be known.
      if (JSON.stringify(condition.limits[level]) !== JSON.stringify(limits[level])) return 'condition-unknown';
    } else if (!breaksBound({ op: condition.op, value: Number(condition.value) }, mean)) {
      return condition.limits[level] ?? 'no-limit';
    }
  }
  return limits[level] ?? 'no-limit';
}

/** The bound in numbers; null when its formula's variable isn't known. */
function resolved(bound: Bound, { samples }: Occasion): CompareBound | null {
  if (!('formula' in bound)) return toCompare(bound);
  const { variable, slope, intercept, factor } = bound.formula;
  const mean = meanOf(
    (samples.get(variable) ?? []).map((one) => one.value),
    'arithmetic',
  );
  if (mean === null || !(mean > 0)) return null;
  return { op: bound.op, value: Number(factor) * Math.exp(Number(slope) * Math.log(mean) + Number(intercept)) };
}

function toCompare(bound: Exclude<Bound, { formula: unknown }>): CompareBound {
  switch (bound.op) {
    case 'range':
      return { op: 'range', low: Number(bound.low), high: Number(bound.high) };
    case 'change':
      return { op: 'change', rise: Number(bound.rise), drop: Number(bound.drop) };
    case 'not-detected':
      return bound;
    default:
      return { op: bound.op, value: Number(bound.value) };
  }
}

function compare(
  criterion: Criterion,
  samples: readonly CriterionSample[],
  limit: CompareBound,
  { parameter, kind, states }: { parameter: string; kind: Parameter['mean']; states: boolean },
): Verdict | NotJudged {
  const { clause, decimals, statistic, allowance, belowDetection } = criterion;
  const rounded = (value: number) => (decimals === null ? value : roundHalfEven(value, decimals));
  // Of what isn't found a detection limit above the limit says nothing (evaluation rules, section 3).
  const isUpper = limit.op === '<=' || limit.op === '<';
  if (isUpper && samples.every(({ below, value }) => below && value > limit.value)) return 'detection-limit';
  const values = samples.map((one) => rounded(counted(one, belowDetection)));
  const fails = (value: number, index?: number) =>
    limit.op === 'not-detected' ? !(samples[index!]!.below || samples[index!]!.value === 0) : breaksBound(limit, value);
  const multipleOf = (value: number) => (states && isUpper ? (value - limit.value) / limit.value : null);
  const common = { parameter, clause, limit: boundText(limit) };
  if (statistic.kind === 'each' || limit.op === 'not-detected') {
    const failed = values.filter(fails).length;
    const allowed = allowedOf(allowance, values.length);
    const worst = isUpper ? Math.max(...values) : null;
    const isWild =
      allowance?.worstFactor != null &&
      worst !== null &&
      isUpper &&
      isManyTimes(worst, allowance.worstFactor, limit.value);
    const multiple = worst === null || failed === 0 ? null : multipleOf(worst);
    return {
      ...common,
      value: null,
      isMet: failed <= allowed && !isWild,
      multiple,
      samples: { count: values.length, failed, allowed },
    };
  }
  const value = rounded(statisticOf(criterion, values, kind));
  const isMet = !fails(value);
  const counts = { count: values.length, failed: isMet ? 0 : 1, allowed: 0 };
  return { ...common, value, isMet, multiple: isMet ? null : multipleOf(value), samples: counts };
}

function isManyTimes(value: number, factor: number, limit: number): boolean {
  const terms = [
    [1, value],
    [-factor, limit],
  ] as const;
  return signOfSum(terms) > 0;
}

function allowedOf(allowance: Allowance | null, count: number): number {
  if (allowance === null) return 0;
  if (allowance.count !== null) return allowance.count;
  if (allowance.share !== null) return Math.floor(allowance.share * count + 1e-9);
  return allowance.table.find(([from, to]) => count >= from && count <= to)?.[2] ?? 0;
}

function statisticOf({ statistic }: Criterion, values: readonly number[], kind: Parameter['mean']): number {
  switch (statistic.kind) {
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
    case 'percentile':
      return statistic.method === 'rank'
        ? rankPercentile(values, statistic.percentile!)
        : lognormalPercentile(values, statistic.percentile!);
    case 'geometric-mean':
      return meanOf(values, 'geometric')!;
    default:
      return meanOf(values, kind)!;
  }
}

/** The least value that at least p % of the values don't exceed. */
function rankPercentile(values: readonly number[], percentile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((percentile / 100) * sorted.length - 1e-9) - 1]!;
}

/** z as Directive 2006/7/EC annex II prints it; a standard's file can ask for no other. */
const Z: Record<number, number> = { 90: 1.282, 95: 1.65 };

function lognormalPercentile(values: readonly number[], percentile: number): number {
  const logs = values.map((value) => Math.log10(Math.max(value, Number.MIN_VALUE)));
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.length < 2 ? 0 : logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  return 10 ** (mean + Z[percentile]! * Math.sqrt(variance));
}
