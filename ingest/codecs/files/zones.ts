/**
 * From local times to instants. In a zone with daylight saving some local times happen twice and some never: both are
 * told, not guessed.
 */
import { offsetMsOf } from './dates.ts';
import { FileUndecided, shown } from './file-problem.ts';

/** One instant; two (a local time that comes twice, earlier first); none (the clock skips it). */
export type Instants = readonly number[];

const HOUR_MS = 3_600_000;
const CACHE_MAX = 20_000;
const FIXED = /^(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$/i;

/**
 * @param tz `±HH:MM`, `Z` or an IANA zone.
 * @returns instants of a local time that is written as if it were UTC.
 * @throws FileUndecided `tz` for a zone that there isn't.
 */
export function zoneReader(tz: string): (localMs: number) => Instants {
  if (FIXED.test(tz)) {
    const offsetMs = /^[+-]/.test(tz) ? offsetMsOf(tz) : 0;
    return (localMs) => [localMs - offsetMs];
  }
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(tz);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FileUndecided('tz', {
      zh: `tz：“${shown(tz)}”既不是 ±HH:MM，也不是 America/Denver 这样的时区名。`,
      en: `--tz: "${shown(tz)}" is neither ±HH:MM nor a zone such as America/Denver`,
    });
  }
  return cached(tz);
}

/** Asking the zone is slow; the offset is the same within nearly every hour. */
function cached(tz: string): (localMs: number) => Instants {
  const offsets = new Map<number, number | null>();
  return (localMs) => {
    const hour = Math.floor(localMs / HOUR_MS);
    let offset = offsets.get(hour);
    if (offset === undefined) {
      if (offsets.size >= CACHE_MAX) offsets.clear();
      const [first, last] = [hour * HOUR_MS, hour * HOUR_MS + HOUR_MS - 1];
      const [a, b] = [instantsOf(first, tz), instantsOf(last, tz)];
      offset = a.length === 1 && b.length === 1 && first - a[0]! === last - b[0]! ? first - a[0]! : null;
      offsets.set(hour, offset);
    }
    return offset === null ? instantsOf(localMs, tz) : [localMs - offset];
  };
}

function instantsOf(localMs: number, tz: string): Instants {
  const plain = Temporal.Instant.fromEpochMilliseconds(localMs).toZonedDateTimeISO('UTC').toPlainDateTime();
  const earlier = plain.toZonedDateTime(tz, { disambiguation: 'earlier' });
  const later = plain.toZonedDateTime(tz, { disambiguation: 'later' });
  if (earlier.epochMilliseconds === later.epochMilliseconds) return [earlier.epochMilliseconds];
  return earlier.toPlainDateTime().equals(plain) ? [earlier.epochMilliseconds, later.epochMilliseconds] : [];
}
