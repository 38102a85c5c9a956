/**
 * What was not taken, kept with its payload so that it can be looked at and replayed. It has limits of its own, and so has
 * each sender's share: beyond it his own oldest items go, so that one who sends much that can't be taken pushes out nobody
 * else's. `dropped` says how many went either way.
 */

import { type Database, type ReadPage, readPage, type Statement } from '#src/sqlite.ts';
import type { QuarantineDraft, QuarantineItem } from './port.ts';

export interface QuarantineLimits {
  items: number;
  /** Of payloads and messages together. */
  bytes: number;
  /** The same of one party (src/journal/parties.ts). */
  share: { items: number; bytes: number };
}

/** An item with its place in the list: positions rise with time and serve as the cursor. */
export interface QuarantineRow extends QuarantineItem {
  position: number;
}

interface QuarantineSize {
  items: number;
  bytes: number;
  /** Items pushed out by the limits, the shares' too, since the journal began. */
  dropped: number;
}

/** Which items; what is left out counts for all. The times are a half-open range of arrivals, epoch ms. */
export interface QuarantineFilter {
  source?: string | undefined;
  code?: string | undefined;
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

/** The reads; the API's and the door's. */
export interface QuarantineReads {
  /** Newest first, positions below `before` (null = from the newest). */
  list(before: number | null, limit: number): QuarantineRow[];
  /** The same for a page, with the beginning of each payload alone; it ends sooner when messages are huge. */
  page(filter: QuarantineFilter, before: number | null, limit: number, payloadBytes: number): ReadPage<QuarantineRow>;
  /** Ids, oldest first, positions above `after` (null = from the oldest). */
  ids(filter: QuarantineFilter, after: number | null, limit: number): { id: string; position: number }[];
  get(id: string): QuarantineRow | undefined;
  size(): QuarantineSize;
}

/** How many values these items stand for. */
export function valuesIn(quarantine: readonly QuarantineDraft[]): number {
  return quarantine.reduce((sum, { count = 1 }) => sum + count, 0);
}

const COLUMNS = 'position, id, atMs, code, message, path, contentType, source, payload, count';
const EMPTY = new Uint8Array(0);
/** Beyond every position. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

export function quarantineReads(database: Database): QuarantineReads {
  const list = database.prepare(`SELECT ${COLUMNS} FROM quarantine WHERE position < ? ORDER BY position DESC LIMIT ?`);
  const edge = database.prepare('SELECT position FROM quarantine WHERE atMs >= ? ORDER BY atMs, position LIMIT 1');
  /** Positions rise with time. */
  const positionAt = (ms: number) => (edge.get(ms) as { position: number } | undefined)?.position ?? NOWHERE;
  const filtered = (filter: QuarantineFilter, columns: string, order: string, after: number, before: number) => {
    const { source, code, fromMs, toMs } = filter;
    const from = fromMs === undefined ? after : Math.max(after, positionAt(fromMs) - 1);
    const to = toMs === undefined ? before : Math.min(before, positionAt(toMs));
    const wheres = [source !== undefined && 'source = ?', code !== undefined && 'code = ?'].filter(Boolean);
    const where = ['position > ? AND position < ?', ...wheres].join(' AND ');
    const statement = database.prepare(`SELECT ${columns} FROM quarantine WHERE ${where} ORDER BY ${order} LIMIT ?`);
    return { statement, values: [from, to, ...[source, code].filter((text) => text !== undefined)] };
  };
  const get = database.prepare(`SELECT ${COLUMNS} FROM quarantine WHERE id = ?`);
  const size = database.prepare('SELECT items, bytes, dropped FROM quarantine_size');
  return {
    list: (before, limit) => list.all(before ?? NOWHERE, limit).map(toRow),
    page(filter, before, limit, payloadBytes) {
      const columns = `${COLUMNS.replace('payload', `substr(payload, 1, ${Math.floor(payloadBytes)}) AS payload`)}`;
      const { statement: page, values } = filtered(filter, columns, 'position DESC', 0, before ?? NOWHERE);
      const { rows, isMore } = readPage<QuarantineRow>(page, values, limit, ({ message, path }) => {
        return payloadBytes + message.length + (path?.length ?? 0);
      });
      return { rows: rows.map(toRow), isMore };
    },
    ids(filter, after, limit) {
      const { statement, values } = filtered(filter, 'id, position', 'position', after ?? 0, NOWHERE);
      return statement.all(...values, limit) as { id: string; position: number }[];
    },
    get(id) {
      const row = get.get(id);
      return row && toRow(row);
    },
    size: () => ({ ...(size.get() as unknown as QuarantineSize) }),
  };
}

function toRow(row: unknown): QuarantineRow {
  const item = row as Omit<QuarantineRow, 'payload'> & { payload: Uint8Array | null };
  return { ...item, payload: item.payload ?? EMPTY };
}

