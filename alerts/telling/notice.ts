/** What a notice says: the JSON of contracts §6, made once, so that every attempt sends the same bytes. */

import { createHash } from 'node:crypto';
import { NEWBORN, NO_VALUE } from '#alerts/life/lifecycle.ts';
import type { PendingNotice, ToldNotice } from '#alerts/records/outbox.ts';
import type { NoticeDraft } from '#alerts/records/store.ts';
import { LINK_LIFE_MS, type LinkClaims, type LinkSigner } from '#model/alarms/acknowledge-link.ts';
import { type Again, type Alarm, type AlarmEvent, SEVERITIES } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { EVENTS } from './events.ts';
import type { Group } from './grouping.ts';

/** A notice as a channel sends it. `payload` = the JSON object `{ notice, event, alarm, … }` of docs/notices.md. */
export interface Notice {
  id: string;
  event: AlarmEvent;
  payload: string;
  /** How far it has come with each address behind the channel, when some were tried before. */
  receipts?: PendingNotice['receipts'];
}

/** A transition of one or (a digest) several alarms, to be told to one channel. */
export interface Announcement {
  /** What makes this telling different from every other one to the channel: the same at every replay. */
  cause: string;
  event: AlarmEvent;
  channel: string;
  alarms: readonly Alarm[];
  atMs: number;
  again?: Again | undefined;
  /** The stations whose silence follows from it, by their ids. */
  covers?: readonly string[];
  /** Of an escalation: for how long nobody has acknowledged it, ISO 8601. */
  after?: string | undefined;
}

/** A summary tells of at most so many alarms: what a webhook's receiver takes in one request. */
export const SUMMARY_ALARMS_MAX = 500;

/**
 * @param publicUrl where people reach the dashboard; null leaves the links out.
 * @param signer signs the link that acknowledges; null: there is none.
 */
export function noticeDraft(
  { cause, event, channel, alarms, atMs, again, covers = [], after }: Announcement,
  publicUrl: string | null,
  signer: LinkSigner | null = null,
): NoticeDraft {
  const [first] = alarms;
  if (!first) throw new Error('a notice is about an alarm');
  const ids = alarms.map((alarm) => alarm.id);
  const id = noticeId(cause, event, channel, ids);
  const isOpen = first.state === 'raised' || first.state === 'returned';
  const isAsking = EVENTS[event].asks !== undefined && alarms.length === 1 && isOpen;
  const link = { alarm: first.id, channel, notice: id.slice(0, LINK_NOTICE_LENGTH), sentMs: atMs };
  const body = {
    event,
    ...(again === undefined ? {} : { again }),
    alarm: alarmView(first),
    ...(alarms.length > 1 ? { alarms: alarms.map(alarmView) } : {}),
    ...(after === undefined ? {} : { after }),
    ...(covers.length > 0 ? { covers: { count: covers.length, stations: covers } } : {}),
    ...(publicUrl === null ? {} : { url: new URL(`#/alarms/${first.id}`, withSlash(publicUrl)).href }),
    ...(publicUrl !== null && signer && isAsking ? { acknowledgeUrl: acknowledgeUrl(publicUrl, signer, link) } : {}),
  };
  const told = event === 'test' ? [] : ids;
  return { id, cause, channel, event, createdAtMs: atMs, alarms: told, payload: JSON.stringify(body) };
}

/** So much of a notice's id tells the links of an alarm apart. */
const LINK_NOTICE_LENGTH = 12;

/** Made of nothing but what the notice says, so that a replay gives the same bytes. */
function acknowledgeUrl(publicUrl: string, signer: LinkSigner, link: Omit<LinkClaims, 'untilMs'>): string {
  return new URL(`a/${signer.sign({ ...link, untilMs: link.sentMs + LINK_LIFE_MS })}`, withSlash(publicUrl)).href;
}

/** One telling to one channel has one id, whoever asks for it: a route, a replay, or a channel that stands in. */
function noticeId(cause: string, event: AlarmEvent, channel: string, alarms: readonly string[]): string {
  return createHash('sha256')
    .update([cause, event, channel, ...alarms].join('\n'))
    .digest('hex')
    .slice(0, 32);
}

