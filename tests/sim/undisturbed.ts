/**
 * The same readings in another order, in other messages, repeated otherwise, without a fault and in time: the world that
 * invariant 3 compares with. Of two values for one time the order stays.
 */
import type { Correction } from '#model/entry.ts';
import { soberHabits } from '#tests/sim/world/gateways.ts';
import { idleCustoms } from '#tests/sim/world/people.ts';
import { Random } from '#tests/sim/world/random.ts';
import { World } from '#tests/sim/world/world.ts';
import type { Arrival, CellEvent, Fix, Model } from './model.ts';

/** Something is delivered so often, in slots, or sooner when that leaves it not in time. */
const DELIVERY_SLOTS = 3;
const DELIVERY_LATENESS = 0.4;
/** So often the followers are driven; what arrives is judged by its own time, not by theirs. */
const DELIVERIES_PER_DRIVE = 6;

interface Delivery {
  atMs: number;
  /** Of the series. */
  key: string;
  timeMs: number;
  event: CellEvent;
}

export async function playUndisturbed(disturbed: World, model: Model, directory: string): Promise<World> {
  const { seed, allowedLatenessMs, site } = disturbed.options;
  const random = new Random(seed, 'undisturbed');
  const habits = soberHabits();
  const customs = idleCustoms();
  const options = {
    directory,
    seed,
    allowedLatenessMs,
    site,
    habits,
    customs,
    journalMaxBytes: 1 << 30,
    ringEntries: 2000,
  };
  const world = new World(options);
  const deliveries = deliveriesOf(model, allowedLatenessMs, random);
  const deliveryMs = Math.min(DELIVERY_SLOTS * site.pace.slotMs, DELIVERY_LATENESS * allowedLatenessMs);
  await world.start();
  for (let next = 0, rounds = 0; next < deliveries.length; rounds++) {
    const due: Delivery[] = [];
    while (next < deliveries.length && deliveries[next]!.atMs <= world.trueMs()) due.push(deliveries[next++]!);
    await deliver(world, due, random);
    if (rounds % DELIVERIES_PER_DRIVE === 0) await world.slot(false);
    else await world.pass(deliveryMs);
  }
  await world.finish();
  return world;
}

function deliveriesOf(model: Model, allowedLatenessMs: number, random: Random): Delivery[] {
  const deliveries: Delivery[] = [];
  for (const [key, cells] of model.series) {
    for (const [timeMs, cell] of cells) {
      const kept = withoutRepeats(cell.events, random);
      const times = kept.map(() => timeMs + Math.floor(random.next() * 0.45 * allowedLatenessMs));
      times.sort((a, b) => a - b);
      for (const [n, event] of kept.entries()) deliveries.push({ atMs: times[n]!, key, timeMs, event });
    }
  }
  // The sort is stable: what happens to one time keeps its order.
  return deliveries.sort((a, b) => a.atMs - b.atMs);
}

/** Some of the values that were the same as the one before are repeated here, too. */
function withoutRepeats(events: readonly CellEvent[], random: Random): CellEvent[] {
  let before: Arrival | undefined;
  return events.filter((event) => {
    if (!('arrival' in event)) return true;
    const isSame = event.arrival.value === before?.value;
    before = event.arrival;
    return !isSame || random.chance(0.5);
  });
}

async function deliver(world: World, due: readonly Delivery[], random: Random): Promise<void> {
  const process = world.process()!;
  for (let next = 0; next < due.length; ) {
    const { key, timeMs, event } = due[next]!;
    if ('fix' in event) {
      next += 1;
      await process.command('undisturbed', correctionOf(key, timeMs, event.fix));
      continue;
    }
    const end = due.findIndex((one, n) => n > next && 'fix' in one.event);
    const some = due.slice(next, Math.min(next + random.between(1, 40), end < 0 ? due.length : end));
    next += some.length;
    const samples = some.map(({ event: one }) => sampleOf((one as { arrival: Arrival }).arrival));
    const receipt = await process.accept('undisturbed', null, Buffer.from(JSON.stringify({ samples })));
    if (receipt.quarantined.length > 0) world.faults.push(new Error(JSON.stringify(receipt.quarantined)));
  }
}

function correctionOf(key: string, timeMs: number, fix: Fix): Correction {
  const [station, parameter] = key.split('/') as [string, string];
  return { verb: 'correct', station, parameter, fromMs: timeMs, toMs: timeMs + 1, reason: 'as it was', ...fix };
}

function sampleOf({ station, parameter, timeMs, value, deviceFlag }: Arrival) {
  return { station, time: timeMs, values: { [parameter]: deviceFlag === null ? value : { value, flag: deviceFlag } } };
}
