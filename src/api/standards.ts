/** The editions of GB 3838 by date: a period is assessed by what was in force on its last day. */

import type { ApiDeps } from '#api/deps.ts';
import { Problem } from '#api/problems.ts';
import { editionAt } from '#assess/standards.ts';
import type { Standard } from '#model/reference.ts';

const SURFACE_WATER = 'gb3838';

/** @throws Problem `range.invalid` for a day before the first edition that the reference data hold. */
export function surfaceWaterEdition({ reference }: Pick<ApiDeps, 'reference'>, date: string): Standard {
  const standard = editionAt(reference.standards.values(), SURFACE_WATER, date);
  if (standard) return standard;
  throw new Problem('range.invalid', `No edition of GB 3838 that the reference data hold was in force on ${date}.`);
}

/** The installation's date. */
export function today({ clock, config }: Pick<ApiDeps, 'clock' | 'config'>): string {
  return Temporal.Instant.fromEpochMilliseconds(clock.nowMs())
    .toZonedDateTimeISO(config.timeZone)
    .toPlainDate()
    .toString();
}
