/**
 * `npm run broker:files [-- DIR]`: Mosquitto's `passwd` and `acl` from the registered gateways, by default in
 * `broker/` of the data directory. Reads the journal only, so it may run beside the service. Where the broker has to be
 * there before the service's first start, `--first-start` takes a missing journal for one without gateways.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Control } from '#journal/control.ts';
import { controlVersions } from '#journal/journal-reader.ts';
import { readConfig } from '#setting/config.ts';
import { hashPassword } from '#setting/secrets.ts';
import { brokerFiles, writeBrokerFiles } from '#src/mosquitto-files.ts';
import { openReadOnly, StoreError } from '#src/sqlite.ts';
import { readCall, runCommand, say } from './command.ts';

const USAGE = 'npm run broker:files [-- [--first-start] DIR]';

/** By default no journal is a mistake: files without gateways would lock all of them out. */
function registers(dataDir: string, isFirstStart: boolean): Control {
  const path = join(dataDir, 'journal.db');
  if (!existsSync(path)) {
    if (isFirstStart) return new Control([]);
    throw new StoreError('not-found', `${path} isn't there: start the service once`, false);
  }
  // Not the journal's whole reader: after an upgrade this may run before the service has brought the file up to date.
  const journal = openReadOnly(path);
  try {
    return new Control(controlVersions(journal, Number.MAX_SAFE_INTEGER));
  } finally {
    journal.close();
  }
}

await runCommand(async () => {
  const options = { 'first-start': { type: 'boolean', default: false } } as const;
  const { positionals, values } = readCall(USAGE, [0, 1], options);
  const { config } = readConfig();
  const { username, password } = config.mqttLogIn;
  const control = registers(config.dataDir, values['first-start']);
  const gateways = control.list('gateway').map(({ id, body }) => ({ id, passwordHash: body.passwordHash }));
  const channels = control.list('channel').filter(({ body }) => body.kind === 'mqtt' && body.to !== undefined);
  const topics = { read: config.mqttTopics, write: channels.map(({ body }) => body.to!) };
  const passwordHash = password === null ? null : await hashPassword(password);
  const directory = resolve(positionals[0] ?? join(config.dataDir, 'broker'));
  writeBrokerFiles(directory, brokerFiles(gateways, { id: username, passwordHash }, topics));
  say(`${join(directory, 'passwd')} and acl: ${gateways.length} gateways, service user ${username}`);
  if (password === null) say(`${username} is not in passwd: set WK_MQTT_PASSWORD for that`);
});
