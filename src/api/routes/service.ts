/** Routes about the service itself: health, readiness, metrics, the API's description. */
import { z } from 'zod';
import type { Api, ApiDeps } from '../deps.ts';
import { documented } from '../schemas/common.ts';

const health = z.object({ status: z.literal('ok') }).meta({ examples: [{ status: 'ok' }] });
const readiness = z
  .object({ ready: z.boolean(), waitingFor: z.array(z.string()) })
  .meta({ examples: [{ ready: true, waitingFor: [] }] });

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
  api.route({
    method: 'GET',
    url: '/openapi.json',
    config: { access: 'public' },
    schema: { ...documented({ tag: 'service', summary: 'This description', answer: z.unknown(), isPublic: true }) },
    handler: async () => api.swagger(),
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
