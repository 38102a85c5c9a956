/**
 * What messages whose commit is under way have changed in the door's rings, so that it can be undone if the journal fails: in
 * columns that are used again and again, since every reading that is taken changes its ring.
 */
import { censoredOfMark, flagOfMark, type Measurement, type Reading } from '#model/reading.ts';
import type { Recent } from '#quality/provisional.ts';

/** A ring, as far as something in it can be undone. */
export interface Undoable extends Recent {
  undo(change: Change): void;
  /** The value at this time is from now on for the store to tell. */
  unsettle(timeMs: number): void;
}

/** What a reading did to its ring. Undone in reverse order only. */
export interface Change {
  ring: Undoable;
  timeMs: number;
  floorMs: number;
  /** What stood at this time before. */
  replaced: Reading | null;
  /** The oldest reading, which had to go, and what was in doubt about it. */
  evicted: Reading | null;
  evictedDoubt: Doubt | undefined;
}

/** Of a time whose value only the reading store knows, since it was below the floor or an engineer corrected it. */
export interface Doubt {
  /** The values that corrections took out. */
  out: readonly Measurement[];
  /**
   * Whether nothing but corrections has happened to the time since what was stored was last known: whatever they took out
   * is then a duplicate when it comes again. Every other value for such a time is for the follower to settle.
   */
  isExact: boolean;
}

/** Numbers of a change: its time and the floor before; time, value and mark of what was replaced, and of what had to go. */
const WIDTH = 8;
const FLOOR = 1;
const REPLACED = 2;
const EVICTED = 5;
const VALUE = 1;
const MARK = 2;
/** In place of a mark: there is no such reading. */
const NONE = -1;
const ROOM = 1024;

export class UndoLog {
  /** Changes have running numbers: this is the next one's. */
  end = 0;
  #begin = 0;
  #rings: (Undoable | null)[] = Array<Undoable | null>(ROOM).fill(null);
  #numbers = new Float64Array(ROOM * WIDTH);
  /** Device flags of replaced and evicted readings, side by side; by far most have none. */
  #texts: (string | null)[] = Array<string | null>(ROOM * 2).fill(null);
  readonly #doubts = new Map<number, Doubt>();

  note(
    ring: Undoable,
    timeMs: number,
    floorMs: number,
    replaced: number,
    evicted: number,
    doubt: Doubt | undefined,
  ): void {
    if (this.end - this.#begin === this.#rings.length) this.#grow();
    const place = this.end & (this.#rings.length - 1);
    const at = place * WIDTH;
    this.#rings[place] = ring;
    this.#numbers[at] = timeMs;
    this.#numbers[at + FLOOR] = floorMs;
    this.#keep(at + REPLACED, place * 2, ring, replaced);
    this.#keep(at + EVICTED, place * 2 + 1, ring, evicted);
    if (doubt !== undefined) this.#doubts.set(this.end, doubt);
    this.end++;
  }

  /** Of this number, which isn't forgotten. */
  at(number: number): Change {
    const place = number & (this.#rings.length - 1);
    const at = place * WIDTH;
    return {
      ring: this.#rings[place]!,
      timeMs: this.#numbers[at]!,
      floorMs: this.#numbers[at + FLOOR]!,
      replaced: this.#readingAt(at + REPLACED, place * 2),
      evicted: this.#readingAt(at + EVICTED, place * 2 + 1),
      evictedDoubt: this.#doubts.get(number),
    };
  }

  /** Changes before this number are for good. */
  forget(before: number): void {
    if (this.#doubts.size > 0) for (let number = this.#begin; number < before; number++) this.#doubts.delete(number);
    this.#begin = Math.max(this.#begin, before);
  }

  /** @param index of a reading in the ring's columns, or negative. */
  #keep(at: number, textAt: number, ring: Undoable, index: number): void {
    if (index < 0) {
      this.#numbers[at + MARK] = NONE;
      return;
    }
    this.#numbers[at] = ring.timesMs[index]!;
    this.#numbers[at + VALUE] = ring.values[index]!;
    this.#numbers[at + MARK] = ring.marks[index]!;
    this.#texts[textAt] = ring.deviceFlags === null ? null : (ring.deviceFlags[index] ?? null);
  }

  #readingAt(at: number, textAt: number): Reading | null {
    const mark = this.#numbers[at + MARK]!;
    if (mark === NONE) return null;
    const value = this.#numbers[at + VALUE]!;
    const reading: Reading = {
      timeMs: this.#numbers[at]!,
      value: Number.isNaN(value) ? null : value,
      flag: flagOfMark(mark),
      deviceFlag: this.#texts[textAt] ?? null,
    };
    const censored = censoredOfMark(mark);
    if (censored !== undefined) reading.censored = censored;
    return reading;
  }

  #grow(): void {
    const [rings, numbers, texts] = [this.#rings, this.#numbers, this.#texts];
    const room = rings.length * 2;
    this.#rings = Array<Undoable | null>(room).fill(null);
    this.#numbers = new Float64Array(room * WIDTH);
    this.#texts = Array<string | null>(room * 2).fill(null);
    for (let number = this.#begin; number < this.end; number++) {
      const from = number & (rings.length - 1);
      const to = number & (room - 1);
      this.#rings[to] = rings[from]!;
      this.#numbers.set(numbers.subarray(from * WIDTH, (from + 1) * WIDTH), to * WIDTH);
      this.#texts[to * 2] = texts[from * 2]!;
      this.#texts[to * 2 + 1] = texts[from * 2 + 1]!;
    }
  }
}
