/**
 * From segments to hourly integer litres, the only thing that volumes are ever added up from: any partition of a
 * period adds up to the period because every volume is a difference of the same cumulative function (invariant 4).
 */
import { HOUR_MS } from '#model/calendar.ts';
import type { Segment } from './segments.ts';

/** One hour of one meter. Hours without a row are wholly unknown. */
export interface HourVolume {
  hourMs: number;
  measuredLitres: number;
  estimatedLitres: number;
  /** How much of the hour is covered by segments of which not only the least amount is known. */
  knownMs: number;
}

/**
 * @param segments ascending, not overlapping; those outside the hours are ignored.
 * @returns the hours of [fromHourMs, toHourMs) that any segment touches, ascending.
 */
export function hourVolumes(segments: readonly Segment[], fromHourMs: number, toHourMs: number): HourVolume[] {
  const hours = new Map<number, { measured: number; estimated: number; knownMs: number }>();
  for (const segment of segments) {
    const startMs = Math.max(segment.fromMs, fromHourMs);
    const endMs = Math.min(segment.toMs, toHourMs);
    for (let atMs = startMs; atMs < endMs; ) {
      const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS;
      const untilMs = Math.min(hourMs + HOUR_MS, endMs);
      const hour = hours.get(hourMs) ?? { measured: 0, estimated: 0, knownMs: 0 };
      const litres = cumulative(segment, untilMs) - cumulative(segment, atMs);
      if (segment.quality === 'measured') hour.measured += litres;
      else hour.estimated += litres;
      if (segment.quality !== 'least') hour.knownMs += untilMs - atMs;
      hours.set(hourMs, hour);
      atMs = untilMs;
    }
  }
  return [...hours].map(([hourMs, { measured, estimated, knownMs }]) => ({
    hourMs,
    // Registers give integers already; a flow is summed over the hour in floats and rounded once.
    measuredLitres: Math.round(measured),
    estimatedLitres: Math.round(estimated),
    knownMs,
  }));
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

/** ⌊amount × part / whole⌋ for integers, exact also where the product is beyond 2^53. */
export function share(amount: number, part: number, whole: number): number {
  const product = amount * part;
  if (Number.isSafeInteger(product)) return Math.floor(product / whole);
  const exact = BigInt(amount) * BigInt(part);
  const quotient = exact / BigInt(whole);
  return Number(exact < 0n && quotient * BigInt(whole) !== exact ? quotient - 1n : quotient);
}
