/** Entries of the journal that can't be read are parked by each follower that hasn't passed them: listed, alarmed, passed over. */

import { type DamagedBatch, inWords } from '#journal/batch-reader.ts';
import { Cursor } from '#journal/cursor.ts';
import type { FollowerName } from '#model/entry.ts';
import type { Clock } from '#src/clock.ts';
import { type Database, transaction } from '#src/sqlite.ts';

const FOLLOWERS: readonly FollowerName[] = ['readings', 'books', 'alerts'];

/** @returns what parks the first entry of each stretch that can't be read, durably; those that are parked stay as they are. */
export function openDamageParking(derived: Database, clock: Clock): (damage: DamagedBatch) => void {
  const insert = derived.prepare('INSERT OR IGNORE INTO parked (follower, seq, atMs, error) VALUES (?, ?, ?, ?)');
  return ({ stretches, detail }) => {
    transaction(derived, () => {
      for (const follower of FOLLOWERS) {
        const passed = new Cursor(derived, follower).seq;
        for (const stretch of stretches) {
          if (stretch.lastSeq <= passed) continue;
          insert.run(follower, stretch.firstSeq, clock.nowMs(), `${inWords(stretch)} can't be read: ${detail}`);
        }
      }
    });
  };
}
