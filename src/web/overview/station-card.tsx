/** What the drawing tells of the station that is pointed at. The node's own label says the same to who can't see it. */
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { alarmsByStation, latest, type Station } from '../core/watch.ts';
import { lastHeardMs, NUMERALS } from '../core/water.ts';
import { aboutOf, parameterName } from '../station/names.ts';
import { ClassMark, SeverityMark } from '../ui/marks.tsx';

export interface Pointed {
  station: Station;
  /** In hundredths of the drawing. */
  left: number;
  top: number;
}

const SHOWN_MAX = 8;
const ALARMS_MAX = 2;

export function StationCard({ pointed: { station, left, top } }: { pointed: Pointed }) {
  const now = latest.value.get(station.id);
  const heardMs = lastHeardMs(now);
  const alarms = alarmsByStation.value.get(station.id) ?? [];
  const limiting = new Set(now?.limiting ?? []);
  // What limits comes first; a register's face says nothing here.
  const items = (now?.items ?? [])
    .filter(({ parameter }) => parameter !== 'register')
    .sort((a, b) => Number(limiting.has(b.parameter)) - Number(limiting.has(a.parameter)))
    .slice(0, SHOWN_MAX);
  const side = left > 66 ? { right: `${100 - left + 1.5}%` } : { left: `${left + 1.5}%` };
  const height = top > 50 ? { bottom: `${100 - top + 3}%` } : { top: `${top + 3}%` };
  return (
    <div class="station-card" aria-hidden="true" style={{ ...side, ...height }}>
      <p class="station-card-head">
        {station.kind !== 'gate' && <ClassMark of={now?.class ?? null} />}
        <b>{nameOf(station.name)}</b>
      </p>
      {station.target && <p class="quiet-text">{t('targetIs', { class: NUMERALS[station.target] })}</p>}
      {alarms.slice(0, ALARMS_MAX).map((alarm) => (
        <p key={alarm.id}>
          <SeverityMark of={alarm.severity} /> {aboutOf(alarm)}{' '}
          {format.withUnit(alarm.value, alarm.unit, alarm.censored)}
        </p>
      ))}
      <dl>
        {items.map((item) => (
          <div key={item.parameter} class={limiting.has(item.parameter) ? 'is-limiting' : ''}>
            <dt>
              {parameterName(item.parameter)}
              {limiting.has(item.parameter) && <span class="tag">{t('limiting')}</span>}
            </dt>
            <dd>
              {format.withUnit(item.value, item.unit, item.censored)} {item.class && NUMERALS[item.class]}
            </dd>
          </div>
        ))}
      </dl>
      <p class="quiet-text">
        {heardMs === null ? t('neverHeard') : t('heard', { time: format.ago(heardMs, nowMs.value) })}
      </p>
    </div>
  );
}
