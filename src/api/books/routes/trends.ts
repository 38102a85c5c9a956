/** Statistics of one series by calendar buckets, with the limit that the station has to attain. */

import { written } from '#api/answers.ts';
import type { Api } from '#api/api.ts';
import { type Trends, trendQuery, trends } from '#api/books/schemas/statistics.ts';
import type { TrendWriting } from '#api/books/trend-items.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, rangeOf, timeZoneOf } from '#api/instants.ts';
import { documented } from '#api/schemas.ts';
import { limitView, type NamedSeries, seriesOf } from '#api/series.ts';
import { ladderFor, limitFor } from '#assess/classify.ts';
import { autoInterval, bucketEdges, type Interval, intervalOfIso } from '#model/calendar.ts';
import { durationMs } from '#model/duration.ts';
import { surfaceWaterStandard } from '#model/reference.ts';

const BUCKETS_MAX = 10_000;
const RANGE_MS = 30 * 86_400_000;

export function trendRoutes(api: Api, deps: ApiDeps): void {
  const { config, clock, queries } = deps;
  api.route({
    method: 'GET',
    url: '/trends',
    config: { access: 'viewer' },
    schema: {
      querystring: trendQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Count, mean, least and greatest by hour, day, week, month or year',
        description: 'The last 30 days unless told. `auto` picks the finest interval that gives at most 2,000 buckets.',
        answer: trends,
        faults: [
          'range.invalid',
          'range.too-many-buckets',
          'range.too-long',
          'range.pruned',
          'id.invalid',
          'not-found',
          'overloaded',
        ],
      }),
    },
    async handler({ query }) {
      const named = seriesOf(deps, query);
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const { fromMs, toMs } = rangeOf(query, { nowMs: clock.nowMs(), timeZone, defaultMs: RANGE_MS });
      const interval = query.interval === 'auto' ? autoInterval(fromMs, toMs, timeZone) : query.interval;
      const edgesMs = bucketEdges(fromMs, toMs, intervalOfIso(interval)!, timeZone, BUCKETS_MAX);
      const asOfMs = query.asOf === undefined ? null : instantMs(query.asOf, 'asOf', timeZone);
      await deps.caughtUp('books');
      const { mean } = named.parameter;
      const asked = { series: named.series, mean, edgesMs, interval, timeZone, asOfMs };
      const items = await queries.trendItems({ query: asked, ...writingOf(deps, named) });
      const head = JSON.stringify(headOf(deps, named, { interval, timeZone }));
      return written<Trends>(`${head.slice(0, -1)},"items":${items}}`);
    },
  });
}

function writingOf({ reference }: ApiDeps, { station, parameter }: NamedSeries): TrendWriting {
  const listed = station.parameters.find(({ id }) => id === parameter.id);
  return {
    intervalMs: listed?.interval === undefined ? 0 : durationMs(listed.interval),
    ladder: ladderFor(surfaceWaterStandard(reference), parameter.id, station.waterBody),
  };
}

function headOf(
  { reference }: ApiDeps,
  { station, parameter }: NamedSeries,
  { interval, timeZone }: { interval: Interval; timeZone: string },
): Omit<Trends, 'items'> {
  const { waterBody, target } = station;
  const limit = target ? limitFor(surfaceWaterStandard(reference), parameter.id, waterBody, target) : null;
  return {
    station: station.id,
    parameter: parameter.id,
    unit: parameter.unit,
    interval,
    timeZone,
    target: target && limit ? { class: target, ...limitView(limit) } : null,
  };
}
