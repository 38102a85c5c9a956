/** What operators do to an alarm, each a POST to `/alarms/{id}/…` that answers with the alarm as it then is. */
import type { z } from 'zod';
import { actorOf } from '#api/access/caller.ts';
import { acknowledging, act, conflict, type Deed } from '#api/alarms/act.ts';
import {
  acknowledgeBody,
  alarm as alarmSchema,
  commentBody,
  handOverBody,
  resetBody,
  shelveBody,
  unacknowledgeBody,
  unshelveBody,
} from '#api/alarms/schemas/alarms.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs } from '#api/instants.ts';
import { invalid } from '#api/problems.ts';
import { documented, givenIdParams } from '#api/schemas.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import type { FaultCode } from '#model/faults.ts';

/** What is to be silent for longer is no matter of one alarm. */
const SHELVED_MAX_MS = 30 * 86_400_000;

interface Action<B extends z.ZodType> {
  /** The last part of its address. */
  name: string;
  summary: string;
  body: B;
  /** Faults of its own. */
  faults?: FaultCode[];
  /** @throws Problem when the body alone says that it can't be done. */
  deed(body: z.output<B>, deps: ApiDeps): Deed;
}

/** Keeps each action's own type of body while they stand in one list. */
const action = <B extends z.ZodType>(described: Action<B>) => ({
  register: (api: Api, deps: ApiDeps) => addAction(api, deps, described),
});

const ACTIONS = [
  action({
    name: 'acknowledge',
    summary: 'Takes an alarm over: raised becomes acknowledged; returned becomes cleared unless it is latched',
    body: acknowledgeBody,
    deed: acknowledging,
  }),
  action({
    name: 'unacknowledge',
    summary: 'Gives an alarm back: acknowledged becomes raised, or returned when it is latched',
    body: unacknowledgeBody,
    deed: (body) => ({
      demand: demandAcknowledged,
      command: (alarm) => ({ verb: 'unacknowledge', alarm, ...body }),
    }),
  }),
  action({
    name: 'hand-over',
    summary: 'Hands an acknowledged alarm over to somebody else',
    body: handOverBody,
    deed: (body) => ({
      demand(alarm) {
        demandAcknowledged(alarm);
        if (alarm.acknowledgedBy === body.to) throw conflict(alarm, `${body.to} answers for it`);
      },
      command: (alarm) => ({ verb: 'hand-over', alarm, ...body }),
    }),
  }),
  action({
    name: 'reset',
    summary: 'Resets a latched alarm: it is over once it is acknowledged, too',
    body: resetBody,
    deed: (body) => ({ demand: demandLatched, command: (alarm) => ({ verb: 'reset', alarm, ...body }) }),
  }),
  action({
    name: 'shelve',
    summary: 'Silences an alarm until an instant at most 30 days ahead, for a reason',
    body: shelveBody,
    faults: ['range.invalid'],
    deed: shelving,
  }),
  action({
    name: 'unshelve',
    summary: 'Ends the shelving of an alarm',
    body: unshelveBody,
    deed: () => ({ demand: demandShelved, command: (alarm) => ({ verb: 'unshelve', alarm }) }),
  }),
  action({
    name: 'comment',
    summary: 'Adds a comment to the timeline, whatever the state',
    body: commentBody,
    deed: (body) => ({ demand() {}, command: (alarm) => ({ verb: 'comment', alarm, ...body }) }),
  }),
];

export function alarmActionRoutes(api: Api, deps: ApiDeps): void {
  for (const { register } of ACTIONS) register(api, deps);
}

function addAction<B extends z.ZodType>(api: Api, deps: ApiDeps, described: Action<B>): void {
  const { name, summary, body, faults = [], deed } = described;
  api.route({
    method: 'POST',
    url: `/alarms/:id/${name}`,
    config: { access: 'operator' },
    schema: {
      params: givenIdParams,
      body,
      ...documented({
        tag: 'alarms',
        summary,
        answer: alarmSchema,
        faults: ['not-found', 'state.conflict', 'journal.full', 'journal.unwritable', 'overloaded', ...faults],
      }),
    },
    handler: async (request) =>
      alarmView(await act(deps, actorOf(request), request.params.id, deed(request.body as z.output<B>, deps))),
  });
}

function shelving({ until, reason }: z.output<typeof shelveBody>, { config, clock }: ApiDeps): Deed {
  const untilMs = instantMs(until, 'until', config.timeZone);
  return {
    demand(alarm) {
      const aheadMs = untilMs - clock.nowMs();
      if (aheadMs <= 0) throw invalid('until', 'must lie ahead');
      if (aheadMs > SHELVED_MAX_MS) throw invalid('until', 'is more than 30 days ahead');
      demandOpen(alarm);
    },
    command: (alarm) => ({ verb: 'shelve', alarm, untilMs, reason }),
  };
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
