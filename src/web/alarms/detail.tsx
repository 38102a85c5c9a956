/** One alarm: what it is, what can be done, what happened to it, and what became of every notice. */
import type { Alarm } from '../api-types.ts';
import { type Answer, ask } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { useResource } from '../core/resource.ts';
import { hrefOf } from '../core/route.ts';
import { isPlatform, stations } from '../core/watch.ts';
import { NUMERALS } from '../core/water.ts';
import { WORDS, type Word } from '../core/words.ts';
import { sign } from '../overview/alarms-panel.tsx';
import { parameterName, stationName } from '../station/names.ts';
import { SeverityMark, StateMark, stateWord } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Loading, Shown, Trouble } from '../ui/states.tsx';
import { AlarmActions } from './actions.tsx';

type Timeline = Answer<'GET /alarms/{id}/timeline'>;

/** @param round changes when something may have happened to it. */
export function AlarmDetail({ id, round, changed }: { id: string; round: number; changed: () => void }) {
  const alarm = useResource(`${id} ${round}`, (signal) => ask('GET /alarms/{id}', { path: { id }, signal }));
  const timeline = useResource(`${id} ${round}`, (signal) =>
    ask('GET /alarms/{id}/timeline', { path: { id }, signal }),
  );
  if (alarm.failure) return <Trouble failure={alarm.failure} retry={alarm.reload} />;
  if (!alarm.data || alarm.data.id !== id) return <Loading lines={8} />;
  return (
    <Sheet
      title={stationName(alarm.data.station, stations.value)}
      name="alarm-detail"
      note={parameterName(alarm.data.parameter)}
      tools={
        <a href={`${hrefOf('alarms')}${location.search}`} aria-label={t('close')} class="close">
          ✕
        </a>
      }
    >
      <p class="alarm-head">
        <SeverityMark of={alarm.data.severity} /> <StateMark alarm={alarm.data} nowMs={nowMs.value} />
      </p>
      <Facts alarm={alarm.data} />
      <AlarmActions alarms={[alarm.data]} done={changed} />
      <h3>{t('timeline')}</h3>
      <Shown of={timeline} lines={3}>
        {(found) => <TimelineList found={found} />}
      </Shown>
    </Sheet>
  );
}

function Facts({ alarm }: { alarm: Alarm }) {
  const limit =
    alarm.limit === null
      ? null
      : `${alarm.op === null ? '' : sign(alarm.op)} ${format.withUnit(alarm.limit, alarm.unit)}`;
  const facts: [Word, string | null][] = [
    ['value', alarm.value === null ? null : format.withUnit(alarm.value, alarm.unit)],
    ['limit', limit],
    ['class', alarm.class && NUMERALS[alarm.class]],
    ['target', alarm.target && NUMERALS[alarm.target]],
    ['multiple', alarm.multiple === null ? null : format.value(alarm.multiple)],
    ['breachStart', format.second(alarm.breachStart)],
    ['raisedAt', format.second(alarm.raisedAt)],
    ['detectedAt', format.second(alarm.detectedAt)],
    [
      'acknowledgedBy',
      alarm.acknowledgedBy === null ? null : `${alarm.acknowledgedBy}, ${format.second(alarm.acknowledgedAt!)}`,
    ],
    ['clearedAt', alarm.clearedAt && format.second(alarm.clearedAt)],
    ['shelvedUntil', alarm.shelvedUntil && format.second(alarm.shelvedUntil)],
    ['occurrences', alarm.occurrences > 1 ? format.whole(alarm.occurrences) : null],
    ['rule', alarm.rule],
  ];
  const around = {
    p: alarm.parameter,
    from: undefined,
    range: 'P1D',
  };
  return (
    <>
      <dl class="facts">
        {facts
          .filter(([, fact]) => fact !== null)
          .map(([word, fact]) => (
            <div key={word}>
              <dt>{t(word)}</dt>
              <dd>{fact}</dd>
            </div>
          ))}
      </dl>
      {alarm.detail !== null && (
        <p class="alarm-text" lang="en">
          {alarm.detail}
        </p>
      )}
      {!isPlatform(alarm) && (
        <p class="alarm-link">
          <a href={hrefOf('stations', alarm.station, around)}>{t('seeTrend')}</a>
        </p>
      )}
    </>
  );
}

/** A word for each event; what a newer service tells is shown by its name. */
function eventWord(event: string): string {
  const word = `event-${event}`;
  return word in WORDS ? t(word as Word) : event;
}

function TimelineList({ found }: { found: Timeline }) {
  return (
    <>
      <ol class="timeline">
        {found.transitions.map((one, index) => (
          <li key={index}>
            <time dateTime={one.at}>{format.second(one.at)}</time>
            <div>
              <b>{eventWord(one.event)}</b>
              {one.from !== null && one.from !== one.to && ` ${stateWord(one.from)} → ${stateWord(one.to)}`}
              {one.actor !== undefined && ` · ${one.actor}`}
              {/* Causes are the service's words, comments an operator's: text, whatever it looks like. */}
              {one.cause !== '' && <p class="cause">{one.cause}</p>}
            </div>
          </li>
        ))}
      </ol>
      <h3>{t('notices')}</h3>
      {found.notices.length === 0 ? <p class="hint">{t('noNotices')}</p> : <Notices notices={found.notices} />}
    </>
  );
}

const OUTCOME_WORDS: Record<string, Word> = {
  sent: 'outcomeSent',
  'failed-for-now': 'outcomeRetried',
  'failed-for-good': 'outcomeFailed',
};

function Notices({ notices }: { notices: Timeline['notices'] }) {
  return (
    <ul class="notices">
      {notices.map((notice) => (
        <li key={notice.id}>
          <b>{notice.channel}</b> · {eventWord(notice.event)} · {format.second(notice.createdAt)}
          <ul>
            {notice.attempts.length === 0 && <li>{t('noticePending')}</li>}
            {notice.attempts.map((attempt) => (
              <li key={attempt.at} class={`is-${attempt.outcome}`}>
                {format.clock(attempt.at)} · {t(OUTCOME_WORDS[attempt.outcome] ?? 'outcomeRetried')} ·{' '}
                <code>{attempt.status}</code>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}
