/**
 * What a rule means for one series: a condition in canonical units, and what one reading is worth under it. Pure;
 * conditions are plain data, so that a saved evaluation state can say by which one each reading was judged.
 */
import { classOf, limitFor, participates } from '#assess/classify.ts';
import type { Alarm, Severity } from '#model/alarm.ts';
import { CLASSES, type Limit, meets, type TargetClass, type WaterBody, type WaterClass } from '#model/class.ts';
import { durationMs } from '#model/duration.ts';
import { FAIL, isServiceLetter, isUsable, SUSPECT } from '#model/flag.ts';
import type { Reading } from '#model/reading.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import type { Rule, Station } from '#model/register.ts';

/** The limits of standards are inclusive; a threshold may also be strict. */
type Bound = Limit | { op: '<'; value: number } | { op: '>'; value: number };

type SeverityByClass = Partial<Record<WaterClass, Severity>>;

export interface Condition {
  parameter: string;
  unit: string;
  /** What a reading must meet; null for rules about quality, where the flag decides. */
  bound: Bound | null;
  /** Share of the limit that a reading must be better by before it speaks for clearing. */
  margin: number;
  forMs: number;
  clearForMs: number;
  /** A gap between usable readings longer than this ends a hold that has not raised anything. */
  holeMs: number;
  severity: Severity | SeverityByClass;
  target: TargetClass | null;
  /** The ladder that classes come from; null for rules that aren't about classes. */
  waterBody: WaterBody | null;
  /** Whether (value − limit) / limit may be stated. */
  statesMultiple: boolean;
}

/** A series without an interval counts as young for one hour (contracts §4). */
const YOUNG_MS = 3_600_000;

/** The condition of `rule` for one parameter at one station; null when the rule doesn't concern them. */
export function conditionFor(
  rule: Rule,
  stationId: string,
  station: Station,
  parameter: Parameter,
  standard: Standard,
): Condition | null {
  if (!rule.enabled || !selects(rule, stationId, station)) return null;
  if (rule.parameters && !rule.parameters.includes(parameter.id)) return null;
  const ruled = bounded(rule, station, parameter, standard);
  if (!ruled) return null;
  const interval = station.parameters.find((entry) => entry.id === parameter.id)?.interval;
  return {
    parameter: parameter.id,
    unit: parameter.unit,
    ...ruled,
    margin: rule.clear.margin,
    forMs: durationMs(rule.for),
    clearForMs: durationMs(rule.clear.for),
    holeMs: interval === undefined ? YOUNG_MS : 3 * durationMs(interval),
    severity: rule.severity,
    statesMultiple: parameter.multiple,
  };
}

/** Whether a rule's selection holds for a station: every list that is given must name it. */
export function selects(rule: Rule, stationId: string, station: Station): boolean {
  const { stations, areas, rivers, kinds, targets } = rule.select;
  return (
    (!stations || stations.includes(stationId)) &&
    (!areas || (station.area !== undefined && areas.includes(station.area))) &&
    (!rivers || (station.river !== undefined && rivers.includes(station.river))) &&
    (!kinds || kinds.includes(station.kind)) &&
    (!targets || (station.target != null && targets.includes(station.target)))
  );
}

/** The class that a class rule demands of a station, null when the station has none. */
export function targetOf(rule: Rule, station: Station): TargetClass | null {
  if (rule.kind !== 'class') return null;
  return rule.target === 'station' ? (station.target ?? null) : rule.target;
}

type Ruled = Pick<Condition, 'bound' | 'target' | 'waterBody'>;

function bounded(rule: Rule, station: Station, parameter: Parameter, standard: Standard): Ruled | null {
  if (rule.kind === 'quality') return { bound: null, target: null, waterBody: null };
  if (rule.kind === 'threshold') {
    const value = canonicalLimit(rule.limit, rule.unit, parameter);
    return value === null ? null : { bound: { op: rule.op, value }, target: null, waterBody: null };
  }
  // Indicators that take no part in a section's class (total nitrogen, coliforms) alarm only when a rule names them.
  if (!rule.parameters && !participates(standard, parameter.id)) return null;
  const target = targetOf(rule, station);
  const bound = target && limitFor(standard, parameter.id, station.waterBody, target);
  return bound ? { bound, target, waterBody: station.waterBody } : null;
}

/** A limit in the parameter's canonical unit; null when `unit` can't be converted to it. */
export function canonicalLimit(limit: number, unit: string | undefined, parameter: Parameter): number | null {
  if (unit === undefined || unit === parameter.unit) return limit;
  const conversion = Object.hasOwn(parameter.units, unit) ? parameter.units[unit] : undefined;
  // Without the last-bit noise of binary multiplication, so that 500 µg/L is 0.5 mg/L.
  return conversion ? Number((limit * conversion.factor + conversion.offset).toPrecision(15)) : null;
}

/**
 * What a reading is worth under a condition, as a small number that a window keeps: it meets the limit with the
 * clearing margin (`CLEAR`), without it (`NEAR`), or breaks it (`BREACH` + the class reached).
 */
