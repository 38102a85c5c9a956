/**
 * The slopes between all pairs of values, by rank and without making a list of them: n log n steps expected and memory for n,
 * where thirty years of days have sixty million pairs. Randomized selection by counting inversions (Matoušek 1991; Dillencourt,
 * Mount & Netanyahu 1992): the slope of a pair is at most b exactly if taking the line b·t out of the values turns it round.
 *
 * **Steps.** Kendall's S of what is left when b·t is taken out falls as b grows, by one step where a pair stops rising for
 * certain and by one where it begins to fall for certain. Two measured values make both steps at their slope, a measured and a
 * censored one make one at the slope to the limit, two values below limits none. Half of the steps being the rising ones, the
 * median slope of measured values is where S is 0: Sen's slope; with censored ones that is the estimator of Akritas, Murphy &
 * LaValley (1995, "Akritas–Theil–Sen").
 */
import type { TrendValue } from './ranks.ts';

/** A value at a whole number of time steps. */
export interface TimedValue extends TrendValue {
  time: number;
}

export interface PairSlopes {
  /** Kendall's S of the values themselves. */
  s: number;
  /** Steps that end a rise; S is 0 behind so many. */
  rising: number;
  /** All steps, also those that begin a fall. */
  total: number;
  /** The slope of the step of rank 1 to `total`, ascending, to the last bits of its division. */
  at(rank: number): number;
}

/** So many steps are listed and sorted rather than narrowed down further. */
const LISTED_MIN = 32_768;
const LISTED_PER_VALUE = 8;
const SAMPLE_MIN = 256;
/** Slopes as close as this are one slope: a few units in the last place. */
const EQUAL = 2 ** -50;
const TINY = 1e-300;

interface Bracket {
  /** Slopes between `above` and `below`, both excluded, are the steps of ranks after `from` up to `upTo`. */
  above: number;
  below: number;
  from: number;
  upTo: number;
}

/** A slope that has been looked at: the steps of ranks after `less` up to `through` are at it. */
interface Cut {
  slope: number;
  below: number;
  above: number;
  less: number;
  through: number;
}

const isAt = ({ less, through }: Cut, rank: number) => rank > less && rank <= through;

/** What of the bracket is on this rank's side of the cut. */
function narrowed(bracket: Bracket, { below, above, less, through }: Cut, rank: number): Bracket {
  if (rank <= less) return below < bracket.below ? { ...bracket, below, upTo: less } : bracket;
  return rank > through && above > bracket.above ? { ...bracket, above, from: through } : bracket;
}

/** @param seasons values are compared within each; times ascend in it. */
export function pairSlopes(seasons: readonly (readonly TimedValue[])[]): PairSlopes {
  const scale = scaleOf(Math.max(...seasons.map(largestOf)));
  const groups = seasons.map((season) => groupOf(season, scale));
  const count: Count = (slope, isStrict) =>
    groups.map((group) => group.inversions(Number.NEGATIVE_INFINITY, slope, isStrict)).reduce(add, NONE);
  const all = count(Number.POSITIVE_INFINITY, true);
  const total = all.rising + all.falling;
  const find = selection(groups, count, total);
  return {
    s: all.rising - count(0, true).rising - count(0, false).falling,
    rising: all.rising,
    total,
    at: (rank) => find(rank) * scale,
  };
}

/** Steps at slopes less than one, or up to it. */
type Count = (slope: number, isStrict: boolean) => Steps;

