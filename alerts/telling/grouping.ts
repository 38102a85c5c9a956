/**
 * What one recipient (a channel) is told by itself and what goes into a summary, as pure steps of plain data: a flood of
 * alarms goes into one rolling summary per river and cause, a chattering alarm into one of its own, what falls into quiet
 * hours into one when they end. The clock is `receivedMs`.
 */
import type { AlarmEvent, Severity } from '#model/alarms/alarm.ts';
import { EVENTS } from './events.ts';
import { advanced, CALM, type FloodState, floodEndMs, raised } from './flood.ts';

/** A summary follows the one before it no sooner: of a flood, of one with new critical alarms in it, of a chattering alarm. */
const FLOOD_EVERY_MS = 300_000;
const CRITICAL_EVERY_MS = 60_000;
const CHATTERING_EVERY_MS = 1_800_000;
/** In a flood so many critical alarms in so long still come by themselves. */
const CRITICAL_ALONE = 10;
const CRITICAL_WINDOW_MS = 600_000;
/** More rivers and causes than these go together. */
const GROUPS_MAX = 20;
/** And more alarms that chatter for one recipient at once. */
const CHATTERING_MAX = 100;
const CHATTERING_REST = 'chattering/';

/** What the members of a group have in common. */
export interface Bond {
  kind: 'river' | 'area' | 'gateway' | 'gateways' | 'platform' | 'late' | 'alarm' | 'rest';
  /** The river, the area, the gateway, the platform's condition, the alarm's key. */
  name: string | null;
}

export interface Group {
  reason: 'flood' | 'chattering' | 'quiet';
  bond: Bond;
  sinceMs: number;
  /** When its last summary was made; null: there was none. */
  lastMs: number | null;
  /** When what is held is told. */
  dueMs: number;
  /** Of a chattering alarm: when it last came by itself, since it couldn't wait. */
  urgentMs?: number;
  held: number;
  /** Since it began, those held among them. */
  raises: number;
  ends: number;
  /** Of an alarm that counts what it isn't told of: which, and how many transitions the next summary tells. */
  alarm?: string;
  counted?: number;
}

export interface Recipient {
  flood: FloodState;
  /** Critical alarms that came by themselves in this flood, oldest first. */
  criticalMs: readonly number[];
  groups: Readonly<Record<string, Group>>;
}

export const QUIET_RECIPIENT: Recipient = { flood: CALM, criticalMs: [], groups: {} };

/** A notice that is to be told now. */
export interface Arrival {
  event: AlarmEvent;
  severity: Severity;
  bond: Bond;
  /** The key of an alarm that chatters. */
  chattering: string | null;
  quietUntilMs: number | null;
  /** The group that holds an earlier notice about the same alarm. */
  heldIn: string | null;
  atMs: number;
}

/** Where a notice goes, as far as one place knows: into a group, by itself (null), or on to the next place (undefined). */
export interface Placed {
  recipient: Recipient;
  group?: string | null;
}

/**
 * A place where a notice may have to wait. It joins those about the same alarm that are held already, so that they are told in
 * order; only from quiet hours they come along, since what isn't quiet any more can't wait for the morning. `recipient` has to
 * have been advanced to this time.
 */
export type Place = (recipient: Recipient, arrival: Arrival) => Placed;

/** What falls into quiet hours waits for their end. */
export function quietSummary(recipient: Recipient, arrival: Arrival): Placed {
  const { quietUntilMs, heldIn } = arrival;
  if (quietUntilMs === null) return { recipient };
  const begun = { reason: 'quiet', bond: REST, dueMs: quietUntilMs } as const;
  return held(recipient, arrival, heldIn ?? `quiet/${quietUntilMs}`, begun);
}

/** In a flood it goes into the summary of its river or cause, but for a critical one. */
export function floodSummary(recipient: Recipient, arrival: Arrival): Placed {
  const { event, bond, chattering, atMs } = arrival;
  // What a chattering alarm adds to its summary is nothing new to its recipient.
  const isRolling = chattering !== null && recipient.groups[chatteringKey(chattering)] !== undefined;
  const gauge = EVENTS[event].isNew && !isRolling ? raised(recipient.flood, atMs) : recipient.flood;
  const next = { ...recipient, flood: gauge };
  if (gauge.sinceMs === null) return { recipient: next };
  const alone = aloneNow(next, arrival);
  if (alone) return { recipient: alone, group: null };
  return held(next, arrival, joined(arrival) ?? floodKey(next, bond), { reason: 'flood', bond, dueMs: atMs });
}

