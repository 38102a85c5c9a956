/**
 * The demonstration's accident: ammonia nitrogen at the mouth of the Shending, told in minutes instead of days.
 * Class II ends at 0.5 mg/L, III at 1.0, IV at 1.5 (GB 3838-2002 table 1 no. 7).
 */
import type { WaterParameter } from './water.ts';

const SECOND_MS = 1000;

/** The event comes again every 15 minutes, so that whoever looks later sees one too. */
const CYCLE_MS = 900 * SECOND_MS;

// Ammonia nitrogen in mg/L above which the event lifts the water, by time since the cycle began.
const CURVE: readonly (readonly [sinceMs: number, nh3n: number])[] = [
  [12 * SECOND_MS, 0],
  [32 * SECOND_MS, 0.83],
  [100 * SECOND_MS, 0.83],
  [130 * SECOND_MS, 1.25],
  [200 * SECOND_MS, 1.25],
  [270 * SECOND_MS, 0],
];

/** Ammonia nitrogen that the event demands at least, mg/L, `sinceMs` after the simulation's start. */
export function eventNh3n(sinceMs: number): number {
  if (sinceMs < 0) return 0;
  const at = sinceMs % CYCLE_MS;
  for (let i = 1; i < CURVE.length; i++) {
    const [fromMs, from] = CURVE[i - 1]!;
    const [toMs, to] = CURVE[i]!;
    if (at >= fromMs && at < toMs) return from + ((to - from) * (at - fromMs)) / (toMs - fromMs);
  }
  return 0;
}

/** Water with the event in it: ammonia at least the event's, oxygen drawn down a little, conductivity up. */
export function polluted(water: Record<WaterParameter, number>, sinceMs: number): Record<WaterParameter, number> {
  const nh3n = eventNh3n(sinceMs);
  if (nh3n <= water.nh3n) return water;
  return {
    ...water,
    nh3n: Number(nh3n.toFixed(3)),
    do: Number((water.do - 0.6 * nh3n).toFixed(2)),
    ec: Number((water.ec + 40 * nh3n).toFixed(1)),
  };
}
