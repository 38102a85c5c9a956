/** The real service as a child process on random ports and a directory of its own, and a client for its API. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { eventually } from './eventually.ts';

const ROOT = join(import.meta.dirname, '../..');
export const ADMIN = 'administrator-of-a-test';

interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

export interface TestService {
  readonly dataDir: string;
  readonly url: string;
  readonly mqttPort: number;
  /** Of a listener for devices that was opened. */
  portOf(name: 'hj212' | 'sl651' | 'szy206'): number;
  readonly child: ChildProcess;
  /** All that it wrote to stdout and stderr. */
  output(): string;
  /** A request with the administrator's token unless headers say otherwise; JSON in, JSON out. */
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  /** Registers a gateway and gives its password. */
  gateway(id: string, stations: string[]): Promise<string>;
  connect(id: string, password: string, options?: object): Promise<MqttClient>;
  /** Ends it with this signal and waits; says how it ended. The directory stays until `remove`. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  remove(): Promise<void>;
}

export { eventually };

/** Starts (or starts again, with the `dataDir` of an earlier one) and resolves once /readyz says 200. */
export async function startTestService(
  options: { dataDir?: string; env?: Record<string, string> } = {},
): Promise<TestService> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'wk-service-'));
  // What a killed one left behind would lead to where nothing listens any more.
  for (const name of ['http', 'mqtt', 'hj212', 'sl651', 'szy206'])
    rmSync(join(dataDir, `${name}.port`), { force: true });
  let output = '';
  const child = spawn(process.execPath, ['--max-semi-space-size=4', join(ROOT, 'src/main.ts')], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      WK_DATA_DIR: dataDir,
      WK_HTTP_PORT: '0',
      WK_MQTT_PORT: '0',
      WK_ADMIN_TOKEN: ADMIN,
      WK_RATE_LIMIT: '100000',
      WK_BUSY_AFTER: '0ms',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const portOf = (name: string): number | null => {
    const path = join(dataDir, `${name}.port`);
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : null;
  };
  const isRunning = () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the service ended at start:\n${output}`);
  };
  const ready = async () => {
    const httpPort = await eventually('http.port', () => {
      isRunning();
      return portOf('http');
    }).catch((error: Error) => {
      throw new Error(`${error.message}, and it said\n${output.slice(-4000)}`);
    });
    const address = `http://127.0.0.1:${httpPort}`;
    let waiting = '';
    const readiness = eventually('readiness', async () => {
      isRunning();
      const response = await fetch(`${address}/readyz`);
      waiting = await response.text();
      return response.status === 200;
    });
    await readiness.catch((error: Error) => {
      throw new Error(`${error.message}, waiting: ${waiting}, and it said\n${output.slice(-4000)}`);
    });
    return address;
  };
  const url = await ready().catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  const mqttPort = portOf('mqtt')!;
  const clients: MqttClient[] = [];

  const service: TestService = {
    dataDir,
    url,
    mqttPort,
    portOf: (name) => portOf(name)!,
    child,
    output: () => output,
    async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      // Bytes, too, are sent as they are.
      const isText = typeof body === 'string' || body instanceof Uint8Array;
      const response = await fetch(url + (PLAIN.test(path) ? path : `/api/v1${path}`), {
        method,
        headers: {
          authorization: `Bearer ${ADMIN}`,
          ...(body === undefined ? {} : { 'content-type': isText ? 'text/csv' : 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : isText ? (body as string) : JSON.stringify(body),
      });
      const text = await response.text();
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
    },
    async gateway(id, stations) {
      const { status, body } = await service.call<{ password: string }>('PUT', `/gateways/${id}?rotate=true`, {
        stations,
      });
      if (status !== 200 && status !== 201)
        throw new Error(`PUT /gateways/${id} gave ${status}: ${JSON.stringify(body)}`);
      return body.password;
    },
    async connect(id, password, more = {}) {
      // `false`: a connection that ends before it is accepted is a failure, not something to wait for.
      const client = await connectAsync(
        `mqtt://127.0.0.1:${mqttPort}`,
        { username: id, password, clientId: id, protocolVersion: 4, reconnectPeriod: 0, ...more },
        false,
      );
      clients.push(client);
      return client;
    },
    async end(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const how = await ended;
      // Only now: a client of mqtt.js that is ended while acknowledgements still arrive throws.
      for (const client of clients.splice(0)) client.end(true);
      return how;
    },
    async remove() {
      await service.end('SIGKILL');
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
  return service;
}

/** Somebody is told of alarms: without that the platform has an alarm about it. */
export async function routeToDuty(service: Pick<TestService, 'call'>): Promise<void> {
  await service.call('PUT', '/channels/duty', { kind: 'mqtt' });
  await service.call('PUT', '/routes', [{ match: {}, channels: ['duty'] }]);
}

/** Routes without the prefix. */
const PLAIN = /^\/(healthz|readyz|metrics|openapi\.json|docs|a\/|$)/;
