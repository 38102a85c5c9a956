/**
 * The comprehensive trophic level index of lakes and reservoirs, TLI(Σ): 总站生字[2001]090号 (seen in four secondary copies
 * that agree). Weights are squared correlations with chlorophyll a, over those indicators that were measured.
 */
import type { Status } from './sample.ts';

/** Index = 10 (a + b ln value); r² with chlorophyll a. Units: chla mg/m³ (the same as µg/L), sd m, others mg/L. */
const INDICATORS = {
  chla: { a: 2.5, b: 1.086, weight: 1 },
  tp: { a: 9.436, b: 1.624, weight: 0.84 ** 2 },
  tn: { a: 5.453, b: 1.694, weight: 0.82 ** 2 },
  sd: { a: 5.118, b: -1.94, weight: 0.83 ** 2 },
  codmn: { a: 0.109, b: 2.661, weight: 0.83 ** 2 },
} as const;
export type TrophicIndicator = keyof typeof INDICATORS;
export const TROPHIC_INDICATORS = Object.keys(INDICATORS) as TrophicIndicator[];

const LEVELS: readonly { isReached: (tli: number) => boolean; level: Status }[] = [
  { isReached: (tli) => tli < 30, level: { zh: '贫营养', en: 'oligotrophic' } },
  { isReached: (tli) => tli <= 50, level: { zh: '中营养', en: 'mesotrophic' } },
  { isReached: (tli) => tli <= 60, level: { zh: '轻度富营养', en: 'lightly eutrophic' } },
  { isReached: (tli) => tli <= 70, level: { zh: '中度富营养', en: 'moderately eutrophic' } },
  { isReached: () => true, level: { zh: '重度富营养', en: 'heavily eutrophic' } },
];

export interface TrophicState {
  /** TLI(Σ); null without chlorophyll a, which the others are weighed by. */
  index: number | null;
  level: Status | null;
  /** TLI of each indicator that took part. */
  indices: Partial<Record<TrophicIndicator, number>>;
  /** Not measured, or zero, which has no logarithm. An index without one of them isn't comparable with a whole one. */
  missing: TrophicIndicator[];
}

export function trophicState(means: ReadonlyMap<string, number | null>): TrophicState {
  const indices: TrophicState['indices'] = {};
  const missing: TrophicIndicator[] = [];
  let weights = 0;
  let weighed = 0;
  for (const indicator of TROPHIC_INDICATORS) {
    const { a, b, weight } = INDICATORS[indicator];
    const value = means.get(indicator) ?? null;
    if (value === null || !(value > 0 && Number.isFinite(value))) {
      missing.push(indicator);
      continue;
    }
    const index = 10 * (a + b * Math.log(value));
    indices[indicator] = index;
    weights += weight;
    weighed += weight * index;
  }
  if (indices.chla === undefined) return { index: null, level: null, indices, missing };
  const index = weighed / weights;
  return { index, level: LEVELS.find(({ isReached }) => isReached(index))!.level, indices, missing };
}
