/**
 * The inbox in which the books tell `alerts` what has changed in them, in derived.db: from it the alarms about closed
 * periods are worked out whole (docs/decisions/0015).
 */
import { DAY_MS, HOUR_MS } from '#model/calendar.ts';
import type { Database } from '#src/sqlite.ts';

/**
 * `changedBook`: one row for a subject and a UTC day, or for a rule's period that has closed. `rule` '' = whoever it
 * concerns. `times` = how often it was said: a row that was said again meanwhile stays.
 */
export const changedBooksDdl = `
  CREATE TABLE changedBook (n INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, kind TEXT NOT NULL,
    subject TEXT NOT NULL, slotMs INTEGER NOT NULL, fromMs INTEGER NOT NULL, toMs INTEGER NOT NULL,
    clockMs INTEGER NOT NULL, arrived INTEGER NOT NULL, imported INTEGER NOT NULL, times INTEGER NOT NULL,
    UNIQUE (rule, kind, subject, slotMs)) STRICT;
`;

/** Whose books: a station's readings, a meter's volumes, the canal's balance. */
export type BookKind = 'station' | 'meter' | 'canal';

export interface ChangedBook {
  /** The one rule that is to judge it; '' for all that it concerns. */
  rule: string;
  kind: BookKind;
  subject: string;
  fromMs: number;
  toMs: number;
  /** What the clock was when it closed, or when it first changed. */
  clockMs: number;
  /** Something has come that wasn't known; otherwise the books themselves have changed: a correction, a rebuild. */
  arrived: boolean;
  /** What has come is history that was imported. */
  imported: boolean;
}

export interface WaitingBook extends ChangedBook {
  n: number;
  times: number;
}

/** `put` belongs inside the transaction that changes the books, `done` inside that of what follows from it. */
export interface ChangedBooks {
  put(change: ChangedBook): void;
  /** The same for hours that have changed, in any order: one row for each UTC day. */
  putHours(change: Omit<ChangedBook, 'rule' | 'fromMs' | 'toMs'>, hoursMs: Iterable<number>): void;
  /** At most `limit` of them, the oldest first, and before all others those of periods that have closed. */
  list(limit: number): WaitingBook[];
  /** The number of the newest, 0 for none. */
  newest(): number;
  /** Forgets one, unless it was said again since it was listed. */
  done(book: Pick<WaitingBook, 'n' | 'times'>): void;
}

const COLUMNS = 'rule, kind, subject, slotMs, fromMs, toMs, clockMs, arrived, imported, times';
const MERGED = `ON CONFLICT (rule, kind, subject, slotMs) DO UPDATE SET fromMs = min(fromMs, excluded.fromMs),
  toMs = max(toMs, excluded.toMs), clockMs = min(clockMs, excluded.clockMs),
  arrived = max(arrived, excluded.arrived), imported = max(imported, excluded.imported), times = times + 1`;

/** @param table `recountedBook` for rows that wait for the end of a recount (`recount/tables.ts`). */
export function openChangedBooks(
  derived: Database,
  table: 'changedBook' | 'recountedBook' = 'changedBook',
): ChangedBooks {
  const upsert = derived.prepare(`INSERT INTO ${table} (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ${MERGED}`);
  const list = derived.prepare(
    `SELECT n, rule, kind, subject, fromMs, toMs, clockMs, arrived, imported, times FROM ${table} ORDER BY rule = '', n LIMIT ?`,
  );
  const newest = derived.prepare(`SELECT coalesce(max(n), 0) AS n FROM ${table}`);
  const done = derived.prepare(`DELETE FROM ${table} WHERE n = ? AND times = ?`);

  function put({ rule, kind, subject, fromMs, toMs, clockMs, ...is }: ChangedBook, slotMs: number): void {
    upsert.run(rule, kind, subject, slotMs, fromMs, toMs, clockMs, Number(is.arrived), Number(is.imported));
  }

  return {
    put: (change) => put(change, change.fromMs),
    putHours(change, hoursMs) {
      const spans = new Map<number, { fromMs: number; toMs: number }>();
      for (const hourMs of hoursMs) {
        const slotMs = Math.floor(hourMs / DAY_MS) * DAY_MS;
        const span = spans.getOrInsertComputed(slotMs, () => ({ fromMs: hourMs, toMs: hourMs + HOUR_MS }));
        span.fromMs = Math.min(span.fromMs, hourMs);
        span.toMs = Math.max(span.toMs, hourMs + HOUR_MS);
      }
      for (const [slotMs, span] of spans) put({ ...change, rule: '', ...span }, slotMs);
    },
    list: (limit) =>
      list.all(limit).map((row) => ({
        ...row,
        arrived: row.arrived === 1,
        imported: row.imported === 1,
      })) as unknown as WaitingBook[],
    newest: () => (newest.get() as { n: number }).n,
    done({ n, times }) {
      done.run(n, times);
    },
  };
}

/** In the caller's open transaction: what a recount has changed is to be judged now. */
export function takeRecountedBooks(derived: Database): void {
  // Without WHERE the parser takes ON for the beginning of a join (sqlite.org/lang_upsert.html).
  derived.exec(`INSERT INTO changedBook (${COLUMNS}) SELECT ${COLUMNS} FROM recountedBook WHERE true ORDER BY n ${MERGED};
    DELETE FROM recountedBook`);
}
