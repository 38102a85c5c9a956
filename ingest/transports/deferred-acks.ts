/**
 * Acknowledges what mqtt.js receives when we say so instead of at once. By itself the client sends PUBACK right after
 * `handleMessage` calls back, and handles one packet at a time: waiting for a disk in there would let a hundred
 * messages a second through. So it goes on at once, its PUBACKs are kept, and each leaves when its message is durable,
 * in the order in which the messages came (MQTT 5 and 3.1.1 §4.6). They die with their connection: the broker sends
 * again.
 *
 * `_sendPacket` is private to mqtt.js: its version is pinned, only this file touches it, and
 * tests/flow/ingest/mqtt-client.test.ts counts at a real broker what isn't acknowledged.
 */
import type { IPublishPacket, MqttClient } from 'mqtt';

export interface AckLimits {
  /** Messages and bytes of payload that may wait; at either nothing more is read from the socket. */
  messages: number;
  bytes: number;
}

interface Held {
  /** What is to be sent; null at QoS 0. */
  ack: Ack | null;
  bytes: number;
  isDone: boolean;
}

interface Ack {
  cmd: string;
  messageId?: number | undefined;
}
type SendPacket = (packet: Ack, callback?: (error?: Error) => void, ...more: unknown[]) => void;
type Take = (packet: IPublishPacket) => Promise<boolean>;

export class DeferredAcks {
  readonly #client: MqttClient;
  readonly #limits: AckLimits;
  readonly #take: Take;
  readonly #send: SendPacket;
  #queue: Held[] = [];
  #bytes = 0;
  #resume: (() => void) | null = null;
  #isDropped = false;

  /**
   * Takes the acknowledgements of a client over that hasn't connected yet.
   * @param take is given each message; once it resolves with true the message is acknowledged, with false never.
   *   It must not reject.
   */
  constructor(client: MqttClient, limits: AckLimits, take: Take) {
    this.#client = client;
    this.#limits = limits;
    this.#take = take;
    const own = client as unknown as { _sendPacket: SendPacket };
    this.#send = own._sendPacket.bind(client);
    own._sendPacket = (packet, callback, ...more) => {
      if (packet.cmd === 'puback' || packet.cmd === 'pubrec') callback?.();
      else this.#send(packet, callback, ...more);
    };
    client.handleMessage = (packet, callback) => {
      // At QoS 2 this is called at PUBREL, when the message has long been taken: see below.
      if (packet.qos === 2) callback();
      else this.#hold(packet, () => callback());
    };
    // We subscribe at QoS 1, but a session of our id may have messages of QoS 2 from an earlier subscription. PUBREC is
    // what makes the broker forget one, so it has to wait as a PUBACK does; mqtt.js asks here before it sends it.
    client.options.customHandleAcks = (_topic, _payload, packet, done) => {
      if (packet.qos === 2) this.#hold(packet, () => done(0));
      else done(0);
    };
  }

  /** Messages that aren't acknowledged yet. */
  get held(): number {
    return this.#queue.length;
  }

  /** Nothing is read from the socket until some of what is held is durable. */
  get isPaused(): boolean {
    return this.#resume !== null;
  }

  /** The connection has ended: its message ids mean nothing any more. */
  drop(): void {
    this.#isDropped = true;
    this.#queue = [];
    this.#bytes = 0;
    this.#resume = null;
  }

  get #isFull(): boolean {
    return this.#queue.length >= this.#limits.messages || this.#bytes >= this.#limits.bytes;
  }

  #hold(packet: IPublishPacket, goOn: () => void): void {
    if (this.#isDropped) return;
    const { qos, messageId, payload } = packet;
    const ack = qos === 0 ? null : { cmd: qos === 1 ? 'puback' : 'pubrec', messageId };
    const held: Held = { ack, bytes: payload.length, isDone: false };
    this.#queue.push(held);
    this.#bytes += held.bytes;
    void this.#take(packet).then((isDurable) => {
      if (this.#isDropped || !isDurable) return;
      held.isDone = true;
      if (this.#queue[0] === held) this.#release();
    });
    if (this.#isFull) this.#resume = goOn;
    else goOn();
  }

  /** Acknowledges from the oldest on, as far as they are durable. mqtt.js writes those of one turn together. */
  #release(): void {
    let count = 0;
    for (; this.#queue[count]?.isDone; count++) {
      const { ack, bytes } = this.#queue[count]!;
      this.#bytes -= bytes;
      if (ack && this.#client.connected) this.#send(ack);
    }
    this.#queue.splice(0, count);
    if (this.#isFull) return;
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }
}
