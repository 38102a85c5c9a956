/**
 * Empties the outbox: sends pending notices through their channels, writes down every attempt, and tries again what
 * failed for now. Sending is at least once: after a crash between a send and its row the notice goes out again under
 * the same Idempotency-Key, which is how a recipient sees it once (invariant 5). Notices about one alarm go to one
 * channel in their order; nothing else waits for anything.
 */
import type { Channel } from '#model/register.ts';
import { openOutbox, type PendingNotice } from '#store/outbox.ts';
import { type Database, transaction } from '#store/sqlite.ts';
import type { ChannelPorts, Send, Sent } from './channels/channel.ts';
import { SENDERS } from './channels/index.ts';
import { noticePayload } from './notice.ts';

const BACK_OFF_FIRST_MS = 1000;
const BACK_OFF_MAX_MS = 300_000;
const BACK_OFF_JITTER = 0.2;
/** A recipient that wants to be asked again at once isn't. */
const RETRY_MIN_MS = BACK_OFF_FIRST_MS * (1 - BACK_OFF_JITTER);
/** A notice that could not be sent for so long is about another week's water. */
const GIVE_UP_MS = 7 * 86_400_000;
/** So many notices of one channel are on their way at a time. */
const CONCURRENT_PER_CHANNEL = 4;
/** Attempts that end within this time share a transaction. */
const RECORD_DELAY_MS = 5;

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
  senders?: Readonly<Record<Channel['kind'], Send>>;
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

interface Item extends PendingNotice {
  /** Takes back the wait for its next try. */
  cancel: (() => void) | null;
  isSending: boolean;
}

interface Finished {
  item: Item;
  sent: Sent;
  atMs: number;
}

/** The wait before try number `tries` + 1: 1, 2, 4, 8 … s up to 5 min, ±20 % (contracts §6). */
export function backOffMs(tries: number, random: number): number {
  const base = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** (tries - 1));
  return Math.round(base * (1 - BACK_OFF_JITTER + 2 * BACK_OFF_JITTER * random));
}

function append(queues: Map<string, Item[]>, name: string, item: Item): void {
  const queue = queues.get(name);
  if (queue) queue.push(item);
  else queues.set(name, [item]);
}

/** Not split: one closure over the queues that all of its short parts share. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { derived, ports, senders = SENDERS, delay = systemDelay, random = Math.random } = options;
  const { clock, log } = ports;
  const outbox = openOutbox(derived);
  const items = new Map<string, Item>();
  /** Channel and alarm → the notices about it in their order; only the first may be sent. */
  const lines = new Map<string, Item[]>();
  /** Channel → notices that may be sent now. */
  const ready = new Map<string, Item[]>();
  const sending = new Map<string, number>();
  const stop = new AbortController();
  let finished: Finished[] = [];
  let cancelRecord: (() => void) | null = null;
  let seenPosition = 0;
  const under = new Set<Promise<void>>();

  const linesOf = ({ channel, alarms, id }: PendingNotice) =>
    (alarms.length === 0 ? [id] : alarms).map((alarm) => `${channel} ${alarm}`);

  function wake(): void {
    if (stop.signal.aborted) return;
    for (const notice of outbox.pendingAfter(seenPosition)) {
      seenPosition = notice.position;
      if (items.has(notice.id)) continue;
      const item: Item = { ...notice, cancel: null, isSending: false };
      items.set(item.id, item);
      for (const line of linesOf(item)) append(lines, line, item);
      arrange(item);
    }
  }

  /** Makes a notice ready, or waits until it may be; does nothing while another one stands before it. */
  function arrange(item: Item): void {
    if (stop.signal.aborted || item.isSending || item.cancel) return;
    if (linesOf(item).some((line) => lines.get(line)?.[0] !== item)) return;
    const waitMs = item.nextAtMs - clock.nowMs();
    if (waitMs > 0) {
      item.cancel = delay(waitMs, () => {
        item.cancel = null;
        arrange(item);
      });
      return;
    }
    item.isSending = true;
    append(ready, item.channel, item);
    pump(item.channel);
  }

  function pump(channel: string): void {
    const queue = ready.get(channel) ?? [];
    while (queue.length > 0 && (sending.get(channel) ?? 0) < CONCURRENT_PER_CHANNEL && !stop.signal.aborted) {
      const item = queue.shift()!;
      sending.set(channel, (sending.get(channel) ?? 0) + 1);
      const sent = attempt(item).finally(() => under.delete(sent));
      under.add(sent);
    }
  }

  async function attempt(item: Item): Promise<void> {
    const sent = await deliver(item);
    sending.set(item.channel, sending.get(item.channel)! - 1);
    // What was broken off by our own end isn't the recipient's failure: it stays as it was.
    if (!(stop.signal.aborted && sent.outcome !== 'sent')) finish({ item, sent, atMs: clock.nowMs() });
    pump(item.channel);
  }

  async function deliver(item: Item): Promise<Sent> {
    const channel = options.channel(item.channel);
    if (!channel) return { outcome: 'failed-for-good', status: 'the channel was removed' };
    try {
      const payload = noticePayload(item.id, outbox.payload(item.id));
      return await senders[channel.kind](
        channel,
        { id: item.id, event: item.event, payload },
        { ...ports, signal: stop.signal },
      );
    } catch (error) {
      log.warn(
        { event: 'notice.failed', err: error, notice: item.id, channel: item.channel },
        'a channel threw instead of answering',
      );
      return { outcome: 'failed-for-now', status: error instanceof Error ? error.message : String(error) };
    }
  }

  function finish(done: Finished): void {
    finished.push(done);
    if (stop.signal.aborted) return;
    cancelRecord ??= delay(RECORD_DELAY_MS, () => {
      cancelRecord = null;
      record();
    });
  }

  /** Writes down what ended; only then the next notice of the same alarm may go. */
  function record(): void {
    const batch = finished.map((done) => ({ ...done, sent: judged(done) }));
    finished = [];
    if (batch.length === 0) return;
    transaction(derived, () => {
      for (const { item, sent, atMs } of batch) {
        const state = STATE_AFTER[sent.outcome];
        outbox.attempted(item.id, { atMs, status: sent.status.slice(0, 500), outcome: sent.outcome }, state, item);
      }
    });
    for (const { item, sent } of batch) {
      item.isSending = false;
      if (sent.outcome === 'failed-for-now') arrange(item);
      else leave(item);
    }
  }

  /** The answer as it counts: works out when a notice that failed is tried again, or that it isn't. */
  function judged({ item, sent, atMs }: Finished): Sent {
    item.tries++;
    if (sent.outcome !== 'failed-for-now') return sent;
    const { retryAfterMs = backOffMs(item.tries, random()) } = sent;
    item.nextAtMs = atMs + Math.max(RETRY_MIN_MS, retryAfterMs);
    if (item.nextAtMs - item.createdAtMs <= GIVE_UP_MS) return sent;
    return { outcome: 'failed-for-good', status: `${sent.status}; given up after a week` };
  }

  function leave(item: Item): void {
    items.delete(item.id);
    for (const line of linesOf(item)) {
      const rest = (lines.get(line) ?? []).filter((other) => other !== item);
      if (rest.length === 0) lines.delete(line);
      else lines.set(line, rest);
      const [next] = rest;
      if (next) arrange(next);
    }
  }

  return {
    wake,
    pending: () => items.size,
    async close() {
      if (stop.signal.aborted) return;
      stop.abort();
      cancelRecord?.();
      for (const item of items.values()) item.cancel?.();
      await Promise.all(under);
      record();
    },
  };
}
