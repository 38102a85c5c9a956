/**
 * Planned maintenance (the register `maintenance`): which window an alarm was raised in, and which alarms are held by one.
 * A window counts in event times; it holds an alarm back until its end is received.
 */

import type { AlertStore } from '#alerts/records/store.ts';
import type { Control } from '#journal/registers.ts';
import { type Alarm, GATEWAYS_STATION } from '#model/alarms/alarm.ts';
import { type Step, suppress } from './lifecycle.ts';

/** `suppressedBy` of alarms that a window holds. */
const PREFIX = 'maintenance/';

export function isHeldByMaintenance(suppressedBy: string | null): boolean {
  return suppressedBy?.startsWith(PREFIX) ?? false;
}

interface Window {
  name: string;
  fromMs: number;
  toMs: number;
  stations: ReadonlySet<string>;
  gateways: readonly string[];
}

export interface Maintenance {
  /** What is raised in a window is held by it. */
  held(step: Step, receivedMs: number): Step;
  /** An alarm was put. */
  put(alarm: Alarm): void;
  /** Alarms that stand and are no longer held by the window that held them: `by` the one that does now, or null. */
  released(receivedMs: number): { id: string; was: string; by: string | null }[];
  /** Whether a window that holds alarms is over. */
  isOver(receivedMs: number): boolean;
  /** When the first window that holds alarms ends. */
  nextMs(): number | null;
  windowsChanged(): void;
}

/** Which alarms stand and are held by a window. */
export function createMaintenance(store: Pick<AlertStore, 'suppressed' | 'alarm'>, control: Control): Maintenance {
  const windows = createWindows(control);
  const maintained = new Map(store.suppressed().flatMap(({ id, by }) => (isHeldByMaintenance(by) ? [[id, by]] : [])));
  /** How many of them each window holds: asked with every entry. */
  const holding = new Map<string, number>();
  for (const by of maintained.values()) add(by, 1);

  function add(window: string, change: number): void {
    const count = (holding.get(window) ?? 0) + change;
    if (count === 0) holding.delete(window);
    else holding.set(window, count);
  }

  return {
    held(step, receivedMs) {
      if (!step.happenings.some(({ event }) => event === 'raised' || event === 'late-found')) return step;
      const by = windows.covering(step.alarm, receivedMs);
      if (by !== null) return suppress(step, by);
      if (!isHeldByMaintenance(step.alarm.suppressedBy)) return step;
      return { ...step, alarm: { ...step.alarm, suppressedBy: null } };
    },
    put({ id, state, suppressedBy }) {
      const stands = state === 'raised' || state === 'acknowledged';
      const was = maintained.get(id);
      const by = stands && isHeldByMaintenance(suppressedBy) ? suppressedBy! : undefined;
      if (by === was) return;
      if (by === undefined) maintained.delete(id);
      else maintained.set(id, by);
      if (was !== undefined) add(was, -1);
      if (by !== undefined) add(by, 1);
    },
    released(receivedMs) {
      const inOrder = [...maintained].sort(([a], [b]) => (a < b ? -1 : 1));
      return inOrder.flatMap(([id, was]) => {
        const by = windows.covering(store.alarm(id)!.alarm, receivedMs);
        return by === was ? [] : [{ id, was, by }];
      });
    },
    isOver: (receivedMs) => [...holding.keys()].some((name) => (windows.endMs(name) ?? 0) <= receivedMs),
    nextMs() {
      const ends = [...holding.keys()].flatMap((name) => windows.endMs(name) ?? []);
      return ends.length === 0 ? null : Math.min(...ends);
    },
    windowsChanged: windows.forget,
  };
}

interface Windows {
  /** The window, as `suppressedBy`, that keeps this alarm from being told, or null. */
  covering(alarm: Alarm, receivedMs: number): string | null;
  /** When a window ends; null when there is none of this name. */
  endMs(name: string): number | null;
  /** To be called when a window has changed. */
  forget(): void;
}

function createWindows(control: Control): Windows {
  let windows: readonly Window[] | null = null;

  function all(): readonly Window[] {
    windows ??= control.list('maintenance').map(({ id, body }) => ({
      name: `${PREFIX}${id}`,
      fromMs: Date.parse(body.from),
      toMs: Date.parse(body.to),
      stations: new Set(body.stations),
      gateways: body.gateways ?? [],
    }));
    return windows;
  }

  function concerns({ stations, gateways }: Window, { station, parameter }: Alarm): boolean {
    if (stations.has(station)) return true;
    if (station === GATEWAYS_STATION) return gateways.includes(parameter);
    return gateways.some((gateway) => control.get('gateway', gateway)?.stations.includes(station) ?? false);
  }

  return {
    covering(alarm, receivedMs) {
      const { raisedAtMs, late } = alarm;
      // What was found late is over: that it happened in the window is all that matters.
      const found = all().find(
        (window) =>
          window.fromMs <= raisedAtMs &&
          raisedAtMs < window.toMs &&
          (late || receivedMs < window.toMs) &&
          concerns(window, alarm),
      );
      return found?.name ?? null;
    },
    endMs: (name) => all().find((window) => window.name === name)?.toMs ?? null,
    forget() {
      windows = null;
    },
  };
}
