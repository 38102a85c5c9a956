/** A real NATS server with JetStream and its MQTT listener on a random port of loopback; suites skip without one. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#tests/helpers/eventually.ts';
import { freePort } from '#tests/helpers/free-port.ts';

/** Debian puts it where an ordinary user's PATH doesn't look. */
const PATH = `${process.env.PATH}:/usr/sbin`;

const asked = spawnSync('nats-server', ['--version'], { env: { PATH }, encoding: 'utf8' });
export const hasNats = asked.error === undefined;
export const natsVersion = /v(\d+\.\d+\.\d+)/.exec(asked.stdout ?? '')?.[1] ?? null;
const [major = 0, minor = 0] =
  /v(\d+)\.(\d+)/
    .exec(asked.stdout ?? '')
    ?.slice(1)
    .map(Number) ?? [];
/** Since 2.10 a dot in a topic is taken (it becomes `//` in a subject), and one in a client id is not. */
export const natsTakesDots = major > 2 || (major === 2 && minor >= 10);

export interface Nats {
  port: number;
  /** Has it read its configuration again (SIGHUP); returns when it has. */
  reload(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/**
 * @param directory of its store; the same one is the same server.
 * @param given the port of an earlier one, to come back on; lines of nats-server.conf, and of its `mqtt { }`.
 */
export async function startNats(
  directory: string,
  given: { port?: number; settings?: string; mqtt?: string } = {},
): Promise<Nats> {
  const { settings = '', mqtt = 'ack_wait: "2s"' } = given;
  const port = given.port ?? (await freePort());
  const conf = join(directory, 'nats.conf');
  const lines = [
    'server_name: wk',
    `listen: "127.0.0.1:${await freePort()}"`,
    `jetstream { store_dir: "${directory}/jetstream" }`,
    settings,
    `mqtt {\nlisten: "127.0.0.1:${port}"\n${mqtt}\n}`,
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  const child = spawn('nats-server', ['-c', conf], { env: { PATH }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await eventually('NATS is ready', () => {
    if (child.exitCode !== null) throw new Error(`nats-server ended:\n${log}`);
    return log.includes('Server is ready');
  });
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  const reload = async () => {
    const before = log.length;
    child.kill('SIGHUP');
    await eventually('NATS has read its files', () => log.slice(before).includes('Reloaded server configuration'));
  };
  return { port, reload, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}
