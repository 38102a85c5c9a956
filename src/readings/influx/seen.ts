/** Waiting until a server shows what it has confirmed: some do so a second or two later (docs/deployment.md, "Servers"). */
import { setTimeout as delay } from 'node:timers/promises';
import { DAY_MS } from '#model/calendar.ts';
import type { ReadingToStore, TracedReading } from '#readings/store.ts';

const WEEK_MS = 7 * DAY_MS;
/** Shards begin on Mondays; the epoch was a Thursday. */
const MONDAY_MS = 4 * DAY_MS;
const AGAIN_MIN_MS = 50;
const AGAIN_MAX_MS = 500;

/**
 * Asks for the last point written of each series, week by week, since a shard's first points are shown late by themselves.
 * @param limitMs how long to ask.
 * @returns how many are not seen as they were written; 0: all are.
 */
export async function untilSeen(
  written: readonly ReadingToStore[],
  at: (keys: readonly ReadingToStore[]) => Promise<(TracedReading | undefined)[]>,
  limitMs: number,
): Promise<number> {
  let unseen = lastOfEach(written);
  for (let waitedMs = 0, waitMs = AGAIN_MIN_MS; unseen.length > 0; ) {
    const found = await at(unseen);
    unseen = unseen.filter((reading, index) => !isSeen(reading, found[index]));
    if (unseen.length === 0 || waitedMs >= limitMs) break;
    await delay(waitMs);
    waitedMs += waitMs;
    waitMs = Math.min(2 * waitMs, AGAIN_MAX_MS);
  }
  return unseen.length;
}

function lastOfEach(written: readonly ReadingToStore[]): ReadingToStore[] {
  const last = new Map<string, ReadingToStore>();
  for (const reading of written) {
    const { series, timeMs } = reading;
    const key = `${series}/${Math.floor((timeMs - MONDAY_MS) / WEEK_MS)}`;
    // Of two for one time the later one stands.
    if (timeMs >= (last.get(key)?.timeMs ?? Number.NEGATIVE_INFINITY)) last.set(key, reading);
  }
  return [...last.values()];
}

/** Negative zero is stored as zero. */
function isSeen({ value, flag, deviceFlag, seq }: ReadingToStore, found: TracedReading | undefined): boolean {
  if (!found || found.flag !== flag || found.deviceFlag !== deviceFlag) return false;
  return found.value === (value === null ? null : value + 0) && (seq === undefined || found.seq === seq);
}
