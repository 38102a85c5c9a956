/** A series as the columns that uPlot draws. Gaps are nulls: nothing is drawn where nothing was measured. */
import uPlot from 'uplot';
import { type Limit, meets } from '../core/water.ts';
import { HOUR_MS } from '../core/zone.ts';
import type { Point, Series } from './series.ts';

/** Readings further apart than so many intervals have a hole between them; without an interval, three hours. */
const HOLE_INTERVALS = 3;

type Column = (number | null | undefined)[];

/** time, least, greatest, mean or reading, breaches, doubtful readings, the year before. */
export const COLUMNS = { min: 1, max: 2, value: 3, breach: 4, doubt: 5, before: 6 } as const;

const middleS = ({ timeMs, endMs }: Point): number => (timeMs + endMs) / 2000;
export const isDoubtful = ({ flag }: Point): boolean => flag === 3 || flag === 4;

/** @param intervalMs how often raw readings are expected, null when it isn't known. */
export function toColumns(
  series: Series,
  before: Series | null,
  target: Limit | null,
  intervalMs: number | null,
): uPlot.AlignedData {
  const own = columnsOf(withHoles(series, intervalMs), target);
  if (before === null) return [...own, own[0]!.map(() => null)] as unknown as uPlot.AlignedData;
  const points = withHoles(before, intervalMs);
  const past: uPlot.AlignedData = [points.map(middleS), points.map(({ valid, value }) => (valid > 0 ? value : null))];
  return uPlot.join([own as uPlot.AlignedData, past]);
}

function columnsOf(points: readonly Point[], target: Limit | null): Column[] {
  const usable = (point: Point) => (point.valid > 0 ? point.value : null);
  const worst = (point: Point) =>
    [point.value, point.min, point.max].find((one) => one !== null && breaks(one, target));
  return [
    points.map(middleS),
    points.map(({ min }) => min),
    points.map(({ max }) => max),
    points.map(usable),
    points.map((point) => (point.valid > 0 ? (worst(point) ?? null) : null)),
    points.map((point) => (isDoubtful(point) ? point.value : null)),
  ];
}

const breaks = (value: number, target: Limit | null): boolean => target !== null && !meets(value, target);

/**
 * Empty buckets between readings that are no further apart than they may be are no holes: hours of a series that is
 * measured every four. Where they are further apart, a nothing is put.
 */
function withHoles({ step, points }: Series, intervalMs: number | null): Point[] {
  // The range may begin or end within a bucket: that one is shorter than it would be.
  const bucketMs = step === 'raw' ? 0 : points.reduce((most, { timeMs, endMs }) => Math.max(most, endMs - timeMs), 0);
  const widestMs = Math.max(intervalMs === null ? 3 * HOUR_MS : HOLE_INTERVALS * intervalMs, 1.5 * bucketMs);
  const found: Point[] = [];
  for (const point of points) {
    if (point.count === 0 && point.value === null) continue;
    const last = found.at(-1);
    if (last && point.timeMs - last.timeMs > widestMs) {
      const timeMs = (last.timeMs + point.timeMs) / 2;
      found.push({ ...last, timeMs, endMs: timeMs, value: null, min: null, max: null, flag: null, valid: 0, count: 0 });
    }
    found.push(point);
  }
  return found;
}

/** `PT5M`, `P1D` … in milliseconds; null for what isn't one. */
export function durationMs(text: string | undefined): number | null {
  const [, days, hours, minutes, seconds] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text ?? '') ?? [];
  const part = (found: string | undefined, ms: number) => Number(found ?? 0) * ms;
  const ms = part(days, 86_400_000) + part(hours, HOUR_MS) + part(minutes, 60_000) + part(seconds, 1000);
  return ms > 0 ? ms : null;
}
