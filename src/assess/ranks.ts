/**
 * The order of values of which some are only known to lie below or above a limit. Of two such values nobody can say which
 * is larger, nor of one whose limit is on the wrong side of what was measured: those pairs tie (Helsel 2012, section 11.4).
 */

/** One value. `<`: below the detection limit `value`; `>`: above the measuring range's end `value`. */
export interface TrendValue {
  value: number;
  censored: '<' | '>' | null;
}

/** The least and the greatest that a value can be; both itself where it was measured. */
const lowest = ({ value, censored }: TrendValue) => (censored === '<' ? Number.NEGATIVE_INFINITY : value);
const highest = ({ value, censored }: TrendValue) => (censored === '>' ? Number.POSITIVE_INFINITY : value);

/** The sign of b − a; 0 also where it can't be told. A value below 5 is less than a measured 5. */
export function compare(a: TrendValue, b: TrendValue): -1 | 0 | 1 {
  if (a.censored === null && a.value === b.value && b.censored === null) return 0;
  if (highest(a) <= lowest(b)) return 1;
  return lowest(a) >= highest(b) ? -1 : 0;
}

export interface Scores {
  /** Of each value how many are certainly below it, less how many are certainly above it (Gehan 1965). */
  u: number[];
  /** Pairs whose order is certain. */
  decided: number;
}

export function scores(values: readonly TrendValue[]): Scores {
  const highs = values.map(highest).sort(ascending);
  const lows = values.map(lowest).sort(ascending);
  const equals = new Map<number, number>();
  for (const { value, censored } of values) {
    if (censored === null) equals.set(value, (equals.get(value) ?? 0) + 1);
  }
  let decided = 0;
  const u = values.map((one) => {
    const below = countUntil(highs, (high) => high <= lowest(one));
    const above = lows.length - countUntil(lows, (low) => low < highest(one));
    // A measured value stands among both, with all that equal it.
    decided += below + above - (one.censored === null ? 2 * equals.get(one.value)! : 0);
    return below - above;
  });
  return { u, decided: decided / 2 };
}

/** Ranks from 1; values that tie share the mean of their ranks, censored ones the mean of those that they may have. */
export function ranks(values: readonly TrendValue[]): number[] {
  return scores(values).u.map((u) => (values.length + 1 + u) / 2);
}

/** The median where it is certain: below a limit it may be anything, unless more than half was measured above. */
export function certainMedian(values: readonly TrendValue[]): number | null {
  const low = medianOfSorted(values.map(lowest).sort(ascending));
  const high = medianOfSorted(values.map(highest).sort(ascending));
  return low === high ? low : null;
}

export function medianOfSorted(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `a − b` would be NaN for two infinities. */
const ascending = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);

/** How many of the first members hold; those that do come first. */
function countUntil(sorted: readonly number[], holds: (member: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(sorted[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
