/**
 * What people command happens once, to what it was meant for, whoever was quicker; and a rule alarms by what it says, as
 * long as it is there.
 */
import type { Transition } from '#model/alarms/alarm.ts';
import { commandsOf, ruleVersions } from '#tests/sim/commanded.ts';
import type { Outcome } from '#tests/sim/outcome.ts';
import { EDITED_RULE } from '#tests/sim/world/site.ts';
import type { World } from '#tests/sim/world/world.ts';

export function checkPeople(world: World, outcome: Outcome): string[] {
  return [
    ...checkPromises(world),
    ...checkAcknowledgements(world, outcome),
    ...checkShelves(world, outcome),
    ...checkEdits(world, outcome),
  ];
}

/** Invariant 2 for commands. */
function checkPromises({ people, committed }: World): string[] {
  return people.promised.flatMap(({ seq, command }) => {
    const entry = committed[seq - 1];
    const isThere = entry?.kind === 'command' && JSON.stringify(entry.command) === JSON.stringify(command);
    return isThere ? [] : [`${command.verb} was confirmed as entry ${seq} and is not there`];
  });
}

/** Of a story: where the alarm was right before this entry did anything to it. */
function stateBefore(story: readonly Transition[], seq: number): string | null {
  return story.findLast((transition) => transition.seq < seq)?.to ?? null;
}

/** The first of two who acknowledge has done it, and nobody acknowledges what needs none. */
function checkAcknowledgements({ committed }: World, { transitions, alarms }: Outcome): string[] {
  const stories = Map.groupBy(transitions, ({ alarm }) => alarm);
  const problems: string[] = [];
  const taken = new Set<Transition>();
  for (const { seq, actor, command } of commandsOf(committed, 'acknowledge')) {
    const story = stories.get(command.alarm) ?? [];
    const done = story.find((one) => one.seq === seq && one.actor === actor);
    if (done) taken.add(done);
    // What else happened to it in the same entry may have changed what there was to acknowledge.
    const isAlone = story.every((one) => one.seq !== seq || one === done);
    const state = stateBefore(story, seq);
    const isDue = state === 'raised' || state === 'returned';
    if (isAlone && isDue !== (done !== undefined)) {
      problems.push(`${actor} acknowledged ${command.alarm} (${state}) in entry ${seq}: ${JSON.stringify(done)}`);
    }
  }
  for (const transition of transitions) {
    if (transition.event === 'acknowledged' && !taken.has(transition)) {
      problems.push(`alarm ${transition.alarm} was acknowledged by nobody: ${JSON.stringify(transition)}`);
    }
  }
  for (const { id, state, acknowledgedBy } of alarms) {
    const last = stories.get(id)?.findLast((one) => taken.has(one));
    if (state === 'acknowledged' && acknowledgedBy !== last?.actor) {
      problems.push(`alarm ${id} is acknowledged by ${acknowledgedBy}, should be by ${last?.actor}`);
    }
  }
  return problems;
}

/** Whatever is shelved comes back at its time, or when somebody says so, or is over. */
function checkShelves({ clock }: World, { alarms, transitions }: Outcome): string[] {
  const stories = Map.groupBy(transitions, ({ alarm }) => alarm);
  const problems: string[] = [];
  for (const { id, shelvedUntilMs } of alarms) {
    if (shelvedUntilMs !== null && shelvedUntilMs <= clock.nowMs()) {
      problems.push(`alarm ${id} is still on the shelf, until ${shelvedUntilMs}`);
    }
    let isShelved = false;
    for (const { event, to } of stories.get(id) ?? []) {
      if (event === 'unshelved' && !isShelved) problems.push(`alarm ${id} came off a shelf that it was not on`);
      isShelved = event === 'shelved' || (isShelved && event !== 'unshelved' && to !== 'cleared' && to !== 'withdrawn');
    }
    if (isShelved !== (shelvedUntilMs !== null)) problems.push(`alarm ${id}: shelved is ${isShelved} by its story`);
  }
  return problems;
}

/** The edited rule raises only while it is there, by a limit that it has had, and leaves nothing behind. */
function checkEdits({ committed }: World, { alarms, transitions }: Outcome): string[] {
  const versions = ruleVersions(committed, EDITED_RULE).filter(({ body }) => body.enabled);
  const own = new Map(alarms.filter(({ rule }) => rule === EDITED_RULE).map((alarm) => [alarm.id, alarm]));
  const limits = new Set(versions.map(({ body }) => (body.kind === 'threshold' ? body.limit : null)));
  const problems: string[] = [];
  for (const { alarm: id, event, from, seq } of transitions) {
    const alarm = own.get(id);
    if (!alarm || event !== 'raised' || from !== null) continue;
    const isThere = versions.some(({ fromSeq, toSeq }) => fromSeq <= seq && seq < toSeq);
    if (!isThere) problems.push(`rule ${EDITED_RULE} raised ${id} in entry ${seq}, when it was not there`);
    if (!limits.has(alarm.limit)) problems.push(`alarm ${id} speaks of ${alarm.limit}, which never was the limit`);
  }
  const isGone = versions.at(-1)?.toSeq !== Number.POSITIVE_INFINITY;
  for (const { id, state, clearedAtMs } of own.values()) {
    const stands = clearedAtMs === null && state !== 'withdrawn';
    if (isGone && stands) problems.push(`alarm ${id} stands though its rule is gone`);
  }
  return problems;
}
