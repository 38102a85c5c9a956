/** uPlot in a frame: follows width, theme and language; dragging selects a range, which its owner shows. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import * as format from '../core/format.ts';
import { language } from '../core/language.ts';
import { inkOf, theme } from '../core/theme.ts';
import { ZONE } from '../core/zone.ts';

export interface ChartProps {
  /** What it shows, in words, for whoever doesn't see it. */
  label: string;
  data: uPlot.AlignedData;
  /** Asked again when data, theme or language change. */
  options: () => Pick<uPlot.Options, 'series'> & Partial<uPlot.Options>;
  height: number;
  /** Charts of one name share their cursor. */
  group?: string;
  onZoom?: (fromMs: number, toMs: number) => void;
  /** The index under the cursor, or null. */
  onCursor?: (index: number | null) => void;
}

const SMALLEST_DRAG_PX = 6;

export function Chart(props: ChartProps) {
  const { label, data, height } = props;
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const shownTheme = theme.value;
  const shownLanguage = language.value;
  useEffect(() => {
    const element = frame.current!;
    const plot = new uPlot(optionsOf(latest, element.clientWidth, height), data, element);
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== plot.width) {
        plot.setSize({ width: element.clientWidth, height });
      }
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [data, height, shownTheme, shownLanguage]);
  return <div ref={frame} class={`chart chart-${height}`} role="img" aria-label={label} />;
}

function optionsOf(latest: { current: ChartProps }, width: number, height: number): uPlot.Options {
  const own = latest.current.options();
  const line = { stroke: inkOf('--grid'), width: 1 };
  const text = { stroke: inkOf('--ink-3'), font: `11px ${inkOf('--font')}`, ticks: { show: false } };
  const [x = {}, y = {}] = own.axes ?? [];
  const { group } = latest.current;
  return {
    ...own,
    width,
    height,
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE),
    padding: own.padding ?? [10, 34, 0, 0],
    cursor: {
      ...(group === undefined ? {} : { sync: { key: group } }),
      drag: { x: latest.current.onZoom !== undefined, y: false, setScale: false },
      points: { size: 7 },
    },
    axes: [
      { ...text, grid: line, values: timeLabels, space: 70, size: 26, ...x },
      { ...text, grid: line, size: 52, ...y },
    ],
    hooks: {
      ...own.hooks,
      setSelect: [
        (plot) => {
          if (plot.select.width < SMALLEST_DRAG_PX) return;
          const at = (px: number) => plot.posToVal(px, 'x') * 1000;
          latest.current.onZoom?.(at(plot.select.left), at(plot.select.left + plot.select.width));
        },
      ],
      setCursor: [(plot) => latest.current.onCursor?.(plot.cursor.idx ?? null)],
    },
  };
}

const DAY_S = 86_400;

/** Labels as fine as the steps are; at midnight the day. */
function timeLabels(_plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  return splits.map((seconds) => {
    const ms = seconds * 1000;
    if (step >= 28 * DAY_S) return format.month(ms);
    if (step >= DAY_S) return format.dayOfMonth(ms);
    const minute = format.clock(ms).slice(0, 5);
    return minute === '00:00' ? format.dayOfMonth(ms) : step < 60 ? format.clock(ms) : minute;
  });
}
