/** Invariant 5: what happened is told once to each recipient that a route selects, in order, whoever died in between. */
import type { World } from '#tests/helpers/sim-world.ts';
import type { Outcome } from './outcome.ts';

const TOLD = [
  'raised',
  'severity-changed',
  'returned',
  'cleared',
  'withdrawn',
  'confirmed',
  'late-found',
  'acknowledged',
];
/** Told to whoever heard of the alarm before, though no route selects it any more. */
const FOLLOWING = ['severity-changed', 'returned', 'cleared', 'withdrawn', 'acknowledged'];
const WEST_STATIONS = ['weir', 'lake'];

interface Told {
  alarm: string;
  event: string;
  severity: string;
  station: string;
}

export function checkNotices(world: World, outcome: Outcome): string[] {
  return [...checkRoutes(outcome), ...checkStories(outcome), ...checkWire(world, outcome)];
}

/**
 * Recipient `all` hears of every transition, so what it was told, checked against the transitions, says what the others
 * must have heard: `bad` of what was major or critical then, `west` of two stations.
 */
function checkRoutes(outcome: Outcome): string[] {
  const happened = outcome.transitions.filter(({ event }) => TOLD.includes(event)).map(lineOf);
  const all = toldTo('all', outcome);
  const known = new Set<string>();
  const bad: string[] = [];
  const west: string[] = [];
  for (const told of all) {
    const { alarm, event, severity, station } = told;
    const isSelected = severity !== 'minor' && event !== 'withdrawn';
    if (isSelected || (known.has(alarm) && FOLLOWING.includes(event))) {
      bad.push(lineOf(told));
      known.add(alarm);
    }
    if (WEST_STATIONS.includes(station)) west.push(lineOf(told));
  }
  return [
    ...differences('told to all', all.map(lineOf), happened),
    ...differences('told to bad', toldTo('bad', outcome).map(lineOf), bad),
    ...differences('told to west', toldTo('west', outcome).map(lineOf), west),
  ];
}

const lineOf = ({ alarm, event }: Pick<Told, 'alarm' | 'event'>) => `${event} ${alarm}`;

function toldTo(channel: string, { notices }: Outcome): Told[] {
  // A summary only says again what its members tell.
  return notices
    .filter((notice) => notice.channel === channel && notice.event !== 'summary')
    .flatMap(({ event, alarms, payload }) => {
      type View = Pick<Told, 'severity' | 'station'> & { id: string };
      const body = JSON.parse(payload) as { alarm: View; alarms?: View[] };
      const views = body.alarms ?? [body.alarm];
      return alarms.map((alarm) => {
        const { severity, station } = views.find(({ id }) => id === alarm)!;
        return { alarm, event, severity, station };
      });
    });
}

/** Each transition begins where the one before it ended, and the last one is where the alarm is. */
function checkStories({ alarms, transitions }: Outcome): string[] {
  const stories = Map.groupBy(transitions, ({ alarm }) => alarm);
  return alarms.flatMap(({ id, state }) => {
    const story = stories.get(id) ?? [];
    const states = [null, ...story.map(({ toState }) => toState)];
    const isWhole = story.every(({ fromState }, n) => fromState === states[n]) && states.at(-1) === state;
    return isWhole ? [] : [`the story of alarm ${id} (${state}) has holes: ${JSON.stringify(story)}`];
  });
}

/** Whoever keeps to the Idempotency-Key hears each notice once: repeats carry the same key and the same bytes. */
function checkWire({ wire }: World, { notices }: Outcome): string[] {
  const problems: string[] = [];
  const sends = Map.groupBy(wire.sends, ({ id }) => id);
  const known = new Set(notices.map(({ id }) => id));
  for (const id of sends.keys()) if (!known.has(id)) problems.push(`notice ${id} was sent and is not in the outbox`);
  const firstSends = new Map([...sends.keys()].map((id, n) => [id, n]));
  const newest = new Map<string, number>();
  const inSummaries: string[] = [];
  const grouped: string[] = [];
  for (const { id, channel, alarms, state, payload } of notices) {
    for (const { notice } of (JSON.parse(payload) as { told?: { notice: string }[] }).told ?? [])
      inSummaries.push(notice);
    if (state === 'grouped') {
      grouped.push(id);
      continue;
    }
    const ofNotice = sends.get(id) ?? [];
    const good = ofNotice.filter(({ outcome }) => outcome === 'sent');
    if (new Set(ofNotice.map(({ payload }) => payload)).size > 1)
      problems.push(`notice ${id} was sent in two versions`);
    if (new Set(good.map(({ life }) => life)).size !== good.length)
      problems.push(`notice ${id} was sent twice in one life`);
    const isTold = state === 'sent' ? good.length > 0 : ofNotice.some(({ outcome }) => outcome === 'failed-for-good');
    if (state === 'pending' || !isTold)
      problems.push(`notice ${id} to ${channel} is ${state}: ${JSON.stringify(ofNotice)}`);
    for (const alarm of alarms) {
      const line = `${channel} ${alarm}`;
      const first = firstSends.get(id) ?? Number.POSITIVE_INFINITY;
      if (first < (newest.get(line) ?? -1))
        problems.push(`notice ${id} to ${channel} overtook one about the same alarm`);
      newest.set(line, first);
    }
  }
  return [...problems, ...differences('told in summaries', inSummaries, grouped)];
}

/** As multisets. */
function differences(what: string, found: readonly string[], expected: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of expected) left.set(line, (left.get(line) ?? 0) + 1);
  for (const line of found) left.set(line, (left.get(line) ?? 0) - 1);
  return [...left].flatMap(([line, n]) =>
    n === 0 ? [] : [`${what}: "${line}" ${n > 0 ? `is missing (${n})` : `is too much (${-n})`}`],
  );
}