/** The same telling for a channel that stands in for the one that failed; its link acknowledges as that channel. */
export function standIn(
  { id: told, cause, event, alarms, payload }: ToldNotice,
  channel: string,
  atMs: number,
  signer: LinkSigner | null = null,
): NoticeDraft {
  // Notices of before causes were kept are told of by their own id.
  const telling = cause === '' ? told : cause;
  const id = noticeId(telling, event, channel, alarms);
  const draft = { id, cause: telling, channel, event, createdAtMs: atMs, alarms };
  const { acknowledgeUrl: link, ...body } = JSON.parse(payload) as { acknowledgeUrl?: string };
  if (link === undefined) return { ...draft, payload };
  const publicUrl = new URL('..', link).href;
  const own = { alarm: alarms[0]!, channel, notice: id.slice(0, LINK_NOTICE_LENGTH), sentMs: atMs };
  const links = signer && { acknowledgeUrl: acknowledgeUrl(publicUrl, signer, own) };
  return { ...draft, payload: JSON.stringify({ ...body, ...links }) };
}

interface SummaryBody {
  alarm: { id: string; severity: Alarm['severity'] };
  alarms?: SummaryBody['alarm'][];
  url?: string;
}

/**
 * One notice that tells of several, with event `summary`: `told` lists them with their events, `alarms` has each alarm
 * once, as its last notice has it, and `alarm` is the most severe.
 * @param group what they have in common; without it they only waited for the channel's limit.
 */
export function summaryDraft(
  channel: string,
  members: readonly ToldNotice[],
  atMs: number,
  group?: Group & { isLast: boolean },
): NoticeDraft {
  const alarms = new Map<string, SummaryBody['alarm']>();
  let url: string | undefined;
  for (const { payload } of members) {
    const body = JSON.parse(payload) as SummaryBody;
    for (const one of body.alarms ?? [body.alarm]) alarms.set(one.id, one);
    url ??= body.url;
  }
  const ids = members.map(({ id }) => id);
  const list = [...alarms.values()];
  const weight = (one: SummaryBody['alarm']) => SEVERITIES.indexOf(one.severity);
  const body = {
    event: 'summary',
    alarm: list.toSorted((a, b) => weight(b) - weight(a))[0],
    alarms: list,
    told: members.map(({ id, event, alarms: about }) => ({ notice: id, event, alarms: about })),
    ...(group ? { group: groupView(group) } : {}),
    ...(url === undefined ? {} : { url: new URL('#/alarms', url).href }),
  };
  const id = noticeId('summary', 'summary', channel, ids);
  const about = list.map((one) => one.id);
  return { id, cause: id, channel, event: 'summary', createdAtMs: atMs, alarms: about, payload: JSON.stringify(body) };
}

/** The summary of what an alarm has counted: it stands for no notices, and has the alarm as it is now. */
export function countedDraft(
  channel: string,
  alarm: Alarm,
  atMs: number,
  group: Group & { isLast: boolean },
  publicUrl: string | null,
): NoticeDraft {
  const id = noticeId(`counted until ${atMs}`, 'summary', channel, [alarm.id]);
  const view = alarmView(alarm);
  const url = publicUrl === null ? {} : { url: new URL('#/alarms', withSlash(publicUrl)).href };
  const body = { event: 'summary', alarm: view, alarms: [view], told: [], group: groupView(group), ...url };
  const payload = JSON.stringify(body);
  return { id, cause: id, channel, event: 'summary', createdAtMs: atMs, alarms: [alarm.id], payload };
}

/** What members of a summary have in common, as recipients see it. */
function groupView({ reason, bond, sinceMs, raises, ends, counted, isLast }: Group & { isLast: boolean }) {
  const since = new Date(sinceMs).toISOString();
  const folded = counted ? { counted } : {};
  return { reason, kind: bond.kind, name: bond.name, since, raises, ends, ...folded, over: isLast };
}
export type GroupView = ReturnType<typeof groupView>;

/** The bytes to send: the notice's id stands before what was written when it was made. */
export function noticePayload(id: string, payload: string): string {
  return `{"notice":${JSON.stringify(id)},${payload.slice(1)}`;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

/** The alarm of a channel's test: plainly none, and of the shape of any other. */
export function sampleAlarm(atMs: number): Alarm {
  return {
    id: 'test',
    key: 'test/_platform/test',
    rule: 'test',
    station: '_platform',
    parameter: 'test',
    severity: 'minor',
    state: 'cleared',
    breachStartMs: atMs,
    raisedAtMs: atMs,
    detectedAtMs: atMs,
    ...NEWBORN,
    ...NO_VALUE,
    clearedAtMs: atMs,
    value: 0,
    detail: null,
  };
}
