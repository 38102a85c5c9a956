/** The named stretches of the Middle Route's accounts: transfer years, months, and all since the inauguration. */
import { CalendarError } from '#model/calendar.ts';

/** 2014-12-12 14:32 +08:00: the gates at Taocha opened (domain/transfer.md: H). Before it nothing was transferred. */
export const INAUGURATION_MS = Date.UTC(2014, 11, 12, 6, 32);

/** A transfer year begins on 1 November. */
const FIRST_MONTH = 11;

export interface NamedRange {
  kind: 'month' | 'transfer-year';
  fromMs: number;
  toMs: number;
}

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

/** `2025-26` of 2025. */
export function transferYear(firstYear: number): string {
  return `${String(firstYear).padStart(4, '0')}-${String((firstYear + 1) % 100).padStart(2, '0')}`;
}

function between(from: Temporal.PlainDate, to: Temporal.PlainDate, timeZone: string) {
  return {
    fromMs: from.toZonedDateTime(timeZone).epochMilliseconds,
    toMs: to.toZonedDateTime(timeZone).epochMilliseconds,
  };
}
