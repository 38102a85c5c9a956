/**
 * The embedded broker as main and the API see it, and its limits: everything has one (design, invariant 9), and
 * reaching it is counted. `mqtt-embedded.ts` implements it.
 */
import type { Door } from '#ingest/door.ts';
import type { TellCrowded } from '#model/access-limits.ts';
import type { Clock } from '#src/clock.ts';
import type { AdmissionLimits } from './admission.ts';
import type { Broker } from './broker.ts';
import type { Access } from './broker-access.ts';
import type { IntakeCounters } from './publish-intake.ts';
import type { GuardLimits } from './socket-guard.ts';

export interface BrokerLimits extends Omit<GuardLimits, 'payloadBytes'>, AdmissionLimits {
  subscriptionsPerClient: number;
  /** Payloads of all connections together that wait for the journal. */
  heldBytesTotal: number;
  /** A subscriber that is this far behind is disconnected; it finds the retained messages when it comes back. */
  behindBytes: number;
}

export const BROKER_LIMITS: Readonly<BrokerLimits> = {
  connections: 2000,
  silentPerAddress: 100,
  connectionsPerCredential: 50,
  subscriptionsPerClient: 20,
  connectBytes: 4096,
  connectTimeoutMs: 10_000,
  controlBytes: 16_384,
  heldMessages: 1000,
  heldBytes: 4 * 2 ** 20,
  heldBytesTotal: 32 * 2 ** 20,
  behindBytes: 2 ** 20,
};

/** The part of a pino logger that is used here. */
interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface BrokerOptions extends Access {
  host: string;
  /** 0 = any free port. */
  port: number;
  door: Door;
  clock: Clock;
  log: Log;
  maxMessageBytes: number;
  limits?: Partial<BrokerLimits>;
  /** Told whenever somebody reaches a limit on connections. */
  crowded?: TellCrowded;
  /** The name of the token with this hash. */
  viewerName?: (key: string) => string | undefined;
}

export interface BrokerCounters extends IntakeCounters, Record<string, number> {
  /** Times that the journal couldn't take a message for now; it is tried again until its connection ends. */
  held: number;
  logInsFailed: number;
  /** Log-ins refused unchecked since their address had failed too often. */
  logInsLimited: number;
  /** Connections of clients that speak MQTT 5. */
  versionsRefused: number;
  subscriptionsRefused: number;
  willsIgnored: number;
  /** Connections closed by the guard: no MQTT, too large, too slow, silent. */
  violations: number;
  /** Connections beyond the limit, closed unread. */
  connectionsRefused: number;
  /** Connections that had to give way: silent ones, and the oldest of a credential that has too many. */
  connectionsEvicted: number;
}

export interface EmbeddedBroker extends Broker {
  readonly port: number;
  readonly counters: Readonly<BrokerCounters>;
  /** Authenticated connections. A new password or a gateway's deletion in `control` ends them by itself. */
  clients(): number;
}
