/**
 * From stored readings to the hours of one meter: a change reaches back to the last certain read before it and ahead to
 * the first certain one after it; the hours in between are rebuilt whole.
 */
import { floorHour, HOUR_MS } from '#model/calendar.ts';
import type { Decision } from '#volume/decisions.ts';
import { fromOtherMeter, type Gap, gapDecision } from '#volume/gaps.ts';
import { type HourVolume, hourVolumes } from '#volume/hours.ts';
import { type MeterPoint, meterPoints, type Rulings } from '#volume/points.ts';
import type { MeterProfile } from '#volume/profile.ts';
import { isAnchor, meterSegments, type Segment } from '#volume/segments.ts';
import type { ReadingStore } from './reading-store.ts';

/** About as many readings are rebuilt in one step; a longer range takes several. */
const CHUNK = 5000;
const PAGE = 512;
const LOOK = 64;
const LOOK_BACK_MAX = 2048;
/** The bounds of ECMAScript time values. */
export const BEGINNING_OF_TIME_MS = -8.64e15;
export const END_OF_TIME_MS = 8.64e15;

/** Where a meter's readings are and how they are to be read. */
export interface MeterReadings {
  store: Pick<ReadingStore, 'read' | 'before'>;
  series: number;
  profile: MeterProfile;
  rulings: Rulings;
  /** Hours of the meter that gaps are filled from. */
  otherHours: (fromMs: number, toMs: number) => HourVolume[] | Promise<HourVolume[]>;
}

export interface Rebuilt {
  fromHourMs: number;
  toHourMs: number;
  hours: HourVolume[];
  /** Sound for times within (fromHourMs, toHourMs). */
  decisions: Decision[];
  /** Where the next step begins when the range was too long for one, else null. */
  restFromMs: number | null;
}

/** Points are read from one certain read further out on either side, so that the outermost hours are whole. */
export async function rebuiltHours(meter: MeterReadings, fromMs: number, toMs: number): Promise<Rebuilt> {
  const { store, series, profile, rulings } = meter;
  const reachedMs = await anchorBefore(meter, fromMs);
  const fromHourMs = floorHour(reachedMs);
  const startMs = await anchorBefore(meter, fromHourMs + 1);
  const points: MeterPoint[] = [];
  let cursorMs = startMs;
  for (;;) {
    const page = await store.read(series, cursorMs, END_OF_TIME_MS, PAGE);
    const isLast = page.length < PAGE;
    const nextMs = isLast ? END_OF_TIME_MS : page.at(-1)!.timeMs + 1;
    points.push(...meterPoints(profile, page, rulings, cursorMs, nextMs));
    if (isLast) return built(meter, points, fromHourMs, END_OF_TIME_MS, null);
    cursorMs = nextMs;
    const endMs = certainHourAfter(profile, points, toMs);
    if (endMs !== null) return built(meter, points, fromHourMs, endMs, null);
    if (points.length >= CHUNK) {
      const cutMs = floorHour(lastAnchorMs(profile, points) ?? points.at(-1)!.timeMs);
      if (cutMs > fromHourMs && cutMs > points[0]!.timeMs) return built(meter, points, fromHourMs, cutMs, cutMs);
    }
  }
}

async function built(
  meter: MeterReadings,
  points: MeterPoint[],
  fromHourMs: number,
  toHourMs: number,
  restFromMs: number | null,
): Promise<Rebuilt> {
  const { segments, decisions, gaps } = meterSegments(meter.profile, points);
  const filled: Gap[] = [];
  for (const gap of gaps) {
    const fill = gap.method === 'sister' || gap.method === 'register' ? await fillOf(meter, gap) : [];
    segments.push(...fill);
    const litres = fill.reduce((sum, segment) => sum + segment.litres, 0);
    filled.push(fill.length === 0 ? gap : { ...gap, litres });
  }
  segments.sort((a, b) => a.fromMs - b.fromMs);
  return {
    fromHourMs,
    toHourMs,
    hours: hourVolumes(segments, fromHourMs, toHourMs),
    decisions: [...decisions, ...filled.map(gapDecision)],
    restFromMs,
  };
}

async function fillOf(meter: MeterReadings, gap: Gap): Promise<Segment[]> {
  return fromOtherMeter(gap, await meter.otherHours(floorHour(gap.fromMs), gap.toMs));
}

/** Time of the last read before `beforeMs` that is accepted whatever came before it; the beginning of time if there is none. */
async function anchorBefore({ store, series, profile, rulings }: MeterReadings, beforeMs: number): Promise<number> {
  let points: MeterPoint[] = [];
  let untilMs = beforeMs;
  for (let seen = 0; seen < LOOK_BACK_MAX; seen += LOOK) {
    const page = await store.before(series, untilMs, LOOK);
    const isLast = page.length < LOOK;
    const sinceMs = isLast ? BEGINNING_OF_TIME_MS : page[0]!.timeMs;
    points = [...meterPoints(profile, page, rulings, sinceMs, untilMs), ...points];
    const anchorMs = lastAnchorMs(profile, points);
    if (anchorMs !== null) return anchorMs;
    if (isLast) return BEGINNING_OF_TIME_MS;
    untilMs = sinceMs;
  }
  // A register of which no two reads agree (its maxFlow is wrong, most likely) must not be read whole each time.
  return points[0]?.timeMs ?? untilMs;
}

/** Reads that are ruled a glitch stand between no others. */
function standing(points: readonly MeterPoint[]): readonly MeterPoint[] {
  return points.some(({ ruling }) => ruling?.kind === 'glitch')
    ? points.filter(({ ruling }) => ruling?.kind !== 'glitch')
    : points;
}

/** Time of the last point that is an anchor, or null. */
function lastAnchorMs(profile: MeterProfile, all: readonly MeterPoint[]): number | null {
  const points = standing(all);
  for (let index = points.length - 1; index > 0; index--) {
    if (isAnchor(profile, points[index - 1]!, points[index]!)) return points[index]!.timeMs;
  }
  return null;
}

/** End of the hour in which the first certain read after `toMs` lies, once another certain read fixes that hour too. */
function certainHourAfter(profile: MeterProfile, all: readonly MeterPoint[], toMs: number): number | null {
  const points = standing(all);
  let endMs: number | null = null;
  for (let index = 1; index < points.length; index++) {
    const before = points[index - 1]!;
    if (before.timeMs <= toMs || !isAnchor(profile, before, points[index]!)) continue;
    if (endMs === null) endMs = floorHour(points[index]!.timeMs) + HOUR_MS;
    else if (before.timeMs >= endMs) return endMs;
  }
  return null;
}
