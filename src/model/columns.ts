/**
 * The readings of a message as columns: what the door judges into, what the journal keeps and what followers walk through,
 * without an object a reading. `at` makes the object of one, for whoever isn't in a hurry.
 */
import type { JournaledReading, Verdict } from './entry.ts';
import type { Flag } from './flag.ts';
import { type Censored, censoredOfMark, flagOfMark, toMark } from './reading.ts';

/** A verdict in a column is its place here; kept in journals, so nothing moves. */
export const VERDICTS: readonly Verdict[] = ['new', 'duplicate', 'correction', 'unsettled'];
export const CODES = { new: 0, duplicate: 1, correction: 2, unsettled: 3 } as const satisfies Record<Verdict, number>;

/** Flag, censoring (`toMark`) and verdict of a reading as one small number. */
const VERDICT_SHIFT = 6;

export function stateOf(mark: number, verdict: number): number {
  return mark | (verdict << VERDICT_SHIFT);
}

export function markOf(state: number): number {
  return state & ((1 << VERDICT_SHIFT) - 1);
}

export function verdictOf(state: number): number {
  return state >> VERDICT_SHIFT;
}

const ROOM = 32;
const SERIES_MAX = 0xffff_ffff;

export class ReadingColumns implements Iterable<JournaledReading> {
  length = 0;
  series = new Uint32Array(ROOM);
  /** Epoch ms, whole. */
  timesMs = new Float64Array(ROOM);
  /** NaN = measured nothing. */
  values = new Float64Array(ROOM);
  /** Flags with their censoring (`toMark`). */
  marks = new Uint8Array(ROOM);
  /** Places in `VERDICTS`. */
  verdicts = new Uint8Array(ROOM);
  /** Null when none of them has a device flag. */
  deviceFlags: (string | null)[] | null = null;

  static of(readings: Iterable<JournaledReading>): ReadingColumns {
    const columns = new ReadingColumns();
    for (const reading of readings) columns.push(reading);
    return columns;
  }

  /** Without readings, to be filled again. */
  clear(): this {
    this.length = 0;
    this.deviceFlags = null;
    return this;
  }

  push({ series, timeMs, value, deviceFlag, verdict, ...flagged }: JournaledReading): void {
    this.add(series, timeMs, value, toMark(flagged), deviceFlag, CODES[verdict]);
  }

  /**
   * @param value null = measured nothing.
   * @throws RangeError for what no column holds exactly: a value that is not finite, a time that is not whole
   *   milliseconds, a series beyond 32 bits. The door lets none through.
   */
  add(
    series: number,
    timeMs: number,
    value: number | null,
    mark: number,
    deviceFlag: string | null,
    verdict: number,
  ): void {
    if (!Number.isSafeInteger(timeMs)) throw new RangeError(`time ${timeMs} is not whole milliseconds`);
    if (value !== null && !Number.isFinite(value)) throw new RangeError(`value ${value} is not finite`);
    if (!(series >= 0 && series <= SERIES_MAX)) throw new RangeError(`series ${series} is beyond 32 bits`);
    const place = this.length++;
    if (place === this.series.length) this.#grow(place * 2);
    this.series[place] = series;
    this.timesMs[place] = timeMs;
    this.values[place] = value ?? Number.NaN;
    this.marks[place] = mark;
    this.verdicts[place] = verdict;
    if (deviceFlag !== null) this.deviceFlags ??= Array<string | null>(place).fill(null);
    this.deviceFlags?.push(deviceFlag);
  }

  /** Room for so many, whose columns whoever asks for it fills. */
  setLength(length: number): void {
    if (length > this.series.length) this.#grow(length);
    this.length = length;
  }

  valueAt(place: number): number | null {
    const value = this.values[place]!;
    return Number.isNaN(value) ? null : value;
  }

  flagAt(place: number): Flag {
    return flagOfMark(this.marks[place]!);
  }

  censoredAt(place: number): Censored | undefined {
    return censoredOfMark(this.marks[place]!);
  }

  deviceFlagAt(place: number): string | null {
    return this.deviceFlags === null ? null : this.deviceFlags[place]!;
  }

  at(place: number): JournaledReading {
    const reading: JournaledReading = {
      series: this.series[place]!,
      timeMs: this.timesMs[place]!,
      value: this.valueAt(place),
      flag: this.flagAt(place),
      deviceFlag: this.deviceFlagAt(place),
      verdict: VERDICTS[this.verdicts[place]!]!,
    };
    const censored = this.censoredAt(place);
    if (censored !== undefined) reading.censored = censored;
    return reading;
  }

  toArray(): JournaledReading[] {
    const readings = new Array<JournaledReading>(this.length);
    for (let place = 0; place < this.length; place++) readings[place] = this.at(place);
    return readings;
  }

  [Symbol.iterator](): Iterator<JournaledReading> {
    return this.toArray()[Symbol.iterator]();
  }

  #grow(room: number): void {
    const { series, timesMs, values, marks, verdicts } = this;
    this.series = new Uint32Array(room);
    this.timesMs = new Float64Array(room);
    this.values = new Float64Array(room);
    this.marks = new Uint8Array(room);
    this.verdicts = new Uint8Array(room);
    this.series.set(series);
    this.timesMs.set(timesMs);
    this.values.set(values);
    this.marks.set(marks);
    this.verdicts.set(verdicts);
  }
}

/** Readings as columns, or as a list of objects. */
export type Readings = ReadingColumns | readonly JournaledReading[];

/** How many of them have this verdict. */
export function verdictsIn(readings: Readings, verdict: Verdict): number {
  let count = 0;
  if (readings instanceof ReadingColumns) {
    const code = CODES[verdict];
    for (let place = 0; place < readings.length; place++) if (readings.verdicts[place] === code) count++;
  } else for (const reading of readings) if (reading.verdict === verdict) count++;
  return count;
}
