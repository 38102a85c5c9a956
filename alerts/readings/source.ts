/**
 * What rules of kind rate, flat-line and expression look at: the readings behind a lane, in the order of their event
 * times, and what is derived from them at each time. Pure: the same readings give the same, however they arrived.
 */

import type { Condition, Derivation } from '#alerts/rules/conditions.ts';
import { isTrue } from '#alerts/rules/expression.ts';
import { atTime, BREACH, BREACH_UNCLASSED, CLEAR, judgeDerived, NEAR } from '#alerts/rules/grades.ts';
import { settled } from '#model/decimal.ts';
import type { Judged } from './evaluate.ts';

/** What is older goes, whatever a rule looks back. */
const READINGS_MAX = 4096;
/** Old readings leave so many at a time, so that leaving costs little. */
const FORGET_MIN = 64;
const HOUR_MS = 3_600_000;

/** Readings in columns, ascending by (time, input). `inputs` = the parameter of each. */
export interface Source {
  timesMs: number[];
  inputs: string[];
  values: number[];
  conditions: Condition[];
}

export function newSource(): Source {
  return { timesMs: [], inputs: [], values: [], conditions: [] };
}

/** A derived lane's condition. */
export type Deriving = Condition & { derive: Derivation };

export function isDeriving(condition: Condition): condition is Deriving {
  return condition.derive !== null;
}

