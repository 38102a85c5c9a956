/**
 * QARTOD test 10, attenuated signal: a sensor that still moves, but less than the water does (fouled, or buried). As in
 * ioos_qc over the whole series, or over the stretch that ends with each reading.
 */
import { compareChange, settled } from '#model/decimal.ts';
import { FAIL, type Flag, GOOD, MISSING, NOT_EVALUATED, SUSPECT } from '#model/flag.ts';
import { slidingExtreme } from './flat-line.ts';

export interface AttenuatedSignal {
  /** Values of (t − period, t] are looked at; null = the whole series at once. */
  periodMs: number | null;
  /** Fewer values than this, and the test isn't made. */
  valuesMin: number;
  /** Moving less than this is suspect, failed. */
  suspect: number;
  fail: number;
}

/** By the range (highest less lowest) of a series in time order; null = missing. One pass. */
export function attenuatedRange(
  timesMs: readonly number[],
  values: readonly (number | null)[],
  test: AttenuatedSignal,
): Flag[] {
  if (test.periodMs === null) {
    const measured = measuredOf(values);
    return whole(values, measured.length, [Math.min(...measured), Math.max(...measured)], test);
  }
  const highest = slidingExtreme(values, (a, b) => a >= b);
  const lowest = slidingExtreme(values, (a, b) => a <= b);
  let from = 0;
  let seen = 0;
  return values.map((value, i) => {
    if (value !== null) {
      highest.add(i);
      lowest.add(i);
      seen++;
    }
    for (; timesMs[from]! <= timesMs[i]! - test.periodMs!; from++) if (values[from] !== null) seen--;
    if (value === null) return MISSING;
    return verdict(seen, [values[lowest.from(from)]!, values[highest.from(from)]!], test);
  });
}

/** By the standard deviation (of the population) of the whole series; null = missing. */
export function attenuatedDeviation(values: readonly (number | null)[], test: AttenuatedSignal): Flag[] {
  const measured = measuredOf(values);
  const mean = measured.reduce((sum, value) => sum + value, 0) / measured.length;
  const variance = measured.reduce((sum, value) => sum + (value - mean) ** 2, 0) / measured.length;
  return whole(values, measured.length, [0, settled(Math.sqrt(variance))], test);
}

function measuredOf(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function whole(values: readonly (number | null)[], seen: number, range: Range, test: AttenuatedSignal): Flag[] {
  const flag = verdict(seen, range, test);
  return values.map((value) => (value === null ? MISSING : flag));
}

type Range = readonly [lowest: number, highest: number];

function verdict(seen: number, [lowest, highest]: Range, { valuesMin, suspect, fail }: AttenuatedSignal): Flag {
  if (seen < valuesMin) return NOT_EVALUATED;
  if (compareChange(lowest, highest, fail) < 0) return FAIL;
  return compareChange(lowest, highest, suspect) < 0 ? SUSPECT : GOOD;
}
