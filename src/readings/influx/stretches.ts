/** Which stretches of time to ask for when single times are wanted: InfluxQL knows no "this time or that one". Pure. */

export interface Stretch {
  fromMs: number;
  /** Exclusive. */
  toMs: number;
}

/** Times closer than this are asked for together whatever their rhythm. */
const NEAR_MS = 600_000;
/** Of a series' usual step between wanted times: a little more than it is still one stretch. */
const STEPS = 3;

/** Few stretches that hold all these times, and not much else: neighbours within three of their usual steps go together. */
export function stretches(timesMs: readonly number[]): Stretch[] {
  const sorted = [...new Set(timesMs)].sort((a, b) => a - b);
  const steps = sorted.slice(1).map((timeMs, index) => timeMs - sorted[index]!);
  const usualMs = steps.toSorted((a, b) => a - b)[steps.length >> 1] ?? 0;
  const nearMs = Math.max(NEAR_MS, STEPS * Math.min(usualMs, 86_400_000));
  const found: Stretch[] = [];
  for (const timeMs of sorted) {
    const last = found.at(-1);
    if (last && timeMs - last.toMs < nearMs) last.toMs = timeMs + 1;
    else found.push({ fromMs: timeMs, toMs: timeMs + 1 });
  }
  return found;
}
