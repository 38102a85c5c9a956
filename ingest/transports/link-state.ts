/** How things stand with an outside broker, for people and for platform alarms. */
import type { Clock } from '#src/clock.ts';
import type { LinkCondition } from './mqtt-link.ts';

/** `connecting` also while the broker refuses a subscription. */
export interface Link {
  state: 'connecting' | 'up' | 'away';
  /** Wall clock. */
  sinceMs: number;
  /** In words; null when nothing is wrong. */
  reason: string | null;
}

export interface LinkTrouble {
  condition: LinkCondition;
  detail: string;
}

interface Options {
  clock: Clock;
  log: { warn(fields: object, message: string): void };
  /** One condition at a time, again when its reason changes: null = it is over; also told when the first connection meets none. */
  onTrouble: (condition: LinkCondition, trouble: { sinceMs: number; detail: string } | null) => void;
}

export class LinkState {
  readonly #options: Options;
  #link: Link;
  /** Undefined until anything is known. */
  #trouble: LinkTrouble | null | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#link = { state: 'connecting', sinceMs: options.clock.nowMs(), reason: null };
  }

  get link(): Link {
    return { ...this.#link };
  }

  /** CONNACK: a refused subscription stays refused until it is granted, everything else is over. */
  connected(): void {
    const trouble = this.#trouble;
    this.set('connecting', trouble?.condition === 'broker.subscription-refused' ? trouble : null);
  }

  set(state: Link['state'], trouble: LinkTrouble | null): void {
    const sinceMs = state === this.#link.state ? this.#link.sinceMs : this.#options.clock.nowMs();
    this.#link = { state, sinceMs, reason: trouble?.detail ?? null };
    this.#tell(trouble);
  }

  #tell(trouble: LinkTrouble | null): void {
    const { onTrouble, clock, log } = this.#options;
    const last = this.#trouble;
    this.#trouble = trouble;
    if (last !== undefined && last?.condition === trouble?.condition && last?.detail === trouble?.detail) return;
    const isOver = last?.condition !== trouble?.condition;
    if (!trouble || (last && isOver)) onTrouble(last?.condition ?? 'broker.unreachable', null);
    if (!trouble) return;
    const { condition, detail } = trouble;
    log.warn({ event: 'mqtt.trouble', condition, reason: detail }, 'the broker can not be used');
    onTrouble(condition, { sinceMs: clock.nowMs(), detail });
  }
}
