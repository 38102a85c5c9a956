/**
 * How many notices a channel may still send in the last minute: a sliding window over monotonic time, so that a clock
 * that is set by an hour neither opens nor shuts it.
 */
const WINDOW_MS = 60_000;

export interface Allowance {
  /** How many may begin now. */
  free(nowMs: number, perMinute: number): number;
  /** When `free` is next above nothing; now, when it is already. */
  nextMs(nowMs: number, perMinute: number): number;
  take(nowMs: number): void;
  /** The platform wants silence for so long. */
  hold(untilMs: number): void;
}

/** @param earlier when notices began in the last minute, oldest first. */
export function createAllowance(earlier: readonly number[] = []): Allowance {
  let begun = [...earlier];
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  const recent = (nowMs: number) => {
    if (begun.length > 0 && begun[0]! <= nowMs - WINDOW_MS) begun = begun.filter((at) => at > nowMs - WINDOW_MS);
    return begun;
  };
  return {
    free: (nowMs, perMinute) => (nowMs < heldUntilMs ? 0 : Math.max(0, perMinute - recent(nowMs).length)),
    nextMs(nowMs, perMinute) {
      const oldest = recent(nowMs).at(-perMinute);
      return Math.max(nowMs, heldUntilMs, oldest === undefined ? nowMs : oldest + WINDOW_MS);
    },
    take(nowMs) {
      begun.push(nowMs);
    },
    hold(untilMs) {
      heldUntilMs = Math.max(heldUntilMs, untilMs);
    },
  };
}
