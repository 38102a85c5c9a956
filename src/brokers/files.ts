/** Files for outside brokers, made from the registered gateways: one broker a line. Passwords are hashes in all of them. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BrokerAccess, type BrokerFiles, checkService } from './access.ts';
import { emqxFiles } from './emqx.ts';
import { hivemqFiles } from './hivemq.ts';
import { mosquittoFiles } from './mosquitto.ts';
import { natsFiles } from './nats.ts';
import { rabbitmqFiles } from './rabbitmq.ts';

const BROKERS = {
  mosquitto: mosquittoFiles,
  rabbitmq: rabbitmqFiles,
  nats: natsFiles,
  hivemq: hivemqFiles,
  emqx: emqxFiles,
};
export type BrokerName = keyof typeof BROKERS;
export const BROKER_NAMES = Object.keys(BROKERS) as BrokerName[];

/** @throws StoreError `config.invalid` when the service's name can't stand in the files or is a gateway's. */
export function brokerFiles(broker: BrokerName, access: BrokerAccess): BrokerFiles {
  checkService(access);
  return BROKERS[broker](access);
}

/** Writes the files (0600) by renaming, so that a broker that reloads never sees half a file. */
export function writeBrokerFiles(directory: string, files: BrokerFiles['files']): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    // A file left by an interrupted run keeps its mode when it is written again.
    chmodSync(`${path}.new`, 0o600);
    renameSync(`${path}.new`, path);
  }
}
