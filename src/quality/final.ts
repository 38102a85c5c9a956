/**
 * Final flags: a pure function of the readings of one series in event time, whatever their order of arrival. What a
 * flag depends on lies within a stated reach, so an hour gives the same flags however the window around it was cut.
 */
import { HOUR_MS } from '#model/calendar.ts';
import type { LetterMeaning, Letters } from '#model/dialect.ts';
import {
  deviceFloor,
  FAIL,
  type Flag,
  isUnexplained,
  MISSING,
  meaningOf,
  NOT_EVALUATED,
  SUSPECT,
  worstFlag,
} from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';
import { attenuatedRange } from './attenuated.ts';
import { climatology } from './climatology.ts';
import { multivariate, neighbour, type Window } from './companions.ts';
import { flatLine, flatSpanMs, heldAfterJump, isStep } from './flat-line.ts';
import { worsened } from './provisional.ts';
import { timeGap } from './record-tests.ts';
import { DOUBT_MS, HOLE_MS_MAX, heldAfterHole } from './still-water.ts';
import { grossRange, rateOfChange, spike } from './tests.ts';
import { type Thresholds, UNSTATED_INTERVAL_MS } from './thresholds.ts';

/** What the tests see of a reading; `pinned` = the flag that an engineer has set. */
export interface FlaggableReading {
  timeMs: number;
  value: number | null;
  deviceFlag: string | null;
  censored?: Censored | undefined;
  pinned?: Flag | undefined;
}

/** For what no test is known: every flag is "not evaluated", save the device's own verdict. */
export const NO_TESTS: Thresholds = {
  fail: null,
  suspect: null,
  ratePerHour: null,
  rateLeastStep: 0,
  spike: null,
  flat: null,
  intervalMs: UNSTATED_INTERVAL_MS,
  holeMs: UNSTATED_INTERVAL_MS,
};

/** A flag depends on nothing that is more than this before its reading. */
export function reachBackMs(thresholds: Thresholds): number {
  const { ratePerHour, spike, flat, attenuated, multivariate: moving, intervalMs, holeMs } = thresholds;
  let reachMs = ratePerHour || spike || moving ? holeMs : 0;
  if (flat) {
    const spanMs = flatSpanMs(Math.max(flat.suspectMs, flat.failMs), intervalMs);
    // The record that covers the start of a flat span may lie up to a neighbour's distance before it. A value that
    // stands still after a leap takes its stretch, the one before it, what each came from, and the neighbour itself.
    reachMs = flat.afterJump && spike ? 2 * spanMs + 3 * holeMs : spanMs + holeMs;
    if (flat.still) reachMs = Math.max(reachMs, DOUBT_MS + HOLE_MS_MAX + holeMs);
  }
  return Math.max(reachMs, attenuated?.periodMs ?? 0);
}

/** A flag depends on nothing that is more than this after its reading. */
export function reachForwardMs({ spike, flat, holeMs }: Thresholds): number {
  if (!spike) return flat?.still ? holeMs : 0;
  return flat?.afterJump ? 2 * holeMs : holeMs;
}

/** The tests that a flag is rolled up from, and `device`, the device's own verdict. */
type QualityTest =
  | 'grossRange'
  | 'climatology'
  | 'spike'
  | 'rateOfChange'
  | 'flatLine'
  | 'attenuatedSignal'
  | 'multivariate'
  | 'neighbour'
  | 'device';

/** A flag, and why: what each test says that is made here. `timeGap` (4 after a hole) isn't part of the roll-up. */
export interface ExplainedFlag {
  flag: Flag;
  tests: Partial<Record<QualityTest, Flag>>;
  /** What the device's own flag means here; `unexplained`: no dialect says, and the value counts for nothing. */
  letter: LetterMeaning | 'unexplained' | null;
  timeGap: Flag;
}

/** What the tests that look at more than one reading say of each, or null for a test that isn't made. */
interface Columns {
  spike: Flag[] | null;
  rateOfChange: Flag[] | null;
  flatLine: Flag[] | null;
  attenuatedSignal: Flag[] | null;
  multivariate: Flag[] | null;
  neighbour: Flag[] | null;
}

const COLUMNS = ['spike', 'rateOfChange', 'flatLine', 'attenuatedSignal', 'multivariate', 'neighbour'] as const;

