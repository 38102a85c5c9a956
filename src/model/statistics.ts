/**
 * Statistics of readings over a stretch of time, and how they fold: readings into an hour, hours into a day, days into
 * a month. Floats depend on the order in which they are added, so everything is folded in time order, always.
 */
import { type Flag, isUsable } from './flag.ts';
import { counted, folded, unfolded } from './mean.ts';
import type { Censored } from './reading.ts';
import type { MeanKind } from './reference.ts';

/**
 * `count` = readings whatever their flag, 9 excepted; `valid` = those of flags 1 and 2, from which the others come.
 * `sum` is of what is averaged: the value, 10^−pH (the concentration of [H⁺]), or the decimal logarithm. What lies below a
 * detection limit is averaged with half of it; in `min` and `max` the limit stands.
 */
export interface Statistics {
  count: number;
  valid: number;
  sum: number;
  min: number | null;
  max: number | null;
}

export function emptyStatistics(): Statistics {
  return { count: 0, valid: 0, sum: 0, min: null, max: null };
}

/** Folds one reading into `into`; `value` null (flag 9) is no reading. */
export function addReading(
  into: Statistics,
  value: number | null,
  flag: Flag,
  kind: MeanKind,
  censored?: Censored | undefined,
): void {
  if (value === null) return;
  into.count++;
  if (!isUsable(flag)) return;
  into.valid++;
  into.sum += folded(counted(value, censored), kind);
  if (into.min === null || value < into.min) into.min = value;
  if (into.max === null || value > into.max) into.max = value;
}

/** Folds the statistics of the stretch that follows into `into`. */
export function addStatistics(into: Statistics, next: Statistics): void {
  into.count += next.count;
  into.valid += next.valid;
  into.sum += next.sum;
  if (next.min !== null && (into.min === null || next.min < into.min)) into.min = next.min;
  if (next.max !== null && (into.max === null || next.max > into.max)) into.max = next.max;
}

/** The mean of the valid readings, null when there are none. pH is averaged as [H⁺], coliforms geometrically. */
export function meanOf({ valid, sum }: Statistics, kind: MeanKind): number | null {
  if (valid === 0) return null;
  return unfolded(sum / valid, kind);
}
