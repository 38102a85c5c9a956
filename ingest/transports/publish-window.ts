/**
 * Our own messages on one connection to an outside broker: no more of them unacknowledged at once than it allows
 * (MQTT 5 §3.3.4), and none that outlives the connection, since what was true then may not be when it is back.
 */
import type { MqttClient } from 'mqtt';

interface Message {
  topic: string;
  payload: string | Buffer;
  retain: boolean;
  resolve: () => void;
  reject: (error: Error) => void;
}

const UNACKNOWLEDGED_MAX = 100;
const WAITING_MAX = 10_000;

export class PublishWindow {
  readonly #client: MqttClient;
  readonly #size: number;
  readonly #sent = new Set<Message>();
  #waiting: Message[] = [];
  #ended: Error | null = null;

  /** @param receiveMaximum of the broker's CONNACK. */
  constructor(client: MqttClient, receiveMaximum = UNACKNOWLEDGED_MAX) {
    this.#client = client;
    this.#size = Math.min(receiveMaximum, UNACKNOWLEDGED_MAX);
  }

  /** Resolves with the PUBACK; rejects when the broker refuses, or the connection ends first. */
  publish(topic: string, payload: string | Buffer, retain: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      if (this.#waiting.length >= WAITING_MAX) return reject(new Error('the broker is too slow for our own messages'));
      this.#waiting.push({ topic, payload, retain, resolve, reject });
      this.#next();
    });
  }

  /** Rejects all that aren't acknowledged, and whatever comes. */
  end(error: Error): void {
    this.#ended ??= error;
    const unacknowledged = [...this.#sent, ...this.#waiting];
    this.#sent.clear();
    this.#waiting = [];
    for (const { reject } of unacknowledged) reject(error);
  }

  #next(): void {
    while (this.#sent.size < this.#size && this.#waiting.length > 0) {
      const message = this.#waiting.shift()!;
      const { topic, payload, retain, resolve, reject } = message;
      this.#sent.add(message);
      this.#client.publish(topic, payload, { qos: 1, retain }, (error) => {
        if (!this.#sent.delete(message)) return;
        if (error) reject(error);
        else resolve();
        this.#next();
      });
    }
  }
}
