/** Readings that are doubted, newest first, and why: what each test of the service says of one, when it is asked for. */
import { useState } from 'preact/hooks';
import { type Answer, ask } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { WORDS, type Word } from '../core/words.ts';
import { FlagMark, flagWord } from '../ui/marks.tsx';
import { More } from '../ui/more.tsx';
import { Shown } from '../ui/states.tsx';
import type { Point, Series } from './series.ts';
import { isDoubtful } from './trend-data.ts';

const SHOWN_STEP = 20;

export function Doubts({ series }: { series: Series }) {
  const [most, setMost] = useState(SHOWN_STEP);
  const doubtful = series.points.filter(isDoubtful).reverse();
  if (doubtful.length === 0) return null;
  return (
    <details class="doubts">
      <summary>{t('doubtsAndWhy', { n: doubtful.length })}</summary>
      <ul>
        {doubtful.slice(0, most).map((point) => (
          <Doubt key={point.timeMs} series={series} point={point} />
        ))}
      </ul>
      {doubtful.length > most && <More show={() => setMost(most + SHOWN_STEP)} />}
    </details>
  );
}

function Doubt({ series: { station, parameter, unit }, point }: { series: Series; point: Point }) {
  const [isAsked, setAsked] = useState(false);
  const time = new Date(point.timeMs).toISOString();
  const explained = useResource(isAsked ? time : null, (signal) =>
    ask('GET /series/{station}/{parameter}/quality', { path: { station, parameter }, query: { time }, signal }),
  );
  return (
    <li>
      <time dateTime={time}>{format.second(point.timeMs)}</time>{' '}
      <b>{format.withUnit(point.value, unit, point.censored)}</b>{' '}
      <FlagMark flag={point.flag ?? 2} deviceFlag={point.deviceFlag} />{' '}
      {isAsked ? (
        <Shown of={explained} lines={1}>
          {(found) => <Tests found={found} />}
        </Shown>
      ) : (
        <button
          type="button"
          class="quiet"
          aria-label={t('whyAt', { time: format.second(point.timeMs) })}
          onClick={() => setAsked(true)}
        >
          {t('why')}
        </button>
      )}
    </li>
  );
}

/** A word for each test; one that a newer service makes is shown by its name. */
function testWord(test: string): string {
  const word = `test-${test}`;
  return word in WORDS ? t(word as Word) : test;
}

function Tests({ found }: { found: Answer<'GET /series/{station}/{parameter}/quality'> }) {
  const failed = Object.entries(found.tests).filter(([, flag]) => flag === 3 || flag === 4);
  const passed = Object.entries(found.tests).filter(([, flag]) => flag === 1);
  return (
    <ul class="tests">
      {failed.map(([test, flag]) => (
        <li key={test}>
          <FlagMark flag={flag} />{' '}
          {test === 'device' && found.letter === 'unexplained' ? t('letterUnexplained') : testWord(test)}
        </li>
      ))}
      {found.engineer !== null && <li>{t('flaggedByEngineer', { flag: flagWord(found.engineer) })}</li>}
      {passed.length > 0 && (
        <li class="quiet-text">{t('testsPassed', { tests: passed.map(([test]) => testWord(test)).join(', ') })}</li>
      )}
    </ul>
  );
}
