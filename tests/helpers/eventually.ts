/** Polls until `probe` gives something, or fails naming `what`. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * How long a test waits for what has to come. Only a guard against waiting for ever: on a machine that is busy everything
 * takes many times as long, and no time decides a test. Below the tests' own limit, so that what was waited for is named.
 */
export const GUARD_MS = 90_000;
/** The same for `vi.waitFor`. */
export const GUARDED = { timeout: GUARD_MS };

export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = GUARD_MS,
): Promise<NonNullable<T>> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const result = await probe();
    if (result) return result as NonNullable<T>;
    if (performance.now() > until) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await pause(20);
  }
}
