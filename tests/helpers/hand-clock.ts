/** A clock that stands still until the test moves it. */
import type { Clock } from '#src/clock.ts';

export interface HandClock extends Clock {
  /** Moves both readings on. */
  advance(ms: number): void;
  /** Sets the wall clock, backwards too; the monotonic reading stays. */
  set(nowMs: number): void;
}

export function handClock(nowMs: number): HandClock {
  let wallMs = nowMs;
  let monotonicMs = 0;
  return {
    nowMs: () => wallMs,
    monotonicMs: () => monotonicMs,
    advance(ms) {
      wallMs += ms;
      monotonicMs += ms;
    },
    set(toMs) {
      wallMs = toMs;
    },
  };
}
