/** Doing something to an alarm: found, in a state for it, journaled, and told as it then is. */
import type { ApiDeps } from '#api/deps.ts';
import { notFound, Problem } from '#api/problems.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Command } from '#model/entry.ts';

/** Something that can be done to an alarm. */
export interface Deed {
  /** Throws when the alarm is in no state for it. */
  demand(alarm: Alarm): void;
  /** @param alarm its id. */
  command(alarm: string): Command;
}

/** @throws Problem `not-found`. */
export async function alarmOf(deps: ApiDeps, id: string): Promise<Alarm> {
  await deps.caughtUp('alerts');
  const alarm = await deps.queries.alarm({ id });
  if (!alarm) throw notFound(`alarm "${id}"`);
  return alarm;
}

/**
 * What two operators do at once both finds the alarm as it was before: who comes second in the journal changes nothing, and is
 * told so.
 * @returns the alarm as it then is.
 */
export async function act(deps: ApiDeps, actor: string, id: string, { demand, command }: Deed): Promise<Alarm> {
  demand(await alarmOf(deps, id));
  const { seq } = await deps.journal.appendCommand(actor, command(id));
  const alarm = await alarmOf(deps, id);
  const { transitions } = await deps.queries.timeline({ id });
  // Where the service is too far behind to know, the alarm is as it was, and in a state for it.
  if (!transitions.some((transition) => transition.seq === seq)) demand(alarm);
  return alarm;
}

/** Taking an alarm over. */
export function acknowledging(comment: { comment?: string | undefined } = {}): Deed {
  return { demand: demandAcknowledgeable, command: (alarm) => ({ verb: 'acknowledge', alarm, ...comment }) };
}

/** @throws Problem `state.conflict` unless somebody still has to take it over. */
function demandAcknowledgeable(alarm: Alarm): void {
  if (alarm.state === 'raised' || alarm.state === 'returned') return;
  throw conflict(
    alarm,
    alarm.acknowledgedBy ? `${alarm.acknowledgedBy} has acknowledged it` : 'there is nothing to acknowledge',
  );
}

export function conflict({ state }: Alarm, why: string): Problem {
  return new Problem('state.conflict', `The alarm is ${state}: ${why}.`);
}
