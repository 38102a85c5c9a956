/**
 * Monotonic trends: Mann–Kendall (Mann 1945, Kendall 1975) with its corrections for autocorrelation by Hamed & Rao
 * (1998) and Yue & Wang (2004), the seasonal test of Hirsch, Slack & Smith (1982), Sen's slope (1968) with Gilbert's
 * confidence limits (1987, section 16.4), and Spearman's rank correlation as Chinese practice reads it. Numbers agree with
 * pyMannKendall (Hussain & Mahmud 2019); where a test can't say anything it refuses and says why.
 */
import { normalQuantile, twoSidedP } from './normal.ts';
import { midRanks } from './ranks.ts';
import { type SpearmanResult, spearman } from './spearman.ts';

export const TREND_METHODS = ['mann-kendall', 'hamed-rao', 'yue-wang', 'seasonal-kendall', 'spearman'] as const;
export type TrendMethod = (typeof TREND_METHODS)[number];

/** One step of the series. `censored`: below the detection limit `value`. */
interface TrendValue {
  value: number;
  censored: boolean;
}

export interface TrendTestOptions {
  method: TrendMethod;
  /** Seasons in a cycle, for `seasonal-kendall`; the list's first value is in the first season. */
  period: number;
  /** Two-sided level of significance. */
  alpha: number;
}

export interface TrendTest {
  method: TrendMethod;
  /** Values that took part. */
  n: number;
  trend: 'increasing' | 'decreasing' | 'no trend';
  /** Two-sided; null where the method has none (Spearman reads a table) or refused. */
  p: number | null;
  z: number | null;
  s: number | null;
  varS: number | null;
  tau: number | null;
  /** Per step of the list, for `seasonal-kendall` per period. */
  slope: number | null;
  intercept: number | null;
  /** Of the slope, at 1 − alpha. */
  confidence: [number, number] | null;
  /** Spearman's coefficient and the critical value that it must exceed. */
  rho?: number;
  critical?: number;
  /** Why there is no verdict. */
  refused?: string;
}

/** Fewer values can't reach a significance of 0.05 under the normal approximation. */
const MIN_VALUES = 4;

type Series = readonly (TrendValue | null)[];
/** A value that took part, with its place in the list. */
interface Placed extends TrendValue {
  place: number;
}

/**
 * @param values one a step, in order; null where nothing was measured: it keeps its place.
 * @returns the verdict; `refused` with nulls when there is too little to judge by.
 */
export function trendTest(values: Series, { method, period, alpha }: TrendTestOptions): TrendTest {
  if (method === 'spearman') return fromSpearman(spearman(valuesOf(placed(values)), alpha));
  const seasons = method === 'seasonal-kendall' ? bySeason(values, period) : [placed(values)];
  const present = placed(values);
  const n = present.length;
  const reason = tooFew(method, n, seasons);
  if (reason !== null) return refused(method, n, reason);
  const s = sum(seasons.map(score));
  const pairs = sum(seasons.map((season) => (season.length * (season.length - 1)) / 2));
  const { slope, intercept, slopes } = senSlope(seasons, present, method === 'seasonal-kendall' ? period : 1);
  const factor =
    method === 'hamed-rao' ? hamedRao(present, slope, alpha) : method === 'yue-wang' ? yueWang(present, slope) : 1;
  const varS = sum(seasons.map(variance)) * factor;
  if (varS < 0 || (factor <= 0 && s !== 0)) {
    return refused(method, n, 'the autocorrelation of the series leaves no positive variance to test against');
  }
  const z = s === 0 || varS === 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(varS);
  const isSignificant = Math.abs(z) > normalQuantile(1 - alpha / 2);
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
    intercept,
    confidence: confidenceLimits(slopes, varS, alpha),
  };
}

function tooFew(method: TrendMethod, n: number, seasons: readonly Placed[][]): string | null {
  if (n < MIN_VALUES) return `${n} values are too few: at least ${MIN_VALUES} are needed`;
  if (method === 'seasonal-kendall' && seasons.every((season) => season.length < 2)) {
    return 'no season has two values: there is nothing to compare';
  }
  return null;
}

function refused(method: TrendMethod, n: number, reason: string): TrendTest {
  const nothing = { p: null, z: null, s: null, varS: null, tau: null, slope: null, intercept: null, confidence: null };
  return { method, n, trend: 'no trend', ...nothing, refused: reason };
}

function fromSpearman(result: SpearmanResult): TrendTest {
  if ('refused' in result) return refused('spearman', result.n, result.refused);
  const { n, rho, critical } = result;
  const isSignificant = Math.abs(rho) > critical;
  const trend = !isSignificant ? 'no trend' : rho > 0 ? 'increasing' : 'decreasing';
  const nothing = { p: null, z: null, s: null, varS: null, tau: null, slope: null, intercept: null, confidence: null };
  return { method: 'spearman', n, trend, ...nothing, rho, critical };
}

function placed(values: Series): Placed[] {
  return values.flatMap((one, place) => (one === null ? [] : [{ ...one, place }]));
}

function bySeason(values: Series, period: number): Placed[][] {
  const seasons: Placed[][] = Array.from({ length: period }, () => []);
  for (const one of placed(values)) seasons[one.place % period]!.push(one);
  return seasons;
}

const valuesOf = (present: readonly Placed[]) => present.map(({ value }) => value);
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

