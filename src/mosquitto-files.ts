/**
 * Password and ACL files for an outside Mosquitto broker, made from the registered gateways (contracts §3): each may
 * publish its own readings and hear what is said to it; the service may hear all readings and say the rest, notices of
 * MQTT channels among it.
 * Formats: mosquitto.conf(5), `password_file` and `acl_file`; hashes are `$7$` (PBKDF2-SHA512), as we keep them.
 */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CANARY_TOPIC, DROPPED_TOPIC } from '#ingest/transports/topics.ts';
import { id as idSchema } from '#model/register.ts';
import { StoreError } from './sqlite.ts';

/** A user of the broker; `passwordHash` null = its password is kept elsewhere. */
export interface BrokerUser {
  id: string;
  passwordHash: string | null;
}

export interface BrokerFiles {
  passwd: string;
  acl: string;
}

export interface ServiceTopics {
  /** What it subscribes to (`WK_MQTT_TOPICS`). */
  read: readonly string[];
  /** Where MQTT channels send notices; what can't be the name of a topic (MQTT 5 §4.7.1) is left out. */
  write: readonly string[];
}

/**
 * @param service the account that Wellkeeper itself connects with.
 * @throws StoreError `config.invalid` when the service's name can't stand in the files or is a gateway's.
 */
export function brokerFiles(gateways: readonly BrokerUser[], service: BrokerUser, topics: ServiceTopics): BrokerFiles {
  if (!idSchema.safeParse(service.id).success) {
    throw invalid(`WK_MQTT_USERNAME: "${service.id}" can't be written: 1 to 64 of A-Z a-z 0-9 . _ -`);
  }
  if (gateways.some(({ id }) => id === service.id)) {
    throw invalid(`WK_MQTT_USERNAME: "${service.id}" is also a gateway; it would have the service's rights`);
  }
  const users = [service, ...gateways].filter(({ passwordHash }) => passwordHash !== null);
  return {
    passwd: users.map(({ id, passwordHash }) => `${id}:${passwordHash}\n`).join(''),
    acl: aclText(service.id, topics),
  };
}

function invalid(message: string): StoreError {
  return new StoreError('config.invalid', message, false);
}

/** No wildcards, and nothing that would end its line. */
const isTopicName = (topic: string) => !/[+#\p{Cc}]/u.test(topic);

function aclText(service: string, topics: ServiceTopics): string {
  const rights = [
    ...topics.read.map((topic) => `topic read ${topic}`),
    'topic write wk/v1/+/rejected',
    'topic write wk/v1/+/ledger',
    // What it tries the broker with, and what Mosquitto says that it has dropped.
    `topic readwrite ${CANARY_TOPIC}`,
    `topic read ${DROPPED_TOPIC}`,
    // Read, too: what is retained of alarms that are over is emptied at start.
    'topic readwrite wk/alarms/v1/#',
    ...new Set(topics.write.filter(isTopicName).map((topic) => `topic write ${topic}`)),
  ];
  return [
    '# Made by `npm run broker:files`. %u is the user name, which is the gateway id.',
    'pattern write wk/v1/%u/readings',
    'pattern read wk/v1/%u/rejected',
    'pattern read wk/v1/%u/ledger',
    '',
    `user ${service}`,
    ...rights,
    '',
  ].join('\n');
}

/** Writes `passwd` and `acl` (0600) by renaming, so that a broker that reloads never sees half a file. */
export function writeBrokerFiles(directory: string, files: BrokerFiles): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    // A file left by an interrupted run keeps its mode when it is written again.
    chmodSync(`${path}.new`, 0o600);
    renameSync(`${path}.new`, path);
  }
}
