/**
 * QARTOD test 5, climatology: what is usual at this time of the year. As in ioos_qc the last member that the reading
 * belongs to decides, all spans are inclusive, and a reading that belongs to none is not evaluated.
 */
import { FAIL, type Flag, GOOD, NOT_EVALUATED, SUSPECT } from '#model/flag.ts';

type Span = readonly [low: number, high: number];

/** What is usual at some time; `suspect`, `fail` = outside of which a value is suspect, failed. */
export interface ClimatologyMember {
  /** Months 1 to 12, both included; [11, 2] is the winter. UTC: a season doesn't begin on the hour. */
  months?: Span | undefined;
  /** Epoch ms, both included. */
  timesMs?: Span | undefined;
  /** Only for readings at a depth in this span, in metres. */
  depthMetres?: Span | undefined;
  suspect: Span;
  fail?: Span | undefined;
}

/** @param depthMetres where the value was measured; null = unknown, and members that ask for a depth don't count. */
export function climatology(
  timeMs: number,
  value: number,
  members: readonly ClimatologyMember[],
  depthMetres: number | null = null,
): Flag {
  let flag: Flag = NOT_EVALUATED;
  for (const member of members) {
    if (!isWithin(member, timeMs, depthMetres)) continue;
    if (member.fail && isOutside(value, member.fail)) flag = FAIL;
    else flag = isOutside(value, member.suspect) ? SUSPECT : GOOD;
  }
  return flag;
}

function isWithin(member: ClimatologyMember, timeMs: number, depth: number | null): boolean {
  if (member.timesMs && isOutside(timeMs, member.timesMs)) return false;
  if (member.depthMetres && (depth === null || isOutside(depth, member.depthMetres))) return false;
  if (!member.months) return true;
  const month = new Date(timeMs).getUTCMonth() + 1;
  const [first, last] = member.months;
  return first <= last ? month >= first && month <= last : month >= first || month <= last;
}

function isOutside(value: number, [low, high]: Span): boolean {
  return value < low || value > high;
}
