/**
 * A lane keeps the evaluation of one (rule, series) within reach of out-of-order readings: a base state, the window of
 * readings since, and the state at its head. In order it moves in constant time; anything else folds the window anew.
 */

import type { Condition } from '#alerts/rules/conditions.ts';
import { type Finding, peakWith } from '#alerts/rules/grades.ts';
import { CALM, type FloodState } from '#alerts/telling/flood.ts';
import { isSame } from '#model/reading.ts';
import {
  type Change,
  changeOf,
  fold,
  type Hold,
  type Judged,
  NORMAL,
  reconcile,
  sameEpisode,
  step,
  type Tracked,
} from './evaluate.ts';
import { newSource, type Source } from './source.ts';
import { Window } from './window.ts';

/** A window never holds more readings than this; what is older counts as settled whatever its time. */
const WINDOW_MAX = 512;
/** Settled readings leave the window this many at a time at most often, so that leaving costs little. */
const SETTLE_MIN = 32;

/** Late readings that broke the limit without a hole between them; `record` = the alarm that tells of them. */
export interface LateHold {
  startMs: number;
  lastMs: number;
  count: number;
  worst: Finding;
  worstMs: number;
  record: string | null;
  /** The reading that completed `for`; null before. */
  raisedAtMs: number | null;
}

/** The gauge of a lane's transitions, and the alarm that stands for them all while they are folded. */
export interface Chatter extends FloodState {
  alarm: string | null;
}

export const STEADY: Chatter = { ...CALM, alarm: null };

/** The readings that the values of a lane are derived from: those in reach of its window, and the newest late ones. */
interface Sources {
  timely: Source;
  late: Source;
}

export interface Lane {
  readonly rule: string;
  /** 0: the lane is about a station as a whole, which only its key names. */
  readonly series: number;
  readonly key: string;
  base: Hold;
  /** The time of the newest reading in the base; what is not newer can't be folded in any more. */
  baseMs: number;
  head: Hold;
  window: Window;
  /** The episodes of the base and the window with their alarms, in order. */
  tracked: Tracked[];
  late: LateHold | null;
  /** How much it has changed its mind of late. */
  chatter: Chatter;
  /** Null: readings themselves are judged. */
  sources: Sources | null;
  /** Whether it has changed since it was saved. */
  isDirty: boolean;
}

export function newLane(rule: string, series: number, key: string, isDerived = false): Lane {
  const window = new Window(isDerived);
  const sources = isDerived ? { timely: newSource(), late: newSource() } : null;
  const state = { base: NORMAL, baseMs: -Infinity, head: NORMAL, window, tracked: [], late: null, chatter: STEADY };
  return { rule, series, key, ...state, sources, isDirty: false };
}

const NONE: readonly Change[] = [];

export function conditionAt({ window }: Lane, timeMs: number): Condition | undefined {
  const place = window.placeOf(timeMs);
  return place < 0 ? undefined : window.conditionAt(place);
}

/** Puts a reading in its place, newest first in mind, and tells what that changes. A known time gets the new value. */
export function insert(lane: Lane, reading: Judged, newAlarm: () => string): readonly Change[] {
  const { window } = lane;
  if (reading.timeMs > lastMs(lane)) {
    window.push(reading);
    return advance(lane, step(lane.head, reading), newAlarm);
  }
  const place = window.placeOf(reading.timeMs);
  const isKnown = place >= 0;
  if (isKnown && window.gradeAt(place) === reading.grade && isSame(window.at(place), reading)) return NONE;
  window.splice(isKnown ? place : -place - 1, isKnown ? 1 : 0, [reading]);
  return refold(lane, newAlarm);
}

/** The time of the newest reading that was folded in. */
function lastMs({ window, baseMs }: Lane): number {
  return window.size === 0 ? baseMs : window.timeAt(window.size - 1);
}

/**
 * Puts these readings, ascending and later than the base, in the place of all of [fromMs, toMs], and tells what that
 * changes.
 */
export function replace(
  lane: Lane,
  fromMs: number,
  toMs: number,
  readings: readonly Judged[],
  newAlarm: () => string,
): readonly Change[] {
  const { window } = lane;
  if (fromMs > lastMs(lane)) return readings.flatMap((reading) => insert(lane, reading, newAlarm));
  const [from, to] = [window.placeFrom(fromMs), window.placeFrom(toMs + 1)];
  const isSame =
    to - from === readings.length &&
    readings.every(
      ({ timeMs, value, grade, note }, index) =>
        window.timeAt(from + index) === timeMs &&
        window.valueAt(from + index) === value &&
        window.gradeAt(from + index) === grade &&
        window.noteAt(from + index) === note,
    );
  if (isSame) return NONE;
  window.splice(from, to - from, readings);
  return refold(lane, newAlarm);
}

