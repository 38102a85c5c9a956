/**
 * What a rule means for one series, or one station: a condition in canonical units. Pure; conditions are plain data, so
 * that a saved evaluation state can say by which one each reading was judged. What a reading is worth: grades.ts.
 */
import { limitFor, participates } from '#assess/classify.ts';
import { type Severity, WHOLE_STATION } from '#model/alarms/alarm.ts';
import { type Demand, demandOf, stepDemandOf } from '#model/alarms/threshold.ts';
import type { TargetClass, WaterBody, WaterClass } from '#model/class.ts';
import { durationMs } from '#model/duration.ts';
import { converted, type Parameter, type Standard } from '#model/reference.ts';
import { isPeriodRule, type PeriodRule, type Rule, type Station } from '#model/register.ts';
import { conversionOf } from '#model/units.ts';
import type { Calendar } from './calendar.ts';
import { type Expression, parametersNamed, parseExpression } from './expression.ts';

/** The limits of standards are inclusive; a threshold may also be strict. */
export type Bound = Demand;

type SeverityByClass = Partial<Record<WaterClass, Severity>>;

/** What is judged instead of the reading itself: something worked out from it and those before it. */
export type Derivation =
  | { kind: 'rate'; overMs: number; samples: number; concerns: 'water' | 'sensor' }
  | { kind: 'flat'; overMs: number; samples: number; concerns: 'water' | 'sensor' }
  | {
      kind: 'expression';
      text: string;
      when: Expression;
      /** What has to be true before it clears; null: that `when` is false. */
      clear: Expression | null;
      /** The parameters it names with their units, and how long a reading of each counts as its newest value. */
      inputs: { parameter: string; unit: string; freshMs: number }[];
    };

/** A severity that is reached further out, later, or both. */
interface SeverityStep {
  severity: Severity;
  bound: Bound | null;
  afterMs: number;
}

export interface Condition {
  parameter: string;
  unit: string;
  /** What a reading, or what is derived from it, must meet; null where a flag or an expression decides. */
  bound: Bound | null;
  derive: Derivation | null;
  /** What is judged instead of readings: the books of a closed period. */
  period?: PeriodRule['period'];
  /** Share of the limit that a reading must be better by before it speaks for clearing. */
  margin: number;
  forMs: number;
  clearForMs: number;
  /** So many breaches in a row before anything is raised. */
  minBreaches: number;
  /** An alarm stands at least so long after the last breach. */
  keepMs: number;
  /** Severity falls only after so long of less severe readings. */
  stepDownMs: number;
  steps: readonly SeverityStep[];
  /** A gap between usable readings longer than this ends a hold that has not raised anything. */
  holeMs: number;
  severity: Severity | SeverityByClass;
  target: TargetClass | null;
  /** The ladder that classes come from; null for rules that aren't about classes. */
  waterBody: WaterBody | null;
  /** Whether (value − limit) / limit may be stated. */
  statesMultiple: boolean;
  /** Whether an alarm whose condition is over waits for a reset; absent: no. */
  latch?: true;
  /** When readings count; absent: always. */
  calendar?: Calendar;
  /** Seq of the rule's version; absent in what earlier versions kept. */
  ruleSeq?: number;
}

/** A series without an interval counts as young for one hour (contracts §4). */
const YOUNG_MS = 3_600_000;

type ReadingRule = Exclude<Rule, { kind: 'missing' } | PeriodRule>;
type SeriesRule = Exclude<ReadingRule, { kind: 'expression' }>;

/** The condition of `rule` for one parameter at one station; null when the rule doesn't concern them. */
export function conditionFor(
  rule: Rule,
  stationId: string,
  station: Station,
  parameter: Parameter,
  standard: Standard,
): Condition | null {
  if (rule.kind === 'missing' || rule.kind === 'expression' || isPeriodRule(rule)) return null;
  if (!rule.enabled || !selects(rule, stationId, station)) return null;
  if (rule.parameters && !rule.parameters.includes(parameter.id)) return null;
  const ruled = bounded(rule, station, parameter, standard);
  if (!ruled) return null;
  return {
    parameter: parameter.id,
    unit: unitOf(rule, parameter),
    ...ruled,
    margin: rule.clear.margin,
    ...times.getOrInsertComputed(rule, timesOf),
    derive: derivationOf(rule),
    minBreaches: rule.kind === 'rate' || rule.kind === 'flat-line' ? 1 : (rule.minSamples ?? 1),
    steps: stepsOf(rule, parameter),
    holeMs: freshMsOf(station, parameter.id),
    severity: rule.severity,
    statesMultiple: parameter.multiple && (rule.kind === 'class' || rule.kind === 'threshold'),
    ...(rule.latch ? { latch: true } : {}),
  };
}