/** A chattering alarm goes into its own rolling summary, but for what is urgent. */
export function chatteringSummary(recipient: Recipient, arrival: Arrival): Placed {
  const { chattering, atMs } = arrival;
  if (chattering === null) return { recipient };
  const own = chatteringGroup(recipient, chattering);
  const bond = chatteringBond(own, chattering);
  const alone = urgentNow(recipient, arrival, own, bond);
  if (alone) return { recipient: alone, group: null };
  return held(recipient, arrival, joined(arrival) ?? own, { reason: 'chattering', bond, dueMs: atMs });
}

/** The first place that has an answer; none: by itself. */
export function placed(
  places: readonly Place[],
  recipient: Recipient,
  arrival: Arrival,
): { recipient: Recipient; group: string | null } {
  let at = recipient;
  for (const place of places) {
    const { recipient: next, group } = place(at, arrival);
    if (group !== undefined) return { recipient: next, group };
    at = next;
  }
  return { recipient: at, group: null };
}

/** The group of those about the same alarm, if it goes on holding them. */
function joined({ heldIn }: Arrival): string | null {
  return heldIn?.startsWith('quiet/') ? null : heldIn;
}

function chatteringKey(alarm: string): string {
  return `chattering/${alarm}`;
}

/** Its own, unless so many chatter that it goes together with others. */
function chatteringGroup({ groups }: Recipient, alarm: string): string {
  const own = chatteringKey(alarm);
  if (groups[own] !== undefined) return own;
  const many = Object.values(groups).filter(({ reason }) => reason === 'chattering').length;
  return many < CHATTERING_MAX ? own : CHATTERING_REST;
}

const chatteringBond = (group: string, alarm: string): Bond =>
  group === CHATTERING_REST ? REST : { kind: 'alarm', name: alarm };

const REST: Bond = { kind: 'rest', name: null };

function isCritical({ event, severity }: Arrival): boolean {
  return severity === 'critical' && EVENTS[event].asks !== undefined;
}

/** A critical alarm comes by itself even in a flood, unless there is a flood of them. */
function aloneNow(recipient: Recipient, arrival: Arrival): Recipient | null {
  if (!isCritical(arrival)) return null;
  const recent = recipient.criticalMs.filter((atMs) => atMs > arrival.atMs - CRITICAL_WINDOW_MS);
  return recent.length >= CRITICAL_ALONE ? null : { ...recipient, criticalMs: [...recent, arrival.atMs] };
}

/**
 * A chattering alarm comes by itself when it is critical or nobody acknowledges it: that is news also to those who know that
 * it chatters, but not again within half an hour.
 */
function urgentNow(recipient: Recipient, arrival: Arrival, key: string, bond: Bond): Recipient | null {
  const { event, atMs } = arrival;
  if (!isCritical(arrival) && event !== 'escalated') return null;
  // Of those that go together none is silenced by what another one has told.
  if (key === CHATTERING_REST) return recipient;
  const dueMs = atMs + CHATTERING_EVERY_MS;
  const known = recipient.groups[key] ?? newGroup({ reason: 'chattering', bond, dueMs }, atMs);
  if (known.urgentMs !== undefined && atMs < known.urgentMs + CHATTERING_EVERY_MS) return null;
  return { ...recipient, groups: { ...recipient.groups, [key]: { ...counting(known, event), urgentMs: atMs } } };
}

function newGroup(begun: Pick<Group, 'reason' | 'bond' | 'dueMs'>, sinceMs: number): Group {
  return { ...begun, sinceMs, lastMs: null, held: 0, raises: 0, ends: 0 };
}

function floodKey({ groups }: Recipient, { kind, name }: Bond): string {
  const key = `flood/${kind}/${name ?? ''}`;
  if (groups[key]) return key;
  return Object.values(groups).filter(({ reason }) => reason === 'flood').length < GROUPS_MAX ? key : 'flood/rest/';
}

