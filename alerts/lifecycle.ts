/**
 * The life of an alarm towards an operator, as pure steps: raised → acknowledged → cleared, raised → returned →
 * cleared, and withdrawn from anywhere (the states of ISA-18.2 that contracts §6 names). Each step gives the alarm as
 * it then is and, when something happened, the event with its cause.
 */
import { createHash } from 'node:crypto';
import type { Alarm, AlarmEvent, AlarmState, Transition } from '#model/alarm.ts';
import type { Episode } from './evaluate.ts';
import { type Finding, findingOf } from './grades.ts';

/** What happened to an alarm; `from` and `to` may be the same state. */
type Happening = Pick<Transition, 'event' | 'from' | 'to' | 'cause' | 'actor'>;

export interface Step {
  alarm: Alarm;
  happenings: Happening[];
}

/** Of which entry and which series an alarm is born. */
export interface Birth {
  id: string;
  key: string;
  /** `receivedMs` of the entry. */
  detectedAtMs: number;
}

/**
 * The id of the `ordinal`-th alarm that one entry raises for a (rule, series): the same at every replay, URL-safe, at
 * most 64 characters. `origin` = the entry's seq, or another name of what caused it.
 */
export function alarmId(origin: string, rule: string, series: number, ordinal: number): string {
  const digest = createHash('sha256').update(rule).digest('hex').slice(0, 10);
  return `${origin}-${series}-${digest}${ordinal === 0 ? '' : `-${ordinal}`}`;
}

/** The id of the `ordinal`-th alarm that one entry raises under a key that is about no single series. */
export function alarmIdOfKey(origin: string, key: string, ordinal = 0): string {
  return alarmId(origin, key, NO_SERIES, ordinal);
}

/** Series are numbered from 1, so no alarm about a single series has an id with this one. */
export const NO_SERIES = 0;

/** The parts of a key; ids have no slash. */
export function namesIn(key: string): { rule: string; station: string; parameter: string } {
  const [rule = '', station = '', parameter = ''] = key.split('/');
  return { rule, station, parameter };
}

export function keyOf(rule: string, station: string, parameter: string): string {
  return `${rule}/${station}/${parameter}`;
}

/** What is the same of every alarm that has just begun. */
export const NEWBORN = {
  acknowledgedAtMs: null,
  acknowledgedBy: null,
  clearedAtMs: null,
  basis: 'instantaneous',
  late: false,
  occurrences: 1,
  chattering: false,
  firstOut: null,
  shelvedUntilMs: null,
  suppressedBy: null,
  latched: false,
} as const satisfies Partial<Alarm>;

/** Of an alarm that is about no value. */
export const NO_VALUE = {
  value: null,
  unit: '1',
  limit: null,
  op: null,
  target: null,
  class: null,
  multiple: null,
} as const satisfies Partial<Alarm>;

const isOver = (state: AlarmState) => state === 'cleared' || state === 'withdrawn';

/** Whether an alarm can still be acknowledged or shelved. */
function isOpen(alarm: Alarm): boolean {
  return !isOver(alarm.state);
}

/** A breach becomes an alarm; one that is over already also returns. */
export function raise(episode: Episode, birth: Birth): Step {
  const alarm = born(episode, birth, 'raised');
  const step: Step = { alarm, happenings: [happened('raised', null, 'raised', becauseRaised(episode))] };
  return episode.clearedAtMs === null ? step : follow(step, clear(alarm, episode.clearedAtMs, becauseClear(episode)));
}

/** A breach found in late readings becomes a record: over from the start, and never a page. */
export function record(episode: Episode, birth: Birth): Step {
  const alarm: Alarm = { ...born(episode, birth, 'cleared'), clearedAtMs: episode.clearedAtMs, late: true };
  const hours = (birth.detectedAtMs - episode.raisedAtMs) / 3_600_000;
  const cause = `found late by ${hours < 10 ? Number(hours.toFixed(1)) : Math.round(hours)} h in readings from ${at(episode.breachStartMs)} on`;
  return { alarm, happenings: [happened('late-found', null, 'cleared', cause)] };
}

