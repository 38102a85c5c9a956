/**
 * Gateways' own topics at an outside broker: subscribed to as the registers say, and no longer than they do, while one
 * connection lasts. A broker that refuses one is asked again; all others go on meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import type { GatewayTopics } from './gateway-topics.ts';
import type { ProtocolVersion } from './mqtt-link.ts';
import type { SessionMemory } from './mqtt-session.ts';
import { jittered, type Persistence, shownRefusals, subscribe } from './mqtt-subscriptions.ts';

interface OwnTopicsOptions extends Omit<Persistence, 'onRefused'> {
  client: MqttClient;
  version: ProtocolVersion;
  topics: GatewayTopics;
  session: Pick<SessionMemory, 'asks' | 'unsubscribed'>;
  /** Topics that the broker refuses, with reasons; null: all that there are are subscribed. */
  onRefused: (refused: string | null) => void;
}

export class OwnTopics {
  readonly #options: OwnTopicsOptions;
  readonly #subscribed = new Set<string>();
  #isRunning = false;
  #changed = new AbortController();

  constructor(options: OwnTopicsOptions) {
    this.#options = options;
  }

  /** Brings the subscriptions to what the registers say; to be called when they have changed. */
  follow(): void {
    this.#changed.abort();
    if (this.#isRunning) return;
    this.#isRunning = true;
    // It only ends early with its connection, and the next one begins anew.
    this.#run()
      .catch(() => {})
      .finally(() => {
        this.#isRunning = false;
      });
  }

  async #run(): Promise<void> {
    const { ended, pauseMinMs, pauseMaxMs, onRefused } = this.#options;
    for (let pauseMs = pauseMinMs; !ended.aborted; ) {
      this.#changed = new AbortController();
      await this.#drop();
      const refused = await this.#add();
      if (ended.aborted || (refused === null && !this.#changed.signal.aborted)) return onRefused(null);
      if (refused === null) continue;
      onRefused(refused);
      const woken = AbortSignal.any([ended, this.#changed.signal]);
      await pause(jittered(pauseMs), null, { signal: woken }).catch(() => null);
      pauseMs = this.#changed.signal.aborted ? pauseMinMs : Math.min(pauseMs * 2, pauseMaxMs);
    }
  }

  async #drop(): Promise<void> {
    const { client, topics, session } = this.#options;
    const wanted = new Set(topics.filters());
    const over = [...this.#subscribed].filter((topic) => !wanted.has(topic));
    if (over.length === 0) return;
    await client.unsubscribeAsync(over);
    for (const topic of over) this.#subscribed.delete(topic);
    session.unsubscribed(...over);
  }

  /** @returns what is refused; null = nothing. */
  async #add(): Promise<string | null> {
    const { client, version, topics, session, onUnacknowledged } = this.#options;
    const missing = topics.filters().filter((topic) => !this.#subscribed.has(topic));
    if (missing.length === 0) return null;
    session.asks(...missing);
    const { refused, unacknowledged } = await subscribe(client, missing, version);
    onUnacknowledged(unacknowledged);
    const isRefused = new Set(refused.map(({ topic }) => topic));
    for (const topic of missing) if (!isRefused.has(topic)) this.#subscribed.add(topic);
    return refused.length === 0 ? null : shownRefusals(refused);
  }
}
