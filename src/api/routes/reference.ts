/** The reference data as they are: parameters and standards. */
import { z } from 'zod';
import type { Api, ApiDeps } from '../deps.ts';
import { notFound } from '../problems.ts';
import { documented, idParams, listOf } from '../schemas/common.ts';
import { parameterView, standardHead, standardView } from '../schemas/reference.ts';

export function referenceRoutes(api: Api, deps: ApiDeps): void {
  const { parameters, standards } = deps.reference;

  api.route({
    method: 'GET',
    url: '/parameters',
    config: { access: 'viewer' },
    schema: {
      querystring: z.strictObject({}),
      ...documented({
        tag: 'reference',
        summary: 'All parameters with units, codes and quality thresholds',
        answer: listOf(parameterView),
      }),
    },
    handler: async () => ({ items: [...parameters.values()], next: null }),
  });

  api.route({
    method: 'GET',
    url: '/standards',
    config: { access: 'viewer' },
    schema: {
      querystring: z.strictObject({}),
      ...documented({ tag: 'reference', summary: 'All standards', answer: listOf(standardHead) }),
    },
    async handler() {
      const items = [...standards.values()].map(({ id, title, edition, effective }) => ({
        id,
        title,
        edition,
        effective,
      }));
      return { items, next: null };
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