function born(episode: Episode, { id, key, detectedAtMs }: Birth, state: AlarmState): Alarm {
  const { condition, value, grade } = episode.finding;
  return {
    id,
    key,
    ...namesIn(key),
    severity: episode.severity,
    state,
    breachStartMs: episode.breachStartMs,
    raisedAtMs: episode.raisedAtMs,
    detectedAtMs,
    ...NEWBORN,
    basis: condition.period ?? NEWBORN.basis,
    ...findingOf(condition, value, grade),
    detail: detailOf(episode.finding),
  };
}

/** What a value that is no reading came from: the numbers of the alarm don't say it. */
function detailOf({ condition: { derive }, note }: Finding): string | null {
  const what = derive?.kind === 'expression' ? `${derive.text}: ` : '';
  return note === undefined ? null : `${what}${note}`;
}

/**
 * The alarm after its episode changed: severity first, then clearing or standing again. Event times that better
 * knowledge moved are taken over without an event. A record stays a record.
 */
export function revise(alarm: Alarm, episode: Episode): Step {
  const { condition, value, grade } = episode.finding;
  const { breachStartMs, raisedAtMs, severity, clearedAtMs } = episode;
  const finding = findingOf(condition, value, grade);
  const detail = detailOf(episode.finding);
  const revised: Alarm = { ...alarm, ...finding, breachStartMs, raisedAtMs, severity, detail };
  if (alarm.late) return { alarm: { ...revised, clearedAtMs: clearedAtMs ?? episode.lastBreachMs }, happenings: [] };
  let step: Step = { alarm: revised, happenings: [] };
  if (alarm.severity !== severity) {
    const cause = `${wordsOf(episode)}: ${alarm.severity} becomes ${severity}`;
    step.happenings.push(happened('severity-changed', alarm.state, alarm.state, cause));
  }
  const stands = alarm.clearedAtMs === null;
  if (clearedAtMs === null && !stands) step = follow(step, raiseAgain(revised, episode));
  else if (clearedAtMs !== null && stands) step = follow(step, clear(revised, clearedAtMs, becauseClear(episode)));
  else step = { ...step, alarm: { ...revised, clearedAtMs } };
  return step;
}

/** What it tells of is over: that ends an alarm that somebody has acknowledged, any other one waits for it. */
export function clear(alarm: Alarm, clearedAtMs: number, cause: string): Step {
  // Nobody was told of what is suppressed, so nobody has to take it over.
  const to = alarm.state === 'acknowledged' || alarm.suppressedBy !== null ? 'cleared' : 'returned';
  return { alarm: settled({ ...alarm, state: to, clearedAtMs }), happenings: [happened(to, alarm.state, to, cause)] };
}

/** A clearing that no longer holds: people may have gone home on it, so the alarm asks to be acknowledged again. */
function raiseAgain(alarm: Alarm, episode: Episode): Step {
  const again: Alarm = { ...alarm, state: 'raised', clearedAtMs: null, acknowledgedAtMs: null, acknowledgedBy: null };
  const cause = `on better knowledge it did not clear; ${becauseRaised(episode)}`;
  return { alarm: again, happenings: [happened('raised', alarm.state, 'raised', cause)] };
}

/** It no longer holds on better knowledge, or its rule or station is gone. Null when it was withdrawn before. */
export function withdraw(alarm: Alarm, cause: string, actor: string | null = null): Step | null {
  if (alarm.state === 'withdrawn') return null;
  const to = 'withdrawn';
  return {
    alarm: settled({ ...alarm, state: to }),
    happenings: [{ ...happened(to, alarm.state, to, cause), actor }],
  };
}

/** Final flags bear it out. */
export function confirm(alarm: Alarm, cause: string): Step {
  return { alarm, happenings: [happened('confirmed', alarm.state, alarm.state, cause)] };
}

/** Null when there is nothing to acknowledge. Acknowledging what has returned ends it. */
export function acknowledge(alarm: Alarm, actor: string, atMs: number, comment: string | undefined): Step | null {
  if (alarm.state !== 'raised' && alarm.state !== 'returned') return null;
  const to = alarm.state === 'raised' ? 'acknowledged' : 'cleared';
  const cause = comment ?? (to === 'cleared' ? 'acknowledged after it had returned' : 'acknowledged');
  const next: Alarm = { ...alarm, state: to, acknowledgedAtMs: atMs, acknowledgedBy: actor };
  return { alarm: settled(next), happenings: [{ ...happened(to, alarm.state, to, cause), actor }] };
}