export type Grade = number;
export const CLEAR = 0;
export const NEAR = 1;
/** Grades from here on are breaches: 2 + index in `CLASSES`, or `BREACH_UNCLASSED`. */
export const BREACH = 2;
const BREACH_UNCLASSED = BREACH + CLASSES.length;

/** The grade of a breach that reached this class. */
export function gradeOfClass(reached: WaterClass | null): Grade {
  return reached === null ? BREACH_UNCLASSED : BREACH + CLASSES.indexOf(reached);
}

function classOfGrade(grade: Grade): WaterClass | null {
  return CLASSES[grade - BREACH] ?? null;
}

/**
 * The grade of a reading, or null when it neither holds nor breaks anything: flags 3, 4 and 9 for limits; for quality
 * rules flag 9 and whatever stands under a maintenance or calibration letter.
 */
export function judge(
  condition: Condition,
  reading: Pick<Reading, 'value' | 'flag' | 'deviceFlag'>,
  standard: Standard,
): Grade | null {
  const { value, flag } = reading;
  if (value === null) return null;
  if (condition.bound === null) {
    if (isServiceLetter(reading.deviceFlag)) return null;
    return flag === SUSPECT || flag === FAIL ? BREACH_UNCLASSED : CLEAR;
  }
  if (!isUsable(flag)) return null;
  if (!meetsBound(value, condition.bound)) {
    if (condition.waterBody === null) return BREACH_UNCLASSED;
    return gradeOfClass(classOf(standard, condition.parameter, condition.waterBody, value));
  }
  return isClear(value, condition.bound, condition.margin) ? CLEAR : NEAR;
}

function meetsBound(value: number, bound: Bound): boolean {
  switch (bound.op) {
    case '<':
      return value < bound.value;
    case '>':
      return value > bound.value;
    default:
      return meets(value, bound);
  }
}

/**
 * Whether a value that meets the limit is better than it by the margin. The margin is a share of the limit's size, so
 * that with a negative limit, too, a greater margin asks for more; a limit of zero has no margin.
 */
function isClear(value: number, bound: Bound, margin: number): boolean {
  const share = (limit: number) => margin * Math.abs(limit);
  switch (bound.op) {
    case '<=':
    case '<':
      return value <= bound.value - share(bound.value);
    case '>=':
    case '>':
      return value >= bound.value + share(bound.value);
    case 'range': {
      const [low, high] = bound.value;
      return value >= low + share(low) && value <= high - share(high);
    }
  }
}

/**
 * The severity of a breach. A table of severities needs no line for every class: a class without one has that of the
 * nearest better class that has one, else of the nearest worse; an unclassed breach has that of the worst line.
 */
export function severityOf(condition: Condition, grade: Grade): Severity {
  const { severity } = condition;
  if (typeof severity === 'string') return severity;
  const reached = classOfGrade(grade);
  const from = reached === null ? CLASSES.length - 1 : CLASSES.indexOf(reached);
  const better = CLASSES.slice(0, from + 1).reverse();
  const line = [...better, ...CLASSES.slice(from + 1)].find((candidate) => severity[candidate] !== undefined);
  // An empty table is refused by checkRule; one that came in otherwise is worth an ordinary alarm.
  return line === undefined ? 'major' : severity[line]!;
}

/** What an alarm says about a value that broke its condition. */
export function findingOf(
  condition: Condition,
  value: number,
  grade: Grade,
): Pick<Alarm, 'value' | 'unit' | 'limit' | 'op' | 'target' | 'class' | 'multiple'> {
  const broken = sideOf(condition.bound, value);
  return {
    value,
    unit: condition.unit,
    limit: broken?.limit ?? null,
    op: broken?.op ?? null,
    target: condition.target,
    class: classOfGrade(grade),
    multiple: broken && condition.statesMultiple ? multipleOf(value, broken.limit, broken.op) : null,
  };
}

/** The one-sided limit that a value broke: for a range the side that it is out of. */
function sideOf(bound: Bound | null, value: number): { op: NonNullable<Alarm['op']>; limit: number } | null {
  if (bound === null) return null;
  if (bound.op !== 'range') return { op: bound.op, limit: bound.value };
  const [low, high] = bound.value;
  return value < low ? { op: '>=', limit: low } : { op: '<=', limit: high };
}

/** How often a maximum is exceeded (超标倍数), (value − limit) / limit, free of binary noise; null for what has none. */
function multipleOf(value: number, limit: number, op: NonNullable<Alarm['op']>): number | null {
  if (limit <= 0 || op === '>=' || op === '>') return null;
  return Number(((value - limit) / limit).toPrecision(12));
}

/** A value that broke a condition, with what it is worth. */
export interface Finding {
  value: number;
  grade: Grade;
  condition: Condition;
}

/** The worse of two breaches: by the class reached, then by the distance from the limit. */
export function isWorse(a: Finding, b: Finding): boolean {
  if (a.grade !== b.grade) return a.grade > b.grade;
  const distance = ({ value, condition }: Finding) =>
    Math.abs(value - (sideOf(condition.bound, value)?.limit ?? value));
  return distance(a) > distance(b);
}
