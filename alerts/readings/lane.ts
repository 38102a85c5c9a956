/**
 * A lane keeps the evaluation of one (rule, series) within reach of out-of-order readings: a base state, the window of
 * readings since, and the state at its head. In order it moves in constant time; anything else folds the window anew.
 */

import type { Condition } from '#alerts/rules/conditions.ts';
import { type Finding, type Grade, peakWith } from '#alerts/rules/grades.ts';
import { CALM, type FloodState } from '#alerts/telling/flood.ts';
import type { Censored, Measurement } from '#model/reading.ts';
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

/** A window never holds more readings than this; what is older counts as settled whatever its time. */
const WINDOW_MAX = 512;
/** Settled readings leave the window this many at a time at most often, so that leaving costs little. */
const SETTLE_MIN = 32;

/** Readings in columns, ascending by time: a window of numbers costs 32 bytes a reading. */
export interface Window {
  timesMs: number[];
  values: number[];
  grades: Grade[];
  conditions: Condition[];
  /** Of a lane whose values are derived. */
  notes?: (string | undefined)[];
  /** Of a lane to which a value came that is only a limit of its instrument. */
  censored?: (Censored | undefined)[];
}

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
  const window: Window = { timesMs: [], values: [], grades: [], conditions: [], ...(isDerived ? { notes: [] } : {}) };
  const sources = isDerived ? { timely: newSource(), late: newSource() } : null;
  const state = { base: NORMAL, baseMs: -Infinity, head: NORMAL, window, tracked: [], late: null, chatter: STEADY };
  return { rule, series, key, ...state, sources, isDirty: false };
}

const NONE: readonly Change[] = [];

/** The place of a time in the window; negative (−place − 1) when there is no reading of this time. */
function placeOf({ timesMs }: Window, timeMs: number): number {
  let low = 0;
  let high = timesMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timesMs[middle]! < timeMs) low = middle + 1;
    else high = middle;
  }
  return timesMs[low] === timeMs ? low : -low - 1;
}

export function conditionAt(lane: Lane, timeMs: number): Condition | undefined {
  return lane.window.conditions[placeOf(lane.window, timeMs)];
}

/** The column, which most lanes never need; @param more readings that the other columns have got already. */
function censoredIn(window: Window, more: number): (Censored | undefined)[] {
  window.censored ??= new Array(window.timesMs.length - more).fill(undefined);
  return window.censored;
}

function measuredAt({ values, censored }: Window, place: number): Measurement {
  return { value: values[place]!, censored: censored?.[place] ?? undefined };
}

