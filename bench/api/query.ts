/**
 * What people ask most, of ten years among a thousand series: through the HTTP API of the real service, through the
 * query functions alone, and by SQL over the raw readings. The answers must agree.
 */
import { deepStrictEqual } from 'node:assert/strict';
import { join } from 'node:path';
import type { Queries } from '#api/queries.ts';
import {
  type Archive,
  FIRST_WATER,
  fillArchive,
  METER,
  PARAMETER,
  STATION,
  TEN_YEARS_MS,
  ZONE,
} from '#bench/shared/archive.ts';
import { booksClosed, hoursPacked } from '#bench/shared/books-closed.ts';
import { atMost, type Figure, figure, inDirectory, medianMs } from '#bench/shared/figure.ts';
import { startService } from '#bench/shared/running-service.ts';
import type { TrendInterval } from '#books/questions/queries.ts';
import { type Bucket, bucketEdges, DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { openQueries } from '#process/create-queries.ts';
import { openSeriesState } from '#readings/series-state.ts';
import { readConfig } from '#setting/config.ts';
import { copyDatabase, type Database, openReadOnly } from '#src/sqlite.ts';
import type { TestService } from '#tests/helpers/service.ts';

const AIM_MS = 20;
const ROUNDS = 41;
const RAW_ROUNDS = 3;

/** One question in three forms; `comparable` gives what must be the same of the API's answer and of SQL's rows. */
interface Question {
  name: string;
  path: string;
  ask: () => unknown;
  sql: string;
  arguments: number[];
  comparable: { api: (body: Body) => unknown; sql: (rows: Row[]) => unknown };
}

type Row = Record<string, number>;
interface Body {
  items: { count: number; mean: number; items: unknown[] }[];
  total: { cubicMetres: number };
}

export async function run(): Promise<Figure[]> {
  return inDirectory((aside) =>
    inDirectory(async (dataDir) => {
      const archive = await fillArchive(dataDir);
      // The service packs its readings; SQL is asked over rows.
      const raw = join(aside, 'raw.db');
      await copied(join(dataDir, 'readings.db'), raw);
      const service = await startService({ dataDir });
      try {
        await booksClosed(dataDir, archive.newestMs);
        await hoursPacked(dataDir, archive.newestMs);
        return await measure(service, archive, openReadOnly(raw));
      } finally {
        await service.end();
      }
    }),
  );
}

async function copied(from: string, to: string): Promise<void> {
  const source = openReadOnly(from);
  await copyDatabase(source, to);
  source.close();
}

async function measure(service: TestService, archive: Archive, raw: Database): Promise<Figure[]> {
  const { dataDir } = service;
  const queries = openQueries(readConfig({ WK_DATA_DIR: dataDir, WK_SEEDS: 'none' }).config).queries;
  const { body: meter } = await service.call<Meter>('GET', `/meters/${METER}`);
  const derived = openReadOnly(join(dataDir, 'derived.db'));
  const figures: Figure[] = [];
  for (const question of [
    ...trendQuestions(queries, archive),
    latestQuestion(() => openSeriesState(derived).all(), archive),
    volumeQuestion(queries, meter, archive),
  ]) {
    const statement = raw.prepare(question.sql);
    const { status, body } = await service.call<Body>('GET', question.path);
    if (status !== 200) throw new Error(`GET ${question.path} gave ${status}: ${JSON.stringify(body)}`);
    const rows = statement.all(...question.arguments) as Row[];
    deepStrictEqual(question.comparable.api(body), question.comparable.sql(rows), question.name);
    const apiMs = await medianMs(ROUNDS, () => service.call('GET', question.path));
    const askMs = await medianMs(ROUNDS, question.ask);
    const rawSql = await medianMs(RAW_ROUNDS, () => statement.all(...question.arguments));
    figures.push(withRawSql(atMost(AIM_MS, `${question.name}, through the API, p50`, apiMs, 'ms'), rawSql));
    figures.push(withRawSql(figure(`${question.name}, the query alone, p50`, askMs, 'ms'), rawSql));
  }
  raw.close();
  derived.close();
  return figures;
}

function withRawSql(one: Figure, rawSql: number): Figure {
  return { ...one, rawSql: Number(rawSql.toPrecision(3)), timesFaster: Number((rawSql / one.value).toPrecision(3)) };
}

function trendQuestions(queries: Queries, { series, newestMs }: Archive): Question[] {
  const day = `(timeMs + ${8 * HOUR_MS}) / ${DAY_MS}`;
  const month = `strftime('%Y-%m', (timeMs + ${8 * HOUR_MS}) / 1000, 'unixepoch')`;
  const tenYearsAgo = newestMs - TEN_YEARS_MS;
  const list: [string, Bucket, TrendInterval, number, string][] = [
    ['daily means of ten years', 'day', 'P1D', tenYearsAgo, day],
    ['monthly means of ten years', 'month', 'P1M', tenYearsAgo, month],
    ['hourly means of 90 days', 'hour', 'PT1H', newestMs - 90 * DAY_MS, `timeMs / ${HOUR_MS}`],
  ];
  return list.map(([name, by, interval, fromMs, bucket]) => ({
    name,
    path: `/trends?station=${STATION}&parameter=${PARAMETER}&interval=${interval}&${range(fromMs, newestMs)}`,
    ask: () => {
      const edgesMs = bucketEdges(fromMs, newestMs, by, ZONE, 10_000);
      return queries.trends({ series, mean: 'arithmetic', edgesMs, interval, timeZone: ZONE, asOfMs: null });
    },
    sql: `SELECT ${bucket} AS bucket, count(*) AS count, avg(value) AS mean, min(value) AS min, max(value) AS max
      FROM reading WHERE series = ? AND timeMs >= ? AND timeMs < ? AND flag % 64 IN (1, 2) GROUP BY bucket`,
    arguments: [series, fromMs, newestMs],
    comparable: { api: ({ items }) => items.map(countAndMean), sql: (rows) => rows.map(countAndMean) },
  }));
}

/** Sums of floats differ in their last digits with the order of adding. */
function countAndMean({ count, mean }: { count?: number; mean?: number }): [number, string] {
  return [count!, mean!.toPrecision(9)];
}

function latestQuestion(ask: () => unknown, { register }: Archive): Question {
  const count = (items: Body['items']) => items.reduce((sum, { items: values }) => sum + values.length, 0);
  return {
    name: 'latest of all stations',
    path: '/latest?limit=1000',
    ask,
    sql: 'SELECT series, max(timeMs) AS timeMs, value, flag FROM reading WHERE series <= ? GROUP BY series',
    arguments: [register],
    comparable: { api: ({ items }) => count(items), sql: (rows) => rows.length },
  };
}

function volumeQuestion(queries: Queries, meter: Meter, { register, newestMs }: Archive): Question {
  const fromMs = Date.parse(FIRST_WATER);
  // The register's last whole hour: SQL knows no volume between reads.
  const toMs = Math.floor(newestMs / HOUR_MS) * HOUR_MS;
  return {
    name: 'total volume since 2014',
    path: `/volumes?meter=${METER}&by=total&${range(fromMs, toMs)}`,
    ask: () => queries.volumes({ meters: [{ id: METER, meter }], edgesMs: [fromMs, toMs] }),
    sql: `SELECT sum(volume) AS cubicMetres FROM (SELECT value - lag(value) OVER (ORDER BY timeMs) AS volume
      FROM reading WHERE series = ? AND timeMs >= ? AND timeMs <= ? AND flag % 64 IN (1, 2)) WHERE volume > 0`,
    arguments: [register, fromMs, toMs],
    comparable: { api: ({ total }) => total.cubicMetres, sql: (rows) => rows[0]!.cubicMetres },
  };
}

function range(fromMs: number, toMs: number): string {
  return `from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
}
