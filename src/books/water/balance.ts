/**
 * What meters counted over a period, for balances: by each meter with the water's way to it taken into account, summed by
 * what they measure, and one meter of a pair held against the other.
 */

import type { BookQueries } from '#books/questions/queries.ts';
import { durationMs } from '#model/duration.ts';
import { addWater, type Balance, divergenceOf, NO_METERS, type Water } from '#volume/balance.ts';
import { type MeterPair, measuringMs, type NamedMeter } from './meter-relations.ts';

type Volumes = Pick<BookQueries, 'meterVolumes'>;

/** The water of one meter, or of a part of one, in each bucket of the range. */
export type Counted<Part extends NamedMeter = NamedMeter> = Part & {
  buckets: Water[];
  total: Water;
};

/** What each meter counted between the edges, and for how long it was to. In the order of `meters`. */
export async function meteredWater<Part extends NamedMeter>(
  queries: Volumes,
  meters: readonly Part[],
  edgesMs: readonly number[],
): Promise<Counted<Part>[]> {
  const answers = await queries.meterVolumes({ meters, edgesMs });
  return answers.map((answer, index): Counted<Part> => {
    const named = meters[index]!;
    const buckets = answer.buckets.map(({ startMs, endMs, measuredLitres, estimatedLitres, unknownMs }): Water => {
      return { measuredLitres, estimatedLitres, unknownMs, meterMs: measuringMs(named, startMs, endMs) };
    });
    return { ...named, buckets, total: waterOf(buckets) };
  });
}

/** All of it together. */
export function waterOf(parts: readonly Water[]): Water {
  return parts.reduce(addWater, NO_METERS);
}

/** How much later than the intake a meter counts the same water, 0 where it isn't said. */
export function travelMs({ meter }: NamedMeter): number {
  return meter.travelTime === undefined ? 0 : durationMs(meter.travelTime);
}

/**
 * Meters with the same travel time share their edges, so there are as many questions as travel times.
 * @returns in the order of their ids.
 */
export async function countedWater<Part extends NamedMeter>(
  queries: Volumes,
  meters: readonly Part[],
  edgesMs: readonly number[],
  isShifted: boolean,
): Promise<Counted<Part>[]> {
  const groups = [...Map.groupBy(meters, (named) => (isShifted ? travelMs(named) : 0))];
  const counted = groups.map(async ([shiftMs, group]): Promise<Counted<Part>[]> => {
    const shiftedMs = edgesMs.map((edgeMs) => edgeMs + shiftMs);
    return meteredWater(queries, group, shiftedMs);
  });
  return (await Promise.all(counted)).flat().sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function balanceOf<M extends NamedMeter>(meters: readonly M[], of: (meter: M) => Water): Balance<Water> {
  const all = { intake: NO_METERS, delivery: NO_METERS, release: NO_METERS, ecological: NO_METERS };
  for (const counted of meters) all[counted.meter.measures] = addWater(all[counted.meter.measures], of(counted));
  return all;
}

/** One pair over a range: what each counted, and how far the checked one is off. */
export interface Divergence extends MeterPair {
  own: Water;
  base: Water;
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
  const totals = new Map((await meteredWater(queries, asked, edgesMs)).map(({ id, total }) => [id, total]));
  return pairs.map((pair) => {
    const own = totals.get(pair.checked.id) ?? NO_METERS;
    const base = totals.get(pair.against.id) ?? NO_METERS;
    return { ...pair, own, base, ...divergenceOf(own, base) };
  });
}
