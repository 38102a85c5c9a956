/**
 * An outbox with a dispatcher over it and recipients that answer as told, on a clock that the test moves. Everything
 * that a recipient was sent is kept as it was sent.
 */
import type { ChannelPorts, Send, Sent } from '#alerts/channels/channel.ts';
import { notice, notices, timeline } from '#alerts/records/answers.ts';
import { openAlertStore } from '#alerts/records/store.ts';
import { createDispatcher, type Dispatcher } from '#alerts/telling/dispatch.ts';
import { type Notice, noticeDraft, sampleAlarm } from '#alerts/telling/notice.ts';
import type { Payload } from '#alerts/templates/message.ts';
import { openDerived } from '#installation/derived.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { AlarmEvent, Severity } from '#model/alarms/alarm.ts';
import type { Channel } from '#model/register.ts';
import type { Database } from '#src/sqlite.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';
import { handTimers } from './dispatch-rig.ts';

export const SENT: Sent = { outcome: 'sent', status: '200' };
export const BUSY: Sent = { outcome: 'failed-for-now', status: '503' };
export const GONE: Sent = { outcome: 'failed-for-good', status: '410' };

interface Delivery {
  atMs: number;
  /** `to` of the channel, which tests set to its id. */
  channel: string;
  id: string;
  payload: Payload;
  receipts: Notice['receipts'];
  sent: Sent;
}

/** A webhook whose `to` says its id. */
export const hook = (id: string, more: Partial<Channel> = {}): Channel =>
  ({ kind: 'webhook', url: 'http://h/', to: id, ...more }) as Channel;

export interface OutboxRigOptions {
  derived?: Database;
  /** Null = a real sender. */
  answer?: ((delivery: Omit<Delivery, 'sent'>, n: number) => Sent | Promise<Sent>) | null;
}

export function createOutboxRig(channels: Record<string, Channel | undefined>, options: OutboxRigOptions = {}) {
  const real = options.derived ?? openDerived(':memory:');
  const clock = handClock(0);
  const timers = handTimers(clock);
  const deliveries: Delivery[] = [];
  const underway = new Set<Promise<Sent>>();
  let dispatcher: Dispatcher | undefined;
  let added = 0;
  const send: Send = async (channel, { id, payload, receipts }) => {
    const delivery = { atMs: timers.nowMs(), channel: channel.to ?? '', id, payload: JSON.parse(payload), receipts };
    const sent = (await rig.answer?.(delivery, deliveries.length + 1)) ?? SENT;
    deliveries.push({ ...delivery, sent });
    return sent;
  };
  const ports: Omit<ChannelPorts, 'signal'> = {
    clock,
    log: { info: () => {}, warn: () => {} },
    policy: { allow: [], allowLoopback: true },
    publish: async () => {},
  };
  const rig = {
    derived: real,
    clock,
    channels,
    deliveries,
    answer: options.answer ?? null,
    linkSigner: null as LinkSigner | null,
    /** Instead of the answers: these senders as they are. */
    senders: undefined as Partial<Record<Channel['kind'], Send>> | undefined,
    add(
      alarm: string | string[],
      event: AlarmEvent = 'raised',
      channel = 'hook',
      severity: Severity = 'minor',
    ): string {
      const alarms = [alarm].flat().map((id) => ({ ...sampleAlarm(clock.nowMs()), id, severity }));
      return rig.tell(`cause-${added++}`, event, channel, alarms);
    },
    /** One telling: the same cause to several channels is the same happening. */
    tell(cause: string, event: AlarmEvent, channel: string, alarms: ReturnType<typeof sampleAlarm>[]): string {
      const draft = noticeDraft({ cause, event, channel, alarms, atMs: clock.nowMs() }, 'https://wells.example/');
      openAlertStore(real).notify(draft);
      return draft.id;
    },
    start(database: Database = real): Dispatcher {
      const kinds = ['webhook', 'mqtt', 'log', 'email', 'wecom', 'dingtalk', 'feishu', 'sms'] as const;
      const senders = rig.senders
        ? Object.fromEntries(Object.entries(rig.senders).map(([kind, sender]) => [kind, watched(sender)]))
        : Object.fromEntries(kinds.map((kind) => [kind, send]));
      const channel = (id: string) => channels[id];
      dispatcher = createDispatcher({
        derived: database,
        linkSigner: rig.linkSigner,
        channel,
        ports,
        senders,
        delay: timers.delay,
        random: () => 0.5,
      });
      dispatcher.wake();
      return dispatcher;
    },
    wake: () => dispatcher!.wake(),
    pending: () => dispatcher!.pending(),
    close: async () => await dispatcher?.close(),
    advance: (ms: number) => timers.advance(ms),
    /** Virtual time for real senders: it stands still while something is on its way. */
    async advanceReal(ms: number, stepMs = 5000) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        await timers.advance(stepMs);
        while (underway.size > 0) await Promise.allSettled(underway);
      }
    },
    forgetTimers: () => timers.clear(),
    resend: (id: string) => openAlertStore(real).resend(id, clock.nowMs()),
    row: (id: string) => notice(real, { id })!,
    list: (state: Parameters<typeof notices>[1]['state']) =>
      notices(real, { state, limit: 1000, before: null }).map(({ id }) => id),
    timeline: (alarm: string) => timeline(real, { id: alarm }).notices,
    /** What recipients were told: each notice by its id, those within summaries by theirs. */
    told(): string[] {
      return deliveries.flatMap(({ id, payload, sent }) =>
        sent.outcome !== 'sent' ? [] : (payload.told?.map((member) => member.notice) ?? [id]),
      );
    },
  };
  function watched(sender: Send): Send {
    return async (...given) => {
      const sent = sender(...given);
      underway.add(sent);
      return sent.finally(() => underway.delete(sent));
    };
  }
  return rig;
}

export type OutboxRig = ReturnType<typeof createOutboxRig>;
