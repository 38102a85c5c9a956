/**
 * One number for several samples, made before anything is classed: classes are never averaged (环办[2011]22号). pH through
 * [H⁺], coliforms geometrically, half the detection limit for what wasn't found.
 */

import { settled } from '#model/decimal.ts';
import { folded, unfolded } from '#model/mean.ts';
import type { MeanKind, Parameter } from '#model/reference.ts';
import { counted, type Measured, written } from './judge.ts';

export interface PeriodMean {
  /** Not found in any sample: the largest of the detection limits. Null: nothing usable. */
  value: Measured;
  /** Samples that it is of. */
  samples: number;
  /** Neither missing nor usable: not finite, or below what can be (-1, -9999). */
  rejected: number;
  belowDetection: number;
}

/** @param samples in any order, canonical unit. Deterministic: values are added in ascending order. */
export function periodMean(samples: readonly Measured[], { mean, qc }: Pick<Parameter, 'mean' | 'qc'>): PeriodMean {
  const least = qc.fail?.[0] ?? Number.NEGATIVE_INFINITY;
  const used: number[] = [];
  let rejected = 0;
  let belowDetection = 0;
  let detection = 0;
  for (const sample of samples) {
    if (sample === null) continue;
    const isBelow = typeof sample === 'object' && 'below' in sample;
    const given = written(sample);
    if (!Number.isFinite(given) || given < least) {
      rejected++;
      continue;
    }
    used.push(isBelow ? counted(sample) : given);
    if (isBelow) {
      belowDetection++;
      detection = Math.max(detection, given);
    }
  }
  const isNowhere = belowDetection > 0 && belowDetection === used.length;
  const value = isNowhere ? { below: detection } : meanOf(used, mean);
  return { value, samples: used.length, rejected, belowDetection };
}

/**
 * The mean of values that are means themselves (of months, of sections). Null for none. Settled, so that no noise decides a
 * tie of rounding: of seven times 0.505 it is 0.505, which rounds to 0.50, and not 0.5050000000000001, which rounds to 0.51.
 */
export function meanOf(values: readonly number[], kind: MeanKind): number | null {
  if (values.length === 0) return null;
  if (values.length === 1) return settled(values[0]!);
  const sum = values
    .map((value) => folded(value, kind))
    .sort((a, b) => a - b)
    .reduce((total, value) => total + value, 0);
  return settled(unfolded(sum / values.length, kind));
}
