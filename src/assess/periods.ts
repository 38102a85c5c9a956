/**
 * The periods that assessments are of, as they are written: `2026-11-22`, `2026-W47`, `2026-11`, `2026-Q4`, `2026`; and
 * what each is compared with: the period before, and the same one a year earlier.
 */
export type PeriodKind = 'day' | 'week' | 'month' | 'quarter' | 'year';

export interface Period {
  text: string;
  kind: PeriodKind;
  /** Epoch ms, half-open, in the zone that was asked for. */
  startMs: number;
  endMs: number;
  /** ISO date of its last day: the standard in force then counts. */
  lastDay: string;
}

interface Written {
  kind: PeriodKind;
  first: Temporal.PlainDate;
  next: Temporal.PlainDate;
}

/** Before 1 January 1000 and after 9998 nothing of ours happens. */
const FORMS: readonly [RegExp, (parts: number[]) => Written | null][] = [
  [/^([1-9]\d{3})-(\d\d)-(\d\d)$/, ([year, month, day]) => from('day', date(year!, month!, day!), { days: 1 })],
  [/^([1-9]\d{3})-W(\d\d)$/, ([year, week]) => weekOf(year!, week!)],
  [/^([1-9]\d{3})-(\d\d)$/, ([year, month]) => from('month', date(year!, month!, 1), { months: 1 })],
  [/^([1-9]\d{3})-Q([1-4])$/, ([year, quarter]) => from('quarter', date(year!, quarter! * 3 - 2, 1), { months: 3 })],
  [/^([1-9]\d{3})$/, ([year]) => from('year', date(year!, 1, 1), { years: 1 })],
];

/** Null when `text` is no such period, or one that the calendar doesn't have (2025-W53, 2026-02-30). */
export function periodOf(text: string, timeZone: string): Period | null {
  const found = written(text);
  if (!found) return null;
  const { kind, first, next } = found;
  return {
    text,
    kind,
    startMs: first.toZonedDateTime(timeZone).epochMilliseconds,
    endMs: next.toZonedDateTime(timeZone).epochMilliseconds,
    lastDay: next.subtract({ days: 1 }).toString(),
  };
}

/** The period of the same kind just before. */
export function previousPeriod(text: string): string {
  const { kind, first } = written(text)!;
  return textOf(kind, first.subtract({ days: 1 }));
}

/** The same period a year earlier; null where that year hasn't got it (week 53). 29 February is compared with the 28th. */
export function yearBefore(text: string): string | null {
  const { kind, first } = written(text)!;
  if (kind !== 'week') return textOf(kind, first.subtract({ years: 1 }));
  const earlier = `${String(first.yearOfWeek! - 1).padStart(4, '0')}${text.slice(4)}`;
  return written(earlier) ? earlier : null;
}

function written(text: string): Written | null {
  for (const [form, read] of FORMS) {
    const parts = form.exec(text);
    if (parts) return Number(parts[1]) > 9998 ? null : read(parts.slice(1).map(Number));
  }
  return null;
}

function from(kind: PeriodKind, first: Temporal.PlainDate | null, length: Temporal.DurationLike): Written | null {
  return first && { kind, first, next: first.add(length) };
}

function date(year: number, month: number, day: number): Temporal.PlainDate | null {
  try {
    return Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' });
  } catch {
    return null;
  }
}

/** ISO 8601: week 1 holds 4 January. */
function weekOf(year: number, week: number): Written | null {
  const fourth = date(year, 1, 4)!;
  const first = fourth.subtract({ days: fourth.dayOfWeek - 1 }).add({ weeks: week - 1 });
  const isThere = week >= 1 && first.weekOfYear === week && first.yearOfWeek === year;
  return isThere ? from('week', first, { weeks: 1 }) : null;
}

function textOf(kind: PeriodKind, day: Temporal.PlainDate): string {
  const year = String(kind === 'week' ? day.yearOfWeek : day.year).padStart(4, '0');
  switch (kind) {
    case 'day':
      return day.toString();
    case 'week':
      return `${year}-W${String(day.weekOfYear).padStart(2, '0')}`;
    case 'month':
      return `${year}-${String(day.month).padStart(2, '0')}`;
    case 'quarter':
      return `${year}-Q${Math.ceil(day.month / 3)}`;
    case 'year':
      return year;
  }
}
