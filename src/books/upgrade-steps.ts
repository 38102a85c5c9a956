/**
 * What the first start of a new program finds out in an installation that an older one has filled, once, before its books
 * are counted anew: what an operator has to know or to set before figures change. Each step reads and says sentences; they
 * go into the log (`recount.begun`), the platform alarm `books.recounting` and `/readyz`.
 */

import type { OpenJournalReader } from '#journal/reader.ts';
import type { Control } from '#journal/registers.ts';
import type { Reference } from '#model/reference.ts';
import { lettersWithoutMeaning } from '#readings/letters-in-use.ts';
import type { ReadingStore } from '#readings/store.ts';
import type { Database } from '#src/sqlite.ts';

export interface UpgradeParts {
  derived: Database;
  store: ReadingStore;
  reader: OpenJournalReader;
  reference: Reference;
  /** The registers as the books know them. */
  control: Control;
}

interface UpgradeStep {
  /** Taken when the books are by older rules than these (src/model/counting-rules.ts). */
  rules: number;
  /** Changes nothing; may be run again when the process dies in it. @returns sentences; none when there is nothing to say. */
  run(parts: UpgradeParts): Promise<string[]>;
}

/** In the order of their rules; a step that was ever released stays. */
const UPGRADE_STEPS: readonly UpgradeStep[] = [{ rules: 2, run: lettersWithoutMeaning }];

/** @throws what a step throws, a StoreError while the store is away: then it is tried again. */
export async function runUpgradeSteps(fromRules: number, parts: UpgradeParts): Promise<string[]> {
  const found: string[] = [];
  for (const { rules, run } of UPGRADE_STEPS) if (fromRules < rules) found.push(...(await run(parts)));
  return found;
}
