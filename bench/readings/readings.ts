/**
 * The embedded reading store and the follower that fills it, on one thread, over real files: 1,000 series, messages
 * of 20 readings.
 */
import { join } from 'node:path';
import { type Figure, figure, inDirectory, stopwatch } from '#bench/shared/figure.ts';
import { openDerived } from '#installation/derived.ts';
import type { JournaledReading, MessageEntry, Verdict } from '#model/entry.ts';
import type { SeriesReading } from '#model/reading.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';

const SERIES = 1000;
const VALUES = 20;
const START_MS = Date.UTC(2026, 0, 1);
const INTERVAL_MS = 300_000;
const READINGS = 400_000;
/** Messages a batch: what the pump settles on. */
const BATCH = 250;

export async function run(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of [500, 5000, 20_000]) {
    const perSecond = await inDirectory((directory) => upserts(directory, size));
    figures.push(figure(`written in batches of ${size}`, perSecond, 'readings/s'));
  }
  return [...figures, ...(await inDirectory(follow))];
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

async function follow(directory: string): Promise<Figure[]> {
  const derived = openDerived(join(directory, 'derived.db'));
  const store = new SqliteReadings(join(directory, 'readings.db'));
  const follower = createReadingsFollower({
    derived,
    store,
    reader: { seriesByName: () => undefined, seriesById: () => undefined },
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
  const figures = [
    figure('followed, all new', await pass('new', 0), 'readings/s'),
    figure('settled as duplicates', await pass('unsettled', 0), 'readings/s'),
    figure('settled as corrections', await pass('unsettled', 1), 'readings/s'),
  ];
  await store.close();
  derived.close();
  return figures;
}

function messageOf(seq: number, verdict: Verdict, change: number): MessageEntry {
  const first = ((seq - 1) * VALUES) % READINGS;
  const readings = Array.from({ length: VALUES }, (_, index): JournaledReading => {
    const reading = readingAt(first + index);
    return { ...reading, value: reading.value! + change, verdict };
  });
  return { kind: 'message', seq, receivedMs: START_MS + seq, source: `gw-${seq % 50}`, gatewaySeq: null, readings };
}
