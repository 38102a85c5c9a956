/**
 * The judged readings of a lane that can still be folded anew, ascending by time: 24 bytes each, in one block of numbers. New
 * ones are pushed at its end and old ones leave at its front by the dozen, so that a lane at rest costs next to nothing.
 */

import type { Condition } from '#alerts/rules/conditions.ts';
import { OUTSIDE } from '#alerts/rules/grades.ts';
import type { Flag } from '#model/flag.ts';
import { type Censored, censoredOfMark, flagOfMark, toMark } from '#model/reading.ts';
import type { Judged } from './evaluate.ts';

/** Time, value and worth of a reading stand side by side. */
const WIDTH = 3;
const VALUE = 1;
const WORTH = 2;
/** A worth is a mark (`toMark`): in the place of the flag the grade, from `OUTSIDE` on, and whether the value is only a limit. */
const GRADE_FROM = -OUTSIDE;
const ROOM_MIN = 8;

/** Columns as they are saved. */
export interface WindowColumns {
  timesMs: number[];
  values: number[];
  grades: number[];
  conditions: Condition[];
  /** Of a lane whose values are derived. */
  notes?: (string | undefined)[];
  /** Of a lane with a value that is only a limit of its instrument. */
  censored?: (Censored | undefined)[];
}

export class Window {
  #cells = new Float64Array(0);
  #start = 0;
  #size = 0;
  /** Of all readings, as nearly always; null: `#conditions` says. */
  #condition: Condition | null = null;
  #conditions: Condition[] = [];
  /** Null in a lane that judges readings themselves. */
  #notes: (string | undefined)[] | null;

  constructor(hasNotes: boolean) {
    this.#notes = hasNotes ? [] : null;
  }

  static from({ timesMs, values, grades, conditions, notes, censored }: WindowColumns): Window {
    const window = new Window(notes !== undefined);
    for (let place = 0; place < timesMs.length; place++) {
      const [timeMs, value, grade, condition] = [timesMs[place]!, values[place]!, grades[place]!, conditions[place]!];
      window.push(judged(timeMs, value, grade, condition, notes?.[place] ?? undefined, censored?.[place] ?? undefined));
    }
    return window;
  }

  get size(): number {
    return this.#size;
  }

  /** @param place from 0 to `size` − 1, as everywhere. */
  timeAt(place: number): number {
    return this.#cells[(this.#start + place) * WIDTH]!;
  }

  valueAt(place: number): number {
    return this.#cells[(this.#start + place) * WIDTH + VALUE]!;
  }

  gradeAt(place: number): number {
    return flagOfMark(this.#cells[(this.#start + place) * WIDTH + WORTH]!) - GRADE_FROM;
  }

  censoredAt(place: number): Censored | undefined {
    return censoredOfMark(this.#cells[(this.#start + place) * WIDTH + WORTH]!);
  }

  conditionAt(place: number): Condition {
    return this.#condition ?? this.#conditions[place]!;
  }

  noteAt(place: number): string | undefined {
    return this.#notes?.[place];
  }

  at(place: number): Judged {
    const [timeMs, value, grade] = [this.timeAt(place), this.valueAt(place), this.gradeAt(place)];
    return judged(timeMs, value, grade, this.conditionAt(place), this.noteAt(place), this.censoredAt(place));
  }

  /** In order. */
  *[Symbol.iterator](): Generator<Judged> {
    for (let place = 0; place < this.#size; place++) yield this.at(place);
  }

  /** The place of a time; negative (−place − 1) when there is no reading of this time. */
  placeOf(timeMs: number): number {
    const place = this.placeFrom(timeMs);
    return place < this.#size && this.timeAt(place) === timeMs ? place : -place - 1;
  }

  /** The place of the first reading at or after a time. */
  placeFrom(timeMs: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeAt(middle) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param reading later than all. */
  push(reading: Judged): void {
    if ((this.#start + this.#size) * WIDTH === this.#cells.length) this.#makeRoom(1);
    this.#size++;
    this.#write(this.#size - 1, reading);
    if (this.#condition !== reading.condition) this.#judgedBy(this.#size - 1, reading.condition);
    this.#notes?.push(reading.note);
  }

  /** Puts readings in the place of `gone` others. */
  splice(place: number, gone: number, readings: readonly Judged[]): void {
    const more = readings.length - gone;
    if (more > 0) this.#makeRoom(more);
    const [from, end] = [this.#start + place + gone, this.#start + this.#size];
    this.#cells.copyWithin((from + more) * WIDTH, from * WIDTH, end * WIDTH);
    const conditions = Array.from({ length: this.#size }, (_, at) => this.conditionAt(at));
    conditions.splice(place, gone, ...readings.map(({ condition }) => condition));
    this.#size += more;
    for (const [index, reading] of readings.entries()) this.#write(place + index, reading);
    this.#setConditions(conditions);
    this.#notes?.splice(place, gone, ...readings.map(({ note }) => note));
  }

  /** The oldest leave. */
  dropFirst(count: number): void {
    this.#start += count;
    this.#size -= count;
    if (this.#condition === null) this.#setConditions(this.#conditions.slice(count));
    this.#notes?.splice(0, count);
  }

  toColumns(): WindowColumns {
    const readings = [...this];
    return {
      timesMs: readings.map(({ timeMs }) => timeMs),
      values: readings.map(({ value }) => value),
      grades: readings.map(({ grade }) => grade),
      conditions: readings.map(({ condition }) => condition),
      ...(this.#notes === null ? {} : { notes: [...this.#notes] }),
      ...(readings.some(({ censored }) => censored) ? { censored: readings.map(({ censored }) => censored) } : {}),
    };
  }

  #write(place: number, { timeMs, value, grade, censored }: Judged): void {
    const cell = (this.#start + place) * WIDTH;
    this.#cells[cell] = timeMs;
    this.#cells[cell + VALUE] = value;
    this.#cells[cell + WORTH] = toMark({ flag: (grade + GRADE_FROM) as Flag, censored });
  }

  /** A reading at the end is judged by another condition than all before it. */
  #judgedBy(place: number, condition: Condition): void {
    if (this.#size === 1) this.#condition = condition;
    else {
      if (this.#condition !== null) this.#conditions = Array<Condition>(place).fill(this.#condition);
      this.#conditions.push(condition);
      this.#condition = null;
    }
  }

  #setConditions(conditions: Condition[]): void {
    const [first] = conditions;
    const isOne = first !== undefined && conditions.every((condition) => condition === first);
    this.#condition = isOne ? first : null;
    this.#conditions = isOne ? [] : conditions;
  }

  /** For so many more, at the end. */
  #makeRoom(more: number): void {
    const needed = this.#size + more;
    const room = this.#cells.length / WIDTH;
    if (this.#start + needed <= room) return;
    const used = this.#cells.subarray(this.#start * WIDTH, (this.#start + this.#size) * WIDTH);
    // Moved to the front of the same block only where that makes room for a good many.
    if (needed * 4 > room * 3) this.#cells = new Float64Array(Math.max(ROOM_MIN, needed + (needed >> 1)) * WIDTH);
    this.#cells.set(used);
    this.#start = 0;
  }
}

/** Few are limits and few have notes; the others go without the keys. */
function judged(
  timeMs: number,
  value: number,
  grade: number,
  condition: Condition,
  note: string | undefined,
  censored: Censored | undefined,
): Judged {
  const reading: Judged = { timeMs, value, grade, condition };
  if (note !== undefined) reading.note = note;
  if (censored !== undefined) reading.censored = censored;
  return reading;
}