/** The writes; every method belongs inside the journal's open transaction. */
export class QuarantineTable {
  readonly #limits: QuarantineLimits;
  readonly #partyOf: (source: string) => string;
  readonly #insert: Statement;
  readonly #take: Statement;
  readonly #has: Statement;
  readonly #wasReplayed: Statement;
  readonly #wasDismissed: Statement;
  readonly #dropOldest: Statement;
  readonly #dropOldestOf: Statement;
  readonly #size: Statement;
  readonly #resize: Statement;
  readonly #sizeOf: Statement;
  readonly #resizeOf: Statement;

  /** @param partyOf whose room an item of this source takes. */
  constructor(database: Database, limits: QuarantineLimits, partyOf: (source: string) => string) {
    this.#limits = limits;
    this.#partyOf = partyOf;
    this.#insert = database.prepare(
      `INSERT INTO quarantine (id, atMs, code, message, path, contentType, source, bytes, payload, count, party)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#take = database.prepare('DELETE FROM quarantine WHERE id = ? RETURNING source, bytes, count, party');
    this.#has = database.prepare('SELECT 1 FROM quarantine WHERE id = ?');
    this.#wasReplayed = database.prepare(
      `SELECT 1 FROM command WHERE json_extract(body, '$.verb') = 'replay-quarantine'
       AND json_extract(body, '$.quarantineId') = ?`,
    );
    this.#wasDismissed = database.prepare(
      `SELECT 1 FROM command WHERE json_extract(body, '$.verb') = 'dismiss-quarantine'
       AND json_extract(body, '$.quarantineId') = ?`,
    );
    this.#dropOldest = database.prepare(
      'DELETE FROM quarantine WHERE position = (SELECT min(position) FROM quarantine) RETURNING bytes, party',
    );
    this.#dropOldestOf = database.prepare(
      `DELETE FROM quarantine WHERE position = (SELECT min(position) FROM quarantine WHERE party = ?)
       RETURNING bytes, party`,
    );
    this.#size = database.prepare('SELECT items, bytes, dropped FROM quarantine_size');
    this.#resize = database.prepare(
      'UPDATE quarantine_size SET items = items + ?1, bytes = bytes + ?2, dropped = dropped + ?3',
    );
    this.#sizeOf = database.prepare('SELECT items, bytes FROM quarantine_party WHERE party = ?');
    this.#resizeOf = database.prepare(
      `INSERT INTO quarantine_party (party, items, bytes) VALUES (?1, ?2, ?3)
       ON CONFLICT (party) DO UPDATE SET items = items + ?2, bytes = bytes + ?3`,
    );
  }

  /** Whether the item is there, or was until somebody put it through the door again, or threw it away. */
  hasHad(id: string): boolean {
    return [this.#has, this.#wasReplayed, this.#wasDismissed].some((statement) => statement.get(id) !== undefined);
  }

  /** Adds the items; then the oldest of their sender go until his share holds again, then the oldest of all. */
  add(drafts: readonly QuarantineDraft[], atMs: number): void {
    if (drafts.length === 0) return;
    const grown = new Map<string, { items: number; bytes: number }>();
    for (const { id, code, message, path, contentType, source, payload, count = 1 } of drafts) {
      const bytes = payload.byteLength + message.length;
      const party = this.#partyOf(source);
      this.#insert.run(id, atMs, code, message, path, contentType, source, bytes, payload, count, party);
      const growth = grown.getOrInsertComputed(party, () => ({ items: 0, bytes: 0 }));
      growth.items += 1;
      growth.bytes += bytes;
    }
    for (const [party, { items, bytes }] of grown) this.#change(party, items, bytes);
    for (const party of grown.keys()) this.#keepShare(party);
    const size = { ...(this.#size.get() as unknown as QuarantineSize) };
    while (size.items > this.#limits.items || size.bytes > this.#limits.bytes) {
      const { bytes } = this.#drop(this.#dropOldest.get());
      size.items -= 1;
      size.bytes -= bytes;
    }
  }

  /** Removes an item that is being replayed or thrown away; undefined when it isn't there any more. */
  take(id: string): { source: string; count: number } | undefined {
    const row = this.#take.get(id) as { source: string; bytes: number; count: number; party: string } | undefined;
    if (!row) return undefined;
    this.#change(row.party, -1, -row.bytes);
    return row;
  }

  /** The newest item stays, however large it is. */
  #keepShare(party: string): void {
    const { share } = this.#limits;
    const size = { ...(this.#sizeOf.get(party) as { items: number; bytes: number }) };
    while (size.items > 1 && (size.items > share.items || size.bytes > share.bytes)) {
      const { bytes } = this.#drop(this.#dropOldestOf.get(party));
      size.items -= 1;
      size.bytes -= bytes;
    }
  }

  #drop(row: unknown): { bytes: number } {
    const dropped = row as { bytes: number; party: string };
    this.#change(dropped.party, -1, -dropped.bytes, 1);
    return dropped;
  }

  #change(party: string, items: number, bytes: number, dropped = 0): void {
    this.#resize.run(items, bytes, dropped);
    this.#resizeOf.run(party, items, bytes);
  }
}
