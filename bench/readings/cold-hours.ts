/**
 * Closed hours of the embedded store, as rows and as blocks: bytes a reading, what packing costs, and how long questions take.
 * Series that report every minute, 10 minutes and hour, each device's values with its own entry.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Figure, figure, inDirectory, medianMs } from '#bench/shared/figure.ts';
import { PARAMETERS, valueAt } from '#bench/shared/water.ts';
import { openDerived } from '#installation/derived.ts';
import { createColdHours } from '#readings/blocks/cold-hours.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import type { ReadingToStore } from '#readings/store.ts';
import { openReadOnly } from '#src/sqlite.ts';

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const BATCH = 20_000;
const ROUNDS = 30;
/** That close one after the other. */
const HOURS = 96;
/** Name, interval, days, series. */
const KINDS: readonly [string, number, number, number][] = [
  ['every minute', MINUTE_MS, 10, 40],
  ['every 10 minutes', 10 * MINUTE_MS, 90, 40],
  ['every hour', 60 * MINUTE_MS, 365, 40],
];

export async function run(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of KINDS) figures.push(...(await inDirectory((directory) => measure(directory, kind))));
  return figures;
}

async function measure(directory: string, kind: (typeof KINDS)[number]): Promise<Figure[]> {
  const [name, stepMs, days, series] = kind;
  const path = join(directory, 'readings.db');
  const store = new SqliteReadings(path);
  const perSeries = (days * DAY_MS) / stepMs;
  await fill(store, stepMs, perSeries, series);
  const readings = perSeries * series;
  const asRows = { bytes: bytesInUse(path) / readings, ms: await questions(path, days) };
  const atOnce = pack(packing(store, () => START_MS + (days + 1) * DAY_MS));
  const asBlocks = { bytes: bytesInUse(path) / readings, ms: await questions(path, days) };
  await store.close();
  const goingOn = await asTimeGoesOn(directory, kind);
  return [
    figure(`${name}, as rows`, asRows.bytes, 'bytes/reading'),
    figure(`${name}, as blocks`, asBlocks.bytes, 'bytes/reading'),
    figure(`${name}, packed at once`, atOnce.us / readings, 'µs of CPU/reading'),
    figure(`${name}, packed at once, longest step`, atOnce.longestMs, 'ms'),
    figure(`${name}, packed as time goes on`, goingOn.us, 'µs of CPU/reading'),
    figure(`${name}, packed as time goes on, longest step`, goingOn.longestMs, 'ms'),
    ...Object.keys(asRows.ms).flatMap((question) => [
      figure(`${name}, ${question}, as rows`, asRows.ms[question]!, 'ms'),
      figure(`${name}, ${question}, as blocks`, asBlocks.ms[question]!, 'ms'),
    ]),
  ];
}

/** Day by day: an hour of all series is written and closes, and a step looks at it. @returns µs of CPU a reading. */
async function asTimeGoesOn(directory: string, [, stepMs, , series]: (typeof KINDS)[number]): Promise<Work> {
  const store = new SqliteReadings(join(directory, 'hourly.db'));
  const steps = (60 * MINUTE_MS) / stepMs;
  let hour = 0;
  const cold = packing(store, () => START_MS + hour * 60 * MINUTE_MS);
  const sum = pack(cold);
  while (hour < HOURS) {
    for (let step = hour * steps; step < (hour + 1) * steps; step++) await store.write(stepOf(step, stepMs, series));
    hour++;
    const { us, longestMs } = pack(cold);
    sum.us += us;
    sum.longestMs = Math.max(sum.longestMs, longestMs);
  }
  await store.close();
  return { ...sum, us: sum.us / (HOURS * steps * series) };
}

function stepOf(step: number, stepMs: number, series: number): ReadingToStore[] {
  return Array.from({ length: series }, (_, index) => {
    const id = index + 1;
    const place = id % PARAMETERS.length;
    // Each station's message is an entry; some other entry comes in between now and then.
    const seq = 1 + step * series + Math.floor(id / PARAMETERS.length) + ((step * id) % 7);
    const timeMs = START_MS + step * stepMs;
    return { series: id, timeMs, value: valueAt(place, step), flag: 1, deviceFlag: 'N', seq };
  });
}

async function fill(store: SqliteReadings, stepMs: number, perSeries: number, series: number): Promise<void> {
  let readings: ReadingToStore[] = [];
  for (let step = 0; step < perSeries; step++) {
    readings.push(...stepOf(step, stepMs, series));
    if (readings.length < BATCH) continue;
    await store.write(readings);
    readings = [];
  }
  await store.write(readings);
}

interface Work {
  /** Of CPU. */
  us: number;
  longestMs: number;
}

/** As the service drives it, but that it doesn't rest. */
function packing(store: SqliteReadings, openFromMs: () => number) {
  const derived = openDerived(':memory:');
  let passes = 0;
  const clock = { monotonicMs: () => performance.now() + passes * 60_000 };
  const log = { warn: (fields: object) => assert.fail(JSON.stringify(fields)) };
  const cold = createColdHours({ derived, packer: store.packer(), isBehind: () => false, openFromMs, clock, log });
  return {
    step: cold.step,
    next() {
      passes++;
    },
  };
}

/** Two passes: the second gives back what the first has freed. */
function pack({ step, next }: ReturnType<typeof packing>): Work {
  const began = process.cpuUsage();
  let longestMs = 0;
  for (let pass = 0; pass < 2; pass++) {
    next();
    for (let isMore = true; isMore; ) {
      const beganMs = performance.now();
      isMore = step();
      longestMs = Math.max(longestMs, performance.now() - beganMs);
    }
  }
  const { user, system } = process.cpuUsage(began);
  return { us: user + system, longestMs };
}

async function questions(path: string, days: number): Promise<Record<string, number>> {
  const store = new SqliteReadings(path, { readOnly: true });
  const endMs = START_MS + days * DAY_MS;
  const ask = async (ms: number) => {
    let series = 0;
    return medianMs(ROUNDS, async () => {
      series = (series % 40) + 1;
      await store.read(series, endMs - ms, endMs, 1e6);
    });
  };
  const found = {
    [`${Math.min(days, 90)} days`]: await ask(Math.min(days, 90) * DAY_MS),
    'a day': await ask(DAY_MS),
    'an hour': await ask(60 * MINUTE_MS),
  };
  await store.close();
  return found;
}

function bytesInUse(path: string): number {
  const database = openReadOnly(path);
  const sql =
    'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size';
  const { bytes } = database.prepare(sql).get() as { bytes: number };
  database.close();
  return bytes;
}
