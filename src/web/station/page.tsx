/** One station: its newest water and its past. */
import { useEffect } from 'preact/hooks';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { hrefOf, navigate, place, query, setQuery } from '../core/route.ts';
import { alarmsByStation, latest, type Station, stations } from '../core/watch.ts';
import { breaks, lastHeardMs, NUMERALS } from '../core/water.ts';
import type { Word } from '../core/words.ts';
import { ClassMark, SeverityMark, stateWord } from '../ui/marks.tsx';
import { Empty } from '../ui/states.tsx';
import { LatestSheet } from './latest-sheet.tsx';
import { aboutOf, parameterName } from './names.ts';
import { QcSheet } from './qc-sheet.tsx';
import { StationPicker } from './station-picker.tsx';
import { TrendSheet } from './trend-sheet.tsx';
import '../styles/station.css';

export const KIND_WORDS: Record<Station['kind'], Word> = {
  'river-section': 'kindRiver',
  reservoir: 'kindReservoir',
  lake: 'kindLake',
  'canal-section': 'kindCanal',
  gate: 'kindGate',
  offtake: 'kindOfftake',
  outfall: 'kindOutfall',
};

/** Where there is a choice, the page opens with the head of the canal. */
const FIRST = 'taocha';
const PLOTTED_MAX = 6;
/** What is drawn when nobody has chosen: what limits, else what alarms are mostly about. */
const USUAL = ['nh3n', 'codmn', 'do', 'flow', 'level'];

export default function StationPage() {
  const { id } = place.value;
  useEffect(() => {
    if (id !== null || stations.value.size === 0) return;
    const first = stations.value.has(FIRST) ? FIRST : [...stations.value.keys()][0]!;
    navigate(hrefOf('stations', first), { replace: true });
  }, [id, stations.value.size]);
  const station = stations.value.get(id ?? FIRST);
  if (!station) {
    return (
      <>
        <h1>{t('station')}</h1>
        <Empty>{t('noStation', { id: id ?? '' })}</Empty>
        <StationPicker chosen={null} />
      </>
    );
  }
  const plotted = plottedOf(station);
  return (
    <>
      <StationHead station={station} />
      <div class="station-columns">
        <LatestSheet
          station={station}
          latest={latest.value.get(station.id)}
          plotted={plotted}
          plot={(parameter) => setQuery({ p: toggled(plotted, parameter).join(',') || 'none' })}
        />
        <TrendSheet station={station} plotted={plotted} />
      </div>
      <QcSheet key={station.id} station={station} />
    </>
  );
}

function plottedOf(station: Station): string[] {
  const asked = query.value.get('p');
  if (asked !== null)
    return asked
      .split(',')
      .filter((one) => /^[\w.-]+$/.test(one) && one !== 'none')
      .slice(0, PLOTTED_MAX);
  const measured = new Set([
    ...station.parameters.map(({ id }) => id),
    ...itemsOf(station).map(({ parameter }) => parameter),
  ]);
  const limiting = latest.value.get(station.id)?.limiting ?? [];
  const usual = [...limiting, ...USUAL].filter((one, index, all) => measured.has(one) && all.indexOf(one) === index);
  return usual.length > 0 ? usual.slice(0, 2) : [...measured].slice(0, 2);
}

const itemsOf = (station: Station) => latest.value.get(station.id)?.items ?? [];

const toggled = (plotted: readonly string[], parameter: string): string[] =>
  plotted.includes(parameter)
    ? plotted.filter((one) => one !== parameter)
    : [...plotted, parameter].slice(-PLOTTED_MAX);

function StationHead({ station }: { station: Station }) {
  const now = latest.value.get(station.id);
  const heardMs = lastHeardMs(now);
  const alarms = alarmsByStation.value.get(station.id) ?? [];
  const isBroken = breaks(now?.class ?? null, station.target);
  return (
    <div class="station-head">
      <ClassMark of={now?.class ?? null} large />
      <div class="station-title">
        <h1>{nameOf(station.name)}</h1>
        <p>
          {t(KIND_WORDS[station.kind])}
          {station.area && ` · ${areaName(station.area)}`} · <code>{station.id}</code> ·{' '}
          {station.target ? t('targetIs', { class: NUMERALS[station.target] }) : t('noTarget')}
          {isBroken === true && <b class="is-broken"> · {t('targetMissed')}</b>}
          {isBroken === false && ` · ${t('targetMet')}`}
          {(now?.limiting.length ?? 0) > 0 && ` · ${t('limitedBy')} ${now!.limiting.map(parameterName).join(', ')}`}
          {' · '}
          {heardMs === null ? t('neverHeard') : t('heard', { time: format.ago(heardMs, nowMs.value) })}
        </p>
      </div>
      <ul class="station-alarms" aria-label={t('openAlarms')}>
        {alarms.slice(0, 3).map((alarm) => (
          <li key={alarm.id}>
            <a href={hrefOf('alarms', alarm.id)}>
              <SeverityMark of={alarm.severity} /> {aboutOf(alarm)} · {stateWord(alarm.state)}
            </a>
          </li>
        ))}
      </ul>
      <StationPicker chosen={station.id} />
    </div>
  );
}
