/**
 * Whether alarms reach anybody. A channel of kind `log` is the service's own diary: what reaches nothing else is told to
 * nobody. Pure.
 */

import type { Control } from '#journal/registers.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { isHeard } from '#model/alarms/channel.ts';
import { PLATFORM_RULE } from '#model/alarms/platform.ts';
import type { Route, Routes, Station } from '#model/register.ts';
import { named } from './route.ts';

/** Whether an alarm says that the routes reach nobody. */
export function isAboutRoutes({ rule, parameter }: Pick<Alarm, 'rule' | 'parameter'>): boolean {
  return rule === PLATFORM_RULE && parameter === 'routes.nobody';
}

/** Whether one of these channels has a recipient. */
function reachesAnybody(channels: readonly string[], control: Pick<Control, 'get'>): boolean {
  return channels.some((id) => {
    const channel = control.get('channel', id);
    return channel !== undefined && isHeard(channel);
  });
}

/** Whether a route tells anybody, at once or later, of any station at least. */
export function routeReaches(route: Route, control: Pick<Control, 'get' | 'list'>): boolean {
  const places: (Station | undefined)[] = route.to?.length
    ? control.list('station').map(({ body }) => body)
    : [undefined];
  return places.some((station) => reachesAnybody(named(route, station).channels, control));
}

/** Whether any route does. */
export function routesReach(routes: Routes, control: Pick<Control, 'get' | 'list'>): boolean {
  return routes.some((route) => routeReaches(route, control));
}

/** Why an alarm reaches nobody, as its history says it; '' when it reaches somebody. @param routes those that match it. */
export function whyNobody(routes: Routes, station: Station | undefined, control: Pick<Control, 'get'>): string {
  const channels = routes.flatMap((route) => named(route, station).channels);
  if (reachesAnybody(channels, control)) return '';
  return `; told to nobody: ${channels.length === 0 ? 'no route names a channel' : 'the routes name only the log'}`;
}

/** Whether the routes reach anybody, worked out anew only when the registers change: it is asked each second. */
export function watchReach(control: Control): () => boolean {
  let known: boolean | null = null;
  control.onChange(() => {
    known = null;
  });
  return () =>
    (known ??= routesReach(
      control.list('routes').flatMap(({ body }) => body),
      control,
    ));
}
