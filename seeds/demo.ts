/**
 * `npm run demo`: the whole of Wellkeeper on this machine: the service as a child process, a year of history, and
 * simulated gateways over real MQTT. Settings (WK_…) pass through. Ctrl-C or SIGTERM ends all of it with exit 0; if
 * the service ends by itself, the demonstration ends with its exit code.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#src/clock.ts';
import { adminToken } from './admin-token.ts';
import { type AlarmItem, alarmLine } from './alarm-line.ts';
import { type Api, call, patiently } from './api-client.ts';
import { readSeeds } from './load.ts';
import { loadHistory } from './simulation/load-history.ts';
import { type RunningRtus, startRtus, type TcpSpeakerName } from './simulation/rtus/run.ts';
import { startSimulator } from './simulation/run.ts';
import { worldOf } from './simulation/sites.ts';

const environment = process.env;
const seedsDirectory = fileURLToPath(new URL('.', import.meta.url));
const dataDirectory = resolve(environment.WK_DATA_DIR || './data');
/** One RTU of each kind that speaks over TCP, and the station that it stands at. */
const RTUS = { hj212: 'baier-centre', sl651: 'yangwei', szy206: 'tianjin-trunk' } as const satisfies Record<
  TcpSpeakerName,
  string
>;
const RTU_SETTINGS = Object.keys(RTUS).map((name) => `WK_TCP_${name.toUpperCase()}`);
const READY_MS = 60_000;
const STOP_MS = 10_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

/** Everything that waits, waits on this, so that Ctrl-C is never kept waiting itself. */
const ending = new AbortController();
const pause = (ms: number) => sleep(ms, undefined, { signal: ending.signal });

function startService(): ChildProcess {
  return spawn(
    process.execPath,
    ['--max-semi-space-size=4', fileURLToPath(new URL('../src/main.ts', import.meta.url))],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      // The terminal belongs to the demonstration: the service's own log shows warnings unless it is asked for more.
      env: {
        ...environment,
        WK_SEEDS: environment.WK_SEEDS || seedsDirectory,
        WK_LOG_LEVEL: environment.WK_LOG_LEVEL || 'warn',
        ...Object.fromEntries(RTU_SETTINGS.map((name) => [name, environment[name] || '127.0.0.1:0'])),
      },
    },
  );
}

