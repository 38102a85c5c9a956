/**
 * What the door remembers of one series: its newest readings by event time, and a floor. Of a time above the floor,
 * and of every time in the ring, it knows exactly what is stored or will be; of any other it knows nothing.
 */
import { CODES, markOf, stateOf, VERDICTS, verdictOf } from '#model/columns.ts';
import type { JournaledReading } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import { censoredOfMark, flagOfMark, isSame, type Measurement, type Reading, toMark } from '#model/reading.ts';
import { emptyRun, type FlatRun, provisionalFlag, type Recent } from '#quality/provisional.ts';
import type { Thresholds } from '#quality/thresholds.ts';
import type { Change, Doubt, Undoable, UndoLog } from './undo-log.ts';

/** Readings remembered per series: 5 hours at one in 5 minutes. */
export const RING_SIZE = 64;
// In columns that are half as long again, in-order readings are appended and moved to the front every 32nd time.
const COLUMN_LENGTH_MAX = RING_SIZE + RING_SIZE / 2;
const COLUMN_LENGTH_MIN = 8;

/** A value as it is judged: in the canonical unit, `value` null = measured nothing. */
export type Taken = Pick<Reading, 'value' | 'deviceFlag' | 'censored'>;

export class Ring implements Recent, Undoable {
  timesMs = new Float64Array(COLUMN_LENGTH_MIN);
  values = new Float64Array(COLUMN_LENGTH_MIN);
  /** Flags with their censoring (`toMark`). */
  marks = new Uint8Array(COLUMN_LENGTH_MIN);
  deviceFlags: (string | null)[] | null = null;
  start = 0;
  floorMs: number;
  #end = 0;
  #run = emptyRun();
  /** By time; nearly always none. */
  #doubts: Map<number, Doubt> | null = null;

  /** @param floorMs −Infinity for a series that never had a reading. */
  constructor(floorMs: number) {
    this.floorMs = floorMs;
  }

  get size(): number {
    return this.#end - this.start;
  }