function held(
  recipient: Recipient,
  arrival: Arrival,
  key: string,
  begun: Pick<Group, 'reason' | 'bond' | 'dueMs'>,
): { recipient: Recipient; group: string } {
  const { event, atMs } = arrival;
  const bond = key === 'flood/rest/' ? REST : begun.bond;
  const known = recipient.groups[key] ?? newGroup({ ...begun, bond }, atMs);
  const soon = known.reason === 'flood' && isCritical(arrival) && known.lastMs !== null;
  const group: Group = {
    ...counting(known, event),
    dueMs: soon ? Math.min(known.dueMs, known.lastMs! + CRITICAL_EVERY_MS) : known.dueMs,
    held: known.held + 1,
  };
  return { recipient: { ...recipient, groups: { ...recipient.groups, [key]: group } }, group: key };
}

function counting(group: Group, event: AlarmEvent): Group {
  return {
    ...group,
    raises: group.raises + (event === 'raised' ? 1 : 0),
    ends: group.ends + (EVENTS[event].ends ? 1 : 0),
  };
}

/** What an alarm has counted, for its rolling summary: whatever else holds, and not before the quiet hours are over. */
export function counted(
  recipient: Recipient,
  { alarm, key, raises, ends, transitions, atMs, quietUntilMs }: Tally,
): Recipient {
  const name = chatteringGroup(recipient, key);
  const begun = { reason: 'chattering', bond: chatteringBond(name, key), dueMs: atMs } as const;
  const known = recipient.groups[name] ?? newGroup(begun, atMs);
  const group: Group = {
    ...known,
    alarm,
    dueMs: Math.max(known.dueMs, quietUntilMs ?? 0),
    raises: known.raises + raises,
    ends: known.ends + ends,
    counted: (known.counted ?? 0) + transitions,
  };
  return { ...recipient, groups: { ...recipient.groups, [name]: group } };
}

/** What one alarm has counted, for one recipient. */
export interface Tally {
  alarm: string;
  key: string;
  raises: number;
  ends: number;
  transitions: number;
  atMs: number;
  quietUntilMs: number | null;
}

/** So many that a group held go into another one, or (null) are told by themselves after all. */
export function moved(recipient: Recipient, from: string, to: string | null, count: number): Recipient {
  const groups = { ...recipient.groups };
  for (const [key, change] of [
    [from, -count],
    [to, count],
  ] as const) {
    const group = key === null ? undefined : groups[key];
    if (group) groups[key!] = { ...group, held: group.held + change };
  }
  return { ...recipient, groups };
}

/** A group whose summary is due. */
export interface Due {
  key: string;
  group: Group;
  /** The flood or the quiet hours are over: this is its last. */
  isLast: boolean;
}

/** Time passes: what is due is told, and what is over is let go of. */
export function passed(recipient: Recipient, nowMs: number): { recipient: Recipient; due: Due[] } {
  const flood = advanced(recipient.flood, nowMs);
  const due: Due[] = [];
  const groups: Record<string, Group> = {};
  for (const [key, group] of Object.entries(recipient.groups)) {
    const isLast = group.reason === 'flood' ? flood.sinceMs === null : group.reason === 'quiet' && group.dueMs <= nowMs;
    const hasNews = group.held > 0 || (group.counted ?? 0) > 0;
    const isDue = hasNews && (isLast || group.dueMs <= nowMs);
    if (isDue) due.push({ key, group, isLast });
    // A chattering alarm that was silent for so long is news when it comes again.
    const isForgotten = group.reason === 'chattering' && !hasNews && group.dueMs <= nowMs;
    if (isLast || isForgotten) continue;
    const everyMs = group.reason === 'flood' ? FLOOD_EVERY_MS : CHATTERING_EVERY_MS;
    groups[key] = isDue ? { ...group, held: 0, counted: 0, lastMs: nowMs, dueMs: nowMs + everyMs } : group;
  }
  return { recipient: { flood, criticalMs: flood.sinceMs === null ? [] : recipient.criticalMs, groups }, due };
}

/** When `passed` has something to do next; null: not before something is told. */
export function nextMs({ flood, groups }: Recipient): number | null {
  const waiting = Object.values(groups).filter(({ held: count, reason }) => count > 0 || reason === 'chattering');
  const times = waiting.map(({ dueMs }) => dueMs);
  const endMs = floodEndMs(flood);
  if (endMs !== null) times.push(endMs);
  return times.length === 0 ? null : Math.min(...times);
}
