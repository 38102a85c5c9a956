/**
 * When a rule looks: months, days of the week and hours of its local time. A moment is in it or not; where it opens and
 * closes follows from that, so that no change of the clock (summer time) can lose or double an edge. Pure.
 */

import type { RuleCalendar } from '#model/alarms/rule.ts';
import { DAY_MS, nextTransitionMs, offsetMsAt } from '#model/calendar.ts';

/** A calendar that knows where it is. */
export interface Calendar extends RuleCalendar {
  timeZone: string;
}

const MINUTE_MS = 60_000;

/** Whether the rule looks at this instant. Hours that go over midnight belong to the day on which they begin. */
export function isWithin({ months, weekdays, hours, timeZone }: Calendar, timeMs: number): boolean {
  let localMs = timeMs + offsetMsAt(timeZone, timeMs);
  if (hours) {
    const [fromMs, toMs] = hours.map(ofDayMs) as [number, number];
    const passedMs = localMs - Math.floor(localMs / DAY_MS) * DAY_MS;
    if (fromMs < toMs ? passedMs < fromMs || passedMs >= toMs : passedMs < fromMs && passedMs >= toMs) return false;
    if (fromMs > toMs && passedMs < toMs) localMs -= DAY_MS;
  }
  const date = new Date(localMs);
  return (
    (!months || months.includes(date.getUTCMonth() + 1)) && (!weekdays || weekdays.includes(date.getUTCDay() || 7))
  );
}

/** How long it looks without a break at most, as its hours say; infinite without hours. */
export function longestMs({ hours }: RuleCalendar): number {
  if (!hours) return Number.POSITIVE_INFINITY;
  const [fromMs, toMs] = hours.map(ofDayMs) as [number, number];
  const lengthMs = toMs - fromMs + (toMs > fromMs ? 0 : DAY_MS);
  return lengthMs === DAY_MS ? Number.POSITIVE_INFINITY : lengthMs;
}

/** `22:30` as milliseconds of the day. */
function ofDayMs(text: string): number {
  return (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * MINUTE_MS;
}

/** A calendar that comes round every year shows every edge in this time, a 29 February aside. */
const ROUND_DAYS = 367;

/** The first instant after `afterMs` at which it opens or closes; null for one that never does. */
export function nextEdgeMs(calendar: Calendar, afterMs: number): number | null {
  const wasWithin = isWithin(calendar, afterMs);
  // Around a change of the offset the possible edges of neighbouring days overlap, so they are put in order all together.
  const days = Array.from({ length: ROUND_DAYS + 2 }, (_, n) => afterMs + (n - 1) * DAY_MS);
  const edges = days.flatMap((dayMs) => possibleEdges(calendar, dayMs)).sort((a, b) => a - b);
  return edges.find((edgeMs) => edgeMs > afterMs && isWithin(calendar, edgeMs) !== wasWithin) ?? null;
}

/** Instants of one local day at which it may open or close: local times, and changes of the offset near it. */
function possibleEdges({ hours, timeZone }: Calendar, ms: number): number[] {
  const localMs = Math.floor((ms + offsetMsAt(timeZone, ms)) / DAY_MS) * DAY_MS;
  const [beforeMs, afterMs] = [localMs - DAY_MS, localMs + 2 * DAY_MS].map((at) => offsetMsAt(timeZone, at)) as [
    number,
    number,
  ];
  const times = [0, ...(hours ?? []).map(ofDayMs)].map((passedMs) => localMs + passedMs);
  if (beforeMs === afterMs) return times.map((at) => at - beforeMs);
  const changeMs = nextTransitionMs(timeZone, localMs - DAY_MS) ?? localMs;
  return [...times.flatMap((at) => [at - beforeMs, at - afterMs]), changeMs];
}
