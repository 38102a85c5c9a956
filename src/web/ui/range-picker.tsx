/** Chooses the stretch of time: a length up to now, two dates, or steps from where one is. */
import { t } from '../core/language.ts';
import { serviceNowMs } from '../core/now.ts';
import { setQuery } from '../core/route.ts';
import type { Word } from '../core/words.ts';
import { dateOf, dayAfter } from '../core/zone.ts';
import { fixedQuery, LENGTHS, type Length, moved, type Range } from '../station/range.ts';
import { Choice } from './choice.tsx';
import { Dates } from './dates.tsx';

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
  return (
    <div class="range-picker">
      <Choice
        label={t('range')}
        value={range.length}
        choose={(length) => setQuery({ range: length, from: undefined, to: undefined })}
        options={LENGTHS.map((length) => ({ value: length, label: t(LENGTH_WORDS[length]) }))}
      />
      <Dates
        first={dateOf(range.fromMs)}
        last={dateOf(range.toMs - 1)}
        choose={(from, last) => setQuery({ from, to: dayAfter(last), range: undefined })}
      />
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
