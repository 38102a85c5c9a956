/** The first and the last day of a stretch of time, in the installation's zone, which is named. */
import { t } from '../core/language.ts';
import { ZONE } from '../core/zone.ts';

export function Dates({
  first,
  last,
  choose,
}: {
  first: string;
  last: string;
  /** Only when both are days, in order. */
  choose: (first: string, last: string) => void;
}) {
  const offer = (from: string, to: string) => {
    if (from !== '' && to !== '' && from <= to) choose(from, to);
  };
  return (
    <span class="range-dates">
      <label>
        <span class="unseen">{t('fromDay')}</span>
        <input type="date" value={first} onChange={(event) => offer(event.currentTarget.value, last)} />
      </label>
      <span aria-hidden="true">–</span>
      <label>
        <span class="unseen">{t('toDay')}</span>
        <input type="date" value={last} onChange={(event) => offer(first, event.currentTarget.value)} />
      </label>
      <span class="range-zone">{ZONE}</span>
    </span>
  );
}