/** Other series around the window (by `holeMs` at either end), what failed there by itself left out. */
export type Companions = Partial<Record<'multivariate' | 'neighbour', Window>>;

/**
 * The flag of each reading of `window`, which is ascending by time and, for the readings whose flags are wanted,
 * complete within `reachBackMs` before and `reachForwardMs` after. Neighbours are the records right before and after,
 * unless a hole (`holeMs`) lies between. Missing values are 9; a device's flag only worsens ours; an engineer's stands.
 */
export function finalFlags(
  window: readonly FlaggableReading[],
  thresholds: Thresholds,
  companions: Companions = {},
): Flag[] {
  const { alone, columns } = evaluate(window, thresholds, companions);
  return window.map((reading, i) => rollUpAt(reading, i, alone, columns, thresholds.letters));
}

/** As `finalFlags`, with what each test said: the answer to why a reading has its flag. */
export function explainedFlags(
  window: readonly FlaggableReading[],
  thresholds: Thresholds,
  companions: Companions = {},
): ExplainedFlag[] {
  const { alone, columns } = evaluate(window, thresholds, companions);
  const gaps = timeGap(
    window.map((reading) => reading.timeMs),
    thresholds.holeMs,
  );
  return window.map((reading, i) => {
    const tests: ExplainedFlag['tests'] = {};
    const value = measured(reading);
    if (thresholds.fail || thresholds.suspect) {
      tests.grossRange = value === null ? MISSING : grossRange(value, thresholds.fail, thresholds.suspect);
    }
    if (thresholds.climatology) {
      tests.climatology = value === null ? MISSING : climatology(reading.timeMs, value, thresholds.climatology);
    }
    for (const name of COLUMNS) {
      if (columns[name]) tests[name] = value === null ? MISSING : columns[name][i]!;
    }
    const { letters } = thresholds;
    const { deviceFlag } = reading;
    const device = deviceFloor(deviceFlag, letters);
    if (device !== null) tests.device = device;
    const letter = deviceFlag === null ? null : (meaningOf(deviceFlag, letters) ?? 'unexplained');
    return { flag: rollUpAt(reading, i, alone, columns, letters), tests, letter, timeGap: gaps[i]! };
  });
}

/** What isn't a number was not measured (ioos_qc: NaN is missing). */
function measured({ value }: FlaggableReading): number | null {
  return value === null || Number.isNaN(value) ? null : value;
}

function rollUpAt(
  reading: FlaggableReading,
  i: number,
  alone: readonly Flag[],
  columns: Columns,
  letters: Letters | undefined,
): Flag {
  if (measured(reading) === null) return MISSING;
  if (reading.pinned !== undefined) return reading.pinned;
  let flag = alone[i]!;
  for (const name of COLUMNS) {
    const column = columns[name];
    if (column) flag = worstFlag(flag, column[i]!);
  }
  return worsened(flag, reading.deviceFlag, letters);
}

/** `alone` = what is said of each value by itself: its range, and the time of the year. */
function evaluate(
  window: readonly FlaggableReading[],
  thresholds: Thresholds,
  companions: Companions,
): { alone: Flag[]; columns: Columns } {
  const { flat, attenuated, intervalMs, holeMs } = thresholds;
  const timesMs = window.map((reading) => reading.timeMs);
  const alone = window.map((reading) => flagAlone(reading, thresholds));
  const comparable = window.map((reading, i) => comparableValue(reading, alone[i]!, thresholds.letters));
  const own: Window = { timesMs, values: comparable };
  const isCensored = (i: number) => window[i]!.censored !== undefined;
  const exact = window.some(({ censored }) => censored) ? comparable.map((v, i) => (isCensored(i) ? null : v)) : null;
  const held = flat?.still ? heldAfterHole(timesMs, exact ?? comparable, flat, holeMs) : null;
  const stuck = flat ? flatLine(timesMs, comparable, flat, intervalMs, holeMs, isCensored, held) : null;
  for (const [i, isHeld] of held?.entries() ?? []) if (isHeld) stuck![i] = worstFlag(stuck![i]!, SUSPECT);
  const moving =
    flat?.afterJump && thresholds.spike ? withoutHeld(timesMs, comparable, exact, stuck!, thresholds) : comparable;
  return {
    alone,
    columns: {
      ...neighbourColumns(timesMs, moving, thresholds),
      flatLine: stuck?.map(noneAsNotEvaluated) ?? null,
      attenuatedSignal: attenuated
        ? attenuatedRange(timesMs, exact ?? comparable, attenuated).map(noneAsNotEvaluated)
        : null,
      ...companionColumns(own, thresholds, companions),
    },
  };
}

