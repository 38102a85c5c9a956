/** What we subscribe to at an outside broker, and what it retains of ours. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ISubscriptionGrant, MqttClient } from 'mqtt';
import type { Clock } from '#src/clock.ts';
import type { ProtocolVersion } from './mqtt-link.ts';

/** MQTT 5 §3.9.3, 3.1.1 §3.9.3: from here on a SUBACK's code is a refusal. */
const FAILURE = 0x80;
const RETAINED_QUIET_MS = 300;
const RETAINED_MAX_MS = 3000;

export interface Subscribed {
  refused: { topic: string; reason: string }[];
  /** Granted, but not at QoS 1: the broker won't wait for our acknowledgements. */
  unacknowledged: string[];
}

/** Subscribes at QoS 1, which also turns messages of QoS 2 into such. Rejects when the connection ends first. */
export async function subscribe(
  client: MqttClient,
  topics: readonly string[],
  version: ProtocolVersion,
): Promise<Subscribed> {
  const subscribed: Subscribed = { refused: [], unacknowledged: [] };
  for (const topic of topics) {
    // Our own messages needn't come back, save where it is an error to say so (MQTT 5 §3.8.3.1); what is retained only
    // comes when the subscription is new.
    const mqtt5 = version === 5 ? { nl: !topic.startsWith('$share/'), rh: 1 } : {};
    let grants: ISubscriptionGrant[] = [];
    let reason = 'not granted';
    try {
      grants = await client.subscribeAsync(topic, { qos: 1, ...mqtt5 });
    } catch (error) {
      if (!client.connected) throw error;
      reason = (error as Error).message;
    }
    const qos = grants[0]?.qos ?? FAILURE;
    if (qos >= FAILURE) subscribed.refused.push({ topic, reason });
    if (qos === 0) subscribed.unacknowledged.push(topic);
  }
  return subscribed;
}

export interface Persistence {
  pauseMinMs: number;
  pauseMaxMs: number;
  /** The connection has ended. */
  ended: AbortSignal;
  /** Topics that the broker refuses, with reasons: they are asked for again. */
  onRefused: (refused: string) => void;
  onUnacknowledged: (topics: readonly string[]) => void;
}

/** Subscribes until all is granted. Rejects when the connection ends first. */
export async function subscribeAll(
  client: MqttClient,
  topics: readonly string[],
  version: ProtocolVersion,
  { pauseMinMs, pauseMaxMs, ended, onRefused, onUnacknowledged }: Persistence,
): Promise<void> {
  let missing = topics;
  for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    const { refused, unacknowledged } = await subscribe(client, missing, version);
    onUnacknowledged(unacknowledged);
    if (refused.length === 0) return;
    missing = refused.map(({ topic }) => topic);
    onRefused(shownRefusals(refused));
    await pause(jittered(pauseMs), null, { signal: ended });
  }
}

export const shownRefusals = (refused: Subscribed['refused']): string =>
  refused.map(({ topic, reason }) => `${topic} (${reason})`).join(', ');

export const jittered = (ms: number): number => ms * (0.8 + 0.4 * Math.random());

/**
 * The topics of a filter, which ends in `#`, that the broker retains messages under: subscribes to it for a moment. What
 * has not come after three seconds is not waited for, since a paused connection may not be read at all.
 * @param unsubscribed called once the broker has confirmed that the moment is over.
 */
export async function askRetained(
  client: MqttClient,
  clock: Clock,
  filter: string,
  unsubscribed: () => void,
): Promise<string[]> {
  const topics = new Set<string>();
  const startedMs = clock.monotonicMs();
  let heardMs = startedMs;
  const hear = (topic: string, payload: Buffer, { retain }: { retain: boolean }) => {
    if (!retain || payload.length === 0 || !topic.startsWith(filter.slice(0, -1))) return;
    topics.add(topic);
    heardMs = clock.monotonicMs();
  };
  const isGoingOn = () => {
    const nowMs = clock.monotonicMs();
    return client.connected && nowMs - heardMs < RETAINED_QUIET_MS && nowMs - startedMs < RETAINED_MAX_MS;
  };
  client.on('message', hear);
  try {
    await Promise.race([client.subscribeAsync(filter, { qos: 0 }), pause(RETAINED_MAX_MS, null, { ref: false })]);
    heardMs = clock.monotonicMs();
    while (isGoingOn()) await pause(RETAINED_QUIET_MS, null, { ref: false });
  } finally {
    client.off('message', hear);
    if (client.connected) client.unsubscribe(filter, (error) => error || unsubscribed());
  }
  return [...topics];
}
