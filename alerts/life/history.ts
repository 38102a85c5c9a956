/** What the history says of a transition beside its cause: what it changed, old and new, and by which limit. Pure. */
import { type Alarm, type Changed, TRACED } from '#model/alarms/alarm.ts';
import type { Step } from './lifecycle.ts';

/** What the value says about severity belongs to the first of several happenings at once, everything else to the last. */
const OF_THE_READING: ReadonlySet<string> = new Set(['severity', 'value', 'class']);

/** For each happening of a step what it changed. @param before undefined: the alarm is new. */
export function changedBy(happenings: Step['happenings'], before: Alarm | undefined, after: Alarm): Changed[] {
  const changes = happenings.map((): Changed => ({}));
  for (const name of TRACED) {
    // An alarm that has just begun, or is of an earlier version, lacks some: that it isn't latched is no news.
    const old = before?.[name] ?? null;
    const value = after[name] ?? null;
    const isNews = old !== value && !(old === null && value === false);
    const at = OF_THE_READING.has(name) ? 0 : changes.length - 1;
    if (isNews && changes[at]) Object.assign(changes[at], { [name]: [old, value] });
  }
  return changes;
}
