/** Transferred water by meter, station or recipient: integer litres inside, cubic metres with three decimals outside. */
import { bucketEdges, HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import type { VolumeBucket } from '#store/queries.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { rangeOf, timeZoneOf, zonedTexts } from '../instants.ts';
import { invalid, notFound } from '../problems.ts';
import { documented } from '../schemas/common.ts';
import { type Volumes, volumeQuery, volumes } from '../schemas/statistics.ts';
import { stationOf } from '../series.ts';

const BUCKETS_MAX = 10_000;

export function volumeRoutes(api: Api, deps: ApiDeps): void {
  const { config, clock, queries } = deps;
  api.route({
    method: 'GET',
    url: '/volumes',
    config: { access: 'viewer' },
    schema: {
      querystring: volumeQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Volumes of one meter, of a station or of a recipient',
        description:
          'Exactly one of `meter`, `station` and `recipient`; `from` is needed. Items are clipped to the range and add up to `total`, to the litre. A transfer year begins on 1 November.',
        answer: volumes,
        faults: ['range.invalid', 'range.too-many-buckets', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ query }): Promise<Volumes> {
      const meters = metersOf(deps, query);
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const { fromMs, toMs } = rangeOf(query, { nowMs: clock.nowMs(), timeZone, defaultMs: null });
      const edgesMs = bucketEdges(fromMs, toMs, query.by, timeZone, BUCKETS_MAX);
      await deps.caughtUp('books');
      const buckets = await queries.volumes({ meters, edgesMs });
      const text = zonedTexts(timeZone);
      return {
        unit: 'm3',
        by: query.by,
        timeZone,
        meters: meters.map(({ id }) => id),
        items: buckets.map((bucket) => bucketView(bucket, text)),
        total: bucketView(sum(buckets, fromMs, toMs), zonedTexts(timeZone)),
      };
    },
  });
}

function metersOf(
  deps: ApiDeps,
  query: { meter?: string | undefined; station?: string | undefined; recipient?: string | undefined },
): { id: string; meter: Meter }[] {
  const { meter, station, recipient } = query;
  const given = [meter, station, recipient].filter((name) => name !== undefined);
  if (given.length !== 1) throw invalid('meter', 'give exactly one of meter, station and recipient');
  if (station !== undefined) stationOf(deps, station);
  const meters = deps.control
    .list('meter')
    .filter(
      ({ id, body }) =>
        id === meter || body.station === station || (recipient !== undefined && body.recipient === recipient),
    )
    .map(({ id, body }) => ({ id, meter: body }));
  if (meters.length > 0) return meters;
  if (meter !== undefined) throw notFound(`meter "${meter}"`);
  throw notFound(station === undefined ? `meter with the recipient "${recipient}"` : `meter at station "${station}"`);
}

function sum(buckets: readonly VolumeBucket[], startMs: number, endMs: number): VolumeBucket {
  const total: VolumeBucket = { startMs, endMs, measuredLitres: 0, estimatedLitres: 0, unknownMs: 0 };
  for (const bucket of buckets) {
    total.measuredLitres += bucket.measuredLitres;
    total.estimatedLitres += bucket.estimatedLitres;
    total.unknownMs += bucket.unknownMs;
  }
  return total;
}

/** Dividing an integer by 1000 gives the double that prints with the same three decimals, up to 4e12 m³. */
function bucketView(bucket: VolumeBucket, text: (timeMs: number) => string): Volumes['total'] {
  const { startMs, endMs, measuredLitres, estimatedLitres, unknownMs } = bucket;
  return {
    start: text(startMs),
    end: text(endMs),
    cubicMetres: (measuredLitres + estimatedLitres) / 1000,
    measured: measuredLitres / 1000,
    estimated: estimatedLitres / 1000,
    unknownHours: unknownMs / HOUR_MS,
  };
}
