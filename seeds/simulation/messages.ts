/** Payloads as gateways send them (contracts §3): samples at one moment, or many that were kept while cut off. Pure. */
import { isSilent, type SimulatedGateway } from './fleet.ts';
import type { World } from './sites.ts';

export interface Sample {
  station: string;
  time: string;
  values: Record<string, number>;
}

/** RFC 3339 in China Standard Time, as the field's gateways write it. */
export function chinaTime(timeMs: number): string {
  return `${new Date(timeMs + 8 * 3_600_000).toISOString().slice(0, -5)}+08:00`;
}

/**
 * The samples that `gateway` sends at `timeMs`: none while it is cut off, and on its return those of every moment
 * that it missed, oldest first.
 */
export function samplesAt(world: World, gateway: SimulatedGateway, startMs: number, timeMs: number): Sample[] {
  if (isSilent(gateway, timeMs - startMs)) return [];
  const moments = [timeMs];
  for (let missed = timeMs - gateway.intervalMs; isSilent(gateway, missed - startMs); missed -= gateway.intervalMs) {
    moments.unshift(missed);
  }
  return moments.flatMap((moment) =>
    gateway.stations.map((station) => ({
      station,
      time: chinaTime(moment),
      values: world.values(station, moment, moment - startMs),
    })),
  );
}

/** Cuts samples into messages of at most `valuesMax` values, in order. */
export function batches(samples: Iterable<Sample>, valuesMax: number): Sample[][] {
  const list: Sample[][] = [];
  let values = Number.POSITIVE_INFINITY;
  for (const sample of samples) {
    const count = Object.keys(sample.values).length;
    if (values + count > valuesMax) {
      list.push([]);
      values = 0;
    }
    list.at(-1)!.push(sample);
    values += count;
  }
  return list;
}