  /**
   * Decides what a value is to its series, flags it against its predecessors, and remembers it.
   * @param log is told what changed.
   * @returns flag, censoring and verdict (`stateOf`).
   */
  judge(timeMs: number, measured: Taken, thresholds: Thresholds, log: UndoLog | null): number {
    const { censored } = measured;
    const index = this.#indexOf(timeMs);
    const isKnown = this.#isAt(index, timeMs);
    const doubt = isKnown && this.#doubts !== null ? this.#doubts.get(timeMs) : undefined;
    const isRepeat = isKnown && this.#saysAt(index, measured);
    // A value that an engineer took out comes again with every backfill and changes nothing.
    const isOut = doubt?.out.some((one) => isSame(one, measured)) ?? false;
    if (doubt === undefined ? isRepeat : isOut && doubt.isExact) {
      return stateOf(markFor(flagOfMark(this.marks[index]!), censored), CODES.duplicate);
    }
    const verdict = verdictFor(isKnown, doubt !== undefined, timeMs > this.floorMs);
    const mark = markFor(this.#flag(index, isKnown, timeMs, measured, thresholds), censored);
    if (!isRepeat && !isOut) {
      if (log !== null) this.#note(log, index, isKnown, timeMs);
      this.#put(index, isKnown, timeMs, measured, mark);
      if (verdict === CODES.unsettled) this.unsettle(timeMs);
    }
    return stateOf(mark, verdict);
  }

  /** The same as an object, for whoever looks at one. */
  take(series: number, timeMs: number, measured: Taken, thresholds: Thresholds, log: UndoLog | null): JournaledReading {
    const state = this.judge(timeMs, measured, thresholds, log);
    const { value, deviceFlag, censored } = measured;
    const [flag, verdict] = [flagOfMark(markOf(state)), VERDICTS[verdictOf(state)]!];
    return asTaken({ series, timeMs, value, flag, deviceFlag, verdict }, censored);
  }

  /** Undoes the newest change that isn't undone yet. */
  undo(change: Change): void {
    const { timeMs, replaced, evicted, evictedDoubt } = change;
    const index = this.#indexOf(timeMs);
    if (this.#isAt(index, timeMs)) {
      if (replaced) this.#set(index, replaced);
      else this.#remove(index);
    }
    if (!replaced) this.#doubts?.delete(timeMs);
    else if (this.#doubts?.has(timeMs)) this.unsettle(timeMs);
    if (evicted) {
      this.#insert(this.start);
      this.#set(this.start, evicted);
      if (evictedDoubt) this.#doubts?.set(evicted.timeMs, evictedDoubt);
    }
    this.floorMs = change.floorMs;
    this.#run.under = null;
  }

  /** Whether a reading of this time is remembered. */
  knows(timeMs: number): boolean {
    return this.#isAt(this.#indexOf(timeMs), timeMs);
  }

  /** A remembered reading of this period other than that of the time itself, which is where its mean stands. */
  within(timeMs: number, { fromMs, toMs }: { fromMs: number; toMs: number }): Reading | null {
    for (let index = this.#indexOf(fromMs); index < this.#end && this.timesMs[index]! < toMs; index++) {
      if (this.timesMs[index] !== timeMs) return this.#readingAt(index);
    }
    return null;
  }

  /** Remembers a reading that the journal holds, without judging it; the caller sets the floor afterwards. */
  restore(reading: Reading): void {
    const { timeMs } = reading;
    const index = this.#indexOf(timeMs);
    const isKnown = this.#isAt(index, timeMs);
    if (isKnown && this.#saysAt(index, reading)) return;
    this.#run.under = null;
    this.#put(index, isKnown, timeMs, reading, toMark(reading));
  }

  /** The value at this time, if it is remembered, is from now on for the store to tell. */
  unsettle(timeMs: number): void {
    if (!this.#isAt(this.#indexOf(timeMs), timeMs)) return;
    this.#doubts ??= new Map();
    this.#doubts.set(timeMs, { out: this.#doubts.get(timeMs)?.out ?? [], isExact: false });
  }

  /** An engineer corrects readings of [fromMs, toMs): what they are then, only the store can tell. */
  doubt(fromMs: number, toMs: number): void {
    for (let index = this.#indexOf(fromMs); index < this.#end && this.timesMs[index]! < toMs; index++) {
      const timeMs = this.timesMs[index]!;
      this.#doubts ??= new Map();
      const { out, isExact } = this.#doubts.get(timeMs) ?? { out: [], isExact: true };
      this.#doubts.set(timeMs, { out: [...out, this.#readingAt(index)], isExact });
    }
  }

  /**
   * Takes over what the followers found: a final flag, or a corrected value where one is in doubt. News of a value
   * that a later reading has replaced meanwhile is passed over.
   */
  settle(reading: Reading): void {
    const { timeMs } = reading;
    const index = this.#indexOf(timeMs);
    if (!this.#isAt(index, timeMs)) {
      if (index < this.#end) return;
      this.#put(index, false, timeMs, reading, toMark(reading));
      this.#run.under = null;
      this.floorMs = Math.max(this.floorMs, timeMs);
      return;
    }
    const isRepeat = this.#saysAt(index, reading);
    if (!isRepeat && !this.#doubts?.has(timeMs)) return;
    this.#set(index, reading);
    if (!isRepeat) this.#run.under = null;
  }

  /** The newest reading by event time. */
  newest(): Reading | undefined {
    return this.size === 0 ? undefined : this.#readingAt(this.#end - 1);
  }

  clone(): Ring {
    const copy = new Ring(this.floorMs);
    copy.timesMs = this.timesMs.slice();
    copy.values = this.values.slice();
    copy.marks = this.marks.slice();
    copy.deviceFlags = this.deviceFlags?.slice() ?? null;
    copy.start = this.start;
    copy.#end = this.#end;
    copy.#run = { ...this.#run };
    copy.#doubts = this.#doubts && new Map(this.#doubts);
    return copy;
  }

  #note(log: UndoLog, index: number, isKnown: boolean, timeMs: number): void {
    const isEvicting = !isKnown && this.size === RING_SIZE && index > this.start;
    const doubt = isEvicting ? this.#doubts?.get(this.timesMs[this.start]!) : undefined;
    log.note(this, timeMs, this.floorMs, isKnown ? index : -1, isEvicting ? this.start : -1, doubt);
  }

  #flag(index: number, isKnown: boolean, timeMs: number, measured: Taken, thresholds: Thresholds): Flag {
    const isAppended = index === this.#end;
    const run = isAppended ? this.#run : emptyRun();
    const flag = provisionalFlag(timeMs, measured, this, index, run, thresholds);
    if (isKnown && index === this.#end - 1) this.#run = run;
    else if (!isAppended && measured.value !== null) disturb(this.#run, timeMs, measured, isKnown);
    return flag;
  }

  #put(index: number, isKnown: boolean, timeMs: number, measured: Taken, mark: number): void {
    let at = index;
    if (!isKnown) {
      const offset = index - this.start;
      this.#insert(index);
      at = this.start + offset;
    }
    this.#write(at, timeMs, measured, mark);
    if (this.size > RING_SIZE) this.#evict();
  }

  #evict(): void {
    const timeMs = this.timesMs[this.start]!;
    this.floorMs = Math.max(this.floorMs, timeMs);
    this.#doubts?.delete(timeMs);
    this.start++;
  }

  #set(index: number, reading: Reading): void {
    this.#write(index, reading.timeMs, reading, toMark(reading));
  }

  #write(index: number, timeMs: number, { value, deviceFlag }: Taken, mark: number): void {
    this.timesMs[index] = timeMs;
    this.values[index] = value ?? Number.NaN;
    this.marks[index] = mark;
    this.#setDeviceFlag(index, deviceFlag);
  }

  #setDeviceFlag(index: number, deviceFlag: string | null): void {
    if (this.deviceFlags !== null) this.deviceFlags[index] = deviceFlag;
    else if (deviceFlag !== null) {
      this.deviceFlags = new Array<string | null>(COLUMN_LENGTH_MAX).fill(null);
      this.deviceFlags[index] = deviceFlag;
    }
  }

  /** Makes a place before `index`; places may move, their distance to `start` doesn't. */
  #insert(index: number): void {
    let at = index;
    if (this.#end === this.timesMs.length) {
      at -= this.start;
      this.#makeRoom();
    }
    if (at < this.#end) this.#shift(at + 1, at);
    this.#end++;
  }

  #remove(index: number): void {
    this.#shift(index, index + 1);
    this.#end--;
  }

