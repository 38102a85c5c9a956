/** Loads: what a station's water carries of a substance, by hour to year. */

import type { Api } from '#api/api.ts';
import { type Loads, loadQuery, loads } from '#api/books/schemas/loads.ts';
import { cubicMetres } from '#api/books/volume-views.ts';
import type { ApiDeps } from '#api/deps.ts';
import { rangeOf, timeZoneOf, zonedTexts } from '#api/instants.ts';
import { invalid, notFound, Problem } from '#api/problems.ts';
import { documented } from '#api/schemas.ts';
import { seriesOf } from '#api/series.ts';
import { inTurns } from '#api/turns.ts';
import type { LoadBucket } from '#books/questions/queries.ts';
import { weighingMeters } from '#books/water/meter-relations.ts';
import { Dialects } from '#journal/dialects.ts';
import { bucketEdges, HOUR_MS } from '#model/calendar.ts';
import { durationMs } from '#model/duration.ts';

const BUCKETS_MAX = 10_000;
const RANGE_MS = 30 * 86_400_000;

export function loadRoutes(api: Api, deps: ApiDeps): void {
  const { config, clock, queries } = deps;
  const dialects = new Dialects(deps.control);
  api.route({
    method: 'GET',
    url: '/loads',
    config: { access: 'viewer' },
    schema: {
      querystring: loadQuery,
      ...documented({
        tag: 'statistics',
        summary: 'Kilograms of a substance that passed a station: concentration times volume, hour by hour',
        description:
          'The last 30 days by day unless told. A reading stands for its `interval` at the station, at most to the next one. Water that no usable concentration stands for is told apart (`unweighed`), and so is time for which the water is unknown (`unknownHours`); neither is guessed: a load over a whole time is at least `kilograms`. Water that two meters count is weighed once (`notWeighed`).',
        answer: loads,
        faults: ['range.invalid', 'range.too-many-buckets', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ query }): Promise<Loads> {
      const { station, parameter, series } = seriesOf(deps, query);
      if (parameter.unit !== 'mg/L') throw invalid('parameter', 'must be a concentration in mg/L');
      const { weighing, leftOut } = weighingMeters(deps.control, station.id);
      if (weighing.length === 0) throw notFound(`meter at station "${station.id}"`);
      const meters = weighing.map(({ id }) => id);
      const timeZone = timeZoneOf(query.tz, config.timeZone);
      const { fromMs, toMs } = rangeOf(query, { nowMs: clock.nowMs(), timeZone, defaultMs: RANGE_MS });
      const edgesMs = bucketEdges(floorHour(fromMs), floorHour(toMs), query.by, timeZone, BUCKETS_MAX);
      if (edgesMs.some((ms) => ms % HOUR_MS !== 0)) {
        throw new Problem('range.invalid', 'Loads are of whole hours: choose a zone whose hours are UTC hours.');
      }
      await deps.caughtUp('books');
      const interval = station.parameters.find(({ id }) => id === parameter.id)?.interval;
      const intervalMs = interval === undefined ? null : durationMs(interval) || null;
      const stamps = dialects.at(station.id).stamps ?? 'start';
      const [loaded, water] = await Promise.all([
        queries.loads({ series, intervalMs, stamps, meters, edgesMs }),
        queries.volumes({ meters: weighing, edgesMs }),
      ]);
      const buckets = loaded.map((bucket, index): Load => ({ ...bucket, unknownMs: water[index]!.unknownMs }));
      const text = zonedTexts(timeZone);
      return {
        station: station.id,
        parameter: parameter.id,
        unit: 'kg',
        by: query.by,
        timeZone,
        meters,
        notWeighed: leftOut,
        items: await inTurns(buckets, (bucket) => loadView(bucket, text)),
        total: loadView(buckets.reduce(together, { ...NOTHING, startMs: edgesMs[0]!, endMs: edgesMs.at(-1)! }), text),
      };
    },
  });
}

/** With the time for which the water is unknown, summed over the meters. */
interface Load extends LoadBucket {
  unknownMs: number;
}

const NOTHING = { kilograms: 0, litres: 0, unweighedLitres: 0, coveredMs: 0, unknownMs: 0 };

const floorHour = (ms: number) => Math.floor(ms / HOUR_MS) * HOUR_MS;

function together(sum: Load, next: Load): Load {
  return {
    ...sum,
    kilograms: sum.kilograms + next.kilograms,
    litres: sum.litres + next.litres,
    unweighedLitres: sum.unweighedLitres + next.unweighedLitres,
    coveredMs: sum.coveredMs + next.coveredMs,
    unknownMs: sum.unknownMs + next.unknownMs,
  };
}

function loadView(bucket: Load, text: (timeMs: number) => string) {
  const { startMs, endMs, kilograms, litres, unweighedLitres, coveredMs, unknownMs } = bucket;
  const weighed = litres - unweighedLitres;
  return {
    start: text(startMs),
    end: text(endMs),
    kilograms,
    // kg / L = 1e6 mg/L.
    flowWeightedMean: weighed > 0 ? (kilograms / weighed) * 1e6 : null,
    cubicMetres: cubicMetres(litres),
    unweighed: cubicMetres(Math.round(unweighedLitres)),
    unknownShare: litres > 0 ? unweighedLitres / litres : null,
    unknownHours: unknownMs / HOUR_MS,
    coverage: coveredMs / (endMs - startMs),
  };
}
