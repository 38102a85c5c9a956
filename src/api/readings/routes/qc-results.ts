/** Quality controls of a station: what its instruments made of known samples. */
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText, rangeOf } from '#api/instants.ts';
import { notFound } from '#api/problems.ts';
import { qcView } from '#api/readings/qc-view.ts';
import { qcPage, qcQuery } from '#api/readings/schemas/qc-results.ts';
import { documented, idParams, LIST_LIMIT } from '#api/schemas.ts';

/** An instrument's clock may be ahead as far as a reading's. */
const AHEAD_MS = 86_400_000;
const EARLIEST = '1900-01-01T00:00:00Z';

export function qcResultRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/stations/:id/qc-results',
    config: { access: 'viewer' },
    schema: {
      params: idParams,
      querystring: qcQuery,
      ...documented({
        tag: 'readings',
        summary: 'Quality controls that a station reported, newest first',
        description:
          'Standards, zeros, spans, recoveries and parallel samples of HJ 212 and its surface-water dialect: never readings, whatever letter they came under.',
        answer: qcPage,
        faults: ['id.invalid', 'not-found', 'range.invalid', 'cursor.invalid', 'overloaded'],
      }),
    },
    async handler({ params: { id: station }, query }) {
      if (!deps.control.get('station', station)) throw notFound(`station "${station}"`);
      const { timeZone } = deps.config;
      const nowMs = deps.clock.nowMs() + AHEAD_MS;
      const range = rangeOf({ ...query, from: query.from ?? EARLIEST }, { nowMs, timeZone, defaultMs: null });
      const [timeMs, parameter, kind] = fromCursor(query.cursor, ['number', 'string', 'string']) ?? [];
      const before = timeMs === undefined ? null : { timeMs, parameter: parameter!, kind: kind! };
      const limit = query.limit ?? LIST_LIMIT;
      const found = await deps.queries.qcResults({
        station,
        parameter: query.parameter ?? null,
        kind: query.kind ?? null,
        ...range,
        limit: limit + 1,
        before,
      });
      return pageOf(
        found,
        limit,
        (result) => ({ ...qcView(deps.reference, result), gateway: result.source, at: isoText(result.atMs) }),
        (result) => toCursor(result.timeMs, result.parameter, result.kind),
      );
    },
  });
}
