/** Which months and transfer years an engineer may be offered to close: those that are over and not closed. */
import { localTime, transferYearName, transferYearOf } from '../core/zone.ts';

const MONTHS = 13;
const YEARS = 2;

/** Newest first, months before transfer years. */
export function closablePeriods(nowMs: number, closed: ReadonlySet<string>): string[] {
  const { year, month } = localTime(nowMs);
  const months = Array.from({ length: MONTHS }, (_, index) =>
    new Date(Date.UTC(year, month - 2 - index, 1)).toISOString().slice(0, 7),
  );
  const present = transferYearOf(nowMs);
  const years = Array.from({ length: YEARS }, (_, index) => transferYearName(present - 1 - index));
  return [...months, ...years].filter((period) => !closed.has(period));
}
