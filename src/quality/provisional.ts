/**
 * The flag that a reading gets at the door: QARTOD tests 4 (gross range), 5 (climatology), 6 (spike), 7 (rate of change)
 * and 8 (flat line) as far as the past can tell. Its predecessors are those in event time that the door still remembers;
 * what comes after is unknown, so an hour's close decides again (src/quality/final.ts) and may confirm or clear.
 */
import { HOUR_MS } from '#model/calendar.ts';
import { compareChange } from '#model/decimal.ts';
import type { Letters } from '#model/dialect.ts';
import {
  deviceFloor,
  FAIL,
  type Flag,
  GOOD,
  isUnexplained,
  isUsable,
  MISSING,
  NOT_EVALUATED,
  SUSPECT,
  worstFlag,
} from '#model/flag.ts';
import { censoredOfMark, flagOfMark, type Reading } from '#model/reading.ts';
import { climatology } from './climatology.ts';
import { type FlatLine, flatSpanMs, isFlat, isStep, mayStandStill } from './flat-line.ts';
import { DOUBT_MS, isThawedBefore } from './still-water.ts';
import { grossRange } from './tests.ts';
import type { Thresholds } from './thresholds.ts';

/** Readings of one series as the door remembers them, ascending in time, from `start` on; NaN = measured nothing. */
export interface Recent {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Flags with their censoring (`toMark`). */
  readonly marks: Uint8Array;
  /** Null when none of them has a device flag. */
  readonly deviceFlags: readonly (string | null)[] | null;
  readonly start: number;
}

/**
 * The longest run of values ending at the newest reading whose spread is below the flat-line tolerance, kept from
 * reading to reading so that it may reach further back than the readings that are remembered.
 */
export interface FlatRun {
  /** The thresholds that it was computed under; null or others = it has to be found anew. */
  under: Thresholds | null;
  startMs: number;
  min: number;
  max: number;
  count: number;
  /** Near 0, and after a hole before which the water wasn't (still-water.ts). */
  isDoubted: boolean;
}

export function emptyRun(): FlatRun {
  return { under: null, startMs: 0, min: 0, max: 0, count: 0, isDoubted: false };
}

/**
 * The provisional flag of a value (null = 9) at `timeMs`, whose predecessors are `recent[start, before)`.
 * @param run the run that ends at `before - 1`; it is moved on to end at this reading. Constant time.
 */
export function provisionalFlag(
  timeMs: number,
  { value, deviceFlag, censored }: Pick<Reading, 'value' | 'deviceFlag' | 'censored'>,
  recent: Recent,
  before: number,
  run: FlatRun,
  thresholds: Thresholds,
): Flag {
  // What isn't a number was not measured (ioos_qc: NaN is missing).
  if (value === null || Number.isNaN(value)) return MISSING;
  let flag = grossRange(value, thresholds.fail, thresholds.suspect);
  if (thresholds.climatology) flag = worstFlag(flag, climatology(timeMs, value, thresholds.climatology));
  if (thresholds.spike !== null || thresholds.ratePerHour !== null) {
    const last = lastValue(recent, before, false);
    const usable = last < 0 || isUsable(flagOfMark(recent.marks[last]!)) ? last : lastValue(recent, last, true);
    const witness = last !== usable && canVouch(recent, last, thresholds) ? last : NONE;
    flag = worstFlag(flag, spike(timeMs, value, recent, usable, witness, thresholds, censored !== undefined));
    flag = worstFlag(flag, rateOfChange(timeMs, value, recent, usable, witness, thresholds));
  }
  // How still the water stands below what the sensor can see, nobody knows.
  if (censored !== undefined) run.under = null;
  else if (thresholds.flat !== null) {
    moveRun(run, timeMs, value, recent, before, thresholds, thresholds.flat.tolerance);
    flag = worstFlag(flag, flatLine(timeMs, value, run, thresholds.flat, thresholds.intervalMs));
  }
  return worsened(flag, deviceFlag, thresholds.letters);
}

