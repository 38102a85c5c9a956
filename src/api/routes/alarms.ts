/** Alarms: the list, one, its timeline, and what operators do to it. */
import type { Alarm } from '#model/alarm.ts';
import { alarmView } from '#model/alarm-view.ts';
import type { Command } from '#model/entry.ts';
import type { NoticeRow } from '#store/queries.ts';
import { actorOf } from '../caller.ts';
import { fromCursor, pageOf, toCursor } from '../cursors.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { instantMs, isoText } from '../instants.ts';
import { invalid, notFound, Problem } from '../problems.ts';
import {
  acknowledgeBody,
  alarmPage,
  alarmQuery,
  alarm as alarmSchema,
  commentBody,
  shelveBody,
  timeline,
  unshelveBody,
} from '../schemas/alarms.ts';
import { documented, givenIdParams, LIST_LIMIT } from '../schemas/common.ts';

export function alarmRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  oneRoutes(api, deps);
  acknowledgeRoute(api, deps);
  shelvingRoutes(api, deps);
  commentRoute(api, deps);
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
      const { transitions, notices } = await deps.queries.timeline({ id: params.id });
      return {
        transitions: transitions.map(({ atMs, event, from, to, cause, actor }) => ({
          at: isoText(atMs),
          event,
          from,
          to,
          cause,
          ...(actor === null ? {} : { actor }),
        })),
        notices: notices.map(noticeView),
      };
    },
  });
}

const ACTION_FAULTS = ['not-found', 'state.conflict', 'journal.full', 'journal.unwritable', 'overloaded'] as const;

function acknowledgeRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/alarms/:id/acknowledge',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: acknowledgeBody,
      ...documented({
        tag: 'alarms',
        summary: 'Takes an alarm over: raised becomes acknowledged, returned becomes cleared',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS],
      }),
    },
    async handler(request) {
      const alarm = await alarmOf(deps, request.params.id);
      demandAcknowledgeable(alarm);
      const { comment } = request.body;
      return act(deps, actorOf(request), alarm.id, {
        verb: 'acknowledge',
        alarm: alarm.id,
        ...(comment === undefined ? {} : { comment }),
      });
    },
  });
}

function shelvingRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/alarms/:id/shelve',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: shelveBody,
      ...documented({
        tag: 'alarms',
        summary: 'Silences an alarm until an instant, for a reason',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS, 'range.invalid'],
      }),
    },
    async handler(request) {
      const { until, reason } = request.body;
      const untilMs = instantMs(until, 'until', deps.config.timeZone);
      if (untilMs <= deps.clock.nowMs()) throw invalid('until', 'must lie ahead');
      const alarm = await alarmOf(deps, request.params.id);
      if (isOver(alarm)) throw conflict(alarm, 'there is nothing to shelve');
      return act(deps, actorOf(request), alarm.id, { verb: 'shelve', alarm: alarm.id, untilMs, reason });
    },
  });

  api.route({
    method: 'POST',
    url: '/alarms/:id/unshelve',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: unshelveBody,
      ...documented({
        tag: 'alarms',
        summary: 'Ends the shelving of an alarm',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS],
      }),
    },
    async handler(request) {
      const alarm = await alarmOf(deps, request.params.id);
      if (alarm.shelvedUntilMs === null) throw conflict(alarm, 'it is not shelved');
      return act(deps, actorOf(request), alarm.id, { verb: 'unshelve', alarm: alarm.id });
    },
  });
}

function commentRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/alarms/:id/comment',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: commentBody,
      ...documented({
        tag: 'alarms',
        summary: 'Adds a comment to the timeline, whatever the state',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS],
      }),
    },
    async handler(request) {
      const alarm = await alarmOf(deps, request.params.id);
      const { comment } = request.body;
      return act(deps, actorOf(request), alarm.id, { verb: 'comment', alarm: alarm.id, comment });
    },
  });
}

/** @throws Problem `not-found`. */
export async function alarmOf(deps: ApiDeps, id: string): Promise<Alarm> {
  await deps.caughtUp('alerts');
  const alarm = await deps.queries.alarm({ id });
  if (!alarm) throw notFound(`alarm "${id}"`);
  return alarm;
}

/** @throws Problem `state.conflict` unless somebody still has to take it over. */
function demandAcknowledgeable(alarm: Alarm): void {
  if (alarm.state === 'raised' || alarm.state === 'returned') return;
  throw conflict(
    alarm,
    alarm.acknowledgedBy ? `${alarm.acknowledgedBy} has acknowledged it` : 'there is nothing to acknowledge',
  );
}

function isOver({ state }: Alarm): boolean {
  return state === 'cleared' || state === 'withdrawn';
}

function conflict({ state }: Alarm, why: string): Problem {
  return new Problem('state.conflict', `The alarm is ${state}: ${why}.`);
}

async function act(deps: ApiDeps, actor: string, id: string, command: Command) {
  await deps.journal.appendCommand(actor, command);
  return alarmView(await alarmOf(deps, id));
}

export function noticeView(row: NoticeRow) {
  const { createdAtMs, attempts, id, channel, event, alarms, state, summary, fallback, receipts = [] } = row;
  return {
    id,
    channel,
    event,
    alarms,
    createdAt: isoText(createdAtMs),
    state,
    attempts: attempts.map(({ atMs, status, outcome }) => ({ at: isoText(atMs), status, outcome })),
    ...(summary ? { summary } : {}),
    ...(fallback ? { fallback } : {}),
    ...(receipts.length > 0 ? { receipts: receipts.map(({ atMs, ...rest }) => ({ ...rest, at: isoText(atMs) })) } : {}),
  };
}