/** Takes the readings of [fromMs, toMs) out, the base's part included when all of its evidence lies there. */
export function remove(lane: Lane, fromMs: number, toMs: number, newAlarm: () => string): readonly Change[] {
  const isBaseless = restsOn(lane.base, fromMs, toMs);
  const [from, to] = [lane.window.placeFrom(fromMs), lane.window.placeFrom(toMs)];
  if (to <= from && !isBaseless) return NONE;
  if (isBaseless) lane.base = NORMAL;
  lane.window.splice(from, Math.max(0, to - from), []);
  return refold(lane, newAlarm);
}

/**
 * The readings of [fromMs, toMs) aren't what they were. A peak among them that lies before the window can't be found
 * anew: what the alarm tells is what is left to know.
 */
export function forgetPeak(lane: Lane, fromMs: number, toMs: number, newAlarm: () => string): readonly Change[] {
  const { base } = lane;
  if (base.phase !== 'raised' && base.phase !== 'breached') return NONE;
  const peak = base.phase === 'raised' ? base.episode.peak : base.peak;
  if (peak === null || peak.atMs < fromMs || peak.atMs >= toMs) return NONE;
  if (base.phase === 'breached') lane.base = { ...base, peak: null };
  else {
    const { finding, raisedAtMs, severity } = base.episode;
    lane.base = { ...base, episode: { ...base.episode, peak: peakWith(null, finding, raisedAtMs, severity) } };
  }
  return refold(lane, newAlarm);
}

function restsOn(base: Hold, fromMs: number, toMs: number): boolean {
  if (base.phase === 'breached') return base.breachStartMs >= fromMs && base.lastMs < toMs;
  return base.phase === 'raised' && base.episode.breachStartMs >= fromMs && base.episode.lastBreachMs < toMs;
}

export function has({ window }: Lane, timeMs: number): boolean {
  return window.placeOf(timeMs) >= 0;
}

/** Moves what is older than `horizonMs` or beyond the window's size into the base, now and then. */
export function settle(lane: Lane, horizonMs: number): void {
  const { window } = lane;
  const surplus = window.size - WINDOW_MAX;
  if (surplus < SETTLE_MIN && !(window.size >= SETTLE_MIN && window.timeAt(SETTLE_MIN - 1) < horizonMs)) return;
  const count = Math.max(0, surplus, window.placeFrom(horizonMs));
  let finished = 0;
  for (let place = 0; place < count; place++) {
    lane.base = step(lane.base, window.at(place));
    if (lane.base.phase === 'cleared') finished++;
  }
  lane.baseMs = window.timeAt(count - 1);
  lane.tracked.splice(0, finished);
  window.dropFirst(count);
}

/** An in-order step: at most the newest episode is touched, or one more begins. */
function advance(lane: Lane, next: Hold, newAlarm: () => string): readonly Change[] {
  const before = lane.head;
  lane.head = next;
  if (next === before || (next.phase !== 'raised' && next.phase !== 'cleared')) return NONE;
  const now = next.episode;
  if (before.phase !== 'raised') {
    const alarm = newAlarm();
    lane.tracked.push({ alarm, episode: now });
    return [{ alarm, was: null, now }];
  }
  const newest = lane.tracked.at(-1)!;
  const was = newest.episode;
  newest.episode = now;
  return sameEpisode(was, now) ? NONE : [changeOf(newest, was, now)];
}

function refold(lane: Lane, newAlarm: () => string): readonly Change[] {
  const { hold, episodes } = fold(lane.base, lane.window);
  const { tracked, changes } = reconcile(lane.tracked, episodes, newAlarm);
  lane.head = hold;
  lane.tracked = tracked;
  return changes;
}

/** The standing episode with its alarm, if there is one. */
export function standing(lane: Lane): Tracked | undefined {
  return lane.head.phase === 'raised' ? lane.tracked.at(-1) : undefined;
}

/** The tracked alarm whose breach covers a time. */
export function trackedAt(lane: Lane, timeMs: number): Tracked | undefined {
  return lane.tracked.find(
    ({ episode }) => episode.breachStartMs <= timeMs && timeMs < (episode.clearedAtMs ?? Infinity),
  );
}
