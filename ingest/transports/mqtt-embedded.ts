/**
 * The embedded broker: aedes (MQTT 3.1.1) behind a guard for each socket. A gateway's payload is journaled inside
 * aedes' `authorizePublish`, so that its PUBACK can't leave before the fsync. Nothing that clients publish is
 * forwarded or retained, and sessions end with their connection: what clients do leaves nothing behind in memory.
 */
import { type EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes, type Client, type ConnectPacket, type PublishPacket } from 'aedes';
import type { Command } from '#model/entry.ts';
import type { StoreError } from '#src/sqlite.ts';
import { type Admission, createAdmission } from './admission.ts';
import { type Credentials, type LogIn, logIn, mayRead, type Session } from './broker-access.ts';
import { adapt, type Connection, credentialOf, describe, publisher, takeWill, whose } from './broker-connection.ts';
import {
  BROKER_LIMITS,
  type BrokerCounters,
  type BrokerLimits,
  type BrokerOptions,
  type EmbeddedBroker,
} from './embedded-broker.ts';
import { type GatewayTopics, gatewayTopics } from './gateway-topics.ts';
import { readNewerConnect, UNSUPPORTED_VERSION } from './newer-mqtt.ts';
import { createPublishIntake, type PublishIntake } from './publish-intake.ts';
import { type HeldTotal, SocketGuard } from './socket-guard.ts';
import { ledgerTopic } from './topics.ts';

interface RetainedMessages {
  createRetainedStream(filter: string): AsyncIterable<{ topic: string }>;
}

const NOTHING = Buffer.alloc(0);
/** What a publish that was taken care of is renamed to: nobody may subscribe to it, so aedes forwards it to no one. */
const TAKEN_TOPIC = 'taken';
const IDENTIFIER_REJECTED = 2;
const NOT_AUTHORIZED = 5;

export type { BrokerOptions, EmbeddedBroker };

/** Starts listening. Rejects with the system's error (`EADDRINUSE` …) when that isn't possible. */
export async function startEmbeddedBroker(options: BrokerOptions): Promise<EmbeddedBroker> {
  const broker = new Broker(options);
  await broker.listen();
  return broker;
}

