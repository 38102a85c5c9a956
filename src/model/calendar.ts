/**
 * Calendar buckets: where hours, days, weeks, months, quarters, years and transfer years begin in a time zone.
 * Everything is epoch ms. A zone is a list of spans of constant UTC offset; inside one, calendars are arithmetic,
 * which is what makes ten years of days take well under a millisecond where Temporal alone takes tens.
 */
import type { FaultCode } from './faults.ts';

/** `week` begins on Monday (ISO 8601), `transfer-year` on 1 November (the Middle Route's accounting year). */
export type Bucket = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year' | 'transfer-year' | 'total';

export const INTERVALS = ['PT1H', 'P1D', 'P1W', 'P1M', 'P1Y'] as const;
export type Interval = (typeof INTERVALS)[number];

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** How many buckets `auto` may give (contracts §4, /trends). */
const AUTO_BUCKETS_MAX = 2000;

/** A range that can't be answered; `code` is one of the table in model/faults.ts. */
export class CalendarError extends RangeError {
  readonly code: FaultCode;
  constructor(code: FaultCode, message: string) {
    super(message);
    this.name = 'CalendarError';
    this.code = code;
  }
}

/** The start of the UTC hour that holds `ms`. */
export function floorHour(ms: number): number {
  return Math.floor(ms / HOUR_MS) * HOUR_MS;
}

const BY_INTERVAL: Record<Interval, Bucket> = { PT1H: 'hour', P1D: 'day', P1W: 'week', P1M: 'month', P1Y: 'year' };

/** The bucket that an ISO 8601 interval of `/trends` names, or null when it names none. */
export function intervalOfIso(text: string): Bucket | null {
  return Object.hasOwn(BY_INTERVAL, text) ? BY_INTERVAL[text as Interval] : null;
}

/** Whether `timeZone` is one that this runtime knows. */
export function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/**
 * The edges of the calendar buckets of [fromMs, toMs), ascending, first and last clipped to the range: n + 1 edges
 * are n buckets, and nothing outside the range belongs to any of them.
 * @throws CalendarError `range.invalid` unless both are integers and from is before to, `range.too-many-buckets`
 *   beyond `bucketsMax`; RangeError of Temporal's for an unknown zone.
 */
export function bucketEdges(fromMs: number, toMs: number, by: Bucket, timeZone: string, bucketsMax: number): number[] {
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs) || fromMs >= toMs) {
    throw new CalendarError('range.invalid', 'a range needs two instants with from before to');
  }
  const edges = [fromMs];
  for (const startMs of bucketStarts(fromMs, toMs, by, timeZone)) {
    // A day that a zone skipped altogether (Samoa, 2011-12-30) begins where the next one does.
    if (startMs > edges.at(-1)!) edges.push(startMs);
    if (edges.length > bucketsMax) {
      throw new CalendarError('range.too-many-buckets', `the range has more than ${bucketsMax} buckets of one ${by}`);
    }
  }
  edges.push(toMs);
  return edges;
}

/**
 * The edges of the buckets that lie whole in [fromMs, toMs), ascending: n + 1 edges are n buckets; none where no bucket does.
 * For whatever takes a bucket for one like the others: a December is no year, and the second half of a month no month.
 * @throws as `bucketEdges`, but for a range that is empty.
 */
export function wholeBucketEdges(
  fromMs: number,
  toMs: number,
  by: Bucket,
  timeZone: string,
  bucketsMax: number,
): number[] {
  if (fromMs >= toMs) return [];
  // What begins within the range a moment wider on either side is the start of a bucket, and not where the range was cut.
  const starts = bucketEdges(fromMs - 1, toMs + 1, by, timeZone, bucketsMax + 2).slice(1, -1);
  return starts.length < 2 ? [] : starts;
}

/** The finest interval of `/trends` that gives at most 2,000 buckets; a year when even those are more. */
export function autoInterval(fromMs: number, toMs: number, timeZone: string): Interval {
  for (const interval of INTERVALS) {
    try {
      bucketEdges(fromMs, toMs, BY_INTERVAL[interval], timeZone, AUTO_BUCKETS_MAX);
      return interval;
    } catch (error) {
      if (!(error instanceof CalendarError) || error.code !== 'range.too-many-buckets') throw error;
    }
  }
  return 'P1Y';
}

/** Whether local hours coincide with UTC hours throughout the range, so that hourly books can serve the zone. */
export function isWholeHourZone(timeZone: string, fromMs: number, toMs: number): boolean {
  for (const span of offsetSpans(timeZone, fromMs)) {
    if (span.startMs >= toMs) break;
    if (span.offsetMs % HOUR_MS !== 0) return false;
  }
  return true;
}

/** Starts of the local days that hold `ms` and the next one: [start, end). */
export function dayOf(ms: number, timeZone: string): { startMs: number; endMs: number } {
  const starts = [...bucketStarts(ms - 2 * DAY_MS, ms + 2 * DAY_MS, 'day', timeZone)];
  const next = starts.findIndex((startMs) => startMs > ms);
  return { startMs: starts[next - 1]!, endMs: starts[next]! };
}

/** A stretch of time with one UTC offset: local = UTC + offsetMs. */
interface OffsetSpan {
  startMs: number;
  endMs: number;
  offsetMs: number;
}

