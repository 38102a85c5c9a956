/**
 * The periods that rules are about and when each closes: once everything about it that isn't late has been received, and
 * the water that came in during it has reached the last meter. Pure.
 */

import { selects } from '#alerts/rules/conditions.ts';
import { type Period, periodOf } from '#assess/periods.ts';
import { travelMs } from '#books/water/balance.ts';
import { countedMeters, type NamedMeter } from '#books/water/meter-relations.ts';
import type { Control } from '#journal/registers.ts';
import { HOUR_MS, openFromMs } from '#model/calendar.ts';
import type { PeriodRule } from '#model/register.ts';

export interface Span {
  startMs: number;
  endMs: number;
}

/** The day or month that holds an instant. */
export function calendarPeriod(kind: 'day' | 'month', timeMs: number, timeZone: string): Period {
  const date = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone).toPlainDate();
  return periodOf(kind === 'day' ? date.toString() : date.toPlainYearMonth().toString(), timeZone)!;
}

/** The hour, day or month that holds an instant. */
export function periodAt(kind: PeriodRule['period'], timeMs: number, timeZone: string): Span {
  if (kind !== 'hour') return calendarPeriod(kind, timeMs, timeZone);
  const local = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone);
  const startMs = local.round({ smallestUnit: 'hour', roundingMode: 'floor' }).epochMilliseconds;
  return { startMs, endMs: startMs + HOUR_MS };
}

/** Meters that a balance is made of. */
export function balancedMeters(rule: PeriodRule & { kind: 'volume-balance' }, control: Control): NamedMeter[] {
  return countedMeters(control).filter(({ meter }) => {
    const station = control.get('station', meter.station);
    return station !== undefined && selects(rule, meter.station, station);
  });
}

/** How long after the end of a period its water may still be on its way to a meter. */
export function longestTravelMs(rule: PeriodRule, control: Control): number {
  if (rule.kind !== 'volume-balance' || rule.shift === 'none') return 0;
  return Math.max(0, ...balancedMeters(rule, control).map(travelMs));
}

/** The end of what has closed by `clockMs`; a period that reaches beyond it is open. */
export function closedThroughMs(clockMs: number, allowedLatenessMs: number, shiftMs: number): number {
  return openFromMs(clockMs - shiftMs, allowedLatenessMs);
}

/** The time by which a period has closed. */
export function closesMs({ endMs }: Span, allowedLatenessMs: number, shiftMs: number): number {
  return Math.ceil(endMs / HOUR_MS) * HOUR_MS + allowedLatenessMs + shiftMs;
}
