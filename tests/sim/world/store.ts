/**
 * The reading store of the simulation: a server of its own, so it outlives every kill; and like a server it can be away,
 * slow, lose its answer, take half of a write, and refuse one value for good.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MemoryReadings } from '#readings/memory-store.ts';
import type { ReadingStore, ReadingToStore, RejectedReading } from '#readings/store.ts';
import { StoreError } from '#src/sqlite.ts';
import type { Knobs } from './knobs.ts';
import type { Mortality } from './mortality.ts';
import type { Random } from './random.ts';

/** The value that the store refuses wherever it meets it. */
export const POISON = 66.625;

const unreachable = (what: string) => new StoreError('store.unreachable', `the store ${what}`, true);

/** One process's way to the store. */
export class FaultyReadings implements ReadingStore {
  readonly #kept: MemoryReadings;
  readonly #knobs: Knobs;
  readonly #random: Random;
  readonly #life: Mortality;

  constructor(kept: MemoryReadings, knobs: Knobs, random: Random, life: Mortality) {
    this.#kept = kept;
    this.#knobs = knobs;
    this.#random = random;
    this.#life = life;
  }

  async write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]> {
    await this.#reach();
    const taken = readings.filter(({ value }) => value !== POISON);
    const half = this.#random.between(0, taken.length);
    await this.#kept.write(taken.slice(0, half));
    this.#life.step();
    if (this.#isUnlucky(0.2)) throw unreachable('took half of a write');
    await this.#kept.write(taken.slice(half));
    this.#life.step();
    if (this.#isUnlucky(0.15)) throw unreachable('took a write and its answer was lost');
    return readings
      .filter(({ value }) => value === POISON)
      .map((reading) => ({ reading, reason: `it refuses ${POISON}` }));
  }

  read = this.#ask((kept) => kept.read.bind(kept));
  traced = this.#ask((kept) => kept.traced.bind(kept));
  before = this.#ask((kept) => kept.before.bind(kept));
  after = this.#ask((kept) => kept.after.bind(kept));
  at = this.#ask((kept) => kept.at.bind(kept));
  deviceFlags = this.#ask((kept) => kept.deviceFlags.bind(kept));
  hours = this.#ask((kept) => kept.hours.bind(kept));
  prune = this.#ask((kept) => kept.prune.bind(kept));

  async close(): Promise<void> {}

  #ask<A extends unknown[], T>(method: (kept: MemoryReadings) => (...query: A) => Promise<T>) {
    return async (...query: A): Promise<T> => {
      await this.#reach();
      const answer = await method(this.#kept)(...query);
      this.#life.step();
      return answer;
    };
  }

  async #reach(): Promise<void> {
    this.#life.step();
    if (this.#knobs.store === 'slow') {
      for (let turns = this.#random.between(1, 4); turns > 0; turns--) await nextTurn();
      this.#life.step();
    }
    if (this.#knobs.store === 'down') throw unreachable('does not answer');
    if (this.#isUnlucky(0.15)) throw unreachable('did not answer this once');
  }

  #isUnlucky(probability: number): boolean {
    return this.#knobs.store === 'flaky' && this.#random.chance(probability);
  }
}