/** The place of the first reading at or after (time, input). */
function placeOf({ timesMs, inputs }: Source, timeMs: number, input: string): number {
  let low = 0;
  let high = timesMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const isBefore = timesMs[middle]! < timeMs || (timesMs[middle] === timeMs && inputs[middle]! < input);
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function isIn(source: Source, timeMs: number, input: string): boolean {
  const place = placeOf(source, timeMs, input);
  return source.timesMs[place] === timeMs && source.inputs[place] === input;
}

/** Puts a reading in its place, over an earlier one of the same time; whether that changes anything. */
export function putIn(source: Source, timeMs: number, input: string, value: number, condition: Condition): boolean {
  const { timesMs, inputs, values, conditions } = source;
  if (timesMs.length === 0 || timesMs.at(-1)! < timeMs) {
    timesMs.push(timeMs);
    inputs.push(input);
    values.push(value);
    conditions.push(condition);
    return true;
  }
  const place = placeOf(source, timeMs, input);
  const isKnown = timesMs[place] === timeMs && inputs[place] === input;
  if (isKnown && values[place] === value) return false;
  const gone = isKnown ? 1 : 0;
  timesMs.splice(place, gone, timeMs);
  inputs.splice(place, gone, input);
  values.splice(place, gone, value);
  conditions.splice(place, gone, condition);
  return true;
}

/** Takes the readings of one input in [fromMs, toMs) out; whether there were any. */
export function takeFrom(source: Source, input: string, fromMs: number, toMs: number): boolean {
  const columns = [source.timesMs, source.inputs, source.values, source.conditions] as unknown[][];
  const before = source.timesMs.length;
  for (let place = placeOf(source, toMs, '') - 1; place >= 0 && source.timesMs[place]! >= fromMs; place--) {
    if (source.inputs[place] === input) for (const column of columns) column.splice(place, 1);
  }
  return source.timesMs.length < before;
}

/** The readings of one input in [fromMs, toMs). */
export function readingsIn(source: Source, input: string, fromMs: number, toMs: number) {
  const found: { timeMs: number; value: number; condition: Condition }[] = [];
  for (let place = placeOf(source, fromMs, ''); place < source.timesMs.length; place++) {
    if (source.timesMs[place]! >= toMs) break;
    if (source.inputs[place] !== input) continue;
    found.push({ timeMs: source.timesMs[place]!, value: source.values[place]!, condition: source.conditions[place]! });
  }
  return found;
}

/** How far behind a reading what is derived at its time may look, so also: how far ahead of it it counts. */
export function reachMs({ derive, holeMs }: Deriving): number {
  if (derive.kind === 'expression') return Math.max(...derive.inputs.map(({ freshMs }) => freshMs));
  return derive.kind === 'flat' ? derive.overMs + holeMs : derive.overMs;
}

/** Forgets, now and then, readings before `timeMs` and what is too many. */
export function forgetBefore(source: Source, timeMs: number): void {
  const surplus = source.timesMs.length - READINGS_MAX;
  const isDue = surplus >= FORGET_MIN || (source.timesMs[FORGET_MIN - 1] ?? Number.POSITIVE_INFINITY) < timeMs;
  if (!isDue) return;
  const count = Math.max(surplus, placeOf(source, timeMs, ''));
  for (const column of [source.timesMs, source.inputs, source.values, source.conditions] as unknown[][]) {
    column.splice(0, count);
  }
}

/** What is derived at each time of a reading in [fromMs, toMs], ascending; times at which nothing can be said are out. */
export function derivedIn(source: Source, fromMs: number, toMs: number): Judged[] {
  const { timesMs, conditions } = source;
  const derived: Judged[] = [];
  for (let place = placeOf(source, fromMs, ''); place < timesMs.length && timesMs[place]! <= toMs; place++) {
    // Of readings of one time the last one sees all of them.
    if (timesMs[place + 1] === timesMs[place]) continue;
    const condition = conditions[place]!;
    const one = isDeriving(condition) ? derivedAt(source, place, condition) : null;
    if (one) derived.push({ ...one, grade: atTime(condition, one.timeMs, one.grade) });
  }
  return derived;
}

function derivedAt(source: Source, place: number, condition: Deriving): Judged | null {
  switch (condition.derive.kind) {
    case 'rate':
      return slopeAt(source, place, condition, condition.derive);
    case 'flat':
      return spreadAt(source, place, condition, condition.derive);
    case 'expression':
      return truthAt(source, place, condition, condition.derive);
  }
}

type Windowed = Derivation & { kind: 'rate' | 'flat' };

/** Least squares over the readings of [t − over, t]; with two of them it is their difference by their distance. */
function slopeAt({ timesMs, values }: Source, place: number, condition: Deriving, derive: Windowed): Judged | null {
  const timeMs = timesMs[place]!;
  let first = place;
  while (first > 0 && timesMs[first - 1]! >= timeMs - derive.overMs) first--;
  const count = place - first + 1;
  if (count < derive.samples) return null;
  let meanHours = 0;
  let mean = 0;
  for (let at = first; at <= place; at++) {
    meanHours += (timesMs[at]! - timeMs) / HOUR_MS / count;
    mean += values[at]! / count;
  }
  let above = 0;
  let below = 0;
  for (let at = first; at <= place; at++) {
    const hours = (timesMs[at]! - timeMs) / HOUR_MS - meanHours;
    above += hours * (values[at]! - mean);
    below += hours * hours;
  }
  const value = settled(above / below);
  const grade = judgeDerived(condition, value);
  if (grade < BREACH) return { timeMs, value, grade, condition };
  const minutes = Math.round((timeMs - timesMs[first]!) / 60_000);
  const note = `from ${values[first]} to ${values[place]} in ${minutes} min (${count} readings)`;
  return { timeMs, value, grade, condition, note };
}

/**
 * How far the readings of [t − over, t] lie apart. It takes one at t − over or before it to say that nothing moved, and
 * no hole in between; that something moved can be said at once.
 */
function spreadAt({ timesMs, values }: Source, place: number, condition: Deriving, derive: Windowed): Judged | null {
  const timeMs = timesMs[place]!;
  let low = values[place]!;
  let high = low;
  let count = 1;
  let at = place;
  while (at > 0 && timesMs[at]! > timeMs - derive.overMs && timesMs[at]! - timesMs[at - 1]! <= condition.holeMs) {
    at--;
    count++;
    low = Math.min(low, values[at]!);
    high = Math.max(high, values[at]!);
    if (judgeDerived(condition, settled(high - low)) === CLEAR) break;
  }
  const value = settled(high - low);
  const grade = judgeDerived(condition, value);
  if (grade < BREACH) return { timeMs, value, grade, condition };
  if (timesMs[at]! > timeMs - derive.overMs || count < derive.samples) return null;
  const span = low === high ? `${low}` : `${low} to ${high}`;
  const note = `${span} ${condition.unit} since ${new Date(timesMs[at]!).toISOString()} (${count} readings)`;
  return { timeMs, value, grade, condition, note };
}

type Expressed = Derivation & { kind: 'expression' };

function truthAt(source: Source, place: number, condition: Deriving, derive: Expressed): Judged | null {
  const timeMs = source.timesMs[place]!;
  const newest = newestValues(source, place, derive);
  const value = (parameter: string) => newest.get(parameter) ?? null;
  const isBreach = isTrue(derive.when, value);
  if (isBreach === null) return null;
  if (!isBreach) {
    const grade = derive.clear === null || isTrue(derive.clear, value) === true ? CLEAR : NEAR;
    return { timeMs, value: 0, grade, condition };
  }
  const told = derive.inputs.flatMap(({ parameter, unit }) =>
    newest.has(parameter) ? [`${parameter} ${newest.get(parameter)} ${unit}`] : [],
  );
  return { timeMs, value: 1, grade: BREACH_UNCLASSED, condition, note: told.join(', ') };
}

function newestValues({ timesMs, inputs, values }: Source, place: number, { inputs: named }: Expressed) {
  const timeMs = timesMs[place]!;
  const oldestMs = timeMs - Math.max(...named.map(({ freshMs }) => freshMs));
  const newest = new Map<string, number>();
  for (let at = place; at >= 0 && timesMs[at]! >= oldestMs && newest.size < named.length; at--) {
    const input = named.find(({ parameter }) => parameter === inputs[at]);
    if (!input || newest.has(input.parameter) || timesMs[at]! < timeMs - input.freshMs) continue;
    newest.set(input.parameter, values[at]!);
  }
  return newest;
}
