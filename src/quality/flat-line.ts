/**
 * QARTOD test 8, a sensor that is stuck, in two forms: a line that is flat for hours (as ioos_qc words it), and a value
 * that leaps and then stands still to the digit, which no water does.
 */
import { compareChange } from '#model/decimal.ts';
import { FAIL, type Flag, GOOD, MISSING, SUSPECT } from '#model/flag.ts';

type Span = readonly [low: number, high: number];

export interface FlatLine {
  /** The values of a stuck sensor differ by less than this. */
  tolerance: number;
  suspectMs: number;
  failMs: number;
  /** Values in this span may truly stand still for days: water at its freezing point. */
  still?: Span | undefined;
  /** A value that leaps (beyond the spike threshold) and then stands still is suspect at once. */
  afterJump?: boolean | undefined;
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
 * hole of more than `holeMs`, and that half of them at least hold a value, two or more: what nobody saw is no flat
 * line, and neither is what stands still beyond what the sensor can see, which ends a stretch as a hole does. One pass:
 * the extremes of a sliding window.
 * @param held values in `still` that water can't have come to (still-water.ts)
 */
export function flatLine(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  test: FlatLine,
  intervalMs: number,
  holeMs: number,
  isCensored: (i: number) => boolean = () => false,
  held: readonly boolean[] | null = null,
): Flag[] {
  const suspectMs = flatSpanMs(test.suspectMs, intervalMs);
  const failMs = flatSpanMs(test.failMs, intervalMs);
  const highest = slidingExtreme(values, (a, b) => a >= b);
  const lowest = slidingExtreme(values, (a, b) => a <= b);
  const isSeen = { suspect: halfSeen(timesMs, values, suspectMs), fail: halfSeen(timesMs, values, failMs) };
  const flags: Flag[] = [];
  let coveredFrom = 0;
  let flatFrom = 0;
  for (let i = 0; i < timesMs.length; i++) {
    if (i > 0 && timesMs[i]! - timesMs[i - 1]! > holeMs) coveredFrom = flatFrom = i;
    const value = values[i]!;
    if (value === null) {
      flags.push(MISSING);
      continue;
    }
    if (isCensored(i)) {
      flags.push(GOOD);
      coveredFrom = flatFrom = i + 1;
      continue;
    }
    highest.add(i);
    lowest.add(i);
    // By a tolerance of 0 not even one value is flat.
    while (flatFrom <= i && !isFlat(values[lowest.from(flatFrom)]!, values[highest.from(flatFrom)]!, test.tolerance)) {
      flatFrom++;
    }
    // Where the record before the flat stretch lies decides nothing: what counts is that no value of the span differs.
    const isFlatFor = (spanMs: number) => {
      const startMs = timesMs[i]! - spanMs;
      return timesMs[coveredFrom]! <= startMs && (flatFrom === coveredFrom || timesMs[flatFrom - 1]! < startMs);
    };
    if (mayStandStill(value, test) && !held?.[i]) flags.push(GOOD);
    else if (isFlatFor(failMs) && isSeen.fail(i)) flags.push(FAIL);
    else flags.push(isFlatFor(suspectMs) && isSeen.suspect(i) ? SUSPECT : GOOD);
  }
  return flags;
}

/** Whether values between these differ by less than the tolerance: strictly, so that 0 would find nothing flat. */
export function isFlat(lowest: number, highest: number, tolerance: number): boolean {
  return compareChange(lowest, highest, tolerance) < 0;
}

/** Whether one value is further from the other than `step`. */
export function isStep(from: number, to: number, step: number): boolean {
  return compareChange(from, to, step) > 0;
}

/** Whether a flat line at this value is what water does. */
export function mayStandStill(value: number, { still }: FlatLine): boolean {
  return still !== undefined && value >= still[0] && value <= still[1];
}

/** Asked of ascending indices: whether half of the records of the span that ends there hold a value, two at least. */
function halfSeen(timesMs: readonly number[], values: readonly (number | null)[], spanMs: number) {
  let from = 0;
  let to = 0;
  let seen = 0;
  return (i: number): boolean => {
    for (; to <= i; to++) if (values[to] !== null) seen++;
    for (; timesMs[from]! < timesMs[i]! - spanMs; from++) if (values[from] !== null) seen--;
    return seen >= 2 && 2 * seen >= i - from + 1;
  };
}

/** The indices that can still be the extreme of a window which only moves forward (a monotonic queue). */
export function slidingExtreme(values: readonly (number | null)[], beats: (a: number, b: number) => boolean) {
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

/** Values that differ by less than the tolerance, one after the other without a hole, as indices and their extremes. */
interface Level {
  from: number;
  /** Index of the value before it, if that is no further away than a hole, and whether the value leapt from there. */
  before: number | null;
  isLeap: boolean;
  min: number;
  max: number;
  last: number;
  count: number;
}

/**
 * Which values stand still after a leap of more than `step` (at least the tolerance): from the leap on, for at most
 * `spanMs`, and two of them at least. A return to where the water was before the leap is none. Depends on nothing that
 * is more than two spans and two holes before a value, or a hole after it.
 */
export function heldAfterJump(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  { tolerance, step, spanMs, holeMs }: { tolerance: number; step: number; spanMs: number; holeMs: number },
): boolean[] {
  const held = values.map(() => false);
  // Else a leap might be within one level, and where levels begin would depend on where the window does.
  if (step < tolerance) return held;
  let previous: Level | null = null;
  let level: Level | null = null;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === null) continue;
    const isNear: boolean = level !== null && timesMs[i]! - timesMs[level.last]! <= holeMs;
    if (level !== null && isNear && isFlat(Math.min(level.min, value), Math.max(level.max, value), tolerance)) {
      level.min = Math.min(level.min, value);
      level.max = Math.max(level.max, value);
      level.last = i;
      level.count++;
    } else {
      previous = level;
      const before: number | null = isNear ? previous!.last : null;
      const isLeap: boolean = before !== null && isStep(values[before]!, value, step);
      level = { from: i, before, isLeap, min: value, max: value, last: i, count: 1 };
    }
    if (level.count < 2 || !level.isLeap || timesMs[i]! - timesMs[level.from]! > spanMs) continue;
    if (isReturn(level, previous)) continue;
    held[i] = true;
    if (level.count === 2) held[level.from] = true;
  }
  return held;

  function isReturn(now: Level, left: Level | null): boolean {
    if (left === null || left.before === null || !left.isLeap) return false;
    const isRecent = timesMs[now.from]! - timesMs[left.from]! <= spanMs;
    return isRecent && !isStep(values[left.before]!, values[now.from]!, step);
  }
}
