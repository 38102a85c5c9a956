/** How many new alarms people get, and how closely (ISA-18.2, EEMUA 191): pure figures of one stream of them. */
import { floods } from '#alerts/telling/flood.ts';

const TEN_MINUTES_MS = 600_000;
const MINUTE_MS = 60_000;
/** More than so many in ten minutes is more than one person can take in. */
const MANAGEABLE = 10;

export interface Span {
  fromMs: number;
  toMs: number;
}

export interface AlarmLoad {
  /** Over the ten-minute windows of the range, counted from its start. */
  per10Min: { mean: number; max: number; shareAbove10: number };
  /** The parts of the range in which the stream was in flood. */
  floods: Span[];
  minutesInFlood: number;
}

/** @param timesMs of new alarms, ascending; those before the range only tell whether it begins in flood. */
export function alarmLoad(timesMs: readonly number[], { fromMs, toMs }: Span): AlarmLoad {
  const inRange = timesMs.filter((atMs) => atMs >= fromMs && atMs < toMs);
  const windows = Math.ceil((toMs - fromMs) / TEN_MINUTES_MS);
  const counts = new Map<number, number>();
  for (const atMs of inRange) {
    const window = Math.floor((atMs - fromMs) / TEN_MINUTES_MS);
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  const above = [...counts.values()].filter((count) => count > MANAGEABLE).length;
  const spans = floods(timesMs)
    .map((flood) => ({ fromMs: Math.max(fromMs, flood.fromMs), toMs: Math.min(toMs, flood.toMs) }))
    .filter((span) => span.fromMs < span.toMs);
  return {
    per10Min: {
      mean: inRange.length / ((toMs - fromMs) / TEN_MINUTES_MS),
      max: counts.values().reduce((most, count) => Math.max(most, count), 0),
      shareAbove10: above / windows,
    },
    floods: spans,
    minutesInFlood: spans.reduce((sum, span) => sum + (span.toMs - span.fromMs), 0) / MINUTE_MS,
  };
}

/** Names with how often each comes, most often first. */
export function counted(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}
