/** Invariant 5: what happened is told once to each recipient that a route selects, in order, whoever died in between. */
import type { AlarmEvent, Transition } from '#model/alarms/alarm.ts';
import { isImported, windowsOf } from '#tests/sim/commanded.ts';
import type { Outcome } from '#tests/sim/outcome.ts';
import type { World } from '#tests/sim/world/world.ts';
import { checkWire } from './wire.ts';

const TOLD: ReadonlySet<AlarmEvent> = new Set<AlarmEvent>([
  'raised',
  'severity-changed',
  'returned',
  'cleared',
  'withdrawn',
  'confirmed',
  'late-found',
  'acknowledged',
]);
/** Told to whoever heard of the alarm before, though no route selects it any more. */
const FOLLOWING: ReadonlySet<AlarmEvent> = new Set<AlarmEvent>([
  'severity-changed',
  'returned',
  'cleared',
  'withdrawn',
  'acknowledged',
]);
const WEST_STATIONS = ['weir', 'lake'];
const AHEAD_MS = 10 * 60_000;

interface Told {
  alarm: string;
  event: AlarmEvent;
  severity: string;
  station: string;
}

type Sure = 'yes' | 'perhaps' | 'no';

export function checkNotices(world: World, outcome: Outcome): string[] {
  return [
    ...checkRoutes(world, outcome),
    ...checkStories(outcome),
    ...checkMaintenance(world, outcome),
    ...checkWire(world, outcome),
  ];
}

/**
 * Recipient `all` hears of every transition but those in silence, so what it was told, checked against the transitions,
 * says what the others must have heard: `bad` of what was major or critical then, `west` of two stations.
 */
function checkRoutes(world: World, outcome: Outcome): string[] {
  const happened = audible(world, outcome);
  const all = toldTo('all', outcome);
  const known = new Set<string>();
  const bad: string[] = [];
  const west: string[] = [];
  for (const told of all) {
    const { alarm, event, severity, station } = told;
    const isSelected = severity !== 'minor' && event !== 'withdrawn';
    if (isSelected || (known.has(alarm) && FOLLOWING.has(event))) {
      bad.push(lineOf(told));
      known.add(alarm);
    }
    if (WEST_STATIONS.includes(station)) west.push(lineOf(told));
  }
  return [
    ...differences('told to all', all.map(lineOf), happened.yes, happened.perhaps),
    ...differences('told to bad', toldTo('bad', outcome).map(lineOf), bad),
    ...differences('told to west', toldTo('west', outcome).map(lineOf), west),
  ];
}

/** What must have been told, and what may have been: whether a window or another alarm held it only times would tell. */
function audible(world: World, { alarms, transitions, rejudged }: Outcome): Record<'yes' | 'perhaps', string[]> {
  const lines: Record<'yes' | 'perhaps', string[]> = { yes: [], perhaps: [] };
  const known = new Map(alarms.map((alarm) => [alarm.id, alarm]));
  const judgedAnew = new Set(rejudged.map(({ seq }) => seq));
  // Imported, but left to settling: it comes later, and pages as little as what was judged at once.
  const records = new Set(rejudged.filter(({ recordOnly }) => recordOnly).map(({ n }) => String(n)));
  const recordSeqs = new Set(rejudged.filter(({ recordOnly }) => recordOnly).map(({ seq }) => seq));
  const windows = windowsOf(world.committed);
  const stories = new Map<string, { isShelved: boolean; held: Sure; isKnown: Sure }>();
  for (const transition of transitions) {
    const { alarm: id, event, to } = transition;
    const { station, late, suppressedBy, rule } = known.get(id)!;
    const story = stories.getOrInsertComputed(id, () => ({ isShelved: false, held: 'no', isKnown: 'no' }));
    if (event === 'raised' || event === 'late-found') {
      const { seq, atMs } = transition;
      const mayBeHeld =
        suppressedBy !== null ||
        rule === 'silence' ||
        windows.some(
          ({ fromSeq, stations, fromMs, toMs }) =>
            fromSeq <= seq && stations.has(station) && fromMs - AHEAD_MS <= atMs && (late || atMs < toMs),
        );
      story.held = mayBeHeld ? 'perhaps' : 'no';
    }
    let told: Sure = story.isShelved ? 'no' : story.held === 'perhaps' ? 'perhaps' : 'yes';
    // History that is imported pages nobody; what was judged anew right after it is no part of it.
    if (event === 'late-found' && told !== 'no' && isImported(world.committed[transition.seq - 1])) {
      told = judgedAnew.has(transition.seq) ? 'perhaps' : 'no';
    }
    // So does what such an occasion takes back of an alarm that was over.
    const isOver = transition.from === 'cleared' && event === 'withdrawn';
    if (isOver && told !== 'no' && recordSeqs.has(transition.seq)) told = 'perhaps';
    if (event === 'late-found' && records.has(/^\d+r(\d+)-/.exec(id)?.[1] ?? '')) told = 'no';
    if (event === 'withdrawn' && told !== 'no' && story.isKnown !== 'yes') told = story.isKnown;
    if (TOLD.has(event) && told !== 'no') {
      lines[told].push(lineOf(transition));
      if (story.isKnown !== 'yes') story.isKnown = told;
    }
    if (event === 'shelved') story.isShelved = true;
    if (event === 'unshelved' || to === 'cleared' || to === 'withdrawn') story.isShelved = false;
  }
  return lines;
}

