/**
 * The embedded reading store and the follower that fills it, on one thread, over real files: 1,000 series, messages
 * of 20 readings. `npm run bench -- readings` prints one JSON line.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournaledReading, MessageEntry, Verdict } from '#model/entry.ts';
import type { SeriesReading } from '#model/reading.ts';
import { systemClock } from '#src/clock.ts';
import { openDerived } from '#store/derived.ts';
import { createReadingsFollower } from '#store/readings-follower.ts';
import { SqliteReadings } from '#store/sqlite-readings.ts';

const SERIES = 1000;
const VALUES = 20;
const START_MS = Date.UTC(2026, 0, 1);
const INTERVAL_MS = 300_000;
const READINGS = 400_000;
/** Messages a batch: what the pump settles on. */
const BATCH = 250;

/** All figures in readings/s. */
export async function run(): Promise<object> {
  return {
    bench: 'readings',
    series: SERIES,
    upsertsPerSecond: {
      'batches of 500': await inDirectory((directory) => upserts(directory, 500)),
      'batches of 5,000': await inDirectory((directory) => upserts(directory, 5000)),
      'batches of 20,000': await inDirectory((directory) => upserts(directory, 20_000)),
    },
    ...(await inDirectory(follow)),
  };
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'wk-bench-readings-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** In the order in which 5-minute stations report: all series, then all of the next interval. */
function readingAt(index: number): SeriesReading {
  const timeMs = START_MS + Math.floor(index / SERIES) * INTERVAL_MS;
  return { series: index % SERIES, timeMs, value: Math.sin(index) * 10, flag: 1, deviceFlag: null };
}

async function upserts(directory: string, size: number): Promise<number> {
  const store = new SqliteReadings(join(directory, 'readings.db'));
  const timer = stopwatch();
  for (let from = 0; from < READINGS; from += size) {
    const batch = Array.from({ length: size }, (_, index) => readingAt(from + index));
    await timer.time(() => store.write(batch));
  }
  await store.close();
  return timer.perSecond(READINGS);
}

async function follow(directory: string): Promise<object> {
  const derived = openDerived(join(directory, 'derived.db'));
  const store = new SqliteReadings(join(directory, 'readings.db'));
  const follower = createReadingsFollower({
    derived,
    store,
    reader: { seriesByName: () => undefined },
    onReflagged: () => {},
  });
  async function pass(verdict: Verdict, change: number): Promise<number> {
    const timer = stopwatch();
    const end = follower.cursor() + READINGS / VALUES;
    for (let from = follower.cursor(); from < end; from += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, index) => messageOf(from + index + 1, verdict, change));
      await timer.time(() => follower.apply(batch));
    }
    return timer.perSecond(READINGS);
  }
  const result = {
    followedPerSecond: await pass('new', 0),
    settledDuplicatesPerSecond: await pass('unsettled', 0),
    settledCorrectionsPerSecond: await pass('unsettled', 1),
  };
  await store.close();
  derived.close();
  return result;
}

function messageOf(seq: number, verdict: Verdict, change: number): MessageEntry {
  const first = ((seq - 1) * VALUES) % READINGS;
  const readings = Array.from({ length: VALUES }, (_, index): JournaledReading => {
    const reading = readingAt(first + index);
    return { ...reading, value: reading.value! + change, verdict };
  });
  return { kind: 'message', seq, receivedMs: START_MS + seq, source: `gw-${seq % 50}`, gatewaySeq: null, readings };
}

/** Adds up the time of what is measured, so that making the input doesn't count. */
function stopwatch() {
  let elapsedMs = 0;
  return {
    async time(work: () => Promise<void>): Promise<void> {
      const beganMs = systemClock.monotonicMs();
      await work();
      elapsedMs += systemClock.monotonicMs() - beganMs;
    },
    perSecond: (count: number) => Math.round(count / (elapsedMs / 1000)),
  };
}
