/** Volumes as they are answered: cubic metres with three decimals. */

import type { VolumeBucket } from '#books/questions/queries.ts';
import { HOUR_MS } from '#model/calendar.ts';
import type { Amount } from '#volume/balance.ts';

/** Dividing an integer by 1000 gives the double that prints with the same three decimals, up to 4e12 m³. */
export function cubicMetres(litres: number): number {
  return litres / 1000;
}

export interface AmountView {
  cubicMetres: number;
  measured: number;
  estimated: number;
  unknownHours: number;
}

export function amountView({ measuredLitres, estimatedLitres, unknownMs }: Amount): AmountView {
  return {
    cubicMetres: cubicMetres(measuredLitres + estimatedLitres),
    measured: cubicMetres(measuredLitres),
    estimated: cubicMetres(estimatedLitres),
    unknownHours: unknownMs / HOUR_MS,
  };
}

export function bucketView(bucket: VolumeBucket, text: (timeMs: number) => string) {
  return { start: text(bucket.startMs), end: text(bucket.endMs), ...amountView(bucket) };
}
