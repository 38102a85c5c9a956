/** The only reader of the clock (design §5). Everything else is handed a `Clock`, so that tests drive time by hand. */

export interface Clock {
  /** Wall clock, epoch milliseconds. */
  nowMs(): number;
  /** A monotonic reading in milliseconds, for measuring how long something took. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
