/**
 * What a reading costs on disk once its hours are closed and nothing is rewritten any more: two days of 1,000 series every
 * 5 minutes through the real service, in messages of 20; the same readings in InfluxDB, where it is installed. Then what that comes to for 1,000 stations, and how long their
 * journal lasts while nothing passes it.
 */
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { booksClosed } from '#bench/shared/books-closed.ts';
import { atMost, type Figure, figure, inDirectory } from '#bench/shared/figure.ts';
import { caughtUp, publish, register, STATIONS, withService } from '#bench/shared/running-service.ts';
import { PARAMETERS, valueAt } from '#bench/shared/water.ts';
import { openInfluxReadings } from '#readings/influx/store.ts';
import type { ReadingToStore } from '#readings/store.ts';
import { readConfig } from '#setting/config.ts';
import { systemClock } from '#src/clock.ts';
import { openReadOnly } from '#src/sqlite.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import type { TestService } from '#tests/helpers/service.ts';

const STEP_MS = 300_000;
const DAY_MS = 86_400_000;
const DAYS = 2;
const STEPS_A_DAY = DAY_MS / STEP_MS;
const MESSAGES = STATIONS * STEPS_A_DAY * DAYS;
const READINGS = MESSAGES * PARAMETERS.length;
const WINDOW = 50;
/** The installation that the figures are for. */
const LARGE_STATIONS = 1000;
const LARGE_MESSAGES = LARGE_STATIONS * STEPS_A_DAY;
const LARGE_READINGS = LARGE_MESSAGES * PARAMETERS.length;

/** InfluxDB writes what has been still for so long out of its memory, and then together. */
const COLD = '1s';
/** Compaction has come to its end when nothing has changed for so long; it is given up waiting for at the latest. */
const STILL_MS = 4000;
const COMPACTION_MS = 25_000;
/** The same for our own files, which may take a minute to rewrite what was closed on arrival. */
const SETTLED_MS = 10_000;
const CONVERSION_MS = 120_000;
const POLL_MS = 200;
const WRITE_MESSAGES = 1000;
const DATABASE = 'wellkeeper';

export async function run(): Promise<Figure[]> {
  const grown = await withService(async (service) => {
    const passwords = await register(service);
    const before = sizesOf(service);
    const startedMs = Date.now();
    await publish({
      port: service.mqttPort,
      passwords,
      stations: STATIONS,
      messages: MESSAGES,
      window: WINDOW,
      pace: { startMs: startedMs - DAYS * DAY_MS, stepMs: STEP_MS },
    });
    await caughtUp(service);
    await booksClosed(service.dataDir, startedMs);
    const after = await settledSizes(service);
    return new Map([...after].map(([name, bytes]) => [name, bytes - (before.get(name) ?? 0)]));
  });
  const aMessage = (grown.get('journal.db') ?? 0) / MESSAGES;
  const aReading = (grown.get('readings.db') ?? 0) / READINGS;
  const derived = (grown.get('derived.db') ?? 0) / READINGS;
  const stored = (total(grown) - (grown.get('journal.db') ?? 0) - (grown.get('derived.db') ?? 0)) / READINGS;
  const { journalMaxBytes } = readConfig({}).config;
  const inInfluxdb = hasInfluxdb ? (await inDirectory(influxdbBytes)) / READINGS : null;
  const megabytes = (bytes: number) => bytes / 1e6;
  return [
    figure('journal.db', aMessage, 'bytes/message of 20 values'),
    atMost(15, 'journal.db, of 20', aMessage / PARAMETERS.length, 'bytes/reading'),
    figure('readings.db', aReading, 'bytes/reading'),
    atMost(4, 'all files but journal.db and derived.db', stored, 'bytes/reading'),
    figure('derived.db', derived, 'bytes/reading'),
    ...(inInfluxdb === null ? [] : [figure('InfluxDB', inInfluxdb, 'bytes/reading')]),
    figure('journal.db, 1,000 stations', megabytes(aMessage * LARGE_MESSAGES), 'MB/day'),
    figure('readings.db, 1,000 stations', megabytes(aReading * LARGE_READINGS), 'MB/day'),
    figure('derived.db, 1,000 stations', megabytes(derived * LARGE_READINGS), 'MB/day'),
    ...(inInfluxdb === null
      ? []
      : [figure('InfluxDB, 1,000 stations', megabytes(inInfluxdb * LARGE_READINGS), 'MB/day')]),
    figure('messages that the default journal holds', journalMaxBytes / aMessage, 'messages'),
    figure('outage that it survives, 1,000 stations', journalMaxBytes / aMessage / LARGE_MESSAGES, 'days'),
  ];
}

