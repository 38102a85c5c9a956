/**
 * The QARTOD tests, one by one, as ioos_qc words them (github ioos/ioos_qc, qartod.py): gross range (test 4), spike (6),
 * rate of change (7), flat line (8), and their roll-up. Pairs of thresholds are [suspect, fail]; a value at a
 * threshold passes.
 */
import { FAIL, type Flag, GOOD, MISSING, NOT_EVALUATED, SUSPECT, worstFlag } from '#model/flag.ts';

type Span = readonly [low: number, high: number];
type Pair = readonly [suspect: number, fail: number];

const outside = (value: number, span: Span | null) => span !== null && (value < span[0] || value > span[1]);

/** QARTOD test 4. Not evaluated when neither span is known. */
export function grossRange(value: number, fail: Span | null, suspect: Span | null): Flag {
  if (outside(value, fail)) return FAIL;
  if (outside(value, suspect)) return SUSPECT;
  return fail === null && suspect === null ? NOT_EVALUATED : GOOD;
}

/**
 * QARTOD test 6. `average`: distance to the mean of both neighbours, which also flags the neighbours of a spike and
 * both sides of a step. `differential`: the smaller of the steps to either side when they go opposite ways, which
 * flags only the spike itself. Not evaluated without both neighbours.
 */
export function spike(
  before: number | null,
  value: number,
  after: number | null,
  thresholds: Pair,
  method: 'average' | 'differential',
): Flag {
  if (before === null || after === null) return NOT_EVALUATED;
  return beyond(
    method === 'average' ? Math.abs(value - (before + after) / 2) : reversal(before, value, after),
    thresholds,
  );
}

function reversal(before: number, value: number, after: number): number {
  const up = value - before;
  const on = after - value;
  return up * on < 0 ? Math.min(Math.abs(up), Math.abs(on)) : 0;
}

/**
 * QARTOD test 7. Thresholds per `unit` of time, `elapsed` since the value before in the same measure (HOUR_MS and ms,
 * say). Good when there is nothing to compare with, as in ioos_qc. Multiplied crosswise, so that a change of exactly
 * the threshold passes whatever the interval.
 */
export function rateOfChange(
  before: number | null,
  value: number,
  elapsed: number,
  [suspect, fail]: Pair,
  unit: number,
): Flag {
  if (before === null) return GOOD;
  return beyond(Math.abs(value - before) * unit, [suspect * elapsed, fail * elapsed]);
}

function beyond(amount: number, [suspect, fail]: Pair): Flag {
  if (amount > fail) return FAIL;
  return amount > suspect ? SUSPECT : GOOD;
}

/** One QARTOD flag of several: the strongest in the order 9 < 2 < 1 < 3 < 4. */
export function rollUp(flags: readonly Flag[]): Flag {
  return flags.reduce(worstFlag, MISSING);
}

export interface FlatLine {
  /** The values of a stuck sensor differ by less than this. */
  tolerance: number;
  suspectMs: number;
  failMs: number;
}

/**
 * How long a line must be flat, as ioos_qc counts it: whole steps of the expected interval, of which we want at least
 * two (three values).
 */
export function flatSpanMs(thresholdMs: number, intervalMs: number): number {
  return Math.max(2, Math.floor(thresholdMs / intervalMs)) * intervalMs;
}

/**
 * QARTOD test 8 over a series in time order; null = missing. A value is flagged when the values of the span that ends
 * with it differ by less than the tolerance, provided that the records (missing ones too) cover that span without a
 * hole of more than `holeMs` and hold two values at least. One pass: the extremes of a sliding window.
 */
export function flatLine(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  test: FlatLine,
  intervalMs: number,
  holeMs: number,
): Flag[] {
  const suspectMs = flatSpanMs(test.suspectMs, intervalMs);
  const failMs = flatSpanMs(test.failMs, intervalMs);
  const highest = slidingExtreme(values, (a, b) => a >= b);
  const lowest = slidingExtreme(values, (a, b) => a <= b);
  const flags: Flag[] = [];
  let coveredFrom = 0;
  let flatFrom = 0;
  let valuesBefore = -1;
  for (let i = 0; i < timesMs.length; i++) {
    if (i > 0 && timesMs[i]! - timesMs[i - 1]! > holeMs) coveredFrom = flatFrom = i;
    const value = values[i]!;
    if (value === null) {
      flags.push(MISSING);
      continue;
    }
    highest.add(i);
    lowest.add(i);
    while (values[highest.from(flatFrom)]! - values[lowest.from(flatFrom)]! >= test.tolerance) flatFrom++;
    // Where the record before the flat stretch lies decides nothing: what counts is that no value of the span differs.
    const isFlat = (spanMs: number) => {
      const startMs = timesMs[i]! - spanMs;
      return (
        timesMs[coveredFrom]! <= startMs &&
        (flatFrom === coveredFrom || timesMs[flatFrom - 1]! < startMs) &&
        valuesBefore >= 0 &&
        timesMs[valuesBefore]! >= startMs
      );
    };
    flags.push(isFlat(failMs) ? FAIL : isFlat(suspectMs) ? SUSPECT : GOOD);
    valuesBefore = i;
  }
  return flags;
}

/** The indices that can still be the extreme of a window which only moves forward (a monotonic queue). */
function slidingExtreme(values: readonly (number | null)[], beats: (a: number, b: number) => boolean) {
  const queue: number[] = [];
  let head = 0;
  return {
    add(index: number): void {
      while (queue.length > head && beats(values[index]!, values[queue.at(-1)!]!)) queue.pop();
      queue.push(index);
    },
    /** Index of the extreme of the window that begins at `start`. */
    from(start: number): number {
      while (queue[head]! < start) head++;
      return queue[head]!;
    },
  };
}
