/**
 * Hours whose statistics don't say what the store says: each reading that settles marks its hour, and the `books`
 * follower computes the marked hours whole from the store once they have closed (docs/decisions/0006). Invariant:
 * a mark of seq s goes only when the store was read after it held everything up to s.
 */
import type { Database } from '#src/sqlite.ts';

/** `firstSeq`, `lastSeq`: the oldest and the newest entry whose effect on this hour is not in the books. */
export interface DirtyHour {
  series: number;
  hourMs: number;
  firstSeq: number;
  lastSeq: number;
}

/** All methods run in the caller's open transaction; the followers' worker is the only writer. */
export interface DirtyHours {
  mark(series: number, hourMs: number, seq: number): void;
  /**
   * Hours before `beforeMs` with a mark of `throughSeq` or earlier, by (hour, series). `throughSeq` = the cursor of
   * the `readings` follower at the time of asking; read the store only after asking.
   */
  due(throughSeq: number, beforeMs: number, limit: number): DirtyHour[];
  /** Takes back what `due(throughSeq)` told of this hour; a mark made by a later entry stays. */
  clear(series: number, hourMs: number, throughSeq: number): void;
  /** How many hours wait. */
  count(): number;
}

export function openDirtyHours(derived: Database): DirtyHours {
  const mark = derived.prepare(
    `INSERT INTO dirtyHour (series, hourMs, firstSeq, lastSeq) VALUES (?, ?, ?, ?) ON CONFLICT (hourMs, series)
     DO UPDATE SET firstSeq = min(firstSeq, excluded.firstSeq), lastSeq = max(lastSeq, excluded.lastSeq)`,
  );
  const due = derived.prepare(
    `SELECT series, hourMs, firstSeq, lastSeq FROM dirtyHour WHERE hourMs < ? AND firstSeq <= ?
     ORDER BY hourMs, series LIMIT ?`,
  );
  const clear = derived.prepare('DELETE FROM dirtyHour WHERE series = ? AND hourMs = ? AND lastSeq <= ?');
  const raise = derived.prepare('UPDATE dirtyHour SET firstSeq = ? WHERE series = ? AND hourMs = ? AND firstSeq <= ?');
  const count = derived.prepare('SELECT count(*) AS n FROM dirtyHour');
  return {
    mark(series, hourMs, seq) {
      mark.run(series, hourMs, seq, seq);
    },
    due(throughSeq, beforeMs, limit) {
      return due.all(beforeMs, throughSeq, limit).map((row) => ({ ...row })) as unknown as DirtyHour[];
    },
    clear(series, hourMs, throughSeq) {
      clear.run(series, hourMs, throughSeq);
      raise.run(throughSeq + 1, series, hourMs, throughSeq);
    },
    count() {
      return (count.get() as { n: number }).n;
    },
  };
}
