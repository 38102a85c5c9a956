/** Numbers and times as packed BCD, which SL 651 and SZY 206 have in common but for the order of bytes. */

/** Whether all bytes from `from` to before `to` are this one; false of none. */
export function isAll(bytes: Uint8Array, value: number, from = 0, to: number = bytes.length): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== value) return false;
  return to > from;
}

/**
 * The decimal number of packed BCD from `from` to before `to`, correctly rounded to a double.
 * @param mask of the most significant byte, for what of it is digits
 * @param step −1: the least significant byte stands first (SZY 206)
 * @returns null where a half-byte is no digit.
 */
export function decimalIn(
  bytes: Uint8Array,
  decimals: number,
  {
    from = 0,
    to = bytes.length,
    mask = 0xff,
    step = 1,
  }: { from?: number; to?: number; mask?: number; step?: 1 | -1 } = {},
): number | null {
  let number = 0;
  const first = step > 0 ? from : to - 1;
  for (let at = first; at >= from && at < to; at += step) {
    const byte = at === first ? bytes[at]! & mask : bytes[at]!;
    const high = byte >> 4;
    const low = byte & 0x0f;
    if (high > 9 || low > 9) return null;
    number = number * 100 + high * 10 + low;
  }
  // Both are exact up to 2^53, so that their quotient is the nearest double; longer ones go through text.
  if (number <= Number.MAX_SAFE_INTEGER) return number / POWERS[decimals]!;
  const digits = Uint8Array.from(bytes.subarray(from, to));
  if (step < 0) digits.reverse();
  digits[0]! &= mask;
  return Number(`${Buffer.from(digits).toString('hex')}e-${decimals}`);
}

const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7];

/** Two digits of one byte; NaN where it holds none. */
export function twoDigits(byte: number | undefined): number {
  if (byte === undefined || byte >> 4 > 9 || (byte & 0x0f) > 9) return Number.NaN;
  return (byte >> 4) * 10 + (byte & 0x0f);
}

/** 0 to 99 as one byte. */
export function bcdByte(number: number): number {
  return (Math.floor(number / 10) << 4) | (number % 10);
}

/** China has had one zone without summer time since 1992, long before these protocols. */
const BEIJING_OFFSET_MS = 8 * 3_600_000;

/** @returns epoch ms of a time of Beijing of the years 2000 to 2099; null where there is no such one. */
export function beijingMs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second = 0,
): number | null {
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return null;
  // 2000 to 2099 have no exception from every fourth year.
  const days = month === 2 && year % 4 === 0 ? 29 : MONTH_DAYS[month - 1];
  if (days === undefined || !(day >= 1 && day <= days && year >= 0)) return null;
  return Date.UTC(2000 + year, month - 1, day, hour, minute, second) - BEIJING_OFFSET_MS;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0').toUpperCase());

/** Two upper-case hex digits a byte. */
export function hexIn(bytes: Uint8Array, from = 0, to: number = bytes.length): string {
  let text = '';
  for (let at = from; at < to; at++) text += HEX[bytes[at]!];
  return text;
}

/** `[YY, MM, DD, HH, mm, SS]` of Beijing, of an instant. */
export function beijingParts(ms: number): [number, number, number, number, number, number] {
  const date = new Date(ms + BEIJING_OFFSET_MS);
  return [
    date.getUTCFullYear() % 100,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ];
}
