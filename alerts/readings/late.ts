/**
 * Breaches found in late readings: a record for each run of them, never a page (design §2 "Late"). A run needs no
 * window: it grows at either end and is told once. What an alarm already tells of is not found again.
 */

import { BREACH, gradeOfClass, isWorse, peakWith, severityAt } from '#alerts/rules/grades.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { type Change, type Episode, findingIn, type Judged } from './evaluate.ts';
import type { Lane, LateHold } from './lane.ts';

/** Alarms that derived.db knows. */
export interface KnownAlarms {
  /** The newest alarm of this key, not withdrawn, whose breach starts at or before `timeMs`. */
  covering(key: string, timeMs: number, late: boolean): { alarm: Alarm; lastBreachMs: number | null } | undefined;
}

const NONE: readonly Change[] = [];

/** One late reading's effect on the lane's run. Changes are about records only. */
export function lateReading(
  lane: Lane,
  reading: Judged,
  known: KnownAlarms,
  newAlarm: () => string,
): readonly Change[] {
  if (reading.grade < BREACH) return ended(lane, reading);
  const live = known.covering(lane.key, reading.timeMs, false)?.alarm;
  if (live && reading.timeMs < (live.clearedAtMs ?? Infinity)) return NONE;
  if (!lane.late || !touches(lane.late, reading)) lane.late = adopted(lane, reading, known) ?? begun(reading);
  const { late } = lane;
  const was = episodeOf(late, late.lastMs);
  extend(late, reading);
  const now = episodeOf(late, late.lastMs);
  if (now === null) return NONE;
  if (late.record === null) {
    late.record = newAlarm();
    return [{ alarm: late.record, was: null, now }];
  }
  return [{ alarm: late.record, was: was ?? now, now }];
}

/** A reading that doesn't break the limit ends the run when it comes after it. */
function ended(lane: Lane, reading: Judged): readonly Change[] {
  const { late } = lane;
  if (!late || reading.timeMs <= late.lastMs) return NONE;
  lane.late = null;
  const was = episodeOf(late, late.lastMs);
  if (late.record === null || was === null || reading.timeMs - late.lastMs > reading.condition.holeMs) return NONE;
  return [{ alarm: late.record, was, now: { ...was, clearedAtMs: reading.timeMs } }];
}

function touches({ startMs, lastMs }: LateHold, { timeMs, condition }: Judged): boolean {
  return timeMs >= startMs - condition.holeMs && timeMs <= lastMs + condition.holeMs;
}

function begun(reading: Judged): LateHold {
  const { timeMs } = reading;
  const worst = findingIn(reading);
  return { startMs: timeMs, lastMs: timeMs, count: 0, worst, worstMs: timeMs, record: null, raisedAtMs: null };
}

/** The run of a record that was found before and that this reading continues. */
function adopted(lane: Lane, reading: Judged, known: KnownAlarms): LateHold | null {
  const { condition } = reading;
  const found = known.covering(lane.key, reading.timeMs + condition.holeMs, true);
  const value = found?.alarm.value ?? null;
  if (!found || value === null) return null;
  const { alarm, lastBreachMs } = found;
  const run: LateHold = {
    startMs: alarm.breachStartMs,
    lastMs: lastBreachMs ?? alarm.breachStartMs,
    count: condition.minBreaches,
    worst: findingIn({
      timeMs: alarm.raisedAtMs,
      value,
      grade: gradeOfClass(alarm.class),
      condition,
      censored: alarm.censored,
    }),
    worstMs: alarm.worst?.atMs ?? alarm.breachStartMs,
    record: alarm.id,
    raisedAtMs: alarm.raisedAtMs,
  };
  return touches(run, reading) ? run : null;
}

function extend(late: LateHold, reading: Judged): void {
  const { timeMs, condition } = reading;
  late.count++;
  late.startMs = Math.min(late.startMs, timeMs);
  late.lastMs = Math.max(late.lastMs, timeMs);
  const finding = findingIn(reading);
  if (isWorse(finding, late.worst)) {
    late.worst = finding;
    late.worstMs = timeMs;
  }
  if (late.count < condition.minBreaches) return;
  if (condition.forMs === 0 && condition.minBreaches === 1) late.raisedAtMs = late.startMs;
  else if (late.raisedAtMs === null && late.lastMs - late.startMs >= condition.forMs) late.raisedAtMs = late.lastMs;
}

function episodeOf(late: LateHold, clearedAtMs: number): Episode | null {
  if (late.raisedAtMs === null) return null;
  const { startMs, lastMs, worst, worstMs, raisedAtMs } = late;
  const severity = severityAt(worst.condition, worst.value, worst.grade, lastMs - startMs);
  const peak = peakWith(null, worst, worstMs, severity);
  const times = { breachStartMs: startMs, raisedAtMs, clearedAtMs, lastBreachMs: lastMs };
  return { ...times, severity, finding: { ...worst }, peak };
}
