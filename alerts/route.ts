/**
 * Who is told: the routes as a pure function of an alarm. Every route that matches is used, and a channel that several
 * of them name is told once. Routes with `after` are about escalation and say nothing at once.
 */
import type { Alarm, AlarmEvent } from '#model/alarm.ts';
import { durationMs } from '#model/duration.ts';
import type { Routes } from '#model/register.ts';

/** Events that are told; comments, shelving and chattering are only recorded. */
const TOLD: ReadonlySet<AlarmEvent> = new Set<AlarmEvent>([
  'raised',
  'severity-changed',
  'acknowledged',
  'returned',
  'cleared',
  'withdrawn',
  'confirmed',
  'late-found',
  'latched',
  'reset',
  'handed-over',
  'unacknowledged',
]);

/** Events that end or soften what a channel was told: it hears of them although no route names it any more. */
const FOLLOWING: ReadonlySet<AlarmEvent> = new Set<AlarmEvent>([
  'severity-changed',
  'acknowledged',
  'returned',
  'cleared',
  'withdrawn',
  'latched',
  'reset',
  'handed-over',
  'unacknowledged',
]);

/** Channels of the routes that match now, in the order of the routes, each once. An empty or absent list matches all. */
export function routed(
  routes: Routes,
  alarm: Pick<Alarm, 'severity' | 'station' | 'rule'>,
  area: string | null,
): string[] {
  const names = (list: readonly string[] | undefined, name: string | null) =>
    !list || list.length === 0 || (name !== null && list.includes(name));
  const channels = routes
    .filter(({ after }) => after === undefined || durationMs(after) === 0)
    .filter(
      ({ match }) =>
        names(match.severity, alarm.severity) &&
        names(match.station, alarm.station) &&
        names(match.area, area) &&
        names(match.rule, alarm.rule),
    )
    .flatMap((route) => route.channels);
  return [...new Set(channels)];
}

/**
 * The channels that one event of an alarm goes to.
 * @param now the channels that the routes name at this time.
 * @param told the channels that this alarm was announced to before: they also hear how it goes on, and a withdrawal is
 *   for them alone.
 */
export function recipients(event: AlarmEvent, now: readonly string[], told: readonly string[]): string[] {
  if (!TOLD.has(event)) return [];
  if (event === 'withdrawn') return [...told];
  return FOLLOWING.has(event) ? [...new Set([...now, ...told])] : [...now];
}
