/**
 * Flows and registers of the canal, coherent by construction: a flow is a sum of sines, a register its exact integral,
 * and what enters at Taocha is what all take out, divided by one less the loss. So every register difference is the
 * integral of the flow, to the litre, for any two moments.
 */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Relative swings of a flow around its mean: year, week, day, and the gates' hunting. */
const SWINGS = [
  { periodMs: 365.25 * DAY_MS, share: 0.18 },
  { periodMs: 7 * DAY_MS, share: 0.04 },
  { periodMs: DAY_MS, share: 0.03 },
  { periodMs: 2.5 * HOUR_MS, share: 0.01 },
] as const;

/** Share of the water that enters and reaches nobody (about 3 %: People's Daily, 2025-10-29). */
export const LOSS = 0.03;

/** Registers stood at zero when the canal was opened: 2014-12-12 14:32, UTC+8. */
const OPENED_MS = Date.parse('2014-12-12T14:32:00+08:00');

/** One outlet: its mean flow in m³/s and its own rhythm. */
export interface Outlet {
  id: string;
  meanFlow: number;
  /** 0 to 1, shifts the short swings so that outlets don't move together. */
  phase: number;
}

function angle(outlet: Outlet, index: number, timeMs: number): number {
  // The yearly swing is everybody's: the canal carries more in summer.
  const phase = index === 0 ? 0.55 : outlet.phase * (index + 1);
  return 2 * Math.PI * (timeMs / SWINGS[index]!.periodMs - phase);
}

/** Flow in m³/s. */
export function flowAt(outlet: Outlet, timeMs: number): number {
  let relative = 1;
  SWINGS.forEach(({ share }, index) => {
    relative += share * Math.cos(angle(outlet, index, timeMs));
  });
  return outlet.meanFlow * relative;
}

/** Cubic metres that have passed since the canal was opened; not rounded. */
export function volumeAt(outlet: Outlet, timeMs: number): number {
  let relativeMs = timeMs - OPENED_MS;
  SWINGS.forEach(({ periodMs, share }, index) => {
    const swing = Math.sin(angle(outlet, index, timeMs)) - Math.sin(angle(outlet, index, OPENED_MS));
    relativeMs += (share * periodMs * swing) / (2 * Math.PI);
  });
  return (outlet.meanFlow * relativeMs) / 1000;
}

/** What a register shows: cubic metres to the litre, zero again at `size`. */
export function registerReading(volume: number, size: number): number {
  return Math.floor((volume % size) * 1000) / 1000;
}
