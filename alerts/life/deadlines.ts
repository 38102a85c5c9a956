/**
 * When an alarm changes though nothing arrives: its shelf's time has passed, or its acknowledgement has lasted for as long
 * as its rule allows (`reAlarmAfter`). In the journal's `received`; worked out from the alarms and the rules, so that
 * nothing of it has to be kept.
 */

import type { AlertStore } from '#alerts/records/store.ts';
import type { Control } from '#journal/registers.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { durationMs } from '#model/duration.ts';
import { createTimers } from './timers.ts';

export interface Deadlines {
  /** An alarm was put. */
  set(alarm: Alarm): void;
  /** A rule has changed: its acknowledged alarms may be due at another time. */
  ruleChanged(rule: string): void;
  nextMs(): number | null;
  /** Alarms whose shelving ends by then, and those that ask again; each is told once. */
  shelvesDue(receivedMs: number): string[];
  reAlarmsDue(receivedMs: number): string[];
}

export function createDeadlines(store: Pick<AlertStore, 'shelved' | 'openOf'>, control: Control): Deadlines {
  const shelves = createTimers();
  const reAlarms = createTimers();

  function reAlarmMs({ rule, state, clearedAtMs, acknowledgedAtMs, shelvedUntilMs }: Alarm): number | null {
    const after = control.get('rule', rule)?.reAlarmAfter;
    if (after === undefined || state !== 'acknowledged' || clearedAtMs !== null) return null;
    // What is shelved asks when its shelf ends.
    return shelvedUntilMs === null ? acknowledgedAtMs! + durationMs(after) : null;
  }

  function ruleChanged(rule: string): void {
    for (const alarm of store.openOf(rule)) reAlarms.set(alarm.id, reAlarmMs(alarm));
  }

  for (const { id, untilMs } of store.shelved()) shelves.set(id, untilMs);
  for (const { id, body } of control.list('rule')) if (body.reAlarmAfter !== undefined) ruleChanged(id);

  return {
    set(alarm) {
      shelves.set(alarm.id, alarm.shelvedUntilMs);
      reAlarms.set(alarm.id, reAlarmMs(alarm));
    },
    ruleChanged,
    nextMs() {
      const times = [shelves, reAlarms].flatMap((timers) => timers.first()?.dueMs ?? []);
      return times.length === 0 ? null : Math.min(...times);
    },
    shelvesDue: (receivedMs) => shelves.take(receivedMs).sort(),
    reAlarmsDue: (receivedMs) => reAlarms.take(receivedMs).sort(),
  };
}
