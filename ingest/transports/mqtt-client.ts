/**
 * Wellkeeper as the client of an outside broker (contracts §2, §3): a persistent session under a fixed id, and every
 * PUBACK after the fsync that covers its message. The broker keeps what gateways send while we are away. Each
 * connection is a client of its own; when it ends, what it held unacknowledged is forgotten and comes again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt';
import { isSparkplugCommand } from '#ingest/codecs/sparkplug-b/topic.ts';
import { phrase } from '#model/alarms/phrases.ts';
import type { StoreError } from '#src/sqlite.ts';
import { BrokerAddresses } from './broker-addresses.ts';
import { BrokerCanary } from './broker-canary.ts';
import { DeferredAcks } from './deferred-acks.ts';
import { type GatewayTopics, gatewayTopics } from './gateway-topics.ts';
import { type Link, LinkState, type LinkTrouble } from './link-state.ts';
import { connectOptions, keepAlive, type LinkError, linkFailure } from './mqtt-link.ts';
import { SessionMemory } from './mqtt-session.ts';
import { askRetained, jittered, subscribeAll } from './mqtt-subscriptions.ts';
import { CLIENT_LIMITS, type ClientLimits, type MqttClientBroker, type MqttClientOptions } from './outside-broker.ts';
import { type Connection, publisherOf } from './outside-connection.ts';
import { OwnTopics } from './own-topics.ts';
import { createPublishIntake, type PublishIntake } from './publish-intake.ts';
import { PublishWindow } from './publish-window.ts';
import { isAlarmTopic, isPayloadTopic, ledgerTopic } from './topics.ts';

const CLOSE_MS = 1500;
const REMEMBER_MS = 60_000;
/** A connection that ends sooner was no success: pauses go on growing. */
const STABLE_MS = 30_000;
/** So many short connections in a row that the broker ended without a word look like two processes with one id. */
const FLAPS = 3;
/** MQTT 5 §3.14.2.1: another client came with our id. */
const SESSION_TAKEN_OVER = 0x8e;

export type { MqttClientBroker, MqttClientOptions };

/** Begins to connect and returns; a broker that is away is tried again for ever. */
export function startMqttClient(options: MqttClientOptions): MqttClientBroker {
  const broker = new OutsideBroker(options);
  broker.connect();
  return broker;
}

class OutsideBroker implements MqttClientBroker {
  readonly #options: MqttClientOptions;
  readonly #limits: ClientLimits;
  readonly #addresses: BrokerAddresses;
  readonly #state: LinkState;
  readonly #session: SessionMemory;
  readonly #canary: BrokerCanary;
  readonly #intake: PublishIntake;
  readonly #topics: GatewayTopics;
  readonly #counts = { ignored: 0, held: 0, connections: 0, sessionsLost: 0, takenOver: 0 };
  readonly #remembering: NodeJS.Timeout;
  #connection: Connection | null = null;
  #retry: NodeJS.Timeout | undefined;
  #pauseMs: number;
  #flaps = 0;
  #asking: Promise<string[]> = Promise.resolve([]);
  #isClosing = false;

