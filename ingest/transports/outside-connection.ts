/** One connection to an outside broker, and whose what comes over it is. */
import type { MqttClient } from 'mqtt';
import type { DeferredAcks } from './deferred-acks.ts';
import type { LinkError } from './mqtt-link.ts';
import type { OwnTopics } from './own-topics.ts';
import type { Publisher } from './publish-intake.ts';
import type { PublishWindow } from './publish-window.ts';
import { parsePayloadTopic } from './topics.ts';

/** One connection, from its first packet to its end. */
export interface Connection {
  client: MqttClient;
  acks: DeferredAcks;
  /** From CONNACK on. */
  publishes: PublishWindow | null;
  /** From the time on at which our own topics are subscribed. */
  own: OwnTopics | null;
  startedMs: number;
  /** When the broker last sent anything, wall clock. */
  heardMs: number;
  isOpen: boolean;
  error: LinkError | null;
  ended: AbortController;
}

/** Who may publish where is for the broker's access list to say; whose stations these are the door checks. */
export function publisherOf(topic: string, owner: string | undefined): Publisher {
  if (owner !== undefined) return { source: owner, fault: null, topic, leaf: null };
  const parsed = parsePayloadTopic(topic);
  if (parsed !== null) return { source: parsed.gateway, fault: null, topic, leaf: parsed.leaf };
  const message = `${topic.slice(0, 200)} names no gateway; readings come on wk/v1/{gateway}/readings`;
  return { source: 'user:unknown', topic, leaf: null, fault: { code: 'topic.not-yours', message } };
}
