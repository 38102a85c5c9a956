/**
 * From a sample's values to the class of each indicator, or why it has none: what is rounded, what half a detection limit
 * counts as, and what can't be compared at all.
 */
import { CLASSES, TARGETS, type TargetClass, type WaterBody } from '#model/class.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { alternativeClass, itemOf, type PreparedItem, rankOn } from './classify.ts';
import { doSaturationShare } from './oxygen.ts';
import { roundHalfEven } from './rounding.ts';

/** `evaluation`: to the decimals of the 2020 rules before anything is compared; `none`: as given. */
export const ROUNDINGS = ['evaluation', 'none'] as const;
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
] as const;
export type NotAssessed = (typeof NOT_ASSESSED)[number];

/** A value in the canonical unit; null: not measured; `below`: not found, this being the detection limit. */
export type Measured = number | null | { below: number };

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
  const isBelow = typeof measured === 'object';
  const given = isBelow ? measured.below : measured;
  if (!Number.isFinite(given)) return 'not-finite';
  // Also -1 and -9999, which loggers write for "not measured".
  if (given < 0) return 'negative';
  if (known.id === 'ph' && given > 14) return 'impossible';
  if (isBelow && !isJudgeable(prepared, sample, given)) return 'detection-limit';
  const value = compared(prepared, sample.rounding, isBelow ? given / 2 : given);
  const rank = rankOn(prepared[sample.waterBody], value);
  if (rank === null) return 'no-limit';
  return { prepared, parameter: known, value, rank: sample.alternatives ? better(rank, prepared, sample) : rank };
}

/** The value as it is compared. */
export function compared({ item }: PreparedItem, rounding: Rounding, value: number): number {
  return rounding === 'evaluation' && item.decimals !== null ? roundHalfEven(value, item.decimals) : value;
}

/** A value that isn't found says nothing about a limit below its detection limit. */
function isJudgeable(prepared: PreparedItem, { waterBody, target }: Sample, detection: number): boolean {
  const limit = prepared[waterBody][TARGETS.indexOf(target ?? USUAL_TARGET)];
  return limit?.op !== '<=' || detection <= limit.value;
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
