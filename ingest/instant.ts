/** Times as gateways send them. Nothing is guessed: no zone, no unit, no missing part (contracts §3). */
import type { Fault } from '#model/faults.ts';
import { shortened } from './codecs/codec.ts';

/** 2000-01-01T00:00:00Z; no gateway of ours is older, and a clock that lost its battery shows 1970. */
const EARLIEST_MS = 946_684_800_000;
/** 1900-01-01T00:00:00Z: what people hand in from archives (`/import`, `/panels`) may be as old as the first gauges. */
export const EARLIEST_HISTORY_MS = -2_208_988_800_000;
/** How far a gateway's clock may run ahead of ours. */
export const AHEAD_MS_MAX = 600_000;

const WITHOUT_OFFSET = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?$/;

/**
 * Epoch milliseconds (whole; finer fractions are cut off) of a time as sent, judged against its arrival.
 * @param earliestMs by default 2000; `EARLIEST_HISTORY_MS` for what comes from archives.
 * @returns the instant, or the fault `time.no-offset`, `time.seconds`, `time.malformed` or `time.impossible`.
 */
export function instantOf(time: unknown, arrivalMs: number, earliestMs = EARLIEST_MS): number | Fault {
  const latestMs = arrivalMs + AHEAD_MS_MAX;
  if (typeof time === 'number') return fromNumber(time, earliestMs, latestMs);
  if (typeof time !== 'string') return fault('time.malformed', 'The time is neither text nor a number.');
  const timeMs = rfc3339Ms(time);
  if (!Number.isNaN(timeMs)) return withinReason(timeMs, earliestMs, latestMs);
  if (WITHOUT_OFFSET.test(time)) {
    return fault('time.no-offset', `"${time}" has no UTC offset; write it as 2026-11-22T08:00:00+08:00.`);
  }
  return fault('time.malformed', `"${shortened(time)}" is not RFC 3339 such as 2026-11-22T08:00:00+08:00.`);
}

function fromNumber(time: number, earliestMs: number, latestMs: number): number | Fault {
  if (!Number.isFinite(time)) return fault('time.malformed', 'The time is not a finite number.');
  const seconds = time * 1000;
  if (time < EARLIEST_MS && seconds >= earliestMs && seconds <= latestMs) {
    // From archives a small number could be either: then it is no less refused, since nothing is guessed.
    return fault('time.seconds', `${time} can only be seconds; send milliseconds.`);
  }
  return withinReason(Math.trunc(time), earliestMs, latestMs);
}

function withinReason(timeMs: number, earliestMs: number, latestMs: number): number | Fault {
  if (timeMs < earliestMs)
    return fault('time.impossible', `The time is before ${new Date(earliestMs).getUTCFullYear()}.`);
  if (timeMs > latestMs) return fault('time.impossible', 'The time is more than 10 minutes ahead of its arrival.');
  return timeMs;
}

function fault(code: Fault['code'], message: string): Fault {
  return { code, message };
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Epoch milliseconds of `date-time` in RFC 3339 §5.6, read by hand because it is done for every sample. `T` and `Z` may
 * be small and `T` a space (its note); a leap second, of which there was none since 2016, is refused. NaN = not one.
 */
function rfc3339Ms(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45 || !'Tt '.includes(text.charAt(10))) return Number.NaN;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return Number.NaN;
  const year = digits(text, 0, 2) * 100 + digits(text, 2, 2);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const inRange = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month) && hour <= 23 && minute <= 59;
  if (!inRange || !(second <= 59) || Number.isNaN(year)) return Number.NaN;
  let at = 19;
  let milliseconds = 0;
  if (text.charCodeAt(at) === 46) {
    const start = ++at;
    for (let digit = digits(text, at, 1); !Number.isNaN(digit); digit = digits(text, ++at, 1)) {
      if (at - start < 3) milliseconds += digit * (at === start ? 100 : at === start + 1 ? 10 : 1);
    }
    if (at === start) return Number.NaN;
  }
  const offsetMinutes = offsetOf(text, at);
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  if (year < 100) return Number.NEGATIVE_INFINITY;
  return Date.UTC(year, month - 1, day, hour, minute, second, milliseconds) - offsetMinutes * 60_000;
}

/** Minutes east of UTC of the offset that ends `text` at `at`; NaN if there is none. */
function offsetOf(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  if ((sign | 0x20) === 122) return text.length === at + 1 ? 0 : Number.NaN;
  if ((sign !== 43 && sign !== 45) || text.length !== at + 6 || text.charCodeAt(at + 3) !== 58) return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  return (sign === 45 ? -1 : 1) * (hours * 60 + minutes);
}

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && isLeap ? 29 : MONTH_DAYS[month - 1]!;
}

/** The number that `count` decimal digits from `at` write; NaN when one of them is none. */
function digits(text: string, at: number, count: number): number {
  let number = 0;
  for (let index = at; index < at + count; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}
