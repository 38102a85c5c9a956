/** What a channel is to the dispatcher: one function that sends one notice and answers in one of three ways. */

import type { Notice } from '#alerts/telling/notice.ts';
import type { Channel } from '#model/register.ts';
import type { Clock } from '#src/clock.ts';
import type { Log } from '../log.ts';
import type { Names } from '../templates/message.ts';
import type { AddressPolicy } from './address.ts';

/** `failed-for-now` is tried again; `failed-for-good` never would succeed and is not. */
export type Outcome = 'sent' | 'failed-for-now' | 'failed-for-good';

/** What became of a notice for one of the addresses or numbers behind a channel. */
export interface Receipt {
  to: string;
  outcome: Outcome;
  status: string;
}

export interface Sent {
  outcome: Outcome;
  /** For people: an HTTP status, or what went wrong. Never a secret. */
  status: string;
  /** The recipient's own wish (Retry-After). */
  retryAfterMs?: number;
  /** The platform wants to hear nothing at all for so long: it counts what the whole channel sends. */
  holdMs?: number;
  /** Of this attempt, for a channel with several recipients. */
  receipts?: Receipt[];
}

/** What channels may use of the world. */
export interface ChannelPorts {
  clock: Clock;
  log: Log;
  policy: AddressPolicy;
  /** Rejects when the broker didn't take it. */
  publish: (topic: string, payload: string, retain: boolean) => Promise<void>;
  /** Names of stations and parameters for texts; without them texts say ids. */
  names?: Names;
  /** Aborted when the dispatcher closes. */
  signal: AbortSignal;
}

export type Send = (channel: Channel, notice: Notice, ports: ChannelPorts) => Promise<Sent>;

/** The senders of one kind each, as one of any kind: the table of index.ts gives each what is its own. */
export type SendOf<K extends Channel['kind']> = (
  channel: Extract<Channel, { kind: K }>,
  notice: Notice,
  ports: ChannelPorts,
) => Promise<Sent>;

/**
 * What the attempts so far and this one come to for a channel with several recipients: sent when everybody has it;
 * tried again while anybody may still get it; else failed, for those who can't be reached.
 */
export function overall(recipients: readonly string[], before: Notice['receipts'], receipts: Receipt[]): Sent {
  const now = new Map<string, Outcome>(before);
  for (const { to, outcome } of receipts) now.set(to, outcome);
  const of = (outcome: Outcome) => recipients.filter((to) => now.get(to) === outcome);
  const outcome = (['failed-for-now', 'failed-for-good'] as const).find((one) => of(one).length > 0) ?? 'sent';
  const troubles = receipts.filter((receipt) => receipt.outcome !== 'sent').map(({ to, status }) => `${to}: ${status}`);
  const status = [`${of('sent').length} of ${recipients.length} have it`, ...troubles].join('; ');
  return { outcome, status, receipts };
}

/** Those of the recipients for whom the notice is not settled yet. */
export function unsettled(recipients: readonly string[], { receipts }: Notice): string[] {
  return recipients.filter((to) => (receipts?.get(to) ?? 'failed-for-now') === 'failed-for-now');
}
