/** The channels of the simulation: they write down what reaches a recipient, and answer as the knobs and luck have it. */
import type { Outcome, Send } from '#alerts/channels/channel.ts';
import type { Channel } from '#model/register.ts';
import type { Knobs } from './knobs.ts';
import type { Mortality } from './mortality.ts';
import type { Random } from './random.ts';

/** One notice on the wire. `life` = which life of the followers' thread sent it. */
interface WireSend {
  life: number;
  channel: string;
  id: string;
  payload: string;
  outcome: Outcome;
  atMs: number;
}

export class Wire {
  readonly sends: WireSend[] = [];
  readonly #knobs: Knobs;
  readonly #random: Random;
  readonly #nowMs: () => number;

  constructor(knobs: Knobs, random: Random, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#knobs = knobs;
    this.#random = random;
  }

  sender(life: number, mortality: Mortality): Send {
    return async (channel, { id, payload }) => {
      mortality.step();
      const recipient = recipientOf(channel);
      const outcome = this.#outcome(recipient);
      this.sends.push({ life, channel: recipient, id, payload, outcome, atMs: this.#nowMs() });
      // The recipient has it; its sender may not live to know.
      mortality.step();
      if (outcome === 'failed-for-now' && this.#random.chance(0.2)) throw new Error('the connection broke');
      const retryAfterMs = this.#random.between(0, 600_000);
      const isAskedToWait = outcome === 'failed-for-now' && this.#random.chance(0.3);
      return { outcome, status: outcome, ...(isAskedToWait && { retryAfterMs }) };
    };
  }

  #outcome(channel: string): Outcome {
    if (!this.#knobs.isChannelUp) return 'failed-for-now';
    if (!this.#random.chance(this.#knobs.channelFailures)) return 'sent';
    return channel === 'west' && this.#random.chance(0.3) ? 'failed-for-good' : 'failed-for-now';
  }
}

/** `http://all.example/` is recipient `all`. */
function recipientOf(channel: Channel): string {
  if (!('url' in channel) || channel.url === undefined) throw new Error('the simulation has webhooks only');
  return new URL(channel.url).hostname.split('.')[0]!;
}
