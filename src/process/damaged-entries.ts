/** Entries of the journal that can't be read are parked by each follower that hasn't passed them: listed, alarmed, passed over. */

import { type DamagedBatch, inWords } from '#journal/batch-reader.ts';
import { Cursor } from '#journal/cursor.ts';
import type { Parked } from '#journal/parked.ts';
import type { FollowerName } from '#model/entry.ts';
import type { Clock } from '#src/clock.ts';
import { type Database, transaction } from '#src/sqlite.ts';

const FOLLOWERS: readonly FollowerName[] = ['readings', 'books', 'alerts'];

/** @returns what parks the first entry of each stretch that can't be read, durably; those that are parked stay as they are. */
export function damageParking(
  derived: Database,
  parked: Pick<Parked, 'keep'>,
  clock: Clock,
): (damage: DamagedBatch) => void {
  return ({ stretches, detail }) => {
    transaction(derived, () => {
      for (const follower of FOLLOWERS) {
        const passed = new Cursor(derived, follower).seq;
        for (const stretch of stretches) {
          if (stretch.lastSeq <= passed) continue;
          const error = `${inWords(stretch)} can't be read: ${detail}`;
          parked.keep({ follower, seq: stretch.firstSeq, atMs: clock.nowMs(), error });
        }
      }
    });
  };
}
