/**
 * `npm run broker:files [-- --for BROKER DIR]`: users, access list and settings of an outside broker from the registered
 * gateways, by default Mosquitto's, in `broker/` of the data directory. Reads the journal only, so it may run beside the
 * service. Where the broker has to be there before the service's first start, `--first-start` takes a missing journal for
 * one without gateways.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { controlVersions } from '#journal/reader.ts';
import { Control } from '#journal/registers.ts';
import { readConfig } from '#setting/config.ts';
import { keepPassword } from '#setting/kept-password.ts';
import { BROKER_NAMES, type BrokerName, brokerFiles, writeBrokerFiles } from '#src/brokers/files.ts';
import { openReadOnly, StoreError } from '#src/sqlite.ts';
import { readCall, runCommand, say, UsageError } from './command.ts';

const USAGE = `npm run broker:files [-- [--for ${BROKER_NAMES.join('|')}] [--first-start] DIR]`;
/** Written, but not for everybody. */
const EXIT_LEFT_OUT = 3;

/** By default no journal is a mistake: files without gateways would lock all of them out. */
function registers(dataDir: string, isFirstStart: boolean): { control: Control; gone: string[] } {
  const path = join(dataDir, 'journal.db');
  if (!existsSync(path)) {
    if (isFirstStart) return { control: new Control([]), gone: [] };
    throw new StoreError('not-found', `${path} isn't there: start the service once`, false);
  }
  // Not the journal's whole reader: after an upgrade this may run before the service has brought the file up to date.
  const journal = openReadOnly(path);
  try {
    const versions = controlVersions(journal, Number.MAX_SAFE_INTEGER);
    const gone = versions.filter(({ noun, body }) => noun === 'gateway' && body === null).map(({ id }) => id);
    return { control: new Control(versions), gone };
  } finally {
    journal.close();
  }
}

function asBroker(name: string): BrokerName {
  const broker = BROKER_NAMES.find((known) => known === name);
  if (!broker) throw new UsageError(`--for ${name}: there is ${BROKER_NAMES.join(', ')}\n${USAGE}`);
  return broker;
}

await runCommand(async () => {
  const { positionals, values } = readCall(USAGE, [0, 1], {
    for: { type: 'string', default: 'mosquitto' },
    'first-start': { type: 'boolean', default: false },
  } as const);
  const broker = asBroker(values.for);
  const { config } = readConfig();
  const { username, password, clientId } = config.mqttLogIn;
  const { control, gone } = registers(config.dataDir, values['first-start']);
  const gateways = control.list('gateway').map(({ id, body: { passwordHash, otherHashes, topics } }) => ({
    id,
    passwordHash,
    otherHashes,
    ownTopics: topics,
  }));
  const channels = control.list('channel').filter(({ body }) => body.kind === 'mqtt' && body.to !== undefined);
  const topics = { read: config.mqttTopics, write: channels.map(({ body }) => body.to!) };
  const kept = password === null ? { passwordHash: null } : await keepPassword(password);
  const access = { gateways, gone, service: { id: username, ...kept }, clientId, topics };
  const { files, leftOut, next } = brokerFiles(broker, access);
  const directory = resolve(positionals[0] ?? join(config.dataDir, 'broker'));
  writeBrokerFiles(directory, files);
  const isOut = (id: string) => leftOut.some(({ who }) => who === id);
  const names = Object.keys(files).join(', ');
  const written = gateways.filter(({ id }) => !isOut(id)).length;
  say(`${directory}: ${names}: ${written} gateways, service user ${username}`);
  if (password === null) say(`${username} is not among the users: set WK_MQTT_PASSWORD for that`);
  for (const line of next) say(`then: ${line}`);
  for (const { who, why } of leftOut) process.stderr.write(`left out: ${who}: ${why}\n`);
  if (leftOut.length > 0) process.exitCode = EXIT_LEFT_OUT;
});
