/** The zone in which this installation keeps its days, and calendar arithmetic in it. */

/** Handed over by the service in the page itself. */
export const ZONE = document.querySelector<HTMLMetaElement>('meta[name="time-zone"]')?.content ?? 'UTC';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

const parts = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

export function localTime(timeMs: number): LocalTime {
  const found = Object.fromEntries(parts.formatToParts(timeMs).map(({ type, value }) => [type, Number(value)]));
  return { year: found.year!, month: found.month!, day: found.day!, hour: found.hour!, minute: found.minute! };
}

const two = (value: number): string => String(value).padStart(2, '0');

/** The date in the zone, `2026-11-22`: the service takes it as that day's midnight. */
export function dateOf(timeMs: number): string {
  const { year, month, day } = localTime(timeMs);
  return `${year}-${two(month)}-${two(day)}`;
}

/** `2026-11-22T08:00` in the zone, as inputs of the type datetime-local want it. */
export function wallTimeOf(timeMs: number): string {
  const { hour, minute } = localTime(timeMs);
  return `${dateOf(timeMs)}T${two(hour)}:${two(minute)}`;
}

/** The instant at which clocks of the zone show this (a date, a minute or a second); of two (end of summer time) the later. */
export function instantOf(wallTime: string): number {
  const [minute, second] = [wallTime.slice(0, 16), wallTime.slice(17) || '0'];
  const asUtcMs = Date.parse(`${minute.length === 10 ? `${minute}T00:00` : minute}:00Z`);
  let timeMs = asUtcMs;
  // The offset there is found by looking at what the clocks show; twice, since it may change in between.
  for (let round = 0; round < 2; round++) {
    const shown = Date.parse(`${wallTimeOf(timeMs)}:00Z`);
    timeMs += asUtcMs - shown;
  }
  return timeMs + Number(second) * 1000;
}

/** Days of the zone have 23 to 25 hours. */
export const dayAfter = (date: string): string => dateOf(instantOf(date) + DAY_MS + DAY_MS / 12);
export const dayBefore = (date: string): string => dateOf(instantOf(date) - DAY_MS / 2);

/** The first day of a transfer year: 1 November. */
const TRANSFER_MONTH = 11;

/** The calendar year in which the transfer year around this instant began. */
export function transferYearOf(timeMs: number): number {
  const { year, month } = localTime(timeMs);
  return month >= TRANSFER_MONTH ? year : year - 1;
}

export const transferYearStart = (startYear: number): string => `${startYear}-${TRANSFER_MONTH}-01`;

/** The days on which the twelve months of a transfer year are over, November first. */
export const monthEndsOf = (startYear: number): string[] =>
  Array.from({ length: 12 }, (_, month) =>
    new Date(Date.UTC(startYear, TRANSFER_MONTH + month, 1)).toISOString().slice(0, 10),
  );

/** As the service and the plans call a transfer year: `2026-27`. */
export const transferYearName = (startYear: number): string =>
  `${startYear}-${String((startYear + 1) % 100).padStart(2, '0')}`;
