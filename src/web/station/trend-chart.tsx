/** The trend of one parameter: mean and spread, or raw readings, on the bands of the classes, with limit and breaches. */
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { setQuery } from '../core/route.ts';
import { inkOf } from '../core/theme.ts';
import { type Limit, limitText, NUMERALS, type Target, type WaterClass } from '../core/water.ts';
import { Chart } from '../ui/chart.tsx';
import { flagWord } from '../ui/marks.tsx';
import { fixedQuery } from './range.ts';
import type { Series } from './series.ts';
import { COLUMNS, isDoubtful, toColumns } from './trend-data.ts';

export interface TrendChartProps {
  name: string;
  series: Series;
  before: Series | null;
  limits: readonly { target: Target; limit: Limit }[];
  target: Target | null;
  intervalMs: number | null;
  range: { fromMs: number; toMs: number };
  height: number;
}

export function TrendChart({ name, series, before, limits, target, intervalMs, range, height }: TrendChartProps) {
  const [cursor, setCursor] = useState<number | null>(null);
  const aim = limits.find((one) => one.target === target)?.limit ?? null;
  const data = useMemo(() => toColumns(series, before, aim, intervalMs), [series, before, aim, intervalMs]);
  return (
    <>
      <p class="readout" aria-live="off">
        {cursor === null ? (
          <Legend aim={aim} target={target} hasBefore={before !== null} series={series} data={data} />
        ) : (
          readoutOf(data, cursor, series)
        )}
      </p>
      <Chart
        label={summaryOf(name, series)}
        data={data}
        height={height}
        group="trends"
        onCursor={setCursor}
        onZoom={(fromMs, toMs) => setQuery(fixedQuery(fromMs, toMs))}
        options={() => ({
          series: seriesOptions(series, before !== null),
          bands: series.step === 'raw' ? [] : [{ series: [COLUMNS.max, COLUMNS.min], fill: inkOf('--spread') }],
          scales: {
            x: { time: true, min: range.fromMs / 1000, max: range.toMs / 1000 },
            y: { range: (_plot, low, high) => rangeOf(low, high, aim) },
          },
          axes: [{}, { values: (_plot, splits) => splits.map((split) => format.tick(split, splits[1]! - splits[0]!)) }],
          hooks: { drawClear: [(plot) => drawBands(plot, limits, target)] },
        })}
      />
    </>
  );
}

function seriesOptions(series: Series, hasBefore: boolean): uPlot.Series[] {
  const isRaw = series.step === 'raw';
  const ink = inkOf('--trace');
  const none = { show: false };
  const edge = { stroke: 'transparent', width: 0, points: none, show: !isRaw };
  const dots = (stroke: string, size: number, fill: string): uPlot.Series => ({
    stroke: 'transparent',
    width: 0,
    points: { show: true, size, stroke, fill, width: 1.5 },
  });
  return [
    {},
    edge,
    edge,
    { stroke: ink, width: 1.5, points: { show: true, size: 4, fill: ink, stroke: ink, filter: lonely } },
    dots(inkOf('--breach'), 5, inkOf('--breach')),
    dots(inkOf('--doubt'), 8, inkOf('--sheet')),
    { stroke: inkOf('--before'), width: 1.25, dash: [4, 3], points: none, show: hasBefore },
  ];
}

/** Points between two gaps, where no line would show them. `undefined` is another series' time, and no gap. */
function lonely(plot: uPlot, column: number): number[] {
  const own = [...plot.data[column]!.entries()].filter(([, value]) => value !== undefined);
  const isNone = (place: number) => (own[place]?.[1] ?? null) === null;
  return own.flatMap(([index], place) => (!isNone(place) && isNone(place - 1) && isNone(place + 1) ? [index] : []));
}

/** The data with a margin, and the limit where it isn't far away. What hardly changes looks as if it hardly changes. */
function rangeOf(low: number | null, high: number | null, aim: Limit | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const limits = aim === null ? [] : aim.op === 'range' ? [aim.from, aim.to] : [aim.at];
  const reach = Math.max(Math.abs(high), Math.abs(low));
  const near = limits.filter((limit) => limit <= reach * 3 && limit >= low / 3);
  const [from, to] = [Math.min(low, ...near), Math.max(high, ...near)];
  const margin = Math.max((to - from) * 0.08, reach * 0.01, to > from ? 0 : 0.01);
  return [low >= 0 ? Math.max(0, from - margin) : from - margin, to + margin];
}

