/**
 * What codecs share whose payloads are lists of named values of devices (SenML, Sparkplug B): entries of one station and
 * time become one sample, and what is kept of an entry can be read again without the rest of its payload.
 */
import type { Fault } from '#model/faults.ts';
import { type Codec, type Decoded, MAX_VALUES, type Part, type Sample, type Sender, shortened } from './codec.ts';

/** One value that a device sent. */
export interface Entry {
  /** Its place in the payload's list, from 0. */
  index: number;
  /** Undefined when `fault` says why. */
  station: string | undefined;
  time: unknown;
  /** Parameter id where the gateway's entry names one, otherwise as sent; null: nothing in it has a name. */
  name: string | null;
  /** As in `Sample.values`. */
  value: unknown;
  fault: Fault | null;
  /** All that is needed to read this entry again, in the format's own words. Asked for when it has to be kept. */
  kept(): unknown;
}

/** What was read; the codec's decode is pure, so that the same payload of the same sender is the same entries. */
export type Entries = { fault: Fault } | { fault: null; entries: Entry[]; notes?: readonly Fault[] | undefined };

export interface EntryFormat {
  /** What the payload is a list of: `records` makes `records[3]` a path. */
  list: string;
  read(payload: Uint8Array, sender: Sender): Entries;
  /** The payload that `read` reads these entries from again. */
  excerpt(kept: readonly unknown[]): Uint8Array;
}

export function entryCodec({ list, read, excerpt }: EntryFormat): Codec {
  const keptOf = ({ sent }: Sample, names: readonly string[] | null): unknown[] =>
    (sent as Own).of(names).map(({ kept }) => kept());
  return {
    decode(payload, sender): Decoded {
      const found = read(payload, sender);
      if (found.fault) return { fault: found.fault };
      if (found.entries.length > MAX_VALUES) {
        const message = `The message holds more than ${MAX_VALUES} values.`;
        return { fault: { code: 'message.too-many-values', message } };
      }
      return { fault: null, seq: null, samples: gathered(found.entries), notes: found.notes ?? [] };
    },
    path: ({ index, sent }, name) => {
      const at = name === null ? index : (sent as Own).of([name])[0]!.index;
      return `${list}[${at}]${name === null ? '' : `.${shortened(name)}`}`;
    },
    excerpt: (sample, names) => excerpt(keptOf(sample, names)),
    excerptOfSeveral: (parts: readonly Part[]) => excerpt(parts.flatMap(({ sample, names }) => keptOf(sample, names))),
  };
}

/** A sample's entries; found by their names when something is to be said of them, which is seldom. */
class Own {
  entries: Entry[] = [];
  #byName: Map<string | null, Entry> | null = null;

  of(names: readonly string[] | null): readonly Entry[] {
    if (names === null || this.entries.length === 1) return this.entries;
    this.#byName ??= new Map(this.entries.map((entry) => [entry.name, entry]));
    return names.map((name) => this.#byName!.get(name)!);
  }
}

function ownOf(entry: Entry): Own {
  const own = new Own();
  own.entries.push(entry);
  return own;
}

/** Entries of one station and time as one sample; a name that comes twice in it is refused, both times. */
function gathered(entries: readonly Entry[]): Sample[] {
  const groups = new Map<string, Sample>();
  const samples: Sample[] = [];
  let repeated: [Sample, string][] | null = null;
  let last: Sample | null = null;
  for (const entry of entries) {
    const { station, time, name, value, index } = entry;
    // A name that no plain object can be trusted with stands alone, as what is refused does.
    if (entry.fault !== null || name === null || name === '__proto__') {
      samples.push(alone(entry, entry.fault));
      continue;
    }
    if (last === null || last.station !== station || last.time !== time) {
      const key = `${station}\n${time}`;
      last = groups.get(key) ?? { station, time, values: {}, index, fault: null, sent: new Own() };
      groups.set(key, last);
    }
    const values = last.values as Record<string, unknown>;
    if (Object.hasOwn(values, name)) repeated = [...(repeated ?? []), [last, name]];
    else values[name] = value;
    (last.sent as Own).entries.push(entry);
  }
  for (const [sample, name] of repeated ?? []) samples.push(...takenOut(sample, name));
  samples.push(...groups.values());
  return samples;
}

/** What stands several times in a sample, each by itself; nothing if that has been done. */
function takenOut(sample: Sample, name: string): Sample[] {
  const own = sample.sent as Own;
  const twice = own.entries.filter((entry) => entry.name === name);
  own.entries = own.entries.filter((entry) => entry.name !== name);
  delete (sample.values as Record<string, unknown>)[name];
  return twice.map((entry) => alone(entry, standsTwice(entry)));
}

function alone(entry: Entry, fault: Fault | null): Sample {
  const { station, time, name, value, index } = entry;
  // fromEntries defines an own property even for `__proto__`.
  const values = name === null ? null : Object.fromEntries([[name, value]]);
  return { station, time, values, index, fault, sent: ownOf(entry) };
}

function standsTwice({ name }: Entry): Fault {
  return {
    code: 'name.repeated',
    message: `"${shortened(name!)}" stands twice for one time; which is meant is not guessed.`,
  };
}
