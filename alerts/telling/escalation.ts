/**
 * Escalation: routes with `after` are steps that are taken when nobody has acknowledged an alarm for so long by the clock of
 * arrival. An alarm waits while it is raised and told; each step is taken once until it asks anew (raised again, or no longer
 * shelved or suppressed), and counts from when the alarm was as severe as the step's route wants it.
 */

import type { EscalationStore, Waiting } from '#alerts/records/escalations.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import { inUnits } from '#alerts/templates/language.ts';
import type { Control } from '#journal/registers.ts';
import { type Alarm, SEVERITIES } from '#model/alarms/alarm.ts';
import type { Route, Routes, Station } from '#model/register.ts';
import { afterMs, isAbout, named } from './route.ts';

/** So many are taken with one entry: what is beyond waits for the next. */
const STEPS_PER_ENTRY = 1000;

/** A step that is to be taken: who is told, and why. */
export interface Escalation {
  alarm: Alarm;
  channels: string[];
  /** The step's `after`. */
  after: string;
  cause: string;
}

export interface Escalations {
  /** After a step of an alarm's life. @param asksAnew it was raised by it. */
  follow(before: Alarm | undefined, alarm: Alarm, asksAnew: boolean, atMs: number): void;
  /** Takes the steps that are due. */
  due(nowMs: number): Escalation[];
  nextMs(): number | null;
  /** After a change of the routes, or of one station. */
  changed(station?: string): void;
}

interface Step {
  route: Route;
  key: string;
  dueMs: number;
}

/** The steps that an alarm still waits for, the next one first. */
function stepsOf(
  routes: Routes,
  alarm: Pick<Alarm, 'severity' | 'station' | 'rule'>,
  station: Station | undefined,
  { sinceMs, left, done }: Waiting,
): Step[] {
  const steps = routes.flatMap((route): Step[] => {
    const { match, channels = [], to = [] } = route;
    const waitMs = afterMs(route);
    const key = [waitMs, ...to, ...channels].join(' ');
    if (waitMs === 0 || done.includes(key) || !isAbout(match, alarm, station)) return [];
    const wanted = match.severity?.length ? match.severity : SEVERITIES;
    if (!wanted.includes(alarm.severity)) return [];
    const others = SEVERITIES.filter((severity) => !wanted.includes(severity)).map((severity) => left[severity] ?? 0);
    return [{ route, key, dueMs: Math.max(sinceMs, ...others) + waitMs }];
  });
  return steps.sort((a, b) => a.dueMs - b.dueMs);
}

function asks({ state, late, shelvedUntilMs, suppressedBy }: Alarm): boolean {
  return state === 'raised' && !late && shelvedUntilMs === null && suppressedBy === null;
}

export function createEscalations(options: {
  store: Pick<AlertStore, 'alarm' | 'askingAt'>;
  escalations: EscalationStore;
  control: Control;
}): Escalations {
  const { store, escalations, control } = options;
  let nextDueMs = escalations.firstDueMs();

  const routesNow = () => control.list('routes').flatMap(({ body }) => body);

  function put(waiting: Waiting, alarm: Alarm, routes = routesNow()): void {
    const dueMs = stepsOf(routes, alarm, control.get('station', alarm.station), waiting)[0]?.dueMs ?? null;
    escalations.put(waiting, dueMs);
    if (dueMs !== null && (nextDueMs === null || dueMs < nextDueMs)) nextDueMs = dueMs;
  }

  function taken(waiting: Waiting, alarm: Alarm, routes: Routes, nowMs: number): Escalation[] {
    const station = control.get('station', alarm.station);
    const due = stepsOf(routes, alarm, station, waiting).filter(({ dueMs }) => dueMs <= nowMs);
    put({ ...waiting, done: [...new Set([...waiting.done, ...due.map(({ key }) => key)])] }, alarm, routes);
    return due.map(({ route }) => {
      const { channels, who, absent } = named(route, station);
      const told = who.length === 0 ? 'nobody could be told' : `told ${who.join(', ')}`;
      const missing = absent.length === 0 ? '' : ` (${absent.join(', ')})`;
      const cause = `not acknowledged for ${inUnits(afterMs(route), (count, unit) => `${count} ${unit}`)}: ${told}${missing}`;
      return { alarm, channels, after: route.after!, cause };
    });
  }

  return {
    follow(before, alarm, asksAnew, atMs) {
      const asked = before !== undefined && asks(before);
      if (!asks(alarm)) {
        if (asked) escalations.drop(alarm.id);
        return;
      }
      const { id, severity } = alarm;
      const known = asked && !asksAnew ? escalations.get(id) : undefined;
      if (!known) put({ alarm: id, sinceMs: atMs, left: {}, done: [] }, alarm);
      else if (before!.severity !== severity) {
        put({ ...known, left: { ...known.left, [before!.severity]: atMs } }, alarm);
      }
    },
    due(nowMs) {
      if (nextDueMs === null || nextDueMs > nowMs) return [];
      const routes = routesNow();
      const found = escalations.due(nowMs, STEPS_PER_ENTRY).flatMap((waiting) => {
        return taken(waiting, store.alarm(waiting.alarm)!.alarm, routes, nowMs);
      });
      nextDueMs = escalations.firstDueMs();
      return found;
    },
    nextMs: () => nextDueMs,
    changed(station) {
      const routes = routesNow();
      if (station === undefined) {
        if (nextDueMs === null && routes.every((route) => afterMs(route) === 0)) return;
        for (const waiting of escalations.all()) put(waiting, store.alarm(waiting.alarm)!.alarm, routes);
      } else {
        for (const alarm of store.askingAt(station)) {
          const waiting = escalations.get(alarm.id);
          if (waiting) put(waiting, alarm, routes);
        }
      }
      nextDueMs = escalations.firstDueMs();
    },
  };
}
