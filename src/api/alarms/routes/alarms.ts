/** Alarms: the list, one, its timeline, and what operators do to it. */
import type { FastifyRequest } from 'fastify';
import type { NoticeRow } from '#alerts/records/queries.ts';
import { actorOf } from '#api/access/caller.ts';
import {
  acknowledgeBody,
  alarmPage,
  alarmQuery,
  alarm as alarmSchema,
  commentBody,
  handOverBody,
  resetBody,
  shelveBody,
  timeline,
  unacknowledgeBody,
  unshelveBody,
} from '#api/alarms/schemas/alarms.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, isoText } from '#api/instants.ts';
import { invalid, notFound, Problem } from '#api/problems.ts';
import { documented, givenIdParams, LIST_LIMIT } from '#api/schemas/common.ts';
import { inTurns } from '#api/turns.ts';
import type { Alarm, Transition } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import type { CountedLine } from '#model/alarms/counted.ts';
import type { Command } from '#model/entry.ts';

/** What is to be silent for longer is no matter of one alarm. */
const SHELVED_MAX_MS = 30 * 86_400_000;

export function alarmRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  oneRoutes(api, deps);
  acknowledgeRoutes(api, deps);
  handOverRoute(api, deps);
  resetRoute(api, deps);
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

function transitionView({ atMs, event, from, to, cause, actor, changed, limitVersion }: Transition) {
  const { shelvedUntilMs, ...rest } = changed ?? {};
  const shelvedUntil = shelvedUntilMs?.map((untilMs) => (untilMs === null ? null : isoText(untilMs)));
  return {
    at: isoText(atMs),
    event,
    from,
    to,
    cause,
    ...(actor === null ? {} : { actor }),
    ...(changed === null ? {} : { changed: { ...rest, ...(shelvedUntil ? { shelvedUntil } : {}) } }),
    ...(limitVersion === null ? {} : { limitVersion }),
  };
}

function lineView({ crossing, atMs, event, timeMs, severity, value }: CountedLine) {
  return { crossing, at: isoText(atMs), event, time: isoText(timeMs), severity, value };
}

const ACTION_FAULTS = ['not-found', 'state.conflict', 'journal.full', 'journal.unwritable', 'overloaded'] as const;

function acknowledgeRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/alarms/:id/acknowledge',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: acknowledgeBody,
      ...documented({
        tag: 'alarms',
        summary: 'Takes an alarm over: raised becomes acknowledged; returned becomes cleared unless it is latched',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS],
      }),
    },
    handler: (request) =>
      act(deps, request, demandAcknowledgeable, (alarm) => ({ verb: 'acknowledge', alarm, ...request.body })),
  });

  api.route({
    method: 'POST',
    url: '/alarms/:id/unacknowledge',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: unacknowledgeBody,
      ...documented({
        tag: 'alarms',
        summary: 'Gives an alarm back: acknowledged becomes raised, or returned when it is latched',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS],
      }),
    },
    handler: (request) =>
      act(deps, request, demandAcknowledged, (alarm) => ({ verb: 'unacknowledge', alarm, ...request.body })),
  });
}

function handOverRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/alarms/:id/hand-over',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: handOverBody,
      ...documented({
        tag: 'alarms',
        summary: 'Hands an acknowledged alarm over to somebody else',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS],
      }),
    },
    handler: (request) =>
      act(
        deps,
        request,
        (alarm) => {
          demandAcknowledged(alarm);
          if (alarm.acknowledgedBy === request.body.to) throw conflict(alarm, `${request.body.to} answers for it`);
        },
        (alarm) => ({ verb: 'hand-over', alarm, ...request.body }),
      ),
  });
}

function resetRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/alarms/:id/reset',
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body: resetBody,
      ...documented({
        tag: 'alarms',
        summary: 'Resets a latched alarm: it is over once it is acknowledged, too',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS],
      }),
    },
    handler: (request) => act(deps, request, demandLatched, (alarm) => ({ verb: 'reset', alarm, ...request.body })),
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
        summary: 'Silences an alarm until an instant at most 30 days ahead, for a reason',
        answer: alarmSchema,
        faults: [...ACTION_FAULTS, 'range.invalid'],
      }),
    },
    async handler(request) {
      const { until, reason } = request.body;
      const untilMs = instantMs(until, 'until', deps.config.timeZone);
      const demand = (alarm: Alarm) => {
        const aheadMs = untilMs - deps.clock.nowMs();
        if (aheadMs <= 0) throw invalid('until', 'must lie ahead');
        if (aheadMs > SHELVED_MAX_MS) throw invalid('until', 'is more than 30 days ahead');
        demandOpen(alarm);
      };
      return act(deps, request, demand, (alarm) => ({ verb: 'shelve', alarm, untilMs, reason }));
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
    handler: (request) => act(deps, request, demandShelved, (alarm) => ({ verb: 'unshelve', alarm })),
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
    handler: (request) =>
      act(
        deps,
        request,
        () => {},
        (alarm) => ({ verb: 'comment', alarm, ...request.body }),
      ),
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
export function demandAcknowledgeable(alarm: Alarm): void {
  if (alarm.state === 'raised' || alarm.state === 'returned') return;
  throw conflict(
    alarm,
    alarm.acknowledgedBy ? `${alarm.acknowledgedBy} has acknowledged it` : 'there is nothing to acknowledge',
  );
}

function demandAcknowledged(alarm: Alarm): void {
  if (alarm.state !== 'acknowledged') throw conflict(alarm, 'nobody has it in hand');
}

function demandLatched(alarm: Alarm): void {
  if (alarm.latched) return;
  throw conflict(alarm, alarm.clearedAtMs === null ? 'it still stands' : 'it is not latched');
}

function demandOpen(alarm: Alarm): void {
  if (alarm.state === 'cleared' || alarm.state === 'withdrawn') throw conflict(alarm, 'there is nothing to shelve');
}

function demandShelved(alarm: Alarm): void {
  if (alarm.shelvedUntilMs === null) throw conflict(alarm, 'it is not shelved');
}

function conflict({ state }: Alarm, why: string): Problem {
  return new Problem('state.conflict', `The alarm is ${state}: ${why}.`);
}

/**
 * Does something to an alarm for whoever asks. What two operators do at once both finds the alarm as it was before: who comes
 * second in the journal changes nothing, and is told so.
 * @param demand throws when the alarm is in no state for it.
 */
async function act(
  deps: ApiDeps,
  request: FastifyRequest & { params: { id: string } },
  demand: (alarm: Alarm) => void,
  command: (alarm: string) => Command,
) {
  return alarmView(await actAs(deps, actorOf(request), request.params.id, demand, command));
}

/** The same for one who has no credential: `actor` stands in the link. @returns the alarm as it then is. */
export async function actAs(
  deps: ApiDeps,
  actor: string,
  id: string,
  demand: (alarm: Alarm) => void,
  command: (alarm: string) => Command,
): Promise<Alarm> {
  demand(await alarmOf(deps, id));
  const { seq } = await deps.journal.appendCommand(actor, command(id));
  const alarm = await alarmOf(deps, id);
  const { transitions } = await deps.queries.timeline({ id });
  // Where the service is too far behind to know, the alarm is as it was, and in a state for it.
  if (!transitions.some((transition) => transition.seq === seq)) demand(alarm);
  return alarm;
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
