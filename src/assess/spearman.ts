/**
 * Spearman's rank correlation with time. Beside it what the evaluation rule of 环办[2011]22号 makes of it: one-sided, by the
 * published table (Olds, Siegel), which a two-sided p at the same level doesn't agree with and isn't mixed up with.
 */
import { ranks, type TrendValue } from './ranks.ts';
import { twoSidedStudentP } from './student.ts';

/** The rule's own verdict. */
export interface EvaluationVerdict {
  rule: '环办[2011]22号';
  sides: 1;
  alpha: 0.05 | 0.01;
  /** 1 − 6Σd²/(N³ − N), as the rule writes it: ties are not corrected. */
  rs: number;
  /** What |rs| must exceed. */
  critical: number;
  trend: 'increasing' | 'decreasing' | 'no trend';
}

export type SpearmanResult =
  | { n: number; rho: number; p: number; evaluation: EvaluationVerdict | null }
  | { n: number; refused: string };

const MIN_PERIODS = 5;
/** Up to so many values every order is looked at: 362,880. */
const EXACT_MAX = 9;
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
 * The product-moment correlation of ranks, which is what ties need; of values below a limit the mean of the ranks that they
 * may have.
 * @returns `p` two-sided; `evaluation` null at levels that the rule has no table for.
 */
export function spearman(values: readonly TrendValue[], alpha: number): SpearmanResult {
  const n = values.length;
  if (n < MIN_PERIODS) return { n, refused: `${n} periods are too few: Spearman's test needs at least ${MIN_PERIODS}` };
  const ranked = ranks(values);
  const isLevel = ranked.every((rank) => rank === ranked[0]);
  const rho = isLevel ? 0 : correlationWithTime(ranked);
  const p = isLevel ? 1 : n <= EXACT_MAX ? exactP(ranked) : asymptoticP(rho, n);
  return { n, rho, p, evaluation: evaluationOf(ranked, isLevel, alpha) };
}

function correlationWithTime(ranked: readonly number[]): number {
  const middle = (ranked.length + 1) / 2;
  let [products, squares, times] = [0, 0, 0];
  for (const [index, rank] of ranked.entries()) {
    products += (rank - middle) * (index + 1 - middle);
    squares += (rank - middle) ** 2;
    times += (index + 1 - middle) ** 2;
  }
  return Math.min(1, Math.max(-1, products / Math.sqrt(squares * times)));
}

/** The share of all orders of these ranks that go with time, or against it, at least as closely. */
function exactP(ranked: readonly number[]): number {
  const n = ranked.length;
  const middle = (n + 1) / 2;
  const left = ranked.map((rank) => rank - middle);
  const found = Math.abs(left.reduce((sum, rank, index) => sum + rank * (index + 1 - middle), 0));
  let [atLeast, orders] = [0, 0];
  const place = (index: number, sum: number): void => {
    if (index === n) {
      orders++;
      // Ranks are multiples of a half: sums of their products are exact.
      if (Math.abs(sum) >= found) atLeast++;
      return;
    }
    for (let next = index; next < n; next++) {
      [left[index], left[next]] = [left[next]!, left[index]!];
      place(index + 1, sum + left[index]! * (index + 1 - middle));
      [left[index], left[next]] = [left[next]!, left[index]!];
    }
  };
  place(0, 0);
  return atLeast / orders;
}

/** By Student's t with n − 2 degrees of freedom, but never less than one order of all that there are, and its reverse. */
function asymptoticP(rho: number, n: number): number {
  let least = 2;
  for (let k = 2; k <= n; k++) least /= k;
  if (Math.abs(rho) >= 1) return least;
  const t = rho * Math.sqrt((n - 2) / (1 - rho ** 2));
  return Math.max(twoSidedStudentP(t, n - 2), least);
}

function evaluationOf(ranked: readonly number[], isLevel: boolean, alpha: number): EvaluationVerdict | null {
  if (alpha !== 0.05 && alpha !== 0.01) return null;
  const n = ranked.length;
  const squares = ranked.reduce((total, rank, index) => total + (rank - (index + 1)) ** 2, 0);
  // Values that are all equal have no order; the formula would call their shared rank a weak rise.
  const rs = isLevel ? 0 : 1 - (6 * squares) / (n ** 3 - n);
  const critical = criticalValue(n, alpha);
  const isReached = Math.abs(rs) > critical;
  const trend = !isReached ? 'no trend' : rs > 0 ? 'increasing' : 'decreasing';
  return { rule: '环办[2011]22号', sides: 1, alpha, rs, critical, trend };
}

/** Between two rows the stricter one holds; beyond the table the normal approximation that its last rows follow. */
function criticalValue(n: number, alpha: 0.05 | 0.01): number {
  const column = alpha === 0.05 ? 1 : 2;
  const row = TABLE.findLast(([periods]) => periods <= n)!;
  if (n <= 30) return row[column]!;
  return (alpha === 0.05 ? 1.6448536269514722 : 2.3263478740408408) / Math.sqrt(n - 1);
}
