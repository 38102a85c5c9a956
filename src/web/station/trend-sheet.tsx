/** Trends of any of a station's parameters on one time axis, as charts or tables. */
import { useState } from 'preact/hooks';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { serviceNowMs } from '../core/now.ts';
import { useEvery, useResource } from '../core/resource.ts';
import { query, setQuery } from '../core/route.ts';
import { type Station, standard } from '../core/watch.ts';
import { type Limit, limitsOf, NUMERALS } from '../core/water.ts';
import { Figure, type View, ViewChoice } from '../ui/figure.tsx';
import { flagWord } from '../ui/marks.tsx';
import { RangePicker } from '../ui/range-picker.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Loading, Trouble } from '../ui/states.tsx';
import { type Column, numberColumn } from '../ui/table.tsx';
import { Doubts } from './doubts.tsx';
import { parameterName } from './names.ts';
import { type Range, rangeOf } from './range.ts';
import { type Point, readSeries, readYearBefore, type Series } from './series.ts';
import { TrendChart } from './trend-chart.tsx';
import { durationMs } from './trend-data.ts';
import { TrendWords } from './trend-words.tsx';

const REFRESH_MS = 60_000;

export function TrendSheet({ station, plotted }: { station: Station; plotted: readonly string[] }) {
  const [atMs, setAtMs] = useState(serviceNowMs);
  useEvery(REFRESH_MS, () => setAtMs(serviceNowMs()));
  const range = rangeOf(query.value, atMs);
  const view: View = query.value.get('view') === 'table' ? 'table' : 'chart';
  const hasBefore = query.value.get('before') === 'year';
  return (
    <Sheet
      title={t('trends')}
      name="trend-sheet"
      note={`${format.minute(range.fromMs)} – ${format.minute(range.toMs)}`}
      tools={
        <>
          <label class="check">
            <input
              type="checkbox"
              checked={hasBefore}
              onChange={(event) => setQuery({ before: event.currentTarget.checked ? 'year' : undefined })}
            />
            {t('overlayYear')}
          </label>
          <ViewChoice view={view} choose={(next) => setQuery({ view: next === 'table' ? 'table' : undefined })} />
        </>
      }
    >
      <RangePicker range={range} />
      {plotted.length === 0 && <Empty>{t('plotNothing')}</Empty>}
      {plotted.map((parameter) => (
        <Trend
          key={parameter}
          station={station}
          parameter={parameter}
          range={range}
          view={view}
          hasBefore={hasBefore}
          height={plotted.length > 2 ? 170 : plotted.length > 1 ? 220 : 320}
        />
      ))}
      <p class="hint">{t('zoomHint')}</p>
    </Sheet>
  );
}

function Trend({
  station,
  parameter,
  range,
  view,
  hasBefore,
  height,
}: {
  station: Station;
  parameter: string;
  range: Range;
  view: View;
  hasBefore: boolean;
  height: number;
}) {
  const question = `${station.id}/${parameter}/${range.fromMs}/${range.toMs}`;
  const own = useResource(question, (signal) => readSeries(station.id, parameter, range, signal));
  const before = useResource(hasBefore ? question : null, (signal) =>
    readYearBefore(station.id, parameter, range, signal),
  );
  const limits = limitsOf(standard.value, parameter, station.waterBody);
  const aim = limits.find(({ target }) => target === station.target)?.limit ?? null;
  const name = parameterName(parameter);
  if (own.failure) return <Trouble failure={own.failure} retry={own.reload} />;
  if (!own.data) return <Loading tall />;
  const interval = station.parameters.find(({ id }) => id === parameter)?.interval;
  const rows = own.data.points.filter(({ count }) => count > 0);
  return (
    <Figure
      title={`${name}${own.data.unit === '1' ? '' : `, ${format.unit(own.data.unit)}`}`.replace(/, $/, '')}
      note={stepText(own.data)}
      view={view}
      columns={columnsOf(own.data, aim)}
      rows={rows}
      keyOf={({ timeMs }) => String(timeMs)}
      file={`${station.id}-${parameter}`}
      foot={
        <>
          <Doubts series={own.data} />
          <TrendWords station={station.id} parameter={parameter} toMs={range.toMs} />
        </>
      }
    >
      {rows.length === 0 && before.data === undefined ? (
        <Empty>{t('noReadings')}</Empty>
      ) : (
        <TrendChart
          name={name}
          series={own.data}
          before={hasBefore ? (before.data ?? null) : null}
          limits={limits}
          target={station.target ?? null}
          intervalMs={durationMs(interval)}
          range={range}
          height={height}
        />
      )}
    </Figure>
  );
}

function stepText({ step, points }: Series): string {
  const count = points.reduce((total, point) => total + point.count, 0);
  const readings = t('readingsCount', { n: format.whole(count) });
  if (step === 'raw') return readings;
  const words = { PT1H: 'stepHour', P1D: 'stepDay', P1W: 'stepWeek', P1M: 'stepMonth', P1Y: 'stepYear' } as const;
  return `${t(words[step])} · ${readings}`;
}

/** Explains a raw reading's flag where it isn't good. */
function columnsOf({ step, unit }: Series, aim: Limit | null): Column<Point>[] {
  const time: Column<Point> = {
    head: t('time'),
    isName: true,
    cell: ({ timeMs }) => (step === 'raw' ? format.second(timeMs) : format.minute(timeMs)),
    csv: ({ timeMs }) => new Date(timeMs).toISOString(),
  };
  if (step === 'raw') {
    return [
      time,
      {
        head: `${t('value')} ${format.unit(unit)}`.trim(),
        align: 'end',
        cell: ({ value, censored }) => format.measured(value, censored),
        csv: ({ value, censored }) => (censored && value !== null ? `${censored}${value}` : value),
      },
      { head: t('quality'), cell: ({ flag }) => flagWord(flag ?? 2), csv: ({ flag }) => flag },
      { head: t('deviceFlag'), cell: ({ deviceFlag }) => deviceFlag ?? '', csv: ({ deviceFlag }) => deviceFlag },
      { head: t('state'), cell: ({ provisional }) => (provisional ? t('provisional') : t('final')) },
    ];
  }
  return [
    time,
    numberColumn(`${t('mean')} ${format.unit(unit)}`.trim(), ({ value }) => value),
    numberColumn(t('least'), ({ min }) => min),
    numberColumn(t('greatest'), ({ max }) => max),
    ...(aim === null
      ? []
      : [
          {
            head: t('class'),
            cell: (point: Point) => (point.class === null ? '–' : NUMERALS[point.class]),
            csv: (point: Point) => point.class,
          },
        ]),
    numberColumn(t('readings'), ({ count }) => count),
    numberColumn(t('usable'), ({ valid }) => valid),
    numberColumn(t('expected'), ({ expected }) => expected),
  ];
}
