/**
 * Monotonic trends: Mann–Kendall (Mann 1945, Kendall 1975) with its corrections for autocorrelation by Hamed & Rao
 * (1998) and Yue & Wang (2004), the seasonal test of Hirsch, Slack & Smith (1982) with the covariances of Hirsch & Slack
 * (1984), Sen's slope (1968) with Gilbert's confidence limits (1987, section 16.4), of censored values that of Akritas,
 * Murphy & LaValley (1995), and Spearman's rank correlation. Numbers agree with pyMannKendall (Hussain & Mahmud 2019) where
 * nothing is missing; where a test can't say anything it refuses and says why. What each is for: docs/trend-tests.md.
 */
import { hamedRao, type Remainder, yueWang } from './autocorrelation.ts';
import { normalQuantile, twoSidedP } from './normal.ts';
import { type PairSlopes, pairSlopes, type TimedValue } from './pair-slopes.ts';
import { certainMedian, compare, medianOfSorted, ranks, scores, type TrendValue } from './ranks.ts';
import { type EvaluationVerdict, type SpearmanResult, spearman } from './spearman.ts';

export const TREND_METHODS = ['mann-kendall', 'hamed-rao', 'yue-wang', 'seasonal-kendall', 'spearman'] as const;
export type TrendMethod = (typeof TREND_METHODS)[number];

export interface TrendTestOptions {
  method: TrendMethod;
  /** Seasons in a cycle, for `seasonal-kendall`; the list's first value is in the first season. */
  period: number;
  /** Two-sided level of significance. */
  alpha: number;
  /** For `seasonal-kendall`: seasons aren't taken for independent of each other (Hirsch & Slack 1984). */
  serial: boolean;
}

export interface TrendTest {
  method: TrendMethod;
  /** Values that took part. */
  n: number;
  trend: 'increasing' | 'decreasing' | 'no trend';
  /** Two-sided; null where the test refused. */
  p: number | null;
  z: number | null;
  s: number | null;
  varS: number | null;
  tau: number | null;
  /** Per step of the list, for `seasonal-kendall` per period. */
  slope: number | null;
  /** Null too where the median of censored values can't be told. */
  intercept: number | null;
  /** Of the slope, at 1 − alpha. */
  confidence: [number, number] | null;
  /** Why there is a verdict and no slope. */
  noSlope?: string;
  /** Spearman's coefficient. */
  rho?: number;
  /** For `spearman` at levels that the rule has a table for. */
  evaluation?: EvaluationVerdict;
  /** Why there is no verdict. */
  refused?: string;
}

/** Fewer values can't reach a significance of 0.05 under the normal approximation. */
const MIN_VALUES = 4;
const NO_SLOPE = 'too many values lie beyond their limits: no slope fits them better than any steeper one';

export type TrendSeries = readonly (TrendValue | null)[];
/** A value that took part, with its place in the list. */
interface Placed extends TrendValue {
  place: number;
}

/**
 * @param values one a step, in order; null where nothing was measured: it keeps its place.
 * @returns the verdict; `refused` with nulls when there is too little to judge by.
 */
export function trendTest(values: TrendSeries, options: TrendTestOptions): TrendTest {
  const { method, alpha } = options;
  const present = placed(values);
  if (method === 'spearman') return fromSpearman(spearman(present, alpha), alpha);
  const period = method === 'seasonal-kendall' ? options.period : 1;
  const seasons = bySeason(present, period);
  const n = present.length;
  const reason = tooFew(n, seasons);
  if (reason !== null) return refused(method, n, reason);
  const slopes = pairSlopes(seasons);
  const { s } = slopes;
  const slope = medianSlope(slopes);
  const varS = varianceOf(present, seasons, slope, options);
  if (varS < 0 || (varS === 0 && s !== 0)) {
    return refused(method, n, 'the autocorrelation of the series leaves no positive variance to test against');
  }
  const z = s === 0 || varS === 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(varS);
  const isSignificant = Math.abs(z) > normalQuantile(1 - alpha / 2);
  const pairs = sum(seasons.map((season) => (season.length * (season.length - 1)) / 2));
  return {
    method,
    n,
    trend: !isSignificant ? 'no trend' : z > 0 ? 'increasing' : 'decreasing',
    p: twoSidedP(z),
    z,
    s,
    varS,
    tau: s / pairs,
    slope,
    intercept: slope === null ? null : interceptOf(present, slope, period),
    confidence: slope === null ? null : confidenceLimits(slopes, varS, alpha),
    ...(slope === null ? { noSlope: NO_SLOPE } : {}),
  };
}

function tooFew(n: number, seasons: readonly TimedValue[][]): string | null {
  if (n < MIN_VALUES) return `${n} values are too few: at least ${MIN_VALUES} are needed`;
  if (seasons.every((season) => season.length < 2)) return 'no season has two values: there is nothing to compare';
  return null;
}

const NOTHING = { p: null, z: null, s: null, varS: null, tau: null, slope: null, intercept: null, confidence: null };

function refused(method: TrendMethod, n: number, reason: string): TrendTest {
  return { method, n, trend: 'no trend', ...NOTHING, refused: reason };
}

function fromSpearman(result: SpearmanResult, alpha: number): TrendTest {
  if ('refused' in result) return refused('spearman', result.n, result.refused);
  const { n, rho, p, evaluation } = result;
  const trend = p >= alpha ? 'no trend' : rho > 0 ? 'increasing' : 'decreasing';
  return { method: 'spearman', n, trend, ...NOTHING, p, rho, ...(evaluation ? { evaluation } : {}) };
}

