/**
 * From stored readings to the hours of one meter: a change reaches back to the last certain read before it and ahead to
 * the first certain one after it; the hours in between are rebuilt whole.
 */
import { floorHour, HOUR_MS } from '#model/calendar.ts';
import type { ReadingStore } from '#readings/store.ts';
import { anchors } from '#volume/anchors.ts';
import type { Decision } from '#volume/decisions.ts';
import { fromOtherMeter, gapDecision } from '#volume/gaps.ts';
import { hourVolumes } from '#volume/hours.ts';
import type { Gap, HourVolume, Segment } from '#volume/model.ts';
import { type MeterPoint, meterPoints, type Rulings } from '#volume/points.ts';
import type { MeterProfile } from '#volume/profile.ts';
import { meterSegments } from '#volume/segments.ts';

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
  let ahead = 0;
  for (;;) {
    const page = await store.read(series, cursorMs, END_OF_TIME_MS, PAGE);
    const isLast = page.length < PAGE;
    const nextMs = isLast ? END_OF_TIME_MS : page.at(-1)!.timeMs + 1;
    points.push(...meterPoints(profile, page, rulings, cursorMs, nextMs));
    if (isLast) return built(meter, points, fromHourMs, END_OF_TIME_MS, null);
    cursorMs = nextMs;
    const endMs = certainHourAfter(profile, points, toMs);
    if (endMs !== null) return built(meter, points, fromHourMs, endMs, null);
    // What lies before the range doesn't count, so that each step gets on, however far back its certain read was.
    if (nextMs > fromMs) ahead += page.length;
    const cutMs = ahead >= CHUNK ? cutAfter(profile, points, fromMs) : null;
    if (cutMs !== null) return built(meter, points, fromHourMs, cutMs, cutMs);
  }
}

/** Where a step may end: the hour of the last certain read, or of the last at all if none is certain; null = not yet. */
function cutAfter(profile: MeterProfile, points: readonly MeterPoint[], fromMs: number): number | null {
  const hours = [lastAnchorMs(profile, points), points.at(-1)?.timeMs ?? null].map((timeMs) =>
    floorHour(timeMs ?? fromMs),
  );
  return hours.find((hourMs) => hourMs > fromMs && hourMs > points[0]!.timeMs) ?? null;
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
    hours: hourVolumes(segments, fromHourMs, toHourMs, meter.profile),
    decisions: [...decisions, ...filled.map(gapDecision)].filter((decision) => isOwn(meter.profile, decision)),
    restFromMs,
  };
}

/** Whether some of the time that was decided about is the meter's own. */
function isOwn(profile: MeterProfile, { fromMs, timeMs }: Decision): boolean {
  return timeMs >= profile.fromMs && (fromMs ?? timeMs) < profile.toMs;
}

async function fillOf(meter: MeterReadings, gap: Gap): Promise<Segment[]> {
  return fromOtherMeter(gap, await meter.otherHours(floorHour(gap.fromMs), gap.toMs));
}

/** Time of the last read before `beforeMs` that is accepted whatever came before it; the beginning of time if there is none. */
async function anchorBefore({ store, series, profile, rulings }: MeterReadings, beforeMs: number): Promise<number> {
  // A register of which no two reads agree (its maxFlow is wrong, most likely) must not be read whole each time.
  const enoughMs = beforeMs - 2 * longestGapMs(profile);
  let points: MeterPoint[] = [];
  let untilMs = beforeMs;
  let count = LOOK;
  for (let seen = 0; seen < LOOK_BACK_MAX || untilMs > enoughMs; seen += count) {
    if (seen > 0) count = Math.min(2 * count, CHUNK);
    const page = await store.before(series, untilMs, count);
    const isLast = page.length < count;
    const sinceMs = isLast ? BEGINNING_OF_TIME_MS : page[0]!.timeMs;
    points = [...meterPoints(profile, page, rulings, sinceMs, untilMs), ...points];
    const anchorMs = lastAnchorMs(profile, points);
    if (anchorMs !== null) return anchorMs;
    if (isLast) return BEGINNING_OF_TIME_MS;
    untilMs = sinceMs;
  }
  return points[0]?.timeMs ?? untilMs;
}

/** Of all registers that the meter has had. */
function longestGapMs({ maxGapMs, replacements = [] }: MeterProfile): number {
  return Math.max(maxGapMs, ...replacements.map((face) => face.maxGapMs));
}

function lastAnchorMs(profile: MeterProfile, points: readonly MeterPoint[]): number | null {
  let lastMs: number | null = null;
  for (const timeMs of anchors(profile, points)) lastMs = timeMs;
  return lastMs;
}

/** End of the hour in which the first certain read after `toMs` lies, once another certain read fixes that hour too. */
function certainHourAfter(profile: MeterProfile, points: readonly MeterPoint[], toMs: number): number | null {
  const firstAnchorMs = (sinceMs: number) =>
    anchors(
      profile,
      points.filter(({ timeMs }) => timeMs >= sinceMs),
    ).next().value;
  const firstMs = firstAnchorMs(toMs + 1);
  if (firstMs === undefined) return null;
  const endMs = floorHour(firstMs) + HOUR_MS;
  return firstAnchorMs(endMs) === undefined ? null : endMs;
}
