/**
 * Whether a journal is what was written to it (docs/decisions/0023): the chain from the last pruned hash on, the hash of every
 * batch, the checksum of every entry, seqs without a hole but where a `break` says that they are lost, times that don't go
 * back. Reads only, a batch at a time. Nothing is found of a change that was made with all hashes after it computed anew.
 */

import { type Database, isCorruption } from '#src/sqlite.ts';
import { BATCH_COLUMNS, openBatch } from './batch-reader.ts';
import { hasOldEntries } from './convert.ts';
import { BATCH_KINDS, type Batch, FORMAT, installationBytes, NO_HASH } from './format.ts';
import { readInstallation } from './installation.ts';

/**
 * - `journal.format`: of an earlier program and not converted yet, or a batch of a later one.
 * - `journal.unreadable`: SQLite can't follow the pages of a batch, or of all that come behind.
 * - `journal.hash`: a batch is not what was written; `journal.entry`: which of its entries are not.
 * - `journal.chain`: a batch doesn't go on from the hash before it; `journal.gap`: nor from its seq.
 * - `journal.time`: it was received before the one before it. `journal.installation`: it is of another one.
 */
export type JournalFaultCode =
  | 'journal.format'
  | 'journal.unreadable'
  | 'journal.hash'
  | 'journal.entry'
  | 'journal.chain'
  | 'journal.gap'
  | 'journal.time'
  | 'journal.installation';

export interface JournalFault {
  code: JournalFaultCode;
  message: string;
  /** Of the entries that are concerned. */
  firstSeq?: number;
  lastSeq?: number;
}

/** What the next batch has to go on from. */
interface Link {
  lastSeq: number;
  received: number;
  hash: Uint8Array;
}

/** @param journal an open journal.db of this program's version, for reading. */
export function* verifyJournal(journal: Database): Generator<JournalFault> {
  if (hasOldEntries(journal)) {
    const message =
      'journal.db holds entries of an earlier version, which have no checksums: the first start converts them';
    yield { code: 'journal.format', message };
  }
  const installation = readInstallation(journal);
  const id = installation && installationBytes(installation);
  let link: Link = prunedEnd(journal);
  for (let from = Number.MIN_SAFE_INTEGER; ; ) {
    const found = batchFrom(journal, from);
    if (!found) return;
    if ('code' in found) {
      yield found;
      if (found.lastSeq === undefined) return;
      from = found.firstSeq! + 1;
      // What it holds is unknown: the chain is taken up behind it.
      link = { lastSeq: found.lastSeq, received: link.received, hash: found.hash };
      continue;
    }
    yield* faultsOf(found, link, id);
    from = found.firstSeq + 1;
    link = { lastSeq: found.lastSeq, received: Math.max(link.received, found.received), hash: found.hash };
  }
}

function prunedEnd(journal: Database): Link {
  const row = journal.prepare('SELECT lastSeq, hash FROM pruned').get() as Omit<Link, 'received'> | undefined;
  return { ...(row ?? { lastSeq: 0, hash: NO_HASH }), received: Number.MIN_SAFE_INTEGER };
}

type Unreadable = JournalFault & { hash: Uint8Array };

/** The first batch at or after this seq, undefined at the end. Its header is in other pages than most of its body. */
function batchFrom(journal: Database, seq: number): Batch | Unreadable | undefined {
  const where = 'FROM batch WHERE firstSeq >= ? ORDER BY firstSeq LIMIT 1';
  try {
    return journal.prepare(`SELECT ${BATCH_COLUMNS} ${where}`).get(seq) as unknown as Batch | undefined;
  } catch (error) {
    if (!isCorruption(error)) throw error;
    const unreadable = {
      code: 'journal.unreadable',
      message: `what follows can't be read: ${(error as Error).message}`,
    } as const;
    try {
      const { firstSeq, lastSeq, hash } = journal
        .prepare(`SELECT firstSeq, lastSeq, hash ${where}`)
        .get(seq) as unknown as Batch;
      return {
        ...unreadable,
        message: `batch ${firstSeq} to ${lastSeq} can't be read: ${(error as Error).message}`,
        firstSeq,
        lastSeq,
        hash,
      };
    } catch {
      return { ...unreadable, hash: NO_HASH };
    }
  }
}

function* faultsOf(batch: Batch, link: Link, id: Uint8Array | null): Generator<JournalFault> {
  const { firstSeq, lastSeq, format, received, prevHash, kind } = batch;
  const at = { firstSeq, lastSeq };
  const name = `batch ${firstSeq} to ${lastSeq}`;
  const isKnown = format <= FORMAT && Object.values<number>(BATCH_KINDS).includes(kind);
  if (!isKnown)
    yield {
      code: 'journal.format',
      message: `${name} is of format ${format} and kind ${kind}, which this program doesn't know`,
      ...at,
    };
  if (id && !isSame(batch.installation, id))
    yield { code: 'journal.installation', message: `${name} is of another installation`, ...at };
  if (firstSeq !== link.lastSeq + 1) {
    const message =
      firstSeq > link.lastSeq
        ? `entries ${link.lastSeq + 1} to ${firstSeq - 1} are missing, and nothing says that they are lost`
        : `${name} begins within what is before it, which ends at ${link.lastSeq}`;
    yield { code: 'journal.gap', message, firstSeq: Math.min(firstSeq, link.lastSeq + 1), lastSeq: firstSeq - 1 };
  }
  if (!isSame(prevHash, link.hash))
    yield { code: 'journal.chain', message: `${name} doesn't go on from the hash of what is before it`, ...at };
  if (received < link.received)
    yield { code: 'journal.time', message: `${name} was received before what is before it`, ...at };
  const { damage } = openBatch(batch);
  if (!damage) return;
  yield { code: 'journal.hash', message: `${name} is not what was written: ${damage.detail}`, ...at };
  for (const stretch of damage.stretches) {
    yield {
      code: 'journal.entry',
      message: `entries ${stretch.firstSeq} to ${stretch.lastSeq} can't be read`,
      ...stretch,
    };
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
