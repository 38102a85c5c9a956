/**
 * What a reading of a concentration stands for, and what the water of an hour carried by it. A reading stands for
 * `[time, time + interval)`, at most to the next one; where the dialect stamps the end of what was measured, for
 * `(time − interval, time]`, at most back to the one before. Time that no reading stands for is never guessed.
 */
import { HOUR_MS } from '#model/calendar.ts';

/** Usable readings, ascending. */
export interface Concentration {
  timeMs: number;
  /** mg/L. */
  value: number;
}

/** One value for a stretch of time; stretches ascend and don't overlap. */
export interface Stand {
  startMs: number;
  endMs: number;
  value: number;
}

export type Stamps = 'start' | 'end';

export function stands(readings: readonly Concentration[], intervalMs: number, stamps: Stamps): Stand[] {
  return readings.map(({ timeMs, value }, index) => {
    if (stamps === 'end') {
      const beforeMs = readings[index - 1]?.timeMs ?? Number.NEGATIVE_INFINITY;
      return { startMs: Math.max(timeMs - intervalMs, beforeMs), endMs: timeMs, value };
    }
    const nextMs = readings[index + 1]?.timeMs ?? Number.POSITIVE_INFINITY;
    return { startMs: timeMs, endMs: Math.min(timeMs + intervalMs, nextMs), value };
  });
}

/** The valid readings of an hour, from the books. */
export interface HourMean {
  hourMs: number;
  mean: number;
  valid: number;
}

/**
 * The same where readings come at least hourly: the mean of an hour's readings stands for as much of the hour as they do
 * together. Without an interval a reading stands for its hour.
 */
export function standsOfHours(hours: readonly HourMean[], intervalMs: number | null, stamps: Stamps): Stand[] {
  const earlierMs = stamps === 'end' ? (intervalMs ?? 0) : 0;
  return hours.map(({ hourMs, mean, valid }) => {
    const lengthMs = intervalMs === null ? HOUR_MS : Math.min(valid * intervalMs, HOUR_MS);
    return { startMs: hourMs - earlierMs, endMs: hourMs - earlierMs + lengthMs, value: mean };
  });
}

export interface Carried {
  /** Time-weighted mean over the time that is stood for; null where that is none. */
  value: number | null;
  coveredMs: number;
}

/** Asked for hours in their order: what was found for one isn't looked through again. */
export function concentrationByHour(list: readonly Stand[]): (hourMs: number) => Carried {
  let first = 0;
  return (hourMs) => {
    while (first < list.length && list[first]!.endMs <= hourMs) first++;
    let [coveredMs, sum] = [0, 0];
    for (let at = first; at < list.length && list[at]!.startMs < hourMs + HOUR_MS; at++) {
      const { startMs, endMs, value } = list[at]!;
      const ms = Math.min(endMs, hourMs + HOUR_MS) - Math.max(startMs, hourMs);
      coveredMs += ms;
      sum += value * ms;
    }
    return { value: coveredMs === 0 ? null : sum / coveredMs, coveredMs };
  };
}
