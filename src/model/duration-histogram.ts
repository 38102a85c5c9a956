/** How long something takes, counted in fixed buckets: cheap enough for every commit. Plain data goes between threads. */

/** Upper bounds in seconds, from a commit on a fast disk to a store that hardly answers. */
export const DURATION_BOUNDS_S: readonly number[] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10];

/** `counts[i]` = durations up to `DURATION_BOUNDS_S[i]`, not cumulative; the last one = longer than all bounds. */
export interface Durations {
  counts: number[];
  sumSeconds: number;
}

export function noDurations(): Durations {
  return { counts: new Array<number>(DURATION_BOUNDS_S.length + 1).fill(0), sumSeconds: 0 };
}

export function addDuration(durations: Durations, ms: number): void {
  const seconds = ms / 1000;
  let bucket = 0;
  while (bucket < DURATION_BOUNDS_S.length && seconds > DURATION_BOUNDS_S[bucket]!) bucket++;
  durations.counts[bucket]!++;
  durations.sumSeconds += seconds;
}
