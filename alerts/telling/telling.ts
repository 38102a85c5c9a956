/**
 * Writes notices into the outbox, each by itself or held for a summary (grouping.ts), in the follower's open transaction.
 * Each is a row from the start: what is held is told exactly once, as a member of one summary, whoever dies in between, and
 * notices about one alarm stay in their order.
 */

import type { Counted } from '#alerts/life/folding.ts';
import type { HeldNotices } from '#alerts/records/held-notices.ts';
import type { AlertStore } from '#alerts/records/store.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import { type Alarm, GATEWAYS_STATION } from '#model/alarms/alarm.ts';
import { PLATFORM_STATION } from '#model/alarms/platform.ts';
import type { Station } from '#model/register.ts';
import {
  type Bond,
  counted,
  type Due,
  moved,
  nextMs,
  passed,
  placed,
  QUIET_RECIPIENT,
  type Recipient,
} from './grouping.ts';
import { type Announcement, countedDraft, noticeDraft, SUMMARY_ALARMS_MAX, summaryDraft } from './notice.ts';

export interface Telling {
  /** @param quietUntilMs until when its channel is left in peace about it; null: it isn't. */
  tell(announcement: Announcement, bond: Bond, quietUntilMs: number | null): void;
  /** What an alarm has counted goes into its rolling summary: no notice of its own. */
  count(news: { channel: string; alarm: Alarm; counted: Counted; atMs: number }, quietUntilMs: number | null): void;
  /** A test goes to its channel whatever holds there. */
  test(announcement: Announcement): void;
  /** Tells what is due; at the beginning and at the end of an entry. */
  pass(nowMs: number): void;
  nextMs(): number | null;
  /** Keeps what recipients were told so far, in the transaction that told it. */
  save(): void;
}

interface Options {
  store: AlertStore;
  held: HeldNotices;
  publicUrl: string | null;
  linkSigner?: LinkSigner;
}

/** What an alarm has in common with others of one flood. @param parent the gateway that it followed from, if any. */
export function bondOf(
  alarm: Pick<Alarm, 'station' | 'parameter'>,
  station: Station | undefined,
  parent: string | null,
): Bond {
  if (parent !== null) return { kind: 'gateway', name: parent };
  if (alarm.station === GATEWAYS_STATION) return { kind: 'gateways', name: null };
  if (alarm.station === PLATFORM_STATION) return { kind: 'platform', name: alarm.parameter };
  if (station?.river) return { kind: 'river', name: station.river };
  return station?.area ? { kind: 'area', name: station.area } : { kind: 'rest', name: null };
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
      const { recipient, group } = placed(before, arrival);
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
