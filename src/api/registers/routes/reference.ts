/** The reference data as they are: parameters and standards. */

import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { notFound } from '#api/problems.ts';
import { parameterView, standardHead, standardView } from '#api/registers/schemas/reference.ts';
import { documented, idParams, listOf, pageQuery } from '#api/schemas.ts';

export function referenceRoutes(api: Api, deps: ApiDeps): void {
  const { parameters, standards } = deps.reference;

  api.route({
    method: 'GET',
    url: '/parameters',
    config: { access: 'viewer' },
    schema: {
      querystring: pageQuery,
      ...documented({
        tag: 'reference',
        summary: 'All parameters with units, codes and quality thresholds',
        answer: listOf(parameterView),
        faults: ['cursor.invalid'],
      }),
    },
    handler: async ({ query }) => paged([...parameters.values()], query),
  });

  api.route({
    method: 'GET',
    url: '/standards',
    config: { access: 'viewer' },
    schema: {
      querystring: pageQuery,
      ...documented({
        tag: 'reference',
        summary: 'All standards',
        answer: listOf(standardHead),
        faults: ['cursor.invalid'],
      }),
    },
    async handler({ query }) {
      const items = [...standards.values()].map(({ id, series, title, edition, effective, superseded }) => ({
        id,
        series,
        title,
        edition,
        effective,
        superseded,
      }));
      return paged(items, query);
    },
  });

  api.route({
    method: 'GET',
    url: '/standards/:id',
    config: { access: 'viewer' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'reference',
        summary: 'One standard with its limits, as the decimal strings that it prints',
        answer: standardView,
        faults: ['id.invalid', 'not-found'],
      }),
    },
    async handler({ params: { id } }) {
      const standard = standards.get(id);
      if (!standard) throw notFound(`standard "${id}"`);
      return standard;
    },
  });
}

/** All of them unless a limit is given: this is a vocabulary, which is read whole. */
function paged<T extends { id: string }>(
  all: readonly T[],
  query: { limit?: number | undefined; cursor?: string | undefined },
) {
  const after = fromCursor(query.cursor, ['string'])?.[0];
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  return pageOf(
    all.slice(start),
    query.limit ?? all.length,
    (item) => item,
    ({ id }) => toCursor(id),
  );
}
