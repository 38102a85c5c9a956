/** Readings as they were measured: pages, CSV by stream, and every version of one. */

import { Readable } from 'node:stream';
import { z } from 'zod';
import { forThisAsker } from '#api/access/asker.ts';
import type { Api } from '#api/api.ts';
import { BYTE_ORDER_MARK, csvField } from '#api/csv-field.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, isoText, rangeOf } from '#api/instants.ts';
import { notFound } from '#api/problems.ts';
import { explainedReading, readingPage, seriesParams, versionPage } from '#api/readings/schemas/readings.ts';
import { bomQuery, documented, instantQuery, limitUpTo, page, range } from '#api/schemas.ts';
import { type NamedSeries, seriesOf } from '#api/series.ts';
import { rulesOfSeries } from '#books/hours/series-rules.ts';
import { AHEAD_MS_MAX } from '#ingest/instant.ts';
import { DAY_MS } from '#model/calendar.ts';
import type { ReadingRow } from '#readings/queries.ts';

const LIMIT = 1000;
const LIMIT_MAX = 10_000;
/** Rows that are put into a CSV in one turn of the event loop. */
const CSV_ROWS = 2000;

const readingsQuery = z.strictObject({
  ...range,
  ...page,
  limit: limitUpTo(LIMIT_MAX).describe('1,000 unless told, at most 10,000; a CSV answer has no limit'),
  asOf: instantQuery('As it was known then'),
  bom: bomQuery,
});

export function readingsOutRoutes(api: Api, deps: ApiDeps): void {
  readingsRoute(api, deps);
  historyRoute(api, deps);
  qualityRoute(api, deps);
}

function readingsRoute(api: Api, deps: ApiDeps): void {
  const { config, clock, queries } = deps;
  api.route({
    method: 'GET',
    url: '/series/:station/:parameter/readings',
    config: { access: 'viewer' },
    schema: {
      params: seriesParams,
      querystring: readingsQuery,
      ...documented({
        tag: 'readings',
        summary: 'Readings of one series, oldest first; `Accept: text/csv` streams the whole range',
        answer: readingPage,
        faults: ['range.invalid', 'cursor.invalid', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler(request, reply) {
      const { query } = request;
      const named = seriesOf(deps, request.params);
      // What a gateway whose clock runs ahead has sent is there, too, unless told otherwise.
      const context = { nowMs: clock.nowMs() + AHEAD_MS_MAX, timeZone: config.timeZone, defaultMs: DAY_MS };
      const { fromMs, toMs } = rangeOf(query, context);
      const asOfMs = query.asOf === undefined ? null : instantMs(query.asOf, 'asOf', config.timeZone);
      const limit = query.limit ?? LIMIT;
      const startMs = fromCursor(query.cursor, ['number'])?.[0] ?? fromMs;
      await deps.caughtUp('readings');
      const ask = (from: number, count: number): Promise<ReadingRow[]> =>
        named.series === null
          ? Promise.resolve([])
          : queries.readings({ series: named.series, fromMs: from, toMs, limit: count, asOfMs });
      if (/\btext\/csv\b/.test(request.headers.accept ?? '')) {
        return reply
          .type('text/csv; charset=utf-8')
          .send(Readable.from(csvPages(named, startMs, query.bom === 'true', forThisAsker(ask))));
      }
      const rows = await ask(startMs, limit + 1);
      const { items, next } = await pageOf(rows, limit, readingView, ({ timeMs }) => toCursor(timeMs + 1));
      return { station: named.station.id, parameter: named.parameter.id, unit: named.parameter.unit, items, next };
    },
  });
}

function historyRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/series/:station/:parameter/history',
    config: { access: 'viewer' },
    schema: {
      params: seriesParams,
      querystring: z.strictObject({ time: z.string().max(64) }),
      ...documented({
        tag: 'readings',
        summary: 'Every version of one reading, the current one first',
        answer: versionPage,
        faults: ['range.invalid', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler(request) {
      const { station, parameter, series } = seriesOf(deps, request.params);
      const timeMs = instantMs(request.query.time, 'time', deps.config.timeZone);
      await deps.caughtUp('readings');
      const versions = series === null ? [] : await deps.queries.history({ series, timeMs });
      if (versions.length === 0) throw notFound(`reading of ${parameter.id} at ${isoText(timeMs)}`);
      const items = versions.map(({ receivedMs, supersededAtMs, ...version }) => ({
        ...version,
        received: isoText(receivedMs),
        supersededAt: isoText(supersededAtMs),
      }));
      return {
        station: station.id,
        parameter: parameter.id,
        unit: parameter.unit,
        time: isoText(timeMs),
        items,
        next: null,
      };
    },
  });
}

function qualityRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/series/:station/:parameter/quality',
    config: { access: 'viewer' },
    schema: {
      params: seriesParams,
      querystring: z.strictObject({ time: z.string().max(64) }),
      ...documented({
        tag: 'readings',
        summary: 'Why a reading has its flag: what each quality test says of it, under which thresholds',
        description: 'As the thresholds are now; `flag` is the stored one, made when its hour closed.',
        answer: explainedReading,
        faults: ['range.invalid', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler(request) {
      const { station, parameter, series } = seriesOf(deps, request.params);
      const timeMs = instantMs(request.query.time, 'time', deps.config.timeZone);
      await deps.caughtUp('readings');
      const { thresholds, companions } = rulesOfSeries(deps, deps.reader.seriesByName(station.id, parameter.id));
      const found = series === null ? null : await deps.queries.explained({ series, timeMs, thresholds, companions });
      if (!found) throw notFound(`reading of ${parameter.id} at ${isoText(timeMs)}`);
      const { unit } = parameter;
      return { station: station.id, parameter: parameter.id, unit, time: isoText(timeMs), ...found, thresholds };
    },
  });
}

function readingView({ timeMs, value, flag, deviceFlag, censored, provisional }: ReadingRow) {
  return {
    time: isoText(timeMs),
    value,
    flag,
    ...(deviceFlag === null ? {} : { deviceFlag }),
    ...(censored && { censored }),
    ...(provisional ? { provisional: true as const } : {}),
  };
}

/** The columns of `POST /readings`, so that what was taken out can be put in again. */
const CSV_HEADER = 'station,time,parameter,value,unit,flag,deviceFlag,censored\n';

/** A page is asked for when the client has taken the one before: that is the backpressure. */
async function* csvPages(
  { station, parameter }: NamedSeries,
  fromMs: number,
  hasMark: boolean,
  ask: (fromMs: number, limit: number) => Promise<ReadingRow[]>,
): AsyncGenerator<string> {
  yield hasMark ? BYTE_ORDER_MARK + CSV_HEADER : CSV_HEADER;
  for (let startMs = fromMs; ; ) {
    const rows = await ask(startMs, CSV_ROWS);
    if (rows.length === 0) return;
    const [before, after] = [`${station.id},`, `,${parameter.id},`];
    yield rows
      .map(({ timeMs, value, flag, deviceFlag, censored }) => {
        return `${before}${isoText(timeMs)}${after}${value ?? ''},${csvField(parameter.unit)},${flag},${csvField(deviceFlag ?? '')},${censored ?? ''}\n`;
      })
      .join('');
    if (rows.length < CSV_ROWS) return;
    startMs = rows.at(-1)!.timeMs + 1;
  }
}
