/** Chooses the stretch of time: a length up to now, two dates, or steps from where one is. */
import { t } from '../core/language.ts';
import { serviceNowMs } from '../core/now.ts';
import { setQuery } from '../core/route.ts';
import type { Word } from '../core/words.ts';
import { DAY_MS, dateOf, instantOf, ZONE } from '../core/zone.ts';
import { fixedQuery, LENGTHS, type Length, moved, type Range } from '../station/range.ts';
import { Choice } from './choice.tsx';

const LENGTH_WORDS: Record<Length, Word> = {
  P1D: 'lengthDay',
  P7D: 'lengthWeek',
  P30D: 'lengthMonth',
  P1Y: 'lengthYear',
};

export function RangePicker({ range }: { range: Range }) {
  const step = (by: number, scale: number) => {
    const next = moved(range, by, scale, serviceNowMs());
    setQuery(fixedQuery(next.fromMs, next.toMs));
  };
  // The last day shown; the range itself ends where the next one begins.
  const lastDay = dateOf(range.toMs - 1);
  const choose = (from: string, last: string) => {
    if (from === '' || last === '' || from > last) return;
    setQuery({ from, to: dateOf(instantOf(last) + DAY_MS + DAY_MS / 12), range: undefined });
  };
  return (
    <div class="range-picker">
      <Choice
        label={t('range')}
        value={range.length}
        choose={(length) => setQuery({ range: length, from: undefined, to: undefined })}
        options={LENGTHS.map((length) => ({ value: length, label: t(LENGTH_WORDS[length]) }))}
      />
      <span class="range-dates">
        <label>
          <span class="unseen">{t('fromDay')}</span>
          <input
            type="date"
            value={dateOf(range.fromMs)}
            onChange={(event) => choose(event.currentTarget.value, lastDay)}
          />
        </label>
        <span aria-hidden="true">–</span>
        <label>
          <span class="unseen">{t('toDay')}</span>
          <input
            type="date"
            value={lastDay}
            onChange={(event) => choose(dateOf(range.fromMs), event.currentTarget.value)}
          />
        </label>
        <span class="range-zone">{ZONE}</span>
      </span>
      <span class="range-steps">
        <button type="button" onClick={() => step(-0.5, 1)} aria-label={t('earlier')} title={t('earlier')}>
          ‹
        </button>
        <button type="button" onClick={() => step(0.5, 1)} aria-label={t('later')} title={t('later')}>
          ›
        </button>
        <button type="button" onClick={() => step(0, 0.5)} aria-label={t('zoomIn')} title={t('zoomIn')}>
          +
        </button>
        <button type="button" onClick={() => step(0, 2)} aria-label={t('zoomOut')} title={t('zoomOut')}>
          −
        </button>
      </span>
    </div>
  );
}
