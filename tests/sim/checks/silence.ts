/**
 * Invariant 10 for rules about silence: nobody is called silent for as long as we, or the broker, couldn't hear; and whoever
 * was silent long enough while the journal shows that we listened, is.
 */
import type { Alarm, Transition } from '#model/alarms/alarm.ts';
import { GATEWAYS_STATION, WHOLE_STATION } from '#model/alarms/alarm.ts';
import type { Entry, MessageEntry } from '#model/entry.ts';
import { isServiceLetter } from '#model/flag.ts';
import { isImport, ruleVersions } from '#tests/sim/commanded.ts';
import type { Outcome } from '#tests/sim/outcome.ts';
import { GATEWAYS, MINUTE_MS, SILENCE_RULE } from '#tests/sim/world/site.ts';
import type { World } from '#tests/sim/world/world.ts';

/** The rule waits for three intervals, and after a start everybody has as long to be heard. */
const INTERVALS = 3;
/** What a tick a minute and a broker that is found missing only later may blur. */
const SLACK_MS = 5 * MINUTE_MS;
/** While somebody is listened for, no two entries are further apart. */
const PULSE_MAX_MS = 2 * MINUTE_MS;

export function checkSilence(world: World, outcome: Outcome): string[] {
  const alarms = outcome.alarms.filter(({ rule }) => rule === SILENCE_RULE);
  return [
    ...alarms.flatMap((alarm) => checkRaised(alarm, world, outcome)),
    ...checkHeardOut(world, alarms, outcome),
    ...alarms
      .filter(({ state, clearedAtMs }) => state !== 'withdrawn' && clearedAtMs === null)
      .map(({ id }) => `alarm ${id} stands though nobody asks for silence any more`),
  ];
}

/** Whom an entry lets us hear: series of stations, stations, gateways. */
function heardIn(entry: MessageEntry, names: (series: number) => string): string[] {
  if (isImport(entry.source)) return [];
  const series = entry.readings
    .filter(
      ({ verdict, value, deviceFlag }) =>
        verdict !== 'duplicate' && (value !== null || isServiceLetter(deviceFlag, undefined)),
    )
    .map((reading) => names(reading.series));
  const stations = series.map((key) => `${key.split('/')[0]}/${WHOLE_STATION}`);
  return [...series, ...stations, `${GATEWAYS_STATION}/${entry.source}`];
}

function namesOf(world: World): (series: number) => string {
  const { reader } = world.process()!;
  return (id) => {
    const series = reader.seriesById(id)!;
    return `${series.station}/${series.parameter}`;
  };
}

/** One that was not taken back: somebody could have been heard for as long as the rule waits. */
function checkRaised(alarm: Alarm, world: World, { transitions }: Outcome): string[] {
  const { id, key, state } = alarm;
  const raised = transitions.find((one) => one.alarm === id && one.event === 'raised');
  if (!raised || state === 'withdrawn') return [];
  const subject = key.slice(SILENCE_RULE.length + 1);
  const names = namesOf(world);
  const heard = world.committed
    .slice(0, raised.seq - 1)
    .findLast((entry) => entry.kind === 'message' && heardIn(entry, names).includes(subject));
  const fromMs = heard?.receivedMs ?? 0;
  const waitedMs = world.hearing.reduce(
    (sum, stretch) => sum + Math.max(0, Math.min(stretch.toMs, raised.atMs) - Math.max(stretch.fromMs, fromMs)),
    0,
  );
  const leastMs = INTERVALS * world.options.site.pace.intervalMs - SLACK_MS;
  if (waitedMs >= leastMs) return [];
  return [
    `alarm ${id} (${key}) was raised after ${waitedMs / MINUTE_MS} min in which ${subject} could have been heard`,
  ];
}

/** Follows the journal: since when everybody could be heard without a break, and when each was last heard. */
function checkHeardOut(world: World, alarms: readonly Alarm[], { transitions }: Outcome): string[] {
  const { intervalMs } = world.options.site.pace;
  const longestMs = 2 * INTERVALS * intervalMs + SLACK_MS;
  const names = namesOf(world);
  const versions = ruleVersions(world.committed, SILENCE_RULE);
  const standing = standingOf(alarms, transitions);
  const heardMs = new Map<string, number>();
  const missed = new Set<string>();
  const deafBy = new Set<string>();
  let sinceMs = Number.POSITIVE_INFINITY;
  let before: Entry | undefined;
  for (const entry of world.committed) {
    const { seq, receivedMs } = entry;
    const isThere = versions.some(({ fromSeq, toSeq }) => fromSeq < seq && seq < toSeq);
    const isBroken = entry.kind === 'start' || receivedMs - (before?.receivedMs ?? 0) > PULSE_MAX_MS;
    hearPlatform(deafBy, entry);
    if (!isThere || isBroken || deafBy.size > 0) sinceMs = receivedMs;
    before = entry;
    for (const station of [...GATEWAYS.values()].flat()) {
      const subject = `${station}/${WHOLE_STATION}`;
      const silentMs = receivedMs - Math.max(sinceMs, heardMs.get(subject) ?? 0);
      // An entry that lets it be heard comes after the time that it brings.
      if (isThere && silentMs > longestMs && !standing(subject, seq)) missed.add(subject);
    }
    if (entry.kind === 'message') for (const subject of heardIn(entry, names)) heardMs.set(subject, receivedMs);
  }
  return [...missed].map((subject) => `${subject} was silent while we listened, and nobody said so`);
}

function hearPlatform(deafBy: Set<string>, entry: Entry): void {
  if (entry.kind !== 'command' || entry.command.verb !== 'platform') return;
  const { condition, state } = entry.command;
  if (!condition.startsWith('broker.') && condition !== 'journal.unwritable') return;
  if (state === 'begun') deafBy.add(condition);
  else deafBy.delete(condition);
}

/** Whether an alarm about a subject stood when an entry had been taken. */
function standingOf(alarms: readonly Alarm[], transitions: readonly Transition[]) {
  const stretches = alarms.map(({ id, key }) => {
    const story = transitions.filter(({ alarm }) => alarm === id);
    const fromSeq = story.find(({ event }) => event === 'raised')?.seq ?? Number.POSITIVE_INFINITY;
    const end = story.find(({ event }) => event === 'returned' || event === 'cleared' || event === 'withdrawn');
    return { subject: key.slice(SILENCE_RULE.length + 1), fromSeq, toSeq: end?.seq ?? Number.POSITIVE_INFINITY };
  });
  return (subject: string, seq: number) =>
    stretches.some((one) => one.subject === subject && one.fromSeq <= seq && seq <= one.toSeq);
}
