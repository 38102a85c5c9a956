/**
 * Empties the outbox: sends pending notices through their channels, writes down every attempt, and tries again what
 * failed for now. Sending is at least once: after a crash between a send and its row the notice goes out again under
 * the same Idempotency-Key, which is how a recipient sees it once (invariant 5). Notices about one alarm go to one
 * channel in their order; nothing else waits for anything, but for the channel's limit per minute. What waits for that
 * is told in one summary, which only notices can join that nobody can have seen: that one is begun is on disk before it
 * is sent. What a channel can't tell anybody, its fallback takes over.
 */

import type { ChannelPorts, Send, Sent } from '#alerts/channels/channel.ts';
import { SENDERS } from '#alerts/channels/index.ts';
import { openOutbox, type ToldNotice } from '#alerts/records/outbox.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import { FALLBACK_AFTER, PER_MINUTE } from '#model/alarms/channel.ts';
import type { Channel } from '#model/register.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { type Allowance, createAllowance } from './allowance.ts';
import { chosen, type Item, isFresh, Lines, summaries, tellable } from './dispatch-lines.ts';
import { noticePayload, standIn, summaryDraft } from './notice.ts';

const BACK_OFF_FIRST_MS = 1000;
const BACK_OFF_MAX_MS = 300_000;
const BACK_OFF_JITTER = 0.2;
/** A recipient that wants to be asked again at once isn't. */
const RETRY_MIN_MS = BACK_OFF_FIRST_MS * (1 - BACK_OFF_JITTER);
/** No wait is longer, even when the wall clock was set back while nobody looked. */
const WAIT_MAX_MS = 3_600_000;
/** A notice that could not be sent for so long is about another week's water. */
const GIVE_UP_MS = 7 * 86_400_000;
/** So many notices of one channel are on their way at a time. */
const CONCURRENT_PER_CHANNEL = 4;
/** Attempts that end within this time share a transaction. */
const RECORD_DELAY_MS = 5;
const MINUTE_MS = 60_000;

const STATE_AFTER = { sent: 'sent', 'failed-for-now': 'pending', 'failed-for-good': 'failed' } as const;

/** Runs `work` after some time; the answer takes it back. */
export type Delay = (ms: number, work: () => void) => () => void;

const systemDelay: Delay = (ms, work) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};

export interface DispatcherOptions {
  derived: Database;
  /** The channel as the registers now have it. */
  channel: (id: string) => Channel | undefined;
  ports: Omit<ChannelPorts, 'signal'>;
  /** Signs the links of what another channel takes over. */
  linkSigner?: LinkSigner | null;
  /** Instead of the senders of those kinds. */
  senders?: Readonly<Partial<Record<Channel['kind'], Send>>>;
  delay?: Delay;
  /** Uniform in [0, 1). */
  random?: () => number;
}

export interface Dispatcher {
  /** Looks for new notices: to be called after each commit of the alerts follower. */
  wake(): void;
  /** How many notices wait or are on their way. */
  pending(): number;
  /** Stops at once: what is on its way is broken off and stays pending. */
  close(): Promise<void>;
}

/** What one channel has to send. */
interface Queue {
  items: Set<Item>;
  ready: Item[];
  sending: number;
  allowance: Allowance;
  /** Takes back the wait for the limit per minute. */
  cancel: (() => void) | null;
  favourRetry: boolean;
}

interface Finished {
  item: Item;
  sent: Sent;
  atMs: number;
}

/** An attempt as it counts, and which channel takes over. */
interface Judged extends Finished {
  fallback: string | null;
}

/** The wait before try number `tries` + 1: 1, 2, 4, 8 … s up to 5 min, ±20 % (contracts §6). */
export function backOffMs(tries: number, random: number): number {
  const base = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** (tries - 1));
  return Math.round(base * (1 - BACK_OFF_JITTER + 2 * BACK_OFF_JITTER * random));
}

