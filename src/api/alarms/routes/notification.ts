/** Who is told: the list of routes, and a test of one channel. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NoticeRow } from '#alerts/records/queries.ts';
import { routeReaches, routesReach } from '#alerts/telling/reach.ts';
import { actorOf } from '#api/access/caller.ts';
import { channelTested } from '#api/alarms/schemas/alarms.ts';
import { noticeView } from '#api/alarms/views.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText } from '#api/instants.ts';
import { notFound } from '#api/problems.ts';
import { refuseErrors, routesErrors } from '#api/registers/registers.ts';
import { withoutAdded } from '#api/registers/routes/registers.ts';
import { NOBODY, routesBody, routesView } from '#api/registers/schemas/registers.ts';
import { documented, idParams } from '#api/schemas.ts';
import type { Route } from '#model/register.ts';

/** The routes are one list, so their register has one entry, of this id. */
const ROUTES_ID = 'routes';

/** A channel answers or gives up within ten seconds; whoever tests it is told that, too. */
const TEST_LOOKS = 120;
const TEST_LOOK_EVERY_MS = 100;
/** Notices of the same moment among which the test is found. */
const SAME_MOMENT_MAX = 100;

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
    async preValidation(request) {
      const { body } = request;
      if (Array.isArray(body)) request.body = body.map((route) => withoutAdded(route, ['warning'])) as typeof body;
    },
    schema: {
      body: routesBody,
      ...documented({
        tag: 'registers',
        summary: 'Puts the whole list of routes',
        description: 'The header `Wk-Warning: routes.nobody` says that none of them names a channel with a recipient.',
        answer: routesView,
        faults: ['id.invalid', 'media.unsupported', 'message.too-large', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { body } = request;
      refuseErrors(routesErrors(deps, body));
      await deps.journal.appendCommand(actorOf(request), { verb: 'put', noun: 'routes', id: ROUTES_ID, body });
      if (!routesReach(body, deps.control)) reply.header('wk-warning', NOBODY);
      return body.map((route) => shown(deps, route));
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
        summary: 'Sends a test notice to a channel and says what happened, as far as it did within 12 s',
        status: 202,
        answer: channelTested,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable', 'overloaded'],
      }),
    },
    async handler(request, reply) {
      const channel = request.params.id;
      if (!deps.control.get('channel', channel)) throw notFound(`channel "${channel}"`);
      const { seq, receivedMs } = await deps.journal.appendCommand(actorOf(request), { verb: 'test-channel', channel });
      const notice = await tested(deps, channel, receivedMs, () => reply.raw.destroyed);
      return reply.code(202).send({ seq, at: isoText(receivedMs), ...(notice && { notice: noticeView(notice) }) });
    },
  });
}

const TOLD_NOBODY = {
  code: NOBODY,
  zh: '该路由没有可通知的人：它只写日志。',
  en: 'This route tells nobody: it names no channel but the log.',
};

/** A route that reaches nobody says so. */
function shown({ control }: ApiDeps, route: Route) {
  return routeReaches(route, control) ? route : { ...route, warning: TOLD_NOBODY };
}

/** The test's notice once it was tried, or as it is when it takes too long; null while the alerts are far behind. */
async function tested(
  deps: ApiDeps,
  channel: string,
  receivedMs: number,
  isGone: () => boolean,
): Promise<NoticeRow | null> {
  await deps.caughtUp('alerts');
  const before = { createdAtMs: receivedMs + 1, id: '' };
  for (let look = 0; ; look++) {
    const rows = await deps.queries.notices({ state: null, limit: SAME_MOMENT_MAX, before });
    const row = rows.find((one) => one.event === 'test' && one.channel === channel && one.createdAtMs === receivedMs);
    if (!row || row.attempts.length > 0 || look === TEST_LOOKS || isGone()) return row ?? null;
    await sleep(TEST_LOOK_EVERY_MS);
  }
}
