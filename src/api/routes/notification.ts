/** Who is told: the list of routes, and a test of one channel. */
import { actorOf } from '../caller.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { isoText } from '../instants.ts';
import { notFound } from '../problems.ts';
import { refuseErrors, routesErrors } from '../registers.ts';
import { documented, idParams } from '../schemas/common.ts';
import { journaled } from '../schemas/readings.ts';
import { routesBody } from '../schemas/registers.ts';

/** The routes are one list, so their register has one entry, of this id. */
const ROUTES_ID = 'routes';

export function notificationRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/routes',
    config: { access: 'viewer' },
    schema: documented({ tag: 'registers', summary: 'The routes, in their order', answer: routesBody }),
    handler: async () => deps.control.get('routes', ROUTES_ID) ?? [],
  });

  api.route({
    method: 'PUT',
    url: '/routes',
    config: { access: 'admin' },
    schema: {
      body: routesBody,
      ...documented({
        tag: 'registers',
        summary: 'Puts the whole list of routes',
        answer: routesBody,
        faults: ['id.invalid', 'media.unsupported', 'message.too-large', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request) {
      const { body } = request;
      refuseErrors(routesErrors(deps, body));
      await deps.journal.appendCommand(actorOf(request), { verb: 'put', noun: 'routes', id: ROUTES_ID, body });
      return body;
    },
  });

  api.route({
    method: 'POST',
    url: '/channels/:id/test',
    config: { access: 'admin' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'alarms',
        summary: 'Sends a test notice to a channel; `/notices` says what became of it',
        status: 202,
        answer: journaled,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const channel = request.params.id;
      if (!deps.control.get('channel', channel)) throw notFound(`channel "${channel}"`);
      const { seq, receivedMs } = await deps.journal.appendCommand(actorOf(request), { verb: 'test-channel', channel });
      return reply.code(202).send({ seq, at: isoText(receivedMs) });
    },
  });
}
