/** What a channel is to the dispatcher: one function that sends one notice and answers in one of three ways. */
import type { Channel } from '#model/register.ts';
import type { Clock } from '#src/clock.ts';
import type { Log } from '../log.ts';
import type { Notice } from '../notice.ts';
import type { AddressPolicy } from './address.ts';

/** `failed-for-now` is tried again; `failed-for-good` never would succeed and is not. */
export type Outcome = 'sent' | 'failed-for-now' | 'failed-for-good';

export interface Sent {
  outcome: Outcome;
  /** For people: an HTTP status, or what went wrong. */
  status: string;
  /** The recipient's own wish (Retry-After). */
  retryAfterMs?: number;
}

/** What channels may use of the world. */
export interface ChannelPorts {
  clock: Clock;
  log: Log;
  policy: AddressPolicy;
  /** Rejects when the broker didn't take it. */
  publish: (topic: string, payload: string, retain: boolean) => Promise<void>;
  /** Aborted when the dispatcher closes. */
  signal: AbortSignal;
}

export type Send = (channel: Channel, notice: Notice, ports: ChannelPorts) => Promise<Sent>;
