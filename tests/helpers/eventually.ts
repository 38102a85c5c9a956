/** Polls until `probe` gives something, or fails naming `what`. */
import { setTimeout as pause } from 'node:timers/promises';

export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<NonNullable<T>> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const result = await probe();
    if (result) return result as NonNullable<T>;
    if (performance.now() > until) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await pause(20);
  }
}
