/**
 * Daily means of ten years with the readings in InfluxDB: through the HTTP API of the real service, which answers from its
 * books, and by InfluxQL over the raw readings in the same InfluxDB. The answers must agree. Needs InfluxDB installed.
 */

import { deepStrictEqual } from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Archive, fillArchive, PARAMETER, STATION, TEN_YEARS_MS } from '#bench/shared/archive.ts';
import { booksClosed } from '#bench/shared/books-closed.ts';
import { atLeast, type Figure, figure, inDirectory, medianMs } from '#bench/shared/figure.ts';
import { startService } from '#bench/shared/running-service.ts';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { InfluxConfig } from '#model/config.ts';
import { openInfluxReadings } from '#readings/influx/store.ts';
import { systemClock } from '#src/clock.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import type { TestService } from '#tests/helpers/service.ts';

const AIM = 50;
const ROUNDS = 41;
const RAW_ROUNDS = 3;
const DATABASE = 'wellkeeper';
/** Shanghai's days. */
const OFFSET_MS = 8 * HOUR_MS;

interface Day {
  count: number;
  mean: string;
}

export async function run(): Promise<Figure[]> {
  if (!hasInfluxdb) return [];
  return inDirectory(async (directory) => {
    const influx = await startInfluxdb(directory);
    try {
      await influx.createDatabase(DATABASE);
      const settings: InfluxConfig = {
        url: influx.url,
        token: null,
        org: null,
        bucket: DATABASE,
        api: 'v1',
        retentionOk: false,
      };
      const dataDir = join(directory, 'data');
      mkdirSync(dataDir);
      const archive = await fillArchive(dataDir, (name) =>
        openInfluxReadings({ clock: systemClock, influx: settings, name }),
      );
      const env = { WK_INFLUX_URL: influx.url, WK_INFLUX_API: 'v1', WK_INFLUX_BUCKET: DATABASE };
      const service = await startService({ dataDir, env });
      try {
        await booksClosed(dataDir, archive.newestMs);
        return await measure(service, influx, archive);
      } finally {
        await service.end();
      }
    } finally {
      await influx.stop();
    }
  });
}

async function measure(service: TestService, influx: Influxdb, { newestMs }: Archive): Promise<Figure[]> {
  const fromMs = newestMs - TEN_YEARS_MS;
  const range = `from=${new Date(fromMs).toISOString()}&to=${new Date(newestMs).toISOString()}`;
  const path = `/trends?station=${STATION}&parameter=${PARAMETER}&interval=P1D&${range}`;
  const ask = async () => (await service.call<{ items: { count: number; mean: number }[] }>('GET', path)).body.items;
  const where = `station = '${STATION}' AND parameter = '${PARAMETER}' AND time >= ${fromMs}ms AND time < ${newestMs}ms`;
  const statement = `SELECT count("value"), mean("value"), min("value"), max("value") FROM "reading"
    WHERE ${where} AND ("flag" = 1 OR "flag" = 2) GROUP BY time(1d, -${OFFSET_MS / HOUR_MS}h) fill(none)`;
  const askRaw = () => influx.query(statement, DATABASE);
  const days = (await ask()).map(({ count, mean }): Day => ({ count, mean: mean.toPrecision(9) }));
  const { results } = await askRaw();
  const rawDays = results[0]!.series![0]!.values.map(
    ([, count, mean]): Day => ({ count: count as number, mean: (mean as number).toPrecision(9) }),
  );
  deepStrictEqual(days, rawDays, 'daily means from the books and by InfluxQL');
  const apiMs = await medianMs(ROUNDS, ask);
  const rawMs = await medianMs(RAW_ROUNDS, askRaw);
  return [
    figure('daily means of ten years by InfluxQL over the readings', rawMs, 'ms'),
    {
      ...figure('daily means of ten years with InfluxDB, through the API, p50', apiMs, 'ms'),
      rawInfluxQl: Math.round(rawMs),
    },
    atLeast(AIM, `… times faster than InfluxQL (${Math.round(TEN_YEARS_MS / DAY_MS)} days)`, rawMs / apiMs, ''),
  ];
}
