/** The worst that an alarm was, in words: `1.25 mg/L · Ⅳ`; null where nothing was measured. */
import type { Alarm } from '../api-types.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { NUMERALS } from '../core/water.ts';

export function worstText({ worst, unit, severity }: Alarm): string | null {
  if (worst === null) return null;
  const parts = [
    worst.value === null ? null : format.withUnit(worst.value, unit, worst.censored),
    worst.class === null ? null : NUMERALS[worst.class],
    worst.severity === severity ? null : t(worst.severity),
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(' · ');
}
