/**
 * Spearman's rank correlation with time, as the evaluation method of 环办[2011]22号 uses it for trends of several periods: |r_s|
 * must exceed the critical value of the number of periods. The table is the published one-sided one (Olds, Siegel).
 */
import { midRanks } from './ranks.ts';

export type SpearmanResult = { n: number; rho: number; critical: number } | { n: number; refused: string };

const MIN_PERIODS = 5;
/** Periods → critical values at 0.05 and 0.01. */
const TABLE: readonly (readonly [number, number, number])[] = [
  [5, 0.9, 1],
  [6, 0.829, 0.943],
  [7, 0.714, 0.893],
  [8, 0.643, 0.833],
  [9, 0.6, 0.783],
  [10, 0.564, 0.746],
  [12, 0.506, 0.712],
  [14, 0.456, 0.645],
  [16, 0.425, 0.601],
  [18, 0.399, 0.564],
  [20, 0.377, 0.534],
  [22, 0.359, 0.508],
  [24, 0.343, 0.485],
  [26, 0.329, 0.465],
  [28, 0.317, 0.448],
  [30, 0.306, 0.432],
];

/**
 * r_s = 1 − 6Σd²/(N³ − N), d = rank by concentration less rank by time; equal concentrations share their mean rank.
 * @param alpha 0.05 or 0.01: the table has no other columns.
 */
export function spearman(values: readonly number[], alpha: number): SpearmanResult {
  const n = values.length;
  if (n < MIN_PERIODS) return { n, refused: `${n} periods are too few: Spearman's test needs at least ${MIN_PERIODS}` };
  if (alpha !== 0.05 && alpha !== 0.01) {
    return { n, refused: `the table of critical values is for alpha 0.05 and 0.01, not ${alpha}` };
  }
  const ranks = midRanks(values);
  const squares = ranks.reduce((total, rank, index) => total + (rank - (index + 1)) ** 2, 0);
  // Values that are all equal have no order; the formula would call their shared rank a weak rise.
  const rho = values.every((value) => value === values[0]) ? 0 : 1 - (6 * squares) / (n ** 3 - n);
  return { n, rho, critical: criticalValue(n, alpha) };
}

/** Between two rows the stricter one holds; beyond the table the normal approximation that its last rows follow. */
function criticalValue(n: number, alpha: number): number {
  const column = alpha === 0.05 ? 1 : 2;
  const row = TABLE.findLast(([periods]) => periods <= n)!;
  if (n <= 30) return row[column]!;
  return (alpha === 0.05 ? 1.6448536269514722 : 2.3263478740408408) / Math.sqrt(n - 1);
}
