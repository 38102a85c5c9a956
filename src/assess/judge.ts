/**
 * From a sample's values to the class of each indicator, or why it has none: what is rounded, what half a detection limit
 * counts as, and what can't be compared at all.
 */
import { CLASSES, type Limit, TARGETS, type TargetClass, type WaterBody } from '#model/class.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { alternativeClass, itemOf, type PreparedItem, rankOn } from './classify.ts';
import { doSaturationShare } from './oxygen.ts';
import { roundHalfEven } from './rounding.ts';

/**
 * `evaluation`: to the decimals of the 2020 rules before anything is compared; `hourly`: to those of a station's hourly
 * values; `none`: as given.
 */
export const ROUNDINGS = ['evaluation', 'hourly', 'none'] as const;
export type Rounding = (typeof ROUNDINGS)[number];

export const NOT_ASSESSED = [
  'reference-indicator',
  'no-limit',
  'unknown-parameter',
  'not-measured',
  'not-finite',
  'negative',
  'impossible',
  'detection-limit',
  'measuring-range',
] as const;
export type NotAssessed = (typeof NOT_ASSESSED)[number];

/**
 * A value in the canonical unit; null: not measured; `below`: not found, this being the detection limit; `above`: more than
 * the method can tell, which is this.
 */
export type Measured = number | null | { below: number } | { above: number };

/** What a limit of the method counts as: half of what isn't found (环办监测函〔2020〕82号, point 7), the least that is above. */
export function counted(measured: Exclude<Measured, null>): number {
  if (typeof measured === 'number') return measured;
  if ('below' in measured) return measured.below / 2;
  // The next double: it breaks a limit that it stands at.
  return measured.above * (1 + Number.EPSILON);
}

/** The number that was written. */
export function written(measured: Exclude<Measured, null>): number {
  if (typeof measured === 'number') return measured;
  return 'below' in measured ? measured.below : measured.above;
}

export interface Sample {
  waterBody: WaterBody;
  target: TargetClass | null;
  /** By parameter id. */
  values: ReadonlyMap<string, Measured>;
  rounding: Rounding;
  /** Whether 90 % of saturation serves for 7.5 mg/L of dissolved oxygen; the country's evaluations leave it aside. */
  alternatives?: boolean;
}

/** An indicator that takes part. */
export interface Judged {
  prepared: PreparedItem;
  parameter: Parameter;
  /** As compared. */
  value: number;
  /** Place of its class in `CLASSES`. */
  rank: number;
}

/** What detection limits are held against without a target, as main pollutants are. */
export const USUAL_TARGET = 'III';

export function judge(
  standard: Standard,
  known: Parameter | undefined,
  sample: Sample,
  measured: Measured,
): Judged | NotAssessed {
  if (!known) return 'unknown-parameter';
  if (measured === null) return 'not-measured';
  const prepared = itemOf(standard, known.id);
  if (!prepared) return 'no-limit';
  if (!prepared.item.participates) return 'reference-indicator';
  const given = written(measured);
  if (!Number.isFinite(given)) return 'not-finite';
  // Also -1 and -9999, which loggers write for "not measured".
  if (given < 0) return 'negative';
  if (known.id === 'ph' && given > 14) return 'impossible';
  if (typeof measured === 'object') {
    const unfit = unfitLimit(measured, prepared[sample.waterBody][TARGETS.indexOf(sample.target ?? USUAL_TARGET)]);
    if (unfit) return unfit;
  }
  // What is above a limit by an unknown amount isn't rounded back to it.
  const isAbove = typeof measured === 'object' && 'above' in measured;
  const value = isAbove ? given : compared(prepared, sample.rounding, counted(measured));
  const rank = rankOn(prepared[sample.waterBody], isAbove ? counted(measured) : value);
  if (rank === null) return 'no-limit';
  return { prepared, parameter: known, value, rank: sample.alternatives ? better(rank, prepared, sample) : rank };
}

/** The value as it is compared. */
export function compared({ item }: PreparedItem, rounding: Rounding, value: number): number {
  const decimals = { evaluation: item.decimals, hourly: item.hourlyDecimals, none: null }[rounding];
  return decimals === null ? value : roundHalfEven(value, decimals);
}

/**
 * Why a limit of the method says nothing about a limit of the standard: what isn't found may lie on either side of one
 * below its detection limit, what is above the measuring range on either side of one that is higher.
 */
export function unfitLimit(
  measured: { below: number } | { above: number },
  limit: Limit | null | undefined,
): 'detection-limit' | 'measuring-range' | null {
  if (!limit || limit.op === 'range') return null;
  if ('below' in measured) return measured.below > limit.value ? 'detection-limit' : null;
  return measured.above < limit.value ? 'measuring-range' : null;
}

/** The better of a class and that of the item's alternative: saturation as measured, or from oxygen and temperature. */
function better(rank: number, { item }: PreparedItem, { values }: Sample): number {
  if (!item.alternative) return rank;
  const [share, oxygen, temperature] = [values.get(item.alternative.parameter), values.get('do'), values.get('temp')];
  const computed =
    typeof oxygen === 'number' && typeof temperature === 'number' ? doSaturationShare(oxygen, temperature) : null;
  const saturation = typeof share === 'number' ? share : computed;
  const other = saturation === null ? null : alternativeClass(item, saturation);
  return other === null ? rank : Math.min(rank, CLASSES.indexOf(other));
}
