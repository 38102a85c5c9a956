/** How long work holds the main thread up: what each handler may do in one turn of the event loop has a bound. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Processor time of this thread, ms: what others on this machine do doesn't count. */
function usedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Processor time of the longest turn of the event loop until the work is done, ms. */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let isOver = false;
  let longest = 0;
  let lastMs = usedMs();
  void work().finally(() => (isOver = true));
  while (!isOver) {
    await nextTurn();
    const nowMs = usedMs();
    longest = Math.max(longest, nowMs - lastMs);
    lastMs = nowMs;
  }
  return longest;
}
