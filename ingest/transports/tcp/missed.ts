/**
 * Asking devices for what was missed. A hole is a time in a station's own cycle for which nothing came, whoever was away:
 * the device, the line or we. Its device is asked for it once it speaks again, a day at a time, twice at most, and what it
 * answers comes in as any reading does. What is waiting is bounded in days, and requests in their rate.
 */
import type { Clock } from '#src/clock.ts';
import type { Device } from './devices.ts';

export interface MissedLimits {
  /** No further back than this. */
  backMs: number;
  /** Between a hole's being seen and the first request: many devices send what they kept by themselves. */
  patienceMs: number;
  /** Between two days that one device is asked for. */
  everyMs: number;
  /** Requests a second to all devices together. */
  perSecond: number;
  /** Requests for the same time. */
  tries: number;
  /** Holes of one device that wait; beyond, the oldest is given up. */
  holes: number;
}

export const MISSED_LIMITS: Readonly<MissedLimits> = {
  backMs: 7 * 86_400_000,
  patienceMs: 30_000,
  everyMs: 20_000,
  perSecond: 5,
  tries: 2,
  holes: 16,
};

/** Times of the samples of one message, epoch ms. */
export interface Span {
  oldestMs: number;
  newestMs: number;
}

export interface MissedOptions {
  clock: Clock;
  limits: MissedLimits;
  /** The newest reading of a station that is known, epoch ms; null for none. */
  newestMs: (station: string) => number | null;
  /** How often a station measures, ms; null when its entry doesn't say. */
  cycleMs: (station: string) => number | null;
  /**
   * Sends the request, over the connection that the device speaks on. False when that can't be now; null when devices of
   * this protocol can't be asked.
   */
  ask: (device: Device, fromMs: number, toMs: number) => boolean | null;
}

const DAY_MS = 86_400_000;
/** More than one reading must be missing: this many cycles between two that came. */
const HOLE_CYCLES = 1.5;

interface Hole {
  /** What is still missing of it, half-open. */
  fromMs: number;
  toMs: number;
  /** Of the part that is being asked for now: its end, and how often. */
  askedToMs: number;
  tries: number;
}

interface Watched {
  device: Device;
  /** The newest that has come over this way, or was there before. */
  newestMs: number;
  holes: Hole[];
  /** Monotonic: not asked before. */
  notBeforeMs: number;
}

export class Missed {
  readonly #options: MissedOptions;
  /** By address. */
  readonly #watched = new Map<string, Watched>();
  /** Those with holes. */
  readonly #waiting = new Set<Watched>();
  #allowance: number;
  #filledMs: number;
  #asked = 0;
  #givenUp = 0;

  constructor(options: MissedOptions) {
    this.#options = options;
    this.#allowance = options.limits.perSecond;
    this.#filledMs = options.clock.monotonicMs();
  }

  get counters(): { missedAsked: number; missedGivenUp: number } {
    return { missedAsked: this.#asked, missedGivenUp: this.#givenUp };
  }

  /**
   * What is to be remembered before a message of this device goes through the door: after it, the newest reading is its
   * own. Costs something for the first one only.
   */
  expect({ address, station }: Device): number | null {
    if (station === null) return null;
    return this.#watched.get(address)?.newestMs ?? this.#options.newestMs(station);
  }

  /** A message is on disk. @param beforeMs what `expect` said. */
  heard(device: Device, span: Span, beforeMs: number | null): void {
    const cycleMs = device.station === null ? null : this.#options.cycleMs(device.station);
    const watched = this.#watched.getOrInsertComputed(device.address, () => ({
      device,
      newestMs: beforeMs ?? span.newestMs,
      holes: [],
      notBeforeMs: 0,
    }));
    watched.device = device;
    const { clock, limits } = this.#options;
    this.#trim(watched, span, cycleMs ?? 0);
    if (cycleMs !== null && device.asksMissed && span.oldestMs - watched.newestMs > HOLE_CYCLES * cycleMs) {
      const fromMs = Math.max(watched.newestMs + 1, clock.nowMs() - limits.backMs);
      if (fromMs < span.oldestMs) this.#open(watched, fromMs, span.oldestMs);
    }
    watched.newestMs = Math.max(watched.newestMs, span.newestMs);
  }

  /** Whether this device will be asked for something soon. */
  isWaiting({ address }: Device): boolean {
    return (this.#watched.get(address)?.holes.length ?? 0) > 0;
  }

  /** To be called each second. */
  tick(): void {
    const { clock, limits } = this.#options;
    const nowMs = clock.monotonicMs();
    const grown = ((nowMs - this.#filledMs) * limits.perSecond) / 1000;
    this.#allowance = Math.min(limits.perSecond, this.#allowance + grown);
    this.#filledMs = nowMs;
    for (const watched of this.#waiting) {
      if (this.#allowance < 1) return;
      if (nowMs >= watched.notBeforeMs) this.#ask(watched, nowMs);
    }
  }

  #open(watched: Watched, fromMs: number, toMs: number): void {
    const { clock, limits } = this.#options;
    if (watched.holes.length === 0) watched.notBeforeMs = clock.monotonicMs() + limits.patienceMs;
    watched.holes.push({ fromMs, toMs, askedToMs: fromMs, tries: 0 });
    if (watched.holes.length > limits.holes) {
      watched.holes.shift();
      this.#givenUp++;
    }
    this.#waiting.add(watched);
  }

  /** What comes for the front of a hole closes it so far: devices send what they kept from the oldest on. */
  #trim(watched: Watched, { oldestMs, newestMs }: Span, cycleMs: number): void {
    const reachMs = HOLE_CYCLES * cycleMs;
    for (const hole of watched.holes) {
      if (oldestMs - hole.fromMs <= reachMs && newestMs >= hole.fromMs) hole.fromMs = Math.min(newestMs + 1, hole.toMs);
    }
    watched.holes = watched.holes.filter(({ fromMs, toMs }) => toMs - fromMs > reachMs);
    if (watched.holes.length === 0) this.#waiting.delete(watched);
  }

  #ask(watched: Watched, nowMs: number): void {
    const { limits, ask } = this.#options;
    const [hole] = watched.holes;
    if (!hole) return;
    if (hole.tries >= limits.tries && hole.fromMs < hole.askedToMs) {
      // The device has nothing of that day.
      hole.fromMs = hole.askedToMs;
      this.#givenUp++;
    }
    if (hole.fromMs >= hole.askedToMs) hole.tries = 0;
    if (hole.fromMs >= hole.toMs) {
      watched.holes.shift();
      if (watched.holes.length === 0) this.#waiting.delete(watched);
      return;
    }
    const toMs = hole.tries === 0 ? Math.min(hole.fromMs + DAY_MS, hole.toMs) : hole.askedToMs;
    watched.notBeforeMs = nowMs + limits.everyMs;
    const isAsked = ask(watched.device, hole.fromMs, toMs);
    if (isAsked === null) this.#giveUp(watched);
    if (!isAsked) return;
    hole.askedToMs = toMs;
    hole.tries++;
    this.#asked++;
    this.#allowance--;
  }

  #giveUp(watched: Watched): void {
    this.#givenUp += watched.holes.length;
    watched.holes = [];
    this.#waiting.delete(watched);
  }
}