/** A port file that was written after `sinceMs`; null while there is none. An older one is a dead process's. */
function portIn(name: string, sinceMs: number): number | null {
  const file = join(dataDirectory, name);
  try {
    return statSync(file).mtimeMs >= sinceMs ? Number(readFileSync(file, 'utf8')) : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function whenReady(sinceMs: number): Promise<{ origin: string; url: string }> {
  const deadlineMs = systemClock.nowMs() + READY_MS;
  const host = (name: string) => (['', '0.0.0.0', '::'].includes(name) ? '127.0.0.1' : name);
  while (systemClock.nowMs() < deadlineMs) {
    const http = portIn('http.port', sinceMs);
    const mqtt = portIn('mqtt.port', sinceMs);
    if (http !== null && mqtt !== null) {
      const origin = `http://${host(environment.WK_HTTP_HOST ?? '')}:${http}`;
      const ready = await fetch(`${origin}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return { origin, url: `mqtt://${host(environment.WK_MQTT_HOST ?? '')}:${mqtt}` };
    }
    await pause(100);
  }
  throw new Error(`the service was not ready within ${READY_MS / 1000} s`);
}

function welcome({ origin, token }: Api, url: string): void {
  const lastYear = new Date(systemClock.nowMs() - 365 * 86_400_000).toISOString().slice(0, 13);
  const from = `from=${lastYear}:00:00Z`;
  const curl = `curl -s -H 'Authorization: Bearer ${token}'`;
  say(`
Wellkeeper (守井人) runs at ${origin}
MQTT broker            ${url}
Log in with the token  ${token}

Try, in another terminal:
  ${curl} '${origin}/api/v1/stations/taocha/latest'
  ${curl} '${origin}/api/v1/trends?station=taocha&parameter=nh3n&interval=P1M&${from}'
  ${curl} '${origin}/api/v1/volumes?recipient=beijing&by=month&${from}'
  ${curl} '${origin}/api/v1/alarms'
`);
}

/** Prints each alarm when it is raised and whenever its state or severity changes; found-late records are history. */
async function tellAlarms(api: Api): Promise<void> {
  const told = new Map<string, string>();
  for (;;) {
    // A busy machine is no reason to end the demonstration.
    const answer = await patiently(() => call(api, 'GET', '/alarms?limit=100'), pause);
    const { items } = answer as { items: AlarmItem[] };
    for (const alarm of items.reverse()) {
      const now = `${alarm.state} ${alarm.severity}`;
      if (alarm.late || told.get(alarm.id) === now) continue;
      told.set(alarm.id, now);
      say(alarmLine(alarm));
    }
    await pause(1000);
  }
}

async function demonstrate(sinceMs: number): Promise<void> {
  const { origin, url } = await whenReady(sinceMs);
  const token = adminToken(environment);
  if (token === null) throw new Error(`there is no admin.token in ${dataDirectory}`);
  const api = { origin, token };
  welcome(api, url);
  const world = worldOf(readSeeds(seedsDirectory));
  const rtus: RunningRtus[] = [];
  ending.signal.addEventListener('abort', () => rtus.forEach((rtu) => void rtu.stop()), { once: true });
  for (const [name, station] of Object.entries(RTUS) as [TcpSpeakerName, string][]) {
    const port = portIn(`${name}.port`, sinceMs)!;
    rtus.push(await startRtus(name, [station], { api, world, host: '127.0.0.1', port, clock: systemClock, say }));
  }
  const without = new Set<string>(Object.values(RTUS));
  const simulator = await startSimulator({ api, url, seedsDirectory, without, clock: systemClock, say });
  ending.signal.addEventListener('abort', () => void simulator.stop(), { once: true });
  say(
    `${simulator.gateways + rtus.length} simulated gateways publish, ${rtus.length} of them as RTUs do. Watch the mouth of the Shending: Class II ends within a minute.`,
  );
  const telling = tellAlarms(api);
  const loading = loadHistory({ api, world, dataDirectory, nowMs: systemClock.nowMs(), pause }).then((values) => {
    if (values > 0) say(`A year of history is loaded: ${values} values.`);
  });
  await Promise.all([telling, loading]);
}

async function main(): Promise<void> {
  if (environment.WK_MQTT_URL) {
    process.stderr.write(
      'The demonstration brings its own broker: unset WK_MQTT_URL, or use npm start and npm run simulate.\n',
    );
    process.exit(2);
  }
  const sinceMs = systemClock.nowMs() - 1;
  const service = startService();
  const ended = new Promise<number>((done) => {
    service.once('error', () => done(1));
    service.once('exit', (code) => done(code ?? 1));
  });
  let asked = false;
  const stop = () => {
    asked = true;
    ending.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  void ended.then(() => ending.abort());
  let failure: Error | null = null;
  // Whatever it is waiting for at that moment, the end doesn't wait with it.
  const aborted = new Promise<void>((done) => ending.signal.addEventListener('abort', () => done(), { once: true }));
  const demonstration = demonstrate(sinceMs).catch(async (error: Error) => {
    // When the service dies, its silence is often noticed before its end is.
    await Promise.race([ended, sleep(1000)]);
    if (!ending.signal.aborted) failure = error;
  });
  await Promise.race([demonstration, aborted]);
  // The terminal sends Ctrl-C to the child as well; a second SIGTERM does it no harm.
  service.kill('SIGTERM');
  const kill = setTimeout(() => service.kill('SIGKILL'), STOP_MS);
  const code = await ended;
  clearTimeout(kill);
  if (!asked && failure === null) process.stderr.write(`The service has ended by itself, exit code ${code}.\n`);
  if (failure !== null) process.stderr.write(`${(failure as Error).message}\n`);
  process.exit(asked ? 0 : failure === null ? code : 1);
}

await main();
