/** Intake against deliveries, and one meter against another that measures the same water. Integer litres throughout. */

/** Quality travels with every sum: what was measured, what was estimated, and for how long nothing is known. */
export interface Amount {
  measuredLitres: number;
  estimatedLitres: number;
  unknownMs: number;
}

export const NO_WATER: Amount = { measuredLitres: 0, estimatedLitres: 0, unknownMs: 0 };

export function addAmounts(a: Amount, b: Amount): Amount {
  return {
    measuredLitres: a.measuredLitres + b.measuredLitres,
    estimatedLitres: a.estimatedLitres + b.estimatedLitres,
    unknownMs: a.unknownMs + b.unknownMs,
  };
}

export function litresOf({ measuredLitres, estimatedLitres }: Amount): number {
  return measuredLitres + estimatedLitres;
}

export interface Balance {
  intake: Amount;
  delivery: Amount;
  release: Amount;
  ecological: Amount;
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

/** How far `checked` is from `against`; `share` of the latter, null where that has nothing. */
export function divergenceOf(checked: Amount, against: Amount): { litres: number; share: number | null } {
  const base = litresOf(against);
  const litres = litresOf(checked) - base;
  return { litres, share: base === 0 ? null : litres / base };
}
