/**
 * From segments to hourly integer litres, the only thing that volumes are ever added up from: any partition of a
 * period adds up to the period because every volume is a difference of the same cumulative function (invariant 4).
 */

import { floorHour, HOUR_MS } from '#model/calendar.ts';
import type { HourVolume, Knot, Run, Segment } from './model.ts';
import type { MeterProfile } from './profile.ts';

/** When a meter measures, and the instants within at which its water becomes somebody else's. */
type Edges = Pick<MeterProfile, 'fromMs' | 'toMs' | 'handOversMs'>;
const NO_EDGES: Edges = { fromMs: -Infinity, toMs: Infinity };

/**
 * @param segments ascending, not overlapping; those outside the hours are ignored. What lies outside the meter's edges
 *   is somebody else's water: a segment across an edge is shared out by time.
 * @returns the hours of [fromHourMs, toHourMs) that any segment touches, ascending.
 */
export function hourVolumes(
  segments: readonly Segment[],
  fromHourMs: number,
  toHourMs: number,
  edges: Edges = NO_EDGES,
): HourVolume[] {
  const cutHours = cutsByHour(edges);
  const hours = new Map<number, Segment[]>();
  const firstMs = Math.max(fromHourMs, floorHour(edges.fromMs));
  const lastMs = Math.min(toHourMs, floorHour(edges.toMs) + (cutHours.has(floorHour(edges.toMs)) ? HOUR_MS : 0));
  for (const segment of segments) {
    const endMs = Math.min(segment.toMs, lastMs);
    for (let hourMs = floorHour(Math.max(segment.fromMs, firstMs)); hourMs < endMs; hourMs += HOUR_MS) {
      hours.getOrInsertComputed(hourMs, () => []).push(segment);
    }
  }
  return [...hours].flatMap(([hourMs, own]): HourVolume[] => {
    const cuts = cutHours.get(hourMs);
    if (!cuts) return [{ hourMs, ...runUntil(own, hourMs, hourMs + HOUR_MS) }];
    const isOwn = own.some(({ fromMs, toMs }) => fromMs < edges.toMs && toMs > edges.fromMs);
    return isOwn ? [cutHour(own, hourMs, cuts, edges)] : [];
  });
}

/** The edges that lie inside an hour, by their hour, ascending. */
function cutsByHour({ fromMs, toMs, handOversMs = [] }: Edges): Map<number, number[]> {
  const within = handOversMs.filter((atMs) => atMs > fromMs && atMs < toMs);
  const inside = [fromMs, ...within, toMs].filter((atMs) => Number.isFinite(atMs) && atMs !== floorHour(atMs));
  return Map.groupBy(inside, floorHour);
}

/** Both parts of an hour are differences of one rounded function, so that two meters that share it add up to it. */
function cutHour(segments: readonly Segment[], hourMs: number, cuts: readonly number[], edges: Edges): HourVolume {
  const startMs = Math.max(hourMs, edges.fromMs);
  const endMs = Math.min(hourMs + HOUR_MS, edges.toMs);
  const start = runUntil(segments, hourMs, startMs);
  const since = (atMs: number): Run => {
    const run = runUntil(segments, hourMs, atMs);
    return {
      measuredLitres: run.measuredLitres - start.measuredLitres,
      estimatedLitres: run.estimatedLitres - start.estimatedLitres,
      knownMs: run.knownMs - start.knownMs,
    };
  };
  const knots = cuts.map((atMs): Knot => ({ elapsedMs: atMs - hourMs, ...since(atMs) }));
  return { hourMs, ...since(endMs), knots };
}

/** What ran from the start of an hour to `atMs`, within it. */
function runUntil(segments: readonly Segment[], hourMs: number, atMs: number): Run {
  let measured = 0;
  let estimated = 0;
  let knownMs = 0;
  for (const segment of segments) {
    const startMs = Math.max(segment.fromMs, hourMs);
    const endMs = Math.min(segment.toMs, atMs);
    if (startMs >= endMs) continue;
    const litres = cumulative(segment, endMs) - cumulative(segment, startMs);
    if (segment.quality === 'measured') measured += litres;
    else estimated += litres;
    if (segment.quality !== 'least') knownMs += endMs - startMs;
  }
  // Registers give integers already; a flow is summed over the hour in floats and rounded once.
  return { measuredLitres: Math.round(measured), estimatedLitres: Math.round(estimated), knownMs };
}

/** Litres of the segment until `atMs`: registers linear and rounded down, flow by the trapezoid of its linear rate. */
function cumulative(segment: Segment, atMs: number): number {
  const elapsedMs = atMs - segment.fromMs;
  const wholeMs = segment.toMs - segment.fromMs;
  if (segment.rates) {
    const [first, last] = segment.rates;
    return (first * elapsedMs + ((last - first) * elapsedMs * elapsedMs) / (2 * wholeMs)) / 1000;
  }
  return share(segment.litres, elapsedMs, wholeMs);
}

/** What of an hour has run so long after its start: even between its knots, and rounded down. */
export function partOfHour({ knots = [], measuredLitres, estimatedLitres, knownMs }: HourVolume, atMs: number): Run {
  let before: Knot = { elapsedMs: 0, measuredLitres: 0, estimatedLitres: 0, knownMs: 0 };
  let after: Knot = { elapsedMs: HOUR_MS, measuredLitres, estimatedLitres, knownMs };
  for (const knot of knots) {
    if (knot.elapsedMs <= atMs) before = knot;
    else if (knot.elapsedMs < after.elapsedMs) after = knot;
  }
  const even = (column: keyof Run) =>
    before[column] + share(after[column] - before[column], atMs - before.elapsedMs, after.elapsedMs - before.elapsedMs);
  return {
    measuredLitres: even('measuredLitres'),
    estimatedLitres: even('estimatedLitres'),
    knownMs: even('knownMs'),
  };
}

/** ⌊amount × part / whole⌋ for integers, exact also where the product is beyond 2^53. */
export function share(amount: number, part: number, whole: number): number {
  const product = amount * part;
  if (Number.isSafeInteger(product)) return Math.floor(product / whole);
  const exact = BigInt(amount) * BigInt(part);
  const quotient = exact / BigInt(whole);
  return Number(exact < 0n && quotient * BigInt(whole) !== exact ? quotient - 1n : quotient);
}
