/**
 * The journal's list of what was found to be gone: at a start by fit-files.ts, or when somebody reads what is damaged. Told by
 * the service.
 */
import type { PlatformCondition } from '#model/alarms/platform.ts';
import type { Database } from '#src/sqlite.ts';

/** Entries `firstSeq` to `lastSeq` are concerned; nothing later was received than `toMs`. */
export interface Loss {
  condition: Extract<PlatformCondition, 'journal.lost' | 'journal.damaged' | 'readings.lost' | 'derived.lost'>;
  firstSeq: number;
  lastSeq: number;
  toMs: number;
  /** What is gone, in words. */
  detail: string;
}

export interface KnownLoss extends Loss {
  id: number;
  atMs: number;
}

/** In the caller's transaction. */
export function keepLoss(journal: Database, loss: Loss, atMs: number): void {
  journal
    .prepare('INSERT INTO loss (atMs, condition, firstSeq, lastSeq, toMs, detail) VALUES (?, ?, ?, ?, ?, ?)')
    .run(atMs, loss.condition, loss.firstSeq, loss.lastSeq, loss.toMs, loss.detail);
}

/** Keeps a loss that is not in the list yet. */
export function noteLoss(journal: Database, loss: Loss, atMs: number): void {
  const known = journal.prepare('SELECT 1 FROM loss WHERE condition = ? AND firstSeq = ? AND lastSeq = ? AND toMs = ?');
  if (known.get(loss.condition, loss.firstSeq, loss.lastSeq, loss.toMs) === undefined) keepLoss(journal, loss, atMs);
}

/** Losses whose alarms are not in the journal yet, the oldest first. */
export function untoldLosses(journal: Database): KnownLoss[] {
  return journal
    .prepare('SELECT id, atMs, condition, firstSeq, lastSeq, toMs, detail FROM loss WHERE told = 0 ORDER BY id')
    .all() as unknown as KnownLoss[];
}

export function lossTold(journal: Database, id: number): void {
  journal.prepare('UPDATE loss SET told = 1 WHERE id = ?').run(id);
}
