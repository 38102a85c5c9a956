/**
 * From what the frames of hydrology and water-resources protocols say to samples. An observation is one value at one place
 * and time under the identifier that the protocol gives it; what that means is for the device's entry and the standard.
 */
import type { Fault } from '#model/faults.ts';
import type { Device } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';
import type { Decoded, Sample } from './codec.ts';
import { deviceOf, type Meaning } from './device.ts';

export interface Observation {
  /** Upper-case hex. */
  address: string;
  /** Epoch ms, or why it has none. */
  time: number | Fault;
  /** The protocol's identifier, upper case: `39`, `FF33`. */
  name: string;
  /** Null = missing; a fault = nothing that is a number. */
  value: number | null | Fault;
  /** One of a series: where the same reading stands in the payload by itself, too, that one counts. */
  isSeries?: boolean | undefined;
  /** The unit, where the frame itself says it. */
  unit?: string | undefined;
  /** Its place among the stretches of the payload that share station and time, counted without regard to any entry. */
  slot: number;
}

/** What an identifier means: `other` = known, and no parameter here is that; undefined = nobody has said it. */
export type Said = Meaning | 'other' | undefined;

/** What identifiers of one device mean, as far as they have been looked up. */
interface Dictionary {
  said: Map<string, Said>;
  /** Parameters by identifier: `means` of all its samples. */
  means: Record<string, string>;
}

/** How a protocol's identifiers are read. */
export class Reading {
  readonly #meaningOf: (name: string, device: Device) => Said;
  /** An identifier as people know it: `26H (PT)`. */
  readonly shown: (name: string) => string;
  /** By device, since an entry never changes but is replaced; gone with it. */
  readonly #known = new WeakMap<Device, Dictionary>();

  constructor(meaningOf: (name: string, device: Device) => Said, shown: (name: string) => string) {
    this.#meaningOf = meaningOf;
    this.shown = shown;
  }

  dictionaryOf(device: Device): Dictionary {
    const known = this.#known.get(device);
    if (known) return known;
    const dictionary = { said: new Map<string, Said>(), means: {} };
    this.#known.set(device, dictionary);
    return dictionary;
  }

  meaningOf(name: string, device: Device, { said, means }: Dictionary): Said {
    const known = said.get(name);
    if (known !== undefined) return known;
    const meaning = this.#meaningOf(name, device);
    // What nobody has said may be any text, and is not kept.
    if (meaning !== undefined) said.set(name, meaning);
    if (meaning && meaning !== 'other') means[name] = meaning.parameter;
    return meaning;
  }
}

/** Samples of observations: those of one slot share one, what can't be taken stands in samples of its own, same index. */
export function samplesOf(
  observations: readonly Observation[],
  gateway: Gateway | undefined,
  reading: Reading,
): Decoded {
  return new Sampling(gateway, reading).of(observations);
}

type Open = Sample & { values: Record<string, unknown> };

class Sampling {
  readonly #gateway: Gateway | undefined;
  readonly #reading: Reading;
  readonly #samples: Sample[] = [];
  readonly #leftOut = new Set<string>();
  readonly #repeats = new Set<string>();
  readonly #twice = new Set<string>();
  readonly #open = new Map<number, Open>();
  #last: Open | undefined;
  /** Of the address that was looked up last. */
  #address: string | null = null;
  #device: Device | Fault | null = null;
  #dictionary: Dictionary | null = null;

  constructor(gateway: Gateway | undefined, reading: Reading) {
    this.#gateway = gateway;
    this.#reading = reading;
  }

