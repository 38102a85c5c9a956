/** Notices and ports for the tests of channels and templates: one real alarm, with names. */
import type { ChannelPorts } from '#alerts/channels/channel.ts';
import { type Notice, noticeDraft, noticePayload, sampleAlarm, summaryDraft } from '#alerts/telling/notice.ts';
import type { Names } from '#alerts/templates/message.ts';
import type { Alarm, AlarmEvent } from '#model/alarms/alarm.ts';

export const NOW_MS = Date.UTC(2026, 10, 22, 0, 0, 5);

export const NAMES: Names = {
  station: (id) => (id === 'shending-mouth' ? { zh: '神定河口', en: 'Shending River mouth' } : undefined),
  parameter: (id) => (id === 'nh3n' ? { zh: '氨氮', en: 'Ammonia nitrogen' } : undefined),
  timeZone: 'Asia/Shanghai',
};

export function channelPorts(over: Partial<ChannelPorts> = {}): ChannelPorts {
  return {
    clock: { nowMs: () => NOW_MS, monotonicMs: () => 0 },
    log: { info: () => {}, warn: () => {} },
    policy: { allow: [], allowLoopback: true },
    publish: async () => {},
    names: NAMES,
    signal: new AbortController().signal,
    ...over,
  };
}

/** Ammonia nitrogen of Class III at a Class II section. */
export function ammonia(over: Partial<Alarm> = {}): Alarm {
  return {
    ...sampleAlarm(Date.UTC(2026, 10, 22)),
    id: 'a-1',
    key: 'class-target/shending-mouth/nh3n',
    rule: 'class-target',
    station: 'shending-mouth',
    parameter: 'nh3n',
    severity: 'major',
    state: 'raised',
    value: 0.83,
    unit: 'mg/L',
    limit: 0.5,
    op: '<=',
    target: 'II',
    class: 'III',
    multiple: 0.66,
    clearedAtMs: null,
    ...over,
  };
}

export function noticeOf(
  event: AlarmEvent,
  alarms: Alarm[] = [ammonia()],
  publicUrl: string | null = 'https://wells.example/',
): Notice {
  const draft = noticeDraft({ cause: '12/0', event, channel: 'c', alarms, atMs: 0 }, publicUrl);
  return { id: draft.id, event, payload: noticePayload(draft.id, draft.payload) };
}

export function summaryOf(told: { event: AlarmEvent; alarm: Alarm }[]): Notice {
  const members = told.map(({ event, alarm }, n) => {
    const { id, cause, payload, alarms } = noticeDraft(
      { cause: `${n}`, event, channel: 'c', alarms: [alarm], atMs: 0 },
      null,
    );
    return { id, cause, event, payload, alarms: [...alarms] };
  });
  const draft = summaryDraft('c', members, 0);
  return { id: draft.id, event: 'summary', payload: noticePayload(draft.id, draft.payload) };
}