/** The condition of a rule of kind `expression` at one station; null when the rule doesn't concern it. */
export function expressionCondition(
  rule: ExpressionRule,
  stationId: string,
  station: Station,
  parameters: ReadonlyMap<string, Parameter>,
): Condition | null {
  if (!rule.enabled || !selects(rule, stationId, station)) return null;
  const named = parametersOf(rule)!.map((parameter) => ({
    parameter,
    unit: parameters.get(parameter)?.unit ?? '1',
    freshMs: freshMsOf(station, parameter),
  }));
  const clear = rule.clear.when === undefined ? null : parseExpression(rule.clear.when);
  return {
    parameter: WHOLE_STATION,
    unit: '1',
    bound: null,
    target: null,
    waterBody: null,
    margin: 0,
    ...times.getOrInsertComputed(rule, timesOf),
    derive: { kind: 'expression', text: rule.when, when: parseExpression(rule.when), clear, inputs: named },
    minBreaches: rule.minSamples ?? 1,
    steps: stepsOf(rule, null),
    // It can be judged whenever one of its values comes, so the most patient of them says what a hole is.
    holeMs: Math.max(...named.map(({ freshMs }) => freshMs)),
    severity: rule.severity,
    statesMultiple: false,
    ...(rule.latch ? { latch: true } : {}),
  };
}

/** The parameters that a rule is about; undefined for all. */
export function parametersOf(rule: Rule): readonly string[] | undefined {
  if (rule.kind !== 'expression') return 'parameters' in rule ? rule.parameters : undefined;
  return inputs.getOrInsertComputed(rule, inputsOf);
}

type ExpressionRule = Rule & { kind: 'expression' };

/** Like `times`: every series asks each such rule whether it is one of its inputs. */
const inputs = new WeakMap<ExpressionRule, readonly string[]>();

function inputsOf({ when, clear }: ExpressionRule): readonly string[] {
  return [...new Set([when, clear.when ?? ''].flatMap((text) => parametersNamed(text).map(({ id }) => id)))];
}

function freshMsOf(station: Station, parameter: string): number {
  const interval = station.parameters.find((entry) => entry.id === parameter)?.interval;
  return interval === undefined ? YOUNG_MS : 3 * durationMs(interval);
}

/** Read once a rule, not for each series that it watches. */
const times = new WeakMap<ReadingRule, ReturnType<typeof timesOf>>();

function timesOf(rule: ReadingRule): Pick<Condition, 'forMs' | 'clearForMs' | 'keepMs' | 'stepDownMs'> {
  return {
    forMs: durationMs(rule.for),
    clearForMs: durationMs(rule.clear.for),
    keepMs: durationMs(rule.keepFiringFor ?? 'PT0S'),
    stepDownMs: durationMs(rule.stepDownFor ?? 'PT0S'),
  };
}

function derivationOf(rule: ReadingRule): Derivation | null {
  if (rule.kind !== 'rate' && rule.kind !== 'flat-line') return null;
  const kind = rule.kind === 'rate' ? 'rate' : 'flat';
  return { kind, overMs: durationMs(rule.over), samples: rule.minSamples, concerns: rule.concerns };
}

function unitOf(rule: ReadingRule, { unit }: Parameter): string {
  return rule.kind === 'rate' ? `${unit}/h` : unit;
}

/** @param parameter whose unit the steps' limits are converted to. */
function stepsOf(rule: ReadingRule, parameter: Parameter | null): SeverityStep[] {
  return (rule.steps ?? []).map((step) => ({
    severity: step.severity,
    afterMs: durationMs(step.after ?? 'PT0S'),
    bound: parameter && stepBoundOf(rule, step, parameter),
  }));
}

