/**
 * Empties the outbox: sends pending notices through their channels, writes down every attempt, and tries again what
 * failed for now. Sending is at least once: after a crash between a send and its row the notice goes out again under
 * the same Idempotency-Key, which is how a recipient sees it once (invariant 5). Notices about one alarm go to one
 * channel in their order; nothing else waits for anything, but for the channel's limit per minute. What waits for that
 * is told in one summary, which only notices can join that nobody can have seen: that one is begun is on disk before it
 * is sent. What a channel can't tell anybody, its fallback takes over.
 */

import type { ChannelPorts, Send } from '#alerts/channels/channel.ts';
import { SENDERS } from '#alerts/channels/index.ts';
import { openOutbox, type ToldNotice } from '#alerts/records/outbox.ts';
import type { LinkSigner } from '#model/alarms/acknowledge-link.ts';
import { PER_MINUTE } from '#model/alarms/channel.ts';
import type { Channel } from '#model/register.ts';
import { type Database, transaction } from '#src/sqlite.ts';
import { createAllowance } from './allowance.ts';
import type { Post } from './attempt.ts';
import { type Item, Lines } from './lines.ts';
import { standIn, summaryDraft } from './notice.ts';
import type { Answer, Queue, Sender } from './sending.ts';
import { STAGES, through } from './stages.ts';

/** No wait is longer, even when the wall clock was set back while nobody looked. */
const WAIT_MAX_MS = 3_600_000;
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

/** An attempt that has ended. */
type Finished = Pick<Answer, 'item' | 'sent' | 'atMs'>;

/** Not split: one closure over the queues that all of its short parts share. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { derived, ports, linkSigner = null, delay = systemDelay, random = Math.random } = options;
  const { clock } = ports;
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
  const hands: Sender = { channel: options.channel, random, gather };
  const post: Post = {
    channel: options.channel,
    senders,
    payload: outbox.payload,
    ports: { ...ports, signal: stop.signal },
  };

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

  function next(id: string, queue: Queue): readonly Item[] {
    const channel = options.channel(id);
    const perMinute = channel?.perMinute ?? PER_MINUTE[channel?.kind ?? 'webhook'];
    const nowMs = clock.monotonicMs();
    const turn = { channel: id, queue, perMinute, nowMs, free: 0, room: 0, starts: [], waitMs: null };
    const { starts, waitMs } = through(STAGES.turn, turn, hands)!;
    if (waitMs !== null) {
      queue.cancel = delay(waitMs, () => {
        queue.cancel = null;
        pump([id]);
      });
    }
    return starts;
  }

  function gather(channel: string, queue: Queue, members: readonly Item[]): void {
    const told = members.flatMap(({ id }) => outbox.told(id));
    const draft = summaryDraft(channel, told, clock.nowMs());
    transaction(derived, () => outbox.group(draft, members));
    const { position, createdAtMs } = members[0]!;
    const { id, event, alarms } = draft;
    const place = { id, channel, event, alarms: [...alarms], position, createdAtMs };
    const state = { nextAtMs: 0, tries: 0, begun: false, receipts: new Map(), cancel: null, isDue: true };
    const summary: Item = { ...place, ...state, phase: 'ready' };
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

  async function attempt(item: Item): Promise<void> {
    const sent = await STAGES.attempt(item, post);
    // What was broken off by our own end isn't the recipient's failure: it stays as it was.
    if (stop.signal.aborted && sent.outcome !== 'sent') return;
    finished.push({ item, sent, atMs: clock.nowMs() });
    if (stop.signal.aborted) return;
    cancelRecord ??= delay(RECORD_DELAY_MS, () => {
      cancelRecord = null;
      record();
    });
  }

  /** Writes down what ended; only then the next notice of the same alarm may go. */
  function record(): void {
    const batch = finished.map((one) => through(STAGES.answer, { ...one, fallback: null }, hands)!);
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
