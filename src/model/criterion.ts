/**
 * Rules of standards that have more to them than a ladder of classes: conditions, statistics, allowed failures. Limits
 * are the decimal strings that a standard prints; a number is made of them where they are compared, nowhere else.
 * Format of the files: docs/seeds.md.
 */
import type { WaterBody } from './class.ts';

/** What a limit demands. `range` is inclusive; `change` limits a man-made rise and drop; `not-detected` is 不得检出. */
export type Bound =
  | { op: '<=' | '>=' | '<' | '>'; value: string }
  | { op: 'range'; low: string; high: string }
  | { op: 'change'; rise: string; drop: string }
  | { op: 'not-detected' }
  | { op: '<=' | '>='; formula: Formula };

/** limit = factor × e^(slope × ln(variable) + intercept): metals by hardness (US EPA). Coefficients as printed. */
interface Formula {
  variable: string;
  slope: string;
  intercept: string;
  factor: string;
}

/** Level (1A, 1B, 2 …) → its bound; null: the standard has none for this level, which isn't a limit of 0. */
export type Bounds = Readonly<Record<string, Bound | null>>;

/** Bounds that hold instead of the usual ones, once `parameter` (or its inflow) is so. */
export type Condition =
  | { kind: 'measured'; parameter: string; op: '<=' | '>=' | '<' | '>'; value: string; limits: Bounds }
  /** A plant's inflow of the same parameter is above `value`: more than `removal` of it must go (GB 18918-2002 note 1). */
  | { kind: 'removal'; level: string; value: string; removal: string };

/** Which number of a window's samples is compared with the limit. */
interface SampleStatistic {
  kind: 'each' | 'mean' | 'geometric-mean' | 'max' | 'min' | 'percentile';
  /** ISO 8601: the window that a set of samples is of. Null: each sample by itself. */
  window: string | null;
  /** 0 to 100, of kind `percentile`. */
  percentile: number | null;
  /** `rank`: nearest rank; `lognormal`: antilog(µ + z σ) of log10 values (Directive 2006/7/EC annex II). */
  method: 'rank' | 'lognormal';
  samplesMin: number;
}

/** How many of a window's samples may fail (statistic `each`). */
export interface Allowance {
  /** Rows of [samples from, samples to, failures allowed] (Directive 91/271/EEC annex I table 3). */
  table: readonly (readonly [number, number, number])[];
  /** Or a share of the samples, or a number. */
  share: number | null;
  count: number | null;
  /** No sample may be worse than so many times the limit, allowed or not. */
  worstFactor: number | null;
}

/** Where a criterion holds; what is absent doesn't matter. Dates are of construction. */
export interface Where {
  waterBody?: WaterBody | undefined;
  use?: string | undefined;
  scale?: string | undefined;
  builtFrom?: string | undefined;
  builtBefore?: string | undefined;
}

export interface Criterion {
  /** Null for a sum of ratios. */
  parameter: string | null;
  /** Σ value / limit, compared with the bounds (trihalomethanes: at most 1). */
  ratios: readonly { parameter: string; limit: string }[];
  clause: string;
  unit: string;
  limits: Bounds;
  when: readonly Condition[];
  where: Where;
  statistic: SampleStatistic;
  allowance: Allowance | null;
  /** What a value below its detection limit counts as. */
  belowDetection: 'half' | 'zero' | 'limit' | 'ignore';
  /** Largest share of samples that may be left out as marked (short-term pollution, Directive 2006/7/EC). */
  excludableShare: number;
  /** Half to even before anything is compared (GB/T 8170); null: as it is. */
  decimals: number | null;
}
