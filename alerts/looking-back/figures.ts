/**
 * The operators' figures after ISA-18.2 and EEMUA 191: how many alarms people were told of and how closely, which ones
 * chatter, which nobody ends, and how soon somebody takes them over. docs/alarm-figures.md defines each.
 */

import {
  type AlarmFact,
  type AlarmFigures,
  alarmFacts,
  type ChannelOutcomes,
  channelOutcomes,
  type FiguresQuery,
  type StandingAlarm,
  staleAlarms,
} from '#alerts/records/figures.ts';
import { SEVERITIES, type Severity } from '#model/alarms/alarm.ts';
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Database } from '#src/sqlite.ts';
import { alarmLoad, counted, type Span } from './load.ts';

const MINUTE_MS = 60_000;
/** So many raises of a key within an hour are chattering (ISA-18.2). */
const CHATTERING = 3;
const TOP_CHATTERING = 10;
const TOP_STALE = 10;
const LISTED_MAX = 100;

interface Material {
  /** In the order in which they came; those before the range only tell whether it begins in flood. */
  facts: readonly AlarmFact[];
  /** Longest first. */
  stale: readonly StandingAlarm[];
  notices: ChannelOutcomes[];
}

/** Once a flood has gone on for longer without ever calming down, its beginning doesn't matter. */
const BEFORE_MS = DAY_MS;

export function alarmFiguresOf(derived: Database, query: FiguresQuery): AlarmFigures {
  const facts = alarmFacts(derived, { ...query, fromMs: query.fromMs - BEFORE_MS });
  const material = { facts, stale: staleAlarms(derived, query), notices: channelOutcomes(derived, query) };
  return alarmFigures(material, query);
}

function alarmFigures({ facts, stale, notices }: Material, range: Span): AlarmFigures {
  const came = facts.filter(({ detectedAtMs }) => detectedAtMs >= range.fromMs && detectedAtMs < range.toMs);
  const isTold = ({ isRecord, isSuppressed }: AlarmFact) => !isRecord && !isSuppressed;
  const told = came.filter(isTold);
  const times = facts.filter(isTold).map(({ detectedAtMs }) => detectedAtMs);
  const severities = SEVERITIES.map((severity) => [severity, told.filter((one) => one.severity === severity).length]);
  return {
    count: told.length,
    withdrawn: told.filter(({ state }) => state === 'withdrawn').length,
    suppressed: came.filter(({ isRecord, isSuppressed }) => isSuppressed && !isRecord).length,
    late: came.filter(({ isRecord }) => isRecord).length,
    ...alarmLoad(times, range),
    chattering: chattering(told),
    stale: {
      count: stale.length,
      longest: stale.slice(0, TOP_STALE).map((alarm) => ({
        ...alarm,
        hours: (Math.min(alarm.clearedAtMs ?? range.toMs, range.toMs) - alarm.raisedAtMs) / HOUR_MS,
      })),
    },
    acknowledgement: acknowledgement(told),
    byRule: top(told.map(({ rule }) => rule)).map(([rule, count]) => ({ rule, count })),
    byStation: top(told.map(({ station }) => station)).map(([station, count]) => ({ station, count })),
    bySeverity: Object.fromEntries(severities) as Record<Severity, number>,
    notices,
  };
}

function top(names: readonly string[]): [string, number][] {
  return counted(names).slice(0, LISTED_MAX);
}

/** Keys by the most raises that any sixty minutes had. */
function chattering(told: readonly AlarmFact[]): AlarmFigures['chattering'] {
  const worst = [...Map.groupBy(told, ({ key }) => key)].map(([key, some]) => {
    let first = 0;
    let most = { raises: 0, sinceMs: 0 };
    for (const [last, { detectedAtMs }] of some.entries()) {
      while (detectedAtMs - some[first]!.detectedAtMs >= HOUR_MS) first++;
      const raises = last - first + 1;
      if (raises > most.raises) most = { raises, sinceMs: some[first]!.detectedAtMs };
    }
    return { key, ...most, count: some.length };
  });
  return worst
    .filter(({ raises }) => raises >= CHATTERING)
    .sort((a, b) => b.raises - a.raises || b.count - a.count || (a.key < b.key ? -1 : 1))
    .slice(0, TOP_CHATTERING);
}

function acknowledgement(told: readonly AlarmFact[]): AlarmFigures['acknowledgement'] {
  const minutes = told
    .flatMap(({ takenMs, detectedAtMs }) => (takenMs === null ? [] : [(takenMs - detectedAtMs) / MINUTE_MS]))
    .sort((a, b) => a - b);
  // What is withdrawn asks nobody to take it over.
  const never = told.filter(({ takenMs, state }) => takenMs === null && state !== 'withdrawn').length;
  return { count: minutes.length, medianMinutes: rank(minutes, 0.5), p90Minutes: rank(minutes, 0.9), never };
}

/** The smallest value that so large a share of the values doesn't exceed (nearest rank). @param sorted ascending. */
function rank(sorted: readonly number[], share: number): number | null {
  return sorted[Math.ceil(share * sorted.length) - 1] ?? null;
}
