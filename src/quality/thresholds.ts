/**
 * The quality thresholds that count for one series: what an engineer set for the station, else the parameter's
 * default. Provisional flags (at the door) and final flags (at the hour's close) both start from here.
 */
import type { Letters } from '#model/dialect.ts';
import { durationMs } from '#model/duration.ts';
import type { Parameter } from '#model/reference.ts';
import type { Station } from '#model/register.ts';
import type { AttenuatedSignal } from './attenuated.ts';
import type { ClimatologyMember } from './climatology.ts';
import type { FlatLine } from './flat-line.ts';

/** Assumed between two readings of a series for which no interval is expected; contracts §4 "young is one hour". */
export const UNSTATED_INTERVAL_MS = 3_600_000;

/** Readings further apart than this many intervals are not neighbours: a hole lies between them (contracts §4 "Holding"). */
const HOLE_INTERVALS = 3;

/** All values in the parameter's canonical unit; `null` = this test is not made. Spans are inclusive. */
export interface Thresholds {
  fail: readonly [low: number, high: number] | null;
  suspect: readonly [low: number, high: number] | null;
  /** Change per hour beyond which a reading is suspect, failed. */
  ratePerHour: readonly [suspect: number, fail: number] | null;
  /**
   * A change no larger than this is never a matter of rate, however fast it was. 0 when an engineer set the rate;
   * with the parameter's default it is the default spike threshold, or any small step would fail at a short interval.
   */
  rateLeastStep: number;
  spike: readonly [suspect: number, fail: number] | null;
  flat: Readonly<FlatLine> | null;
  /** What is usual at the time of the year; only a station knows. */
  climatology?: readonly ClimatologyMember[] | undefined;
  /** Only a station knows; final flags only, since the door doesn't remember so much. */
  attenuated?: Readonly<AttenuatedSignal> | undefined;
  /** Another parameter of the same water, which should move with this one (test 9); final flags only. */
  multivariate?: { with: string; ratePerHour: number; otherRatePerHour: number } | undefined;
  /** Another station, which should measure much the same (test 11); final flags only. */
  neighbour?: { station: string; span: number } | undefined;
  /** What device letters mean here, before what they mean everywhere (`src/model/flag.ts`). */
  letters?: Letters | undefined;
  /** What is sent below it is censored. */
  detectionLimit?: number | undefined;
  /** Expected between two readings; `UNSTATED_INTERVAL_MS` when the station doesn't say. */
  intervalMs: number;
  /** Neighbours further apart than this have a hole between them. */
  holeMs: number;
}

/**
 * Thresholds of `parameter` at `station`; each test is overridden as a whole, never half.
 * @param letters the dialect that counts at the station
 */
export function effectiveThresholds(
  parameter: Parameter,
  station: Station | undefined,
  letters: Letters | undefined = undefined,
): Thresholds {
  const listed = station?.parameters.find((entry) => entry.id === parameter.id);
  const own = listed?.qc;
  const defaults = parameter.qc;
  const intervalMs = (listed?.interval === undefined ? 0 : durationMs(listed.interval)) || UNSTATED_INTERVAL_MS;
  return {
    fail: own?.fail ?? defaults.fail,
    suspect: own?.suspect ?? defaults.suspect,
    ratePerHour: own?.ratePerHour ?? defaults.ratePerHour,
    rateLeastStep: own?.ratePerHour ? 0 : (defaults.spike?.[0] ?? 0),
    spike: own?.spike ?? defaults.spike,
    flat: own?.flat ? flatOf(own.flat) : defaults.flat,
    climatology: own?.climatology,
    attenuated: own?.attenuated && attenuatedOf(own.attenuated, intervalMs),
    multivariate: own?.multivariate,
    neighbour: own?.neighbour,
    letters,
    detectionLimit: detectionLimitOf(parameter, station),
    intervalMs,
    holeMs: HOLE_INTERVALS * intervalMs,
  };
}

/** Below what a parameter is not found at a station, canonical unit; undefined: nobody has said. */
export function detectionLimitOf(parameter: Parameter, station: Station | undefined): number | undefined {
  const listed = station?.parameters.find((entry) => entry.id === parameter.id);
  return listed?.detectionLimit ?? parameter.detectionLimit;
}

type OwnThresholds = NonNullable<Station['parameters'][number]['qc']>;

function flatOf({ suspect, fail, ...rest }: NonNullable<OwnThresholds['flat']>): FlatLine {
  return { ...rest, suspectMs: durationMs(suspect), failMs: durationMs(fail) };
}

/** Of three values nothing can be said; half of what the interval promises must be there. */
function attenuatedOf(
  { period, suspect, fail }: NonNullable<OwnThresholds['attenuated']>,
  intervalMs: number,
): AttenuatedSignal {
  const periodMs = durationMs(period);
  return { periodMs, valuesMin: Math.max(4, Math.ceil(periodMs / intervalMs / 2)), suspect, fail };
}
