/** Chattering alarms: one rolling summary each, whatever their recipient hears of others. */
import { describe, expect, it } from 'vitest';
import { openHeldNotices } from '#alerts/records/held-notices.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import {
  type Arrival,
  chatteringSummary,
  counted,
  passed,
  QUIET_RECIPIENT,
  type Recipient,
} from '#alerts/telling/grouping.ts';
import { noticePayload, sampleAlarm } from '#alerts/telling/notice.ts';
import { createTelling } from '#alerts/telling/telling.ts';
import { composeMessage, type Payload } from '#alerts/templates/message.ts';
import { openDerived } from '#installation/derived.ts';
import type { Alarm, AlarmEvent } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { NAMES } from '#tests/helpers/alerts/channel-notice.ts';

const MINUTE = 60_000;

function createTellingRig() {
  const derived = openDerived(':memory:');
  const options = { store: openAlertStore(derived), held: openHeldNotices(derived), publicUrl: null };
  let telling = createTelling(options);
  let told = 0;
  const rig = {
    /** At so many minutes. */
    tell(minutes: number, event: AlarmEvent, over: Partial<Alarm> = {}) {
      const alarm = {
        ...sampleAlarm(0),
        id: 'a',
        key: 'r/shending-mouth/nh3n',
        station: 'shending-mouth',
        parameter: 'nh3n',
      };
      const atMs = minutes * MINUTE;
      telling.pass(atMs);
      const alarms = [{ ...alarm, ...over }];
      telling.tell({ cause: `${told++}`, event, channel: 'hook', alarms, atMs }, { kind: 'river', name: 'han' }, null);
      telling.pass(atMs);
    },
    /** Lets what is due happen, until so many minutes. */
    pass(minutes: number) {
      for (let due = telling.nextMs(); due !== null && due <= minutes * MINUTE; due = telling.nextMs())
        telling.pass(due);
    },
    /** As after a restart. */
    restart() {
      telling.save();
      telling = createTelling(options);
    },
    sent: () =>
      derived
        .prepare("SELECT id, createdAtMs, payload FROM notice WHERE state = 'pending' ORDER BY position")
        .all()
        .map(({ id, createdAtMs, payload }) => {
          const notice = { payload: noticePayload(id as string, payload as string) };
          return { at: (createdAtMs as number) / MINUTE, notice, body: JSON.parse(notice.payload) as Payload };
        }),
    held: () => derived.prepare("SELECT count(*) AS n FROM notice WHERE state = 'held'").get()!.n,
  };
  return rig;
}

describe('many chattering alarms', () => {
  it('have a hundred summaries of their own at most, and one together beyond that', () => {
    const recipient = (channels: Recipient['groups']) =>
      Object.values(channels).filter((one) => one.reason === 'chattering');
    let at = QUIET_RECIPIENT;
    const arrival = (n: number, over: Partial<Arrival> = {}): Arrival => ({
      event: 'raised',
      severity: 'minor',
      bond: { kind: 'rest', name: null },
      chattering: `r/s${n}/nh3n`,
      quietUntilMs: null,
      heldIn: null,
      atMs: n,
      ...over,
    });
    for (let n = 0; n < 5000; n++) at = chatteringSummary(at, arrival(n)).recipient;
    expect(recipient(at.groups)).toHaveLength(101);
    const rest = at.groups['chattering/']!;
    expect(rest).toMatchObject({ bond: { kind: 'rest' }, held: 4900, raises: 4900 });
    expect(recipient(at.groups).reduce((sum, { held }) => sum + held, 0)).toBe(5000);
    // What is urgent still comes by itself, each of them.
    for (const n of [4998, 4999]) {
      expect(chatteringSummary(at, arrival(n, { severity: 'critical' }))).toMatchObject({ group: null });
    }
    // What is counted is counted there, too.
    const tally = {
      alarm: 'a',
      key: 'r/s9999/nh3n',
      raises: 60,
      ends: 60,
      transitions: 120,
      atMs: 6000,
      quietUntilMs: null,
    };
    expect(counted(at, tally).groups['chattering/']).toMatchObject({ raises: 4960, ends: 60, counted: 120 });
    expect(Object.keys(counted(at, tally).groups)).toHaveLength(101);
    // All of it is told when it is due, and each has a summary of its own again once it is quiet.
    const { due, recipient: told } = passed(at, 2_000_000);
    expect(due).toHaveLength(101);
    expect(passed(told, 9_000_000).recipient.groups).toEqual({});
  });

  it('that go together are told as what they are', () => {
    const alarm = alarmView(sampleAlarm(0));
    const group = { kind: 'rest', name: null, reason: 'chattering', raises: 7, ends: 6, over: false, since: '' };
    const payload = JSON.stringify({ event: 'summary', alarm, alarms: [alarm], told: [], group });
    expect(composeMessage({ payload }, 'en').title).toBe(
      '【Wellkeeper】summary: chattering others: 7 raises, 6 clears',
    );
    expect(composeMessage({ payload }, 'zh').title).toContain('抖动报警 其他：触发 7 次，恢复 6 次');
  });
});

