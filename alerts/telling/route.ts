/**
 * Who is told: the routes as a pure function of an alarm and its station. Every route that matches is used, and a channel
 * that several of them name is told once. Routes with `after` are steps of an escalation (escalation.ts) and say nothing at
 * once.
 */
import type { Alarm, AlarmEvent } from '#model/alarms/alarm.ts';
import { durationMs } from '#model/duration.ts';
import type { Route, Routes, Station } from '#model/register.ts';
import { EVENTS } from './events.ts';

/** Those whom one route names at one station. */
export interface Named {
  channels: string[];
  /** In words: `town chief Li`. */
  who: string[];
  /** In words, whom it can't reach: `no city chief`, `owner Wang has no channel`. */
  absent: string[];
}

/** The routes that match, in their order. An empty or absent list matches all. */
export function matching(
  routes: Routes,
  alarm: Pick<Alarm, 'severity' | 'station' | 'rule'>,
  station: Pick<Station, 'area'> | undefined,
): Routes {
  return routes.filter(({ match }) => names(match.severity, alarm.severity) && isAbout(match, alarm, station));
}

/** Whether a route would match if the alarm had another severity. */
export function isAbout(
  match: Route['match'],
  { station: id, rule }: Pick<Alarm, 'station' | 'rule'>,
  station: Pick<Station, 'area'> | undefined,
): boolean {
  return names(match.station, id) && names(match.area, station?.area) && names(match.rule, rule);
}

function names(list: readonly string[] | undefined, name: string | undefined): boolean {
  return !list || list.length === 0 || (name !== undefined && list.includes(name));
}

/** The wait of an escalation's step; 0 for a route that tells at once. */
export function afterMs({ after }: Pick<Route, 'after'>): number {
  return after === undefined ? 0 : durationMs(after);
}

export function named({ channels = [], to = [] }: Pick<Route, 'channels' | 'to'>, station: Station | undefined): Named {
  const found: Named = { channels: [...channels], who: channels.map((id) => `channel ${id}`), absent: [] };
  for (const whom of to) {
    const title = whom === 'owner' ? 'owner' : `${whom} chief`;
    const people =
      whom === 'owner'
        ? [station?.owner].filter((one) => one !== undefined)
        : (station?.chiefs ?? []).filter(({ level }) => level === whom);
    if (people.length === 0) found.absent.push(`no ${title}`);
    for (const { name, channels: own } of people) {
      if (own.length === 0) found.absent.push(`${title} ${name} has no channel`);
      else found.who.push(`${title} ${name}`);
      found.channels.push(...own);
    }
  }
  return { ...found, channels: [...new Set(found.channels)] };
}

/** Whom routes that match tell at once, in the order of the routes. */
export function toldAtOnce(routes: Routes, station: Station | undefined): Pick<Named, 'channels' | 'absent'> {
  const each = routes.filter((route) => afterMs(route) === 0).map((route) => named(route, station));
  return {
    channels: [...new Set(each.flatMap(({ channels }) => channels))],
    absent: [...new Set(each.flatMap(({ absent }) => absent))],
  };
}

/**
 * The channels that one event of an alarm goes to.
 * @param now the channels that the routes name at this time.
 * @param told the channels that this alarm was announced to before: they also hear how it goes on, and a withdrawal is
 *   for them alone.
 */
export function channelsFor(event: AlarmEvent, now: readonly string[], told: readonly string[]): string[] {
  switch (EVENTS[event].tells) {
    case 'now':
      return [...now];
    case 'before':
      return [...told];
    case 'both':
      return [...new Set([...now, ...told])];
    case null:
      return [];
  }
}
