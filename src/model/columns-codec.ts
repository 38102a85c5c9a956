/**
 * The body of an entry of kind 2 (docs/decisions/0023): a message's readings as columns, about 5 bytes a reading. Exact for every
 * double. Pure.
 *
 * A header byte, the gateway's own number, how many readings, then column by column: series (differences), times (the first,
 * then differences where they differ), flag with censoring and verdict (runs), values (as whole numbers of a decimal place,
 * else as doubles), device flags (each text once, then runs). Whole numbers take 7 bits a byte, the lowest first; those with
 * a sign are folded (0, −1, 1, −2 …).
 */
import { markOf, type ReadingColumns, stateOf, verdictOf } from './columns.ts';

/** In the header byte. */
const SAME_TIME = 0;
const TIME_STEPS = 1;
const TIMES_WHOLE = 2;
const TIMES = 3;
const DEVICE_FLAGS = 4;
/** The gateway's number, as a whole number or else as a double. */
const NUMBERED = 8;
const NUMBERED_ODDLY = 16;
const KNOWN_BITS = 31;

/** Decimal places of a value that is a whole number of them; or what stands instead. */
const PLACES_MAX = 6;
const NO_PLACES = 7;
const NOTHING = 0 * 8 + NO_PLACES;
const DOUBLE = 1 * 8 + NO_PLACES;
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6] as const;
/** So that folded and with its places it is still a safe integer. */
const SCALED_MAX = 2 ** 47;
const STEP_MAX = 2 ** 51;

/** Bytes at most: header, number, count, first time; and of a reading. */
const FIXED_BYTES = 32;
const READING_BYTES = 5 + 9 + 6 + 9 + 10;

/** Writes into one piece of memory, again and again. */
class Pen {
  at = 0;
  bytes = Buffer.allocUnsafe(4096);

  begin(most: number): void {
    this.at = 0;
    if (this.bytes.length < most) this.bytes = Buffer.allocUnsafe(most);
  }

  byte(value: number): void {
    this.bytes[this.at++] = value;
  }

