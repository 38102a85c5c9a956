/**
 * `npm run broker:files [-- DIR]`: Mosquitto's `passwd` and `acl` from the registered gateways, by default in
 * `broker/` of the data directory. Reads the journal only, so it may run beside the service.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readConfig } from '#src/config.ts';
import { brokerFiles, writeBrokerFiles } from '#src/mosquitto-files.ts';
import { hashPassword } from '#src/secrets.ts';
import { Control } from '#store/control.ts';
import { openJournalReader } from '#store/journal-reader.ts';
import { StoreError } from '#store/sqlite.ts';
import { readCall, runCommand, say } from './command.ts';

const USAGE = 'npm run broker:files [-- DIR]';

function registeredGateways(dataDir: string): { id: string; passwordHash: string }[] {
  const path = join(dataDir, 'journal.db');
  if (!existsSync(path)) throw new StoreError('not-found', `${path} isn't there: start the service once`, false);
  const reader = openJournalReader(path);
  try {
    const control = new Control(reader.control(reader.headSeq()));
    return control.list('gateway').map(({ id, body }) => ({ id, passwordHash: body.passwordHash }));
  } finally {
    reader.close();
  }
}

await runCommand(async () => {
  const { positionals } = readCall(USAGE, [0, 1], {});
  const { config } = readConfig();
  const { username, password } = config.mqttLogIn;
  const gateways = registeredGateways(config.dataDir);
  const passwordHash = password === null ? null : await hashPassword(password);
  const directory = resolve(positionals[0] ?? join(config.dataDir, 'broker'));
  writeBrokerFiles(directory, brokerFiles(gateways, { id: username, passwordHash }, config.mqttTopics));
  say(`${join(directory, 'passwd')} and acl: ${gateways.length} gateways, service user ${username}`);
  if (password === null) say(`${username} is not in passwd: set WK_MQTT_PASSWORD for that`);
});