/**
 * The sign of b − a. Of two censored values, and of a censored one whose limit is above the other, nobody can say which is
 * larger: they tie (Helsel 2012, section 11.4).
 */
function compare(a: TrendValue, b: TrendValue): number {
  if (a.censored && b.censored) return 0;
  if (a.censored) return b.value >= a.value ? 1 : 0;
  if (b.censored) return a.value >= b.value ? -1 : 0;
  return Math.sign(b.value - a.value);
}

/** Kendall's S: later values above earlier ones, less those below. */
function score(season: readonly Placed[]): number {
  let s = 0;
  for (let i = 0; i < season.length; i++) {
    for (let j = i + 1; j < season.length; j++) s += compare(season[i]!, season[j]!);
  }
  return s;
}

/** Var(S) with its correction for groups of equal values. Censored values below one limit are such a group. */
function variance(season: readonly Placed[]): number {
  const groups = new Map<string, number>();
  for (const { value, censored } of season) {
    // Whatever their limits, censored values tie with one another.
    const key = censored ? '<' : String(value);
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  const term = (n: number) => n * (n - 1) * (2 * n + 5);
  return (term(season.length) - sum([...groups.values()].map(term))) / 18;
}

/**
 * Sen's slope: the median of all slopes between two values of a season. Intercept as pyMannKendall has it: through the
 * medians of value and place. A censored value counts as half its limit here.
 */
function senSlope(seasons: readonly Placed[][], present: readonly Placed[], stepsPerUnit: number) {
  const slopes: number[] = [];
  for (const season of seasons) {
    for (let i = 0; i < season.length; i++) {
      for (let j = i + 1; j < season.length; j++) {
        const [a, b] = [season[i]!, season[j]!];
        slopes.push((numeric(b) - numeric(a)) / ((b.place - a.place) / stepsPerUnit));
      }
    }
  }
  slopes.sort((a, b) => a - b);
  const slope = medianOfSorted(slopes);
  const places = present.map(({ place }) => place).sort((a, b) => a - b);
  const values = present.map(numeric).sort((a, b) => a - b);
  return { slope, intercept: medianOfSorted(values) - (medianOfSorted(places) / stepsPerUnit) * slope, slopes };
}

const numeric = ({ value, censored }: TrendValue) => (censored ? value / 2 : value);

function medianOfSorted(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Gilbert (1987) section 16.4: the slopes of ranks (N' − C)/2 and (N' + C)/2 + 1, interpolated, C = z·√Var(S). */
function confidenceLimits(slopes: readonly number[], varS: number, alpha: number): [number, number] {
  const count = slopes.length;
  const half = (normalQuantile(1 - alpha / 2) * Math.sqrt(varS)) / 2;
  return [atRank(slopes, count / 2 - half), atRank(slopes, count / 2 + half + 1)];
}

/** The value of rank `rank` (from 1), between ranks in proportion, beyond the ends the ends. */
function atRank(sorted: readonly number[], rank: number): number {
  const inside = Math.min(Math.max(rank, 1), sorted.length);
  const below = Math.floor(inside);
  const value = sorted[below - 1]!;
  return below === inside ? value : value + (inside - below) * (sorted[below]! - value);
}

/** What is left of a series when its line is taken out. The place among the values counts, as in pyMannKendall. */
function detrended(present: readonly Placed[], slope: number): number[] {
  return present.map((one, index) => numeric(one) - slope * (index + 1));
}

/**
 * Hamed & Rao (1998) eq. 15 to 17: n/n* from the autocorrelation of the ranks of the detrended series, all lags, only
 * coefficients that differ significantly from 0.
 */
function hamedRao(present: readonly Placed[], slope: number, alpha: number): number {
  const n = present.length;
  const rho = autocorrelation(midRanks(detrended(present, slope)));
  const bound = normalQuantile(1 - alpha / 2) / Math.sqrt(n);
  let total = 0;
  for (let lag = 1; lag < n; lag++) {
    if (Math.abs(rho[lag]!) > bound) total += (n - lag) * (n - lag - 1) * (n - lag - 2) * rho[lag]!;
  }
  return 1 + (2 / (n * (n - 1) * (n - 2))) * total;
}

/** Yue & Wang (2004) eq. 11: n/n* from the autocorrelation of the detrended series itself, all lags. */
function yueWang(present: readonly Placed[], slope: number): number {
  const n = present.length;
  const rho = autocorrelation(detrended(present, slope));
  let total = 0;
  for (let lag = 1; lag < n; lag++) total += (1 - lag / n) * rho[lag]!;
  return 1 + 2 * total;
}

/** Sample autocorrelation by lag; that of a constant series is 0 by definition here. */
function autocorrelation(series: readonly number[]): number[] {
  const n = series.length;
  const mean = sum(series) / n;
  const centred = series.map((value) => value - mean);
  const covariance = (lag: number) => {
    let total = 0;
    for (let i = lag; i < n; i++) total += centred[i]! * centred[i - lag]!;
    return total;
  };
  const whole = covariance(0);
  // A straight line leaves nothing but rounding errors behind: no correlation can be read from those.
  const scale = Math.max(...series.map(Math.abs), 1e-300);
  const isConstant = whole <= n * (scale * 1e-12) ** 2;
  return series.map((_, lag) => (lag === 0 ? 1 : isConstant ? 0 : covariance(lag) / whole));
}
