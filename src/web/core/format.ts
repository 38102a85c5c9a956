/** Numbers, units, dates and durations in the reader's way, in the installation's zone. */
import { language, t } from './language.ts';
import { DAY_MS, HOUR_MS, ZONE } from './zone.ts';

const locale = (): string => (language.value === 'zh' ? 'zh-CN' : 'en-GB');

const numberFormats = new Map<string, Intl.NumberFormat>();
const dateFormats = new Map<string, Intl.DateTimeFormat>();

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = locale() + JSON.stringify(options);
  const known = numberFormats.get(key) ?? new Intl.NumberFormat(locale(), options);
  numberFormats.set(key, known);
  return known;
}

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale() + JSON.stringify(options);
  const known = dateFormats.get(key) ?? new Intl.DateTimeFormat(locale(), { timeZone: ZONE, ...options });
  dateFormats.set(key, known);
  return known;
}

const NOTHING = '–';

/** A measured value: up to four significant digits, whole numbers as they are. */
export function value(number: number | null | undefined): string {
  if (number === null || number === undefined) return NOTHING;
  const options =
    Math.abs(number) >= 1000
      ? { maximumFractionDigits: Math.abs(number) < 1e6 ? 1 : 0 }
      : { maximumSignificantDigits: 4 };
  return numbers(options).format(number);
}

const DIGITS_MAX = 9;

/** A label on an axis: as many digits as tell it from its neighbours, which are `step` apart. */
export function tick(number: number, step: number): string {
  let digits = 0;
  while (digits < DIGITS_MAX && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits += 1;
  return numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(number);
}

export const whole = (number: number): string => numbers({ maximumFractionDigits: 0 }).format(number);

export const share = (ratio: number, digits = 0): string =>
  numbers({ style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits }).format(ratio);

/** Cubic metres to the litre, as the service keeps them. */
export const litres = (cubicMetres: number): string => numbers({ minimumFractionDigits: 3 }).format(cubicMetres);

const VOLUME_UNITS = {
  zh: [
    { from: 1e8, scale: 1e8, unit: '亿 m³' },
    { from: 0, scale: 1e4, unit: '万 m³' },
  ],
  en: [
    { from: 1e9, scale: 1e9, unit: 'bn m³' },
    { from: 0, scale: 1e6, unit: 'M m³' },
  ],
};
const volumeUnit = (like: number) => VOLUME_UNITS[language.value].find(({ from }) => Math.abs(like) >= from)!;

/**
 * Volumes for the eye: 万 m³ and 亿 m³ in Chinese, million m³ and billion m³ in English.
 * @param like a volume of the size that its column has, so that all of it has one unit.
 */
export function volume(cubicMetres: number, like = cubicMetres): { number: string; unit: string } {
  const { scale, unit } = volumeUnit(like);
  return { number: numbers({ minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(cubicMetres / scale), unit };
}

/** Labels of an axis of volumes, all in the unit of its greatest. */
export function volumeTicks(cubicMetres: readonly number[]): string[] {
  const { scale, unit } = volumeUnit(cubicMetres.at(-1) ?? 0);
  const step = ((cubicMetres[1] ?? 0) - (cubicMetres[0] ?? 0)) / scale;
  return cubicMetres.map((one) => `${tick(one / scale, step)} ${unit}`);
}

/** What plans are written in: 亿 m³, or million m³. */
export const planUnit = (): { scale: number; unit: string } =>
  language.value === 'zh' ? VOLUME_UNITS.zh[0]! : VOLUME_UNITS.en[1]!;

/** A difference of volumes or hours, with its sign. */
export const signed = (difference: number): string =>
  numbers({ minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: 'exceptZero' }).format(difference);

export function volumeText(cubicMetres: number, like = cubicMetres): string {
  const { number, unit } = volume(cubicMetres, like);
  return `${number} ${unit}`;
}

const UNITS: Record<string, string> = { '1': '', degC: '°C', pH: '', m3: 'm³', 'm3/s': 'm³/s' };
export const unit = (name: string): string => UNITS[name] ?? name;

/** What a reading says: `<0.02` where the instrument could only tell that it is less. */
export const measured = (number: number | null | undefined, censored: '<' | '>' | undefined): string =>
  number === null || number === undefined ? NOTHING : `${censored ?? ''}${value(number)}`;

export const withUnit = (number: number | null | undefined, name: string, censored?: '<' | '>' | undefined): string =>
  number === null || number === undefined ? NOTHING : `${measured(number, censored)} ${unit(name)}`.trim();

const toMs = (time: string | number): number => (typeof time === 'number' ? time : Date.parse(time));

export const day = (time: string | number): string =>
  dates({ year: 'numeric', month: '2-digit', day: '2-digit' }).format(toMs(time));
export const dayOfMonth = (time: string | number): string =>
  dates({ month: '2-digit', day: '2-digit' }).format(toMs(time));
export const month = (time: string | number): string => dates({ year: 'numeric', month: 'short' }).format(toMs(time));
export const minute = (time: string | number): string =>
  dates({
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(toMs(time));
export const clock = (time: string | number): string =>
  dates({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).format(toMs(time));
export const second = (time: string | number): string => `${day(time)} ${clock(time)}`;

/** The zone as it is called at an instant: `Asia/Shanghai, GMT+8`. */
export function zone(timeMs: number): string {
  const offset = dates({ timeZoneName: 'shortOffset' })
    .formatToParts(timeMs)
    .find(({ type }) => type === 'timeZoneName')?.value;
  return `${ZONE}${offset === undefined || offset === ZONE ? '' : ` ${offset.replace('GMT', 'UTC')}`}`;
}

/** How long something has lasted: its largest unit. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return t('seconds', { n: seconds });
  if (ms < HOUR_MS) return t('minutes', { n: Math.floor(seconds / 60) });
  if (ms < 2 * DAY_MS) return t('hours', { n: Math.floor(ms / HOUR_MS) });
  return t('days', { n: Math.floor(ms / DAY_MS) });
}

export const ago = (time: string | number, nowMs: number): string => {
  const ms = nowMs - toMs(time);
  return ms < 5000 ? t('justNow') : t('ago', { time: lasting(ms) });
};
