/**
 * The same readings in another order, in other messages, repeated otherwise, without a fault and in time: the world that
 * invariant 3 compares with. Of two values for one time the order stays.
 */

import { soberHabits } from '#tests/helpers/sim-gateways.ts';
import { Random } from '#tests/helpers/sim-random.ts';
import { SLOT_MS } from '#tests/helpers/sim-site.ts';
import { World } from '#tests/helpers/sim-world.ts';
import type { Arrival, Model } from './model.ts';

/** So often something is delivered, which leaves it in time for the least lateness there is. */
const DELIVERY_MS = 3 * SLOT_MS;
/** So often the followers are driven; what arrives is judged by its own time, not by theirs. */
const DELIVERIES_PER_DRIVE = 6;

interface Delivery {
  atMs: number;
  arrival: Arrival;
}

export async function playUndisturbed(disturbed: World, model: Model, directory: string): Promise<World> {
  const { seed, allowedLatenessMs } = disturbed.options;
  const random = new Random(seed, 'undisturbed');
  const habits = soberHabits();
  const options = { directory, seed, allowedLatenessMs, habits, journalMaxBytes: 1 << 30, ringEntries: 2000 };
  const world = new World(options);
  const deliveries = deliveriesOf(model, allowedLatenessMs, random);
  await world.start();
  for (let next = 0, rounds = 0; next < deliveries.length; rounds++) {
    const due: Arrival[] = [];
    while (next < deliveries.length && deliveries[next]!.atMs <= world.trueMs()) due.push(deliveries[next++]!.arrival);
    await deliver(world, due, random);
    if (rounds % DELIVERIES_PER_DRIVE === 0) await world.slot(false);
    else await world.pass(DELIVERY_MS);
  }
  await world.finish();
  return world;
}

function deliveriesOf(model: Model, allowedLatenessMs: number, random: Random): Delivery[] {
  const deliveries: Delivery[] = [];
  for (const cells of model.series.values()) {
    for (const { arrivals } of cells.values()) {
      const kept = arrivals.filter(({ value }, n) => n === 0 || value !== arrivals[n - 1]!.value || random.chance(0.5));
      const times = kept.map(({ timeMs }) => timeMs + Math.floor(random.next() * 0.45 * allowedLatenessMs));
      times.sort((a, b) => a - b);
      for (const [n, arrival] of kept.entries()) deliveries.push({ atMs: times[n]!, arrival });
    }
  }
  // The sort is stable: values of one time keep their order.
  return deliveries.sort((a, b) => a.atMs - b.atMs);
}

async function deliver(world: World, due: readonly Arrival[], random: Random): Promise<void> {
  for (let next = 0; next < due.length; ) {
    const some = due.slice(next, next + random.between(1, 40));
    next += some.length;
    const samples = some.map(({ station, parameter, timeMs, value, deviceFlag }) => ({
      station,
      time: timeMs,
      values: { [parameter]: deviceFlag === null ? value : { value, flag: deviceFlag } },
    }));
    const receipt = await world.process()!.accept('undisturbed', null, Buffer.from(JSON.stringify({ samples })));
    if (receipt.quarantined.length > 0) world.faults.push(new Error(JSON.stringify(receipt.quarantined)));
  }
}
