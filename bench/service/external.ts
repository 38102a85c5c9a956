/**
 * The production path on the machine's own cores: gateways → Mosquitto → the service → InfluxDB, until a reading is
 * durable there; beside the rate at which the same InfluxDB takes the same lines from a file. Then the
 * backlog of an InfluxDB that stood still. Needs both servers installed.
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { atLeast, atMost, type Figure, figure, inDirectory, stopwatch } from '#bench/shared/figure.ts';
import type { Load } from '#bench/shared/load.ts';
import {
  caughtUp,
  openProgress,
  peakRssMB,
  publish,
  register,
  STATIONS,
  startService,
} from '#bench/shared/running-service.ts';
import { PARAMETERS, PERIOD, valueAt } from '#bench/shared/water.ts';
import { GOOD } from '#model/flag.ts';
import { linePrefix, toLine } from '#readings/influx/lines.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import type { TestService } from '#tests/helpers/service.ts';

const MESSAGES = 50_000;
const READINGS = MESSAGES * PARAMETERS.length;
const WINDOW = 200;
const STEP_MS = 1000;
const RAW_LINES = 5000;
const RAW_CONNECTIONS = 4;
const POLL_MS = 20;
const DATABASE = 'wellkeeper';
const RAW_DATABASE = 'raw';

export async function run(): Promise<Figure[]> {
  if (!hasInfluxdb || !hasMosquitto) throw new Error('influxd and mosquitto must be installed for this one');
  return inDirectory(async (directory) => {
    const influx = await startInfluxdb(directory);
    const mosquitto = await startMosquitto(directory, [
      'allow_anonymous true',
      // Nothing may be dropped at the broker: what waits for us waits there.
      'max_queued_messages 0',
      'max_inflight_messages 0',
    ]);
    try {
      await influx.createDatabase(DATABASE);
      await influx.createDatabase(RAW_DATABASE);
      const raw = await rawRate(influx);
      return await onService(influx, mosquitto, raw);
    } finally {
      await mosquitto.stop();
      await influx.stop();
    }
  });
}

async function onService(influx: Influxdb, mosquitto: Mosquitto, raw: number): Promise<Figure[]> {
  const service = await startService({
    env: {
      WK_MQTT_URL: `mqtt://127.0.0.1:${mosquitto.port}`,
      WK_INFLUX_URL: influx.url,
      WK_INFLUX_API: 'v1',
      WK_INFLUX_BUCKET: DATABASE,
    },
  });
  try {
    const passwords = await register(service);
    const load = (rounds: number): Load => ({
      port: mosquitto.port,
      passwords,
      stations: STATIONS,
      messages: MESSAGES,
      window: WINDOW,
      pace: { startMs: Date.now() - rounds * (MESSAGES / STATIONS) * STEP_MS, stepMs: STEP_MS },
    });
    const first = await publish(load(2));
    await journaled(service, MESSAGES);
    const { storedMs } = await caughtUp(service);
    const through = READINGS / ((storedMs - first.beganMs) / 1000);
    const catchUp = await backlog(service, influx, load(1));
    const stored = await influx.query(`SELECT count(flag) FROM "${DATABASE}".autogen.reading`);
    return [
      figure(`bare line protocol, ${RAW_CONNECTIONS} connections`, raw, 'readings/s'),
      figure('published, until durable in InfluxDB', through, 'readings/s'),
      atLeast(0.4, 'share of bare line protocol', through / raw, ''),
      figure('backlog of a standing InfluxDB', catchUp.readings, 'readings'),
      figure('catching up', catchUp.perSecond, 'readings/s'),
      atMost(300, 'most memory throughout', peakRssMB(service.child), 'MB'),
      figure('readings in InfluxDB', countOf(stored), 'readings'),
    ];
  } finally {
    await service.end();
    await service.remove();
  }
}

/** InfluxDB stands still (it neither answers nor refuses) while everything is published; then it goes on. */
async function backlog(service: TestService, influx: Influxdb, load: Load) {
  influx.freeze();
  try {
    await publish(load);
    await journaled(service, 2 * MESSAGES);
  } finally {
    influx.thaw();
  }
  const progress = openProgress(service.dataDir);
  const { headSeq, storedSeq } = progress.now();
  progress.close();
  const readings = (headSeq - storedSeq) * PARAMETERS.length;
  const beganMs = Date.now();
  const { storedMs } = await caughtUp(service);
  return { readings, perSecond: readings / ((storedMs - beganMs) / 1000) };
}

/** The outside broker has acknowledged them long before we have them. */
async function journaled(service: TestService, messages: number): Promise<void> {
  const wanted = messages * PARAMETERS.length;
  for (;;) {
    const { body } = await service.call<string>('GET', '/metrics');
    const [, received] = /^wellkeeper_received_values_total (\S+)$/m.exec(body) ?? [];
    if (Number(received) >= wanted) return;
    await pause(POLL_MS);
  }
}

/** The very lines that the service writes, made beforehand; several connections, each with one request at a time. */
async function rawRate({ url }: Influxdb): Promise<number> {
  const bodies = rawBodies(Date.now() - (MESSAGES / STATIONS) * STEP_MS);
  const agent = new Agent({ keepAlive: true, maxSockets: RAW_CONNECTIONS });
  const timer = stopwatch();
  let next = 0;
  const lane = async () => {
    while (next < bodies.length) await post(`${url}/write?db=${RAW_DATABASE}&precision=ms`, bodies[next++]!, agent);
  };
  await timer.time(() => Promise.all(Array.from({ length: RAW_CONNECTIONS }, lane)).then(() => {}));
  agent.destroy();
  return timer.perSecond(READINGS);
}

function rawBodies(startMs: number): string[] {
  const bodies: string[] = [];
  const lines: string[] = [];
  for (let message = 0; message < MESSAGES; message++) {
    const round = Math.floor(message / STATIONS);
    for (const [place, { id }] of PARAMETERS.entries()) {
      const prefix = linePrefix({ station: `s${message % STATIONS}`, parameter: id });
      const timeMs = startMs + round * STEP_MS;
      const value = valueAt(place, round % PERIOD);
      lines.push(
        toLine(prefix, { series: 0, timeMs, value, flag: GOOD, deviceFlag: null, isFirst: true, seq: message }),
      );
    }
    if (lines.length >= RAW_LINES) bodies.push(lines.splice(0).join('\n'));
  }
  if (lines.length > 0) bodies.push(lines.join('\n'));
  return bodies;
}

function post(url: string, body: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => {
      response.resume();
      response.once('end', () =>
        response.statusCode === 204 ? resolve() : reject(new Error(`InfluxDB answered ${response.statusCode}`)),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** The one number of InfluxDB's answer to a count. */
function countOf(answer: unknown): number {
  const { results } = answer as { results: { series?: { values: number[][] }[] }[] };
  return results[0]?.series?.[0]?.values[0]?.[1] ?? 0;
}
