/**
 * Ice, or a probe without contact: both read the same to the digit for days. Water at its freezing point stands still near 0,
 * but it was near 0 before: what stands still there after a hole, or a leap, in which it can't have cooled so far is suspect
 * from its first reading on, and no longer spared by the flat-line test (`still`).
 */
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import { type FlatLine, isFlat, mayStandStill } from './flat-line.ts';

/** Water of a river doesn't cool from its summer to ice in a day; after a longer hole nothing is known of before. */
export const HOLE_MS_MAX = DAY_MS;
/** For so long after the hole; what stands still longer without a reading of before is taken for ice. */
export const DOUBT_MS = 3 * DAY_MS;

/** Whether water of this value may have frozen over within a day: in the span, or as far from it as the span is wide. */
function isNear(value: number, [low, high]: readonly [number, number]): boolean {
  const width = high - low;
  return value >= low - width && value <= high + width;
}

/** No river cools as fast, °C an hour: what leaps to its freezing point from further off was not in the water. */
const COOLING_PER_HOUR = 2;

/**
 * Whether what begins at `firstMs` is to be doubted when it stands still: something else was measured before it, after a hole
 * in which it can't have frozen over, or right before it, from where no water cools so fast.
 * @param holeMs how far readings may lie apart that are neighbours
 */
export function isThawedBefore(
  before: { timeMs: number; value: number },
  firstMs: number,
  { still }: FlatLine,
  holeMs: number,
): boolean {
  const elapsedMs = firstMs - before.timeMs;
  if (still === undefined || elapsedMs > HOLE_MS_MAX || isNear(before.value, still)) return false;
  return elapsedMs > holeMs || before.value - still[1] > still[1] - still[0] + (COOLING_PER_HOUR * elapsedMs) / HOUR_MS;
}

/**
 * Which values stand still near 0 after a hole or a leap, where it wasn't near 0 before. Depends on nothing that is more than
 * `DOUBT_MS` and `HOLE_MS_MAX` before a value, or a hole after it.
 * @param values in time order; null = missing, or of no use as evidence
 */
export function heldAfterHole(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  test: FlatLine,
  holeMs: number,
): boolean[] {
  const held = values.map(() => false);
  let last: { timeMs: number; value: number } | null = null;
  /** What is doubted: nearly always nothing, and then this costs nothing. */
  let run: { from: number; min: number; max: number } | null = null;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === null) continue;
    const timeMs = timesMs[i]!;
    const isNew =
      last === null ||
      timeMs - last.timeMs > holeMs ||
      (mayStandStill(value, test) && !mayStandStill(last.value, test));
    if (isNew) {
      const isDoubted = last !== null && isThawedBefore(last, timeMs, test, holeMs);
      run = isDoubted ? { from: i, min: value, max: value } : null;
    } else if (run !== null) {
      run.min = Math.min(run.min, value);
      run.max = Math.max(run.max, value);
      if (!isFlat(run.min, run.max, test.tolerance)) run = null;
      else if (mayStandStill(value, test) && timeMs - timesMs[run.from]! <= DOUBT_MS) {
        held[i] = true;
        held[run.from] = true;
      }
    }
    last = { timeMs, value };
  }
  return held;
}
