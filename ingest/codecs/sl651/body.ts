/**
 * Bodies of reports in the HEX/BCD form (SL 651-2014 §6.6.3, §6.6.4): serial number, time of sending, then station (F1F1),
 * time of observation (F0F0) and elements, each with a byte that defines its length and decimals. Stations and times may be
 * repeated; what follows belongs to the last ones.
 */
import type { Fault } from '#model/faults.ts';
import { beijingMs, decimalIn, hexIn, isAll, twoDigits } from '../bcd.ts';
import type { Observation } from '../observation.ts';
import { hexOf } from './frame.ts';

const MINUTE_MS = 60_000;
/** Rain and levels of an hour come as twelve values of five minutes. */
export const SERIES = 12;
export const SERIES_STEP_MS = 5 * MINUTE_MS;
/** Serial number and time of sending. */
const PREAMBLE = 8;
/** Reports of one element at even steps: 31H, and the answer to 38H. */
const UNIFORM: ReadonlySet<number> = new Set([0x31, 0x38]);

export interface Body {
  serial: number;
  sentMs: number | null;
  observations: SentObservation[];
}

/** `place`: of the twelve values of an hour, 0 = first; the stamp is the first one's, or the last one's at some stations. */
export interface SentObservation extends Observation {
  place?: number;
}

/** @param definitions is told the byte that defines each element */
export function bodyOf(
  body: Uint8Array,
  station: string,
  code: number,
  definitions?: Map<string, number>,
): Body | Fault {
  if (body.length < PREAMBLE) return malformed(`The body has ${body.length} bytes, and serial number and time are 8.`);
  const part = (at: number) => twoDigits(body[at]);
  const reader = new Reader(body, station, code, definitions);
  const fault = reader.read();
  if (fault) return fault;
  return {
    serial: (body[0]! << 8) | body[1]!,
    sentMs: beijingMs(part(2), part(3), part(4), part(5), part(6), part(7)),
    observations: reader.observations,
  };
}

export function malformed(message: string): Fault {
  return { code: 'message.malformed', message };
}

export const NO_TIME: Fault = {
  code: 'time.malformed',
  message: 'No time of observation (F0F0, TT) stands before the value.',
};

export function badTime(shown: string): Fault {
  return { code: 'time.malformed', message: `${shown} is no time YYMMDDHHmm: set the clock of the station.` };
}

class Reader {
  readonly observations: SentObservation[] = [];
  readonly #definitions: Map<string, number> | undefined;
  readonly #body: Uint8Array;
  readonly #isUniform: boolean;
  #address: string;
  #time: number | Fault = NO_TIME;
  /** Of even steps; null before a step was said, 0 for "see the series" (table C.1 note g). */
  #stepMs: number | null = null;
  #at = PREAMBLE;
  #slot = 0;
  #slots = 1;
  /** Nothing stands in the present slot yet. */
  #isFresh = true;

  constructor(body: Uint8Array, station: string, code: number, definitions?: Map<string, number>) {
    this.#definitions = definitions;
    this.#body = body;
    this.#address = station;
    this.#isUniform = UNIFORM.has(code);
  }

  /** @returns why the body can't be read to its end; then none of it is believed. */
  read(): Fault | null {
    while (this.#at < this.#body.length) {
      const fault = this.#next();
      if (fault) return fault;
    }
    return null;
  }

  #next(): Fault | null {
    const [guide, definition] = [this.#body[this.#at]!, this.#body[this.#at + 1]];
    if (guide === 0xf1 && definition === 0xf1) return this.#station();
    if (guide === 0xf0 && definition === 0xf0) return this.#observed();
    if (guide === 0xf2 || guide === 0xf3 || guide === 0xfd) return this.#rest(guide);
    if (guide >= 0xf4 && guide <= 0xfc) return this.#series(guide);
    if (guide === 0x04 && definition === 0x18) return this.#step();
    return guide === 0xff ? this.#element(3) : this.#element(2);
  }

  #station(): Fault | null {
    const address = this.#take(7)?.subarray(2);
    if (!address) return this.#cutOff('a station address');
    this.#address = hexIn(address);
    // The class of the station is left out by some.
    const isTime = this.#body[this.#at] === 0xf0 && this.#body[this.#at + 1] === 0xf0;
    if (!isTime && this.#at < this.#body.length) this.#at++;
    this.#time = NO_TIME;
    this.#open();
    return null;
  }

  #open(): void {
    if (!this.#isFresh) this.#slot = this.#slots++;
    this.#isFresh = true;
  }