/** Not split: one closure over the queues that all of its short parts share. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { derived, ports, linkSigner = null, delay = systemDelay, random = Math.random } = options;
  const { clock, log } = ports;
  // Each sender is only handed channels of its own kind, which the compiler can't see through a table.
  const senders = { ...SENDERS, ...options.senders } as Readonly<Record<Channel['kind'], Send>>;
  const outbox = openOutbox(derived);
  const items = new Map<string, Item>();
  const lines = new Lines();
  const queues = new Map<string, Queue>();
  const earlier = Map.groupBy(outbox.attemptsSince(clock.nowMs() - MINUTE_MS), ({ channel }) => channel);
  const stop = new AbortController();
  let finished: Finished[] = [];
  let cancelRecord: (() => void) | null = null;
  let seenPosition = 0;
  const under = new Set<Promise<void>>();

  function queueOf(channel: string): Queue {
    const known = queues.get(channel);
    if (known) return known;
    const begun = earlier.get(channel) ?? [];
    const agesMs = begun.map(({ atMs }) => Math.min(MINUTE_MS, Math.max(0, clock.nowMs() - atMs)));
    const allowance = createAllowance(agesMs.map((ageMs) => clock.monotonicMs() - ageMs).sort((a, b) => a - b));
    const queue = { items: new Set<Item>(), ready: [], sending: 0, allowance, cancel: null, favourRetry: false };
    queues.set(channel, queue);
    return queue;
  }

  function wake(): void {
    if (stop.signal.aborted) return;
    const channels = new Set<string>();
    for (const notice of outbox.pendingAfter(seenPosition)) {
      seenPosition = notice.position;
      if (items.has(notice.id)) continue;
      const item: Item = { ...notice, cancel: null, phase: 'waiting', isDue: false };
      take(item);
      lines.add(item);
      if (arrange(item)) channels.add(item.channel);
    }
    pump(channels);
  }

  function take(item: Item): void {
    items.set(item.id, item);
    queueOf(item.channel).items.add(item);
  }

  /** Makes a notice ready, or waits until it may be; does nothing while another one stands before it. */
  function arrange(item: Item): boolean {
    if (stop.signal.aborted || item.phase !== 'waiting' || item.cancel || !lines.isFirst(item)) return false;
    const waitMs = item.isDue ? 0 : Math.min(WAIT_MAX_MS, item.nextAtMs - clock.nowMs());
    if (waitMs > 0) {
      item.cancel = delay(waitMs, () => {
        item.cancel = null;
        item.isDue = true;
        if (arrange(item)) pump([item.channel]);
      });
      return false;
    }
    item.phase = 'ready';
    queueOf(item.channel).ready.push(item);
    return true;
  }

  /** Begins what may begin in these channels, and says so on disk before anything is sent. */
  function pump(channels: Iterable<string>): void {
    if (stop.signal.aborted) return;
    const starts = [...channels].flatMap((channel) => next(channel, queueOf(channel)));
    const first = starts.filter(({ begun }) => !begun);
    if (first.length > 0) {
      transaction(derived, () => {
        for (const { id } of first) outbox.begin(id);
      });
    }
    for (const item of starts) {
      const queue = queueOf(item.channel);
      Object.assign(item, { begun: true, phase: 'sending' });
      queue.ready.splice(queue.ready.indexOf(item), 1);
      queue.sending++;
      queue.allowance.take(clock.monotonicMs());
      const sent = attempt(item).finally(() => under.delete(sent));
      under.add(sent);
    }
  }

  function next(id: string, queue: Queue): Item[] {
    const channel = options.channel(id);
    const perMinute = channel?.perMinute ?? PER_MINUTE[channel?.kind ?? 'webhook'];
    const nowMs = clock.monotonicMs();
    const free = queue.allowance.free(nowMs, perMinute);
    const room = CONCURRENT_PER_CHANNEL - queue.sending;
    if (free > 0 && room > 0 && queue.items.size - queue.sending > free) group(id, queue, free);
    const most = Math.min(free, room);
    const starts = chosen(queue.ready, Math.max(0, most), queue.favourRetry);
    if (queue.ready.length > most && starts.length > 0) queue.favourRetry = !queue.favourRetry;
    if (queue.ready.length > starts.length && room > starts.length && !queue.cancel) {
      // The starts count from now, so the limit may be reached only by them.
      const waitMs = queue.allowance.nextMs(nowMs, perMinute) - nowMs;
      queue.cancel = delay(Math.max(1, waitMs), () => {
        queue.cancel = null;
        pump([id]);
      });
    }
    return starts;
  }

  /** When more wait than may go, they go together. */
  function group(channel: string, queue: Queue, free: number): void {
    const waiting = tellable(queue.items);
    const others = queue.ready.filter((item) => !isFresh(item)).length;
    if (waiting.length + others <= free) return;
    for (const members of summaries(waiting, free)) {
      const told = members.flatMap(({ id }) => outbox.told(id));
      const draft = summaryDraft(channel, told, clock.nowMs());
      transaction(derived, () => outbox.group(draft, members));
      const { position, createdAtMs } = members[0]!;
      const { id, event, alarms } = draft;
      const state = { nextAtMs: 0, tries: 0, begun: false, receipts: new Map(), cancel: null, isDue: true };
      const summary: Item = {
        id,
        channel,
        event,
        alarms: [...alarms],
        position,
        createdAtMs,
        ...state,
        phase: 'ready',
      };
      lines.replace(members, summary);
      for (const member of members) {
        items.delete(member.id);
        queue.items.delete(member);
        member.cancel?.();
      }
      const gone = new Set(members);
      queue.ready = [...queue.ready.filter((item) => !gone.has(item)), summary];
      take(summary);
    }
  }

  async function attempt(item: Item): Promise<void> {
    const sent = await deliver(item);
    // What was broken off by our own end isn't the recipient's failure: it stays as it was.
    if (stop.signal.aborted && sent.outcome !== 'sent') return;
    finished.push({ item, sent, atMs: clock.nowMs() });
    if (stop.signal.aborted) return;
    cancelRecord ??= delay(RECORD_DELAY_MS, () => {
      cancelRecord = null;
      record();
    });
  }

  async function deliver(item: Item): Promise<Sent> {
    const channel = options.channel(item.channel);
    if (!channel) return { outcome: 'failed-for-good', status: 'the channel was removed' };
    try {
      const payload = noticePayload(item.id, outbox.payload(item.id));
      const { id, event, receipts } = item;
      return await senders[channel.kind](channel, { id, event, payload, receipts }, { ...ports, signal: stop.signal });
    } catch (error) {
      log.warn(
        { event: 'notice.failed', err: error, notice: item.id, channel: item.channel },
        'a channel threw instead of answering',
      );
      return { outcome: 'failed-for-now', status: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Writes down what ended; only then the next notice of the same alarm may go. */
  function record(): void {
    const batch = finished.map(judged);
    finished = [];
    if (batch.length === 0) return;
    transaction(derived, () => {
      for (const { item, sent, atMs, fallback } of batch) {
        const { outcome, status, receipts = [] } = sent;
        outbox.attempted(
          item.id,
          { atMs, status: status.slice(0, 500), outcome },
          STATE_AFTER[outcome],
          item,
          receipts,
        );
        if (fallback !== null) handOver(item, fallback, atMs);
      }
    });
    const channels = new Set<string>();
    for (const { item, sent } of batch) {
      const queue = queueOf(item.channel);
      queue.sending--;
      channels.add(item.channel);
      item.phase = 'waiting';
      if (sent.holdMs !== undefined) queue.allowance.hold(clock.monotonicMs() + sent.holdMs);
      if (sent.outcome === 'failed-for-now') arrange(item);
      else leave(item);
    }
    pump(channels);
    // What was handed over stands at the end of the outbox.
    if (batch.some(({ fallback }) => fallback !== null)) wake();
  }

  /** The answer as it counts: works out when a notice that failed is tried again, or that it isn't, or who takes over. */
  function judged({ item, sent, atMs }: Finished): Judged {
    item.tries++;
    item.isDue = false;
    const { receipts = [] } = sent;
    item.receipts = new Map([...item.receipts, ...receipts.map(({ to, outcome }) => [to, outcome] as const)]);
    const fallback = fallbackOf(item);
    if (sent.outcome === 'sent') return { item, sent, atMs, fallback: null };
    if (sent.outcome === 'failed-for-good') return { item, sent, atMs, fallback: fallback?.id ?? null };
    const { retryAfterMs = backOffMs(item.tries, random()) } = sent;
    item.nextAtMs = atMs + Math.max(RETRY_MIN_MS, retryAfterMs);
    const end = (why: string): Sent => ({ ...sent, outcome: 'failed-for-good', status: `${sent.status}; ${why}` });
    if (fallback !== null && item.tries >= fallback.after) {
      return { item, sent: end(`given to ${fallback.id} after ${item.tries} attempts`), atMs, fallback: fallback.id };
    }
    if (item.nextAtMs - item.createdAtMs <= GIVE_UP_MS) return { item, sent, atMs, fallback: null };
    return { item, sent: end('given up after a week'), atMs, fallback: fallback?.id ?? null };
  }

  /** Who takes over when nobody behind the channel has the notice; a test tests its own channel. */
  function fallbackOf({ channel: id, event, receipts }: Item): { id: string; after: number } | null {
    const channel = options.channel(id);
    const { fallback, fallbackAfter = FALLBACK_AFTER } = channel ?? {};
    const isReached = [...receipts.values()].includes('sent');
    if (fallback === undefined || fallback === id || event === 'test' || isReached) return null;
    return options.channel(fallback) ? { id: fallback, after: fallbackAfter } : null;
  }

  /** In the open transaction. A summary's notices are handed over each, since the other channel may know some of them. */
  function handOver(item: Item, fallback: string, atMs: number): void {
    const taken = (told: ToldNotice) => {
      const isTaken = outbox.takeOver(standIn(told, fallback, atMs, linkSigner));
      if (isTaken) outbox.handedOver(told.id, fallback);
      return isTaken;
    };
    if (outbox.told(item.id).map(taken).every(Boolean)) outbox.handedOver(item.id, fallback);
  }

  function leave(item: Item): void {
    items.delete(item.id);
    const queue = queueOf(item.channel);
    queue.items.delete(item);
    for (const first of lines.remove(item)) arrange(first);
  }

  return {
    wake,
    pending: () => items.size,
    async close() {
      if (stop.signal.aborted) return;
      stop.abort();
      cancelRecord?.();
      for (const item of items.values()) item.cancel?.();
      for (const queue of queues.values()) queue.cancel?.();
      await Promise.all(under);
      record();
    },
  };
}
