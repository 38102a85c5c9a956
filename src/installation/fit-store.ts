/**
 * Whether a reading store on a server still has what it was given, asked whenever it was checked (docs/decisions/0022): its
 * mark says how far it had been written, derived.db how far that was said to it. What it lost is written again from the journal.
 */
import { Cursor } from '#journal/cursor.ts';
import { readInstallation } from '#journal/installation.ts';
import type { Loss } from '#journal/losses.ts';
import type { ReadingStore, StoreMark } from '#readings/store.ts';
import { type Database, openReadOnly, StoreError, transaction } from '#src/sqlite.ts';
import { findStoreLoss, mendDerived, storeLoss } from './fit-losses.ts';

/** The cursor that says through which entry the store was marked; none in installations that never marked one. */
const MARKED_CURSOR = 'marked';

/** A loss that is not in the journal's list yet. */
export interface UntoldLoss extends Loss {
  id: number;
}

export interface StoreFit {
  /**
   * Before anything is settled or computed against a store. True: it had lost entries, and the cursor `readings` in derived.db
   * has gone back. Rejects with what keeps the store from being used.
   */
  compare(): Promise<boolean>;
  /** As `compare`, after asking the store anew, and marks it; not while anything else writes it. */
  keep(): Promise<boolean>;
  /** Until `told`, also after a crash in between. */
  untold(): UntoldLoss[];
  told(id: number): void;
}

export interface StoreFitOptions {
  derived: Database;
  journalPath: string;
  store: ReadingStore;
  /** How it is called when something is told of it. */
  storeName: string;
}

export function createStoreFit({ derived, journalPath, store, storeName }: StoreFitOptions): StoreFit {
  const own = readInstallation(derived);
  const markedSeq = derived.prepare(`SELECT seq FROM cursor WHERE follower = '${MARKED_CURSOR}'`);
  const saveMarked = (seq: number) => new Cursor(derived, MARKED_CURSOR).save(seq);
  const losses = openStoreLosses(derived);
  const confirmed = derived.prepare(
    `SELECT coalesce(min(seq), 0) AS seq, count(*) AS n, EXISTS (SELECT 1 FROM reflag) AS waits FROM cursor
     WHERE follower IN ('readings', 'books')`,
  );
  /** What was compared last: each check of the store gives another object. */
  let compared: { found: StoreMark | null } | undefined;

  function fits(): boolean {
    const marked = store.mark?.();
    if (marked === undefined || marked === compared) return true;
    const known = (markedSeq.get() as { seq: number } | undefined)?.seq;
    const isFitting = known === undefined || !own || writeLostAgain(marked.found, known);
    compared = marked;
    return isFitting;
  }

  /** @returns false when the store is behind what it was said to have: then it is to be written again. */
  function writeLostAgain(found: StoreMark | null, known: number): boolean {
    const journal = openReadOnly(journalPath);
    try {
      const heldSeq = found === null ? 0 : Math.min(found.seq, branchSeq(journal, found.generation));
      if (heldSeq >= known) return true;
      const files = { journal, derived, readings: null };
      const findings = findStoreLoss(files, heldSeq, storeName);
      const loss = storeLoss(files, findings);
      transaction(derived, () => {
        mendDerived(derived, findings);
        saveMarked(heldSeq);
        losses.keep(loss);
      });
      return false;
    } finally {
      journal.close();
    }
  }

  /** Through which entry final flags, too, are in the store; null: that can't be said now. */
  function confirmedSeq(): number | null {
    const { seq, n, waits } = confirmed.get() as { seq: number; n: number; waits: number };
    return n < 2 || waits === 1 ? null : seq;
  }

  return {
    async compare() {
      if (!store.mark) return false;
      if (!store.capabilities?.()) await check(store);
      return !fits();
    },
    async keep() {
      if (!store.mark || !store.keepMark || !own) return false;
      await check(store);
      if (!fits()) return true;
      const seq = confirmedSeq();
      const found = compared?.found;
      if (seq === null || found === undefined) return false;
      if (found?.seq === seq && found.generation === own.generation) return false;
      await store.keepMark({ ...own, seq });
      transaction(derived, () => saveMarked(seq));
      compared = store.mark();
      return false;
    },
    untold: losses.untold,
    told: losses.told,
  };
}

async function check(store: ReadingStore): Promise<void> {
  const trouble = (await store.check?.()) ?? null;
  if (trouble) throw new StoreError(trouble.condition, trouble.detail, true);
}

function openStoreLosses(derived: Database) {
  const insert = derived.prepare('INSERT INTO storeLoss (firstSeq, lastSeq, toMs, detail) VALUES (?, ?, ?, ?)');
  const select = derived.prepare('SELECT id, firstSeq, lastSeq, toMs, detail FROM storeLoss ORDER BY id');
  const remove = derived.prepare('DELETE FROM storeLoss WHERE id = ?');
  return {
    keep({ firstSeq, lastSeq, toMs, detail }: Loss): void {
      insert.run(firstSeq, lastSeq, toMs, detail);
    },
    untold: () => select.all().map((row) => ({ condition: 'readings.lost', ...row }) as unknown as UntoldLoss),
    told(id: number): void {
      remove.run(id);
    },
  };
}

/** The last entry that is the same in the generation of a mark and in today's. */
function branchSeq(journal: Database, generation: number): number {
  const { seq } = journal.prepare('SELECT min(firstSeq) AS seq FROM batch WHERE generation > ?').get(generation) as {
    seq: number | null;
  };
  return seq === null ? Number.POSITIVE_INFINITY : seq - 1;
}
