/** Instants as the API reads and writes them: RFC 3339, ranges half-open, answers in UTC, calendar edges with their offset. */
import { DAY_MS, HOUR_MS, isTimeZone } from '#model/calendar.ts';
import { invalid, Problem } from './problems.ts';

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** Before 1 January 1000 and after 9999 nothing of ours happens, and text would need more digits. */
const EARLIEST_MS = Date.UTC(1000, 0, 1);
const LATEST_MS = Date.UTC(9999, 11, 31);
/** Smaller numbers are seconds, by all likelihood: 1e11 ms is March 1973. */
const MILLISECONDS_MIN = 1e11;

export function isoText(timeMs: number): string;
export function isoText(timeMs: number | null): string | null;
export function isoText(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}

/**
 * Epoch ms of RFC 3339 text with an offset, of epoch milliseconds, or of a date (its midnight in `timeZone`).
 * @throws Problem `range.invalid` naming the parameter.
 */
export function instantMs(text: string, name: string, timeZone: string): number {
  // An unescaped + in a query arrives as a blank.
  const timeMs = parsedMs(text.replace(/ (?=\d\d:\d\d$)/, '+'), timeZone);
  if (timeMs >= EARLIEST_MS && timeMs <= LATEST_MS) return timeMs;
  throw new Problem(
    'range.invalid',
    `${name}: "${text.slice(0, 64)}" is no instant such as 2026-11-22T08:00:00+08:00.`,
  );
}

function parsedMs(text: string, timeZone: string): number {
  if (/^\d{12,15}$/.test(text) && Number(text) >= MILLISECONDS_MIN) return Number(text);
  try {
    if (RFC3339.test(text)) return Temporal.Instant.from(text).epochMilliseconds;
    if (DATE.test(text)) return Temporal.PlainDate.from(text).toZonedDateTime(timeZone).epochMilliseconds;
  } catch (error) {
    // A day that the month doesn't have.
    if (!(error instanceof RangeError)) throw error;
  }
  return Number.NaN;
}

export interface Range {
  fromMs: number;
  toMs: number;
}

/** @param defaultMs how far `from` lies before `to` unless told; null = it must be told. */
export function rangeOf(
  query: { from?: string | undefined; to?: string | undefined },
  context: { nowMs: number; timeZone: string; defaultMs: number | null },
): Range {
  const { nowMs, timeZone, defaultMs } = context;
  const toMs = query.to === undefined ? nowMs : instantMs(query.to, 'to', timeZone);
  if (query.from === undefined && defaultMs === null)
    throw new Problem('range.invalid', 'from: the range needs a start.');
  const fromMs = query.from === undefined ? toMs - defaultMs! : instantMs(query.from, 'from', timeZone);
  if (fromMs >= toMs) throw new Problem('range.invalid', `from ${isoText(fromMs)} is not before to ${isoText(toMs)}.`);
  return { fromMs, toMs };
}

/** @throws Problem `range.too-long`. */
export function demandLength({ fromMs, toMs }: Range, maxMs: number): void {
  if (toMs - fromMs <= maxMs) return;
  throw new Problem('range.too-long', `The range is longer than ${Math.floor(maxMs / DAY_MS)} days.`);
}

export function spanTexts({ fromMs, toMs }: Range): { from: string; to: string } {
  return { from: isoText(fromMs), to: isoText(toMs) };
}

/** The zone that `tz` names, or the installation's. */
export function timeZoneOf(tz: string | undefined, installation: string): string {
  if (tz === undefined) return installation;
  const name = tz.replace(/^ (?=\d\d:\d\d$)/, '+');
  if (!isTimeZone(name)) throw invalid('tz', `"${tz}" is no time zone such as Asia/Shanghai or +08:00`);
  return name;
}

/**
 * Writes ascending instants with the zone's offset: `2026-11-22T00:00:00+08:00`. The offset is looked up once a span, the month
 * once a month, because asking Temporal or Date for each of twenty thousand edges takes as long as everything else together.
 */
export function zonedTexts(timeZone: string): (timeMs: number) => string {
  const local = localTexts();
  let offsetMs = 0;
  let suffix = '';
  let fromMs = Number.POSITIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  let last = { timeMs: Number.NaN, text: '' };
  return (timeMs) => {
    // A bucket ends where the next one begins.
    if (timeMs === last.timeMs) return last.text;
    if (timeMs < fromMs || timeMs >= untilMs) {
      const at = Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO(timeZone);
      fromMs = timeMs;
      untilMs = at.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
      // RFC 3339 has no seconds in an offset (sun time, as Shanghai's until 1901): the instant stays right, not the wall clock.
      offsetMs = Math.round(at.offsetNanoseconds / 6e10) * 60_000;
      suffix = offsetText(offsetMs);
    }
    last = { timeMs, text: local(timeMs + offsetMs) + suffix };
    return last.text;
  };
}

const DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));

/** Local times, given as if they were UTC: `2026-11-22T00:00:00`, with milliseconds when there are any. */
function localTexts(): (localMs: number) => string {
  let month = { firstDay: 0, endDay: 0, text: '' };
  // Days begin at the same time, and the hours of a day have its date.
  let date = { day: Number.NaN, text: '' };
  let time = { ms: Number.NaN, text: '' };
  return (localMs) => {
    const day = Math.floor(localMs / DAY_MS);
    const ms = localMs - day * DAY_MS;
    if (day !== date.day) {
      if (day < month.firstDay || day >= month.endDay) month = monthOf(day);
      date = { day, text: month.text + DIGITS[day - month.firstDay + 1]! };
    }
    if (ms !== time.ms) time = { ms, text: timeText(ms) };
    return date.text + time.text;
  };
}

/** `T08:00:00` */
function timeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const part = ms % 1000;
  const whole = `T${DIGITS[Math.floor(minutes / 60)]}:${DIGITS[minutes % 60]}:${DIGITS[seconds % 60]}`;
  return part === 0 ? whole : `${whole}.${String(part).padStart(3, '0')}`;
}

/** The month that holds a day of the epoch: `2026-11-`, and its days. */
function monthOf(day: number): { firstDay: number; endDay: number; text: string } {
  const date = new Date(day * DAY_MS);
  const start = (months: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months) / DAY_MS;
  return { firstDay: start(0), endDay: start(1), text: date.toISOString().slice(0, -16) };
}

function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor((minutes * 60_000) / HOUR_MS))}:${two(minutes % 60)}`;
}
