/**
 * The QARTOD tests of a value and its neighbours, as ioos_qc words them (github ioos/ioos_qc, qartod.py): gross range
 * (test 4), spike (6), rate of change (7), and the roll-up of all tests. Pairs of thresholds are [suspect, fail]; a
 * value at a threshold passes, as decimals have it (src/model/decimal.ts): 0.3, 0.4, 0.3 is at a spike threshold of 0.1.
 * Values are finite: what isn't a number is missing before it comes here.
 */
import { compareChange, signOfSum } from '#model/decimal.ts';
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
  const [suspect, fail] = thresholds;
  const isBeyond = method === 'average' ? isOffMean : isReversal;
  if (isBeyond(before, value, after, fail)) return FAIL;
  return isBeyond(before, value, after, suspect) ? SUSPECT : GOOD;
}

function isOffMean(before: number, value: number, after: number, threshold: number): boolean {
  if (threshold === Number.POSITIVE_INFINITY) return false;
  const side = 2 * value >= before + after ? 1 : -1;
  // Twice of everything, so that nothing is divided.
  const terms = [
    [2 * side, value],
    [-side, before],
    [-side, after],
    [-2, threshold],
  ] as const;
  return signOfSum(terms) > 0;
}

function isReversal(before: number, value: number, after: number, threshold: number): boolean {
  if (!(value > before ? after < value : value < before && after > value)) return false;
  return compareChange(before, value, threshold) > 0 && compareChange(after, value, threshold) > 0;
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
  if (compareChange(before, value, fail, unit, elapsed) > 0) return FAIL;
  return compareChange(before, value, suspect, unit, elapsed) > 0 ? SUSPECT : GOOD;
}

/** One QARTOD flag of several: the strongest in the order 9 < 2 < 1 < 3 < 4. */
export function rollUp(flags: readonly Flag[]): Flag {
  return flags.reduce(worstFlag, MISSING);
}