  of(observations: readonly Observation[]): Decoded {
    const singles = new Set<string>();
    if (observations.some(({ isSeries }) => isSeries)) {
      for (const one of observations) if (!one.isSeries) singles.add(this.#key(one));
    }
    for (const one of observations) {
      if (one.isSeries && singles.has(this.#key(one))) this.#repeats.add(this.#reading.shown(one.name));
      else this.#add(one);
    }
    const notes = this.#notes();
    return { fault: null, seq: null, samples: this.#samples, ...(notes.length > 0 && { notes }) };
  }

  #deviceOf(address: string): Device | Fault {
    if (this.#address !== address) {
      const device = deviceOf(this.#gateway, address);
      this.#address = address;
      this.#device = device;
      this.#dictionary = 'code' in device ? null : this.#reading.dictionaryOf(device);
    }
    return this.#device!;
  }

  /** Which reading it would be. */
  #key({ address, time, name }: Observation): string {
    const device = this.#deviceOf(address);
    const meaning = 'code' in device ? undefined : this.#reading.meaningOf(name, device, this.#dictionary!);
    const parameter = meaning === undefined || meaning === null || meaning === 'other' ? name : meaning.parameter;
    return `${address} ${typeof time === 'number' ? time : ''} ${parameter}`;
  }

  #add(one: Observation): void {
    const device = this.#deviceOf(one.address);
    const meaning = 'code' in device ? undefined : this.#reading.meaningOf(one.name, device, this.#dictionary!);
    if (meaning === null) return;
    if (meaning === 'other') this.#leftOut.add(this.#reading.shown(one.name));
    else if ('code' in device) this.#refuse(one, undefined, device);
    else if (meaning === undefined) this.#refuse(one, device, this.#unknown(one.name, device));
    else this.#take(one, device, meaning);
  }

  #take(one: Observation, device: Device, meaning: NonNullable<Meaning>): void {
    const { time, name, value, slot } = one;
    if (typeof time !== 'number') this.#refuse(one, device, time);
    else if (value !== null && typeof value !== 'number') this.#refuse(one, device, value);
    else {
      const sample = this.#sampleOf(slot, device.station, time);
      const isAgain = sample.values[name] !== undefined || (this.#twice.size > 0 && this.#twice.has(`${slot} ${name}`));
      const unit = one.unit ?? meaning.unit;
      if (isAgain) this.#refuseBoth(one, device, sample);
      else sample.values[name] = unit === undefined || value === null ? value : { value, unit };
    }
  }

  /** Which of two values of one identifier, station and time is meant is not guessed. */
  #refuseBoth(one: Observation, device: Device, { values }: Open): void {
    const { name, slot } = one;
    const message = `${this.#reading.shown(name)} stands twice for one station and time.`;
    const fault: Fault = { code: 'name.repeated', message };
    if (Object.hasOwn(values, name)) {
      const sent = values[name] as { value: number } | number | null;
      const value = typeof sent === 'object' && sent !== null ? sent.value : sent;
      this.#refuse({ ...one, value }, device, fault);
      delete values[name];
      this.#twice.add(`${slot} ${name}`);
    }
    this.#refuse(one, device, fault);
  }

  #sampleOf(slot: number, station: string, time: number): Open {
    if (this.#last?.index === slot) return this.#last;
    const open = this.#open.get(slot);
    if (open) return open;
    const sample: Open = {
      station,
      time,
      values: {},
      means: this.#dictionary!.means,
      index: slot,
      fault: null,
      sent: null,
    };
    this.#open.set(slot, sample);
    this.#samples.push(sample);
    this.#last = sample;
    return sample;
  }

  #refuse({ slot, time, name, value }: Observation, device: Device | undefined, fault: Fault): void {
    const sent = value !== null && typeof value === 'object' ? null : value;
    const when = typeof time === 'number' ? time : null;
    this.#samples.push({
      station: device?.station,
      time: when,
      values: { [name]: sent },
      index: slot,
      fault,
      sent: null,
    });
  }

  #unknown(name: string, { address }: Device): Fault {
    const message = `${this.#reading.shown(name)} has no parameter here by itself: name one in \`elements\` of device ${address}, or null to leave it out.`;
    return { code: 'element.unknown', message };
  }

  #notes(): Fault[] {
    const notes: Fault[] = [];
    const told = (what: ReadonlySet<string>, why: string) => {
      if (what.size === 0) return;
      notes.push({ code: 'element.left-out', message: `${why}: ${[...what].slice(0, 20).join(', ')}.` });
    };
    told(this.#leftOut, 'Left out, since no parameter here is that');
    told(this.#repeats, 'Left out, since the same reading stands by itself in the message, too');
    return notes;
  }
}
