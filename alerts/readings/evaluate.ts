/**
 * The evaluation of one (rule, series): a fold of judged readings in the order of their event times. Pure: the same
 * readings in the same order give the same episodes, and neither ticks nor arrival times come in (contracts §4
 * "Holding"). An episode is a breach that held long enough; the alarm that tells of it is kept in lifecycle.ts.
 */

import type { Condition } from '#alerts/rules/conditions.ts';
import {
  BREACH,
  CLEAR,
  type Finding,
  type Grade,
  isMoreSevere,
  OUTSIDE,
  type Peak,
  peakWith,
  severityAt,
} from '#alerts/rules/grades.ts';
import type { Severity } from '#model/alarms/alarm.ts';
import { type Censored, isSame } from '#model/reading.ts';

/** A usable reading with its worth under the condition that held when it was journaled. */
export interface Judged {
  timeMs: number;
  value: number;
  grade: Grade;
  condition: Condition;
  censored?: Censored | undefined;
  note?: string;
}

/** A breach that was raised. All times are those of readings. */
export interface Episode {
  breachStartMs: number;
  /** The first reading at or after `breachStartMs` + `for`. */
  raisedAtMs: number;
  /** The reading that completed the clearing; null while the breach stands. */
  clearedAtMs: number | null;
  /** The newest reading that broke the limit. */
  lastBreachMs: number;
  severity: Severity;
  /** The reading that raised it or, later, last changed its severity. */
  finding: Finding;
  /** The furthest it went since `breachStartMs`. */
  peak: Peak;
  /** What cleared it: the rule's calendar; absent: readings. */
  clearedBy?: 'calendar';
}

/**
 * Where the fold stands. `cleared` is `normal` right after an episode's end: it hands the finished episode over.
 * The last time is only kept where a hole matters, so that a quiet series has one and the same state all the time.
 */
export type Hold =
  | { phase: 'normal' }
  | { phase: 'breached'; breachStartMs: number; lastMs: number; count: number; peak: Peak | null }
  | { phase: 'raised'; episode: Episode; clearSinceMs: number | null; milderSinceMs: number | null }
  | { phase: 'cleared'; episode: Episode };

export const NORMAL: Hold = { phase: 'normal' };

/** The next state; `reading` must be later than every reading before it. */
export function step(hold: Hold, reading: Judged): Hold {
  const isBreach = reading.grade >= BREACH;
  switch (hold.phase) {
    case 'normal':
    case 'cleared':
      return isBreach ? began(reading) : NORMAL;
    case 'breached':
      if (!isBreach) return NORMAL;
      if (reading.timeMs - hold.lastMs > reading.condition.holeMs) return began(reading);
      return heldOn(hold.breachStartMs, hold.count + 1, reading, hold.peak);
    case 'raised':
      return isBreach ? wentOn(hold, reading) : eased(hold, reading);
  }
}

function began(reading: Judged): Hold {
  return heldOn(reading.timeMs, 1, reading, null);
}

/** A breach of `count` readings so far: raised once it is long enough in time and in readings. */
function heldOn(breachStartMs: number, count: number, reading: Judged, before: Peak | null): Hold {
  const { timeMs, condition } = reading;
  const { forMs, minBreaches } = condition;
  const severity = severityOfReading(breachStartMs, reading);
  const peak = peakWith(before, reading, timeMs, severity);
  if (timeMs >= breachStartMs + forMs && count >= minBreaches) return raised(breachStartMs, reading, severity, peak);
  return { phase: 'breached', breachStartMs, lastMs: timeMs, count, peak };
}

function raised(breachStartMs: number, reading: Judged, severity: Severity, peak: Peak): Hold {
  const { timeMs } = reading;
  const episode: Episode = {
    breachStartMs,
    raisedAtMs: timeMs,
    clearedAtMs: null,
    lastBreachMs: timeMs,
    severity,
    finding: findingIn(reading),
    peak,
  };
  return { phase: 'raised', episode, clearSinceMs: null, milderSinceMs: null };
}

function severityOfReading(breachStartMs: number, { timeMs, value, grade, condition }: Judged): Severity {
  return severityAt(condition, value, grade, timeMs - breachStartMs);
}

export function findingIn({ value, grade, condition, censored, note }: Judged): Finding {
  const finding = { value, grade, condition };
  if (censored !== undefined) return { ...finding, censored };
  return note === undefined ? finding : { ...finding, note };
}

/**
 * Severity rises at once. It falls at once, too (the margin only delays clearing, contracts §4 "Holding"), unless the
 * rule wants less severe readings for some time before.
 */
