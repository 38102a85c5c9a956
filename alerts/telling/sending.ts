/** What passes the stages between the outbox and a recipient (stages.ts), and the hands that they may use. */
import type { Sent } from '#alerts/channels/channel.ts';
import type { Channel } from '#model/register.ts';
import type { Allowance } from './allowance.ts';
import type { Item } from './lines.ts';

/** What one channel has to send. */
export interface Queue {
  items: Set<Item>;
  ready: Item[];
  sending: number;
  allowance: Allowance;
  /** Takes back the wait for the limit per minute. */
  cancel: (() => void) | null;
  favourRetry: boolean;
}

/** A channel looks what may begin now. */
export interface Turn {
  channel: string;
  queue: Queue;
  perMinute: number;
  /** Monotonic. */
  nowMs: number;
  /** So many the limit per minute lets begin; so many more may be on their way at a time. */
  free: number;
  room: number;
  starts: readonly Item[];
  /** After so long the limit lets more begin; null: nothing waits for it. */
  waitMs: number | null;
}

/** What came of an attempt, as it counts. */
export interface Answer {
  item: Item;
  sent: Sent;
  atMs: number;
  /** The channel that takes over. */
  fallback: string | null;
}

export interface Sender {
  /** The channel as the registers now have it. */
  channel(id: string): Channel | undefined;
  /** Puts one summary in the place of these. */
  gather(channel: string, queue: Queue, members: readonly Item[]): void;
  /** Uniform in [0, 1). */
  random(): number;
}
