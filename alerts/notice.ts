/** What a notice says: the JSON of contracts §6, made once, so that every attempt sends the same bytes. */

import { createHash } from 'node:crypto';
import { type Again, type Alarm, type AlarmEvent, SEVERITIES } from '#model/alarm.ts';
import { alarmView } from '#model/alarm-view.ts';
import type { NoticeDraft } from '#store/alert-store.ts';
import type { PendingNotice, ToldNotice } from '#store/outbox.ts';
import { NEWBORN, NO_VALUE } from './lifecycle.ts';

/** A notice as a channel sends it. `payload` = the JSON object `{ notice, event, again?, alarm, alarms?, told?, url? }`. */
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
}

/** @param publicUrl where people reach the dashboard; null leaves the link out. */
export function noticeDraft(
  { cause, event, channel, alarms, atMs, again }: Announcement,
  publicUrl: string | null,
): NoticeDraft {
  const [first] = alarms;
  if (!first) throw new Error('a notice is about an alarm');
  const ids = alarms.map((alarm) => alarm.id);
  const id = noticeId(cause, event, channel, ids);
  const body = {
    event,
    ...(again === undefined ? {} : { again }),
    alarm: alarmView(first),
    ...(alarms.length > 1 ? { alarms: alarms.map(alarmView) } : {}),
    ...(publicUrl === null ? {} : { url: new URL(`#/alarms/${first.id}`, withSlash(publicUrl)).href }),
  };
  const told = event === 'test' ? [] : ids;
  return { id, cause, channel, event, createdAtMs: atMs, alarms: told, payload: JSON.stringify(body) };
}

/** One telling to one channel has one id, whoever asks for it: a route, a replay, or a channel that stands in. */
function noticeId(cause: string, event: AlarmEvent, channel: string, alarms: readonly string[]): string {
  return createHash('sha256')
    .update([cause, event, channel, ...alarms].join('\n'))
    .digest('hex')
    .slice(0, 32);
}

/** The same telling for a channel that stands in for the one that failed. */
export function standIn({ id, cause, event, alarms, payload }: ToldNotice, channel: string, atMs: number): NoticeDraft {
  // Notices of before causes were kept are told of by their own id.
  const telling = cause === '' ? id : cause;
  const own = noticeId(telling, event, channel, alarms);
  return { id: own, cause: telling, channel, event, createdAtMs: atMs, alarms, payload };
}

interface SummaryBody {
  alarm: { id: string; severity: Alarm['severity'] };
  alarms?: SummaryBody['alarm'][];
  url?: string;
}

/**
 * One notice that tells of several, with event `summary`: `told` lists them with their events, `alarms` has each alarm
 * once, as its last notice has it, and `alarm` is the most severe.
 */
export function summaryDraft(channel: string, members: readonly ToldNotice[], atMs: number): NoticeDraft {
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
    ...(url === undefined ? {} : { url: new URL('#/alarms', url).href }),
  };
  const id = noticeId('summary', 'summary', channel, ids);
  const about = list.map((one) => one.id);
  return { id, cause: id, channel, event: 'summary', createdAtMs: atMs, alarms: about, payload: JSON.stringify(body) };
}

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
