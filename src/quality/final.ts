/**
 * Final flags: a pure function of the readings of one series in event time, whatever their order of arrival. What a
 * flag depends on lies within a stated reach, so an hour gives the same flags however the window around it was cut.
 */
import { HOUR_MS } from '#model/calendar.ts';
import { FAIL, type Flag, MISSING, worstFlag } from '#model/flag.ts';
import { worsened } from './provisional.ts';
import { flatLine, flatSpanMs, grossRange, rateOfChange, spike } from './tests.ts';
import { type Thresholds, UNSTATED_INTERVAL_MS } from './thresholds.ts';

/** What the tests see of a reading; `pinned` = the flag that an engineer has set. */
export interface FlaggableReading {
  timeMs: number;
  value: number | null;
  deviceFlag: string | null;
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
export function reachBackMs({ ratePerHour, spike, flat, intervalMs, holeMs }: Thresholds): number {
  // The record that covers the start of a flat span may lie up to a neighbour's distance before it.
  if (flat) return flatSpanMs(Math.max(flat.suspectMs, flat.failMs), intervalMs) + holeMs;
  return ratePerHour || spike ? holeMs : 0;
}

/** A flag depends on nothing that is more than this after its reading. */
export function reachForwardMs({ spike, holeMs }: Thresholds): number {
  return spike ? holeMs : 0;
}

/**
 * The flag of each reading of `window`, which is ascending by time and, for the readings whose flags are wanted,
 * complete within `reachBackMs` before and `reachForwardMs` after. Neighbours are the records right before and after,
 * unless a hole (`holeMs`) lies between. Missing values are 9; a device's flag only worsens ours; an engineer's stands.
 */
export function finalFlags(window: readonly FlaggableReading[], thresholds: Thresholds): Flag[] {
  const { intervalMs, holeMs } = thresholds;
  const timesMs = window.map((reading) => reading.timeMs);
  const inRange = window.map(({ value }) =>
    value === null ? MISSING : grossRange(value, thresholds.fail, thresholds.suspect),
  );
  const comparable = window.map((reading, i) => comparableValue(reading, inRange[i]!));
  const flat = thresholds.flat ? flatLine(timesMs, comparable, thresholds.flat, intervalMs, holeMs) : null;
  const neighbour = (i: number, of: number) =>
    i >= 0 && i < window.length && Math.abs(timesMs[i]! - timesMs[of]!) <= holeMs ? comparable[i]! : null;

  return window.map(({ value, deviceFlag, pinned }, i) => {
    if (value === null) return MISSING;
    if (pinned !== undefined) return pinned;
    let flag = inRange[i]!;
    if (comparable[i] !== null) {
      const before = neighbour(i - 1, i);
      if (flat) flag = worstFlag(flag, flat[i]!);
      if (thresholds.spike) {
        flag = worstFlag(flag, spike(before, value, neighbour(i + 1, i), thresholds.spike, 'differential'));
      }
      if (thresholds.ratePerHour)
        flag = worstFlag(flag, rate(before, value, timesMs[i]! - timesMs[i - 1]!, thresholds));
    }
    return worsened(flag, deviceFlag);
  });
}

function rate(before: number | null, value: number, elapsedMs: number, thresholds: Thresholds): Flag {
  const isSmall = before !== null && Math.abs(value - before) <= thresholds.rateLeastStep;
  return rateOfChange(isSmall ? null : before, value, elapsedMs, thresholds.ratePerHour!, HOUR_MS);
}

/**
 * A value that others may be compared with. One that failed by itself (outside the physical range, or the device says
 * that it is a fault or a calibration) is missing to its neighbours: water doesn't jump because a probe was cleaned.
 */
function comparableValue({ value, deviceFlag, pinned }: FlaggableReading, inRange: Flag): number | null {
  if (value === null) return null;
  return (pinned ?? worsened(inRange, deviceFlag)) === FAIL ? null : value;
}
