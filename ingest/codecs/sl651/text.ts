/**
 * Bodies of reports in the ASCII form (SL 651-2014 §6.6.2): serial number and time without separators, then `identifier value`
 * pairs, all separated by spaces: `0019170718111204ST 0012341234 H TT 1707181112 Z 0.301 VT 10.91 `. After a step (`DRH01`)
 * come identifiers, then their values by turns; `M` = missing.
 */
import type { Fault } from '#model/faults.ts';
import { beijingMs, isAll } from '../bcd.ts';
import { NUMBER, shortened } from '../codec.ts';
import { type Body, badTime, malformed, NO_TIME, SERIES, SERIES_STEP_MS, type SentObservation } from './body.ts';
import { idOf } from './elements.ts';

const MINUTE_MS = 60_000;
const PREAMBLE = /^([0-9A-F]{4})(\d{12})/i;
const STEP = /^DR([DHN])(\d{2})$/;
const SERIES_NAME = /^DR(?:P|Z[1-8])$/;
const STEP_MS: Record<string, number> = { D: 1_440 * MINUTE_MS, H: 60 * MINUTE_MS, N: MINUTE_MS };

export function textBodyOf(body: Uint8Array, station: string): Body | Fault {
  const text = Buffer.from(body).toString('latin1');
  const [head, serial, sent] = PREAMBLE.exec(text) ?? [];
  if (head === undefined) return malformed(`The body doesn't begin with serial number and time: "${shortened(text)}".`);
  const tokens = text.slice(head.length).split(' ').filter(Boolean);
  const reader = new TextReader(tokens, station);
  const fault = reader.read();
  return (
    fault ?? {
      serial: Number.parseInt(serial!, 16),
      sentMs: timeOf(sent!),
      observations: reader.observations,
    }
  );
}

/** @param digits YYMMDDHHmm, with or without seconds */
function timeOf(digits: string): number | null {
  const pairs = (digits.match(/\d{2}/g) ?? []).map(Number);
  const [year, month, day, hour, minute, second] = pairs;
  return beijingMs(year!, month!, day!, hour!, minute!, second ?? 0);
}

class TextReader {
  readonly observations: SentObservation[] = [];
  readonly #tokens: readonly string[];
  #at = 0;
  #address: string;
  #time: number | Fault = NO_TIME;
  #slot = 0;
  #slots = 1;
  #isFresh = true;

  constructor(tokens: readonly string[], station: string) {
    this.#tokens = tokens;
    this.#address = station;
  }

  read(): Fault | null {
    while (this.#at < this.#tokens.length) {
      const fault = this.#next(this.#tokens[this.#at++]!);
      if (fault) return fault;
    }
    return null;
  }

  #next(token: string): Fault | null {
    if (token === 'ST') return this.#station();
    if (token === 'TT') return this.#observed();
    if (token === 'RGZS' || token === 'PIC') return this.#rest(token);
    const [, unit, count] = STEP.exec(token) ?? [];
    if (unit !== undefined) return this.#evenSteps(STEP_MS[unit]! * Number(count));
    const value = this.#tokens[this.#at++];
    if (value === undefined) return malformed(`The body ends after "${shortened(token)}", which has no value.`);
    return SERIES_NAME.test(token) ? this.#series(token, value) : this.#push(token, value, this.#slot, 0);
  }

  #station(): Fault | null {
    const address = this.#tokens[this.#at++];
    if (!address || !/^[0-9A-F]{10}$/i.test(address))
      return malformed(`ST is followed by "${shortened(address ?? '')}".`);
    this.#address = address.toUpperCase();
    const next = this.#tokens[this.#at];
    if (next !== undefined && next !== 'TT' && next.length === 1) this.#at++;
    this.#time = NO_TIME;
    this.#open();
    return null;
  }

  #open(): void {
    if (!this.#isFresh) this.#slot = this.#slots++;
    this.#isFresh = true;
  }

  #observed(): Fault | null {
    const stamp = this.#tokens[this.#at++] ?? '';
    const time = /^\d{10}$/.test(stamp) ? timeOf(stamp) : null;
    this.#time = time ?? badTime(shortened(stamp));
    this.#open();
    return null;
  }

  #rest(token: string): null {
    const value: Fault = { code: 'value.not-a-number', message: `${token} holds text or a picture.` };
    this.#add(token, value, this.#slot, 0);
    this.#at = this.#tokens.length;
    return null;
  }

  /** Identifiers, then one value of each at every step; after a step of 0 twelve values of five minutes. */
  #evenSteps(stepMs: number): Fault | null {
    if (stepMs === 0) return null;
    const names: string[] = [];
    while (this.#at < this.#tokens.length && !isValue(this.#tokens[this.#at]!)) names.push(this.#tokens[this.#at++]!);
    const values = this.#tokens.slice(this.#at);
    if (names.length === 0 || values.length % names.length !== 0) {
      return malformed(`${values.length} values follow ${names.length} identifiers of even steps.`);
    }
    for (const [index, value] of values.entries()) {
      const step = Math.floor(index / names.length);
      this.#push(names[index % names.length]!, value, this.#slots + step, step * stepMs);
    }
    this.#slots += values.length / names.length;
    this.#at = this.#tokens.length;
    return null;
  }

  /** The bytes of the HEX/BCD form as hex digits. */
  #series(name: string, value: string): Fault | null {
    const width = name === 'DRP' ? 1 : 2;
    const bytes = Buffer.from(value, 'hex');
    if (bytes.length !== SERIES * width || value.length !== 2 * bytes.length) {
      return malformed(`${name} has ${value.length} characters, and twelve values are ${SERIES * width * 2}.`);
    }
    for (let index = 0; index < SERIES; index++) {
      const part = bytes.subarray(index * width, (index + 1) * width);
      const number = width === 1 ? part[0]! / 10 : part.readUInt16BE() / 100;
      this.#add(name, isAll(part, 0xff) ? null : number, this.#slots + index, index * SERIES_STEP_MS);
      this.observations.at(-1)!.place = index;
    }
    this.#slots += SERIES;
    return null;
  }

  #push(name: string, text: string, slot: number, offsetMs: number): null {
    const fault: Fault = {
      code: 'value.not-a-number',
      message: `${shortened(name)} holds "${shortened(text)}", which is no number.`,
    };
    this.#add(name, text === 'M' ? null : NUMBER.test(text) ? Number(text) : fault, slot, offsetMs);
    return null;
  }

  #add(name: string, value: number | null | Fault, slot: number, offsetMs: number): void {
    const time = typeof this.#time === 'number' ? this.#time + offsetMs : this.#time;
    this.#isFresh = false;
    this.observations.push({
      address: this.#address,
      time,
      name: shortened(idOf(name.toUpperCase()), 32),
      value,
      slot,
    });
  }
}

const isValue = (token: string) => token === 'M' || NUMBER.test(token);
