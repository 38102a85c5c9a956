/**
 * Planned maintenance (the register `maintenance`): which window an alarm was raised in, and which alarms are held by one.
 * A window counts in event times; it holds an alarm back until its end is received.
 */

import type { Control } from '#journal/registers.ts';
import { type Alarm, GATEWAYS_STATION } from '#model/alarms/alarm.ts';

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

export interface MaintenanceWindows {
  /** The window, as `suppressedBy`, that keeps this alarm from being told, or null. */
  covering(alarm: Alarm, receivedMs: number): string | null;
  /** When a window ends; null when there is none of this name. */
  endMs(name: string): number | null;
  /** To be called when a window has changed. */
  forget(): void;
}

export function createMaintenanceWindows(control: Control): MaintenanceWindows {
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
