/** The newest values of one station, and of all of them. */
import { z } from 'zod';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { latestOf } from '#api/readings/latest.ts';
import { type Latest, latest } from '#api/readings/schemas/readings.ts';
import { documented, idParams, LIST_LIMIT, listOf, page } from '#api/schemas.ts';
import { stationOf } from '#api/series.ts';
import { surfaceWaterStandard } from '#model/reference.ts';

export function latestRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/stations/:id/latest',
    config: { access: 'viewer' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'readings',
        summary: 'The newest value of each parameter and the class that they add up to',
        answer: latest,
        faults: ['id.invalid', 'not-found'],
      }),
    },
    handler: async ({ params }) => latestAt(deps, params.id),
  });

  api.route({
    method: 'GET',
    url: '/latest',
    config: { access: 'viewer' },
    schema: {
      querystring: z.strictObject({ area: z.string().max(500).optional(), ...page }),
      ...documented({
        tag: 'readings',
        summary: 'The same for all stations, or those of an area, in the order of their ids',
        answer: listOf(latest),
        faults: ['cursor.invalid'],
      }),
    },
    async handler({ query }) {
      const after = fromCursor(query.cursor, ['string'])?.[0] ?? '';
      const limit = query.limit ?? LIST_LIMIT;
      const stations = deps.control
        .list('station')
        .filter(({ id, body }) => id > after && (query.area === undefined || body.area === query.area))
        .slice(0, limit + 1);
      return pageOf(
        stations,
        limit,
        ({ id }) => latestAt(deps, id),
        ({ id }) => toCursor(id),
      );
    },
  });
}

function latestAt(deps: ApiDeps, id: string): Latest {
  const { reference, reader, door, clock } = deps;
  const station = stationOf(deps, id);
  const series = new Map(reader.seriesOfStation(id).map((one) => [one.parameter, one.id]));
  const newest = [...reference.parameters.values()].flatMap((parameter) => {
    const known = series.get(parameter.id);
    const reading = known === undefined ? undefined : door.latest(known);
    return reading ? [{ parameter, reading }] : [];
  });
  return latestOf(station, newest, surfaceWaterStandard(deps.reference), clock.nowMs());
}
