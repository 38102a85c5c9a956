/**
 * Writes notices into the outbox, each by itself or held for a summary (grouping.ts), in the follower's open transaction.
 * Each is a row from the start: what is held is told exactly once, as a member of one summary, whoever dies in between, and
 * notices about one alarm stay in their order.
 */

import type { HeldNotices } from '#alerts/records/held-notices.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Telling } from './desk.ts';
import { counted, type Due, moved, nextMs, passed, placed, QUIET_RECIPIENT, type Recipient } from './grouping.ts';
import { countedDraft, noticeDraft, SUMMARY_ALARMS_MAX, summaryDraft } from './notice.ts';
import { STAGES } from './stages.ts';

interface Options {
  store: AlertStore;
  held: HeldNotices;
  publicUrl: string | null;
  linkSigner?: LinkSigner;
}

/** Not split: one closure over what each recipient has been told, shared by short parts. */
export function createTelling({ store, held, publicUrl, linkSigner }: Options): Telling {
  const recipients = new Map(store.parts('recipient').map(({ id, body }) => [id, JSON.parse(body) as Recipient]));
  const changed = new Set<string>();
  let nextDueMs = first();

  function first(): number | null {
    const times = [...recipients.values()].flatMap((recipient) => nextMs(recipient) ?? []);
    return times.length === 0 ? null : Math.min(...times);
  }

  function set(channel: string, recipient: Recipient): void {
    recipients.set(channel, recipient);
    changed.add(channel);
    const dueMs = nextMs(recipient);
    if (dueMs !== null && (nextDueMs === null || dueMs < nextDueMs)) nextDueMs = dueMs;
  }

  function summarise(channel: string, { key, group, isLast }: Due, atMs: number): void {
    for (;;) {
      const members = held.list(channel, key, SUMMARY_ALARMS_MAX);
      if (members.length === 0) break;
      const some = fitting(members);
      held.gather(summaryDraft(channel, some, atMs, { ...group, counted: 0, isLast }), some);
    }
    // By itself: whoever stands in for a channel is given the members of a summary, or a summary that has none.
    const counting = group.counted && group.alarm !== undefined ? store.alarm(group.alarm)?.alarm : undefined;
    if (counting) store.notify(countedDraft(channel, counting, atMs, { ...group, isLast }, publicUrl));
  }

  return {
    tell(announcement, bond, quietUntilMs) {
      const { event, channel, alarms, atMs } = announcement;
      const [alarm] = alarms as [Alarm];
      const heldIn = alarms.map(({ id }) => held.groupOf(channel, id)).find((group) => group !== null) ?? null;
      const chattering = alarm.chattering ? alarm.key : null;
      const before = recipients.get(channel) ?? QUIET_RECIPIENT;
      const arrival = { event, severity: alarm.severity, bond, chattering, quietUntilMs, heldIn, atMs };
      const { recipient, group } = placed(STAGES.place, before, arrival);
      let after = recipient;
      if (heldIn !== null && heldIn !== group) {
        for (const { id } of alarms) {
          const count = group === null ? held.release(channel, id) : held.move(channel, id, group);
          after = moved(after, heldIn, group, count);
        }
      }
      if (after !== before) set(channel, after);
      const draft = noticeDraft(announcement, publicUrl, linkSigner);
      if (group === null) store.notify(draft);
      else held.hold(draft, group);
    },
    count({ channel, alarm: { id, key }, counted: added, atMs }, quietUntilMs) {
      const before = recipients.get(channel) ?? QUIET_RECIPIENT;
      set(channel, counted(before, { alarm: id, key, ...added, atMs, quietUntilMs }));
    },
    test(announcement) {
      store.notify(noticeDraft(announcement, publicUrl));
    },
    pass(nowMs) {
      if (nextDueMs === null || nextDueMs > nowMs) return;
      for (const channel of [...recipients.keys()].sort()) {
        const before = recipients.get(channel)!;
        const dueMs = nextMs(before);
        if (dueMs === null || dueMs > nowMs) continue;
        const { recipient, due } = passed(before, nowMs);
        for (const one of due) summarise(channel, one, nowMs);
        set(channel, recipient);
      }
      nextDueMs = first();
    },
    nextMs: () => nextDueMs,
    save() {
      for (const channel of changed) store.savePart('recipient', channel, JSON.stringify(recipients.get(channel)));
      changed.clear();
    },
  };
}

/** As many of them as one summary takes. */
function fitting<T extends { alarms: readonly string[] }>(members: readonly T[]): T[] {
  let room = SUMMARY_ALARMS_MAX;
  const most = members.findIndex(({ alarms }, n) => {
    room -= alarms.length;
    return room < 0 && n > 0;
  });
  return most < 0 ? [...members] : members.slice(0, most);
}
