/**
 * A dispatcher over an outbox with a recipient that answers as told, on a clock that the test moves. A notice that
 * nobody expects shows up in `got`, so that tests compare all of it.
 */
import type { ChannelPorts, Send, Sent } from '#alerts/channels/channel.ts';
import { createDispatcher, type Delay, type Dispatcher } from '#alerts/telling/dispatch.ts';
import type { Payload } from '#alerts/templates/message.ts';
import type { Channel } from '#model/register.ts';
import type { Database } from '#src/sqlite.ts';
import { type HandClock, handClock } from '#tests/helpers/hand-clock.ts';

/** Timers that run when `advance` comes to them, in the order of their times; they move the clock. */
export function handTimers(clock: HandClock = handClock(0)) {
  const nowMs = () => clock.monotonicMs();
  let timers: { atMs: number; work: () => void }[] = [];
  const delay: Delay = (ms, work) => {
    const timer = { atMs: nowMs() + ms, work };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };
  return {
    delay,
    nowMs,
    /** Lets what is under way come to rest, then runs the next timer; again and again until `ms` have passed. */
    async advance(ms: number) {
      const end = nowMs() + ms;
      for (;;) {
        await turns();
        const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (!next || next.atMs > end) break;
        timers = timers.filter((timer) => timer !== next);
        clock.advance(Math.max(0, next.atMs - nowMs()));
        next.work();
      }
      clock.advance(end - nowMs());
    },
    clear() {
      timers = [];
    },
  };
}

/** Lets every promise that can go on do so. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve();
}

export interface Got {
  atMs: number;
  channel: string;
  id: string;
  event: string;
  alarm: string;
  /** `event alarm` of each that it tells of: its own, those of a digest, or those of a summary. */
  lines: string[];
}

export type Answer = (got: Got, n: number) => Sent | Promise<Sent>;

export function createDispatchRig(
  derived: Database,
  options: { answer?: Answer; channels?: Record<string, Channel | undefined> } = {},
) {
  const timers = handTimers();
  const got: Got[] = [];
  const channels: Record<string, Channel | undefined> = {
    hook: { kind: 'webhook', url: 'http://h/', to: 'hook' },
    ...options.channels,
  };
  const rig = {
    timers,
    got,
    answer: options.answer ?? ((): Sent => ({ outcome: 'sent', status: '200' })),
    dispatcher: undefined as Dispatcher | undefined,
    start(database: Database = derived): Dispatcher {
      const send: Send = async (channel, notice) => {
        const { alarm, alarms = [alarm], told } = JSON.parse(notice.payload) as Payload;
        const one = {
          atMs: timers.nowMs(),
          channel: channel.to ?? '',
          id: notice.id,
          event: notice.event,
          alarm: alarm.id,
          lines:
            told?.flatMap((one) => one.alarms.map((id) => `${one.event} ${id}`)) ??
            alarms.map(({ id }) => `${notice.event} ${id}`),
        };
        got.push(one);
        return rig.answer(one, got.length);
      };
      const ports: Omit<ChannelPorts, 'signal'> = {
        clock: { nowMs: timers.nowMs, monotonicMs: timers.nowMs },
        log: { info: () => {}, warn: () => {} },
        policy: { allow: [], allowLoopback: true },
        publish: async () => {},
      };
      rig.dispatcher = createDispatcher({
        derived: database,
        channel: (id) => channels[id],
        ports,
        senders: { webhook: send, mqtt: send, log: send },
        delay: timers.delay,
        random: () => 0.5,
      });
      rig.dispatcher.wake();
      return rig.dispatcher;
    },
  };
  return rig;
}

export type DispatchRig = ReturnType<typeof createDispatchRig>;
