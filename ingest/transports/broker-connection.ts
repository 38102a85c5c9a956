/** One connection to the embedded broker, whose messages they are, and what the log says of it. */
import type { ConnectPacket } from 'aedes';
import { parseSparkplugTopic } from '#ingest/codecs/sparkplug-b/topic.ts';
import type { Control } from '#journal/registers.ts';
import type { Admitted } from './admission.ts';
import { payloadLeafOf, publishFault, type Session } from './broker-access.ts';
import { type GatewayTopics, gatewayTopics } from './gateway-topics.ts';
import type { Publisher, PublishIntake } from './publish-intake.ts';
import type { SocketGuard } from './socket-guard.ts';

export interface Connection extends Admitted {
  session: Session | null;
  hasSpoken: boolean;
  guard: SocketGuard;
  keepaliveSeconds: number;
  /** An empty client id with CleanSession 0 is to be answered with return code 2 [MQTT-3.1.3-8]. */
  isIdMissing: boolean;
  subscriptions: Set<string>;
  /** Published for it if it goes without a word. */
  will: Will | null;
}

/** What its connections are counted by. */
export function credentialOf({ session }: Connection): string | null {
  if (session === null) return null;
  return session.kind === 'gateway' ? `gateway ${session.gateway}` : `viewer ${session.key}`;
}

interface Will {
  topic: string;
  payload: Uint8Array;
}

/** A sender of what outlives its connection. */
const STAYS = { isOpen: true } as const;

/** Adapts a CONNECT to what this broker keeps: see the comments. @returns false when a will in it is not kept. */
export function adapt(connection: Connection, packet: ConnectPacket): boolean {
  connection.hasSpoken = true;
  connection.keepaliveSeconds = packet.keepalive ?? 0;
  connection.isIdMissing = packet.clientId === '' && !packet.clean;
  // The guard keeps the time: it counts a large message's bytes as a sign of life, which aedes wouldn't.
  packet.keepalive = 0;
  // No session outlives its connection: gateways keep what isn't acknowledged, subscribers find what is retained.
  packet.clean = true;
  // A client may take over its own connection [MQTT-3.1.4-2], never that of somebody else who chose the same id.
  if (packet.clientId !== '') packet.clientId = `${packet.username ?? ''}/${packet.clientId}`;
  const { will } = packet;
  connection.will = will ? willOf(will) : null;
  // Ours to publish. What isn't kept would come in as a reading that nobody measured, or to readers of alarms.
  packet.will = undefined;
  return !will || connection.will !== null;
}

/** The death of an edge node is a statement of the node's (Sparkplug 3.0 §6.4.25); any other will is null. */
function willOf({ topic, payload }: { topic: string; payload: string | Uint8Array }): Will | null {
  return parseSparkplugTopic(topic)?.type === 'NDEATH' ? { topic, payload: Buffer.from(payload) } : null;
}

export function publisher(session: Session, topic: string, topics: GatewayTopics): Publisher {
  const source = session.kind === 'gateway' ? session.gateway : 'user:token';
  return { source, fault: publishFault(session, topic, topics), topic, leaf: payloadLeafOf(session, topic) };
}

/** Publishes the will of a gateway that went without a word, and is registered still. */
export async function takeWill(
  { guard, session, will }: Connection,
  intake: Pick<PublishIntake, 'take'>,
  control: Control,
): Promise<void> {
  if (will === null || guard.hasLeft || session?.kind !== 'gateway') return;
  if (control.get('gateway', session.gateway) === undefined) return;
  await intake.take(STAYS, publisher(session, will.topic, gatewayTopics(control)), will.payload);
}

/** Never a password, a token or a payload. */
export function describe({ session, address }: Connection): object {
  return { client: session?.kind === 'gateway' ? session.gateway : (session?.kind ?? null), address };
}

/** The credential's name, never the credential. @param viewerName the name of the token with this hash. */
export function whose(
  { session, address }: Connection,
  viewerName: ((key: string) => string | undefined) | undefined,
): string {
  if (session?.kind === 'gateway') return `gateway ${session.gateway}`;
  return session ? `token "${viewerName?.(session.key) ?? ''}"` : address;
}
