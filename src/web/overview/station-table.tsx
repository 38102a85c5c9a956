/** The drawing as a table: every station that has said something, worst first. */

import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { hrefOf } from '../core/route.ts';
import { latest, type Station, stations } from '../core/watch.ts';
import { breaks, CLASSES, lastHeardMs, NUMERALS } from '../core/water.ts';
import { parameterName } from '../station/names.ts';
import { ClassMark, severityWord } from '../ui/marks.tsx';
import { Empty } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { gravestAlarm } from './station-node.tsx';

const nowOf = ({ id }: Station) => latest.value.get(id);
const rank = (station: Station) => CLASSES.indexOf(nowOf(station)?.class ?? 'I');

export function StationTable() {
  const rows = [...stations.value.values()]
    .filter((station) => (nowOf(station)?.items.length ?? 0) > 0)
    .sort((a, b) => rank(b) - rank(a) || Number(nowOf(b)?.class !== null) - Number(nowOf(a)?.class !== null));
  const columns = columnsOf();
  if (rows.length === 0) return <Empty>{t('noStations')}</Empty>;
  return (
    <>
      <p class="table-tools">
        <CsvButton file="stations" text={() => csvOf(columns, rows)} />
      </p>
      <Table columns={columns} rows={rows} keyOf={({ id }) => id} caption={t('stations')} />
    </>
  );
}

function columnsOf(): Column<Station>[] {
  return [
    {
      head: t('station'),
      isName: true,
      cell: (station) => <a href={hrefOf('stations', station.id)}>{nameOf(station.name)}</a>,
      csv: ({ name }) => nameOf(name),
    },
    { head: t('area'), cell: ({ area }) => (area ? areaName(area) : ''), csv: ({ area }) => area },
    {
      head: t('class'),
      cell: (station) => <ClassMark of={nowOf(station)?.class ?? null} />,
      csv: (station) => nowOf(station)?.class,
    },
    { head: t('target'), cell: ({ target }) => (target ? NUMERALS[target] : '–'), csv: ({ target }) => target },
    {
      head: t('limitedBy'),
      cell: (station) => (nowOf(station)?.limiting ?? []).map(parameterName).join(', '),
      csv: (station) => (nowOf(station)?.limiting ?? []).join(' '),
    },
    {
      head: t('judgement'),
      cell: (station) => {
        const isBroken = breaks(nowOf(station)?.class ?? null, station.target);
        return isBroken === null ? '–' : isBroken ? <b class="is-broken">{t('targetMissed')}</b> : t('targetMet');
      },
    },
    {
      head: t('alarm'),
      cell: ({ id }) => {
        const gravest = gravestAlarm(id);
        return gravest ? severityWord(gravest) : '';
      },
      csv: ({ id }) => gravestAlarm(id),
    },
    {
      head: t('measured'),
      align: 'end',
      cell: (station) => format.ago(lastHeardMs(nowOf(station)) ?? 0, nowMs.value),
      csv: (station) => new Date(lastHeardMs(nowOf(station)) ?? 0).toISOString(),
    },
  ];
}