function placed(values: TrendSeries): Placed[] {
  return values.flatMap((one, place) => (one === null ? [] : [{ ...one, place }]));
}

/** The values of each season, timed in cycles. */
function bySeason(present: readonly Placed[], period: number): TimedValue[][] {
  const seasons: TimedValue[][] = Array.from({ length: period }, () => []);
  for (const { value, censored, place } of present) {
    seasons[place % period]!.push({ value, censored, time: Math.floor(place / period) });
  }
  return seasons;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

function varianceOf(
  present: readonly Placed[],
  seasons: readonly TimedValue[][],
  slope: number | null,
  { method, alpha, serial }: TrendTestOptions,
): number {
  if (method === 'seasonal-kendall' && serial) return varianceOfCycles(seasons);
  const independent = sum(seasons.map(variance));
  if (method === 'hamed-rao') return independent * hamedRao(remainder(present, slope, true), alpha);
  if (method === 'yue-wang') return independent * yueWang(remainder(present, slope, false));
  return independent;
}

/**
 * Var(S) over all orders of the same values: (2Σu² + D)/6 with the D ordered pairs that are decided, which is the general
 * formula for any scores (Daniels 1944; Kendall 1970, ch. 5) against time; of values that are all measured it is the usual one
 * with its correction for ties.
 */
function variance(season: readonly TrendValue[]): number {
  const { u, decided } = scores(season);
  return (2 * sum(u.map((one) => one * one)) + 2 * decided) / 6;
}

/**
 * Var(ΣS) with the covariances of all pairs of seasons, (K + Σuu')/3 (Dietz & Killeen 1981; Hirsch & Slack 1984, with ties and
 * missing values as there). Summed over the seasons first, that is: of each cycle the sum of its scores, and of each two cycles
 * the signs by which the seasons went up, squared.
 */
function varianceOfCycles(seasons: readonly TimedValue[][]): number {
  const cycles = new Map<number, (TimedValue | undefined)[]>();
  const total = new Map<number, number>();
  for (const [index, season] of seasons.entries()) {
    const { u } = scores(season);
    for (const [at, one] of season.entries()) {
      const row = cycles.getOrInsertComputed(one.time, () => new Array<TimedValue | undefined>(seasons.length));
      row[index] = one;
      total.set(one.time, (total.get(one.time) ?? 0) + u[at]!);
    }
  }
  const rows = [...cycles.values()];
  let squares = sum([...total.values()].map((one) => one * one));
  for (let i = 0; i < rows.length; i++) {
    for (let j = i + 1; j < rows.length; j++) squares += net(rows[i]!, rows[j]!) ** 2;
  }
  return squares / 3;
}

/** Seasons that rose from one cycle to another, less those that fell. */
function net(from: readonly (TrendValue | undefined)[], to: readonly (TrendValue | undefined)[]): number {
  let signs = 0;
  for (const [index, one] of from.entries()) {
    const other = to[index];
    if (one && other) signs += compare(one, other);
  }
  return signs;
}

/** Null where S is nowhere 0 between two slopes: any one beyond the last fits as well. */
function medianSlope({ rising, total, at }: PairSlopes): number | null {
  if (rising === 0 || rising === total) return null;
  return (at(rising) + at(rising + 1)) / 2;
}

/** As pyMannKendall has it: through the medians of value and place. */
function interceptOf(present: readonly Placed[], slope: number, period: number): number | null {
  const value = certainMedian(present);
  const place = medianOfSorted(present.map((one) => one.place));
  return value === null ? null : value - (place / period) * slope;
}

/**
 * Gilbert (1987) section 16.4: the slopes of ranks (N' − C)/2 and (N' + C)/2 + 1, interpolated, C = z·√Var(S): where S is C
 * and −C. In steps, of which a pair of measured values has two, those are so many below and above the median.
 */
function confidenceLimits(slopes: PairSlopes, varS: number, alpha: number): [number, number] {
  const { rising, total, at } = slopes;
  const c = normalQuantile(1 - alpha / 2) * Math.sqrt(varS);
  return [
    interpolated((rank) => at(rank), rising - c, total),
    interpolated((rank) => at(total + 1 - rank), total - rising - c, total),
  ];
}

/** The slope behind which lie so many steps, from two to two in proportion; beyond the end the last one. */
function interpolated(at: (rank: number) => number, steps: number, total: number): number {
  const below = 2 * Math.floor(steps / 2);
  if (below < 2) return at(1);
  const value = at(below);
  const share = (steps - below) / 2;
  return share === 0 ? value : value + share * (at(Math.min(below + 2, total)) - value);
}

/**
 * The series when its line is taken out by place, as values or as ranks. A value beyond its limit stays beyond what is left of
 * the limit, so that then only ranks can be told.
 */
function remainder(present: readonly Placed[], slope: number | null, isRanked: boolean): Remainder {
  const left = present.map(({ value, censored, place }) => ({ value: value - (slope ?? 0) * (place + 1), censored }));
  const hasNumbers = !isRanked && left.every(({ censored }) => censored === null);
  return {
    places: present.map(({ place }) => place),
    values: hasNumbers ? left.map(({ value }) => value) : ranks(left),
  };
}