describe('a chattering alarm', () => {
  it('is told in one rolling summary: the first at once, then every half hour, counting since it began', () => {
    const rig = createTellingRig();
    rig.tell(0, 'raised', { chattering: true });
    for (let n = 1; n < 5; n++) {
      rig.tell(n * 4 - 1, 'returned', { chattering: true });
      rig.tell(n * 4, 'raised', { chattering: true, id: `a${n}` });
      if (n === 2) rig.restart();
    }
    expect(rig.sent().map(({ at }) => at)).toEqual([0]);
    expect(rig.held()).toBe(8);
    rig.pass(60);
    const [, second] = rig.sent();
    expect(second).toMatchObject({ at: 30, body: { group: { reason: 'chattering', raises: 5, ends: 4 } } });
    expect(second!.body.told).toHaveLength(8);
    expect(composeMessage(second!.notice, 'zh', NAMES).title).toBe(
      '【守井人】汇总：抖动报警 神定河口 氨氮：触发 5 次，恢复 4 次',
    );
    expect(composeMessage(second!.notice, 'en', NAMES).title).toBe(
      '【Wellkeeper】summary: chattering Shending River mouth Ammonia nitrogen: 5 raises, 4 clears',
    );
    // Silent for half an hour, it is news again.
    rig.tell(90, 'raised', { chattering: true, id: 'z' });
    expect(rig.sent().at(-1)).toMatchObject({ at: 90, body: { group: { raises: 1 } } });
  });

  it('makes no flood by itself; many of them do, and go into its summaries', () => {
    const rig = createTellingRig();
    for (let n = 0; n < 20; n++) rig.tell(n / 10, 'raised', { chattering: true, id: `a${n}` });
    rig.tell(2, 'raised', { id: 'calm', key: 'r/other/nh3n' });
    expect(rig.sent().map(({ body }) => body.group?.reason)).toEqual(['chattering', undefined]);
    for (let n = 0; n < 20; n++) rig.tell(3, 'raised', { chattering: true, id: `b${n}`, key: `r/s${n}/nh3n` });
    const reasons = rig.sent().map(({ body }) => body.group?.reason);
    expect(reasons.filter((reason) => reason === 'chattering')).toHaveLength(9);
    expect(reasons.filter((reason) => reason === 'flood')).toHaveLength(1);
    rig.pass(120);
    expect(rig.held()).toBe(0);
  });

  it('comes by itself when it is critical or nobody acknowledges it, once in half an hour', () => {
    const rig = createTellingRig();
    rig.tell(0, 'raised', { chattering: true });
    rig.tell(4, 'severity-changed', { chattering: true, severity: 'critical' });
    for (const minutes of [8, 12, 16]) rig.tell(minutes, 'raised', { chattering: true, severity: 'critical' });
    rig.tell(20, 'escalated', { chattering: true });
    expect(rig.sent().map(({ at }) => at)).toEqual([0, 4]);
    rig.restart();
    rig.pass(40);
    rig.tell(40, 'escalated', { chattering: true });
    expect(rig.sent().map(({ at, body }) => `${at} ${body.event} ${body.told?.length ?? ''}`.trim())).toEqual([
      '0 summary 1',
      '4 severity-changed',
      '30 summary 4',
      '40 escalated',
    ]);
    expect(rig.sent()[2]!.body.group).toMatchObject({ raises: 4, ends: 0 });
  });

  it('is told by itself again once it is calm, with what was held of it before', () => {
    const rig = createTellingRig();
    rig.tell(0, 'raised', { chattering: true, id: 'a0' });
    rig.tell(1, 'raised', { chattering: true, id: 'a1' });
    expect(rig.held()).toBe(1);
    // An alarm of the key that doesn't chatter any more is told at once, and its own earlier notices before it.
    rig.tell(2, 'returned', { id: 'a1' });
    rig.pass(100);
    expect(rig.sent().map(({ at, body }) => `${at} ${body.event} ${body.alarm.id}`)).toEqual([
      '0 summary a0',
      '1 raised a1',
      '2 returned a1',
    ]);
  });
});
