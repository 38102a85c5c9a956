/** Entries that a follower couldn't digest, or that can't be read: listed in derived.db, alarmed, passed over (design §7). */
import type { FollowerName } from '#model/entry.ts';
import type { Database } from '#src/sqlite.ts';

export interface ParkedEntry {
  follower: FollowerName;
  seq: number;
  /** Wall clock. */
  atMs: number;
  error: string;
}

export interface Parked {
  /** Durable when it returns, unless the caller's transaction isn't over. One that stands there is replaced. */
  put(entry: ParkedEntry): void;
  /** As `put`; one that stands there stays as it is. */
  keep(entry: ParkedEntry): void;
  /** Somebody has seen to it. */
  dismiss(follower: FollowerName, seq: number): void;
  count(): number;
}

export function openParked(derived: Database): Parked {
  const into = 'INTO parked (follower, seq, atMs, error) VALUES (?, ?, ?, ?)';
  const put = derived.prepare(`INSERT OR REPLACE ${into}`);
  const keep = derived.prepare(`INSERT OR IGNORE ${into}`);
  const dismiss = derived.prepare('DELETE FROM parked WHERE follower = ? AND seq = ?');
  const count = derived.prepare('SELECT count(*) AS n FROM parked');
  return {
    put: ({ follower, seq, atMs, error }) => void put.run(follower, seq, atMs, error),
    keep: ({ follower, seq, atMs, error }) => void keep.run(follower, seq, atMs, error),
    dismiss: (follower, seq) => void dismiss.run(follower, seq),
    count: () => (count.get() as { n: number }).n,
  };
}

/** At most 1000, the newest first. */
export function createParkedQuery(derived: Database): () => Promise<ParkedEntry[]> {
  const newest = derived.prepare(
    'SELECT follower, seq, atMs, error FROM parked ORDER BY seq DESC, follower LIMIT 1000',
  );
  return async () => newest.all().map((row) => ({ ...row })) as unknown as ParkedEntry[];
}
