/**
 * The built-in reference data as pure code sees it: parameters and standards. Loaded once by
 * `seeds/reference.ts`, handed down as a value; independent of the seeds that a user chooses.
 */
import type { TargetClass } from './class.ts';
import type { Criterion } from './criterion.ts';

/** How a parameter is averaged: arithmetic, as pH through [H⁺], or geometric (faecal coliforms). */
export type MeanKind = 'arithmetic' | 'ph' | 'geometric';

/** How to come from a unit to the canonical one: sent × factor + offset. */
export interface Conversion {
  factor: number;
  offset: number;
  /**
   * 1 / factor where that is a whole number. Dividing by it is exact to the last bit (25 ng/L are 0.000025 mg/L, 1 m3/h
   * 1/3600 m3/s), multiplying by the factor, itself no exact number, isn't.
   */
  divisor?: number;
}

/** An amount in the canonical unit. */
export function converted(amount: number, { factor, offset, divisor }: Conversion): number {
  return (divisor === undefined ? amount * factor : amount / divisor) + offset;
}

export interface Parameter {
  id: string;
  name: { zh: string; en: string };
  /** Canonical unit; every stored value is in it. */
  unit: string;
  /** Units it may be sent in → canonical = sent × factor + offset. Keys as gateways spell them, UCUM among them. */
  units: Record<string, Conversion>;
  /**
   * Substances that amounts may be stated as (`mg/L as N`) → factor to what the canonical unit counts. Absent: it can't be
   * stated as another one.
   */
  as?: Record<string, number>;
  /** HJ 525 / HJ 212 codes and other aliases. */
  aliases: string[];
  mean: MeanKind;
  /** What is below it is censored, canonical unit; none is shipped, since it is the instrument's and not the water's. */
  detectionLimit?: number | undefined;
  /** Default quality thresholds, canonical unit. */
  qc: {
    fail: [number, number] | null;
    suspect: [number, number] | null;
    ratePerHour: [number, number] | null;
    spike: [number, number] | null;
    flat: {
      tolerance: number;
      suspectMs: number;
      failMs: number;
      /** Values in this span may truly stand still for days. */
      still?: [number, number] | undefined;
      /** A value that leaps beyond the spike threshold and then stands still is suspect at once. */
      afterJump?: boolean | undefined;
    } | null;
  };
  /** Whether an exceedance multiple may be stated (not for pH, DO, temperature: 环办[2011]22号). */
  multiple: boolean;
}

/** One item of a class-ladder standard; limits are the decimal strings that the standard prints, null = no limit. */
export interface StandardItem {
  parameter: string;
  op: '<=' | '>=' | 'range' | 'delta';
  river: Record<TargetClass, string | null>;
  lake: Record<TargetClass, string | null>;
  /**
   * What serves instead of the limit where this class has one (饱和率 90 %（或 7.5）, GB 3838-2002 table 1 no. 3): another
   * parameter, at least so much.
   */
  alternative: { parameter: string; least: Record<TargetClass, string | null> } | null;
  /** The item's place in the standard, e.g. `table 1 no. 7`. */
  clause: string;
  /** Whether it takes part in single-factor classification (the 21 indicators of 环办[2011]22号). */
  participates: boolean;
  /** Decimals that evaluation data are rounded to, canonical unit (环办监测函〔2020〕82号); null: as they are. */
  decimals: number | null;
  /** Decimals that hourly values of automatic stations are given to (总站水字〔2020〕90号); null: not known for certain. */
  hourlyDecimals: number | null;
  /** Comes first among main pollutants: cyanide and heavy metals (环办[2011]22号). */
  priority: boolean;
}

/** A limit without classes (tables 2 and 3: drinking-water sources). */
export interface SingleLimit {
  parameter: string;
  name: { zh: string; en: string };
  op: '<=' | '>=' | 'range';
  limit: string;
  unit: string;
  clause: string;
}

/** One edition of one standard. It never changes: what changes is a further edition. */
export interface Standard {
  id: string;
  /** The standard that this is an edition of: `gb3838`. */
  series: string;
  title: { zh: string; en: string };
  edition: string;
  /** In force from this date on, until the day before `superseded`; null: until further notice. */
  effective: string;
  superseded: string | null;
  /** Where its limits were taken from. */
  source: string;
  /** Classes or levels, best first. */
  levels: string[];
  /** The class ladder (GB 3838-2002 table 1). */
  items: StandardItem[];
  singles: SingleLimit[];
  /** Rules with levels, conditions and statistics (GB 18918-2002). */
  criteria: Criterion[];
}

export interface Reference {
  parameters: ReadonlyMap<string, Parameter>;
  /** Alias (HJ code, lower-case id) → parameter id. */
  aliases: ReadonlyMap<string, string>;
  standards: ReadonlyMap<string, Standard>;
}

/** The standard that stations' targets are classes of, GB 3838-2002. @throws Error when the reference data lack it. */
export function surfaceWaterStandard({ standards }: Pick<Reference, 'standards'>): Standard {
  const standard = standards.get('gb3838-2002');
  if (!standard) throw new Error('The reference data lack GB 3838-2002.');
  return standard;
}
