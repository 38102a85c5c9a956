/** What a rule test expected against what happened, as lines that a person can act on. Pure. */
import type { Alarm } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { momentMs } from './arrivals.ts';
import type { ExpectedAlarm } from './schema.ts';

type View = ReturnType<typeof alarmView>;

const MOMENTS = new Set(['breachStart', 'raisedAt', 'detectedAt', 'clearedAt']);

/** Empty when every expected alarm happened as described, and no other did. Moments are told relative to `startMs`. */
export function differences(expected: readonly ExpectedAlarm[], alarms: readonly Alarm[], startMs: number): string[] {
  const keys = new Map(alarms.map(({ id, key }) => [id, key]));
  // Ids are nothing that a test could name.
  const left = alarms.map((alarm): View => {
    const view = alarmView(alarm);
    return { ...view, suppressedBy: keys.get(view.suppressedBy ?? '') ?? view.suppressedBy };
  });
  const lines: string[] = [];
  for (const one of expected) {
    const index = bestMatch(one, left, startMs);
    if (index < 0) {
      lines.push(`${keyOf(one)}${one.raisedAt === undefined ? '' : ` at ${one.raisedAt}`}: expected, did not happen`);
      continue;
    }
    const [found] = left.splice(index, 1) as [View];
    for (const member of wrongMembers(one, found, startMs)) {
      const was = found[member];
      lines.push(`${keyOf(one)}: ${member} is ${told(member, was, startMs)}, expected ${String(one[member])}`);
    }
  }
  for (const alarm of left) {
    const when = told('raisedAt', alarm.raisedAt, startMs);
    lines.push(
      `${keyOf(alarm)}: not expected: ${alarm.severity}, ${alarm.state}, raised at ${when}, value ${alarm.value}`,
    );
  }
  return lines;
}

function keyOf({ rule, station, parameter }: { rule: string; station: string; parameter: string }): string {
  return `${rule}/${station}/${parameter}`;
}

/** Of the alarms of this rule and series the one with the fewest differences, the earliest of these; -1 for none. */
function bestMatch(expected: ExpectedAlarm, alarms: readonly View[], startMs: number): number {
  let best = -1;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [index, alarm] of alarms.entries()) {
    if (keyOf(alarm) !== keyOf(expected)) continue;
    const count = wrongMembers(expected, alarm, startMs).length;
    if (count < fewest) [best, fewest] = [index, count];
  }
  return best;
}

function wrongMembers(expected: ExpectedAlarm, alarm: View, startMs: number): (keyof ExpectedAlarm)[] {
  const members = Object.keys(expected) as (keyof ExpectedAlarm)[];
  return members.filter((member) => {
    const wanted = expected[member];
    const was = alarm[member];
    if (wanted === undefined) return false;
    if (typeof wanted === 'string' && MOMENTS.has(member)) {
      return typeof was !== 'string' || Date.parse(was) !== momentMs(wanted, startMs);
    }
    if (typeof wanted === 'number' && typeof was === 'number') return !isNear(wanted, was);
    return wanted !== was;
  });
}

/** Decimal fractions are written shorter than floating point keeps them: 0.66 is (0.83 − 0.5) / 0.5. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}

function told(member: string, value: unknown, startMs: number): string {
  if (!MOMENTS.has(member) || typeof value !== 'string') return String(value);
  const sinceMs = Date.parse(value) - startMs;
  return sinceMs < 0 ? value : isoDuration(sinceMs);
}

function isoDuration(ms: number): string {
  return Temporal.Duration.from({ milliseconds: ms }).round({ largestUnit: 'hours' }).toString();
}