  constructor(options: MqttClientOptions) {
    this.#options = options;
    this.#limits = { ...CLIENT_LIMITS, ...options.limits };
    this.#pauseMs = this.#limits.pauseMinMs;
    this.#addresses = new BrokerAddresses(options.mqtt.urls);
    this.#state = new LinkState(options);
    this.#topics = gatewayTopics(options.control);
    this.#session = new SessionMemory(options, this.#addresses.names, options.mqtt.clientId);
    const canary = { ...options, clientId: options.mqtt.clientId };
    this.#canary = new BrokerCanary(canary, this.#limits, this.#session, (sinceMs) => this.#whenOlder(sinceMs));
    this.#intake = createPublishIntake({
      ...options,
      tell: (topic, payload) => {
        // Who isn't there to hear it finds it in quarantine.
        this.publish(topic, payload).catch((error: Error) =>
          options.log.info({ event: 'mqtt.not-sent', topic, reason: error.message }, 'MQTT message not sent'),
        );
      },
      onHeld: (error) => this.#whenHeld(error),
    });
    this.#topics.onChange(() => this.#connection?.own?.follow());
    this.#remembering = setInterval(() => this.#remember(), REMEMBER_MS);
  }

  link(): Link {
    return this.#state.link;
  }

  get #address(): string {
    return this.#addresses.current.address;
  }

  get isUp(): boolean {
    return this.#state.link.state === 'up';
  }

  get counters(): Record<string, number> {
    return { ...this.#counts, ...this.#intake.counters };
  }

  held(): number {
    return this.#connection?.acks.held ?? 0;
  }

  waiting(): number {
    return this.#intake.waiting();
  }

  lastSeenMs(gateway: string): number | null {
    return this.#intake.lastSeenMs(gateway);
  }

  untold(gateway: string): number {
    return this.#intake.untold(gateway);
  }

  async publish(topic: string, payload: string | Uint8Array, { retain = false } = {}): Promise<void> {
    const publishes = this.#connection?.publishes;
    if (!publishes) throw new Error(`the broker at ${this.#address} is away`);
    const isKept = retain && isAlarmTopic(topic);
    // Before it goes: whatever becomes of the acknowledgement, the broker may have it.
    if (isKept && payload !== '') this.#session.hasRetained(topic, false);
    await publishes.publish(topic, Buffer.from(payload), retain);
    if (isKept && payload === '') this.#session.hasRetained(topic, true);
  }

  clearRetained(topic: string): Promise<void> {
    return this.publish(topic, '', { retain: true });
  }

  publishLedger(gateway: string, ledger: string): Promise<void> {
    return this.publish(ledgerTopic(gateway), ledger, { retain: true });
  }

  /**
   * Asks the broker, since an earlier process of ours may have left some behind; one question at a time. What is known to
   * have been published is named, too: some brokers (RabbitMQ) find what they retain by its exact topic only.
   */
  retainedTopics(filter: string): Promise<string[]> {
    const ask = () => this.#askRetained(filter);
    this.#asking = this.#asking.then(ask, ask);
    return this.#asking;
  }

  /** Its connection is the broker's business; whose stations it may write is asked of the registers each time. */
  disconnectGateway(): void {}

  connect(): void {
    const { mqtt, clock } = this.#options;
    const { url, version } = this.#addresses.current;
    let client: MqttClient;
    try {
      client = connect(url, connectOptions(mqtt, version, this.#limits));
    } catch (error) {
      // A certificate that can't be read, say.
      this.#failed(error as LinkError);
      return;
    }
    const acks = new DeferredAcks(client, this.#limits, (packet) => this.#take(connection, packet));
    const connection: Connection = {
      client,
      acks,
      publishes: null,
      own: null,
      startedMs: clock.monotonicMs(),
      heardMs: clock.nowMs(),
      isOpen: true,
      error: null,
      ended: new AbortController(),
    };
    this.#connection = connection;
    this.#watch(connection);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#retry);
    clearInterval(this.#remembering);
    await this.#canary.leave();
    this.#intake.close();
    this.#remember();
    const connection = this.#connection;
    if (!connection) return;
    const { client, acks, publishes, ended } = connection;
    acks.drop();
    publishes?.end(new Error('closing'));
    connection.publishes = null;
    // DISCONNECT without a new expiry: the session stays at the broker (MQTT 5 §3.14.2.2.2).
    if (client.connected) client.end();
    else client.stream.destroy();
    // The end of the connection cuts this short.
    await pause(CLOSE_MS, null, { signal: ended.signal }).catch(() => null);
    client.stream.destroy();
  }

  #watch(connection: Connection): void {
    const { client, acks } = connection;
    const failed = (error: Error) => {
      connection.error ??= error;
      client.end(true);
    };
    keepAlive(client, () => acks.isPaused);
    client.on('packetreceive', () => {
      connection.heardMs = this.#options.clock.nowMs();
    });
    client.on('error', failed);
    // mqtt.js passes on only those that have a code; a WebSocket's have none.
    client.stream.on('error', failed);
    client.on('connect', (connack) => {
      this.#welcome(connection, connack).catch(failed);
    });
    client.on('disconnect', ({ reasonCode }) => {
      if (reasonCode === SESSION_TAKEN_OVER) this.#whenTakenOver();
    });
    client.once('close', () => this.#end(connection));
  }

  /** After CONNACK: what has become of our session, and what is missing in it. Rejects when the connection ends first. */
  async #welcome(connection: Connection, { sessionPresent, properties }: IConnackPacket): Promise<void> {
    const { log, topics } = this.#options;
    const { client, ended } = connection;
    if (!connection.isOpen || this.#isClosing) return;
    this.#counts.connections++;
    connection.publishes = new PublishWindow(client, properties?.receiveMaximum);
    this.#addresses.connected();
    this.#state.connected();
    if (!sessionPresent && this.#session.missing()) {
      this.#counts.sessionsLost++;
      const fields = { event: 'mqtt.session-lost', broker: this.#address, fromMs: this.#session.gapFromMs };
      log.error(fields, 'the broker has forgotten our session: what it kept for us is lost');
    }
    const wanted = new Set([...topics, ...this.#topics.filters()]);
    const stale = this.#session.topics.filter((topic) => !wanted.has(topic));
    // What an earlier list subscribed to goes on arriving in this session until it is unsubscribed. Not waited for here: a
    // slow broker would find the subscription behind the acknowledgements of all that it sends meanwhile.
    const unsubscribed = stale.length > 0 ? client.unsubscribeAsync(stale) : null;
    unsubscribed?.catch(() => {});
    this.#session.asks(...topics);
    await subscribeAll(client, topics, this.#addresses.current.version, {
      ...this.#limits,
      ended: ended.signal,
      onRefused: (refused) => this.#state.set('connecting', this.#refusal(refused)),
      onUnacknowledged: (unacknowledged) => this.#whenUnacknowledged(unacknowledged),
    });
    await unsubscribed;
    this.#session.unsubscribed(...stale);
    if (connection.isOpen && !this.#isClosing) this.#whenSubscribed(connection, sessionPresent);
  }

  /** Topics of gateways' own, from the time on at which ours are subscribed: what is wrong with them holds up nothing else. */
  #followTopics(connection: Connection): void {
    connection.own = new OwnTopics({
      client: connection.client,
      version: this.#addresses.current.version,
      topics: this.#topics,
      session: this.#session,
      ended: connection.ended.signal,
      ...this.#limits,
      onRefused: (refused) => {
        if (connection.isOpen) this.#state.set('up', refused === null ? null : this.#refusal(refused));
      },
      onUnacknowledged: (topics) => this.#whenUnacknowledged(topics),
    });
    connection.own.follow();
  }

  #refusal(refused: string): LinkTrouble {
    return { condition: 'broker.subscription-refused', detail: `${this.#address} refuses ${refused}` };
  }

  #whenUnacknowledged(topics: readonly string[]): void {
    if (topics.length === 0) return;
    const fields = { event: 'mqtt.no-qos-1', broker: this.#address, topics };
    this.#options.log.warn(fields, 'the broker grants QoS 0 only: what is lost on the way is lost');
  }

  #whenSubscribed(connection: Connection, sessionPresent: boolean): void {
    const { clock, log, topics, onSessionLost, onUp } = this.#options;
    const { gapFromMs } = this.#session;
    const { version } = this.#addresses.current;
    if (gapFromMs !== null) onSessionLost(gapFromMs, clock.nowMs(), phrase('session.forgotten'));
    this.#session.complete(connection.heardMs);
    this.#state.set('up', null);
    const fields = { event: 'mqtt.subscribed', broker: this.#address, sessionPresent, version, topics };
    log.info(fields, 'subscribed at the broker');
    onUp();
    this.#followTopics(connection);
    void this.#canary.try(connection, this.#address, sessionPresent);
  }

  /** The broker has our session, but as it was before it was last written down: what it queued since is gone. */
  #whenOlder(sinceMs: number): void {
    const { clock, log, onSessionLost } = this.#options;
    this.#counts.sessionsLost++;
    const fields = { event: 'mqtt.session-older', broker: this.#address, sinceMs };
    log.error(fields, 'the broker has come back with an older copy of our session: what it kept since is lost');
    onSessionLost(sinceMs, clock.nowMs(), phrase('session.older'));
  }

  /** True once durable, or when there is nothing to keep; never rejects. */
  async #take(connection: Connection, { topic, payload, retain }: IPublishPacket): Promise<boolean> {
    if (this.#canary.heard(topic, payload, retain)) return true;
    const owner = this.#topics.ownerOf(topic);
    if (isSparkplugCommand(topic) || (owner === undefined && !isPayloadTopic(topic))) {
      this.#counts.ignored++;
      return true;
    }
    const publisher = publisherOf(topic, owner);
    try {
      return await this.#intake.take(connection, publisher, Buffer.isBuffer(payload) ? payload : Buffer.from(payload));
    } catch (error) {
      const fields = { event: 'mqtt.failed', err: error, client: publisher.source };
      this.#options.log.error(fields, 'a message could not be taken');
      // A fault of ours: nothing is acknowledged that isn't kept.
      connection.client.end(true);
      return false;
    }
  }

  #end(connection: Connection): void {
    if (!connection.isOpen) return;
    const { client, acks, publishes, error } = connection;
    this.#remember();
    connection.isOpen = false;
    connection.publishes = null;
    connection.ended.abort();
    acks.drop();
    publishes?.end(error ?? new Error('the connection to the broker ended'));
    this.#connection = null;
    client.end(true);
    if (this.#isClosing) return;
    const livedMs = this.#options.clock.monotonicMs() - connection.startedMs;
    if (livedMs >= STABLE_MS) this.#pauseMs = this.#limits.pauseMinMs;
    this.#flaps = publishes && error === null && livedMs < STABLE_MS ? this.#flaps + 1 : 0;
    if (this.#flaps === FLAPS) this.#whenTakenOver();
    // What it was before CONNACK may have been the version; after it, MQTT 5 is worth another try.
    const current = this.#addresses.current;
    if (publishes) current.version = current.isOld ? 4 : 5;
    this.#failed(error, publishes === null);
  }

  #failed(error: LinkError | null, isBeforeConnack = false): void {
    const failure = linkFailure(error);
    const { current } = this.#addresses;
    const isOther = isBeforeConnack && failure.version !== 'fine';
    // The pause is for a broker that is away.
    const atOnceMs = this.#limits.pauseMinMs / 10;
    if (isOther && current.version === 5) {
      // It has only not understood us, which is no trouble to tell of.
      current.isOld = failure.version === 'refused';
      current.version = 4;
      this.#retry = setTimeout(() => this.connect(), jittered(atOnceMs));
      return;
    }
    if (isOther && !current.isOld) current.version = 5;
    const isRoundOver = this.#addresses.failed(failure);
    this.#state.set('away', this.#addresses.trouble());
    this.#retry = setTimeout(() => this.connect(), jittered(isRoundOver ? this.#pauseMs : atOnceMs));
    if (isRoundOver) this.#pauseMs = Math.min(this.#pauseMs * 2, this.#limits.pauseMaxMs);
  }

  async #askRetained(filter: string): Promise<string[]> {
    const { clock, log } = this.#options;
    const connection = this.#connection;
    if (!connection?.publishes) return [];
    this.#session.asks(filter);
    try {
      const asked = await askRetained(connection.client, clock, filter, () => this.#session.unsubscribed(filter));
      const known = [...this.#session.retained].filter((topic) => topic.startsWith(filter.slice(0, -1)));
      return [...new Set([...asked, ...known])];
    } catch (error) {
      log.warn({ event: 'mqtt.retained-unknown', filter, err: error }, 'what the broker retains can not be asked');
      return [];
    }
  }

  /** Keeps when we last heard from the broker: what comes after it is what a lost session may have lost. */
  #remember(): void {
    if (this.isUp && this.#connection) this.#session.heard(this.#connection.heardMs);
  }

  #whenTakenOver(): void {
    this.#counts.takenOver++;
    this.#options.log.error(
      { event: 'mqtt.taken-over', clientId: this.#options.mqtt.clientId, broker: this.#address },
      'another process seems to use our client id: they push each other out, and each gets a part of the messages',
    );
  }

  #whenHeld(error: StoreError): void {
    if (this.#intake.waiting() === 0) {
      this.#options.log.warn(
        { event: 'mqtt.holding', code: error.code },
        'The journal takes nothing: holding acknowledgements back',
      );
    }
    this.#counts.held++;
  }
}