function stepBoundOf(
  rule: ReadingRule,
  step: object & { limit?: number | undefined },
  parameter: Parameter,
): Bound | null {
  if (rule.kind === 'threshold') return canonicalDemand(stepDemandOf(rule, step), rule.unit, parameter);
  return step.limit === undefined ? null : boundOf(rule, step.limit, parameter);
}

/** A demand in the parameter's canonical unit; null when there is none or `unit` can't be converted to it. */
function canonicalDemand(demand: Demand | null, unit: string | undefined, parameter: Parameter): Demand | null {
  if (demand === null) return null;
  if (demand.op !== 'range') {
    const value = canonicalLimit(demand.value, unit, parameter);
    return value === null ? null : { ...demand, value };
  }
  const [low, high] = demand.value.map((limit) => canonicalLimit(limit, unit, parameter));
  return low == null || high == null ? null : { op: 'range', value: [low, high] };
}

/** What a value must meet by a rule about how it changes; null when `unit` can't be converted. */
function boundOf(rule: ReadingRule, limit: number, parameter: Parameter): Bound | null {
  if (rule.kind !== 'rate' && rule.kind !== 'flat-line') return null;
  const value = canonicalDifference(limit, rule.unit, parameter);
  if (value === null) return null;
  if (rule.kind === 'flat-line') return { op: '>', value };
  if (rule.direction === 'either') return { op: 'range', value: [-value, value] };
  return rule.direction === 'rising' ? { op: '<=', value } : { op: '>=', value: -value };
}

/** Whether a rule's selection holds for a station: every list that is given must name it. */
export function selects(rule: Rule, stationId: string, station: Station): boolean {
  const { stations, areas, rivers, kinds, targets, tags } = rule.select;
  return (
    (!stations || stations.includes(stationId)) &&
    (!areas || (station.area !== undefined && areas.includes(station.area))) &&
    (!rivers || (station.river !== undefined && rivers.includes(station.river))) &&
    (!kinds || kinds.includes(station.kind)) &&
    (!targets || (station.target != null && targets.includes(station.target))) &&
    Object.entries(tags ?? {}).every(
      ([tag, values]) => values.includes(station.tags?.[tag] ?? '') && hasTag(station, tag),
    )
  );
}

function hasTag(station: Station, tag: string): boolean {
  return station.tags !== undefined && Object.hasOwn(station.tags, tag);
}

/** The class that a class rule demands of a station, null when the station has none. */
export function targetOf(rule: Rule, station: Station): TargetClass | null {
  if (rule.kind !== 'class' && rule.kind !== 'assessed') return null;
  return rule.target === 'station' ? (station.target ?? null) : rule.target;
}

type Ruled = Pick<Condition, 'bound' | 'target' | 'waterBody'>;

function bounded(rule: SeriesRule, station: Station, parameter: Parameter, standard: Standard): Ruled | null {
  if (rule.kind === 'quality') return { bound: null, target: null, waterBody: null };
  if (rule.kind === 'threshold') {
    const bound = canonicalDemand(demandOf(rule), rule.unit, parameter);
    return bound && { bound, target: null, waterBody: null };
  }
  if (rule.kind !== 'class') {
    const limit = rule.kind === 'flat-line' ? rule.tolerance : rule.limit;
    const bound = boundOf(rule, limit, parameter);
    return bound && { bound, target: null, waterBody: null };
  }
  // Indicators that take no part in a section's class (total nitrogen, coliforms) alarm only when a rule names them.
  if (!rule.parameters && !participates(standard, parameter.id)) return null;
  const target = targetOf(rule, station);
  const bound = target && limitFor(standard, parameter.id, station.waterBody, target);
  return bound ? { bound, target, waterBody: station.waterBody } : null;
}

/** A limit in the parameter's canonical unit, converted as readings are; null when `unit` can't be converted to it. */
export function canonicalLimit(limit: number, unit: string | undefined, parameter: Parameter): number | null {
  if (unit === undefined || unit === parameter.unit) return limit;
  const conversion = conversionOf(parameter, unit);
  return conversion ? converted(limit, conversion) : null;
}

/** A difference between two values, such as a change an hour: of another scale, but not of another zero. */
export function canonicalDifference(difference: number, unit: string | undefined, parameter: Parameter): number | null {
  if (unit === undefined || unit === parameter.unit) return difference;
  const conversion = conversionOf(parameter, unit);
  return conversion ? converted(difference, { ...conversion, offset: 0 }) : null;
}
