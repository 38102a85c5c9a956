/** One series over a stretch of time: raw readings where there are few enough, the service's buckets elsewhere. */
import { type Answer, ask } from '../core/api.ts';
import { DAY_MS, HOUR_MS } from '../core/zone.ts';

export interface Point {
  timeMs: number;
  /** Until when it speaks: a bucket's end, a reading's own time. */
  endMs: number;
  value: number | null;
  min: number | null;
  max: number | null;
  /** Of a raw reading. */
  flag: number | null;
  deviceFlag: string | undefined;
  /** Its value is a limit of the instrument. */
  censored: '<' | '>' | undefined;
  /** Readings in it, usable ones, expected ones. */
  count: number;
  valid: number;
  expected: number | null;
  class: Answer<'GET /trends'>['items'][number]['class'];
  provisional: boolean;
}

export interface Series {
  station: string;
  parameter: string;
  unit: string;
  /** `raw`, or the length of a bucket. */
  step: 'raw' | Answer<'GET /trends'>['interval'];
  points: Point[];
}

/** Raw readings are shown up to this long, and as long as there are no more of them than this. */
const RAW_MS_MAX = 3 * DAY_MS + HOUR_MS;
const RAW_COUNT_MAX = 20_000;
const PAGE = 10_000;

export async function readSeries(
  station: string,
  parameter: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  signal: AbortSignal,
): Promise<Series> {
  const raw = toMs - fromMs <= RAW_MS_MAX ? await readRaw(station, parameter, fromMs, toMs, signal) : null;
  if (raw) return raw;
  const query = { station, parameter, from: iso(fromMs), to: iso(toMs) };
  const { unit, interval, items } = await ask('GET /trends', { query, signal });
  const points = items.map(({ start, end, mean, min, max, class: reached, count, valid, expected, provisional }) => ({
    timeMs: Date.parse(start),
    endMs: Date.parse(end),
    value: mean,
    min,
    max,
    flag: null,
    deviceFlag: undefined,
    censored: undefined,
    count,
    valid,
    expected,
    class: reached,
    provisional: provisional === true,
  }));
  return { station, parameter, unit, step: interval, points };
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** null when there are too many. */
async function readRaw(
  station: string,
  parameter: string,
  fromMs: number,
  toMs: number,
  signal: AbortSignal,
): Promise<Series | null> {
  const points: Point[] = [];
  let unit = '';
  let cursor: string | undefined;
  do {
    const query = { from: iso(fromMs), to: iso(toMs), limit: String(PAGE), cursor };
    const page = await ask('GET /series/{station}/{parameter}/readings', {
      path: { station, parameter },
      query,
      signal,
    });
    unit = page.unit;
    for (const item of page.items) points.push(toPoint(item));
    cursor = page.next ?? undefined;
    if (cursor !== undefined && points.length >= RAW_COUNT_MAX) return null;
  } while (cursor !== undefined);
  return { station, parameter, unit, step: 'raw', points };
}

function toPoint(item: Answer<'GET /series/{station}/{parameter}/readings'>['items'][number]): Point {
  const timeMs = Date.parse(item.time);
  const isUsable = item.flag === 1 || item.flag === 2;
  return {
    timeMs,
    endMs: timeMs,
    value: item.value,
    min: null,
    max: null,
    flag: item.flag,
    deviceFlag: item.deviceFlag,
    censored: item.censored,
    count: item.flag === 9 ? 0 : 1,
    valid: isUsable ? 1 : 0,
    expected: null,
    class: null,
    provisional: item.provisional === true,
  };
}

const LATER_MS = 365 * DAY_MS;

/** The same stretch a year before, moved onto this year's axis. */
export async function readYearBefore(
  station: string,
  parameter: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
  signal: AbortSignal,
): Promise<Series> {
  const before = { fromMs: fromMs - LATER_MS, toMs: toMs - LATER_MS };
  const series = await readSeries(station, parameter, before, signal);
  const points = series.points.map((point) => ({
    ...point,
    timeMs: point.timeMs + LATER_MS,
    endMs: point.endMs + LATER_MS,
  }));
  return { ...series, points };
}
