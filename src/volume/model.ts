/** What meters' reads become on the way to hourly litres: segments and gaps, then hours. */
import type { GapMethod } from '#model/register.ts';
import type { Decision } from './decisions.ts';

/** Volume between two good reads, in litres, positive along the meter's direction. */
export interface Segment {
  fromMs: number;
  toMs: number;
  /** Registers: exact integer litres. Flow: float, from the two rates. */
  litres: number;
  /** Litres per second at both ends, for flow: inside, the rate is linear. Null for registers: inside, volume is linear. */
  rates: readonly [number, number] | null;
  /**
   * `estimated`: the ends are further apart than `maxGap`, so that the timing (flow: also the amount) is a guess. `least`:
   * so much ran, and perhaps more; an estimate whose time stays unknown.
   */
  quality: 'measured' | 'estimated' | 'least';
}

/**
 * `total`: between two good reads of a register the amount is known, only its timing is estimated; not so where it may
 * have turned over (`turn`) or been zeroed by schedule (`zeroed`) in between. `beyond`: too long for an estimate of a flow.
 */
export interface Gap {
  fromMs: number;
  toMs: number;
  method: GapMethod | 'total' | 'turn' | 'zeroed' | 'beyond';
  /** Null: unknown, or to be taken from the other meter. */
  litres: number | null;
  /** The readings at both ends: litres of a register, litres per second of a flow. */
  before: number;
  after: number;
}

export interface Folded {
  segments: Segment[];
  decisions: Decision[];
  gaps: Gap[];
}

/** What has run since some instant, and for how much of the time since then it is known. */
export interface Run {
  measuredLitres: number;
  estimatedLitres: number;
  /** Covered by segments of which not only the least amount is known. */
  knownMs: number;
}

/** What has run by an instant inside an hour at which the water changes hands. */
export interface Knot extends Run {
  /** Since the hour began. */
  elapsedMs: number;
}

/** One hour of one meter. Hours without a row are wholly unknown. */
export interface HourVolume extends Run {
  hourMs: number;
  /** Ascending; between them, and without any, the hour is even. */
  knots?: readonly Knot[];
}
