/** Debian's InfluxDB 1.6 on random ports of loopback, for suites that want a real one; they skip when it isn't installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InfluxConfig } from '#model/config.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { freePort } from '#tests/helpers/free-port.ts';

export const hasInfluxdb = spawnSync('influxd', ['version']).error === undefined;

/**
 * The server that `WK_TEST_INFLUX_URL` (with `…_TOKEN`, `…_ORG`, `…_BUCKET`, `…_API`) names, for suites that any may be
 * tried with. A new bucket each run: every run is another installation, and a bucket that another one has marked is refused.
 */
export const ownInfluxdb: InfluxConfig | null = fromEnvironment();

function fromEnvironment(): InfluxConfig | null {
  const { WK_TEST_INFLUX_URL: url, WK_TEST_INFLUX_TOKEN: token, WK_TEST_INFLUX_ORG: org } = process.env;
  if (!url) return null;
  const bucket = process.env.WK_TEST_INFLUX_BUCKET ?? 'wellkeeper';
  const api = process.env.WK_TEST_INFLUX_API === 'v1' ? 'v1' : 'v2';
  return { url, token: token ?? null, org: org ?? null, bucket, api, retentionOk: true };
}

export interface Influxdb {
  readonly url: string;
  readonly port: number;
  /** InfluxQL as the administrator; the whole answer. */
  query(statement: string, database?: string): Promise<InfluxAnswer>;
  /** @param retention such as `30d`; without it for ever. */
  createDatabase(name: string, retention?: string): Promise<void>;
  /** SIGSTOP and SIGCONT: it neither answers nor refuses. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL in the middle of whatever it does. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again on the same port and files. */
  start(): Promise<void>;
}

interface InfluxAnswer {
  results: { series?: { columns: string[]; values: (number | string | null)[][] }[]; error?: string }[];
}

export interface InfluxdbOptions {
  /** Asks for credentials: `user:password` of the administrator. */
  admin?: string;
}

export async function startInfluxdb(directory: string, { admin }: InfluxdbOptions = {}): Promise<Influxdb> {
  const port = await freePort();
  const home = join(directory, 'influxdb');
  mkdirSync(home, { recursive: true });
  const conf = join(home, 'influxdb.conf');
  writeFileSync(conf, settings(home, port, await freePort(), admin !== undefined));
  const url = `http://127.0.0.1:${port}`;
  const headers = admin === undefined ? {} : { authorization: `Basic ${Buffer.from(admin).toString('base64')}` };
  let child: ChildProcess;
  let log = '';

  async function start(): Promise<void> {
    child = spawn('influxd', ['run', '-config', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr!.on('data', (chunk: Buffer) => (log = (log + chunk).slice(-10_000)));
    await eventually('InfluxDB', async () => {
      if (child.exitCode !== null) throw new Error(`influxd ended with ${child.exitCode}:\n${log}`);
      return fetch(`${url}/ping`).then(
        ({ status }) => status === 204,
        () => false,
      );
    });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    // One that was frozen hears nothing else.
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  async function query(statement: string, database?: string): Promise<InfluxAnswer> {
    const body = new URLSearchParams({
      q: statement,
      epoch: 'ms',
      ...(database === undefined ? {} : { db: database }),
    });
    const response = await fetch(`${url}/query`, { method: 'POST', body, headers });
    const answer = (await response.json()) as InfluxAnswer & { error?: string };
    const error = answer.error ?? answer.results.find((result) => result.error)?.error;
    if (error) throw new Error(`InfluxDB answered ${error} to ${statement}`);
    return answer;
  }

  await start();
  if (admin !== undefined) {
    const [user, password] = admin.split(':') as [string, string];
    await query(`CREATE USER "${user}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES`);
  }
  return {
    url,
    port,
    query,
    start,
    async createDatabase(name, retention) {
      await query(`CREATE DATABASE "${name}"${retention === undefined ? '' : ` WITH DURATION ${retention}`}`);
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

/** Nothing but HTTP on loopback: no reports outwards, no statistics of its own, no log of each request. */
function settings(home: string, port: number, rpcPort: number, isAuthEnabled: boolean): string {
  return `
reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${home}/meta"
  logging-enabled = false
[data]
  dir = "${home}/data"
  wal-dir = "${home}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  auth-enabled = ${isAuthEnabled}
`;
}
