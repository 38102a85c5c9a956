/** Stamps (Tp): second, minute, hour, day and a delay in 2016, with month and year since 2021. */
import type { Fault } from '#model/faults.ts';
import { beijingMs, beijingParts, twoDigits } from '../bcd.ts';

export const LENGTHS = { szy206: 5, slt427: 7 } as const;
export type Edition = keyof typeof LENGTHS;

/** A clock may be that far ahead of ours before its day is taken for one of the month before. */
const AHEAD_MS = 600_000;

/**
 * Epoch ms of a stamp of 5 or 7 bytes. Without month and year it is the latest such day and time that isn't after the
 * arrival: of the month before, or the one before that, where this one hasn't come so far or has no such day.
 */
export function stampOf(stamp: Uint8Array, arrivalMs: number): number | Fault {
  const [second, minute, hour, day] = [...stamp.subarray(0, 4)].map(twoDigits);
  const found =
    stamp.length === LENGTHS.slt427
      ? beijingMs(twoDigits(stamp[5]), twoDigits(stamp[4]), day!, hour!, minute!, second!)
      : latest(arrivalMs, (year, month) => beijingMs(year, month, day!, hour!, minute!, second!));
  if (found !== null) return found;
  const shown = Buffer.from(stamp).toString('hex').toUpperCase();
  return { code: 'time.malformed', message: `${shown} is no stamp: set the clock of the station.` };
}

function latest(arrivalMs: number, of: (year: number, month: number) => number | null): number | null {
  const [year, month] = beijingParts(arrivalMs + AHEAD_MS);
  // February may lack the day, and so may the month before July; three months back always have it.
  for (let back = 0; back < 3; back++) {
    const months = year * 12 + month - 1 - back;
    const ms = of(Math.floor(months / 12), (months % 12) + 1);
    if (ms !== null && ms <= arrivalMs + AHEAD_MS) return ms;
  }
  return null;
}
