/**
 * The alerts follower on a journal in memory with the real dispatcher behind it, whose webhooks go to a real HTTP
 * recipient each. `restart` is a new life of both from derived.db.
 */
import type { ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { createDispatcher, type Dispatcher } from '#alerts/telling/dispatch.ts';
import type { Payload } from '#alerts/templates/message.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { type HttpRecipient, openRecipient } from './http-recipient.ts';
import type { AlertsRig } from './rig.ts';

/** @param channels a recipient for each; a route tells all of them. */
export async function createWebhookRig(rig: AlertsRig, channels: readonly string[] = ['hook']) {
  const answers = new Map<string, number>();
  const recipients = new Map<string, HttpRecipient>();
  for (const id of channels) {
    const recipient = await openRecipient((response: ServerResponse) =>
      response.writeHead(answers.get(id) ?? 200).end(),
    );
    recipients.set(id, recipient);
    rig.channel(id, { kind: 'webhook', url: recipient.url });
  }
  rig.routes({ channels: [...channels] });
  const clock = { nowMs: rig.nowMs, monotonicMs: rig.nowMs };
  let dispatcher: Dispatcher | undefined;
  const start = () =>
    createDispatcher({
      derived: rig.derived,
      channel: (id) => rig.control().get('channel', id),
      ports: {
        clock,
        log: { info: () => {}, warn: () => {} },
        policy: { allow: [], allowLoopback: true },
        publish: async () => {},
      },
    });
  onTestFinished(() => dispatcher?.close());
  const got = (channel = 'hook'): Payload[] =>
    recipients.get(channel)!.asked.map(({ body }) => JSON.parse(body) as Payload);
  const told = (channel = 'hook'): string[] => got(channel).map(({ event, alarm }) => `${event} ${alarm.key}`);
  return {
    got,
    told,
    /** The status that a recipient answers with from now on. */
    answer: (channel: string, status: number) => void answers.set(channel, status),
    /** Applies what was appended and lets the dispatcher send it until nothing waits, or so many were asked. */
    async deliver(asked: number | null = null): Promise<string[]> {
      await rig.apply();
      dispatcher ??= start();
      dispatcher.wake();
      const { pending } = dispatcher;
      await eventually('delivery', () => (asked === null ? pending() === 0 : told().length >= asked));
      return told();
    },
    async restart(): Promise<void> {
      await dispatcher?.close();
      dispatcher = undefined;
      rig.restart();
    },
  };
}
