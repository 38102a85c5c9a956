/**
 * The life of an alarm towards an operator, as pure steps: raised → acknowledged → cleared, raised → returned →
 * cleared, and withdrawn from anywhere; one that latches is over only when it is acknowledged and reset (ISA-18.2; the
 * table is in docs/alarms.md). Each step gives the alarm as it then is and, when something happened, the event with its cause.
 */
import { hash } from 'node:crypto';
import type { Episode } from '#alerts/readings/evaluate.ts';
import type { Condition } from '#alerts/rules/conditions.ts';
import { type Finding, findingOf, worstOf } from '#alerts/rules/grades.ts';
import type { Again, Alarm, AlarmEvent, AlarmState, Transition } from '#model/alarms/alarm.ts';

/** What happened to an alarm; `from` and `to` may be the same state. `again` = why it asks once more. */
type Happening = Pick<Transition, 'event' | 'from' | 'to' | 'cause' | 'actor'> & { again?: Again };

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
  const digest = hash('sha256', rule).slice(0, 10);
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
  worst: null,
} as const satisfies Partial<Alarm>;

export const isOver = (state: AlarmState) => state === 'cleared' || state === 'withdrawn';

/** Whether an alarm can still be acknowledged or shelved. */
function isOpen(alarm: Alarm): boolean {
  return !isOver(alarm.state);
}

/** A breach becomes an alarm; one that is over already also returns. */
export function raise(episode: Episode, birth: Birth): Step {
  const alarm = born(episode, birth, 'raised');
  const step: Step = { alarm, happenings: [happened('raised', null, 'raised', becauseRaised(episode))] };
  return episode.clearedAtMs === null ? step : follow(step, ended(alarm, episode, episode.clearedAtMs));
}

/** A breach found in late readings becomes a record: over from the start, and never a page. */
export function record(episode: Episode, birth: Birth): Step {
  const alarm: Alarm = { ...born(episode, birth, 'cleared'), clearedAtMs: episode.clearedAtMs, late: true };
  const hours = (birth.detectedAtMs - episode.raisedAtMs) / 3_600_000;
  const cause = `found late by ${hours < 10 ? Number(hours.toFixed(1)) : Math.round(hours)} h in readings from ${at(episode.breachStartMs)} on`;
  return { alarm, happenings: [happened('late-found', null, 'cleared', cause)] };
}

function born(episode: Episode, { id, key, detectedAtMs }: Birth, state: AlarmState): Alarm {
  const { condition } = episode.finding;
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
    ...findingOf(episode.finding),
    worst: worstOf(episode.peak),
    ...versionOf(condition),
    detail: detailOf(episode.finding),
  };
}

function versionOf({ ruleSeq }: Condition): Pick<Alarm, 'ruleSeq'> {
  return ruleSeq === undefined ? {} : { ruleSeq };
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
  const { condition } = episode.finding;
  const { breachStartMs, raisedAtMs, severity, clearedAtMs } = episode;
  const finding = { ...findingOf(episode.finding), worst: worstOf(episode.peak), ...versionOf(condition) };
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
  else if (clearedAtMs !== null && stands) step = follow(step, ended(revised, episode, clearedAtMs));
  else step = { ...step, alarm: { ...revised, clearedAtMs } };
  return step;
}

function ended(alarm: Alarm, episode: Episode, clearedAtMs: number): Step {
  const cause = episode.clearedBy === 'calendar' ? OUT_OF_CALENDAR : becauseClear(episode);
  return clear(alarm, clearedAtMs, cause, episode.finding.condition.latch);
}

export const OUT_OF_CALENDAR = "outside the rule's calendar";

/**
 * What it tells of is over: that ends an alarm that somebody has acknowledged, any other one waits for it.
 * @param latches it also waits for a reset.
 */
export function clear(alarm: Alarm, clearedAtMs: number, cause: string, latches = false): Step {
  if (latches && alarm.suppressedBy === null) {
    const held = alarm.state === 'acknowledged' ? 'acknowledged' : 'returned';
    const latched: Alarm = { ...alarm, state: held, clearedAtMs, latched: true };
    return { alarm: latched, happenings: [happened('latched', alarm.state, held, cause)] };
  }
  // Nobody was told of what is suppressed, so nobody has to take it over.
  const to = alarm.state === 'acknowledged' || alarm.suppressedBy !== null ? 'cleared' : 'returned';
  return { alarm: settled({ ...alarm, state: to, clearedAtMs }), happenings: [happened(to, alarm.state, to, cause)] };
}

/** A clearing that no longer holds: people may have gone home on it, so the alarm asks to be acknowledged again. */
function raiseAgain(alarm: Alarm, episode: Episode): Step {
  const again: Alarm = { ...asking(alarm), clearedAtMs: null, latched: false };
  const cause = `on better knowledge it did not clear; ${becauseRaised(episode)}`;
  return { alarm: again, happenings: [raisedAgain(alarm, cause, 'not-cleared')] };
}

function raisedAgain({ state }: Alarm, cause: string, again: Again): Happening {
  return { ...happened('raised', state, 'raised', cause), again };
}

/** The alarm as one that somebody has to take over. */
function asking(alarm: Alarm): Alarm {
  return { ...alarm, state: 'raised', acknowledgedAtMs: null, acknowledgedBy: null };
}

/** It no longer holds on better knowledge, or its rule or station is gone. Null when it was withdrawn before. */
export function withdraw(alarm: Alarm, cause: string, actor: string | null = null): Step | null {
  if (alarm.state === 'withdrawn') return null;
  const to = 'withdrawn';
  return {
    alarm: settled({ ...alarm, state: to, latched: false, chattering: false }),
    happenings: [{ ...happened(to, alarm.state, to, cause), actor }],
  };
}

