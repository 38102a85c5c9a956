/**
 * What becomes of a PUBLISH, whatever broker it came by: to the door or into quarantine, held while the journal can't
 * take it, and the gateway told of what was refused. True means durable: acknowledge it.
 */
import { formatOf, STREAMS, TOPIC_FORMATS } from '#ingest/codecs/index.ts';
import type { Births } from '#ingest/codecs/sparkplug-b/births.ts';
import { rebirthCommand } from '#ingest/codecs/sparkplug-b/payload.ts';
import type { StreamProtocol } from '#ingest/codecs/stream.ts';
import type { Door, Receipt } from '#ingest/door.ts';
import type { Control } from '#journal/registers.ts';
import type { Fault, FaultCode } from '#model/faults.ts';
import type { Gateway } from '#model/register.ts';
import type { Clock } from '#src/clock.ts';
import type { StoreError } from '#src/sqlite.ts';
import { HeldDeliveries, type Sender } from './held-deliveries.ts';
import type { StrayPublish } from './packet-scanner.ts';
import { createRejectionNotices } from './rejection-notices.ts';
import { createSparkplugHost } from './sparkplug-host.ts';
import { rejectedTopic, replyTopic } from './topics.ts';

export interface IntakeOptions {
  door: Door;
  control: Control;
  clock: Clock;
  maxMessageBytes: number;
  /** Publishes what a gateway is told: a refusal, an answer in its own protocol. */
  tell: (topic: string, payload: string | Uint8Array) => void;
  /** The journal couldn't take a message for now. */
  onHeld: (error: StoreError) => void;
}

/** Who published, a gateway or `user:NAME`, and what speaks against it before anybody has read the payload. */
export interface Publisher {
  source: string;
  fault: Fault | null;
  topic: string;
  /** What the topic ends in, which may say what the payload is; null for a topic that isn't ours. */
  leaf: string | null;
}

export interface PublishIntake {
  /** Resolves with true once durable, with false when the sender's connection ended first. */
  take(sender: Sender, publisher: Publisher, payload: Uint8Array): Promise<boolean>;
  /** As `take`, for a publish of which only the head was kept. */
  takeStray(sender: Sender, publisher: Publisher, publish: StrayPublish): Promise<boolean>;
  /** A registered gateway has been here, whether or not it could publish. */
  seen(gateway: string): void;
  lastSeenMs(gateway: string): number | null;
  /** Refusals that this gateway was not told of, being more than ten a second, since the process began. */
  untold(gateway: string): number;
  /** Messages that wait since the journal can't take them. */
  waiting(): number;
  readonly counters: Readonly<IntakeCounters>;
  close(): void;
}

export interface IntakeCounters {
  /** PUBLISH packets of authenticated clients, whatever became of them. */
  published: number;
  /** Those among them that were quarantined unread: a foreign topic, or too large. */
  refused: number;
  /** Notices to gateways beyond ten a second. */
  rejectedSurplus: number;
  /** Edge nodes of Sparkplug that were asked for their births. */
  birthsAsked: number;
  /** Edge nodes whose births were given up, since there was no room for them. */
  birthsForgotten: number;
}

/** The stations of a gateway as its entry is now; one that isn't registered has none. */
function createOwned(): (gateway: Gateway | undefined) => ReadonlySet<string> {
  const stations = new WeakMap<Gateway, ReadonlySet<string>>();
  return (gateway) => {
    if (!gateway) return new Set();
    const known = stations.get(gateway) ?? new Set(gateway.stations);
    stations.set(gateway, known);
    return known;
  };
}

function strayFault({ fault }: Publisher, { reason, payloadBytes }: StrayPublish, allowedBytes: number): Fault {
  if (fault && reason !== 'too-large') return fault;
  const message = `The message has ${payloadBytes} bytes; ${allowedBytes} are allowed`;
  return { code: 'message.too-large', message };
}

function* codesIn({ quarantined, warnings = [] }: Receipt): Iterable<FaultCode> {
  for (const { code } of quarantined) yield code;
  for (const { code } of warnings) yield code;
}

export function createPublishIntake(options: IntakeOptions): PublishIntake {
  const { door, control, clock, maxMessageBytes, tell, onHeld } = options;
  const held = new HeldDeliveries(onHeld);
  const notices = createRejectionNotices(clock);
  const lastSeenMs = new Map<string, number>();
  const stationsOf = createOwned();
  const counts = { published: 0, refused: 0 };
  const sparkplug = createSparkplugHost(clock);

  async function deliver(from: Publisher, payload: Uint8Array, births: Births | undefined): Promise<Receipt> {
    const { source, fault, topic, leaf } = from;
    if (fault) return door.refuse(source, fault, payload);
    const gateway = control.get('gateway', source);
    const contentType = TOPIC_FORMATS[leaf ?? ''] ?? formatOf(gateway);
    const receipt = await door.accept({ source, stations: stationsOf(gateway), contentType, payload, topic, births });
    // Only HJ 212 has a topic for replies (contracts §3); to all others PUBACK says the same.
    const stream = contentType === TOPIC_FORMATS.hj212 ? STREAMS[contentType] : undefined;
    if (gateway && stream && !receipt.undecodable) answer(source, gateway, stream, payload);
    return receipt;
  }

  /** What the station wants to hear now that its frames are on disk; silence for those that can't be read. */
  function answer(source: string, gateway: Gateway, stream: StreamProtocol, payload: Uint8Array): void {
    const framer = stream.framer();
    for (const found of [...framer.push(payload), ...framer.end()]) {
      if (found.kind !== 'frame' || !stream.heading(found.bytes, gateway).isSound) continue;
      const answered = stream.answer(found.bytes, 'durable', clock.nowMs());
      if (answered) tell(replyTopic(source), Buffer.from(answered).toString('latin1'));
    }
  }

  function seen(gateway: string): void {
    lastSeenMs.set(gateway, clock.nowMs());
  }

  async function take(sender: Sender, publisher: Publisher, payload: Uint8Array): Promise<boolean> {
    const { source, fault, topic, leaf } = publisher;
    // What is kept for each gateway is only kept for registered ones: others could be any number.
    const isGateway = control.get('gateway', source) !== undefined;
    counts.published++;
    if (fault) counts.refused++;
    if (isGateway) seen(source);
    // Once, and in the order in which they come: a message that waits for the journal is delivered more than once.
    const births = fault === null && leaf === null ? sparkplug.hear(source, topic, payload) : undefined;
    const receipt = await held.submit(sender, () => deliver(publisher, payload, births));
    if (receipt === null) return false;
    const command = births && sparkplug.rebirthTopic(source, topic, codesIn(receipt));
    if (command) tell(command, rebirthCommand(clock.nowMs()));
    if (isGateway)
      for (const notice of notices.of(source, receipt)) tell(rejectedTopic(source), JSON.stringify(notice));
    return true;
  }

  return {
    take,
    seen,
    takeStray(sender, publisher, publish) {
      const fault = strayFault(publisher, publish, maxMessageBytes);
      return take(sender, { ...publisher, fault }, publish.head);
    },
    lastSeenMs: (gateway) => lastSeenMs.get(gateway) ?? null,
    untold: (gateway) => notices.untold(gateway),
    waiting: () => held.waiting,
    get counters() {
      return { ...counts, rejectedSurplus: notices.surplus, ...sparkplug.counters };
    },
    close: () => held.close(),
  };
}
