/**
 * What meters counted over a period, for balances: by each meter with the water's way to it taken into account, summed by
 * what they measure, and one meter of a pair held against the other.
 */
import { durationMs } from '#model/duration.ts';
import { type Amount, addAmounts, type Balance, divergenceOf, NO_WATER } from '#volume/balance.ts';
import type { MeterPair, NamedMeter } from './meter-relations.ts';
import type { Queries, VolumeBucket } from './queries.ts';

type Volumes = Pick<Queries, 'meterVolumes'>;

/** One meter's amounts in each bucket of the range. */
export interface Counted extends NamedMeter {
  buckets: VolumeBucket[];
  total: Amount;
}

/** How much later than the intake a meter counts the same water, 0 where it isn't said. */
export function travelMs({ meter }: NamedMeter): number {
  return meter.travelTime === undefined ? 0 : durationMs(meter.travelTime);
}

/**
 * Meters with the same travel time share their edges, so there are as many questions as travel times.
 * @returns in the order of their ids.
 */
export async function countedWater(
  queries: Volumes,
  meters: readonly NamedMeter[],
  edgesMs: readonly number[],
  isShifted: boolean,
): Promise<Counted[]> {
  const groups = [...Map.groupBy(meters, (named) => (isShifted ? travelMs(named) : 0))];
  const counted = groups.map(async ([shiftMs, group]): Promise<Counted[]> => {
    const answers = await queries.meterVolumes({ meters: group, edgesMs: edgesMs.map((edgeMs) => edgeMs + shiftMs) });
    return answers.map(({ buckets }, index) => {
      return { ...group[index]!, buckets, total: buckets.reduce<Amount>(addAmounts, NO_WATER) };
    });
  });
  return (await Promise.all(counted)).flat().sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function balanceOf(meters: readonly Counted[], of: (meter: Counted) => Amount): Balance {
  const all: Balance = { intake: NO_WATER, delivery: NO_WATER, release: NO_WATER, ecological: NO_WATER };
  for (const counted of meters) all[counted.meter.measures] = addAmounts(all[counted.meter.measures], of(counted));
  return all;
}

/** One pair over a range: what each counted, and how far the checked one is off. */
export interface Divergence extends MeterPair {
  own: Amount;
  base: Amount;
  litres: number;
  /** Of what the other counted; null where that is nothing. */
  share: number | null;
}

export async function divergences(
  queries: Volumes,
  pairs: readonly MeterPair[],
  edgesMs: number[],
): Promise<Divergence[]> {
  const named = pairs.flatMap(({ checked, against }) => [checked, against]);
  const asked = [...new Map(named.map((one) => [one.id, one])).values()];
  const answers = await queries.meterVolumes({ meters: asked, edgesMs });
  const totals = new Map(answers.map(({ meter, buckets }) => [meter, buckets.reduce<Amount>(addAmounts, NO_WATER)]));
  return pairs.map((pair) => {
    const own = totals.get(pair.checked.id) ?? NO_WATER;
    const base = totals.get(pair.against.id) ?? NO_WATER;
    return { ...pair, own, base, ...divergenceOf(own, base) };
  });
}
