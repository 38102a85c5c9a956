/**
 * How fast closed hours are computed: ten years of 5-minute readings of one series, as after a backfill. What the books
 * then save whoever asks is measured by bench/api/query.ts.
 */
import { join } from 'node:path';
import { type Figure, figure, inDirectory, stopwatch } from '#bench/shared/figure.ts';
import { openBookState } from '#books/clock.ts';
import { createDayBooks } from '#books/hours/days.ts';
import { createHourBooks } from '#books/hours/hours.ts';
import { openDerived } from '#installation/derived.ts';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { type Database, transaction } from '#src/sqlite.ts';

const ZONE = 'Asia/Shanghai';
const SERIES = 500;
const STEP_MS = 300_000;
const FROM_MS = Date.UTC(2015, 11, 31, 16);
const TO_MS = Date.UTC(2025, 11, 31, 16);

const QC = {
  fail: [0, 25],
  suspect: [1, 20],
  ratePerHour: [30, 60],
  rateLeastStep: 0,
  spike: [5, 10],
  flat: { tolerance: 0.001, suspectMs: 3 * HOUR_MS, failMs: 6 * HOUR_MS },
  intervalMs: STEP_MS,
  holeMs: 3 * STEP_MS,
} as const;

export function run(): Promise<Figure[]> {
  return inDirectory(async (directory) => {
    const derived = openDerived(join(directory, 'derived.db'));
    const store = new SqliteReadings(join(directory, 'readings.db'));
    try {
      await fillReadings(store);
      return await close(derived, store);
    } finally {
      await store.close();
      derived.close();
    }
  });
}

async function fillReadings(store: SqliteReadings): Promise<void> {
  const batch = 50_000 * STEP_MS;
  for (let startMs = FROM_MS; startMs < TO_MS; startMs += batch) {
    const count = (Math.min(startMs + batch, TO_MS) - startMs) / STEP_MS;
    await store.write(
      Array.from({ length: count }, (_, i) => {
        const timeMs = startMs + i * STEP_MS;
        const value = 8 + 2 * Math.sin(timeMs / DAY_MS) + (((timeMs / STEP_MS) * 7919) % 101) / 500;
        return { series: SERIES, timeMs, value, flag: 1 as const, deviceFlag: null, seq: 1 };
      }),
    );
  }
}

/** The one series' hours and days, as the follower computes them after a backfill. */
async function close(derived: Database, store: SqliteReadings): Promise<Figure[]> {
  const state = openBookState(derived);
  transaction(derived, () => {
    const dirty = openDirtyHours(derived);
    for (let hourMs = FROM_MS; hourMs < TO_MS; hourMs += HOUR_MS) dirty.mark(SERIES, hourMs, 1);
    state.saveDayZone(ZONE);
    state.saveClock(TO_MS + DAY_MS);
  });
  let reflagged = 0;
  let slices = 1;
  const books = createHourBooks({
    derived,
    store,
    days: createDayBooks(derived, state, ZONE),
    rulesOf: () => ({ thresholds: QC, mean: 'arithmetic', companions: [] }),
    dependantsOf: () => [],
    onChanged: () => {},
    onRowsChanged: () => {},
    onReflagged: (readings) => {
      reflagged += readings.length;
    },
  });
  const readings = (TO_MS - FROM_MS) / STEP_MS;
  const timer = stopwatch();
  await timer.time(async () => {
    while (await books.step(TO_MS, 1, TO_MS)) slices++;
  });
  return [
    figure('hours computed', timer.perSecond(readings / 12), 'hours/s'),
    figure('readings gone through', timer.perSecond(readings), 'readings/s'),
    figure('a slice of that, mean', timer.elapsedMs() / slices, 'ms'),
    figure('final flags that differ', reflagged, 'readings'),
  ];
}
