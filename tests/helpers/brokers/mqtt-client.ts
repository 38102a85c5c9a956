/**
 * An MQTT 3.1.1 client for tests that shows what happens on the wire: packets in the order of their arrival, no
 * reconnecting, no hidden queue, and raw bytes where a test wants to misbehave.
 */
import { connect, type Socket } from 'node:net';
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubackPacket,
  type Packet,
  parser,
} from 'mqtt-packet';
import { GUARD_MS } from '#tests/helpers/eventually.ts';

export interface MqttClientOptions extends Partial<Omit<IConnectPacket, 'cmd' | 'password'>> {
  port: number;
  password?: string;
}

export class MqttClient {
  readonly socket: Socket;
  /** Everything that arrived, in order. */
  readonly packets: Packet[] = [];
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>;
  #nextId = 1;
  #wakers: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('error', () => {});
    this.closed = new Promise<void>((resolve) => this.socket.on('close', resolve)).then(() => this.#wake());
    const packets = parser();
    packets.on('packet', (packet) => {
      this.packets.push(packet);
      this.#wake();
    });
    this.socket.on('data', (chunk) => packets.parse(chunk as Buffer));
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  nextId(): number {
    return this.#nextId++;
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet));
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The first packet that fits, waiting for it if need be; throws when the connection ends first or after `timeoutMs`. */
  async next<P extends Packet>(isIt: (packet: Packet) => packet is P, timeoutMs?: number): Promise<P>;
  async next(isIt: (packet: Packet) => boolean, timeoutMs?: number): Promise<Packet>;
  async next(isIt: (packet: Packet) => boolean, timeoutMs = GUARD_MS): Promise<Packet> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = this.packets.find(isIt);
      if (found) return found;
      if (this.isClosed) throw new Error('the connection ended first');
      await new Promise<void>((resolve, reject) => {
        this.#wakers.push(resolve);
        deadline.addEventListener('abort', () => reject(new Error(`nothing of the kind in ${timeoutMs} ms`)));
      });
    }
  }

  async connack(): Promise<IConnackPacket> {
    return (await this.next((packet) => packet.cmd === 'connack')) as IConnackPacket;
  }

  /** Sends a PUBLISH and returns its packet id (0 at QoS 0). */
  post(topic: string, payload: string | Buffer, options: Partial<IPublishPacket> = {}): number {
    const qos = options.qos ?? 1;
    const messageId = qos === 0 ? undefined : (options.messageId ?? this.#nextId++);
    this.send({
      cmd: 'publish',
      dup: false,
      retain: false,
      ...options,
      topic,
      payload,
      qos,
      messageId,
    } as IPublishPacket);
    return messageId ?? 0;
  }

  /** Sends a PUBLISH at QoS 1 and waits for its PUBACK. */
  async publish(topic: string, payload: string | Buffer, options: Partial<IPublishPacket> = {}): Promise<void> {
    const messageId = this.post(topic, payload, options);
    await this.acknowledged(messageId);
  }

  acknowledged(messageId: number, cmd: Packet['cmd'] = 'puback'): Promise<Packet> {
    return this.next((packet) => packet.cmd === cmd && packet.messageId === messageId);
  }

  /** Subscribes and returns the granted QoS of each filter; 128 = refused. */
  async subscribe(...filters: string[]): Promise<number[]> {
    const messageId = this.#nextId++;
    this.send({ cmd: 'subscribe', messageId, subscriptions: filters.map((topic) => ({ topic, qos: 1 })) });
    return ((await this.acknowledged(messageId, 'suback')) as ISubackPacket).granted as number[];
  }

  /** Publishes received so far on a topic. */
  received(topic: string): IPublishPacket[] {
    return this.packets.filter((packet) => packet.cmd === 'publish' && packet.topic === topic) as IPublishPacket[];
  }

  /** Waits until a message arrives on the topic beyond those before `skip`. */
  async message(topic: string, skip = 0): Promise<IPublishPacket> {
    await this.next(() => this.received(topic).length > skip);
    return this.received(topic)[skip]!;
  }

  /** Sends a PINGREQ and waits for the answer: everything that the broker sent before it has then arrived. */
  async ping(): Promise<void> {
    const before = this.packets.length;
    this.send({ cmd: 'pingreq' });
    await this.next((packet) => packet.cmd === 'pingresp' && this.packets.indexOf(packet) >= before);
  }

  async end(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}

/** Connects and sends a CONNECT, with whatever options; `await client.connack()` tells how it went. */
export function openMqtt({ port, password, ...options }: MqttClientOptions): MqttClient {
  const client = new MqttClient(port);
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: `test-${Math.random().toString(36).slice(2)}`,
    ...options,
    ...(password !== undefined && { password: Buffer.from(password) }),
  });
  return client;
}