/** Puts a reading in its place, newest first in mind, and tells what that changes. A known time gets the new value. */
export function insert(lane: Lane, reading: Judged, newAlarm: () => string): readonly Change[] {
  const { window } = lane;
  const { timesMs } = window;
  const last = timesMs.length === 0 ? lane.baseMs : timesMs[timesMs.length - 1]!;
  if (reading.timeMs > last) {
    window.timesMs.push(reading.timeMs);
    window.values.push(reading.value);
    window.grades.push(reading.grade);
    window.conditions.push(reading.condition);
    window.notes?.push(reading.note);
    if (reading.censored !== undefined) censoredIn(window, 1).push(reading.censored);
    else window.censored?.push(undefined);
    return advance(lane, step(lane.head, reading), newAlarm);
  }
  const place = placeOf(window, reading.timeMs);
  const isKnown = place >= 0;
  if (isKnown && window.grades[place] === reading.grade && isSame(measuredAt(window, place), reading)) return NONE;
  const at = isKnown ? place : -place - 1;
  const gone = isKnown ? 1 : 0;
  window.timesMs.splice(at, gone, reading.timeMs);
  window.values.splice(at, gone, reading.value);
  window.grades.splice(at, gone, reading.grade);
  window.conditions.splice(at, gone, reading.condition);
  window.notes?.splice(at, gone, reading.note);
  if (window.censored !== undefined || reading.censored !== undefined) {
    censoredIn(window, 1 - gone).splice(at, gone, reading.censored);
  }
  return refold(lane, newAlarm);
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
  const last = window.timesMs.at(-1) ?? lane.baseMs;
  if (fromMs > last) return readings.flatMap((reading) => insert(lane, reading, newAlarm));
  const [from, to] = [fromMs, toMs + 1].map((timeMs) => {
    const place = placeOf(window, timeMs);
    return place >= 0 ? place : -place - 1;
  }) as [number, number];
  const isSame =
    to - from === readings.length &&
    readings.every(
      ({ timeMs, value, grade, note }, index) =>
        window.timesMs[from + index] === timeMs &&
        window.values[from + index] === value &&
        window.grades[from + index] === grade &&
        (window.notes?.[from + index] ?? undefined) === note,
    );
  if (isSame) return NONE;
  const gone = to - from;
  window.timesMs.splice(from, gone, ...readings.map(({ timeMs }) => timeMs));
  window.values.splice(from, gone, ...readings.map(({ value }) => value));
  window.grades.splice(from, gone, ...readings.map(({ grade }) => grade));
  window.conditions.splice(from, gone, ...readings.map(({ condition }) => condition));
  window.notes?.splice(from, gone, ...readings.map(({ note }) => note));
  return refold(lane, newAlarm);
}

/** Takes the readings of [fromMs, toMs) out, the base's part included when all of its evidence lies there. */
export function remove(lane: Lane, fromMs: number, toMs: number, newAlarm: () => string): readonly Change[] {
  const isBaseless = restsOn(lane.base, fromMs, toMs);
  const [from, to] = [fromMs, toMs].map((timeMs) => {
    const place = placeOf(lane.window, timeMs);
    return place >= 0 ? place : -place - 1;
  }) as [number, number];
  if (to <= from && !isBaseless) return NONE;
  if (isBaseless) lane.base = NORMAL;
  for (const column of Object.values(lane.window) as unknown[][]) column.splice(from, to - from);
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

export function has(lane: Lane, timeMs: number): boolean {
  return placeOf(lane.window, timeMs) >= 0;
}

/** The readings of the window, in order. */
export function* readingsOf({ window }: Lane): Generator<Judged> {
  for (let place = 0; place < window.timesMs.length; place++) {
    yield {
      timeMs: window.timesMs[place]!,
      value: window.values[place]!,
      grade: window.grades[place]!,
      condition: window.conditions[place]!,
      ...(window.notes?.[place] == null ? {} : { note: window.notes[place] }),
      ...(window.censored?.[place] == null ? {} : { censored: window.censored[place] }),
    };
  }
}

/** Moves what is older than `horizonMs` or beyond the window's size into the base, now and then. */
export function settle(lane: Lane, horizonMs: number): void {
  const { timesMs } = lane.window;
  const surplus = timesMs.length - WINDOW_MAX;
  if (surplus < SETTLE_MIN && !(timesMs.length >= SETTLE_MIN && timesMs[SETTLE_MIN - 1]! < horizonMs)) return;
  let count = Math.max(0, surplus);
  while (count < timesMs.length && timesMs[count]! < horizonMs) count++;
  let place = 0;
  let finished = 0;
  for (const reading of readingsOf(lane)) {
    if (place++ === count) break;
    lane.base = step(lane.base, reading);
    lane.baseMs = reading.timeMs;
    if (lane.base.phase === 'cleared') finished++;
  }
  lane.tracked.splice(0, finished);
  for (const column of Object.values(lane.window) as unknown[][]) dropFirst(column, count);
}

/** As `splice(0, count)`, which would give up the room that the next readings need. */
function dropFirst(column: unknown[], count: number): void {
  column.copyWithin(0, count);
  column.length -= count;
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
  const { hold, episodes } = fold(lane.base, readingsOf(lane));
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
