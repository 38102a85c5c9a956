/** A real RabbitMQ node with its MQTT plugin on random ports of loopback and a home of its own; suites skip without one. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '#tests/helpers/eventually.ts';
import { freePort } from '#tests/helpers/free-port.ts';

/** Where Debian puts the scripts: those in /usr/sbin change to the system's own node and user. */
const LIB = '/usr/lib/rabbitmq/lib';
const SBIN = sbin();
export const hasRabbitMq = SBIN !== null;
export const rabbitMqVersion = /rabbitmq_server-([\d.]+)/.exec(SBIN ?? '')?.[1] ?? null;

function sbin(): string | null {
  try {
    const newest = readdirSync(LIB).findLast((name) => name.startsWith('rabbitmq_server-'));
    return newest ? join(LIB, newest, 'sbin') : null;
  } catch {
    return null;
  }
}

/** Six seconds of two processors: on a busy machine that is minutes. */
const START_MS = 200_000;

interface RabbitMqNode {
  port: number;
  /** `rabbitmqctl` with these words; what it says. */
  control(...words: string[]): Promise<string>;
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** What a node keeps over its restarts. */
interface Home {
  directory: string;
  port: number;
  env: Record<string, string>;
}

export interface RabbitMqHome {
  /** @param settings lines of rabbitmq.conf besides the listener. */
  start(settings: string, enabledPlugins: string): Promise<RabbitMqNode>;
  /** Ends the port mapper of its nodes. */
  end(): Promise<void>;
}

/** @param directory of its node: database, logs, cookie. The same one is the same node. */
export async function makeRabbitMqHome(directory: string): Promise<RabbitMqHome> {
  mkdirSync(directory, { recursive: true });
  const [port, epmdPort, distPort] = [await freePort(), await freePort(), await freePort()];
  // Erlang's distribution listens on every address unless told.
  const loopback = '-kernel inet_dist_use_interface {127,0,0,1}';
  const epmd = spawn('epmd', ['-address', '127.0.0.1', '-port', String(epmdPort)], { stdio: 'ignore' });
  const home: Home = {
    directory,
    port,
    env: {
      PATH: `${process.env.PATH}:/usr/sbin`,
      HOME: directory,
      LANG: 'C.UTF-8',
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: 'wk@localhost',
      RABBITMQ_DIST_PORT: String(distPort),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: loopback,
      RABBITMQ_CTL_ERL_ARGS: loopback,
      RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
      RABBITMQ_LOG_BASE: directory,
      RABBITMQ_LOGS: '-',
      RABBITMQ_CONFIG_FILE: join(directory, 'node.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(directory, 'none.config'),
      RABBITMQ_CONF_ENV_FILE: join(directory, 'none.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
      // The script then becomes the node, instead of waiting for it: signals reach it.
      RUNNING_UNDER_SYSTEMD: 'true',
    },
  };
  return {
    start: (settings, enabledPlugins) => startNode(home, settings, enabledPlugins),
    async end() {
      const ended = new Promise((resolve) => epmd.once('close', resolve));
      epmd.kill();
      if (epmd.exitCode === null) await ended;
    },
  };
}

async function startNode(home: Home, settings: string, plugins: string): Promise<RabbitMqNode> {
  const { directory, env, port } = home;
  const listeners = `listeners.tcp = none\nmqtt.listeners.tcp.default = 127.0.0.1:${port}\n`;
  writeFileSync(join(directory, 'node.conf'), `${listeners}${settings}`);
  writeFileSync(join(directory, 'enabled_plugins'), plugins);
  const child = spawn(join(SBIN!, 'rabbitmq-server'), [], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  await eventually(
    'RabbitMQ is ready',
    () => {
      if (child.exitCode !== null) throw new Error(`rabbitmq-server ended:\n${log}`);
      return log.includes('Server startup complete');
    },
    START_MS,
  ).catch(async (error: Error) => {
    await end('SIGKILL');
    throw error;
  });
  const control = async (...words: string[]) => {
    const { stdout } = await promisify(execFile)(join(SBIN!, 'rabbitmqctl'), words, { env });
    return stdout;
  };
  return { port, control, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
