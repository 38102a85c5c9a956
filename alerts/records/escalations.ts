/**
 * The alarms that ask for somebody and whom nobody has taken over, by when somebody further up is to be told. Every method
 * runs in the caller's open transaction; nothing scans but `all`.
 */
import type { Severity } from '#model/alarms/alarm.ts';
import type { Database } from '#src/sqlite.ts';

export interface Waiting {
  alarm: string;
  /** Since when it asks. */
  sinceMs: number;
  /** When it was last less, or more, severe: the time at which it left that severity. */
  left: Partial<Record<Severity, number>>;
  /** The steps that were taken. */
  done: string[];
}

export interface EscalationStore {
  get(alarm: string): Waiting | undefined;
  /** `dueMs` null: there is nobody to tell. */
  put(waiting: Waiting, dueMs: number | null): void;
  drop(alarm: string): void;
  firstDueMs(): number | null;
  /** Those due by then, the longest due first, at most `limit`. */
  due(untilMs: number, limit: number): Waiting[];
  all(): Waiting[];
}

export function openEscalations(derived: Database): EscalationStore {
  const get = derived.prepare('SELECT alarm, body FROM escalation WHERE alarm = ?');
  const put = derived.prepare(
    `INSERT INTO escalation (alarm, body, dueMs) VALUES (?, ?, ?)
     ON CONFLICT (alarm) DO UPDATE SET body = excluded.body, dueMs = excluded.dueMs`,
  );
  const drop = derived.prepare('DELETE FROM escalation WHERE alarm = ?');
  const first = derived.prepare('SELECT min(dueMs) AS dueMs FROM escalation WHERE dueMs IS NOT NULL');
  const due = derived.prepare('SELECT alarm, body FROM escalation WHERE dueMs <= ? ORDER BY dueMs, alarm LIMIT ?');
  const all = derived.prepare('SELECT alarm, body FROM escalation ORDER BY alarm');
  const toWaiting = (row: Record<string, unknown>) =>
    ({ alarm: row.alarm, ...(JSON.parse(row.body as string) as object) }) as Waiting;
  return {
    get(alarm) {
      const row = get.get(alarm);
      return row && toWaiting(row);
    },
    put({ alarm, ...body }, dueMs) {
      put.run(alarm, JSON.stringify(body), dueMs);
    },
    drop(alarm) {
      drop.run(alarm);
    },
    firstDueMs: () => (first.get() as { dueMs: number | null }).dueMs,
    due: (untilMs, limit) => due.all(untilMs, limit).map(toWaiting),
    all: () => all.all().map(toWaiting),
  };
}
