/** What of a figure is unknown, beside it and as large as it: whoever reads the one reads the other. */
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';

/** Empty where everything is known. */
export const unknownText = (hours: number): string =>
  hours > 0 ? t('unknownHours', { n: hours < 0.1 ? '< 0.1' : format.value(Math.round(hours * 10) / 10) }) : '';

export function Unknown({ hours }: { hours: number }) {
  if (hours <= 0) return null;
  return <span class="unknown-part">{unknownText(hours)}</span>;
}