  /** @param value whole, from 0 to 2^53. */
  whole(value: number): void {
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  signed(value: number): void {
    this.whole(value < 0 ? -2 * value - 1 : 2 * value);
  }

  double(value: number): void {
    this.at = this.bytes.writeDoubleBE(value, this.at);
  }

  text(bytes: Uint8Array): void {
    this.whole(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
}

const pen = new Pen();

/** @param gatewaySeq the gateway's own number. */
export function encodeColumns(gatewaySeq: number | null, columns: ReadingColumns): Uint8Array {
  const { length } = columns;
  const texts = columns.deviceFlags === null ? null : textsIn(columns.deviceFlags);
  const textBytes = texts === null ? 0 : [...texts.values()].reduce((sum, { bytes }) => sum + 5 + bytes.length, 5);
  pen.begin(FIXED_BYTES + length * READING_BYTES + textBytes);
  const isWhole = gatewaySeq !== null && Number.isSafeInteger(gatewaySeq) && gatewaySeq >= 0;
  const number = gatewaySeq === null ? 0 : isWhole ? NUMBERED : NUMBERED_ODDLY;
  const times = timeModeOf(columns);
  pen.byte(times | (texts === null ? 0 : DEVICE_FLAGS) | number);
  if (number === NUMBERED) pen.whole(gatewaySeq!);
  if (number === NUMBERED_ODDLY) pen.double(gatewaySeq!);
  pen.whole(length);
  if (length > 0) {
    writeSeries(columns);
    writeTimes(columns, times);
    writeStates(columns);
    for (let place = 0; place < length; place++) writeValue(columns.values[place]!);
    if (texts !== null) writeDeviceFlags(columns, texts);
  }
  // A copy that is as long as it has to be: many of them wait for their commit.
  return Buffer.from(pen.bytes.subarray(0, pen.at));
}

function timeModeOf({ timesMs, length }: ReadingColumns): number {
  let mode = SAME_TIME;
  for (let place = 1; place < length; place++) {
    const step = timesMs[place]! - timesMs[place - 1]!;
    if (step === 0) continue;
    if (Math.abs(step) >= STEP_MAX) return TIMES_WHOLE;
    mode = TIME_STEPS;
  }
  return mode;
}

function writeSeries({ series, length }: ReadingColumns): void {
  let before = 0;
  for (let place = 0; place < length; place++) {
    pen.signed(series[place]! - before);
    before = series[place]!;
  }
}

function writeTimes({ timesMs, length }: ReadingColumns, mode: number): void {
  pen.double(timesMs[0]!);
  if (mode === SAME_TIME) return;
  for (let place = 1; place < length; place++) {
    if (mode === TIMES_WHOLE) pen.double(timesMs[place]!);
    else pen.signed(timesMs[place]! - timesMs[place - 1]!);
  }
}

/** Flag, censoring and verdict in one byte, with how often it comes. */
function writeStates({ marks, verdicts, length }: ReadingColumns): void {
  for (let place = 0; place < length; ) {
    const [mark, verdict] = [marks[place]!, verdicts[place]!];
    const from = place;
    while (place < length && marks[place] === mark && verdicts[place] === verdict) place++;
    pen.whole(place - from);
    pen.byte(stateOf(mark, verdict));
  }
}

function writeValue(value: number): void {
  if (Number.isNaN(value)) {
    pen.whole(NOTHING);
    return;
  }
  // Negative zero is no whole number of anything.
  if (value !== 0 || 1 / value > 0) {
    for (let places = 0; places <= PLACES_MAX; places++) {
      const scaled = Math.round(value * POWERS[places]!);
      if (scaled / POWERS[places]! !== value) continue;
      if (Math.abs(scaled) > SCALED_MAX) break;
      pen.whole((scaled < 0 ? -2 * scaled - 1 : 2 * scaled) * 8 + places);
      return;
    }
  }
  pen.whole(DOUBLE);
  pen.double(value);
}

type Texts = ReadonlyMap<string | null, { number: number; bytes: Uint8Array }>;

/** Each text of a column once, from 1 on in the order in which they come; 0 = none. As JSON, which keeps any text as it is. */
function textsIn(deviceFlags: readonly (string | null)[]): Texts {
  const texts = new Map<string | null, { number: number; bytes: Uint8Array }>();
  texts.set(null, { number: 0, bytes: Buffer.alloc(0) });
  for (const text of deviceFlags) {
    if (!texts.has(text)) texts.set(text, { number: texts.size, bytes: Buffer.from(JSON.stringify(text)) });
  }
  return texts;
}

function writeDeviceFlags({ deviceFlags, length }: ReadingColumns, texts: Texts): void {
  pen.whole(texts.size - 1);
  for (const { number, bytes } of texts.values()) if (number > 0) pen.text(bytes);
  for (let place = 0; place < length; ) {
    const text = deviceFlags![place]!;
    const from = place;
    while (place < length && deviceFlags![place] === text) place++;
    pen.whole(place - from);
    pen.whole(texts.get(text)!.number);
  }
}

class Eye {
  at = 0;
  readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new RangeError('a message of columns ends too early');
    return this.bytes[this.at++]!;
  }

  whole(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  signed(): number {
    const folded = this.whole();
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }

  double(): number {
    const value = this.bytes.readDoubleBE(this.at);
    this.at += 8;
    return value;
  }

  text(): string {
    const length = this.whole();
    this.at += length;
    return JSON.parse(this.bytes.toString('utf8', this.at - length, this.at)) as string;
  }
}

/**
 * @param columns is filled.
 * @returns the gateway's own number.
 * @throws RangeError for bytes that are no message of columns.
 */
export function decodeColumns(bytes: Uint8Array, columns: ReadingColumns): number | null {
  const eye = new Eye(bytes);
  const header = eye.byte();
  if (header > KNOWN_BITS) throw new RangeError(`a message of columns begins with ${header}`);
  const gatewaySeq = header & NUMBERED ? eye.whole() : header & NUMBERED_ODDLY ? eye.double() : null;
  const length = eye.whole();
  columns.clear();
  if (length === 0) return gatewaySeq;
  columns.setLength(length);
  readSeries(eye, columns);
  readTimes(eye, columns, header & TIMES);
  readStates(eye, columns);
  for (let place = 0; place < length; place++) columns.values[place] = readValue(eye);
  if (header & DEVICE_FLAGS) readDeviceFlags(eye, columns);
  return gatewaySeq;
}

function readSeries(eye: Eye, { series, length }: ReadingColumns): void {
  let id = 0;
  for (let place = 0; place < length; place++) {
    id += eye.signed();
    series[place] = id;
  }
}

function readTimes(eye: Eye, { timesMs, length }: ReadingColumns, mode: number): void {
  let timeMs = eye.double();
  timesMs[0] = timeMs;
  for (let place = 1; place < length; place++) {
    if (mode === TIMES_WHOLE) timeMs = eye.double();
    else if (mode === TIME_STEPS) timeMs += eye.signed();
    timesMs[place] = timeMs;
  }
}

function readStates(eye: Eye, { marks, verdicts, length }: ReadingColumns): void {
  for (let place = 0; place < length; ) {
    const end = endOfRun(eye, place, length);
    const state = eye.byte();
    for (; place < end; place++) {
      marks[place] = markOf(state);
      verdicts[place] = verdictOf(state);
    }
  }
}

function endOfRun(eye: Eye, place: number, length: number): number {
  const end = place + eye.whole();
  if (end === place || end > length) throw new RangeError('a message of columns has a run that is none');
  return end;
}

function readValue(eye: Eye): number {
  const coded = eye.whole();
  const places = coded % 8;
  if (places !== NO_PLACES) {
    const folded = (coded - places) / 8;
    return (folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2) / POWERS[places]!;
  }
  return coded === DOUBLE ? eye.double() : Number.NaN;
}

function readDeviceFlags(eye: Eye, columns: ReadingColumns): void {
  const texts: (string | null)[] = [null];
  for (let left = eye.whole(); left > 0; left--) texts.push(eye.text());
  const deviceFlags: (string | null)[] = [];
  while (deviceFlags.length < columns.length) {
    const end = endOfRun(eye, deviceFlags.length, columns.length);
    const text = texts[eye.whole()];
    if (text === undefined) throw new RangeError('a message of columns has a device flag that is none');
    while (deviceFlags.length < end) deviceFlags.push(text);
  }
  columns.deviceFlags = deviceFlags;
}
