/**
 * Telegraf and our service at the same work, in turn: gateways → Mosquitto → consumer → InfluxDB, messages of 20 values.
 * Once as fast as they are taken, once at a steady 6,000 readings/s, the usual day with its small batches. Each run has a
 * broker, a database and a consumer of its own. Needs `telegraf` on PATH, and both servers installed.
 */
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type Figure, figure, inDirectory, median } from '#bench/shared/figure.ts';
import type { Load } from '#bench/shared/load.ts';
import { cpuSeconds, peakRssMB, publish, STATIONS } from '#bench/shared/running-service.ts';
import { PARAMETERS } from '#bench/shared/water.ts';
import { hasMosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { type Between, type Consumer, DATABASE, startOurs, startTelegraf, telegrafVersion } from './consumers.ts';

const ROUNDS = 3;
const FLOOD_MESSAGES = 40_000;
const WINDOW = 200;
const STEP_MS = 1000;
const STEADY_READINGS_PER_SECOND = 6000;
const STEADY_SECONDS = 30;
const POLL_MS = 50;
/** What hasn't come after so long without anything coming is lost. */
const STILL_MS = 15_000;

type Pace = 'flood' | 'steady';

interface Run {
  cpuMicros: number;
  perSecond: number;
  peakMB: number;
  lost: number;
}

export async function run(): Promise<Figure[]> {
  const version = telegrafVersion();
  if (version === null) throw new Error('telegraf must be on PATH for this one');
  if (!hasInfluxdb || !hasMosquitto) throw new Error('influxd and mosquitto must be installed for this one');
  const [loadBefore] = loadavg();
  const consumers = { [`Telegraf ${version}`]: startTelegraf, Wellkeeper: startOurs };
  const figures: Figure[] = [];
  for (const pace of ['flood', 'steady'] as const) {
    const runs = new Map<string, Run[]>(Object.keys(consumers).map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, start] of Object.entries(consumers)) {
        const one = await inDirectory((directory) => measure(directory, start, pace));
        console.error(`${name}, ${pace}, round ${round + 1} of ${ROUNDS}: ${JSON.stringify(one)}`);
        runs.get(name)!.push(one);
      }
    }
    figures.push(...[...runs].flatMap(([name, ones]) => figuresOf(`${name}, ${pace}`, ones)), ratio(pace, runs));
  }
  return [...figures, figure('load of the machine before', loadBefore!, 'processes')];
}

function figuresOf(name: string, runs: readonly Run[]): Figure[] {
  const of = (key: keyof Run) => runs.map((one) => one[key]);
  return [
    figure(`${name}: CPU of the consumer`, median(of('cpuMicros')), 'µs/reading'),
    figure(`${name}: stored`, median(of('perSecond')), 'readings/s'),
    figure(`${name}: most memory`, Math.max(...of('peakMB')), 'MB'),
    figure(
      `${name}: lost, of ${runs.length} runs together`,
      of('lost').reduce((sum, one) => sum + one, 0),
      'readings',
    ),
  ];
}

/** Of each round, whose two runs follow each other. */
function ratio(pace: Pace, runs: ReadonlyMap<string, readonly Run[]>): Figure {
  const [theirs, ours] = [...runs.values()] as [readonly Run[], readonly Run[]];
  const shares = ours.map(({ cpuMicros }, round) => cpuMicros / theirs[round]!.cpuMicros);
  return figure(`Wellkeeper over Telegraf, ${pace}: CPU of the consumer`, median(shares), '');
}

async function measure(directory: string, start: (between: Between) => Promise<Consumer>, pace: Pace): Promise<Run> {
  const influx = await startInfluxdb(directory);
  const mosquitto = await startMosquitto(directory, [
    'allow_anonymous true',
    // Nothing may be dropped at the broker: what waits for the consumer waits there.
    'max_queued_messages 0',
    // Who has subscribed is read from its log.
    ...['error', 'warning', 'information', 'subscribe'].map((type) => `log_type ${type}`),
  ]);
  try {
    await influx.createDatabase(DATABASE);
    const consumer = await start({ directory, mosquitto, influx });
    try {
      return await work(consumer, influx, loadOf(pace, mosquitto.port, consumer.passwords));
    } finally {
      await consumer.stop();
    }
  } finally {
    await mosquitto.stop();
    await influx.stop();
  }
}

function loadOf(pace: Pace, port: number, passwords: string[]): Load {
  const shared = { port, passwords, stations: STATIONS };
  if (pace === 'flood') {
    const startMs = Date.now() - (FLOOD_MESSAGES / STATIONS) * STEP_MS;
    return { ...shared, messages: FLOOD_MESSAGES, window: WINDOW, pace: { startMs, stepMs: STEP_MS } };
  }
  const messagesPerSecond = STEADY_READINGS_PER_SECOND / PARAMETERS.length;
  return {
    ...shared,
    messages: messagesPerSecond * STEADY_SECONDS,
    window: Number.MAX_SAFE_INTEGER,
    pace: { messagesPerSecond, breachesPerSecond: 0 },
  };
}

async function work({ child, settled }: Consumer, influx: Influxdb, load: Load): Promise<Run> {
  const readings = load.messages * PARAMETERS.length;
  const before = cpuSeconds(child);
  const publishing = publish(load);
  const stored = await allStored(influx, readings);
  const { beganMs } = await publishing;
  await settled();
  return {
    cpuMicros: ((cpuSeconds(child) - before) * 1e6) / readings,
    perSecond: stored.count / ((stored.atMs - beganMs) / 1000),
    peakMB: peakRssMB(child),
    lost: readings - stored.count,
  };
}

/** Waits until all are stored, or no more come; counts them only then, which is work for InfluxDB. */
async function allStored(influx: Influxdb, readings: number): Promise<{ count: number; atMs: number }> {
  let last = { written: 0, atMs: Date.now() };
  for (;;) {
    const written = await pointsWritten(influx);
    if (written !== last.written) last = { written, atMs: Date.now() };
    const isStill = Date.now() - last.atMs > STILL_MS;
    if (written >= readings || isStill) {
      const count = await pointsStored(influx);
      // Some may have been written twice.
      if (count === readings || isStill) return { count, atMs: last.atMs };
    }
    await pause(POLL_MS);
  }
}

/** As InfluxDB itself says, for the asking. */
async function pointsWritten(influx: Influxdb): Promise<number> {
  const { results } = await influx.query("SHOW STATS FOR 'httpd'");
  const { columns, values } = results[0]!.series![0]!;
  return Number(values[0]![columns.indexOf('pointsWrittenOK')]);
}

async function pointsStored(influx: Influxdb): Promise<number> {
  const { results } = await influx.query('SELECT count(value) FROM reading', DATABASE);
  const { columns, values } = results[0]?.series?.[0] ?? { columns: ['count'], values: [[0]] };
  return Number(values[0]![columns.indexOf('count')]);
}