function wentOn(hold: Hold & { phase: 'raised' }, reading: Judged): Hold {
  const { timeMs, condition } = reading;
  const severity = severityOfReading(hold.episode.breachStartMs, reading);
  const peak = peakWith(hold.episode.peak, reading, timeMs, severity);
  const episode: Episode = { ...hold.episode, lastBreachMs: timeMs, peak };
  const next = { phase: 'raised', episode, clearSinceMs: null, milderSinceMs: null } as const;
  if (severity === episode.severity) return next;
  const milderSinceMs = hold.milderSinceMs ?? timeMs;
  if (!isMoreSevere(severity, episode.severity) && timeMs < milderSinceMs + condition.stepDownMs) {
    return { ...next, milderSinceMs };
  }
  return { ...next, episode: { ...episode, severity, finding: findingIn(reading) } };
}

function eased(hold: Hold & { phase: 'raised' }, { timeMs, grade, condition }: Judged): Hold {
  if (grade === OUTSIDE) {
    return { phase: 'cleared', episode: { ...hold.episode, clearedAtMs: timeMs, clearedBy: 'calendar' } };
  }
  if (grade !== CLEAR) return hold.clearSinceMs === null ? hold : { ...hold, clearSinceMs: null };
  const clearSinceMs = hold.clearSinceMs ?? timeMs;
  const isEarly = timeMs < clearSinceMs + condition.clearForMs || timeMs < hold.episode.lastBreachMs + condition.keepMs;
  if (isEarly) return hold.clearSinceMs === clearSinceMs ? hold : { ...hold, clearSinceMs };
  return { phase: 'cleared', episode: { ...hold.episode, clearedAtMs: timeMs } };
}

/** Folds readings onto a state. The episodes are those that were standing at the base or began since, in order. */
export function fold(base: Hold, readings: Iterable<Judged>): { hold: Hold; episodes: Episode[] } {
  const episodes: Episode[] = [];
  let hold = base.phase === 'cleared' ? NORMAL : base;
  for (const reading of readings) {
    hold = step(hold, reading);
    if (hold.phase === 'cleared') episodes.push(hold.episode);
  }
  if (hold.phase === 'raised') episodes.push(hold.episode);
  return { hold, episodes };
}

/** An episode and the alarm that tells of it. */
export interface Tracked {
  alarm: string;
  episode: Episode;
  /** The alarm that counts this one among its crossings, so that it is none of its own (chatter.ts). */
  fold?: string;
}

/** What became of an alarm's episode: it is new (`was` null), it is another one now, or it never was (`now` null). */
export interface Change {
  alarm: string;
  was: Episode | null;
  now: Episode | null;
  fold?: string;
}

export function changeOf({ alarm, fold: by }: Omit<Tracked, 'episode'>, was: Episode, now: Episode | null): Change {
  return { alarm, was, now, ...(by === undefined ? {} : { fold: by }) };
}

/**
 * Matches the episodes of a new fold with those that alarms were raised for: the same alarm goes on when the spans of
 * time overlap, in order. What is left of the old is to be withdrawn, what is left of the new is to be raised.
 * @param newAlarm gives the id of each alarm to be raised.
 */
export function reconcile(
  tracked: readonly Tracked[],
  episodes: readonly Episode[],
  newAlarm: () => string,
): { tracked: Tracked[]; changes: Change[] } {
  const left = [...tracked];
  const changes: Change[] = [];
  const next = episodes.map((episode): Tracked => {
    const index = left.findIndex((candidate) => overlap(candidate.episode, episode));
    if (index === -1) {
      const alarm = newAlarm();
      changes.push({ alarm, was: null, now: episode });
      return { alarm, episode };
    }
    const [known] = left.splice(index, 1) as [Tracked];
    if (!sameEpisode(known.episode, episode)) changes.push(changeOf(known, known.episode, episode));
    return { ...known, episode };
  });
  const withdrawn = left.map((gone) => changeOf(gone, gone.episode, null));
  return { tracked: next, changes: [...withdrawn, ...changes] };
}

function overlap(a: Episode, b: Episode): boolean {
  return a.breachStartMs < (b.clearedAtMs ?? Infinity) && b.breachStartMs < (a.clearedAtMs ?? Infinity);
}

/** Whether two episodes look the same from outside; for how long a standing one has gone on doesn't show. */
export function sameEpisode(a: Episode, b: Episode): boolean {
  return (
    a.breachStartMs === b.breachStartMs &&
    a.raisedAtMs === b.raisedAtMs &&
    a.clearedAtMs === b.clearedAtMs &&
    a.severity === b.severity &&
    isSame(a.finding, b.finding) &&
    a.finding.note === b.finding.note &&
    samePeak(a.peak, b.peak)
  );
}

function samePeak(a: Peak, b: Peak): boolean {
  return a === b || (a.atMs === b.atMs && isSame(a, b) && a.grade === b.grade && a.severity === b.severity);
}
