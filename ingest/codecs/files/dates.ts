/**
 * Local dates and times as loggers, spreadsheets and agencies write them. Which number is the day and which the month is
 * found out from the rows; where two orders fit equally well, the user is asked.
 */
import { FileUndecided, shown, type Text } from './file-problem.ts';

export const DATE_ORDERS = ['ymd', 'mdy', 'dmy'] as const;
export type DateOrder = (typeof DATE_ORDERS)[number];

/** A time as written: as if it were UTC, with the offset that it states, if any. */
export interface Written {
  localMs: number;
  offsetMs: number | null;
}

const DATE = /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?!\d)/;
const CHINESE_DATE = /^(\d{4})年(\d{1,2})月(\d{1,2})日?/;
const CLOCK =
  /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?|[时点](?:(\d{1,2})分?)?)\s*(AM|PM|a\.m\.|p\.m\.)?$/i;
const OFFSET = /(Z|[+-]\d{2}:?\d{2})$/i;
const CHINESE_HALF = /^(上午|下午)\s*/;

/** Numbers in the order of a date as written, its separator, and what follows the date. */
function dateParts(text: string): { numbers: [string, string, string]; mark: string; rest: string } | null {
  const chinese = CHINESE_DATE.exec(text);
  if (chinese) {
    return { numbers: [chinese[1]!, chinese[2]!, chinese[3]!], mark: '年', rest: text.slice(chinese[0].length) };
  }
  const date = DATE.exec(text);
  if (!date) return null;
  return { numbers: [date[1]!, date[3]!, date[4]!], mark: date[2]!, rest: text.slice(date[0].length) };
}

/** Orders in which this date could be written, whatever its numbers are. */
function ordersOf(numbers: readonly string[], mark: string): readonly DateOrder[] {
  if (mark === '年' || numbers[0]!.length === 4) return ['ymd'];
  if (numbers[2]!.length === 4) return mark === '.' ? ['dmy'] : ['mdy', 'dmy'];
  if (numbers[0]!.length > 2 || numbers[2]!.length > 2) return [];
  return mark === '.' ? ['dmy', 'ymd'] : DATE_ORDERS;
}

const no = (text: string): Text => ({ zh: `“${shown(text)}”不是时间`, en: `"${shown(text)}" is no time` });
const never = (text: string): Text => ({
  zh: `“${shown(text)}”不是存在的时间`,
  en: `"${shown(text)}" is no time that exists`,
});

/** @returns the time, or why `text` (a date, with or without a time of day) is none. */
export function writtenTime(text: string, order: DateOrder): Written | Text {
  const parts = dateParts(text);
  if (parts === null || !ordersOf(parts.numbers, parts.mark).includes(order)) return no(text);
  const [a, b, c] = parts.numbers;
  const [year, month, day] =
    order === 'ymd'
      ? [fullYear(a), Number(b), Number(c)]
      : order === 'mdy'
        ? [fullYear(c), Number(a), Number(b)]
        : [fullYear(c), Number(b), Number(a)];
  const own = OFFSET.exec(parts.rest);
  const clock = clockMs((own ? parts.rest.slice(0, own.index) : parts.rest).replace(/^T/i, ' ').trim());
  if (clock === null) return no(text);
  const dayMs = Date.UTC(year, month - 1, day);
  // Date.UTC carries 31 April over into May; a date that doesn't come back as it went in doesn't exist.
  const back = new Date(dayMs);
  if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || clock === 'never') return never(text);
  return { localMs: dayMs + clock, offsetMs: own ? offsetMsOf(own[1]!) : null };
}

/** Two digits are of this century unless that would be far in the future. */
function fullYear(digits: string): number {
  const year = Number(digits);
  return digits.length > 2 ? year : year + (year < 70 ? 2000 : 1900);
}

/** Milliseconds of a time of day; an empty one is midnight. `never` = a time of day that no clock shows. */
function clockMs(text: string): number | 'never' | null {
  if (text === '') return 0;
  const half = CHINESE_HALF.exec(text);
  const found = CLOCK.exec(half ? text.slice(half[0].length) : text);
  if (!found) return null;
  const [hour, minute, second] = [Number(found[1]), Number(found[2] ?? found[5] ?? 0), Number(found[3] ?? 0)];
  const afternoon = half ? half[1] === '下午' : found[6] ? /^p/i.test(found[6]) : null;
  if (minute > 59 || second > 59 || hour > 23) return 'never';
  if (afternoon !== null && (hour < 1 || hour > 12)) return 'never';
  const hours = afternoon === null ? hour : (hour % 12) + (afternoon ? 12 : 0);
  const millisecond = Number((found[4] ?? '').padEnd(3, '0').slice(0, 3));
  return ((hours * 60 + minute) * 60 + second) * 1000 + millisecond;
}

/** Whether a text is a time of day alone, a date alone, both, or neither. */
export function timeKind(text: string): 'clock' | 'date' | 'both' | null {
  const parts = dateParts(text);
  if (parts === null) return text !== '' && clockMs(text) !== null ? 'clock' : null;
  return parts.rest.trim() === '' ? 'date' : 'both';
}

export function offsetMsOf(text: string): number {
  if (/^z$/i.test(text)) return 0;
  const digits = text.slice(1).replace(':', '');
  return (text.startsWith('-') ? -1 : 1) * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
}

/**
 * The order in which these times are written. An order in which one of them doesn't exist is out; of what is left that
 * one counts whose steps leap least, if it is one (in the wrong order days become months, and the steps leap).
 * @throws FileUndecided `dates` when two fit equally well.
 */
export function dateOrderOf(samples: readonly string[]): DateOrder {
  const fits = DATE_ORDERS.map((order) => ({ order, leaps: leapsOf(samples, order) })).filter(
    (fit): fit is { order: DateOrder; leaps: number } => fit.leaps !== null,
  );
  const least = Math.min(...fits.map(({ leaps }) => leaps));
  const best = fits.filter(({ leaps }) => leaps === least);
  // Nothing fits: every row will say so itself.
  if (best.length === 0) return 'ymd';
  if (best.length === 1) return best[0]!.order;
  const example = shown(samples[0]!);
  const choices = best.map(({ order }) => order);
  throw new FileUndecided(
    'dates',
    {
      zh: `日期“${example}”有多种读法（${choices.join('、')}），行的先后也无法区分；请用 dates 说明。`,
      en: `Dates such as "${example}" can be read as ${choices.join(' or ')}, and the rows fit all equally: say with \`dates\` which it is.`,
    },
    choices,
  );
}

/** Steps backwards or beyond three times the usual one; null when too many of the times aren't any in this order. */
function leapsOf(samples: readonly string[], order: DateOrder): number | null {
  const isOrder = (text: string) => {
    const parts = dateParts(text);
    return parts !== null && ordersOf(parts.numbers, parts.mark).includes(order);
  };
  const dated = samples.filter((text) => dateParts(text) !== null);
  const times: number[] = [];
  for (const text of dated) {
    const written = isOrder(text) ? writtenTime(text, order) : null;
    if (written !== null && 'localMs' in written) times.push(written.localMs);
  }
  // One bad row among many mustn't decide.
  if (times.length === 0 || times.length < dated.length * 0.95) return null;
  const steps = times.slice(1).map((time, index) => time - times[index]!);
  const forward = steps.filter((step) => step > 0).toSorted((a, b) => a - b);
  const usual = forward[Math.floor((forward.length - 1) / 2)] ?? 0;
  return steps.filter((step) => step < 0 || step > 3 * usual).length;
}
