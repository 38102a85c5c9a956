/** Intake against deliveries, and one meter against another that measures the same water. Integer litres throughout. */

/** Quality travels with every sum: what was measured, what was estimated, and for how long nothing is known. */
export interface Amount {
  measuredLitres: number;
  estimatedLitres: number;
  unknownMs: number;
}

/** An amount beside the time that its meters were to count in: what its unknown time is a share of. */
export interface Water extends Amount {
  meterMs: number;
}

export const NO_WATER: Amount = { measuredLitres: 0, estimatedLitres: 0, unknownMs: 0 };
/** As if there were no meter. */
export const NO_METERS: Water = { ...NO_WATER, meterMs: 0 };

export function addAmounts(a: Amount, b: Amount): Amount {
  return {
    measuredLitres: a.measuredLitres + b.measuredLitres,
    estimatedLitres: a.estimatedLitres + b.estimatedLitres,
    unknownMs: a.unknownMs + b.unknownMs,
  };
}

export function addWater(a: Water, b: Water): Water {
  return { ...addAmounts(a, b), meterMs: a.meterMs + b.meterMs };
}

export function litresOf({ measuredLitres, estimatedLitres }: Amount): number {
  return measuredLitres + estimatedLitres;
}

/**
 * Whether too little is known of an amount to divide by it: its unknown meter-hours are more than `tolerance` of its
 * meter-hours (`WK_UNKNOWN_TOLERANCE`, 0 to 1). A sum of what is known is still one; a share or a change of it is a figure
 * about what nobody counted.
 */
export function isUnknown({ unknownMs, meterMs }: Water, tolerance: number): boolean {
  return unknownMs > 0 && unknownMs > Math.round(tolerance * meterMs);
}

/** `part` of `whole`; null where that is nothing, or where too little is known of either. */
export function shareOf(part: Water, whole: Water, tolerance: number): number | null {
  if (isUnknown(part, tolerance) || isUnknown(whole, tolerance) || litresOf(whole) === 0) return null;
  return litresOf(part) / litresOf(whole);
}

/** Of `now` against `before`, as a share; null where there is nothing to compare with, or too little known of either. */
export function changeOf(now: Water, before: Water, tolerance: number): number | null {
  const share = shareOf(now, before, tolerance);
  return share === null ? null : share - 1;
}

export interface Balance<T extends Amount = Amount> {
  intake: T;
  delivery: T;
  release: T;
  ecological: T;
}

/**
 * What came in and went out nowhere that is measured: evaporation, seepage, storage, and every meter's error.
 * @returns `share` of the intake; null while nothing came in.
 */
export function lossOf({ intake, delivery, release, ecological }: Balance): { litres: number; share: number | null } {
  const inLitres = litresOf(intake);
  const litres = inLitres - litresOf(delivery) - litresOf(release) - litresOf(ecological);
  return { litres, share: inLitres > 0 ? litres / inLitres : null };
}

/**
 * The loss as far as it may be told: null while too little is known of the intake, which also is so where no meter counts
 * it. Unknown hours of what goes out stand beside it.
 */
export function knownLossOf(
  balance: Balance<Water>,
  tolerance: number,
): { litres: number | null; share: number | null; unknownMs: number } {
  const { intake, ...out } = balance;
  const outs = Object.values(out);
  const unknownMs = [intake, ...outs].reduce((sum, one) => sum + one.unknownMs, 0);
  const isUnmetered = intake.meterMs === 0 && outs.some(({ meterMs }) => meterMs > 0);
  if (isUnmetered || isUnknown(intake, tolerance)) return { litres: null, share: null, unknownMs };
  return { ...lossOf(balance), unknownMs };
}

/** How far `checked` is from `against`; `share` of the latter, null where that has nothing. */
export function divergenceOf(checked: Amount, against: Amount): { litres: number; share: number | null } {
  const base = litresOf(against);
  const litres = litresOf(checked) - base;
  return { litres, share: base === 0 ? null : litres / base };
}
