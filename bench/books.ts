/**
 * Trends from the books beside the same by SQL over readings: ten years of 5-minute readings of one series among the
 * books of a thousand. And how fast closed hours are computed. The query goes through the code that the API uses.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bucket, bucketEdges, DAY_MS, HOUR_MS } from '#model/calendar.ts';
import { systemClock } from '#src/clock.ts';
import { openBookState } from '#store/book-state.ts';
import { createDayBooks } from '#store/day-books.ts';
import { openDerived } from '#store/derived.ts';
import { openDirtyHours } from '#store/dirty-hours.ts';
import { createHourBooks } from '#store/hour-books.ts';
import type { TrendInterval, TrendQuery } from '#store/queries.ts';
import { createReadingQueries } from '#store/reading-queries.ts';
import { type Database, openReadOnly, transaction } from '#store/sqlite.ts';
import { SqliteReadings } from '#store/sqlite-readings.ts';
import { createTrendQueries } from '#store/trend-queries.ts';

const ZONE = 'Asia/Shanghai';
const OFFSET_MS = 8 * HOUR_MS;
const SERIES = 500;
const SERIES_COUNT = 1000;
const STEP_MS = 300_000;
const FROM_MS = Date.UTC(2015, 11, 31, 16);
const TO_MS = Date.UTC(2025, 11, 31, 16);
const ROUNDS = 21;

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

/** Medians in ms of the books' answers and of SQL over readings; closing in readings/s. */
export async function run(): Promise<object> {
  const directory = mkdtempSync(join(tmpdir(), 'wk-bench-books-'));
  const derived = openDerived(join(directory, 'derived.db'));
  const store = new SqliteReadings(join(directory, 'readings.db'));
  try {
    await fillReadings(store);
    fillOtherBooks(derived);
    const closing = await close(derived, store);
    return { bench: 'books', closing, ...(await query(directory)) };
  } finally {
    await store.close();
    derived.close();
    rmSync(directory, { recursive: true });
  }
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

/** Ten years of days and ninety days of hours of every other series: what the one series' rows lie between. */
function fillOtherBooks(derived: Database): void {
  const rows = (table: string, startMs: number, stepMs: number, more: string) => `
    INSERT INTO ${table} SELECT s.value, ${startMs} + n.value * ${stepMs}, 12, 12, 96.5 + s.value, 7.5, 8.5${more}
    FROM generate AS s, generate AS n WHERE s.value <= ${SERIES_COUNT} AND s.value <> ${SERIES}
      AND n.value < ${Math.floor((TO_MS - startMs) / stepMs)}`;
  derived.exec(`CREATE TEMP TABLE generate AS
    WITH RECURSIVE g(value) AS (VALUES (0) UNION ALL SELECT value + 1 FROM g WHERE value < 4000) SELECT value FROM g`);
  transaction(derived, () => derived.exec(rows('dayStat', FROM_MS, DAY_MS, '')));
  transaction(derived, () => derived.exec(rows('hourStat', TO_MS - 90 * DAY_MS, HOUR_MS, ', 1')));
}

/** The one series' hours and days, as the follower computes them after a backfill. */
async function close(derived: Database, store: SqliteReadings): Promise<object> {
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
    rulesOf: () => ({ thresholds: QC, mean: 'arithmetic' }),
    onRowsChanged: () => {},
    onReflagged: (readings) => {
      reflagged += readings.length;
    },
  });
  const readings = (TO_MS - FROM_MS) / STEP_MS;
  const startMs = systemClock.monotonicMs();
  while (await books.step(TO_MS, 1, TO_MS)) slices++;
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  return {
    readings,
    reflagged,
    millisecondsPerSlice: round((seconds * 1000) / slices),
    hoursPerSecond: round(readings / 12 / seconds),
    readingsPerSecond: round(readings / seconds),
  };
}

async function query(directory: string): Promise<object> {
  const derived = openReadOnly(join(directory, 'derived.db'));
  const raw = openReadOnly(join(directory, 'readings.db'));
  const store = new SqliteReadings(join(directory, 'readings.db'), { readOnly: true });
  const state = openBookState(derived);
  const { readings } = createReadingQueries({ derived, store, booksClockMs: state.clockMs, allowedLatenessMs: 0 });
  const { trends } = createTrendQueries({ derived, readings, allowedLatenessMs: 0 });
  const sql = (bucketMs: number) =>
    `SELECT (timeMs + ${OFFSET_MS}) / ${bucketMs} AS bucket, count(*), avg(value), min(value), max(value) FROM reading
     WHERE series = ? AND timeMs >= ? AND timeMs < ? AND flag IN (1, 2) GROUP BY bucket`;
  const monthSql = sql(1).replace(
    /\(timeMs.*? AS bucket/,
    `strftime('%Y-%m', (timeMs + ${OFFSET_MS}) / 1000, 'unixepoch') AS bucket`,
  );
  const cases: [string, Bucket, TrendInterval, number, string][] = [
    ['tenYearsDaily', 'day', 'P1D', FROM_MS, sql(DAY_MS)],
    ['tenYearsMonthly', 'month', 'P1M', FROM_MS, monthSql],
    ['ninetyDaysHourly', 'hour', 'PT1H', TO_MS - 90 * DAY_MS, sql(HOUR_MS)],
  ];
  const result: Record<string, object> = {};
  for (const [name, by, interval, fromMs, text] of cases) {
    const ask = (): TrendQuery => {
      const edgesMs = bucketEdges(fromMs, TO_MS, by, ZONE, 10_000);
      return { series: SERIES, mean: 'arithmetic', edgesMs, interval, timeZone: ZONE, asOfMs: null };
    };
    const statement = raw.prepare(text);
    const buckets = (await trends(ask())).length;
    const booksMs = await medianMs(ROUNDS, () => trends(ask()));
    const rawMs = await medianMs(3, () => statement.all(SERIES, fromMs, TO_MS));
    result[name] = { buckets, booksMs: round(booksMs), rawSqlMs: round(rawMs), ratio: round(rawMs / booksMs) };
  }
  await store.close();
  raw.close();
  derived.close();
  return result;
}

async function medianMs(rounds: number, work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startMs = systemClock.monotonicMs();
    await work();
    times.push(systemClock.monotonicMs() - startMs);
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
