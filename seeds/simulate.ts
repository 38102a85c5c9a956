/**
 * `npm run simulate -- [--url mqtt://…] [--api http://…] [--token …]`: simulated gateways against a service that
 * runs already. The token is an administrator's; WK_ADMIN_TOKEN or the data directory's admin.token stand in for it.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '#src/clock.ts';
import { adminToken } from './admin-token.ts';
import { startSimulator } from './simulation/run.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'mqtt://127.0.0.1:1883' },
    api: { type: 'string', default: 'http://127.0.0.1:8080' },
    token: { type: 'string' },
    seeds: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});

const token = values.token ?? adminToken(process.env);
if (token === null) {
  process.stderr.write('An administrator token is needed: --token, WK_ADMIN_TOKEN, or admin.token in WK_DATA_DIR.\n');
  process.exit(2);
}

const say = (line: string) => process.stdout.write(`${line}\n`);
try {
  const simulator = await startSimulator({
    api: { origin: values.api, token },
    url: values.url,
    seedsDirectory: values.seeds,
    clock: systemClock,
    say,
  });
  say(`${simulator.gateways} gateways publish to ${values.url}; Ctrl-C ends.`);
  const end = async () => {
    await simulator.stop();
    say(`${simulator.acknowledged()} values acknowledged.`);
    process.exit(0);
  };
  process.once('SIGINT', end).once('SIGTERM', end);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
