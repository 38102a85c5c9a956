/**
 * The QARTOD tests that need another series: multivariate (test 9) and neighbour (11), and density inversion in a
 * profile. The manuals describe the first two without a formula (ioos_qc has neither); the readings of ours are stated
 * at each. Pure functions over two windows, each ascending by time; null = missing, or failed by itself.
 */
import { HOUR_MS } from '#model/calendar.ts';
import { compareChange, signOfSum } from '#model/decimal.ts';
import { FAIL, type Flag, GOOD, MISSING, NOT_EVALUATED, SUSPECT, worstFlag } from '#model/flag.ts';

/** A stretch of one series, ascending by time. */
export interface Window {
  timesMs: readonly number[];
  values: readonly (number | null)[];
}

/**
 * QARTOD test 9: a reading is suspect when it changed faster than `ratePerHour` since the one before, while the
 * other parameter of the same water changed no faster than `otherRatePerHour` over that time. Not evaluated without a
 * reading before (at most `holeMs`), or where the other series has no two readings near both (`holeMs / 2`).
 */
export function multivariate(
  own: Window,
  other: Window,
  test: { ratePerHour: number; otherRatePerHour: number; holeMs: number },
): Flag[] {
  const near = nearestValue(other, test.holeMs / 2);
  return own.values.map((value, i) => {
    if (value === null) return MISSING;
    const before = i > 0 ? own.values[i - 1]! : null;
    const elapsedMs = i > 0 ? own.timesMs[i]! - own.timesMs[i - 1]! : 0;
    if (before === null || elapsedMs > test.holeMs) return NOT_EVALUATED;
    const [then, now] = [near(own.timesMs[i - 1]!), near(own.timesMs[i]!)];
    // One reading of the other series for both says nothing of how it changed.
    if (then === null || now === null || then === now) return NOT_EVALUATED;
    // Crosswise, so that a change of exactly the rate is no faster.
    if (compareChange(before, value, test.ratePerHour, HOUR_MS, elapsedMs) <= 0) return GOOD;
    return compareChange(then.value, now.value, test.otherRatePerHour, HOUR_MS, elapsedMs) <= 0 ? SUSPECT : GOOD;
  });
}

/**
 * QARTOD test 11: a reading is suspect when it is further than `span` from what the neighbouring station measured
 * nearest in time. Not evaluated when that is more than `holeMs` away.
 */
export function neighbour(own: Window, other: Window, test: { span: number; holeMs: number }): Flag[] {
  const near = nearestValue(other, test.holeMs);
  return own.values.map((value, i) => {
    if (value === null) return MISSING;
    const there = near(own.timesMs[i]!);
    if (there === null) return NOT_EVALUATED;
    return compareChange(there.value, value, test.span) > 0 ? SUSPECT : GOOD;
  });
}

/** The value nearest in time, the earlier of two equally near; null when none is within `withinMs`. */
function nearestValue({ timesMs, values }: Window, withinMs: number) {
  const measured: { timeMs: number; value: number }[] = [];
  for (const [i, value] of values.entries()) if (value !== null) measured.push({ timeMs: timesMs[i]!, value });
  return (timeMs: number): { timeMs: number; value: number } | null => {
    let low = 0;
    let high = measured.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (measured[middle]!.timeMs < timeMs) low = middle + 1;
      else high = middle;
    }
    const [before, after] = [measured[low - 1], measured[low]];
    const isBefore = before && (!after || timeMs - before.timeMs <= after.timeMs - timeMs);
    const nearest = isBefore ? before : after;
    return nearest && Math.abs(nearest.timeMs - timeMs) <= withinMs ? nearest : null;
  };
}

/**
 * Density inversion in a profile: water that lies deeper is no lighter. Both ends of a step are flagged when the density
 * along increasing depth changes by less than `suspect`, `fail` (negative, kg/m³); what follows a missing value is
 * missing too.
 */
export function densityInversion(
  depthsMetres: readonly number[],
  densities: readonly (number | null)[],
  { suspect, fail }: { suspect: number; fail: number },
): Flag[] {
  const flags: Flag[] = densities.map((density) => (density === null ? MISSING : GOOD));
  for (let i = 1; i < densities.length; i++) {
    const [above, here] = [densities[i - 1]!, densities[i]!];
    if (above === null) flags[i] = MISSING;
    if (above === null || here === null) continue;
    const sign = Math.sign(depthsMetres[i]! - depthsMetres[i - 1]!);
    const isBelow = (threshold: number) =>
      signOfSum([
        [sign, here],
        [-sign, above],
        [-1, threshold],
      ]) < 0;
    const flag = isBelow(fail) ? FAIL : isBelow(suspect) ? SUSPECT : GOOD;
    if (flag === GOOD) continue;
    flags[i] = worstFlag(flags[i]!, flag);
    flags[i - 1] = worstFlag(flags[i - 1]!, flag);
  }
  return flags;
}