const lineOf = ({ alarm, event }: Pick<Transition, 'alarm' | 'event'>) => `${event} ${alarm}`;

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
    const states = [null, ...story.map(({ to }) => to)];
    const isWhole = story.every(({ from }, n) => from === states[n]) && states.at(-1) === state;
    return isWhole ? [] : [`the story of alarm ${id} (${state}) has holes: ${JSON.stringify(story)}`];
  });
}

/** Nobody is told of what is raised in a maintenance window before its end, and of what outlasts it everybody is. */
function checkMaintenance({ committed }: World, outcome: Outcome): string[] {
  const windows = windowsOf(committed);
  const problems: string[] = [];
  const seqs = new Map(
    outcome.transitions.map(({ alarm, event, atMs, seq }) => [`${alarm} ${event} ${atMs}`, seq] as const),
  );
  const raised = outcome.notices.filter(({ channel, event }) => channel === 'all' && event === 'raised');
  for (const { alarms, createdAtMs, payload } of raised) {
    const view = (JSON.parse(payload) as { alarm: { station: string; raisedAt: string } }).alarm;
    const raisedAtMs = Date.parse(view.raisedAt);
    const seq = seqs.get(`${alarms[0]} raised ${createdAtMs}`) ?? 0;
    const window = windows.find(
      ({ fromSeq, toSeq, fromMs, toMs, stations }) =>
        fromSeq < seq &&
        seq < toSeq &&
        stations.has(view.station) &&
        fromMs <= raisedAtMs &&
        raisedAtMs < toMs &&
        createdAtMs < toMs,
    );
    if (window) problems.push(`alarm ${alarms[0]} was told in maintenance (${window.fromMs} to ${window.toMs})`);
  }
  const told = new Set(raised.flatMap(({ alarms }) => alarms));
  for (const { id, state, suppressedBy, shelvedUntilMs } of outcome.alarms) {
    if (state !== 'raised' || shelvedUntilMs !== null) continue;
    if (suppressedBy?.startsWith('maintenance/'))
      problems.push(`alarm ${id} is held by ${suppressedBy}, which is over`);
    if (suppressedBy === null && !told.has(id)) problems.push(`alarm ${id} stands and nobody was ever told`);
  }
  return problems;
}

/** As multisets; what is `optional` may be there or not. */
function differences(
  what: string,
  found: readonly string[],
  expected: readonly string[],
  optional: readonly string[] = [],
): string[] {
  const left = new Map<string, number>();
  for (const line of expected) left.set(line, (left.get(line) ?? 0) + 1);
  for (const line of found) left.set(line, (left.get(line) ?? 0) - 1);
  const spare = Map.groupBy(optional, (line) => line);
  return [...left].flatMap(([line, n]) => {
    if (n > 0) return [`${what}: "${line}" is missing (${n})`];
    const surplus = -n - (spare.get(line)?.length ?? 0);
    return surplus > 0 ? [`${what}: "${line}" is too much (${surplus})`] : [];
  });
}