/**
 * A verdict of ours worsened by the device's own (contracts §3 "Flags"). Not `worstFlag`: there "good" beats "not
 * evaluated", but a device that says so makes a good reading one that was not evaluated.
 */
export function worsened(flag: Flag, deviceFlag: string | null, letters: Letters | undefined = undefined): Flag {
  if (deviceFlag === null || flag === MISSING) return flag;
  const floor = deviceFloor(deviceFlag, letters);
  return floor !== null && floor > flag ? floor : flag;
}

const NONE = -1;

/** Index of the last predecessor that measured something (and, if asked, was found usable), or NONE. */
function lastValue(recent: Recent, before: number, isUsableWanted: boolean): number {
  for (let index = before - 1; index >= recent.start; index--) {
    if (Number.isNaN(recent.values[index]!)) continue;
    if (!isUsableWanted || isUsable(flagOfMark(recent.marks[index]!))) return index;
  }
  return NONE;
}

/**
 * Whether a predecessor that isn't usable may still speak for a reading like itself: it must have been doubted for its
 * step (or a suspect range) only. What the device itself called faulty, or something that nobody has explained (a check
 * sample, perhaps), or what can't be, speaks for nothing.
 */
function canVouch(recent: Recent, index: number, { fail, letters }: Thresholds): boolean {
  if (index < 0) return false;
  const value = recent.values[index]!;
  if (fail !== null && (value < fail[0] || value > fail[1])) return false;
  const deviceFlag = recent.deviceFlags?.[index] ?? null;
  return deviceFloor(deviceFlag, letters) !== FAIL && !isUnexplained(deviceFlag, letters);
}

/**
 * QARTOD test 6 needs the reading after: a spike comes back, a step stays. Before that is known, all that can be known
 * is that a value left the level of the last usable reading, and so the causal form only ever says SUSPECT:
 * - within the threshold of the last usable reading: good, also right after a spike (it came back);
 * - within the threshold of a doubted predecessor, or further out on the same side of it: good (the step stays, so that
 *   a real pollution step is doubted for one reading and no longer), save that under `flat.afterJump` a value which
 *   leapt and then stands still to the digit stays doubted until it moves;
 * - else suspect. Without a neighbour on this side of a hole the test isn't made.
 */
function spike(
  timeMs: number,
  value: number,
  recent: Recent,
  usable: number,
  witness: number,
  thresholds: Thresholds,
  isCensored: boolean,
): Flag {
  if (thresholds.spike === null) return NOT_EVALUATED;
  const [step] = thresholds.spike;
  const isNear = (index: number): boolean => index >= 0 && timeMs - recent.timesMs[index]! <= thresholds.holeMs;
  const hasWitness = isNear(witness);
  if (!hasWitness && !isNear(usable)) return NOT_EVALUATED;
  if (usable >= 0 && !isStep(recent.values[usable]!, value, step)) return GOOD;
  if (hasWitness) {
    const doubted = recent.values[witness]!;
    const { flat } = thresholds;
    const isStuck = flat?.afterJump && isFlat(Math.min(doubted, value), Math.max(doubted, value), flat.tolerance);
    if (isStuck && !isCensored) return SUSPECT;
    if (!isStep(doubted, value, step)) return GOOD;
    const left = usable < 0 ? doubted : recent.values[usable]!;
    if (isStep(left, doubted, step) && value > doubted === doubted > left) return GOOD;
  }
  return SUSPECT;
}

/**
 * QARTOD test 7 against the last usable reading and, if there is one that can vouch, the doubted predecessor: the
 * milder of the two counts, for the reason given at `spike`. Compared crosswise (|Δ| · 1 h > limit · Δt), so that a
 * change of exactly the limit is exact.
 */
