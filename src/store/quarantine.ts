/**
 * What was not taken, kept with its payload so that it can be looked at and replayed. It has limits of its own:
 * beyond them the oldest items go, and `dropped` says how many went that way.
 */
import type { QuarantineDraft, QuarantineItem } from './journal-port.ts';
import type { Database, Statement } from './sqlite.ts';

export interface QuarantineLimits {
  items: number;
  /** Of payloads and messages together. */
  bytes: number;
}

/** An item with its place in the list: positions rise with time and serve as the cursor. */
export interface QuarantineRow extends QuarantineItem {
  position: number;
}

interface QuarantineSize {
  items: number;
  bytes: number;
  /** Items pushed out by the limits since the journal began. */
  dropped: number;
}

/** The reads; the API's and the door's. */
export interface QuarantineReads {
  /** Newest first, positions below `before` (null = from the newest). */
  list(before: number | null, limit: number): QuarantineRow[];
  get(id: string): QuarantineRow | undefined;
  size(): QuarantineSize;
}

const COLUMNS = 'position, id, atMs, code, message, path, contentType, source, payload';
const EMPTY = new Uint8Array(0);

export function quarantineReads(database: Database): QuarantineReads {
  const list = database.prepare(`SELECT ${COLUMNS} FROM quarantine WHERE position < ? ORDER BY position DESC LIMIT ?`);
  const get = database.prepare(`SELECT ${COLUMNS} FROM quarantine WHERE id = ?`);
  const size = database.prepare('SELECT items, bytes, dropped FROM quarantine_size');
  return {
    list: (before, limit) => list.all(before ?? Number.MAX_SAFE_INTEGER, limit).map(toRow),
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
  readonly #insert: Statement;
  readonly #take: Statement;
  readonly #has: Statement;
  readonly #wasReplayed: Statement;
  readonly #dropOldest: Statement;
  readonly #size: Statement;
  readonly #resize: Statement;

  constructor(database: Database, limits: QuarantineLimits) {
    this.#limits = limits;
    this.#insert = database.prepare(
      `INSERT INTO quarantine (id, atMs, code, message, path, contentType, source, bytes, payload)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#take = database.prepare('DELETE FROM quarantine WHERE id = ? RETURNING source, bytes');
    this.#has = database.prepare('SELECT 1 FROM quarantine WHERE id = ?');
    this.#wasReplayed = database.prepare(
      `SELECT 1 FROM command WHERE json_extract(body, '$.verb') = 'replay-quarantine'
       AND json_extract(body, '$.quarantineId') = ?`,
    );
    this.#dropOldest = database.prepare(
      'DELETE FROM quarantine WHERE position = (SELECT min(position) FROM quarantine) RETURNING bytes',
    );
    this.#size = database.prepare('SELECT items, bytes, dropped FROM quarantine_size');
    this.#resize = database.prepare('UPDATE quarantine_size SET items = ?, bytes = ?, dropped = ?');
  }

  /** Whether the item is there, or was until somebody put it through the door again. */
  hasHad(id: string): boolean {
    return this.#has.get(id) !== undefined || this.#wasReplayed.get(id) !== undefined;
  }

  /** Adds the items, then drops the oldest until the limits hold again. */
  add(drafts: readonly QuarantineDraft[], atMs: number): void {
    if (drafts.length === 0) return;
    const size = { ...(this.#size.get() as unknown as QuarantineSize) };
    for (const { id, code, message, path, contentType, source, payload } of drafts) {
      const bytes = payload.byteLength + message.length;
      this.#insert.run(id, atMs, code, message, path, contentType, source, bytes, payload);
      size.items += 1;
      size.bytes += bytes;
    }
    while (size.items > this.#limits.items || size.bytes > this.#limits.bytes) {
      const oldest = this.#dropOldest.get() as { bytes: number };
      size.items -= 1;
      size.bytes -= oldest.bytes;
      size.dropped += 1;
    }
    this.#resize.run(size.items, size.bytes, size.dropped);
  }

  /** Removes an item that is being replayed; its source, or undefined when it isn't there any more. */
  take(id: string): string | undefined {
    const row = this.#take.get(id) as { source: string; bytes: number } | undefined;
    if (!row) return undefined;
    const size = this.#size.get() as unknown as QuarantineSize;
    this.#resize.run(size.items - 1, size.bytes - row.bytes, size.dropped);
    return row.source;
  }
}
