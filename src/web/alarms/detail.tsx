/** One alarm: what it is and why, what can be done, and what happened to it. */
import type { ComponentChildren } from 'preact';
import type { Alarm } from '../api-types.ts';
import { ask } from '../core/api.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { useResource } from '../core/resource.ts';
import { hrefOf } from '../core/route.ts';
import { isPlatform, stations } from '../core/watch.ts';
import { NUMERALS } from '../core/water.ts';
import type { Word } from '../core/words.ts';
import { sign } from '../overview/alarms-panel.tsx';
import { aboutOf, stationName } from '../station/names.ts';
import { SeverityMark, StateMark } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Loading, Shown, Trouble } from '../ui/states.tsx';
import { AlarmActions } from './actions.tsx';
import { TimelineList } from './timeline.tsx';
import { worstText } from './worst.ts';

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
      note={aboutOf(alarm.data)}
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

function AlarmLink({ id, children }: { id: string; children: ComponentChildren }) {
  return <a href={`${hrefOf('alarms', id)}${location.search}`}>{children}</a>;
}

const MAINTENANCE = 'maintenance/';

/** Why nobody is told: people work there, or it follows from another alarm. */
function Suppressor({ by }: { by: string }) {
  if (by.startsWith(MAINTENANCE)) {
    return <>{t('suppressedByMaintenance', { id: by.slice(MAINTENANCE.length) })}</>;
  }
  return <AlarmLink id={by}>{t('suppressedByAlarm')}</AlarmLink>;
}

function worstFact(alarm: Alarm): string | null {
  const text = worstText(alarm);
  return text === null ? null : `${text}, ${format.second(alarm.worst!.at)}`;
}

function occurrencesText({ folded, occurrences }: Alarm): string | null {
  if (folded) return t('occurrencesFolded', { n: occurrences });
  return occurrences > 1 ? t('occurrencesInHour', { n: occurrences }) : null;
}

function Facts({ alarm }: { alarm: Alarm }) {
  const limit =
    alarm.limit === null
      ? null
      : `${alarm.op === null ? '' : sign(alarm.op)} ${format.withUnit(alarm.limit, alarm.unit)}`;
  const facts: [Word, ComponentChildren][] = [
    ['value', alarm.value === null ? null : format.withUnit(alarm.value, alarm.unit, alarm.censored)],
    ['limit', limit],
    ['class', alarm.class && NUMERALS[alarm.class]],
    ['target', alarm.target && NUMERALS[alarm.target]],
    ['multiple', alarm.multiple === null ? null : format.value(alarm.multiple)],
    ['worst', worstFact(alarm)],
    ['breachStart', format.second(alarm.breachStart)],
    ['raisedAt', format.second(alarm.raisedAt)],
    ['detectedAt', format.second(alarm.detectedAt)],
    [
      'acknowledgedBy',
      alarm.acknowledgedBy === null ? null : `${alarm.acknowledgedBy}, ${format.second(alarm.acknowledgedAt!)}`,
    ],
    ['clearedAt', alarm.clearedAt && format.second(alarm.clearedAt)],
    ['shelvedUntil', alarm.shelvedUntil && format.second(alarm.shelvedUntil)],
    ['occurrences', occurrencesText(alarm)],
    ['firstOut', alarm.firstOut === null ? null : <AlarmLink id={alarm.firstOut}>{t('firstOutSee')}</AlarmLink>],
    ['suppressedBy', alarm.suppressedBy === null ? null : <Suppressor by={alarm.suppressedBy} />],
    ['basis', alarm.basis === 'instantaneous' ? null : t(`basis-${alarm.basis}`)],
    ['condition', alarm.title ? <code>{alarm.parameter}</code> : null],
    ['rule', isPlatform(alarm) ? alarm.rule : <a href={hrefOf('rules', alarm.rule)}>{alarm.rule}</a>],
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
      {alarm.says ? (
        <p class="alarm-text">{nameOf(alarm.says)}</p>
      ) : (
        alarm.detail !== null && (
          <p class="alarm-text" lang="en">
            {alarm.detail}
          </p>
        )
      )}
      {!isPlatform(alarm) && (
        <p class="alarm-link">
          <a href={hrefOf('stations', alarm.station, around)}>{t('seeTrend')}</a>
        </p>
      )}
    </>
  );
}
