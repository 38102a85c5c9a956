/**
 * The client of an outside broker as main sees it, its options and its limits. `mqtt-client.ts` implements it.
 */
import type { Door } from '#ingest/door.ts';
import type { Control } from '#journal/registers.ts';
import type { Phrase } from '#model/alarms/phrases.ts';
import type { Clock } from '#src/clock.ts';
import type { Broker } from './broker.ts';
import type { CanaryLimits, CanaryOptions } from './broker-canary.ts';
import type { AckLimits } from './deferred-acks.ts';
import type { Link } from './link-state.ts';
import type { ExternalBroker, LinkCondition } from './mqtt-link.ts';

export interface MqttClientOptions extends Pick<CanaryOptions, 'onCanary' | 'onDropped'> {
  mqtt: ExternalBroker;
  /** Subscriptions (WK_MQTT_TOPICS). */
  topics: readonly string[];
  /** Of the file that remembers the session. */
  sessionPath: string;
  door: Door;
  control: Control;
  clock: Clock;
  log: Log;
  maxMessageBytes: number;
  /**
   * What is wrong, told at once, one condition at a time (the caller waits a little before telling anybody); null = it
   * is over, also told when the first connection meets nothing wrong.
   */
  onTrouble: (condition: LinkCondition, trouble: { sinceMs: number; detail: string } | null) => void;
  /** The broker forgot our session, or has an older copy of it: what gateways sent between these times (wall clock) may be lost. */
  onSessionLost: (fromMs: number, toMs: number, cause: Phrase) => void;
  /** Subscribed, at first and after every interruption. */
  onUp: () => void;
  limits?: Partial<ClientLimits>;
}

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ClientLimits extends AckLimits, CanaryLimits {
  keepaliveSeconds: number;
  /** From the first packet to CONNACK: a broker that hangs takes connections and says nothing. */
  connectTimeoutMs: number;
  /** Between attempts to connect (to all addresses) or to subscribe: doubled each time, ±20 %. */
  pauseMinMs: number;
  pauseMaxMs: number;
}

export interface MqttClientBroker extends Broker {
  link(): Link;
  /** Subscribed and receiving. */
  readonly isUp: boolean;
  /** Messages received that aren't acknowledged yet. */
  held(): number;
}

export const CLIENT_LIMITS: Readonly<ClientLimits> = {
  messages: 1000,
  bytes: 4 * 2 ** 20,
  keepaliveSeconds: 30,
  connectTimeoutMs: 10_000,
  pauseMinMs: 1000,
  pauseMaxMs: 60_000,
  canaryMs: 60_000,
  canaryQuietMs: 15_000,
};
