/** Who reached which limit on access lately: what the platform condition `access.crowded` and the metrics tell. */
import { ACCESS_LIMITS, type AccessLimit, type TellCrowded } from '#model/access-limits.ts';
import { phrase, type Told, told } from '#model/alarms/phrases.ts';
import type { Clock } from '#src/clock.ts';

export interface Crowding {
  reached: TellCrowded;
  /** What was reached within the last hour, the newest first; null for nothing. */
  seen(): Told | null;
  /** How often each limit was reached since the process began. */
  counts(): Record<AccessLimit, number>;
}

/** The condition stands until it has been quiet for so long. */
const QUIET_MS = 3_600_000;
const LOGGED_EACH_MS = 60_000;
const SHOWN = 4;
const WHO_LENGTH = 100;

interface Reached {
  who: string;
  atMs: number;
  loggedMs: number;
}

export function createCrowding(
  clock: Pick<Clock, 'monotonicMs'>,
  log: { warn(fields: object, message: string): void },
): Crowding {
  // One for each limit: whoever floods mustn't fill this either.
  const newest = new Map<AccessLimit, Reached>();
  const counts = Object.fromEntries(Object.keys(ACCESS_LIMITS).map((limit) => [limit, 0])) as Record<
    AccessLimit,
    number
  >;
  return {
    reached(limit, someone) {
      const who = someone.slice(0, WHO_LENGTH);
      const atMs = clock.monotonicMs();
      const loggedMs = newest.get(limit)?.loggedMs ?? Number.NEGATIVE_INFINITY;
      const isDue = atMs - loggedMs >= LOGGED_EACH_MS;
      counts[limit]++;
      // Deleted first, so that it stands last: the newest.
      newest.delete(limit);
      newest.set(limit, { who, atMs, loggedMs: isDue ? atMs : loggedMs });
      if (isDue)
        log.warn({ event: 'access.crowded', limit, who }, `a limit on access was reached: ${ACCESS_LIMITS[limit]}`);
    },
    seen() {
      const since = clock.monotonicMs() - QUIET_MS;
      const recent = [...newest].reverse().filter(([, { atMs }]) => atMs > since);
      if (recent.length === 0) return null;
      const shown = recent.slice(0, SHOWN);
      return told(
        ...shown.map(([code, { who }]) => phrase('access.reached', { limit: [phrase(`limit.${code}`)], code, who })),
      );
    },
    counts: () => ({ ...counts }),
  };
}