/** Its range, and the time of the year. */
function flagAlone(reading: FlaggableReading, { fail, suspect, climatology: members }: Thresholds): Flag {
  const value = measured(reading);
  if (value === null) return MISSING;
  const flag = grossRange(value, fail, suspect);
  return members ? worstFlag(flag, climatology(reading.timeMs, value, members)) : flag;
}

/** A series as another one's test sees it: what failed by itself is missing. */
export function comparableWindow(readings: readonly FlaggableReading[], thresholds: Thresholds): Window {
  return {
    timesMs: readings.map(({ timeMs }) => timeMs),
    values: readings.map((reading) => comparableValue(reading, flagAlone(reading, thresholds), thresholds.letters)),
  };
}

function companionColumns(
  own: Window,
  { multivariate: moving, neighbour: near, holeMs }: Thresholds,
  companions: Companions,
): Pick<Columns, 'multivariate' | 'neighbour'> {
  const nothing: Window = { timesMs: [], values: [] };
  return {
    multivariate: moving
      ? multivariate(own, companions.multivariate ?? nothing, { ...moving, holeMs }).map(noneAsNotEvaluated)
      : null,
    neighbour: near
      ? neighbour(own, companions.neighbour ?? nothing, { span: near.span, holeMs }).map(noneAsNotEvaluated)
      : null,
  };
}

/** A value that failed by itself is missing to these tests, not to us. */
function noneAsNotEvaluated(flag: Flag): Flag {
  return flag === MISSING ? NOT_EVALUATED : flag;
}

/** The values that leapt and then stood still: suspect in `stuck`, and missing to their neighbours. */
function withoutHeld(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  exact: readonly (number | null)[] | null,
  stuck: Flag[],
  { flat, spike, intervalMs, holeMs }: Thresholds,
): (number | null)[] {
  const spanMs = flatSpanMs(Math.max(flat!.suspectMs, flat!.failMs), intervalMs);
  const held = heldAfterJump(timesMs, exact ?? values, { tolerance: flat!.tolerance, step: spike![0], spanMs, holeMs });
  return values.map((value, i) => {
    if (!held[i]) return value;
    stuck[i] = worstFlag(stuck[i]!, SUSPECT);
    return null;
  });
}

/** Spike and rate of change: each value against the records right before and after it. */
function neighbourColumns(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  thresholds: Thresholds,
): Pick<Columns, 'spike' | 'rateOfChange'> {
  const { spike: spikeAt, ratePerHour, holeMs } = thresholds;
  const neighbour = (i: number, of: number) =>
    i >= 0 && i < values.length && Math.abs(timesMs[i]! - timesMs[of]!) <= holeMs ? values[i]! : null;
  return {
    spike:
      spikeAt &&
      values.map((value, i) =>
        value === null
          ? NOT_EVALUATED
          : spike(neighbour(i - 1, i), value, neighbour(i + 1, i), spikeAt, 'differential'),
      ),
    rateOfChange:
      ratePerHour &&
      values.map((value, i) =>
        value === null ? NOT_EVALUATED : rate(neighbour(i - 1, i), value, timesMs[i]! - timesMs[i - 1]!, thresholds),
      ),
  };
}

function rate(before: number | null, value: number, elapsedMs: number, thresholds: Thresholds): Flag {
  const isSmall = before !== null && !isStep(before, value, thresholds.rateLeastStep);
  return rateOfChange(isSmall ? null : before, value, elapsedMs, thresholds.ratePerHour!, HOUR_MS);
}

/**
 * A value that others may be compared with. One that failed by itself (outside the physical range, or the device says
 * that it is a fault or a calibration) is missing to its neighbours, and so is one under a letter that nobody has
 * explained: water doesn't jump because a probe was cleaned.
 */
function comparableValue(reading: FlaggableReading, alone: Flag, letters: Letters | undefined): number | null {
  const value = measured(reading);
  if (value === null) return null;
  if (reading.pinned !== undefined) return reading.pinned === FAIL ? null : value;
  if (isUnexplained(reading.deviceFlag, letters)) return null;
  return worsened(alone, reading.deviceFlag, letters) === FAIL ? null : value;
}
