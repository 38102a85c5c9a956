/** Which edition of a standard counts on a day: limits are effective-dated, so an old report keeps its old limits. */
import type { Standard } from '#model/reference.ts';

/**
 * The edition of `series` in force on `date` (ISO 8601, such as 2026-11-22): the newest that was effective by then.
 * Null before the first.
 */
export function editionAt(standards: Iterable<Standard>, series: string, date: string): Standard | null {
  let found: Standard | null = null;
  for (const standard of standards) {
    if (standard.series !== series || standard.effective > date) continue;
    if (found === null || standard.effective > found.effective) found = standard;
  }
  return found;
}
