/**
 * Who may do what at an outside broker (contracts §3), before it is written in that broker's own words: each gateway
 * publishes its own readings and hears what is said to it; the service hears all readings and says the rest, notices of
 * MQTT channels among it.
 */
import {
  ALARMS_FILTER,
  CANARY_TOPIC,
  DROPPED_TOPIC,
  ledgerTopic,
  payloadTopics,
  rejectedTopic,
  replyTopic,
} from '#ingest/transports/topics.ts';
import { id as idSchema, type OtherHashes } from '#model/register.ts';
import { StoreError } from '#src/sqlite.ts';

/** A user of the broker; `passwordHash` null = its password is kept elsewhere. */
export interface BrokerUser {
  id: string;
  passwordHash: string | null;
  otherHashes?: OtherHashes | undefined;
  /** A gateway's own topics, besides ours. */
  ownTopics?: readonly string[] | undefined;
}

export interface ServiceTopics {
  /** What it subscribes to (`WK_MQTT_TOPICS`). */
  read: readonly string[];
  /** Where MQTT channels send notices; what can't be the name of a topic (MQTT 5 §4.7.1) is left out. */
  write: readonly string[];
}

export interface BrokerAccess {
  gateways: readonly BrokerUser[];
  /** Ids of gateways that were deleted. */
  gone: readonly string[];
  /** The account that Wellkeeper itself connects with. */
  service: BrokerUser;
  /** `WK_MQTT_CLIENT_ID`. */
  clientId: string;
  topics: ServiceTopics;
}

/** What a broker's files came to. */
export interface BrokerFiles {
  /** Texts by name. */
  files: Record<string, string>;
  /** Users, or topics, that this broker can't have, and why. */
  leftOut: { who: string; why: string }[];
  /** What has to be done for the broker to take the files, a line each. */
  next: string[];
}

export interface Right {
  access: 'read' | 'write' | 'readwrite';
  /** A filter: wildcards are meant. */
  topic: string;
}

export const gatewayRights = (gateway: string): Right[] => [
  ...payloadTopics(gateway).map((topic): Right => ({ access: 'write', topic })),
  { access: 'read', topic: replyTopic(gateway) },
  { access: 'read', topic: rejectedTopic(gateway) },
  { access: 'read', topic: ledgerTopic(gateway) },
];

/** What a gateway may on topics of its own: nobody but the service says anything there beside it. */
export const ownRights = ({ ownTopics = [] }: BrokerUser): Right[] =>
  ownTopics.map((topic): Right => ({ access: 'readwrite', topic }));

const isSparkplug = (topic: string) => topic.startsWith('spBv1.0/');

/** No wildcards, and nothing that would end its line. */
const isTopicName = (topic: string) => !/[+#\p{Cc}]/u.test(topic);

export const serviceRights = (topics: ServiceTopics, gateways: readonly BrokerUser[]): Right[] => [
  ...topics.read.map((topic): Right => ({ access: 'read', topic })),
  // Edge nodes of Sparkplug are asked for their births.
  ...gateways
    .flatMap(ownRights)
    .map(({ topic }): Right => ({ access: isSparkplug(topic) ? 'readwrite' : 'read', topic })),
  { access: 'write', topic: rejectedTopic('+') },
  { access: 'write', topic: replyTopic('+') },
  { access: 'write', topic: ledgerTopic('+') },
  // What it tries the broker with, and what Mosquitto says that it has dropped: others hang up on who asks without a right.
  { access: 'readwrite', topic: CANARY_TOPIC },
  { access: 'read', topic: DROPPED_TOPIC },
  // Read, too: what is retained of alarms that are over is emptied at start.
  { access: 'readwrite', topic: ALARMS_FILTER },
  ...[...new Set(topics.write.filter(isTopicName))].map((topic): Right => ({ access: 'write', topic })),
];

export const mayRead = ({ access }: Right): boolean => access !== 'write';
export const mayWrite = ({ access }: Right): boolean => access !== 'read';

/** @throws StoreError `config.invalid` when the service's name can't stand in the files or is a gateway's. */
export function checkService({ gateways, service }: Pick<BrokerAccess, 'gateways' | 'service'>): void {
  if (!idSchema.safeParse(service.id).success) {
    throw invalid(`WK_MQTT_USERNAME: "${service.id}" can't be written: 1 to 64 of A-Z a-z 0-9 . _ -`);
  }
  if (gateways.some(({ id }) => id === service.id)) {
    throw invalid(`WK_MQTT_USERNAME: "${service.id}" is also a gateway; it would have the service's rights`);
  }
}

function invalid(message: string): StoreError {
  return new StoreError('config.invalid', message, false);
}

/** The service, if its password is known, and the gateways. */
export const usersOf = ({ gateways, service }: Pick<BrokerAccess, 'gateways' | 'service'>): BrokerUser[] =>
  [service, ...gateways].filter(({ passwordHash }) => passwordHash !== null);

/** The parts of `$7$iterations$salt$hash` (PBKDF2 with HMAC-SHA512), bytes in base64; null for any other text. */
export function pbkdf2Of({ passwordHash }: BrokerUser): { iterations: number; salt: string; hash: string } | null {
  const [, iterations, salt, hash] = /^\$7\$(\d+)\$([^$]+)\$([^$]+)$/.exec(passwordHash ?? '') ?? [];
  return iterations && salt && hash ? { iterations: Number(iterations), salt, hash } : null;
}

/** Sorts users by whether this broker can have them. */
export function sorted<T>(users: readonly BrokerUser[], entry: (user: BrokerUser) => T | string) {
  const entries: { user: BrokerUser; entry: T }[] = [];
  const leftOut: BrokerFiles['leftOut'] = [];
  for (const user of users) {
    const made = entry(user);
    if (typeof made === 'string') leftOut.push({ who: user.id, why: made });
    else entries.push({ user, entry: made });
  }
  return { entries, leftOut };
}

/** Why a password that was made before its other forms were kept can't be moved. */
export const NOT_KEPT =
  'its password was made by an earlier version: give it a new one (PUT /gateways/{id}?rotate=true)';
