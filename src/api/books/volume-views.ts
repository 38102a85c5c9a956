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

/** What has to be known of a sum of meters; absent where there is nothing. */
export interface VolumeNote {
  code: 'volume.counted-twice';
  meters: [string, string];
  says: { zh: string; en: string };
}

export function twiceNotes(twins: readonly [string, string][]): VolumeNote[] {
  return twins.map(([one, other]) => ({
    code: 'volume.counted-twice',
    meters: [one, other],
    says: {
      zh: `${one} 与 ${other} 计量同一股水，两者都计入了合计；若其一只作校核，请在其登记中用 sister 指明。`,
      en: `${one} and ${other} count the same water, and both are in this sum: if one only checks the other, say so by its \`sister\`.`,
    },
  }));
}

export function bucketView(bucket: VolumeBucket, text: (timeMs: number) => string) {
  return { start: text(bucket.startMs), end: text(bucket.endMs), ...amountView(bucket) };
}
