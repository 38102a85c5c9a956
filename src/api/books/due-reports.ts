/** What is to be reported or closed and isn't yet: for the list of reports, and for whoever makes them. */

import type { ApiDeps } from '#api/deps.ts';
import { type DuePeriod, duePeriods } from '#volume/due-periods.ts';

export interface DutyParts {
  config: Pick<ApiDeps['config'], 'timeZone' | 'allowedLatenessMs'>;
  control: Pick<ApiDeps['control'], 'get'>;
  journal: Pick<ApiDeps['journal'], 'receivedNowMs'>;
  reader: Pick<ApiDeps['reader'], 'firstPutMs'>;
}

/**
 * Oldest first. Accounts begin when the first meter is registered: before that there was nothing to count, and history
 * that is imported later is closed by hand, by who knows that it is complete.
 * @param doneMs nothing that ended by then is asked for.
 */
export function dueReports({ config, control, journal, reader }: DutyParts, doneMs = 0): DuePeriod[] {
  const begunMs = reader.firstPutMs('meter');
  if (begunMs === null) return [];
  const { timeZone, allowedLatenessMs } = config;
  const sinceMs = Math.max(begunMs, doneMs);
  return duePeriods({ sinceMs, nowMs: journal.receivedNowMs(), allowedLatenessMs, timeZone }).filter(
    ({ kind, name }) => control.get(kind === 'day' ? 'report' : 'period', name) === undefined,
  );
}
