/** Transferred water by meter, station or recipient: integer litres inside, cubic metres with three decimals outside. */
import { bucketEdges } from '#model/calendar.ts';
import { countedMeters, metersOfRecipient, type NamedMeter } from '#store/meter-relations.ts';
import type { VolumeBucket } from '#store/queries.ts';
import { addAmounts, NO_WATER } from '#volume/balance.ts';
import { INAUGURATION_MS } from '#volume/calendar-names.ts';
import { bookView } from '../book-view.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { instantMs, isoText, rangeOf, timeZoneOf, zonedTexts } from '../instants.ts';
import { invalid, notFound } from '../problems.ts';
import { documented } from '../schemas/common.ts';
import { type Volumes, volumeQuery, volumes } from '../schemas/statistics.ts';
import { stationOf } from '../series.ts';
import { bucketView } from '../volume-views.ts';

const BUCKETS_MAX = 10_000;

export function volumeRoutes(api: Api, deps: ApiDeps): void {
  const { config, clock } = deps;
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
          'Exactly one of `meter`, `station` and `recipient`; `from` is needed, `inauguration` is 2014-12-12 14:32 +08:00. Items are clipped to the range and add up to `total`, to the litre. A transfer year begins on 1 November. A meter that checks another (`sister`) is in no sum but its own. With `asOf` at most 400 days.',
        answer: volumes,
        faults: ['range.invalid', 'range.too-many-buckets', 'range.too-long', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ query }): Promise<Volumes> {
      const meters = metersOf(deps, query);
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const from = query.from === 'inauguration' ? isoText(INAUGURATION_MS) : query.from;
      const { fromMs, toMs } = rangeOf({ ...query, from }, { nowMs: clock.nowMs(), timeZone, defaultMs: null });
      const edgesMs = bucketEdges(fromMs, toMs, query.by, timeZone, BUCKETS_MAX);
      const asOfMs = query.asOf === undefined ? null : instantMs(query.asOf, 'asOf', timeZone);
      await deps.caughtUp('books');
      const buckets = await bucketsOf(deps, meters, edgesMs, asOfMs);
      const text = zonedTexts(timeZone);
      return {
        unit: 'm3',
        by: query.by,
        timeZone,
        ...(asOfMs === null ? {} : { asOf: isoText(asOfMs) }),
        meters: meters.map(({ id }) => id),
        items: buckets.map((bucket) => bucketView(bucket, text)),
        total: bucketView(sum(buckets, fromMs, toMs), zonedTexts(timeZone)),
      };
    },
  });
}

async function bucketsOf(
  deps: ApiDeps,
  meters: NamedMeter[],
  edgesMs: number[],
  asOfMs: number | null,
): Promise<VolumeBucket[]> {
  if (asOfMs === null) return deps.queries.volumes({ meters, edgesMs });
  const books = await bookView(deps, asOfMs);
  const buckets = edgesMs.slice(1).map((endMs, index) => ({ startMs: edgesMs[index]!, endMs, ...NO_WATER }));
  for (const { buckets: own } of await books.meterVolumes({ meters, edgesMs })) {
    for (const [index, bucket] of own.entries()) {
      buckets[index] = { ...buckets[index]!, ...addAmounts(buckets[index]!, bucket) };
    }
  }
  return buckets;
}

function metersOf(
  deps: ApiDeps,
  query: { meter?: string | undefined; station?: string | undefined; recipient?: string | undefined },
): NamedMeter[] {
  const { meter, station, recipient } = query;
  const given = [meter, station, recipient].filter((name) => name !== undefined);
  if (given.length !== 1) throw invalid('meter', 'give exactly one of meter, station and recipient');
  if (station !== undefined) stationOf(deps, station);
  if (meter !== undefined) {
    const body = deps.control.get('meter', meter);
    if (!body) throw notFound(`meter "${meter}"`);
    return [{ id: meter, meter: body }];
  }
  const meters =
    recipient === undefined
      ? countedMeters(deps.control).filter(({ meter: body }) => body.station === station)
      : metersOfRecipient(deps.control, recipient);
  if (meters.length > 0) return meters;
  throw notFound(station === undefined ? `meter with the recipient "${recipient}"` : `meter at station "${station}"`);
}

function sum(buckets: readonly VolumeBucket[], startMs: number, endMs: number): VolumeBucket {
  return { startMs, endMs, ...buckets.reduce(addAmounts, NO_WATER) };
}