function selection(groups: readonly Group[], count: Count, total: number): (rank: number) => number {
  const n = groups.reduce((sum, { size }) => sum + size, 0);
  const listedMax = Math.max(LISTED_MIN, LISTED_PER_VALUE * n);
  const random = randomNumbers();
  // What has been found out serves the next question too.
  const cuts: Cut[] = [];
  const listed: { from: number; slopes: Float64Array }[] = [];

  function cutAt(slope: number): Cut {
    const [below, above] = [slope - Math.abs(slope) * EQUAL - TINY, slope + Math.abs(slope) * EQUAL + TINY];
    const [less, through] = [count(below, true), count(above, false)];
    return { slope, below, above, less: less.rising + less.falling, through: through.rising + through.falling };
  }

  /** Two slopes that the step of this rank probably lies between. */
  function pivots(bracket: Bracket, rank: number): number[] {
    const inside = bracket.upTo - bracket.from;
    const places = Float64Array.from({ length: Math.max(SAMPLE_MIN, n) }, () => Math.floor(random() * inside)).sort();
    const sample = slopesIn(groups, bracket, places.length, (index) => places[index]!);
    const share = (rank - bracket.from) / inside;
    const spread = 3 * Math.sqrt(sample.length * share * (1 - share)) + 1;
    const at = (place: number) => sample[Math.min(Math.max(Math.round(place), 0), sample.length - 1)]!;
    return [at(share * sample.length - spread), at(share * sample.length + spread)];
  }

  function find(rank: number): number {
    let bracket: Bracket = { above: Number.NEGATIVE_INFINITY, below: Number.POSITIVE_INFINITY, from: 0, upTo: total };
    for (const cut of cuts) {
      if (isAt(cut, rank)) return cut.slope;
      bracket = narrowed(bracket, cut, rank);
    }
    while (bracket.upTo - bracket.from > listedMax) {
      for (const pivot of pivots(bracket, rank)) {
        if (pivot <= bracket.above || pivot >= bracket.below) continue;
        const cut = cutAt(pivot);
        cuts.push(cut);
        if (isAt(cut, rank)) return pivot;
        bracket = narrowed(bracket, cut, rank);
      }
    }
    const slopes = slopesIn(groups, bracket, bracket.upTo - bracket.from, (index) => index);
    listed.push({ from: bracket.from, slopes });
    return slopes[rank - bracket.from - 1]!;
  }

  return (rank) => {
    const known = listed.find(({ from, slopes }) => rank > from && rank <= from + slopes.length);
    return known ? known.slopes[rank - known.from - 1]! : find(rank);
  };
}

/** The slopes of so many of the steps in the bracket, ascending. @param wanted the place of each, ascending from 0. */
function slopesIn(
  groups: readonly Group[],
  { above, below }: Bracket,
  length: number,
  wanted: (index: number) => number,
): Float64Array {
  const slopes = new Float64Array(length);
  let taken = 0;
  let passed = 0;
  for (const group of groups) {
    const before = passed;
    passed += group.visit(above, below, {
      next: () => (taken < length ? wanted(taken) - before : Number.POSITIVE_INFINITY),
      take: (slope) => {
        slopes[taken++] = slope;
      },
    });
  }
  return slopes.subarray(0, taken).sort();
}

interface Steps {
  rising: number;
  falling: number;
}
const NONE: Steps = { rising: 0, falling: 0 };
const add = (a: Steps, b: Steps): Steps => ({ rising: a.rising + b.rising, falling: a.falling + b.falling });

/** Which steps are wanted: `next` is the index of the next one, counted from 0 in the group; `take` gets its slope. */
interface Visitor {
  next(): number;
  take(slope: number): void;
}

interface Group {
  size: number;
  inversions(above: number, below: number, isStrict: boolean): Steps;
  /** @returns how many steps there are between the two. */
  visit(above: number, below: number, visitor: Visitor): number;
}

function groupOf(season: readonly TimedValue[], scale: number): Group {
  const n = season.length;
  const values = Float64Array.from(season, ({ value }) => value / scale);
  const times = Float64Array.from(season, ({ time }) => time);
  // Of an earlier value that may be anything below, no rise is certain from above; of a later one no rise at all.
  const hasHigh = Uint8Array.from(season, ({ censored }) => (censored === '>' ? 0 : 1));
  const hasLow = Uint8Array.from(season, ({ censored }) => (censored === '<' ? 0 : 1));
  const slope = (i: number, j: number) => (values[j]! - values[i]!) / (times[j]! - times[i]!);

  /** The order in which a pair is turned round exactly by a slope beyond `above`: equal ones stand later first. */
  function orderAt(above: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, index) => index);
    if (above === Number.NEGATIVE_INFINITY) return order;
    const { high, low } = residuals(values, times, above);
    return order.sort((i, j) => high[i]! - high[j]! || low[i]! - low[j]! || j - i);
  }

  function walk(above: number, below: number, isStrict: boolean, visitor: Visitor | null): Steps {
    const order = orderAt(above);
    const { high, low } = residuals(values, times, below);
    const staysBefore = isStrict
      ? (i: number, j: number) => high[i]! < high[j]! || (high[i]! === high[j]! && low[i]! <= low[j]!)
      : (i: number, j: number) => high[i]! < high[j]! || (high[i]! === high[j]! && low[i]! < low[j]!);
    return mergeCount(order, staysBefore, { hasHigh, hasLow, slope }, visitor);
  }

  return {
    size: n,
    inversions: (above, below, isStrict) => walk(above, below, isStrict, null),
    visit(above, below, visitor) {
      const { rising, falling } = walk(above, below, true, visitor);
      return rising + falling;
    },
  };
}

