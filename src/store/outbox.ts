/** The outbox as the dispatcher sees it: notices that wait to be sent, in the order in which they were made. */
import type { AlarmEvent } from '#model/alarm.ts';
import type { NoticeRow } from './queries.ts';
import type { Database } from './sqlite.ts';

export interface PendingNotice {
  id: string;
  position: number;
  channel: string;
  event: AlarmEvent;
  alarms: string[];
  createdAtMs: number;
  /** Not before this time. */
  nextAtMs: number;
  tries: number;
}

export interface Outbox {
  pendingAfter(position: number): PendingNotice[];
  /** The body of a notice, as JSON less its id. */
  payload(notice: string): string;
  /** Writes down an attempt and what follows from it; in the caller's open transaction. */
  attempted(
    notice: string,
    attempt: NoticeRow['attempts'][number],
    state: NoticeRow['state'],
    next: Pick<PendingNotice, 'nextAtMs' | 'tries'>,
  ): void;
}

export function openOutbox(derived: Database): Outbox {
  const pending = derived.prepare(
    `SELECT id, position, channel, event, alarms, createdAtMs, nextAtMs, tries FROM notice
     WHERE state = 'pending' AND position > ? ORDER BY position`,
  );
  const payload = derived.prepare('SELECT payload FROM notice WHERE id = ?');
  const attempt = derived.prepare('INSERT INTO attempt (notice, atMs, status, outcome) VALUES (?, ?, ?, ?)');
  const update = derived.prepare('UPDATE notice SET state = ?, nextAtMs = ?, tries = ? WHERE id = ?');
  return {
    pendingAfter: (position) =>
      pending.all(position).map((row) => ({
        ...(row as unknown as PendingNotice),
        alarms: JSON.parse(row.alarms as string) as string[],
      })),
    payload(notice) {
      const row = payload.get(notice);
      if (!row) throw new Error(`notice ${notice} is pending but not kept`);
      return row.payload as string;
    },
    attempted(notice, { atMs, status, outcome }, state, { nextAtMs, tries }) {
      attempt.run(notice, atMs, status, outcome);
      update.run(state, nextAtMs, tries, notice);
    },
  };
}