/** Final flags bear it out. */
export function confirm(alarm: Alarm, cause: string): Step {
  return { alarm, happenings: [happened('confirmed', alarm.state, alarm.state, cause)] };
}

/** Null when there is nothing to acknowledge. Acknowledging what has returned ends it, unless it waits for a reset. */
export function acknowledge(alarm: Alarm, actor: string, atMs: number, comment: string | undefined): Step | null {
  if (alarm.state !== 'raised' && alarm.state !== 'returned') return null;
  const to = alarm.state === 'raised' || alarm.latched ? 'acknowledged' : 'cleared';
  const cause = comment ?? (to === 'cleared' ? 'acknowledged after it had returned' : 'acknowledged');
  const next: Alarm = { ...alarm, state: to, acknowledgedAtMs: atMs, acknowledgedBy: actor };
  return { alarm: settled(next), happenings: [{ ...happened(to, alarm.state, to, cause), actor }] };
}

/** Null unless it waits for a reset: what is over and acknowledged ends with it. */
export function reset(alarm: Alarm, actor: string, comment: string | undefined): Step | null {
  if (!alarm.latched || !isOpen(alarm)) return null;
  const to = alarm.state === 'acknowledged' ? 'cleared' : 'returned';
  const event = to === 'cleared' ? 'cleared' : 'reset';
  return {
    alarm: settled({ ...alarm, state: to, latched: false }),
    happenings: [{ ...happened(event, alarm.state, to, comment ?? 'reset'), actor }],
  };
}

/** Somebody else answers for it from now on. Null unless it is acknowledged, and by another one. */
export function handOver(alarm: Alarm, actor: string, to: string, comment: string | undefined): Step | null {
  if (alarm.state !== 'acknowledged' || alarm.acknowledgedBy === to) return null;
  const cause = comment ?? `handed over to ${to}`;
  return {
    alarm: { ...alarm, acknowledgedBy: to },
    happenings: [{ ...happened('handed-over', alarm.state, alarm.state, cause), actor }],
  };
}

/** Nobody answers for it any more: it asks again. Null unless it is acknowledged. */
export function unacknowledge(alarm: Alarm, actor: string, comment: string | undefined): Step | null {
  if (alarm.state !== 'acknowledged') return null;
  const to = alarm.clearedAtMs === null ? 'raised' : 'returned';
  const cause = comment ?? `no longer acknowledged by ${alarm.acknowledgedBy}`;
  return {
    alarm: { ...asking(alarm), state: to },
    happenings: [{ ...happened('unacknowledged', alarm.state, to, cause), actor }],
  };
}

/** Its acknowledgement has lasted for as long as its rule allows. Null unless it is acknowledged and stands. */
export function askAgain(alarm: Alarm): Step | null {
  const { state, clearedAtMs, acknowledgedBy, acknowledgedAtMs } = alarm;
  if (state !== 'acknowledged' || clearedAtMs !== null) return null;
  const cause = `acknowledged by ${acknowledgedBy} at ${at(acknowledgedAtMs!)}, and it still stands`;
  return { alarm: asking(alarm), happenings: [raisedAgain(alarm, cause, 'still-standing')] };
}

/** What nobody is told of by design; when it is over nobody has to take it over. */
export function suppress({ alarm, happenings }: Step, by: string): Step {
  const [state, to] = alarm.state === 'returned' ? (['cleared', 'cleared'] as const) : [alarm.state, null];
  return {
    alarm: { ...alarm, state, latched: false, suppressedBy: by },
    happenings: happenings.map((one) => (one.to === 'returned' && to ? { ...one, event: to, to } : one)),
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

/** Null when it isn't shelved. `actor` null = its time has passed: then what still stands asks again. */
export function unshelve(alarm: Alarm, actor: string | null): Step | null {
  const { state, shelvedUntilMs, clearedAtMs } = alarm;
  if (shelvedUntilMs === null) return null;
  const free: Alarm = { ...alarm, shelvedUntilMs: null };
  if (actor !== null)
    return { alarm: free, happenings: [{ ...happened('unshelved', state, state, 'unshelved'), actor }] };
  const until = `shelved until ${at(shelvedUntilMs)}`;
  const step: Step = { alarm: free, happenings: [happened('unshelved', state, state, until)] };
  if (clearedAtMs !== null || !isOpen(alarm)) return step;
  const asks = raisedAgain(free, `${until}, and it still stands`, 'shelf-ended');
  return follow(step, { alarm: asking(free), happenings: [asks] });
}

export function comment(alarm: Alarm, actor: string, text: string): Step {
  return { alarm, happenings: [{ ...happened('commented', alarm.state, alarm.state, text), actor }] };
}

/** What is over needs no shelf. */
function settled(alarm: Alarm): Alarm {
  return isOver(alarm.state) && alarm.shelvedUntilMs !== null ? { ...alarm, shelvedUntilMs: null } : alarm;
}

/** One step after the other. */
export function follow(step: Step, next: Step): Step {
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
  const { condition, value, censored = '' } = finding;
  const detail = detailOf(finding);
  if (condition.derive?.kind === 'expression') return detail ?? condition.derive.text;
  const { limit, op, unit, class: reached } = findingOf(finding);
  const must = op === null ? 'of suspect or failed quality' : `must be ${op} ${limit}`;
  const from = detail === null ? '' : `, ${detail}`;
  const measured = `${censored}${value}${unit === '1' ? '' : ` ${unit}`}`;
  return `${measured}, ${must}${from}${reached === null ? '' : ` (class ${reached === 'worse' ? 'worse than V' : reached})`}`;
}

function at(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
