/** What an engineer types, and what may be chosen: the amounts of a plan, the periods that can be closed. */
import { localTime, transferYearName, transferYearOf } from '../core/zone.ts';

const MONTHS = 13;
const YEARS = 2;

/** Months and transfer years that are over and not closed; newest first, months before transfer years. */
export function closablePeriods(nowMs: number, closed: ReadonlySet<string>): string[] {
  const { year, month } = localTime(nowMs);
  const months = Array.from({ length: MONTHS }, (_, index) =>
    new Date(Date.UTC(year, month - 2 - index, 1)).toISOString().slice(0, 7),
  );
  const present = transferYearOf(nowMs);
  const years = Array.from({ length: YEARS }, (_, index) => transferYearName(present - 1 - index));
  return [...months, ...years].filter((period) => !closed.has(period));
}

/** `1 200, 300 …`: amounts between blanks, commas or semicolons. */
export function amountsOf(text: string): number[] {
  return text
    .split(/[\s,，;；、]+/)
    .filter((part) => part !== '')
    .map(Number);
}