class Broker implements EmbeddedBroker {
  port = 0;
  #isClosing = false;
  readonly #options: BrokerOptions;
  readonly #limits: BrokerLimits;
  readonly #aedes: Aedes;
  readonly #server;
  readonly #connections = new Map<Client, Connection>();
  readonly #heldTotal: HeldTotal;
  readonly #intake: PublishIntake;
  readonly #admission: Admission<Connection>;
  readonly #topics: GatewayTopics;
  readonly #counts = {
    held: 0,
    logInsFailed: 0,
    logInsLimited: 0,
    versionsRefused: 0,
    subscriptionsRefused: 0,
    willsIgnored: 0,
    violations: 0,
    connectionsRefused: 0,
    connectionsEvicted: 0,
  };

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#limits = { ...BROKER_LIMITS, ...options.limits };
    this.#topics = gatewayTopics(options.control);
    this.#heldTotal = { bytes: 0, limitBytes: this.#limits.heldBytesTotal };
    this.#admission = createAdmission('mqtt', this.#limits, credentialOf, (connection, limit, reason) => {
      this.#counts.connectionsEvicted++;
      options.crowded?.(limit, whose(connection, options.viewerName));
      options.log.warn({ event: 'mqtt.evicted', ...describe(connection), reason }, 'MQTT connection had to give way');
    });
    this.#intake = createPublishIntake({
      ...options,
      tell: (topic, payload) => this.#send(topic, payload),
      onHeld: (error) => this.#whenHeld(error),
    });
    this.#aedes = new Aedes({
      // Unlimited: with a limit, one subscriber that doesn't read would hold up what all others publish.
      concurrency: 0,
      // The guard keeps both times; aedes' own must only be no shorter.
      connectTimeout: this.#limits.connectTimeoutMs * 2,
      drainTimeout: 10_000,
      // Only their ids are kept (the payloads are journaled by then), so the whole space of packet ids is affordable.
      maxInflightInbound: 65_535,
      // We put the user's name before the client's id; the guard has limited the whole packet.
      maxClientsIdLength: this.#limits.connectBytes,
      preConnect: (client, packet, done) => done(null, this.#prepare(client, packet)),
      authenticate: (client, username, password, done) => {
        this.#authenticate(client, username, password?.toString() ?? '').then(
          (returnCode) =>
            done(returnCode && Object.assign(new Error('log-in refused'), { returnCode }), returnCode === null),
          (error: Error) => this.#fail(this.#connections.get(client), error),
        );
      },
      authorizePublish: (client, packet, done) => {
        if (client === null) return done(null);
        this.#take(client, packet).then(
          (isTaken) => done(isTaken ? null : new Error('the connection ended first')),
          (error: Error) => this.#fail(this.#connections.get(client), error),
        );
      },
      authorizeSubscribe: (client, subscription, done) => {
        done(null, this.#maySubscribe(client, subscription.topic) ? subscription : null);
      },
      authorizeForward: (client, packet) => (this.#mayForward(client, packet.topic) ? packet : null),
    });
    // Missing from aedes' types.
    (this.#aedes as EventEmitter).on('error', (error: Error) => this.#fail(undefined, error));
    this.#aedes.on('clientReady', (client) => this.#welcome(client));
    this.#aedes.on('unsubscribe', (topics, client) => {
      for (const topic of topics) this.#connections.get(client)?.subscriptions.delete(topic);
    });
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) =>
      this.#connect(socket),
    );
    options.control.onChange((entry) => this.#follow(entry.command));
  }

  get counters(): BrokerCounters {
    return { ...this.#counts, ...this.#intake.counters };
  }

  async listen(): Promise<void> {
    await this.#aedes.listen();
    this.#server.listen({ host: this.#options.host, port: this.#options.port });
    try {
      await once(this.#server, 'listening');
      this.port = (this.#server.address() as AddressInfo).port;
    } catch (error) {
      await this.#closeAedes();
      throw error;
    }
  }

  publish(topic: string, payload: string | Uint8Array, options: { retain?: boolean } = {}): Promise<void> {
    const packet = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: options.retain ?? false,
      dup: false,
    } as const;
    return new Promise((resolve, reject) => {
      this.#aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  clearRetained(topic: string): Promise<void> {
    return this.publish(topic, '', { retain: true });
  }

  async retainedTopics(filter: string): Promise<string[]> {
    const topics: string[] = [];
    // Missing from aedes' types.
    const { persistence } = this.#aedes as unknown as { persistence: RetainedMessages };
    for await (const { topic } of persistence.createRetainedStream(filter)) topics.push(topic);
    return topics;
  }

  publishLedger(gateway: string, ledger: string): Promise<void> {
    return this.publish(ledgerTopic(gateway), ledger, { retain: true });
  }

  disconnectGateway(gateway: string): void {
    this.#disconnect((session) => session.kind === 'gateway' && session.gateway === gateway);
  }

  clients(): number {
    let count = 0;
    for (const connection of this.#connections.values()) if (connection.session) count++;
    return count;
  }

  waiting(): number {
    return this.#intake.waiting();
  }

  readonly lastSeenMs = (gateway: string) => this.#intake.lastSeenMs(gateway);
  readonly untold = (gateway: string) => this.#intake.untold(gateway);

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#intake.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const { guard } of this.#connections.values()) guard.destroy();
    await closed;
    await this.#closeAedes();
  }

  #closeAedes(): Promise<void> {
    return new Promise((resolve) => this.#aedes.close(resolve));
  }

  #connect(socket: Socket): void {
    const limits = { ...this.#limits, payloadBytes: this.#options.maxMessageBytes };
    const address = socket.remoteAddress ?? 'unknown';
    const guard = new SocketGuard(socket, limits, this.#heldTotal, {
      stray: async (publish) => {
        const { session } = connection;
        if (!session) return false;
        return this.#intake
          .takeStray(guard, publisher(session, publish.topic, this.#topics), publish)
          .catch((error) => this.#fail(connection, error));
      },
      newer: (body) => {
        this.#refuseNewer(connection, body).catch((error) => this.#fail(connection, error));
      },
      closing: (reason) => {
        this.#counts.violations++;
        this.#options.log.warn({ event: 'mqtt.violation', ...describe(connection), reason }, 'MQTT connection closed');
      },
    });
    const connection: Connection = {
      guard,
      address,
      session: null,
      hasSpoken: false,
      keepaliveSeconds: 0,
      isIdMissing: false,
      will: null,
      subscriptions: new Set(),
    };
    if (!this.#admission.opened(connection)) {
      this.#counts.connectionsRefused++;
      this.#options.crowded?.('mqtt.connections', address);
      return void guard.destroy();
    }
    const client = this.#aedes.handle(guard);
    this.#connections.set(client, connection);
    guard.on('close', () => {
      this.#connections.delete(client);
      this.#admission.closed(connection);
      // When the broker itself ends, nobody has gone without a word.
      if (!this.#isClosing) {
        takeWill(connection, this.#intake, this.#options.control).catch((error) => this.#fail(undefined, error));
      }
      if (connection.session)
        this.#options.log.info({ event: 'mqtt.disconnected', ...describe(connection) }, 'MQTT client gone');
    });
  }

  /** Always lets a CONNECT go on to the log-in. */
  #prepare(client: Client, packet: ConnectPacket): boolean {
    const connection = this.#connections.get(client);
    if (!connection) return false;
    if (!adapt(connection, packet)) this.#counts.willsIgnored++;
    return true;
  }

  /** Null when the client may go on, otherwise the CONNACK's return code. */
  async #authenticate(client: Client, username: string | undefined, password: string): Promise<2 | 5 | null> {
    const connection = this.#connections.get(client);
    if (!connection) return NOT_AUTHORIZED;
    const { address } = connection;
    const session = await this.#logIn({ username, password, address });
    if (typeof session === 'string') {
      const fields = { event: 'mqtt.log-in-refused', user: this.#nameOf(username), address, reason: session };
      this.#options.log.warn(fields, 'MQTT log-in refused');
      return NOT_AUTHORIZED;
    }
    if (connection.isIdMissing) return IDENTIFIER_REJECTED;
    connection.session = session;
    this.#admission.loggedIn(connection);
    return null;
  }

  async #logIn(credentials: Credentials): Promise<LogIn> {
    const session = await logIn(this.#options, credentials);
    if (typeof session === 'string') this.#counts[session === 'limited' ? 'logInsLimited' : 'logInsFailed']++;
    return session;
  }

  /** For the log. The name only if it could be one: people do type their password into the wrong field. */
  #nameOf(username: string | undefined): string {
    return username !== undefined && this.#options.control.version('gateway', username) ? username : '(unknown)';
  }

  /**
   * MQTT 5 isn't spoken here. Its log-in is checked all the same: a gateway that was registered and set up but for its
   * version has been seen, so that whoever looks for it finds it.
   */
  async #refuseNewer(connection: Connection, body: Buffer): Promise<void> {
    const { address, guard } = connection;
    const { username, password, version } = readNewerConnect(body);
    connection.hasSpoken = true;
    this.#counts.versionsRefused++;
    const session = await this.#logIn({ username, password, address });
    const isKnown = typeof session !== 'string';
    if (isKnown && session.kind === 'gateway') this.#intake.seen(session.gateway);
    const fields = { event: 'mqtt.version-refused', user: this.#nameOf(username), address, version, isKnown };
    this.#options.log.warn(fields, 'MQTT 5 refused: set the client to MQTT 3.1.1');
    guard.refuse(UNSUPPORTED_VERSION);
  }

  #welcome(client: Client): void {
    const connection = this.#connections.get(client);
    if (!connection) return;
    connection.guard.accept(connection.keepaliveSeconds);
    this.#options.log.info({ event: 'mqtt.connected', ...describe(connection) }, 'MQTT client connected');
  }

  /** Journals what a client published. Once it resolves with true, aedes acknowledges. */
  async #take(client: Client, packet: PublishPacket): Promise<boolean> {
    const connection = this.#connections.get(client);
    if (!connection?.session) return false;
    const { guard, session } = connection;
    const payload = packet.payload as Buffer;
    guard.hold(payload.length);
    const isDurable = await this.#intake
      .take(guard, publisher(session, packet.topic, this.#topics), payload)
      .finally(() => guard.release(payload.length));
    // From here on aedes only acknowledges: there is nothing to store until PUBREL, to retain or to forward.
    packet.topic = TAKEN_TOPIC;
    packet.payload = NOTHING;
    packet.retain = false;
    return isDurable;
  }

  #maySubscribe(client: Client, filter: string): boolean {
    const connection = this.#connections.get(client);
    if (!connection?.session) return false;
    const { session, subscriptions } = connection;
    const hasRoom = subscriptions.has(filter) || subscriptions.size < this.#limits.subscriptionsPerClient;
    if (hasRoom && mayRead(session, filter, this.#topics)) {
      subscriptions.add(filter);
      return true;
    }
    this.#counts.subscriptionsRefused++;
    this.#options.log.info(
      { event: 'mqtt.subscription-refused', ...describe(connection), filter },
      'MQTT subscription refused',
    );
    return false;
  }

  #mayForward(client: Client, topic: string): boolean {
    const connection = this.#connections.get(client);
    if (!connection?.session || !mayRead(connection.session, topic, this.#topics)) return false;
    if (connection.guard.writableLength <= this.#limits.behindBytes) return true;
    this.#options.log.warn({ event: 'mqtt.behind', ...describe(connection) }, 'MQTT subscriber does not read; closed');
    connection.guard.destroy();
    return false;
  }

  /** Our own message to whom it concerns; that the broker is closing is the one reason for it to fail. */
  #send(topic: string, payload: string | Uint8Array): void {
    this.publish(topic, payload).catch((error: Error) => {
      this.#options.log.info({ event: 'mqtt.not-sent', topic, reason: error.message }, 'MQTT message not sent');
    });
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

  /** A fault of ours: logged, and the connection closed, so that nothing is acknowledged that isn't kept. */
  #fail(connection: Connection | undefined, error: Error): false {
    this.#options.log.error(
      { event: 'mqtt.failed', err: error, ...(connection && describe(connection)) },
      'MQTT broker failed',
    );
    connection?.guard.destroy();
    return false;
  }

  /** Changes of the registers count at once for those who are connected. */
  #follow(command: Command): void {
    if (command.verb !== 'put' && command.verb !== 'delete') return;
    // Which token a viewer came with isn't kept; whoever still may read comes back by itself.
    if (command.noun === 'token') this.#disconnect((session) => session.kind === 'viewer');
    if (command.noun !== 'gateway') return;
    const hash = this.#options.control.get('gateway', command.id)?.passwordHash;
    this.#disconnect((s) => s.kind === 'gateway' && s.gateway === command.id && s.passwordHash !== hash);
  }

  #disconnect(isMeant: (session: Session) => boolean): void {
    for (const { session, guard } of this.#connections.values()) {
      if (session && isMeant(session)) guard.destroy();
    }
  }
}
