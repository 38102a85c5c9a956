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