/** The spans of a zone from the one that holds `fromMs` on, for ever; made as they are asked for. */
function* offsetSpans(timeZone: string, fromMs: number): Generator<OffsetSpan> {
  let at: Temporal.ZonedDateTime | null = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(timeZone);
  let startMs = Number.NEGATIVE_INFINITY;
  while (at) {
    const next: Temporal.ZonedDateTime | null = at.getTimeZoneTransition('next');
    const endMs = next ? next.epochMilliseconds : Number.POSITIVE_INFINITY;
    yield { startMs, endMs, offsetMs: at.offsetNanoseconds / 1e6 };
    startMs = endMs;
    at = next;
  }
}

/** The span last asked about of each zone: what is asked next is nearly always in it. */
const lastSpans = new Map<string, OffsetSpan>();

/** Local time less UTC at an instant. */
export function offsetMsAt(timeZone: string, ms: number): number {
  const last = lastSpans.get(timeZone);
  if (last && last.startMs <= ms && ms < last.endMs) return last.offsetMs;
  const at = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const endMs = at.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
  const span = { startMs: ms, endMs, offsetMs: at.offsetNanoseconds / 1e6 };
  lastSpans.set(timeZone, span);
  return span.offsetMs;
}

/** The first instant after `ms` at which a zone's offset changes; null for never. */
export function nextTransitionMs(timeZone: string, ms: number): number | null {
  const at = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  return at.getTimeZoneTransition('next')?.epochMilliseconds ?? null;
}

/** Instants in (fromMs, toMs) at which a bucket begins; ascending, perhaps with repetitions. */
function* bucketStarts(fromMs: number, toMs: number, by: Bucket, timeZone: string): Generator<number> {
  if (by === 'total') return;
  // From a day before, so that a midnight that the clock shows twice counts only the first time.
  const spans = offsetSpans(timeZone, fromMs - DAY_MS);
  const starts = by === 'hour' ? hourStarts(spans, fromMs, toMs) : dateStarts(spans, fromMs, toMs, by);
  for (const startMs of starts) {
    if (startMs >= toMs) return;
    if (startMs > fromMs) yield startMs;
  }
}

/** An hour begins whenever the local clock shows a full hour: a repeated hour is two buckets, a skipped one none. */
function* hourStarts(spans: Generator<OffsetSpan>, fromMs: number, toMs: number): Generator<number> {
  for (const span of spans) {
    const startMs = Math.max(span.startMs, fromMs);
    const endMs = Math.min(span.endMs, toMs);
    let hourMs = Math.ceil((startMs + span.offsetMs) / HOUR_MS) * HOUR_MS - span.offsetMs;
    for (; hourMs < endMs; hourMs += HOUR_MS) yield hourMs;
    if (span.endMs >= toMs) return;
  }
}

type DateBucket = Exclude<Bucket, 'hour' | 'total'>;

/** A date begins at the first instant at which the local clock shows it or a later one (Temporal's startOfDay). */
function* dateStarts(spans: Generator<OffsetSpan>, fromMs: number, toMs: number, by: DateBucket): Generator<number> {
  let span = spans.next().value as OffsetSpan;
  let localMs = dateFloor(fromMs - DAY_MS + span.offsetMs, by);
  for (;;) {
    let startMs = Math.max(localMs - span.offsetMs, span.startMs);
    while (startMs >= span.endMs) {
      span = spans.next().value as OffsetSpan;
      startMs = Math.max(localMs - span.offsetMs, span.startMs);
    }
    yield startMs;
    if (startMs >= toMs) return;
    localMs = dateNext(localMs, by);
  }
}

const DAYS: Record<'day' | 'week', number> = { day: 1, week: 7 };
/** Length in months, and the month (0 = January) that a period begins with. */
const MONTHS: Record<Exclude<DateBucket, 'day' | 'week'>, { count: number; first: number }> = {
  month: { count: 1, first: 0 },
  quarter: { count: 3, first: 0 },
  year: { count: 12, first: 0 },
  'transfer-year': { count: 12, first: 10 },
};

/** Local times are written as if they were UTC. Day 4 of the epoch, 5 January 1970, was a Monday. */
function dateFloor(localMs: number, by: DateBucket): number {
  if (by === 'day' || by === 'week') {
    const lengthMs = DAYS[by] * DAY_MS;
    const originMs = by === 'week' ? 4 * DAY_MS : 0;
    return Math.floor((localMs - originMs) / lengthMs) * lengthMs + originMs;
  }
  const { count, first } = MONTHS[by];
  return monthStart(Math.floor((monthOf(localMs) - first) / count) * count + first);
}

function dateNext(localMs: number, by: DateBucket): number {
  if (by === 'day' || by === 'week') return localMs + DAYS[by] * DAY_MS;
  return monthStart(monthOf(localMs) + MONTHS[by].count);
}

/** Months since January of the year 0. */
function monthOf(localMs: number): number {
  const date = new Date(localMs);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function monthStart(month: number): number {
  return Date.UTC(Math.floor(month / 12), month - Math.floor(month / 12) * 12, 1);
}

/** Start of the first UTC hour that is still open at `clockMs`. */
export function openFromMs(clockMs: number, allowedLatenessMs: number): number {
  return floorHour(clockMs - allowedLatenessMs);
}