/** Each class's stretch of the scale in its colour, its numeral at the edge, and the target's limit as a line. */
function drawBands(plot: uPlot, limits: readonly { target: Target; limit: Limit }[], target: Target | null): void {
  const { ctx, bbox } = plot;
  const [low, high] = [plot.scales.y?.min ?? 0, plot.scales.y?.max ?? 1];
  const yOf = (value: number) => plot.valToPos(Math.min(high, Math.max(low, value)), 'y', true);
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.textBaseline = 'middle';
  ctx.font = `${11 * ratio}px ${inkOf('--font')}`;
  for (const { reached, from, to } of stretches(limits)) {
    const [top, bottom] = [yOf(to), yOf(from)];
    if (bottom - top < 1) continue;
    ctx.fillStyle = inkOf(`--class-${reached}`);
    ctx.globalAlpha = Number(inkOf('--band-alpha'));
    ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    ctx.globalAlpha = 1;
    ctx.fillRect(bbox.left + bbox.width, top, 3 * ratio, bottom - top);
    if (bottom - top < 13 * ratio) continue;
    ctx.fillStyle = inkOf('--ink-2');
    ctx.fillText(NUMERALS[reached], bbox.left + bbox.width + 7 * ratio, (top + bottom) / 2);
  }
  const aim = limits.find((one) => one.target === target)?.limit;
  const edges = !aim ? [] : aim.op === 'range' ? [aim.from, aim.to] : [aim.at];
  ctx.strokeStyle = inkOf('--limit');
  ctx.lineWidth = 1.25 * ratio;
  ctx.setLineDash([6 * ratio, 4 * ratio]);
  for (const edge of edges.filter((one) => one > low && one < high)) {
    ctx.beginPath();
    ctx.moveTo(bbox.left, yOf(edge));
    ctx.lineTo(bbox.left + bbox.width, yOf(edge));
    ctx.stroke();
  }
  ctx.restore();
}

/** Which values reach which class; of two classes with one limit the better one has them all. */
function stretches(
  limits: readonly { target: Target; limit: Limit }[],
): { reached: WaterClass; from: number; to: number }[] {
  const first = limits[0];
  if (!first) return [];
  if (first.limit.op === 'range') {
    const { from, to } = first.limit;
    return [
      { reached: first.target, from, to },
      { reached: 'worse', from: Number.NEGATIVE_INFINITY, to: from },
      { reached: 'worse', from: to, to: Number.POSITIVE_INFINITY },
    ];
  }
  const isCeiling = first.limit.op === '<=';
  let edge = isCeiling ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const found: { reached: WaterClass; from: number; to: number }[] = [];
  for (const { target, limit } of limits) {
    if (limit.op === 'range' || limit.at === edge) continue;
    found.push({ reached: target, from: Math.min(edge, limit.at), to: Math.max(edge, limit.at) });
    edge = limit.at;
  }
  const beyond = isCeiling
    ? { from: edge, to: Number.POSITIVE_INFINITY }
    : { from: Number.NEGATIVE_INFINITY, to: edge };
  return [...found, { reached: 'worse', ...beyond }];
}

function summaryOf(name: string, { points, unit }: Series): string {
  const values = points.flatMap(({ valid, value, min, max }) => (valid > 0 ? [min ?? value, max ?? value] : []));
  const known = values.filter((one): one is number => one !== null);
  if (known.length === 0) return t('chartEmpty', { name });
  const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  return t('chartSummary', { name, low: format.value(low), high: format.value(high), unit: format.unit(unit) });
}

function Legend({
  aim,
  target,
  hasBefore,
  series,
  data,
}: {
  aim: Limit | null;
  target: Target | null;
  hasBefore: boolean;
  series: Series;
  data: uPlot.AlignedData;
}) {
  const isRaw = series.step === 'raw';
  const doubtful = series.points.filter(isDoubtful);
  const isBroken = data[COLUMNS.breach]!.some((one) => typeof one === 'number');
  return (
    <>
      <span class="key key-trace">{isRaw ? t('rawReadings') : t('meanOf')}</span>
      {!isRaw && <span class="key key-spread">{t('spread')}</span>}
      {aim !== null && target !== null && (
        <span class="key key-limit">{t('limitOf', { class: NUMERALS[target], limit: limitText(aim) })}</span>
      )}
      {isBroken && <span class="key key-breach">{t('beyondLimit')}</span>}
      {doubtful.length > 0 && <span class="key key-doubt">{t('flagged', { n: doubtful.length })}</span>}
      {hasBefore && <span class="key key-before">{t('yearBefore')}</span>}
    </>
  );
}

function readoutOf(data: uPlot.AlignedData, index: number, series: Series) {
  const seconds = data[0][index];
  if (seconds === undefined) return null;
  const at = (column: number) => data[column]?.[index];
  const point = series.points.find(({ timeMs, endMs }) => (timeMs + endMs) / 2000 === seconds);
  const [min, max, before] = [at(COLUMNS.min), at(COLUMNS.max), at(COLUMNS.before)];
  return (
    <>
      <b>{format.minute(point?.timeMs ?? seconds * 1000)}</b>
      <span>{format.withUnit(point?.value, series.unit, point?.censored)}</span>
      {min !== null && min !== undefined && (
        <span>
          {t('from')} {format.value(min)} {t('to')} {format.value(max)}
        </span>
      )}
      {point?.class && <span>{NUMERALS[point.class]}</span>}
      {point?.flag !== null && point !== undefined && <span>{flagWord(point.flag ?? 2)}</span>}
      {point !== undefined && point.flag === null && (
        <span>{t('usableOf', { valid: point.valid, count: point.count })}</span>
      )}
      {typeof before === 'number' && (
        <span>
          {t('yearBefore')} {format.withUnit(before, series.unit)}
        </span>
      )}
      {point?.provisional && <span>{t('provisional')}</span>}
    </>
  );
}