/** What nobody is told of by design; when it is over nobody has to take it over. */
export function suppress({ alarm, happenings }: Step, by: string): Step {
  const [state, to] = alarm.state === 'returned' ? (['cleared', 'cleared'] as const) : [alarm.state, null];
  return {
    alarm: { ...alarm, state, suppressedBy: by },
    happenings: happenings.map((one) => (one.event === 'returned' && to ? { ...one, event: to, to } : one)),
  };
}

/**
 * Another reason for which nobody is told of an alarm, or none any more: then it is told, unless somebody has taken it
 * over already.
 */
export function resuppress(alarm: Alarm, suppressedBy: string | null, cause: string): Step {
  const isTold = suppressedBy === null && alarm.state === 'raised';
  const event = isTold ? 'raised' : 'commented';
  return { alarm: { ...alarm, suppressedBy }, happenings: [happened(event, alarm.state, alarm.state, cause)] };
}

/** While shelved, an alarm is recorded and nobody is told. Null for an alarm that is over. */
export function shelve(alarm: Alarm, actor: string, untilMs: number, reason: string): Step | null {
  if (!isOpen(alarm)) return null;
  return {
    alarm: { ...alarm, shelvedUntilMs: untilMs },
    happenings: [{ ...happened('shelved', alarm.state, alarm.state, reason), actor }],
  };
}

/** Null when it isn't shelved. `actor` null = its time has passed. */
export function unshelve(alarm: Alarm, actor: string | null): Step | null {
  if (alarm.shelvedUntilMs === null) return null;
  const cause = actor === null ? `shelved until ${at(alarm.shelvedUntilMs)}` : 'unshelved';
  return {
    alarm: { ...alarm, shelvedUntilMs: null },
    happenings: [{ ...happened('unshelved', alarm.state, alarm.state, cause), actor }],
  };
}

export function comment(alarm: Alarm, actor: string, text: string): Step {
  return { alarm, happenings: [{ ...happened('commented', alarm.state, alarm.state, text), actor }] };
}

/** What is over needs no shelf. */
function settled(alarm: Alarm): Alarm {
  return isOver(alarm.state) && alarm.shelvedUntilMs !== null ? { ...alarm, shelvedUntilMs: null } : alarm;
}

function follow(step: Step, next: Step): Step {
  return { alarm: next.alarm, happenings: [...step.happenings, ...next.happenings] };
}

export function happened(event: AlarmEvent, from: AlarmState | null, to: AlarmState, cause: string): Happening {
  return { event, from, to, cause, actor: null };
}

function becauseClear({ clearedAtMs, finding }: Episode): string {
  const { period } = finding.condition;
  return period === undefined
    ? `readings met the clearing condition at ${at(clearedAtMs!)}`
    : `the ${period} that ended at ${at(clearedAtMs!)} was within the limits`;
}

function becauseRaised(episode: Episode): string {
  const { breachStartMs, raisedAtMs } = episode;
  const since =
    raisedAtMs === breachStartMs ? `at ${at(raisedAtMs)}` : `from ${at(breachStartMs)} to ${at(raisedAtMs)}`;
  return `${wordsOf(episode)} ${since}`;
}

/** `0.83 mg/L, must be <= 0.5 (class III)`. */
function wordsOf({ finding }: Episode): string {
  const { condition, value, grade } = finding;
  const detail = detailOf(finding);
  if (condition.derive?.kind === 'expression') return detail ?? condition.derive.text;
  const { limit, op, unit, class: reached } = findingOf(condition, value, grade);
  const must = op === null ? 'of suspect or failed quality' : `must be ${op} ${limit}`;
  const from = detail === null ? '' : `, ${detail}`;
  return `${value} ${unit}, ${must}${from}${reached === null ? '' : ` (class ${reached === 'worse' ? 'worse than V' : reached})`}`;
}

function at(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