/**
 * Bytes of each file: of a database those of the pages in use, its log (`-wal`) counted as if it had been written back. What
 * the program keeps for itself (lock, compiled code) doesn't count.
 */
function sizesOf({ dataDir }: TestService): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const entry of readdirSync(dataDir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(dataDir, path);
    if (!entry.isFile() || /^(compile-cache\/|lock\.db)|-(wal|shm)$/.test(name)) continue;
    const bytes = name.endsWith('.db') ? bytesInUse(path) : statSync(path, { throwIfNoEntry: false })?.size;
    if (bytes !== undefined) sizes.set(name, bytes);
  }
  return sizes;
}

function bytesInUse(path: string): number {
  const database = openReadOnly(path);
  const { bytes } = database
    .prepare(
      'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
    )
    .get() as { bytes: number };
  database.close();
  return bytes;
}

/** Once nothing has changed for a while: closed hours may be written anew in the background. */
async function settledSizes(service: TestService): Promise<Map<string, number>> {
  const began = systemClock.monotonicMs();
  let last = { sizes: sizesOf(service), atMs: began };
  while (systemClock.monotonicMs() - last.atMs < SETTLED_MS && systemClock.monotonicMs() - began < CONVERSION_MS) {
    await pause(POLL_MS);
    const sizes = sizesOf(service);
    if (total(sizes) !== total(last.sizes)) last = { sizes, atMs: systemClock.monotonicMs() };
  }
  return last.sizes;
}

function total(sizes: ReadonlyMap<string, number>): number {
  return sizes.values().reduce((sum, bytes) => sum + bytes, 0);
}

/** Bytes of the same readings in InfluxDB once it has compacted them. */
async function influxdbBytes(directory: string): Promise<number> {
  const influx = await startCold(directory);
  try {
    await influx.createDatabase(DATABASE);
    await writeReadings(influx);
    const began = systemClock.monotonicMs();
    let last = { bytes: 0, atMs: began };
    while (systemClock.monotonicMs() - last.atMs < STILL_MS && systemClock.monotonicMs() - began < COMPACTION_MS) {
      await pause(POLL_MS);
      const bytes = bytesIn(directory);
      if (bytes !== last.bytes) last = { bytes, atMs: systemClock.monotonicMs() };
    }
    return last.bytes;
  } finally {
    await influx.stop();
  }
}

/** influxd takes settings from its environment, too, which is ours. */
async function startCold(directory: string): Promise<Influxdb> {
  const settings = [
    'INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION',
    'INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION',
  ];
  for (const name of settings) process.env[name] = COLD;
  try {
    return await startInfluxdb(directory);
  } finally {
    for (const name of settings) delete process.env[name];
  }
}

/** As the follower would: message by message in the order of their times. */
async function writeReadings({ url }: Influxdb): Promise<void> {
  const name = (series: number) => ({
    station: `s${Math.floor(series / PARAMETERS.length)}`,
    parameter: PARAMETERS[series % PARAMETERS.length]!.id,
  });
  const influx = { url, token: null, org: null, bucket: DATABASE, api: 'v1', retentionOk: false } as const;
  const store = openInfluxReadings({ clock: systemClock, influx, name });
  const startMs = Date.now() - DAYS * DAY_MS;
  for (let seq = 1; seq <= MESSAGES; ) {
    const readings: ReadingToStore[] = [];
    for (const last = Math.min(MESSAGES, seq + WRITE_MESSAGES - 1); seq <= last; seq++) {
      const station = (seq - 1) % STATIONS;
      const round = Math.floor((seq - 1) / STATIONS);
      for (let place = 0; place < PARAMETERS.length; place++) {
        const series = station * PARAMETERS.length + place;
        const value = valueAt(place, round);
        readings.push({ series, timeMs: startMs + round * STEP_MS, value, flag: 1, deviceFlag: null, seq });
      }
    }
    await store.write(readings);
  }
  await store.close();
}

/**
 * Bytes of points in the files below: not the index of series, which is made at a fixed size of 32 MiB. What goes away
 * meanwhile counts nothing.
 */
function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    const found =
      /\.(tsm|wal)$/.test(entry.name) && statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    return sum + (found ? found.size : 0);
  }, 0);
}
