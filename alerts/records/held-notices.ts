/**
 * Notices that are written down and held for a summary, by channel and group. Every method runs in the caller's open
 * transaction. What is held keeps its order, and what is let go stands at the end of the outbox, in that order.
 */

import type { Database } from '#src/sqlite.ts';
import { noticesOf, type ToldNotice } from './outbox.ts';
import { type NoticeDraft, openNotices } from './store.ts';

export interface HeldNotices {
  hold(draft: NoticeDraft, group: string): void;
  /** The group that holds notices about this alarm for this channel, or null: there is one at most. */
  groupOf(channel: string, alarm: string): string | null;
  /** Moves what is held about this alarm into another group. @returns how many. */
  move(channel: string, alarm: string, group: string): number;
  /** Lets what is held about this alarm go by itself. @returns how many. */
  release(channel: string, alarm: string): number;
  /** The first of a group, at most `limit`. */
  list(channel: string, group: string, limit: number): ToldNotice[];
  /** Takes the summary into the outbox, as what tells of its members. */
  gather(summary: NoticeDraft, members: readonly ToldNotice[]): void;
}

export function openHeldNotices(derived: Database): HeldNotices {
  const notices = openNotices(derived);
  const hold = derived.prepare("UPDATE notice SET state = 'held', hold = ? WHERE id = ? AND begun = 0");
  // Neither from all of the alarm's notices, which may be many, nor from all that is held.
  const about = derived.prepare(
    `SELECT notice.id AS id, notice.hold AS hold FROM heldAbout CROSS JOIN notice ON notice.id = heldAbout.notice
     WHERE heldAbout.alarm = ? AND heldAbout.channel = ? ORDER BY notice.position`,
  );
  const keep = derived.prepare(
    'INSERT INTO heldAbout (channel, alarm, notice) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const drop = derived.prepare('DELETE FROM heldAbout WHERE notice = ?');
  const free = derived.prepare(
    `UPDATE notice SET state = 'pending', hold = NULL, position = (SELECT max(position) + 1 FROM notice) WHERE id = ?`,
  );
  const list = derived.prepare(
    `SELECT id, cause, event, alarms, payload FROM notice
     WHERE channel = ? AND hold = ? AND state = 'held' ORDER BY position LIMIT ?`,
  );
  const gather = derived.prepare("UPDATE notice SET state = 'grouped', hold = NULL, summary = ? WHERE id = ?");
  return {
    hold(draft, group) {
      notices.notify(draft);
      if (hold.run(group, draft.id).changes === 0) return;
      for (const alarm of draft.alarms) keep.run(draft.channel, alarm, draft.id);
    },
    groupOf: (channel, alarm) => (about.get(alarm, channel)?.hold as string | undefined) ?? null,
    move(channel, alarm, group) {
      const rows = about.all(alarm, channel);
      for (const { id } of rows) hold.run(group, id as string);
      return rows.length;
    },
    release(channel, alarm) {
      const rows = about.all(alarm, channel);
      for (const { id } of rows) {
        free.run(id as string);
        drop.run(id as string);
      }
      return rows.length;
    },
    list: (channel, group, limit) => noticesOf(list.all(channel, group, limit)),
    gather(summary, members) {
      notices.notify(summary);
      for (const { id } of members) {
        gather.run(summary.id, id);
        drop.run(id);
      }
    },
  };
}
