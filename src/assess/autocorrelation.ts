/**
 * By how much a series' memory changes the variance of Kendall's S: n/n*, the number of values over that of independent ones
 * that would say as much. Everything goes by the values' places in time, so that a missing value neither moves its
 * successors nor makes neighbours of values that are far apart.
 */
import { normalQuantile } from './normal.ts';

/** Values less the line, or their ranks, each with its place: whole numbers, ascending. */
export interface Remainder {
  places: readonly number[];
  values: readonly number[];
}

/**
 * Hamed & Rao (1998) eq. 15 to 17, of ranks: all lags, of which only the autocorrelations beyond ±z(1 − alpha/2)/√n count.
 * An autocorrelation is the products of the pairs that are so far apart, over the squares of all: a missing value adds nothing
 * to it, nor to the memory that S has.
 */
export function hamedRao(ranks: Remainder, alpha: number): number {
  const series = centred(ranks);
  const { n, span, isConstant } = series;
  if (isConstant) return 1;
  const whole = apart(series, 0).products;
  const bound = normalQuantile(1 - alpha / 2) / Math.sqrt(n);
  let total = 0;
  for (let lag = 1; lag < span; lag++) {
    const rho = apart(series, lag).products / whole;
    if (Math.abs(rho) > bound) total += (span - lag) * (span - lag - 1) * (span - lag - 2) * rho;
  }
  return 1 + (2 / (span * (span - 1) * (span - 2))) * total;
}

/**
 * Yue & Wang (2004) by the autocorrelation of lag 1 alone, as that of a process whose memory fades evenly: ρ(k) = ρ(1)^k and
 * n/n* = 1 + 2Σ(1 − k/n)·ρ(1)^k, where n − k is the number of pairs that are k apart. The sample's own autocorrelations of all
 * lags are no estimate at all: they always add up to −1/2 (Percival 1993), so that noise without any memory loses its variance.
 */
export function yueWang(remainder: Remainder): number {
  const series = centred(remainder);
  const { n, span, isConstant } = series;
  if (isConstant) return 1;
  const next = apart(series, 1);
  const rho = next.products / (next.pairs + 1) / (apart(series, 0).products / n);
  // Of few pairs the quotient may be any number; no memory is longer than the series.
  const memory = Math.sign(rho) * Math.min(Math.abs(rho), 1 - 1 / n);
  let total = 0;
  for (let lag = 1; lag < span && Math.abs(memory ** lag) > 1e-17; lag++) {
    total += (apart(series, lag).pairs / n) * memory ** lag;
  }
  return 1 + 2 * total;
}

interface Centred {
  n: number;
  /** Places from the first value to the last. */
  span: number;
  /** Less their mean, 0 where nothing was measured; and 1 where something was. */
  values: Float64Array;
  isThere: Uint8Array;
  isConstant: boolean;
}

function centred({ places, values }: Remainder): Centred {
  const n = values.length;
  const mean = values.reduce((total, value) => total + value, 0) / n;
  const first = places[0]!;
  const span = places.at(-1)! - first + 1;
  const series = { n, span, values: new Float64Array(span), isThere: new Uint8Array(span), isConstant: false };
  for (const [index, value] of values.entries()) {
    series.values[places[index]! - first] = value - mean;
    series.isThere[places[index]! - first] = 1;
  }
  // A straight line leaves nothing but rounding errors behind: no correlation can be read from those.
  const scale = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-300);
  series.isConstant = apart(series, 0).products <= n * (scale * 1e-12) ** 2;
  return series;
}

/** The values that are `lag` places apart: the sum of their products, and how many pairs they are. */
function apart({ span, values, isThere }: Centred, lag: number): { products: number; pairs: number } {
  let [products, pairs] = [0, 0];
  for (let i = lag; i < span; i++) {
    products += values[i]! * values[i - lag]!;
    pairs += isThere[i]! * isThere[i - lag]!;
  }
  return { products, pairs };
}
