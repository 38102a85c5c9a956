/**
 * The journal replayed from empty, in one go and by nobody who dies, gives the same alarms with the same history and the
 * same notices to the byte. What alerts were told by the other followers comes at the place at which it came then.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createAlertsFollower } from '#alerts/follower.ts';
import { openDerived } from '#installation/derived.ts';
import { Control } from '#journal/registers.ts';
import { alertOutcome, type Outcome } from '#tests/sim/outcome.ts';
import { Random } from '#tests/sim/world/random.ts';
import { reference, standard } from '#tests/sim/world/site.ts';
import { putTaken } from '#tests/sim/world/taken.ts';
import type { World } from '#tests/sim/world/world.ts';

const BATCH_MAX = 200;

export async function checkReplay(world: World, outcome: Outcome): Promise<string[]> {
  const derived = openDerived(join(world.options.directory, 'replayed.db'));
  try {
    derived.exec('PRAGMA synchronous=OFF');
    await replay(world, outcome, derived);
    const again = alertOutcome(derived);
    return [
      ...differing('alarms', again.alarms, outcome.alarms),
      ...differing('transitions', again.transitions, outcome.transitions),
      ...differing('notices', made(again.notices), made(outcome.notices)),
    ];
  } finally {
    derived.close();
  }
}

async function replay(
  world: World,
  { rejudged, alertsSeq }: Outcome,
  derived: ReturnType<typeof openDerived>,
): Promise<void> {
  const { reader } = world.process()!;
  const { options } = world;
  const committed = world.committed.slice(0, alertsSeq);
  const alerts = createAlertsFollower({
    derived,
    reader,
    control: new Control([]),
    reference,
    standard,
    allowedLatenessMs: options.allowedLatenessMs,
    timeZone: options.site.pace.timeZone,
    publicUrl: null,
    log: { info: () => {}, warn: () => {} },
    onAlarms: () => {},
  });
  const random = new Random(options.seed, 'replay');
  const taken = Map.groupBy(rejudged, ({ seq }) => seq);
  for (let next = 0; next < committed.length; ) {
    const size = random.between(1, BATCH_MAX);
    const batch = committed.slice(next, next + size);
    const stop = batch.findIndex(({ seq }) => taken.has(seq));
    if (stop >= 0) batch.length = stop + 1;
    await alerts.apply(batch);
    next += batch.length;
    const readings = taken.get(batch.at(-1)!.seq);
    if (!readings) continue;
    putTaken(derived, readings);
    while (alerts.takeRejudged());
  }
}

/** As the alerts made them, channel by channel: whoever stands in for a channel, and what waits together, is the dispatcher's doing. */
function made(notices: Outcome['notices']) {
  return notices
    .filter(({ event, channel }) => event !== 'summary' && channel !== 'spare')
    .map(({ state: _state, summary: _summary, ...notice }) => notice)
    .sort((a, b) => (a.channel < b.channel ? -1 : a.channel > b.channel ? 1 : 0));
}

function differing(what: string, found: readonly unknown[], expected: readonly unknown[]): string[] {
  if (isDeepStrictEqual(found, expected)) return [];
  const n = found.findIndex((one, index) => !isDeepStrictEqual(one, expected[index]));
  const at = n < 0 ? found.length : n;
  return [`${what} after a replay: no. ${at} is ${JSON.stringify(found[at])}, was ${JSON.stringify(expected[at])}`];
}
