/**
 * What a reading is worth under a condition, how severe a breach is, and what an alarm says about it. Pure.
 */
import { classOf } from '#assess/classify.ts';
import { type Alarm, SEVERITIES, type Severity, type Worst } from '#model/alarms/alarm.ts';
import { CLASSES, meets, type WaterClass } from '#model/class.ts';
import { signOfSum } from '#model/decimal.ts';
import type { Letters } from '#model/dialect.ts';
import { FAIL, isServiceLetter, isUnexplained, isUsable, SUSPECT } from '#model/flag.ts';
import type { Censored, Reading } from '#model/reading.ts';
import type { Standard } from '#model/reference.ts';
import { isWithin } from './calendar.ts';
import type { Bound, Condition } from './conditions.ts';

/**
 * What a reading is worth under a condition, as a small number that a window keeps: it meets the limit with the
 * clearing margin (`CLEAR`), without it (`NEAR`), or breaks it (`BREACH` + the class reached); or nobody looks (`OUTSIDE`).
 */
export type Grade = number;
export const CLEAR = 0;
/** The rule's calendar doesn't let it look at that time, whatever the value. */
export const OUTSIDE = -1;
export const NEAR = 1;
/** Grades from here on are breaches: 2 + index in `CLASSES`, or `BREACH_UNCLASSED`. */
export const BREACH = 2;
export const BREACH_UNCLASSED = BREACH + CLASSES.length;

/** The grade of a breach that reached this class. */
export function gradeOfClass(reached: WaterClass | null): Grade {
  return reached === null ? BREACH_UNCLASSED : BREACH + CLASSES.indexOf(reached);
}

function classOfGrade(grade: Grade): WaterClass | null {
  return CLASSES[grade - BREACH] ?? null;
}

/** What is judged of a reading. */
export type Read = Pick<Reading, 'value' | 'flag' | 'deviceFlag' | 'censored'>;

/**
 * The grade of a reading, or null when it neither holds nor breaks anything: flags 3, 4 and 9 for limits, and what lies
 * beyond a limit of the instrument when that decides nothing; for quality rules see `judgeSensor`.
 * @param letters what device letters mean at the station.
 */
export function judge(
  condition: Condition,
  reading: Read,
  standard: Standard,
  letters: Letters | undefined,
): Grade | null {
  const { value, flag, censored } = reading;
  if (value === null) return null;
  if (condition.bound === null) return judgeSensor(reading, letters);
  if (!isUsable(flag)) return null;
  if (censored !== undefined && !isDecided(value, censored, condition.bound)) return null;
  if (!meetsBound(value, condition.bound)) {
    if (condition.waterBody === null) return BREACH_UNCLASSED;
    return gradeOfClass(classOf(standard, condition.parameter, condition.waterBody, value));
  }
  return isClear(value, condition.bound, condition.margin) ? CLEAR : NEAR;
}

/**
 * Suspect and failed readings say something about the sensor, save under letters that alarm nobody. Below what it can see
 * all is well with it. Above its range it says too little of the water for anybody to be left in peace, whatever its flag.
 */
function judgeSensor({ flag, deviceFlag, censored }: Read, letters: Letters | undefined): Grade | null {
  if (alarmsNobody(deviceFlag, letters)) return null;
  if (isUsable(flag)) return censored === '>' ? BREACH_UNCLASSED : CLEAR;
  if (censored === '<') return null;
  return flag === SUSPECT || flag === FAIL ? BREACH_UNCLASSED : CLEAR;
}

/** Maintenance and calibration, and what nobody has explained, of which the platform tells (contracts §6). */
function alarmsNobody(deviceFlag: string | null, letters: Letters | undefined): boolean {
  return isServiceLetter(deviceFlag, letters) || isUnexplained(deviceFlag, letters);
}

/** A share of the limit that is beyond what decimals and doubles may differ by. */
const HAIR = 1e-9;

/**
 * Between which values, both excluded, a usable reading surely is `CLEAR`; null where more than its value decides. A hair
 * narrower than what `judge` finds by decimals, so that a reading at rest costs two comparisons.
 */
export function calmRange({ bound, derive, calendar, margin }: Condition): readonly [low: number, high: number] | null {
  if (bound === null || derive !== null || calendar !== undefined) return null;
  const beyond = (limit: number, side: 1 | -1) => limit + side * Math.abs(limit) * (Math.max(0, margin) + HAIR);
  if (bound.op === 'range') return [beyond(bound.value[0], 1), beyond(bound.value[1], -1)];
  return bound.op === '<' || bound.op === '<='
    ? [Number.NEGATIVE_INFINITY, beyond(bound.value, -1)]
    : [beyond(bound.value, 1), Number.POSITIVE_INFINITY];
}

export function isCalm(calm: readonly [number, number] | null, { value, flag, censored }: Read): boolean {
  return (
    calm !== null && value !== null && value > calm[0] && value < calm[1] && isUsable(flag) && censored === undefined
  );
}

/** Whether all that lies below (`<`) or above (`>`) a value is on the same side of the bound as the value itself. */
function isDecided(value: number, censored: Censored, bound: Bound): boolean {
  const end = censored === '<' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (meetsBound(value, bound) !== meetsBound(end, bound)) return false;
  // Beyond either end of a range both fail, and what lies between may not.
  return bound.op !== 'range' || value < bound.value[0] === end < bound.value[0];
}

