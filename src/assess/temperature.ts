/** GB 3838-2002 table 1 no. 1: how far man may change the water's temperature. A rule of changes, not of readings. */
import type { TargetClass } from '#model/class.ts';
import type { Standard } from '#model/reference.ts';
import { changeLimit } from './classify.ts';

export interface TemperatureRule {
  /** K, a rise positive. */
  change: number;
  rise: number;
  drop: number;
  isMet: boolean;
}

/**
 * @param change the weekly mean against what it would be without man, K; the standard doesn't say how that is known, so it
 *   has to be given. Null when the standard has no such rule.
 */
export function temperatureRule(standard: Standard, target: TargetClass, change: number): TemperatureRule | null {
  const item = standard.items.find(({ op }) => op === 'delta');
  const limit = item ? changeLimit(item, target) : null;
  return limit && { change, ...limit, isMet: change <= limit.rise && -change <= limit.drop };
}