function rateOfChange(
  timeMs: number,
  value: number,
  recent: Recent,
  usable: number,
  witness: number,
  { ratePerHour, rateLeastStep }: Thresholds,
): Flag {
  if (ratePerHour === null) return NOT_EVALUATED;
  let isFailed = true;
  for (const index of [usable, witness]) {
    if (index < 0) continue;
    const before = recent.values[index]!;
    const elapsedMs = timeMs - recent.timesMs[index]!;
    if (!isStep(before, value, rateLeastStep)) return GOOD;
    if (compareChange(before, value, ratePerHour[0], HOUR_MS, elapsedMs) <= 0) return GOOD;
    if (compareChange(before, value, ratePerHour[1], HOUR_MS, elapsedMs) <= 0) isFailed = false;
  }
  if (usable < 0) return NOT_EVALUATED;
  return isFailed ? FAIL : SUSPECT;
}

/** Two equal values are no flat line (ioos_qc: fewer than 3 points are good). */
const FLAT_COUNT_MIN = 3;

/** QARTOD test 8: the spread over the whole span is below the tolerance (strictly, so 0 would flag nothing). */
function flatLine(timeMs: number, value: number, run: FlatRun, flat: FlatLine, intervalMs: number): Flag {
  const lengthMs = timeMs - run.startMs;
  const isStill = mayStandStill(value, flat);
  const isHeld = isStill && run.isDoubted && lengthMs > 0 && lengthMs <= DOUBT_MS;
  if (isStill && !isHeld) return GOOD;
  if (run.count < FLAT_COUNT_MIN) return isHeld ? SUSPECT : GOOD;
  if (lengthMs >= flatSpanMs(flat.failMs, intervalMs)) return FAIL;
  if (isHeld) return SUSPECT;
  return lengthMs >= flatSpanMs(flat.suspectMs, intervalMs) ? SUSPECT : GOOD;
}

/** Moves the run on to `value`; missing readings neither lengthen nor end it, a hole ends it. */
function moveRun(
  run: FlatRun,
  timeMs: number,
  value: number,
  recent: Recent,
  before: number,
  thresholds: Thresholds,
  tolerance: number,
): void {
  const isJoined = before > recent.start && timeMs - recent.timesMs[before - 1]! <= thresholds.holeMs;
  if (run.under === thresholds && isJoined && run.count > 0) {
    const min = Math.min(run.min, value);
    const max = Math.max(run.max, value);
    if (isFlat(min, max, tolerance)) {
      run.min = min;
      run.max = max;
      run.count++;
      return;
    }
  }
  findRun(run, timeMs, value, recent, before, thresholds, tolerance);
}

/** Finds the run that ends at `value` among the remembered predecessors. */
function findRun(
  run: FlatRun,
  timeMs: number,
  value: number,
  recent: Recent,
  before: number,
  thresholds: Thresholds,
  tolerance: number,
): void {
  run.under = thresholds;
  run.startMs = timeMs;
  run.min = value;
  run.max = value;
  run.count = 1;
  run.isDoubted = false;
  let nextMs = timeMs;
  for (let index = before - 1; index >= recent.start; index--) {
    if (run.startMs - recent.timesMs[index]! > thresholds.holeMs)
      run.isDoubted = isDoubted(run, recent, index, thresholds);
    if (nextMs - recent.timesMs[index]! > thresholds.holeMs) return;
    nextMs = recent.timesMs[index]!;
    const earlier = recent.values[index]!;
    if (Number.isNaN(earlier)) continue;
    if (censoredOfMark(recent.marks[index]!) !== undefined) return;
    const min = Math.min(run.min, earlier);
    const max = Math.max(run.max, earlier);
    if (!isFlat(min, max, tolerance)) {
      run.isDoubted = isDoubted(run, recent, index, thresholds);
      return;
    }
    run.min = min;
    run.max = max;
    run.startMs = nextMs;
    run.count++;
  }
}

/** Whether a run that nothing came right before begins where the water wasn't before, by the last value up to `index`. */
function isDoubted({ startMs }: FlatRun, recent: Recent, index: number, { flat, holeMs }: Thresholds): boolean {
  if (!flat?.still) return false;
  for (let place = index; place >= recent.start; place--) {
    const value = recent.values[place]!;
    if (Number.isNaN(value)) continue;
    return isThawedBefore({ timeMs: recent.timesMs[place]!, value }, startMs, flat, holeMs);
  }
  return false;
}
