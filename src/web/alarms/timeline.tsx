/** What happened to an alarm, old and new values told apart, and what became of every notice about it. */
import type { Notice } from '../api-types.ts';
import type { Answer } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { NUMERALS } from '../core/water.ts';
import { WORDS, type Word } from '../core/words.ts';
import { severityWord, stateWord } from '../ui/marks.tsx';

type Timeline = Answer<'GET /alarms/{id}/timeline'>;
type Transition = Timeline['transitions'][number];
type Changed = NonNullable<Transition['changed']>;

export function TimelineList({ found }: { found: Timeline }) {
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
              {one.changed && <Changes changed={one.changed} />}
              {/* Comments are an operator's, other causes the service's words, in English: text, whatever it looks like. */}
              {one.cause !== '' && (
                <p class="cause" lang={one.actor === undefined ? 'en' : undefined}>
                  {one.cause}
                </p>
              )}
              {one.limitVersion && <LimitVersion of={one.limitVersion} />}
            </div>
          </li>
        ))}
      </ol>
      {found.counted && <CountedLines lines={found.counted} />}
      <h3>{t('notices')}</h3>
      {found.notices.length === 0 ? <p class="hint">{t('noNotices')}</p> : <Notices notices={found.notices} />}
    </>
  );
}

/** What an alarm counted that stands for a series which chatters too often. */
function CountedLines({ lines }: { lines: NonNullable<Timeline['counted']> }) {
  return (
    <details>
      <summary>{t('countedLines', { n: lines.length })}</summary>
      <ol class="timeline">
        {lines.map(({ crossing, event, time, severity, value }, index) => (
          <li key={`${crossing}-${index}`}>
            <time dateTime={time}>{format.second(time)}</time>
            <div>
              {eventWord(event)} · {severityWord(severity)} · {format.value(value)}
            </div>
          </li>
        ))}
      </ol>
    </details>
  );
}

/** A word for each event; what a newer service tells is shown by its name. */
function eventWord(event: string): string {
  const word = `event-${event}`;
  return word in WORDS ? t(word as Word) : event;
}

const yesOrNo = (is: boolean): string => t(is ? 'yes' : 'no');

type Value<K extends keyof Changed> = NonNullable<NonNullable<Changed[K]>[number]>;

/** How each member is called and shown. */
const CHANGES: { [K in keyof Changed]-?: { word: Word; text: (value: Value<K>) => string } } = {
  severity: { word: 'severity', text: severityWord },
  value: { word: 'value', text: format.value },
  class: { word: 'class', text: (reached) => NUMERALS[reached] },
  acknowledgedBy: { word: 'acknowledgedBy', text: String },
  shelvedUntil: { word: 'shelvedUntil', text: format.second },
  suppressedBy: { word: 'suppressedBy', text: String },
  latched: { word: 'toBeReset', text: yesOrNo },
  chattering: { word: 'chattering', text: yesOrNo },
};

function Changes({ changed }: { changed: Changed }) {
  return (
    <ul class="changes">
      {(Object.keys(changed) as (keyof Changed)[]).map((name) => {
        const [before, after] = changed[name] ?? [];
        const { word, text } = CHANGES[name];
        const shown = (value: unknown) => (value === null || value === undefined ? '–' : text(value as never));
        return (
          <li key={name}>
            {t(word)} {before !== null && `${shown(before)} → `}
            <b>{shown(after)}</b>
          </li>
        );
      })}
    </ul>
  );
}

function LimitVersion({ of: { rule, standard } }: { of: NonNullable<Transition['limitVersion']> }) {
  const parts = [rule === null ? null : t('ruleVersion', { n: rule }), standard].filter((part) => part !== null);
  return parts.length === 0 ? null : <p class="limit-version">{parts.join(' · ')}</p>;
}

const STATE_WORDS: Record<Notice['state'], Word> = {
  pending: 'noticePending',
  sent: 'outcomeSent',
  failed: 'outcomeFailed',
  held: 'noticeHeld',
  grouped: 'noticeGrouped',
};
const OUTCOME_WORDS: Record<string, Word> = {
  sent: 'outcomeSent',
  'failed-for-now': 'outcomeRetried',
  'failed-for-good': 'outcomeFailed',
};
const noticeAnchor = (id: string): string => `notice-${id}`;

function Notices({ notices }: { notices: readonly Notice[] }) {
  const here = new Set(notices.map(({ id }) => id));
  return (
    <ul class="notices">
      {notices.map((notice) => (
        <li key={notice.id} id={noticeAnchor(notice.id)}>
          <b>{notice.channel}</b> · {eventWord(notice.event)}
          {notice.alarms.length > 1 && ` · ${t('ofAlarms', { n: notice.alarms.length })}`} ·{' '}
          {format.second(notice.createdAt)}
          <ul>
            {notice.attempts.length === 0 && (
              <li>
                {t(STATE_WORDS[notice.state])}
                {notice.summary !== undefined && <OtherNotice id={notice.summary} isHere={here.has(notice.summary)} />}
              </li>
            )}
            {notice.attempts.map((attempt) => (
              <li key={attempt.at} class={`is-${attempt.outcome}`}>
                {format.clock(attempt.at)} · {t(OUTCOME_WORDS[attempt.outcome] ?? 'outcomeRetried')} ·{' '}
                <code>{attempt.status}</code>
              </li>
            ))}
            {notice.fallback !== undefined && (
              <li>
                {t('noticeFallback')}
                <OtherNotice id={notice.fallback} isHere={here.has(notice.fallback)} />
              </li>
            )}
          </ul>
        </li>
      ))}
    </ul>
  );
}

/** The way to the notice that told it instead. */
function OtherNotice({ id, isHere }: { id: string; isHere: boolean }) {
  return isHere ? <a href={`#${noticeAnchor(id)}`}> {t('noticeSee')}</a> : <code> {id}</code>;
}
