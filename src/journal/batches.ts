/** Table `batch` of journal.db: its two ends, and appending to the chain (docs/decisions/0023). */

import type { Database } from '#src/sqlite.ts';
import { BATCH_KINDS, type Batch, hashOf, installationBytes, NO_HASH, PACKED, PLAIN, placesOf } from './format.ts';
import { pack } from './frames.ts';
import type { Installation } from './installation.ts';
import type { Loss } from './losses.ts';

/** Where the journal ends. `endBytes` is the running total of what batches take, pruned ones included. */
export interface Head {
  seq: number;
  receivedMs: number;
  endBytes: number;
  /** Of the newest batch. */
  hash: Uint8Array;
}

// https://sqlite.org/fileformat.html#b_tree_pages: a page of 4 KiB holds this many bytes of rows; a larger row goes
// on in overflow pages of its own, and what of it stands in the page with the others is about half a page.
const PAGE_BYTES = 4096;
const PAGE_ROOM_BYTES = 4080;
const OVERFLOW_BYTES = 4092;
const ROW_OVERHEAD_BYTES = 130;

/** What a batch takes of the file when its neighbours are like it; counted bytes are these. */
function fileBytes(bodyBytes: number): number {
  const rowBytes = ROW_OVERHEAD_BYTES + bodyBytes;
  if (rowBytes <= PAGE_ROOM_BYTES) return Math.ceil(PAGE_BYTES / Math.floor(PAGE_ROOM_BYTES / rowBytes));
  return PAGE_BYTES * Math.ceil((rowBytes + PAGE_BYTES / 4) / OVERFLOW_BYTES);
}

/** The newest batch, or the last that was pruned; zeros in a new journal. No seq up to `seq` is given again. */
export function readHead(journal: Database): Head {
  const row =
    journal
      .prepare(
        'SELECT lastSeq AS seq, received AS receivedMs, endBytes, hash FROM batch ORDER BY firstSeq DESC LIMIT 1',
      )
      .get() ?? journal.prepare('SELECT lastSeq AS seq, 0 AS receivedMs, endBytes, hash FROM pruned').get();
  return row ? ({ ...row } as unknown as Head) : { seq: 0, receivedMs: 0, endBytes: 0, hash: NO_HASH };
}

type Appending = Pick<Batch, 'kind' | 'lastSeq' | 'received'> & { body: Buffer };

/** @returns what appends a batch after `head`, packed where that pays, in the caller's transaction, and says where the journal ends then. */
export function openAppending(journal: Database, installation: Installation): (head: Head, batch: Appending) => Head {
  const insert = journal.prepare(
    `INSERT INTO batch (firstSeq, lastSeq, format, installation, generation, epoch, received, kind, endBytes, prevHash, hash,
       body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const id = installationBytes(installation);
  const { generation } = installation;
  return (head, { kind, lastSeq, received, body: plain }) => {
    const [firstSeq, prevHash, epoch] = [head.seq + 1, head.hash, 0];
    const packed = kind === BATCH_KINDS.entries ? pack(plain, placesOf(plain)) : null;
    const [format, body] = packed ? [PACKED, packed] : [PLAIN, plain];
    const fields = { format, installation: id, generation, epoch, firstSeq, lastSeq, received, prevHash, kind };
    const hash = hashOf(fields, body);
    const endBytes = head.endBytes + fileBytes(body.byteLength);
    insert.run(firstSeq, lastSeq, format, id, generation, epoch, received, kind, endBytes, prevHash, hash, body);
    return { seq: lastSeq, receivedMs: received, endBytes, hash };
  };
}

/** What is lost, as a batch of its own: the chain says that it isn't whole, and where it goes on. In the caller's transaction. */
export function appendBreak(
  journal: Database,
  installation: Installation,
  head: Head,
  loss: Loss & { atMs: number },
): Head {
  const { condition, firstSeq, lastSeq, atMs, toMs, detail } = loss;
  const body = Buffer.from(JSON.stringify({ condition, firstSeq, lastSeq, atMs, toMs, detail }));
  const received = Math.max(head.receivedMs, toMs);
  return openAppending(journal, installation)(head, { kind: BATCH_KINDS.break, lastSeq, received, body });
}

/** Keeps what the chain is checked from once everything up to `lastSeq` is gone. In the caller's transaction. */
export function keepPruned(
  journal: Database,
  { lastSeq, hash, endBytes }: Pick<Batch, 'lastSeq' | 'hash'> & { endBytes: number },
): void {
  journal
    .prepare('INSERT OR REPLACE INTO pruned (one, lastSeq, hash, endBytes) VALUES (1, ?, ?, ?)')
    .run(lastSeq, hash, endBytes);
}

/** Seqs of the oldest entry that isn't pruned and of the newest (or of the end of what is lost after it); 0 and 0 when empty. */
export function journalEnds(journal: Database): { oldestSeq: number; headSeq: number } {
  const has = (table: string) => journal.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table) !== undefined;
  const ends = { oldestSeq: 0, headSeq: 0 };
  const queries = [
    // What an older program has left, and its conversion not taken yet: always the newer end.
    has('entry') && 'SELECT min(seq) AS oldest, max(seq) AS head FROM entry',
    has('batch') && `SELECT (${OLDEST}) AS oldest, (${NEWEST}) AS head`,
  ];
  for (const query of queries) {
    if (query === false) continue;
    const { oldest, head } = journal.prepare(query).get() as { oldest: number | null; head: number | null };
    if (oldest !== null && (ends.oldestSeq === 0 || oldest < ends.oldestSeq)) ends.oldestSeq = oldest;
    ends.headSeq = Math.max(ends.headSeq, head ?? 0);
  }
  return ends;
}

/** SQL of both ends. */
export const OLDEST = `SELECT firstSeq FROM batch WHERE kind = ${BATCH_KINDS.entries} ORDER BY firstSeq LIMIT 1`;
export const NEWEST = 'SELECT lastSeq FROM batch ORDER BY firstSeq DESC LIMIT 1';
