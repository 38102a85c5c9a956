/**
 * The journal of an older program, one row an entry, made into batches (docs/decisions/0023): step by step, each in a
 * transaction that takes the rows away which it has converted, so that the file doesn't grow and a start that dies goes on
 * where it was.
 */
import { randomUUID } from 'node:crypto';
import { type Database, eachRow, transaction } from '#src/sqlite.ts';
import { appendBreak, keepPruned, openAppending, readHead } from './batches.ts';
import { BATCH_KINDS, type EntryParts, encodeBody, NO_HASH } from './format.ts';
import { type Installation, readInstallation, stampInstallation } from './installation.ts';
import type { Loss } from './losses.ts';

const STEP_ENTRIES = 2000;
const STEP_BYTES = 4 << 20;

/** Whether rows of an older program are there. */
export function hasOldEntries(journal: Database): boolean {
  return journal.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'entry'").get() !== undefined;
}

/** Each step leaves a sound journal; says after each how many entries it converted. Nothing to do in a journal of today. */
export function* convertEntries(journal: Database): Generator<number> {
  if (!hasOldEntries(journal)) return;
  const installation = installationOf(journal);
  for (let isOver = false; !isOver; ) {
    const converted = transaction(journal, () => convertSome(journal, installation));
    isOver = converted === 0;
    if (!isOver) yield converted;
  }
}

/** Of the file, or a new one in a file that has none. */
export function installationOf(journal: Database): Installation {
  const known = readInstallation(journal);
  if (known) return known;
  const installation = { id: randomUUID(), generation: 1 };
  transaction(journal, () => stampInstallation(journal, installation));
  return installation;
}

type OldEntry = EntryParts & { seq: number };

/** @returns how many; 0 when that was the end. */
function convertSome(journal: Database, installation: Installation): number {
  const entries = oldEntries(journal);
  const first = entries[0];
  let head = readHead(journal);
  if (!first) {
    // Lost entries that nothing was appended above.
    const lost = lossBetween(journal, head.seq + 1, null);
    if (lost) appendBreak(journal, installation, head, lost);
    journal.exec('DROP TABLE entry');
    return 0;
  }
  if (head.seq === 0 && first.seq > 1) {
    keepPruned(journal, { lastSeq: first.seq - 1, hash: NO_HASH, endBytes: 0 });
    head = readHead(journal);
  }
  if (first.seq > head.seq + 1) {
    head = appendBreak(journal, installation, head, lossBetween(journal, head.seq + 1, first.seq - 1)!);
  }
  const { seq: lastSeq, receivedMs: received } = entries.at(-1)!;
  const body = encodeBody(first.seq, entries);
  openAppending(journal, installation)(head, { kind: BATCH_KINDS.entries, lastSeq, received, body });
  journal.prepare('DELETE FROM entry WHERE seq <= ?').run(lastSeq);
  return entries.length;
}

/** The oldest run without a hole, no longer than a batch may be. */
function oldEntries(journal: Database): OldEntry[] {
  const entries: OldEntry[] = [];
  let bytes = 0;
  const read = journal.prepare('SELECT seq, receivedMs, kind, source, body, raw FROM entry ORDER BY seq LIMIT ?');
  eachRow(read, [STEP_ENTRIES], (row) => {
    const entry = { ...row } as unknown as OldEntry;
    const before = entries.at(-1);
    if (before && entry.seq !== before.seq + 1) return false;
    entries.push(entry);
    bytes += (entry.body?.length ?? 0) + (entry.raw?.byteLength ?? 0);
    return bytes < STEP_BYTES;
  });
  return entries;
}

/** What the list of losses says of these entries; `lastSeq` null: up to wherever it says, if it does. */
function lossBetween(journal: Database, firstSeq: number, lastSeq: number | null): (Loss & { atMs: number }) | null {
  const row = journal
    .prepare(
      `SELECT atMs, condition, firstSeq, lastSeq, toMs, detail FROM loss
       WHERE condition = 'journal.lost' AND lastSeq >= ? ORDER BY lastSeq ${lastSeq === null ? 'DESC' : 'ASC'} LIMIT 1`,
    )
    .get(firstSeq) as (Loss & { atMs: number }) | undefined;
  if (lastSeq === null) return row ? { ...row, firstSeq } : null;
  const known = row ?? { condition: 'journal.lost', atMs: 0, toMs: 0, detail: 'nothing is known of them' };
  return { ...known, firstSeq, lastSeq };
}
