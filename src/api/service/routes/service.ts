/** Routes about the service itself: health, readiness, metrics, the API's description. */
import { z } from 'zod';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { documented } from '#api/schemas.ts';

const health = z.object({ status: z.literal('ok') }).meta({ examples: [{ status: 'ok' }] });
const count = z.number().int();
const recounting = z
  .object({
    fromRules: count.describe('Rules of counting of the program before'),
    toRules: count,
    total: count.describe('Hours of series and meters to count anew; 0 until that is known'),
    done: count,
    frozen: count.describe('Hours that stay as they were: WK_RAW_RETENTION has deleted their readings'),
    leftOut: count.describe('Series and meters that could not be counted anew; the log says why'),
    notes: z.array(z.string()).describe('What the upgrade has found'),
  })
  .nullable()
  .describe('Books of an older program that are being counted anew; null when they are by the rules of this one');
const readiness = z
  .object({ ready: z.boolean(), waitingFor: z.array(z.string()), recounting })
  .meta({ examples: [{ ready: true, waitingFor: [], recounting: null }] });

export function serviceRoutes(api: Api, deps: ApiDeps): void {
  healthRoutes(api, deps);
  api.route({
    method: 'GET',
    url: '/metrics',
    config: { access: 'viewer', loopback: true },
    schema: documented({
      tag: 'service',
      summary: "Prometheus' text exposition; from this machine without a credential",
      answer: z.string().meta({ examples: ['wellkeeper_journal_head 4711\n'] }),
      type: 'text/plain',
    }),
    async handler(_request, reply) {
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await deps.metrics());
    },
  });
  let description: string | null = null;
  api.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'public' },
    schema: { ...documented({ tag: 'service', summary: 'This description', answer: z.unknown(), isPublic: true }) },
    async handler(_request, reply) {
      // Written once: it takes a megabyte, and whoever comes may ask for it.
      description ??= JSON.stringify(api.swagger());
      return reply.type('application/json; charset=utf-8').send(description);
    },
  });
}

function healthRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/healthz',
    config: { access: 'public' },
    schema: documented({ tag: 'service', summary: 'The process is alive', answer: health, isPublic: true }),
    handler: async () => ({ status: 'ok' }),
  });
  api.route({
    method: 'GET',
    url: '/readyz',
    config: { access: 'public' },
    schema: documented({
      tag: 'service',
      summary: '200 once everything that gateways need is listening, 503 before',
      status: [200, 503],
      answer: readiness,
      isPublic: true,
    }),
    async handler(_request, reply) {
      const state = deps.readiness();
      return reply
        .code(state.ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(state);
    },
  });
}
