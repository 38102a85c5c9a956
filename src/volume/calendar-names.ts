/** The named stretches of the Middle Route's accounts: days, months, transfer years, and all since the inauguration. */
import { CalendarError } from '#model/calendar.ts';

/** 2014-12-12 14:32 +08:00: the gates at Taocha opened (domain/transfer.md: H). Before it nothing was transferred. */
export const INAUGURATION_MS = Date.UTC(2014, 11, 12, 6, 32);

/** A transfer year begins on 1 November. */
const FIRST_MONTH = 11;

export interface NamedRange<Kind = 'month' | 'transfer-year'> {
  kind: Kind;
  fromMs: number;
  toMs: number;
}

export type ReportKind = 'day' | 'month' | 'transfer-year';

/**
 * `2026-11` is a month, `2025-26` the transfer year from 1 November 2025. (`2011-12` is a month: nothing was transferred
 * before 2014, so no name can mean both.)
 * @throws CalendarError `range.invalid` for any other name.
 */
export function namedRange(name: string, timeZone: string): NamedRange {
  const [, year = '', rest = ''] = /^(\d{4})-(\d{2})$/.exec(name) ?? [];
  const first = Number(year);
  const second = Number(rest);
  if (second >= 1 && second <= 12 && first > 0) {
    const from = Temporal.PlainDate.from({ year: first, month: second, day: 1 });
    return { kind: 'month', ...between(from, from.add({ months: 1 }), timeZone) };
  }
  if (name === transferYear(first)) {
    const from = Temporal.PlainDate.from({ year: first, month: FIRST_MONTH, day: 1 });
    return { kind: 'transfer-year', ...between(from, from.add({ years: 1 }), timeZone) };
  }
  throw new CalendarError('range.invalid', `"${name}" is neither a month such as 2026-11 nor a transfer year 2025-26`);
}

/**
 * What a report may be of: `2026-11-22` is a day; all else as `namedRange`.
 * @throws CalendarError `range.invalid`, also for a day that its month doesn't have.
 */
export function reportRange(name: string, timeZone: string): NamedRange<ReportKind> {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(name)) return namedRange(name, timeZone);
  try {
    const from = Temporal.PlainDate.from(name);
    return { kind: 'day', ...between(from, from.add({ days: 1 }), timeZone) };
  } catch (error) {
    throw new CalendarError('range.invalid', `"${name}" is no day of the calendar: ${(error as Error).message}`);
  }
}

/** The name of the day, month or transfer year that holds this instant; `reportRange` takes it. */
export function nameAt(kind: ReportKind, timeMs: number, timeZone: string): string {
  const date = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone).toPlainDate();
  if (kind === 'transfer-year') return transferYear(date.month < FIRST_MONTH ? date.year - 1 : date.year);
  return date.toString().slice(0, kind === 'day' ? undefined : 7);
}

/** `2025-26` of 2025. */
function transferYear(firstYear: number): string {
  return `${String(firstYear).padStart(4, '0')}-${String((firstYear + 1) % 100).padStart(2, '0')}`;
}

/** The transfer year before, as far as the same calendar day and time: what a year so far is compared with. */
export function yearBefore(name: string, timeZone: string, atMs: number) {
  const previous = transferYear(Number(name.slice(0, 4)) - 1);
  const { fromMs, toMs } = namedRange(previous, timeZone);
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).subtract({ years: 1 });
  return { name: previous, fromMs, atMs: Math.min(at.epochMilliseconds, toMs) };
}

function between(from: Temporal.PlainDate, to: Temporal.PlainDate, timeZone: string) {
  return {
    fromMs: from.toZonedDateTime(timeZone).epochMilliseconds,
    toMs: to.toZonedDateTime(timeZone).epochMilliseconds,
  };
}
