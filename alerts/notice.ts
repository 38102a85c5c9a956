/** What a notice says: the JSON of contracts §6, made once, so that every attempt sends the same bytes. */
import { createHash } from 'node:crypto';
import type { Alarm, AlarmEvent } from '#model/alarm.ts';
import { alarmView } from '#model/alarm-view.ts';
import type { NoticeDraft } from '#store/alert-store.ts';

/** A notice as a channel sends it. `payload` = the JSON object `{ notice, event, alarm, alarms?, url? }`. */
export interface Notice {
  id: string;
  event: AlarmEvent;
  payload: string;
}

/** A transition of one or (a digest) several alarms, to be told to one channel. */
export interface Announcement {
  /** What makes this telling different from every other one to the channel: the same at every replay. */
  cause: string;
  event: AlarmEvent;
  channel: string;
  alarms: readonly Alarm[];
  atMs: number;
}

/** @param publicUrl where people reach the dashboard; null leaves the link out. */
export function noticeDraft(
  { cause, event, channel, alarms, atMs }: Announcement,
  publicUrl: string | null,
): NoticeDraft {
  const [first] = alarms;
  if (!first) throw new Error('a notice is about an alarm');
  const ids = alarms.map((alarm) => alarm.id);
  const id = createHash('sha256')
    .update([cause, event, channel, ...ids].join('\n'))
    .digest('hex')
    .slice(0, 32);
  const body = {
    event,
    alarm: alarmView(first),
    ...(alarms.length > 1 ? { alarms: alarms.map(alarmView) } : {}),
    ...(publicUrl === null ? {} : { url: new URL(`#/alarms/${first.id}`, withSlash(publicUrl)).href }),
  };
  return { id, channel, event, createdAtMs: atMs, alarms: event === 'test' ? [] : ids, payload: JSON.stringify(body) };
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
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    clearedAtMs: atMs,
    value: 0,
    unit: '1',
    limit: null,
    op: null,
    target: null,
    class: null,
    multiple: null,
    basis: 'instantaneous',
    late: false,
    occurrences: 1,
    shelvedUntilMs: null,
    suppressedBy: null,
    latched: false,
    detail: null,
  };
}
