/**
 * The order in which notices may go: those about one alarm, to one channel, one after the other. Which of the waiting
 * ones go together in a summary is decided here, too. No clock, no database.
 */
import type { PendingNotice } from '#alerts/records/outbox.ts';
import { SUMMARY_ALARMS_MAX } from './notice.ts';

export interface Item extends PendingNotice {
  /** Takes back the wait for its next try. */
  cancel: (() => void) | null;
  phase: 'waiting' | 'ready' | 'sending';
  /** Its wait is over, whatever the wall clock says by now. */
  isDue: boolean;
}

function linesOf({ channel, alarms, id }: PendingNotice): string[] {
  return (alarms.length === 0 ? [id] : alarms).map((alarm) => `${channel} ${alarm}`);
}

/** Nobody can have it yet, and it is about alarms: it may be told in a summary. */
export function isFresh({ begun, event }: PendingNotice): boolean {
  return !begun && event !== 'test' && event !== 'summary';
}

export class Lines {
  readonly #lines = new Map<string, Item[]>();

  add(item: Item): void {
    for (const line of linesOf(item)) {
      const queue = this.#lines.get(line);
      if (queue) queue.push(item);
      else this.#lines.set(line, [item]);
    }
  }

  isFirst(item: Item): boolean {
    return linesOf(item).every((line) => this.#lines.get(line)?.[0] === item);
  }

  /** @returns those that stand first in one of its lines now. */
  remove(item: Item): Item[] {
    return linesOf(item).flatMap((line) => {
      const rest = this.#lines.get(line)!.filter((other) => other !== item);
      if (rest.length === 0) this.#lines.delete(line);
      else this.#lines.set(line, rest);
      return rest.slice(0, 1);
    });
  }

  /** Puts a summary where its members stood, which is at the head of each of their lines. */
  replace(members: readonly Item[], summary: Item): void {
    for (const member of members) this.remove(member);
    for (const line of linesOf(summary)) this.#lines.set(line, [summary, ...(this.#lines.get(line) ?? [])]);
  }
}

/**
 * The fresh notices that could go at once, were it not for the limit: all before them in their lines could, too.
 * @param items all of a channel's.
 */
export function tellable(items: Iterable<Item>): Item[] {
  const blocked = new Set<string>();
  const inOrder = [...items].sort((a, b) => a.position - b.position);
  return inOrder.filter((item) => {
    const lines = linesOf(item);
    if (isFresh(item) && item.phase !== 'sending' && !lines.some((line) => blocked.has(line))) return true;
    for (const line of lines) blocked.add(line);
    return false;
  });
}

/** Divides what waits into at most `most` summaries, in order; what doesn't fit waits on. */
export function summaries(waiting: readonly Item[], most: number): Item[][] {
  const groups: Item[][] = [];
  let alarms = Number.POSITIVE_INFINITY;
  for (const item of waiting) {
    if (alarms + item.alarms.length > SUMMARY_ALARMS_MAX) {
      if (groups.length === most) break;
      groups.push([]);
      alarms = 0;
    }
    groups.at(-1)!.push(item);
    alarms += item.alarms.length;
  }
  // A summary of one is that notice itself.
  return groups.filter((group) => group.length > 1);
}

/**
 * Who goes when not all that are ready may: newcomers and retries by turns, so that neither starves the other.
 * @param favourRetry whose turn it is.
 */
export function chosen(ready: readonly Item[], most: number, favourRetry: boolean): Item[] {
  if (ready.length <= most) return [...ready];
  const retries = ready.filter(({ tries }) => tries > 0);
  const others = ready.filter(({ tries }) => tries === 0);
  const [first, second] = favourRetry ? [retries, others] : [others, retries];
  const turns = Array.from({ length: most }, (_, n) => [first[n], second[n]]).flat();
  return turns.filter((item) => item !== undefined).slice(0, most);
}
