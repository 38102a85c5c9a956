/**
 * The outbox as the dispatcher sees it: notices that wait to be sent, in the order in which they were made, the
 * summaries that tell of several of them, and what other channels take over. Every writing method runs in the caller's
 * open transaction.
 */

import type { AlarmEvent } from '#model/alarms/alarm.ts';
import type { Database } from '#src/sqlite.ts';
import type { NoticeRow } from './queries.ts';
import { type NoticeDraft, openNotices } from './store.ts';

type Attempt = NoticeRow['attempts'][number];

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
  /** Whether an attempt may have reached somebody, recorded or not. */
  begun: boolean;
  /** How far it has come with each address behind its channel, as far as any was tried. */
  receipts: ReadonlyMap<string, Attempt['outcome']>;
}

/** What another telling of the same is made of. */
export interface ToldNotice {
  id: string;
  cause: string;
  event: AlarmEvent;
  alarms: string[];
  payload: string;
}

export interface Outbox {
  pendingAfter(position: number): PendingNotice[];
  /** The body of a notice, as JSON less its id. */
  payload(notice: string): string;
  /** Writes down that an attempt begins, before it does. */
  begin(notice: string): void;
  /** Writes down an attempt and what follows from it. */
  attempted(
    notice: string,
    attempt: Attempt,
    state: 'pending' | 'sent' | 'failed',
    next: Pick<PendingNotice, 'nextAtMs' | 'tries'>,
    receipts: readonly { to: string; status: string; outcome: Attempt['outcome'] }[],
  ): void;
  /** The notice itself, or those that it is a summary of. */
  told(notice: string): ToldNotice[];
  /** Puts a summary in the place of the first of its members, none of which was ever begun. */
  group(summary: NoticeDraft, members: readonly PendingNotice[]): void;
  /** Adds a notice of another channel in the place of one that failed; false when that one has failed there, too. */
  takeOver(draft: NoticeDraft): boolean;
  handedOver(notice: string, fallback: string): void;
  /** Times of the attempts since `sinceMs`, oldest first, for the limits per minute. */
  attemptsSince(sinceMs: number): { channel: string; atMs: number }[];
}

export function openOutbox(derived: Database): Outbox {
  return { ...reads(derived), ...attempts(derived), ...groups(derived) };
}

function reads(derived: Database) {
  const pending = derived.prepare(
    `SELECT id, position, channel, event, alarms, createdAtMs, nextAtMs, tries, begun FROM notice
     WHERE state = 'pending' AND position > ? ORDER BY position`,
  );
  const receipts = derived.prepare('SELECT recipient, outcome FROM receipt WHERE notice = ?');
  const payload = derived.prepare('SELECT payload FROM notice WHERE id = ?');
  const toldOf = (column: 'id' | 'summary') =>
    derived.prepare(
      `SELECT id, cause, event, alarms, payload FROM notice WHERE ${column} = ? ORDER BY createdAtMs, rowid`,
    );
  const [own, members] = [toldOf('id'), toldOf('summary')];
  const recent = derived.prepare(
    `SELECT notice.channel AS channel, attempt.atMs AS atMs FROM attempt JOIN notice ON notice.id = attempt.notice
     WHERE attempt.atMs > ? ORDER BY attempt.atMs`,
  );
  const receiptsOf = (notice: string) =>
    new Map(receipts.all(notice).map((row) => [row.recipient as string, row.outcome as Attempt['outcome']]));
  return {
    pendingAfter: (position: number) =>
      pending.all(position).map((row) => ({
        ...(row as unknown as PendingNotice),
        alarms: JSON.parse(row.alarms as string) as string[],
        begun: row.begun === 1,
        receipts: row.begun === 1 ? receiptsOf(row.id as string) : new Map(),
      })),
    payload(notice: string) {
      const row = payload.get(notice);
      if (!row) throw new Error(`notice ${notice} is pending but not kept`);
      return row.payload as string;
    },
    told(notice: string) {
      const rows = members.all(notice);
      return noticesOf(rows.length > 0 ? rows : own.all(notice));
    },
    attemptsSince: (sinceMs: number) =>
      recent.all(sinceMs).map((row) => ({ channel: row.channel as string, atMs: row.atMs as number })),
  };
}

/** Rows with `id`, `cause`, `event`, `alarms` and `payload`. */
export function noticesOf(rows: readonly Record<string, unknown>[]): ToldNotice[] {
  return rows.map((row) => ({
    ...(row as unknown as ToldNotice),
    alarms: JSON.parse(row.alarms as string) as string[],
  }));
}

function attempts(derived: Database) {
  const begin = derived.prepare('UPDATE notice SET begun = 1 WHERE id = ?');
  const attempt = derived.prepare('INSERT INTO attempt (notice, atMs, status, outcome) VALUES (?, ?, ?, ?)');
  const update = derived.prepare('UPDATE notice SET state = ?, nextAtMs = ?, tries = ? WHERE id = ?');
  const receipt = derived.prepare(
    `INSERT INTO receipt (notice, recipient, atMs, status, outcome) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (notice, recipient) DO UPDATE SET atMs = excluded.atMs, status = excluded.status,
       outcome = excluded.outcome`,
  );
  const attempted: Outbox['attempted'] = (notice, { atMs, status, outcome }, state, { nextAtMs, tries }, receipts) => {
    attempt.run(notice, atMs, status, outcome);
    update.run(state, nextAtMs, tries, notice);
    for (const one of receipts) receipt.run(notice, one.to, atMs, one.status, one.outcome);
  };
  return {
    begin(notice: string) {
      begin.run(notice);
    },
    attempted,
  };
}

function groups(derived: Database) {
  const notices = openNotices(derived);
  const member = derived.prepare("UPDATE notice SET state = 'grouped', summary = ? WHERE id = ? AND begun = 0");
  const place = derived.prepare('SELECT position FROM notice WHERE id = ?');
  const move = derived.prepare('UPDATE notice SET position = ? WHERE id = ?');
  const state = derived.prepare('SELECT state FROM notice WHERE id = ?');
  const handedOver = derived.prepare('UPDATE notice SET fallback = ? WHERE id = ?');
  return {
    group(summary: NoticeDraft, members: readonly PendingNotice[]) {
      notices.notify(summary);
      for (const { id } of members) {
        if (member.run(summary.id, id).changes !== 1) throw new Error(`notice ${id} was begun and can't be grouped`);
      }
      const [first] = members;
      const { position: last } = place.get(summary.id) as { position: number };
      // Places are unique: they are exchanged by way of one that nobody has.
      move.run(-1, summary.id);
      move.run(last, first!.id);
      move.run(first!.position, summary.id);
    },
    takeOver(draft: NoticeDraft): boolean {
      notices.notify(draft);
      return (state.get(draft.id) as { state: string }).state !== 'failed';
    },
    handedOver(notice: string, fallback: string) {
      handedOver.run(fallback, notice);
    },
  };
}
