/** What a rehearsal says: its alarms in figures, and what the present rule raised in the same time. Pure. */

import { matching, toldAtOnce } from '#alerts/telling/route.ts';
import type { Control } from '#journal/registers.ts';
import { type Alarm, SEVERITIES, type Severity } from '#model/alarms/alarm.ts';
import { type AlarmLoad, alarmLoad, counted, type Span } from './load.ts';

/** So many alarms are listed; all are counted. */
const LISTED_MAX = 1000;
const MINUTE_MS = 60_000;

export interface Outcome extends AlarmLoad {
  /** Raised in the range, newest first. */
  alarms: Alarm[];
  count: number;
  /** Over by the end of the range, and still standing then. */
  cleared: number;
  standing: number;
  /** From raising to clearing, or to the end of the range; null without alarms. */
  stoodMinutes: { median: number; max: number } | null;
  bySeverity: Record<Severity, number>;
  /** Most alarms first. */
  byStation: { station: string; count: number }[];
  /** Raised in maintenance windows: listed, told to nobody, and no part of the load. */
  suppressed: number;
  /** How many of them the present routes would tell each channel of. */
  byChannel: { channel: string; count: number }[];
  /** Null when it replaces no rule. */
  comparison: Comparison | null;
}

interface Comparison {
  /** What the present rule raised in the range. */
  present: number;
  /** Those of them at whose time and place the proposed one has none; newest first. */
  missed: Alarm[];
  missedCount: number;
  /** Alarms of the proposed rule where the present one had none. */
  addedCount: number;
}

/**
 * @param found every alarm of the rehearsal, newest first, those of the look-back included.
 * @param present alarms of the present rule that stood at some time of the range; null: there is none.
 * @param registers for routes and areas.
 */
export function outcomeOf(
  found: readonly Alarm[],
  present: readonly Alarm[] | null,
  range: Span,
  registers: Control,
): Outcome {
  const raised = found.filter((alarm) => isRaisedIn(alarm, range));
  const told = found.filter(({ suppressedBy }) => suppressedBy === null);
  const cleared = raised.filter(({ clearedAtMs }) => clearedAtMs !== null).length;
  const times = told.map(({ raisedAtMs }) => raisedAtMs).reverse();
  return {
    alarms: raised.slice(0, LISTED_MAX),
    count: raised.length,
    cleared,
    standing: raised.length - cleared,
    stoodMinutes: stoodMinutes(raised, range),
    bySeverity: countsOf(raised),
    byStation: counted(raised.map(({ station }) => station)).map(([station, count]) => ({ station, count })),
    suppressed: raised.filter(({ suppressedBy }) => suppressedBy !== null).length,
    byChannel: channelsOf(
      told.filter((alarm) => isRaisedIn(alarm, range)),
      registers,
    ),
    ...alarmLoad(times, range),
    comparison: present && compared(found, raised, present, range),
  };
}

function isRaisedIn({ raisedAtMs }: Alarm, { fromMs, toMs }: Span): boolean {
  return raisedAtMs >= fromMs && raisedAtMs < toMs;
}

function stoodMinutes(raised: readonly Alarm[], { toMs }: Span): Outcome['stoodMinutes'] {
  const stood = raised
    .map(({ raisedAtMs, clearedAtMs }) => ((clearedAtMs ?? toMs) - raisedAtMs) / MINUTE_MS)
    .sort((a, b) => a - b);
  const max = stood.at(-1);
  return max === undefined ? null : { median: stood[Math.floor((stood.length - 1) / 2)]!, max };
}

function countsOf(raised: readonly Alarm[]): Record<Severity, number> {
  const counts = SEVERITIES.map((severity) => [severity, raised.filter((alarm) => alarm.severity === severity).length]);
  return Object.fromEntries(counts) as Record<Severity, number>;
}

function channelsOf(told: readonly Alarm[], registers: Control): Outcome['byChannel'] {
  const routes = registers.list('routes').flatMap(({ body }) => body);
  const channels = told.flatMap((alarm) => {
    const station = registers.get('station', alarm.station);
    return toldAtOnce(matching(routes, alarm, station), station).channels;
  });
  return counted(channels).map(([channel, count]) => ({ channel, count }));
}

function compared(
  found: readonly Alarm[],
  raised: readonly Alarm[],
  present: readonly Alarm[],
  range: Span,
): Comparison {
  const raisedBefore = present.filter((alarm) => isRaisedIn(alarm, range));
  const isFound = standingAt(found);
  const isPresent = standingAt(present);
  const missed = raisedBefore.filter((alarm) => !isFound(alarm)).toSorted((a, b) => b.raisedAtMs - a.raisedAtMs);
  return {
    present: raisedBefore.length,
    missed: missed.slice(0, LISTED_MAX),
    missedCount: missed.length,
    addedCount: raised.filter((alarm) => !isPresent(alarm)).length,
  };
}

/** Whether one of these alarms is about the same station and parameter at some time of another alarm's breach. */
function standingAt(alarms: readonly Alarm[]): (alarm: Alarm) => boolean {
  const subjectOf = ({ station, parameter }: Alarm) => `${station}/${parameter}`;
  const endOf = ({ clearedAtMs }: Alarm) => clearedAtMs ?? Number.POSITIVE_INFINITY;
  const subjects = Map.groupBy(
    alarms.toSorted((a, b) => a.breachStartMs - b.breachStartMs),
    subjectOf,
  );
  // The latest end among the first so many: whether any of those that began in time was still going on.
  const ends = new Map(
    [...subjects].map(([subject, some]) => {
      let latest = Number.NEGATIVE_INFINITY;
      return [subject, some.map((alarm) => (latest = Math.max(latest, endOf(alarm))))];
    }),
  );
  return (alarm) => {
    const some = subjects.get(subjectOf(alarm)) ?? [];
    const begun = countThrough(some, endOf(alarm));
    return begun > 0 && ends.get(subjectOf(alarm))![begun - 1]! >= alarm.breachStartMs;
  };
}

/** How many of these, ascending by breach start, began by then. */
function countThrough(alarms: readonly Alarm[], timeMs: number): number {
  let low = 0;
  let high = alarms.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (alarms[middle]!.breachStartMs <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
