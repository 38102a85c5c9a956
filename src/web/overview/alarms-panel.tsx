/** Open alarms by severity, and the newest of the gravest. */
import type { Alarm } from '../api-types.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { hrefOf } from '../core/route.ts';
import { openAlarms, stations } from '../core/watch.ts';
import { NUMERALS } from '../core/water.ts';
import { aboutOf, parameterName, stationName } from '../station/names.ts';
import { SEVERITIES, SeverityShape, severityWord, stateWord } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty } from '../ui/states.tsx';

const SHOWN_MAX = 7;

/** Unattended before attended, grave before light, new before old. */
function byUrgency(a: Alarm, b: Alarm): number {
  const attended = Number(a.state === 'acknowledged') - Number(b.state === 'acknowledged');
  const severity = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  return attended || severity || (a.raisedAt < b.raisedAt ? 1 : -1);
}

export function AlarmsPanel() {
  const open = openAlarms.value;
  const shown = [...open].sort(byUrgency).slice(0, SHOWN_MAX);
  return (
    <Sheet title={t('openAlarms')} name="alarms-panel" tools={<a href={hrefOf('alarms')}>{t('allAlarms')}</a>}>
      <ul class="severity-counts">
        {SEVERITIES.map((severity) => {
          const count = open.filter((alarm) => alarm.severity === severity).length;
          return (
            <li key={severity} class={count > 0 ? `has-${severity}` : ''}>
              <a href={hrefOf('alarms', null, { severity })}>
                <SeverityShape of={severity} />
                <b>{count}</b> {severityWord(severity)}
              </a>
            </li>
          );
        })}
      </ul>
      {shown.length === 0 ? (
        <Empty>{t('noOpenAlarms')}</Empty>
      ) : (
        <ol class="alarm-list">
          {shown.map((alarm) => (
            <li key={alarm.id}>
              <a href={hrefOf('alarms', alarm.id)}>
                <SeverityShape of={alarm.severity} />
                <span class="alarm-list-main">
                  <b>{stationName(alarm.station, stations.value)}</b>
                  <span>{whatOf(alarm)}</span>
                </span>
                <span class="alarm-list-side">
                  <span class={`state-mark state-${alarm.state}`}>{stateWord(alarm.state)}</span>
                  <time dateTime={alarm.raisedAt}>{format.ago(alarm.raisedAt, nowMs.value)}</time>
                </span>
              </a>
            </li>
          ))}
        </ol>
      )}
    </Sheet>
  );
}

/** What is wrong, in one line: `Ammonia nitrogen 0.83 mg/L, limit ≤ 0.5 (Ⅲ)`. */
function whatOf(alarm: Alarm): string {
  if (alarm.value === null) return aboutOf(alarm);
  const limit =
    alarm.limit === null
      ? ''
      : ` · ${t('limit')} ${alarm.op === null ? '' : `${sign(alarm.op)} `}${format.value(alarm.limit)}`;
  const reached = alarm.class === null ? '' : ` · ${NUMERALS[alarm.class]}`;
  return `${parameterName(alarm.parameter)} ${format.withUnit(alarm.value, alarm.unit, alarm.censored)}${limit}${reached}`;
}

const SIGNS: Record<NonNullable<Alarm['op']>, string> = { '<=': '≤', '>=': '≥', '<': '<', '>': '>' };
export const sign = (op: NonNullable<Alarm['op']>): string => SIGNS[op];
