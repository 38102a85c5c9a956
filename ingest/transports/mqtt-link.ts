/** How to reach an outside broker, what its refusals mean, and when it counts as gone. */
import { readFileSync } from 'node:fs';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { PlatformCondition } from '#model/alarms/platform.ts';
import type { Config } from '#model/config.ts';

export type ExternalBroker = Extract<Config['mqtt'], { kind: 'external' }>;
/** 4 = MQTT 3.1.1. */
export type ProtocolVersion = 4 | 5;
export type LinkCondition = Extract<
  PlatformCondition,
  `broker.${'unreachable' | 'unauthorized' | 'subscription-refused'}`
>;

/** What went wrong on a connection; `code` is MQTT's (a number) or the system's. */
export type LinkError = Error & { code?: number | string };

/**
 * "Never" (MQTT 5 §3.1.2.11.2). An absence may last as long as a repair does, and the queue is the gateways' data; who
 * gives a session up for good is the broker's operator, by the broker's own limits.
 */
const SESSION_EXPIRY_S = 0xffff_ffff;

interface ConnectLimits {
  /** That may be on their way to us unacknowledged. */
  messages: number;
  keepaliveSeconds: number;
  /** From the first packet to CONNACK. */
  connectTimeoutMs: number;
}

/** One connection is one client: nothing of it is queued for, or replayed on, the next one. */
export function connectOptions(
  broker: ExternalBroker,
  version: ProtocolVersion,
  { messages: receiveMaximum, keepaliveSeconds, connectTimeoutMs }: ConnectLimits,
): IClientOptions {
  const { username, password, caFile, certFile, keyFile, clientId } = broker;
  return {
    clientId,
    protocolVersion: version,
    clean: false,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: connectTimeoutMs,
    keepalive: keepaliveSeconds,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(caFile === null ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === null ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === null ? {} : { key: readFileSync(keyFile) }),
    ...(version === 5 ? { properties: { sessionExpiryInterval: SESSION_EXPIRY_S, receiveMaximum } } : {}),
  };
}

/** Where the broker is, without the credentials that a URL may hold. */
export function addressOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}

/**
 * Has the client take any packet, not only PINGRESP, for a sign of life, and silence for none of death while it is us
 * who don't read: then the answer waits in the socket behind what we haven't taken.
 */
export function keepAlive(client: MqttClient, isPaused: () => boolean): void {
  let isHeard = false;
  client.on('packetreceive', () => {
    isHeard = true;
  });
  const ping = client.sendPing.bind(client);
  const giveUp = client.onKeepaliveTimeout.bind(client);
  client.sendPing = () => {
    isHeard = false;
    ping();
  };
  client.onKeepaliveTimeout = () => {
    if (!isHeard && !isPaused()) return giveUp();
    // At once, or our pings would be further apart than the broker allows (1.5 times the keepalive, §3.1.2.10).
    client.sendPing();
    client.reschedulePing(true);
  };
}

export interface LinkFailure {
  condition: LinkCondition;
  detail: string;
  /** `refused`: the broker says that it doesn't speak this version; `maybe`: it hung up without a word. */
  version: 'refused' | 'maybe' | 'fine';
}

// CONNACK: MQTT 3.1.1 §3.2.2.3 return codes 1, 4, 5; MQTT 5 §3.2.2.2 reason codes.
const UNSUPPORTED_VERSION = new Set<unknown>([1, 0x84]);
const UNAUTHORIZED = new Set<unknown>([4, 5, 0x86, 0x87, 0x8a, 0x8c]);
/** What brokers of MQTT 3.1.1 that don't answer a CONNECT of MQTT 5 do instead. */
const HUNG_UP = new Set<unknown>(['ECONNRESET', 'EPIPE']);
/** TLS alerts about our certificate, and HTTP's 401 and 403 to a WebSocket. */
const UNAUTHORIZED_TEXT = /^ERR_SSL_\w*ALERT\w*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)|server response: 40[13]\b/;

/** What a connection that failed or ended says of the broker. */
export function linkFailure(error: LinkError | null): LinkFailure {
  if (error === null) {
    return { condition: 'broker.unreachable', detail: 'the connection was closed', version: 'maybe' };
  }
  const { code, message } = error;
  const detail = message === '' ? String(code) : message;
  if (UNAUTHORIZED.has(code) || UNAUTHORIZED_TEXT.test(typeof code === 'string' ? code : message)) {
    return { condition: 'broker.unauthorized', detail, version: 'fine' };
  }
  const version = UNSUPPORTED_VERSION.has(code) ? 'refused' : HUNG_UP.has(code) ? 'maybe' : 'fine';
  return { condition: 'broker.unreachable', detail, version };
}
