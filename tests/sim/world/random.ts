/** Random numbers that a seed determines: mulberry32, with a stream of its own for everything that draws. */

export class Random {
  #state: number;

  /** @param stream who draws: what one stream is asked changes nothing of the others. */
  constructor(seed: number, stream: string) {
    let state = seed | 0;
    for (const letter of stream) state = (Math.imul(state ^ letter.charCodeAt(0), 0x9e3779b1) + 0x85ebca6b) | 0;
    this.#state = state;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number of [min, max], both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length - 1)]!;
  }
}