  #observed(): Fault | null {
    const stamp = this.#take(7)?.subarray(2);
    if (!stamp) return this.#cutOff('a time of observation');
    const part = (at: number) => twoDigits(stamp[at]);
    this.#time = beijingMs(part(0), part(1), part(2), part(3), part(4)) ?? badTime(hexIn(stamp));
    this.#open();
    return null;
  }

  #step(): Fault | null {
    const step = this.#take(5)?.subarray(2);
    if (!step) return this.#cutOff('a time step');
    const [days, hours, minutes] = [...step].map(twoDigits);
    const ms = ((days! * 24 + hours!) * 60 + minutes!) * MINUTE_MS;
    if (Number.isNaN(ms)) return malformed(`The time step is ${Buffer.from(step).toString('hex')}, which is no BCD.`);
    this.#stepMs = ms;
    return null;
  }

  /** Texts, pictures and batches of velocities go to the end of the body. */
  #rest(guide: number): null {
    this.#push(name(guide), notANumber(name(guide), this.#body.subarray(this.#at + 2)), guide);
    this.#at = this.#body.length;
    return null;
  }

  /** Twelve values of one byte (F4) or two (F5 to FC); the definition byte of the field is C0 or 5C, and means nothing. */
  #series(guide: number): Fault | null {
    const width = guide === 0xf4 ? 1 : 2;
    const head = this.#take(2);
    if (!head) return this.#cutOff('an identifier');
    const hours = this.#isUniform ? Math.max(1, Math.floor((this.#body.length - this.#at) / (SERIES * width))) : 1;
    for (let index = 0; index < hours * SERIES; index++) {
      const bytes = this.#take(width);
      if (!bytes) return this.#cutOff(`${name(guide)}H with its twelve values`);
      const number = width === 1 ? bytes[0]! / 10 : ((bytes[0]! << 8) | bytes[1]!) / 100;
      this.#push(name(guide), isAll(bytes, 0xff) ? null : number, head[1]!, { index, stepMs: SERIES_STEP_MS });
      if (!this.#isUniform) this.observations.at(-1)!.place = index;
    }
    this.#slots += hours * SERIES;
    return null;
  }

  #element(heading: 2 | 3): Fault | null {
    const at = this.#at;
    this.#at += heading;
    if (this.#at > this.#body.length) return this.#cutOff('an identifier');
    const id = heading === 3 ? `FF${name(this.#body[at + 1]!)}` : name(this.#body[at]!);
    const definition = this.#body[this.#at - 1]!;
    const [length, decimals] = [definition >> 3, definition & 0x07];
    if (length === 0) return malformed(`${id}H at byte ${at} of the body is defined as a value of no bytes.`);
    if (this.#isUniform && this.#stepMs !== null) return this.#evenSteps(id, definition, this.#stepMs);
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#body.length) return this.#cutOff(`${id}H with its ${length} bytes`);
    this.#push(id, bcdValueOf(id, this.#body, from, this.#at, decimals), definition);
    return null;
  }

  /** One element to the end of the body, all values of one length (§6.6.4.4). */
  #evenSteps(id: string, definition: number, stepMs: number): Fault | null {
    const [length, decimals] = [definition >> 3, definition & 0x07];
    const count = (this.#body.length - this.#at) / length;
    if (stepMs === 0) return malformed('A time step of 0 goes with F4H to FCH alone.');
    if (!Number.isInteger(count)) return this.#cutOff(`a value of ${id}H of ${length} bytes`);
    for (let index = 0; index < count; index++) {
      const from = this.#at;
      this.#at += length;
      this.#push(id, bcdValueOf(id, this.#body, from, this.#at, decimals), definition, { index, stepMs });
    }
    this.#slots += count;
    return null;
  }

  #push(
    name: string,
    value: number | null | Fault,
    definition: number,
    series?: { index: number; stepMs: number },
  ): void {
    const offsetMs = series ? series.index * series.stepMs : 0;
    const time = typeof this.#time === 'number' ? this.#time + offsetMs : this.#time;
    const slot = series ? this.#slots + series.index : this.#slot;
    this.#isFresh = false;
    this.#definitions?.set(name, definition);
    this.observations.push({ address: this.#address, time, name, value, slot });
  }

  #take(length: number): Uint8Array | null {
    if (this.#at + length > this.#body.length) return null;
    this.#at += length;
    return this.#body.subarray(this.#at - length, this.#at);
  }

  #cutOff(what: string): Fault {
    return malformed(`The body of ${this.#body.length} bytes ends within ${what} at byte ${this.#at}.`);
  }
}

const NAMES = Array.from({ length: 256 }, (_, byte) => hexOf(byte).slice(0, 2));
const name = (byte: number) => NAMES[byte]!;

/** All F = missing; FF in the first byte = negative (§6.6.3.3); else the decimal number. */
function bcdValueOf(id: string, bytes: Uint8Array, from: number, to: number, decimals: number): number | null | Fault {
  const isNegative = bytes[from] === 0xff;
  if (isNegative && isAll(bytes, 0xff, from, to)) return null;
  const number = decimalIn(bytes, decimals, { from: isNegative ? from + 1 : from, to });
  if (number === null) return notANumber(id, bytes.subarray(from, to));
  return isNegative ? -number : number;
}

function notANumber(id: string, bytes: Uint8Array): Fault {
  const shown = hexIn(bytes.subarray(0, 16));
  return { code: 'value.not-a-number', message: `${id}H holds ${shown}, which is no decimal number (BCD).` };
}
