/** What reached the recipients: each notice once for whoever keeps to its Idempotency-Key, in order, within the limits. */

import { resendsOf } from '#tests/sim/commanded.ts';
import type { Outcome } from '#tests/sim/outcome.ts';
import { HOUR_MS, MINUTE_MS } from '#tests/sim/world/site.ts';
import type { World } from '#tests/sim/world/world.ts';

const GIVE_UP_MS = 7 * 24 * HOUR_MS;
/** The service's clock may have been set by an hour, and the next try would have been later still. */
const GIVE_UP_SLACK_MS = 2 * HOUR_MS;

type Notice = Outcome['notices'][number];
type Sends = World['wire']['sends'];

export function checkWire(world: World, { notices }: Outcome): string[] {
  const sends = Map.groupBy(world.wire.sends, ({ id }) => id);
  const known = new Map(notices.map((notice) => [notice.id, notice]));
  const strays = [...sends.keys()].filter((id) => !known.has(id));
  const told = Map.groupBy(notices, ({ id, summary }) => summary ?? id);
  // A summary is as old as the oldest of what it tells of.
  const oldest = new Map([...told].map(([id, some]) => [id, Math.min(...some.map(({ createdAtMs }) => createdAtMs))]));
  const resends = resendsOf(world.committed);
  return [
    ...strays.map((id) => `notice ${id} was sent and is not in the outbox`),
    ...notices.flatMap((notice) => [
      ...checkSends(notice, sends.get(notice.id) ?? [], resends.get(notice.id) ?? 0),
      ...checkFate(
        { ...notice, createdAtMs: oldest.get(notice.id) ?? notice.createdAtMs },
        sends.get(notice.id) ?? [],
        known,
        world,
      ),
    ]),
    ...checkTakeovers(notices),
    ...checkOrder(notices, [...sends.keys()]),
    ...checkLimit(world),
  ];
}

/** Repeats carry the same key and the same bytes, and there is none without a reason. */
function checkSends({ id }: Notice, sends: Sends, resends: number): string[] {
  const good = sends.filter(({ outcome }) => outcome === 'sent');
  const lives = new Set(good.map(({ life }) => life)).size;
  return [
    ...(new Set(sends.map(({ payload }) => payload)).size > 1 ? [`notice ${id} was sent in two versions`] : []),
    ...(good.length - lives > resends ? [`notice ${id} was sent ${good.length} times in ${lives} lives`] : []),
  ];
}

/** It was sent, or is told in a summary that was, or was refused for good, or another channel has it. */
function checkFate(notice: Notice, sends: Sends, known: ReadonlyMap<string, Notice>, world: World): string[] {
  const { id, channel, state, summary } = notice;
  const isRefused = sends.some(({ outcome }) => outcome === 'failed-for-good');
  const isHandedOver = channel === 'west' && sends.length >= world.options.site.fallbackAfter;
  const lastMs = world.options.site.pace.startMs + (sends.at(-1)?.atMs ?? 0);
  const isGivenUp = lastMs - notice.createdAtMs > GIVE_UP_MS - GIVE_UP_SLACK_MS;
  const isRight = {
    sent: sends.some(({ outcome }) => outcome === 'sent'),
    grouped: sends.length === 0 && summary !== null && isToldIn(known.get(summary), id),
    // Whatever holds it is over by the end of a story.
    held: false,
    failed: isRefused || isHandedOver || isGivenUp,
    pending: false,
  }[state];
  return isRight ? [] : [`notice ${id} to ${channel} is ${state}: ${JSON.stringify(sends.slice(0, 3))}`];
}

function isToldIn(summary: Notice | undefined, id: string): boolean {
  if (summary?.event !== 'summary') return false;
  const { told } = JSON.parse(summary.payload) as { told: { notice: string }[] };
  return told.some(({ notice }) => notice === id);
}

/** What one channel couldn't tell, the one that stands in for it has. */
function checkTakeovers(notices: readonly Notice[]): string[] {
  const told = new Set(notices.map(({ channel, cause, event }) => `${channel} ${cause} ${event}`));
  return notices
    .filter(({ channel, state, event }) => channel === 'west' && state === 'failed' && event !== 'summary')
    .filter(({ cause, event }) => !told.has(`spare ${cause} ${event}`))
    .map(({ id }) => `notice ${id} has failed and nobody has taken it over`);
}

/** Of one alarm to one channel: in the order in which it happened. What is taken over comes late by nature. */
function checkOrder(notices: readonly Notice[], sent: readonly string[]): string[] {
  const firstSends = new Map(sent.map((id, n) => [id, n]));
  const newest = new Map<string, number>();
  return notices.flatMap(({ id, channel, event, alarms, summary }) => {
    if (event === 'summary' || channel === 'spare') return [];
    const first = firstSends.get(summary ?? id) ?? Number.POSITIVE_INFINITY;
    return alarms.flatMap((alarm) => {
      const line = `${channel} ${alarm}`;
      const before = newest.get(line) ?? -1;
      newest.set(line, first);
      return first < before ? [`notice ${id} to ${channel} overtook one about the same alarm`] : [];
    });
  });
}

/** Recipient `bad` takes so many a minute; what a death left unrecorded, the next life can't know of. */
function checkLimit({ wire, options }: World): string[] {
  const { badPerMinute } = options.site;
  const lives = Map.groupBy(
    wire.sends.filter(({ channel }) => channel === 'bad'),
    ({ life }) => life,
  );
  return [...lives].flatMap(([life, sends]) => {
    const isOver = sends.some((send, n) => {
      const earlier = sends[n - badPerMinute];
      return earlier !== undefined && send.atMs - earlier.atMs < MINUTE_MS;
    });
    return isOver ? [`life ${life} sent more than ${badPerMinute} notices a minute to bad`] : [];
  });
}
