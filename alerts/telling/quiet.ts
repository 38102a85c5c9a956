/**
 * Quiet hours of a route, as instants: a quiet time begins once a day by the local clock and ends once, whatever the
 * clock does in between. Where the clock skips a time of day, the skip itself is that time; one that comes twice counts
 * the first time.
 */
import type { Severity } from '#model/alarms/alarm.ts';
import type { Route } from '#model/register.ts';

type Quiet = NonNullable<Route['quiet']>;

/**
 * Until when a channel is left in peace about an alarm: as soon as one of the routes that name it would tell, null.
 * @param routes all those that name the channel for this alarm.
 */
export function quietUntilMs(
  routes: readonly Pick<Route, 'quiet'>[],
  severity: Severity,
  atMs: number,
  timeZone: string,
): number | null {
  let untilMs: number | null = null;
  for (const { quiet } of routes) {
    const endMs = quiet?.severities.includes(severity) ? endOf(quiet, atMs, timeZone) : null;
    if (endMs === null) return null;
    untilMs = Math.min(untilMs ?? endMs, endMs);
  }
  return untilMs;
}

/** The end of the quiet time that `atMs` lies in, or null. */
function endOf({ from, to }: Quiet, atMs: number, timeZone: string): number | null {
  const today = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).toPlainDate();
  for (const day of [today.subtract({ days: 1 }), today]) {
    const endMs = instantOf(from < to ? day : day.add({ days: 1 }), to, timeZone);
    if (instantOf(day, from, timeZone) <= atMs && atMs < endMs) return endMs;
  }
  return null;
}

function instantOf(day: Temporal.PlainDate, time: string, timeZone: string): number {
  const local = day.toPlainDateTime(Temporal.PlainTime.from(time));
  const first = local.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  if (first.toPlainDateTime().equals(local)) return first.epochMilliseconds;
  // Skipped: the earlier reading lies before the skip.
  return first.getTimeZoneTransition('next')!.epochMilliseconds;
}
