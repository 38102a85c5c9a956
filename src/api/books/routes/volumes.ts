/** Transferred water by meter, station or recipient: integer litres inside, cubic metres with three decimals outside. */
import type { z } from 'zod';
import type { Api } from '#api/api.ts';
import { type BookView, bookView } from '#api/books/book-view.ts';
import { type Volumes, volumeQuery, volumes } from '#api/books/schemas/statistics.ts';
import { bucketView, twiceNotes } from '#api/books/volume-views.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, isoText, rangeOf, timeZoneOf, zonedTexts } from '#api/instants.ts';
import { invalid, notFound } from '#api/problems.ts';
import { documented } from '#api/schemas.ts';
import { inTurns } from '#api/turns.ts';
import type { VolumeBucket } from '#books/questions/queries.ts';
import {
  countedMeters,
  countedTwice,
  type MeterPart,
  metersOfRecipient,
  type NamedMeter,
  partsOf,
} from '#books/water/meter-relations.ts';
import { bucketEdges } from '#model/calendar.ts';
import { addAmounts, NO_WATER } from '#volume/balance.ts';
import { INAUGURATION_MS } from '#volume/calendar-names.ts';

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
          'Exactly one of `meter`, `station` and `recipient`, or a `meter` with a `recipient`: what it counted for that one; `from` is needed, `inauguration` is 2014-12-12 14:32 +08:00. Items are clipped to the range and add up to `total`, to the litre. A transfer year begins on 1 November. A meter that checks another (`sister`) is in no sum but its own. With `asOf` at most 400 days.',
        answer: volumes,
        faults: ['range.invalid', 'range.too-many-buckets', 'range.too-long', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ query }): Promise<Volumes> {
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const from = query.from === 'inauguration' ? isoText(INAUGURATION_MS) : query.from;
      const { fromMs, toMs } = rangeOf({ ...query, from }, { nowMs: clock.nowMs(), timeZone, defaultMs: null });
      const edgesMs = bucketEdges(fromMs, toMs, query.by, timeZone, BUCKETS_MAX);
      const asOfMs = query.asOf === undefined ? null : instantMs(query.asOf, 'asOf', timeZone);
      const books = await bookView(deps, asOfMs);
      const meters = metersOf(deps, books, query);
      await deps.caughtUp('books');
      const buckets = await bucketsOf(deps, books, meters, edgesMs);
      const text = zonedTexts(timeZone);
      const notes = twiceNotes(countedTwice(meters, fromMs, toMs));
      return {
        unit: 'm3',
        by: query.by,
        timeZone,
        ...(asOfMs === null ? {} : { asOf: isoText(asOfMs) }),
        meters: [...new Set(meters.map(({ id }) => id))],
        ...(notes.length > 0 && { notes }),
        items: await inTurns(buckets, (bucket) => bucketView(bucket, text)),
        total: bucketView(sum(buckets, fromMs, toMs), zonedTexts(timeZone)),
      };
    },
  });
}

async function bucketsOf(
  deps: ApiDeps,
  books: BookView,
  meters: readonly (NamedMeter | MeterPart)[],
  edgesMs: number[],
): Promise<VolumeBucket[]> {
  if (books.asOfMs === null) return deps.queries.volumes({ meters, edgesMs });
  const buckets = edgesMs.slice(1).map((endMs, index) => ({ startMs: edgesMs[index]!, endMs, ...NO_WATER }));
  await inTurns(await books.meterVolumes({ meters, edgesMs }), ({ buckets: own }) => {
    for (const [index, { measuredLitres, estimatedLitres, unknownMs }] of own.entries()) {
      const bucket = buckets[index]!;
      bucket.measuredLitres += measuredLitres;
      bucket.estimatedLitres += estimatedLitres;
      bucket.unknownMs += unknownMs;
    }
  });
  return buckets;
}

type Asked = z.infer<typeof volumeQuery>;

/**
 * As of an earlier time the registers are those of then, recipients and all; what wasn't there yet had counted nothing.
 * @throws Problem `not-found`.
 */
function metersOf({ control }: ApiDeps, books: BookView, query: Asked): readonly (NamedMeter | MeterPart)[] {
  const { meter, station, recipient } = query;
  if ([meter ?? recipient, station].filter((name) => name !== undefined).length !== 1) {
    throw invalid('meter', 'give exactly one of meter, station and recipient, or a meter with its recipient');
  }
  const found = metersIn(books.control, query);
  if (found.length > 0 || metersIn(control, query).length > 0) return found;
  const names = { meter, recipient, 'station with a meter': station };
  const told = Object.entries(names).filter(([, name]) => name !== undefined);
  throw notFound(told.map(([noun, name]) => `${noun} "${name}"`).join(' of the '));
}

function metersIn(control: BookView['control'], { meter, station, recipient }: Asked): (NamedMeter | MeterPart)[] {
  if (station !== undefined) return countedMeters(control).filter(({ meter: body }) => body.station === station);
  if (meter === undefined) return metersOfRecipient(control, recipient!);
  const body = control.get('meter', meter);
  if (!body) return [];
  const named = { id: meter, meter: body };
  return recipient === undefined ? [named] : partsOf([named]).filter((part) => part.recipient === recipient);
}

function sum(buckets: readonly VolumeBucket[], startMs: number, endMs: number): VolumeBucket {
  return { startMs, endMs, ...buckets.reduce(addAmounts, NO_WATER) };
}
