/** Alarms: the list, one, and its timeline. What operators do to one: actions.ts. */
import { alarmOf } from '#api/alarms/act.ts';
import { alarmPage, alarmQuery, alarm as alarmSchema, timeline } from '#api/alarms/schemas/alarms.ts';
import { lineView, noticeView, transitionView } from '#api/alarms/views.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs } from '#api/instants.ts';
import { documented, givenIdParams, LIST_LIMIT } from '#api/schemas.ts';
import { inTurns } from '#api/turns.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';

export function alarmRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  oneRoutes(api, deps);
}

function listRoute(api: Api, deps: ApiDeps): void {
  const { timeZone } = deps.config;
  api.route({
    method: 'GET',
    url: '/alarms',
    config: { access: 'viewer' },
    schema: {
      querystring: alarmQuery,
      ...documented({
        tag: 'alarms',
        summary: 'Alarms of every state unless some are asked for, newest first; `from` and `to` by `raisedAt`',
        answer: alarmPage,
        faults: ['cursor.invalid', 'range.invalid', 'id.invalid', 'overloaded'],
      }),
    },
    async handler({ query }) {
      const after = fromCursor(query.cursor, ['number', 'string']);
      const limit = query.limit ?? LIST_LIMIT;
      await deps.caughtUp('alerts');
      const rows = await deps.queries.alarms({
        state: query.state ?? null,
        station: query.station ?? null,
        severity: query.severity ?? null,
        rule: query.rule ?? null,
        ...(query.chattering === undefined ? {} : { chattering: query.chattering }),
        fromMs: query.from === undefined ? null : instantMs(query.from, 'from', timeZone),
        toMs: query.to === undefined ? null : instantMs(query.to, 'to', timeZone),
        limit: limit + 1,
        after: after && { raisedAtMs: after[0], id: after[1] },
      });
      return pageOf(rows, limit, alarmView, ({ raisedAtMs, id }) => toCursor(raisedAtMs, id));
    },
  });
}

function oneRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/alarms/:id',
    config: { access: 'viewer' },
    schema: {
      params: givenIdParams,
      ...documented({ tag: 'alarms', summary: 'One alarm', answer: alarmSchema, faults: ['not-found', 'overloaded'] }),
    },
    handler: async ({ params }) => alarmView(await alarmOf(deps, params.id)),
  });

  api.route({
    method: 'GET',
    url: '/alarms/:id/timeline',
    config: { access: 'viewer' },
    schema: {
      params: givenIdParams,
      ...documented({
        tag: 'alarms',
        summary: 'Everything that happened to an alarm, and everything that was said about it',
        answer: timeline,
        faults: ['not-found', 'overloaded'],
      }),
    },
    async handler({ params }) {
      await alarmOf(deps, params.id);
      const { transitions, notices, lines } = await deps.queries.timeline({ id: params.id });
      return {
        transitions: await inTurns(transitions, transitionView),
        notices: await inTurns(notices, noticeView),
        ...(lines.length === 0 ? {} : { counted: await inTurns(lines, lineView) }),
      };
    },
  });
}