  #shift(to: number, from: number): void {
    this.timesMs.copyWithin(to, from, this.#end);
    this.values.copyWithin(to, from, this.#end);
    this.marks.copyWithin(to, from, this.#end);
    this.deviceFlags?.copyWithin(to, from, this.#end);
  }

  /** Moves everything to the front, of longer columns if these are more than two thirds full. */
  #makeRoom(): void {
    const { size } = this;
    if (this.start > 0) this.#shift(0, this.start);
    this.start = 0;
    this.#end = size;
    const { length } = this.timesMs;
    if (size * 3 <= length * 2 && size < length) return;
    const longer = Math.min(length * 2, COLUMN_LENGTH_MAX);
    const { timesMs, values, marks } = this;
    this.timesMs = new Float64Array(longer);
    this.values = new Float64Array(longer);
    this.marks = new Uint8Array(longer);
    this.timesMs.set(timesMs);
    this.values.set(values);
    this.marks.set(marks);
  }

  /** The first index whose time is not before `timeMs`; the end is where most readings belong. */
  #indexOf(timeMs: number): number {
    if (this.size === 0 || this.timesMs[this.#end - 1]! < timeMs) return this.#end;
    let low = this.start;
    let high = this.#end - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.timesMs[middle]! < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isAt(index: number, timeMs: number): boolean {
    return index < this.#end && this.timesMs[index] === timeMs;
  }

  #valueAt(index: number): number | null {
    const value = this.values[index]!;
    return Number.isNaN(value) ? null : value;
  }

  #saysAt(index: number, { value, censored }: Measurement): boolean {
    return this.#valueAt(index) === value && censoredOfMark(this.marks[index]!) === censored;
  }

  #readingAt(index: number): Reading {
    const mark = this.marks[index]!;
    const reading: Reading = {
      timeMs: this.timesMs[index]!,
      value: this.#valueAt(index),
      flag: flagOfMark(mark),
      deviceFlag: this.deviceFlags?.[index] ?? null,
    };
    return asTaken(reading, censoredOfMark(mark));
  }
}

/** Few readings are censored, and the others go without the key. */
function asTaken<R extends Taken>(reading: R, censored: Taken['censored']): R {
  if (censored !== undefined) reading.censored = censored;
  return reading;
}

function verdictFor(isKnown: boolean, isDoubtful: boolean, isAboveFloor: boolean): number {
  if (isKnown) return isDoubtful ? CODES.unsettled : CODES.correction;
  return isAboveFloor ? CODES.new : CODES.unsettled;
}

function markFor(flag: Flag, censored: Taken['censored']): number {
  return censored === undefined ? flag : toMark({ flag, censored });
}

/** A reading came before the newest one: the run goes on if it fits, else it is found anew with the next reading. */
function disturb(run: FlatRun, timeMs: number, { value, censored }: Taken, isKnown: boolean): void {
  const flat = run.under?.flat;
  if (!flat || timeMs < run.startMs) return;
  const min = Math.min(run.min, value!);
  const max = Math.max(run.max, value!);
  if (censored !== undefined || max - min >= flat.tolerance) {
    run.under = null;
    return;
  }
  run.min = min;
  run.max = max;
  if (!isKnown) run.count++;
}
