/**
 * The QARTOD tests of a record before anyone looks at its value, as ioos_qc words them: when it came (test 1), in what
 * form (2), from where (3). Of these the service makes only the gap test, beside the roll-up: a hole says nothing
 * against the reading after it. Form is the codecs' business (what isn't understood goes to quarantine), stations don't
 * move, and a station's silence is an alarm, not a flag. All are here for whoever has such records.
 */
import { FAIL, type Flag, GOOD, MISSING, NOT_EVALUATED, SUSPECT } from '#model/flag.ts';

/**
 * QARTOD test 1, gap: 4 when a record comes more than `spanMs` after the one before. The first has the flag of the
 * second, for want of one before it. Null = no time: 9, and what follows it is not evaluated.
 */
export function timeGap(timesMs: readonly (number | null)[], spanMs: number): Flag[] {
  const flags = timesMs.map((timeMs, i): Flag => {
    if (timeMs === null) return MISSING;
    const before = timesMs[i - 1] ?? null;
    if (before === null) return NOT_EVALUATED;
    return timeMs - before > spanMs ? FAIL : GOOD;
  });
  if (flags.length > 1 && flags[0] !== MISSING) flags[0] = flags[1] === MISSING ? NOT_EVALUATED : flags[1]!;
  return flags;
}

/** QARTOD test 1, reception: 4 for a record that at `nowMs` is more than `spanMs` old. One from the future passes. */
export function dataReception(timeMs: number | null, nowMs: number, spanMs: number): Flag {
  if (timeMs === null) return MISSING;
  return nowMs - timeMs > spanMs ? FAIL : GOOD;
}

/** QARTOD test 2: a record has just so many fields. */
export function syntax(record: string, fields: number, delimiter: string): Flag {
  return record.split(delimiter).length === fields ? GOOD : FAIL;
}

/** Degrees, WGS 84. */
export interface Position {
  lat: number | null;
  lon: number | null;
}

/**
 * QARTOD test 3: 4 for what is no place on earth, or half of one; 9 for none; 3 when it is more than `hopMetresMax` from
 * the place before.
 */
export function location(positions: readonly Position[], hopMetresMax: number): Flag[] {
  return positions.map(({ lat, lon }, i) => {
    if (lat === null && lon === null) return MISSING;
    if (lat === null || lon === null || Math.abs(lat) > 90 || Math.abs(lon) > 180) return FAIL;
    const before = positions[i - 1];
    if (!before || before.lat === null || before.lon === null) return GOOD;
    return distanceMetres({ lat: before.lat, lon: before.lon }, { lat, lon }) > hopMetresMax ? SUSPECT : GOOD;
  });
}

/** Mean radius of the earth (IUGG). */
const EARTH_METRES = 6_371_008.8;

/** Great-circle distance (haversine): within 0.6 % of the ellipsoid's. */
function distanceMetres(from: { lat: number; lon: number }, to: { lat: number; lon: number }): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (a: number, b: number) => Math.sin(radians(b - a) / 2) ** 2;
  const chord =
    half(from.lat, to.lat) + Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * half(from.lon, to.lon);
  return 2 * EARTH_METRES * Math.asin(Math.min(1, Math.sqrt(chord)));
}
