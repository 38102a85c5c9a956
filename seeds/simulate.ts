/**
 * `npm run simulate -- [--protocol NAME] [--url mqtt://…] [--tcp HOST:PORT] [--api http://…] [--token …]`: simulated gateways
 * against a service that runs already. The token is an administrator's; WK_ADMIN_TOKEN or the data directory's admin.token
 * stand in for it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '#src/clock.ts';
import { adminToken } from './admin-token.ts';
import { readSeeds } from './load.ts';
import { startRtus, stationsFor, TCP_SPEAKERS, type TcpSpeakerName } from './simulation/rtus/run.ts';
import { startSimulator } from './simulation/run.ts';
import { worldOf } from './simulation/sites.ts';

const { values } = parseArgs({
  options: {
    protocol: { type: 'string', default: 'json' },
    url: { type: 'string', default: 'mqtt://127.0.0.1:1883' },
    tcp: { type: 'string' },
    api: { type: 'string', default: 'http://127.0.0.1:8080' },
    token: { type: 'string' },
    seeds: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});
const PROTOCOLS = ['json', ...Object.keys(TCP_SPEAKERS)];

function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

const token = values.token ?? adminToken(process.env);
if (token === null) {
  refuse('An administrator token is needed: --token, WK_ADMIN_TOKEN, or admin.token in WK_DATA_DIR.');
}
const { protocol } = values;
if (!PROTOCOLS.includes(protocol)) refuse(`--protocol is one of ${PROTOCOLS.join(', ')}.`);
const api = { origin: values.api, token };
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Where the protocol's listener is: as told, or as the service on this machine has written it down. */
function listenerOf(name: TcpSpeakerName): { host: string; port: number } {
  const [, host, port] = /^(.+):(\d+)$/.exec(values.tcp ?? '') ?? [];
  if (host !== undefined) return { host, port: Number(port) };
  const file = join(process.env.WK_DATA_DIR || './data', `${name}.port`);
  try {
    return { host: '127.0.0.1', port: Number(readFileSync(file, 'utf8')) };
  } catch {
    return refuse(
      `Nothing listens for ${name}: start the service with WK_TCP_${name.toUpperCase()}, or give --tcp HOST:PORT.`,
    );
  }
}

async function startFleet(): Promise<{ told: string; end(): Promise<string> }> {
  if (protocol === 'json') {
    const seedsDirectory = values.seeds;
    const simulator = await startSimulator({ api, url: values.url, seedsDirectory, clock: systemClock, say });
    return {
      told: `${simulator.gateways} gateways publish to ${values.url}`,
      async end() {
        await simulator.stop();
        return `${simulator.acknowledged()} values acknowledged.`;
      },
    };
  }
  const name = protocol as TcpSpeakerName;
  const world = worldOf(readSeeds(values.seeds));
  const listener = listenerOf(name);
  const stations = stationsFor(name, world, systemClock.nowMs());
  const rtus = await startRtus(name, stations, { api, world, ...listener, clock: systemClock, say });
  return {
    told: `${rtus.gateways} RTUs speak ${name} to ${listener.host}:${listener.port}`,
    async end() {
      rtus.stop();
      return `${rtus.confirmed()} reports confirmed.`;
    },
  };
}

try {
  const fleet = await startFleet();
  say(`${fleet.told}; Ctrl-C ends.`);
  const end = async () => {
    say(await fleet.end());
    process.exit(0);
  };
  process.once('SIGINT', end).once('SIGTERM', end);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
