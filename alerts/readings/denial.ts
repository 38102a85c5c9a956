/** What is taken back of alarms that rest on readings beyond their lane's window. */

import type { AlarmLog } from '#alerts/life/alarm-log.ts';
import { withdraw } from '#alerts/life/lifecycle.ts';
import type { Occasion } from '#alerts/life/occasion.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import type { Lane } from './lane.ts';

interface Hands {
  store: Pick<AlertStore, 'restingOn' | 'worstIn'>;
  log: AlarmLog;
  occasion: Occasion;
}

/**
 * Withdraws what rests wholly on readings of [fromMs, toMs) that don't hold any more: alarms, and what they count.
 * @returns whether there was anything.
 */
export function denied(
  lane: Lane,
  fromMs: number,
  toMs: number,
  cause: string,
  { store, log, occasion }: Hands,
): boolean {
  const tracked = new Set(lane.tracked.map(({ alarm }) => alarm));
  let isNews = log.deny(lane.key, { fromMs, toMs }, (crossing) => tracked.has(crossing), occasion, cause);
  for (const { alarm } of store.restingOn(lane.key, fromMs, toMs)) {
    if (tracked.has(alarm.id)) continue;
    isNews = true;
    if (lane.late?.record === alarm.id) lane.late = null;
    const step = withdraw(alarm, cause);
    if (step) log.write(step, occasion);
  }
  return isNews;
}

/**
 * Alarms of before the window whose worst was one of these readings: the value that they tell is what is left to know.
 * @returns whether there were any.
 */
export function lowerWorst(lane: Lane, fromMs: number, toMs: number, { store, log, occasion }: Hands): boolean {
  let isNews = false;
  for (const alarm of store.worstIn(lane.key, fromMs, toMs)) {
    if (alarm.value === alarm.worst?.value) continue;
    if (lane.tracked.some((tracked) => tracked.alarm === alarm.id)) continue;
    const { value, class: reached, severity, raisedAtMs: atMs, censored } = alarm;
    isNews = true;
    const worst = { value, class: reached, severity, atMs, ...(censored && { censored }) };
    log.write({ alarm: { ...alarm, worst }, happenings: [] }, occasion);
  }
  return isNews;
}
