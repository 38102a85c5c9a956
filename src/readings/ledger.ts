/**
 * Who sent what: per source how many values the store has confirmed or knew already, and for each entry that stored
 * anything its source and when it was received. About 15 bytes an entry, never pruned: a stored reading keeps only
 * the seq of its entry, and with this every value that ever was current tells where it came from (`asOf`, history).
 */
import type { Database } from '#src/sqlite.ts';

interface Origin {
  source: string;
  receivedMs: number;
}

interface SettledCount {
  stored: number;
  duplicate: number;
}

/** `add` and the `…Origin` writers run in the caller's open transaction. */
export interface Ledger {
  add(source: string, stored: number, duplicate: number): void;
  /** `stored` = values of a message that it stored; null for a correction, whose values nobody counts. */
  keepOrigin(seq: number, source: string, receivedMs: number, stored: number | null): void;
  /** One value of this entry is not stored after all: counted back. */
  takeBack(seq: number, source: string): void;
  forgetOrigin(seq: number): void;
  origin(seq: number): Origin | undefined;
  /** The last entry received at or before `atMs` that stored anything; 0 when there is none. */
  lastSeqAt(atMs: number): number;
  counts(source: string): SettledCount;
}

export function openLedger(derived: Database): Ledger {
  const add = derived.prepare(
    `INSERT INTO source (name, stored, duplicate) VALUES (?, ?, ?) ON CONFLICT (name)
     DO UPDATE SET stored = stored + excluded.stored, duplicate = duplicate + excluded.duplicate RETURNING id`,
  );
  const keepOrigin = derived.prepare(
    'INSERT OR REPLACE INTO origin (seq, source, receivedMs, stored) VALUES (?, ?, ?, ?)',
  );
  const lessStored = derived.prepare('UPDATE origin SET stored = stored - 1 WHERE seq = ?');
  const forgetOrigin = derived.prepare('DELETE FROM origin WHERE seq = ?');
  const origin = derived.prepare(
    'SELECT name AS source, receivedMs FROM origin JOIN source ON source.id = origin.source WHERE seq = ?',
  );
  const ends = derived.prepare('SELECT min(seq) AS first, max(seq) AS last FROM origin');
  const floor = derived.prepare('SELECT seq, receivedMs FROM origin WHERE seq <= ? ORDER BY seq DESC LIMIT 1');
  const counts = derived.prepare('SELECT stored, duplicate FROM source WHERE name = ?');

  const sourceId = (name: string, stored: number, duplicate: number) =>
    (add.get(name, stored, duplicate) as { id: number }).id;

  return {
    add(source, stored, duplicate) {
      sourceId(source, stored, duplicate);
    },
    keepOrigin(seq, source, receivedMs, stored) {
      keepOrigin.run(seq, sourceId(source, 0, 0), receivedMs, stored);
    },
    takeBack(seq, source) {
      sourceId(source, -1, 0);
      lessStored.run(seq);
    },
    forgetOrigin(seq) {
      forgetOrigin.run(seq);
    },
    origin(seq) {
      const row = origin.get(seq) as Origin | undefined;
      return row && { source: row.source, receivedMs: row.receivedMs };
    },
    lastSeqAt(atMs) {
      // `receivedMs` never falls as seq rises, so halving needs no index on it.
      const { first, last } = ends.get() as { first: number | null; last: number | null };
      let known = 0;
      let low = first ?? 1;
      let high = last ?? 0;
      while (low <= high) {
        const middle = Math.floor((low + high) / 2);
        const row = floor.get(middle) as { seq: number; receivedMs: number };
        if (row.receivedMs <= atMs) {
          known = row.seq;
          low = middle + 1;
        } else {
          high = row.seq - 1;
        }
      }
      return known;
    },
    counts(source) {
      const row = counts.get(source) as unknown as SettledCount | undefined;
      return { stored: row?.stored ?? 0, duplicate: row?.duplicate ?? 0 };
    },
  };
}
