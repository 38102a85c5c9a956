/**
 * When the journal commits: at the end of this turn of the event loop when commits are quick and little comes. It waits
 *
 * - as long as the last ones took when they are slow, so that half of the time stays for other work;
 * - up to half of what an acknowledgement may wait when messages come one by one but often, so that a few share a
 *   transaction and an fsync, which cost more than they do. Whether that pays is learnt from how many joined lately: a
 *   gateway that sends its next message once this one is acknowledged waits for nobody.
 *
 * Wait and commit together never exceed `maxDelayMs`; what a person does never waits for company.
 */
import type { Clock } from '#src/clock.ts';

/** With so many an fsync costs each of them little. */
const ENOUGH = 8;
/** A wait must bring so many more on average; while none does, one in so many commits tries. */
const LEAST_GAIN = 0.5;
const TRY_EVERY = 32;
const NEW_SHARE = 0.3;

interface CommitPaceOptions {
  clock: Clock;
  maxDelayMs: number;
  /** Appends that wait. */
  waiting: () => number;
  commit: () => void;
}

export class CommitPace {
  readonly #options: CommitPaceOptions;
  #isPlanned = false;
  #isUrgent = false;
  #gathering: NodeJS.Timeout | undefined;
  /** How long a commit takes lately, and when the last one ended (monotonic). */
  #commitMs = 0;
  #endedMs = Number.NEGATIVE_INFINITY;
  /** How many waited when it began to gather; how many have joined lately; commits since it was last tried. */
  #had = 0;
  #gain = 0;
  #untried = 0;

  constructor(options: CommitPaceOptions) {
    this.#options = options;
  }

  /** @param mayGather whether it may wait for company. */
  came(mayGather: boolean): void {
    this.#isUrgent ||= !mayGather;
    if (!this.#isPlanned) this.#plan();
    else if (this.#gathering !== undefined && this.#isComplete()) {
      clearTimeout(this.#gathering);
      this.#gathering = undefined;
      setImmediate(() => this.#gathered());
    }
  }

  /** A commit has ended; monotonic times. */
  took(startedMs: number, endedMs: number): void {
    this.#endedMs = endedMs;
    this.#commitMs = 0.7 * this.#commitMs + 0.3 * (endedMs - startedMs);
  }

  #plan(): void {
    this.#isPlanned = true;
    const { clock, maxDelayMs } = this.#options;
    const restMs = Math.min(this.#commitMs, maxDelayMs - this.#commitMs);
    const waitMs = restMs - (clock.monotonicMs() - this.#endedMs);
    if (waitMs < 1) setImmediate(() => this.#gather());
    else setTimeout(() => this.#gather(), waitMs);
  }

  #gather(): void {
    const waitMs = this.#options.maxDelayMs / 2 - 2 * this.#commitMs;
    if (waitMs < 1 || this.#isComplete() || !this.#pays()) this.#commit();
    else {
      this.#had = this.#options.waiting();
      this.#gathering = setTimeout(() => this.#gathered(), waitMs);
    }
  }

  #gathered(): void {
    this.#gathering = undefined;
    this.#gain = (1 - NEW_SHARE) * this.#gain + NEW_SHARE * (this.#options.waiting() - this.#had);
    this.#commit();
  }

  #isComplete(): boolean {
    return this.#isUrgent || this.#options.waiting() >= ENOUGH;
  }

  #pays(): boolean {
    if (this.#gain < LEAST_GAIN && ++this.#untried < TRY_EVERY) return false;
    this.#untried = 0;
    return true;
  }

  #commit(): void {
    this.#isPlanned = false;
    this.#isUrgent = false;
    const { waiting, commit } = this.#options;
    if (waiting() > 0) commit();
    if (waiting() > 0 && !this.#isPlanned) this.#plan();
  }
}
