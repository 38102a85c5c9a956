/** How heavy alarms weigh on whoever has to answer them, in words. */
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';

/** Alarms in ten minutes, on average: EEMUA 191 calls up to one acceptable, more than ten more than one person can manage. */
const ACCEPTABLE_MAX = 1;
const MANAGEABLE_MAX = 10;

export function rateWord(per10Min: number): string {
  if (per10Min <= ACCEPTABLE_MAX) return t('rateAcceptable');
  return t(per10Min <= MANAGEABLE_MAX ? 'rateBusy' : 'rateFlood');
}

/** A mean over days of silence is small: three places tell it from none. */
export const rateText = (per10Min: number): string => format.value(Number(per10Min.toFixed(3)));

export const minutesText = (minutes: number): string =>
  t('minutesShort', { n: format.value(Number(minutes.toFixed(minutes < 10 ? 1 : 0))) });