interface Kinds {
  hasHigh: Uint8Array;
  hasLow: Uint8Array;
  slope: (i: number, j: number) => number;
}

/** Merge sort, bottom up: where the right one of two goes first, it is turned round with all that are left of the left run. */
function mergeCount(
  order: Int32Array,
  staysBefore: (i: number, j: number) => boolean,
  kinds: Kinds,
  visitor: Visitor | null,
): Steps {
  const n = order.length;
  let from = order;
  let to: Int32Array = new Int32Array(n);
  const highs = new Int32Array(n);
  const lows = new Int32Array(n);
  const steps = { rising: 0, falling: 0 };
  for (let width = 1; width < n; width *= 2) {
    for (let start = 0; start < n; start += 2 * width) {
      const middle = Math.min(start + width, n);
      mergeRuns({ from, to, highs, lows }, [start, middle, Math.min(start + 2 * width, n)], staysBefore, kinds, {
        steps,
        visitor,
      });
    }
    [from, to] = [to, from];
  }
  return steps;
}

interface Buffers {
  from: Int32Array;
  to: Int32Array;
  /** Members of the left run from which a rise can end, and from which a fall can begin. */
  highs: Int32Array;
  lows: Int32Array;
}

function mergeRuns(
  { from, to, highs, lows }: Buffers,
  [start, middle, end]: [number, number, number],
  staysBefore: (i: number, j: number) => boolean,
  { hasHigh, hasLow, slope }: Kinds,
  { steps, visitor }: { steps: Steps; visitor: Visitor | null },
): void {
  let [highCount, lowCount] = [0, 0];
  for (let at = start; at < middle; at++) {
    const i = from[at]!;
    if (hasHigh[i]) highs[highCount++] = i;
    if (hasLow[i]) lows[lowCount++] = i;
  }
  let [left, right, highAt, lowAt] = [start, middle, 0, 0];
  for (let at = start; at < end; at++) {
    if (right >= end || (left < middle && staysBefore(from[left]!, from[right]!))) {
      const i = from[left++]!;
      highAt += hasHigh[i]!;
      lowAt += hasLow[i]!;
      to[at] = i;
      continue;
    }
    const j = from[right++]!;
    to[at] = j;
    const pass = (members: Int32Array, first: number, count: number) => {
      const passed = steps.rising + steps.falling;
      // The pair in the order of time; where both are measured it is met twice, once for each of its steps.
      for (let next = visitor!.next(); next < passed + count - first; next = visitor!.next()) {
        visitor!.take(slope(members[first + next - passed]!, j));
      }
    };
    if (hasLow[j]) {
      if (visitor) pass(highs, highAt, highCount);
      steps.rising += highCount - highAt;
    }
    if (hasHigh[j]) {
      if (visitor) pass(lows, lowAt, lowCount);
      steps.falling += lowCount - lowAt;
    }
  }
}

/**
 * What is left of each value when slope·time is taken out, as an unevaluated sum of two doubles: with one, pairs whose slopes
 * are close would be told apart by rounding errors (products by Dekker 1971, sums by Knuth).
 */
function residuals(
  values: Float64Array,
  times: Float64Array,
  slope: number,
): { high: Float64Array; low: Float64Array } {
  const n = values.length;
  const high = new Float64Array(n);
  const low = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    if (slope === Number.POSITIVE_INFINITY) {
      high[i] = -times[i]!;
      continue;
    }
    const product = slope * times[i]!;
    const difference = values[i]! - product;
    const part = difference - values[i]!;
    const rest = values[i]! - (difference - part) + (-product - part) - productError(slope, times[i]!, product);
    high[i] = difference + rest;
    low[i] = rest - (high[i]! - difference);
  }
  return { high, low };
}

const SPLIT = 2 ** 27 + 1;

function productError(a: number, b: number, product: number): number {
  const aHigh = SPLIT * a - (SPLIT * a - a);
  const bHigh = SPLIT * b - (SPLIT * b - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

function largestOf(season: readonly TrendValue[]): number {
  return season.reduce((max, { value }) => Math.max(max, Math.abs(value)), 0);
}

/** What to divide by, without a rounding error, so that no difference overflows: 1 for anything that is ever measured. */
function scaleOf(max: number): number {
  return max > 1e150 ? 2 ** 1023 : 1;
}

/** Mulberry32. Always the same numbers: they decide how long it takes, not what is found. */
function randomNumbers(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
