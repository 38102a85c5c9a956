/** Readings and series: a series is one parameter at one station; a reading is its value at one time. */
import type { Flag } from './flag.ts';

/** `id` is a small integer, given once by the journal and never reused. */
export interface Series {
  id: number;
  station: string;
  parameter: string;
}

/** The true value is below (`<`) or above (`>`) the one that stands there, which is a limit of the instrument. */
export type Censored = '<' | '>';

/** A reading as a store keeps it. `value` is null exactly when `flag` is 9 (measured nothing, or deleted). */
export interface Reading {
  timeMs: number;
  value: number | null;
  flag: Flag;
  /** The device's own letter or number, as sent. */
  deviceFlag: string | null;
  /** Absent for a value that was measured as it stands; never without a value. */
  censored?: Censored | undefined;
}

/** A reading with the series that it belongs to. */
export interface SeriesReading extends Reading {
  series: number;
}

/** What a reading says of the water: its value, and whether that is only a limit. */
export type Measurement = Pick<Reading, 'value' | 'censored'>;

/** Whether two readings say the same: `<0.02` and 0.02 don't. */
export function isSame(a: Measurement, b: Measurement): boolean {
  return a.value === b.value && a.censored === b.censored;
}

/**
 * Flag and censoring as one small number, which takes no more room in a row or an entry than the flag alone: 1 to 9 for a
 * value that was measured as it stands.
 */
const CENSORED_STEP = 16;
const CENSORED_CODES: readonly (Censored | undefined)[] = [undefined, '<', '>'];

export function toMark({ flag, censored }: Pick<Reading, 'flag' | 'censored'>): number {
  return censored === undefined ? flag : flag + CENSORED_STEP * CENSORED_CODES.indexOf(censored);
}

export function flagOfMark(mark: number): Flag {
  return (mark & (CENSORED_STEP - 1)) as Flag;
}

export function censoredOfMark(mark: number): Censored | undefined {
  return mark < CENSORED_STEP ? undefined : CENSORED_CODES[mark >> 4];
}