/** What a value is worth at its time. */
export function atTime({ calendar }: Condition, timeMs: number, grade: Grade): Grade {
  return calendar === undefined || isWithin(calendar, timeMs) ? grade : OUTSIDE;
}

/** The grade of a value that was derived from readings and is held against a limit without classes. */
export function judgeDerived({ bound, margin }: Condition, value: number): Grade {
  if (bound === null || !meetsBound(value, bound)) return BREACH_UNCLASSED;
  return isClear(value, bound, margin) ? CLEAR : NEAR;
}

/**
 * Whether a reading enters what a condition derives. Water alarms rest on usable readings; alarms about a sensor also
 * on suspect and failed ones, save under letters that alarm nobody and below what the sensor can see (invariant 6).
 */
export function isEvidence(
  { derive }: Condition,
  { value, flag, deviceFlag, censored }: Read,
  letters: Letters | undefined,
): boolean {
  if (value === null) return false;
  if (derive?.kind !== 'expression' && derive?.concerns === 'sensor') {
    return censored !== '<' && !alarmsNobody(deviceFlag, letters);
  }
  return isUsable(flag);
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
  switch (bound.op) {
    case '<=':
    case '<':
      return isBetterBy(margin, value, bound.value, -1);
    case '>=':
    case '>':
      return isBetterBy(margin, value, bound.value, 1);
    case 'range': {
      const [low, high] = bound.value;
      return isBetterBy(margin, value, low, 1) && isBetterBy(margin, value, high, -1);
    }
  }
}

/** @param side 1: better is greater; −1: better is less. By decimals, so that a value at the margin clears. */
function isBetterBy(margin: number, value: number, limit: number, side: 1 | -1): boolean {
  const terms = [
    [side, value],
    [-side, limit],
    [-margin, Math.abs(limit)],
  ] as const;
  return signOfSum(terms) >= 0;
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

/** The severity of a breach that has lasted for `heldMs`: its own, or that of the most severe step that it has reached. */
export function severityAt(condition: Condition, value: number, grade: Grade, heldMs: number): Severity {
  let severest = severityOf(condition, grade);
  for (const { severity, bound, afterMs } of condition.steps) {
    if (heldMs < afterMs || (bound !== null && meetsBound(value, bound))) continue;
    if (isMoreSevere(severity, severest)) severest = severity;
  }
  return severest;
}

export function isMoreSevere(a: Severity, b: Severity): boolean {
  return SEVERITIES.indexOf(a) > SEVERITIES.indexOf(b);
}

/** What an alarm says about a value that broke its condition. */
export function findingOf({
  condition,
  value,
  grade,
  censored,
}: Measured): Pick<Alarm, 'value' | 'censored' | 'unit' | 'limit' | 'op' | 'target' | 'class' | 'multiple'> {
  const broken = sideOf(condition.bound, value);
  return {
    value: condition.derive?.kind === 'expression' ? null : value,
    censored,
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
  /** The true value lies beyond this one, which is a limit of the instrument. */
  censored?: Censored | undefined;
  /** What a derived value came from, in words; absent for readings themselves. */
  note?: string;
}

/** The reading of a breach that went furthest beyond the limit, and the most severe that any of them was. */
type Measured = Omit<Finding, 'note'>;
export interface Peak extends Measured {
  atMs: number;
  severity: Severity;
}

/** A breach's peak after one more of its readings; the same object when it stays what it was. */
export function peakWith(peak: Peak | null, finding: Finding, atMs: number, severity: Severity): Peak {
  const isGraver = peak !== null && isMoreSevere(severity, peak.severity);
  const severest = peak === null || isGraver ? severity : peak.severity;
  // Where nothing is measured, a breach is at its worst when it is most severe.
  const isPeak = peak === null || (finding.condition.bound === null ? isGraver : isWorse(finding, peak));
  if (!isPeak) return isGraver ? { ...peak, severity } : peak;
  const { value, grade, condition, censored } = finding;
  const seen = { value, grade, condition, atMs, severity: severest };
  return censored === undefined ? seen : { ...seen, censored };
}

/** The worse of two breaches: by the class reached, then by the distance from the limit. */
export function isWorse(a: Measured, b: Measured): boolean {
  return a.grade === b.grade ? distance(a) > distance(b) : a.grade > b.grade;
}

/** How far a value that broke its limit lies beyond it. */
function distance({ value, condition: { bound } }: Measured): number {
  if (bound === null) return 0;
  if (bound.op !== 'range') return Math.abs(value - bound.value);
  return Math.max(bound.value[0] - value, value - bound.value[1]);
}

/** What an alarm says of the worst that it was. */
export function worstOf({ value, grade, condition, severity, atMs, censored }: Peak): Worst {
  const said = condition.derive?.kind === 'expression' ? null : value;
  const worst = { value: said, class: classOfGrade(grade), severity, atMs };
  return censored === undefined ? worst : { ...worst, censored };
}

/** The same the other way round, under the condition that now counts. */
export function peakOf({ value, class: reached, severity, atMs, censored }: Worst, condition: Condition): Peak {
  const peak = { value: value ?? 0, grade: gradeOfClass(reached), condition, severity, atMs };
  return censored === undefined ? peak : { ...peak, censored };
}
