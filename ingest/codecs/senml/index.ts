/**
 * SenML, RFC 8428 (JSON and CBOR), with the features of RFC 9100 that concern measurements: secondary units (RFC 8798).
 * Base fields go on from record to record; what is kept of a refused record is the resolved one (§4.6), which needs no
 * others. docs/protocols/senml.md has a pack worked through.
 */
import type { Fault } from '#model/faults.ts';
import type { Gateway } from '#model/register.ts';
import { type Codec, type Sender, shortened } from '../codec.ts';
import { type Behind, elementOf, lone, measured, unknownDevice } from '../devices.ts';
import { type Entries, type Entry, entryCodec } from '../entries.ts';
import { isRepeated, readRecords, type SentRecord } from './records.ts';

export const senml: Codec = entryCodec({
  list: 'records',
  read,
  // JSON.stringify would make null of what isn't finite, and null means "measured nothing".
  excerpt: (kept) => Buffer.from(JSON.stringify(kept, (_, value) => (isNonFinite(value) ? String(value) : value))),
});

const isNonFinite = (value: unknown) => typeof value === 'number' && !Number.isFinite(value);

/** RFC 8428 §4.5.3: earlier times are relative to now. */
const ABSOLUTE_FROM_S = 2 ** 28;
/** RFC 8428: 10; with the feature of secondary units (RFC 9100, code 4) 10 + 2⁴. Lower ones were drafts'. */
const VERSIONS: readonly unknown[] = [10, 26];
const VERSION_MIN = 10;
const NAME = /^[A-Za-z0-9][-:./_A-Za-z0-9]*$/;
const BASES = ['bn', 'bt', 'bu', 'bv', 'bs'] as const;
/** Members of a record that are kept at most. */
const KEPT_MAX = 20;

/** Base fields as they stand at a record. */
interface Base {
  bn: string;
  bt: number;
  bu: string | undefined;
  bv: number;
  bs: number;
}

function read(payload: Uint8Array, sender: Sender): Entries {
  const found = readRecords(payload);
  if (typeof found === 'string') return { fault: { code: 'message.malformed', message: found } };
  const pack = new Pack(sender);
  const { records } = found;
  for (let index = 0; index < records.length; index++) {
    const demand = pack.add(records[index]!, index);
    if (demand !== null) return { fault: { code: 'senml.not-understood', message: demand } };
  }
  if (isRepeated(found, pack.labels)) {
    const message = 'A label stands twice in one record; which is meant is not guessed.';
    return { fault: { code: 'message.malformed', message } };
  }
  return { fault: null, entries: pack.entries };
}

/** The records of a pack one after the other, with the base fields as they stand at each. */
class Pack {
  readonly entries: Entry[] = [];
  /** Of all records so far. */
  labels = 0;
  readonly #arrivalMs: number;
  readonly #devices: Devices;
  readonly #base: Base = { bn: '', bt: 0, bu: undefined, bv: 0, bs: 0 };

  constructor({ gateway, arrivalMs }: Sender) {
    this.#arrivalMs = arrivalMs;
    this.#devices = devicesOf(gateway);
  }

  /** @returns what of the record must be understood and isn't (RFC 8428 §4.4): the pack may not be used. */
  add(record: SentRecord, index: number): string | null {
    let label: string | null = null;
    let wrong = record === null ? 'The record is not an object.' : null;
    let hasBase = false;
    for (const name in record) {
      this.labels++;
      const type = typeOf(name);
      if (type === 'value') {
        if (label !== null) wrong = 'The record has more than one of `v`, `vs`, `vb` and `vd`.';
        label = name;
      } else if (type === 'other') {
        const demand = demandOf(name, record[name]);
        if (demand !== null) return demand;
      } else if (typeof record[name] !== type) wrong ??= `\`${name}\` is not a ${type}.`;
      hasBase ||= name.charCodeAt(0) === 98;
    }
    if (wrong !== null) this.#refuse(index, record, wrong);
    else {
      if (hasBase) Object.assign(this.#base, basesOf(record!));
      this.#resolve(record!, label, index);
    }
    return null;
  }

  #resolve(record: NonNullable<SentRecord>, label: string | null, index: number): void {
    const { bn, bt, bu, bv, bs } = this.#base;
    const { n = '', u = bu, t = 0, s } = record as { n?: string; u?: string; t?: number; s?: number };
    const hasSum = s !== undefined || record.bs !== undefined;
    if (label === null && !hasSum) {
      if (n !== '') this.#refuse(index, { bn, n }, 'The record has neither a value nor a sum.');
      return;
    }
    const found = this.#devices.of(bn, n);
    if (typeof found === 'string') {
      this.#refuse(index, { bn, n }, found);
      return;
    }
    const seconds = bt + t;
    const time = Math.round(seconds < ABSOLUTE_FROM_S ? this.#arrivalMs + seconds * 1000 : seconds * 1000);
    const { behind, element, fault } = found;
    const { station } = behind;
    const meant = elementOf(behind, element);
    if (label !== null && meant !== null) {
      const sent = record[label];
      const value = typeof sent === 'number' ? bv + sent : sent;
      const kept = () => resolvedRecord({ bn, n, u, [label]: value }, time);
      const name = meant?.parameter ?? element;
      this.entries.push({ index, station, time, name, value: measured(value, meant, u), fault, kept });
    }
    if (!hasSum) return;
    // One of sum and base sum is enough; a base sum alone counts where it stands, and is no sum of all that follows.
    const sum = bs + (s ?? 0);
    const named = namedSum(behind, element, sum, meant?.unit ?? u);
    const kept = () => resolvedRecord({ bn, n, u, s: sum }, time);
    if (named) this.entries.push({ index, station, time, name: named.name, value: named.value, fault, kept });
  }

  #refuse(index: number, record: SentRecord, message: string): void {
    const fault: Fault = { code: 'sample.malformed', message };
    const kept = () => record && cut(record);
    this.entries.push({ index, station: undefined, time: undefined, name: null, value: undefined, fault, kept });
  }
}

/** §4.6: an absolute time, and no base field but a name of its own for the device. */
function resolvedRecord(members: Record<string, unknown>, timeMs: number): Record<string, unknown> {
  return { ...cut(members), t: timeMs / 1000 };
}

/** What a label holds. A `v` that is no number (one in quotation marks, NAN) is the value's own fault. */
function typeOf(label: string): 'string' | 'number' | 'value' | 'other' {
  switch (label) {
    case 'n':
    case 'u':
    case 'bn':
    case 'bu':
      return 'string';
    case 't':
    case 's':
    case 'ut':
    case 'bt':
    case 'bv':
    case 'bs':
      return 'number';
    case 'v':
    case 'vs':
    case 'vb':
    case 'vd':
      return 'value';
    default:
      return 'other';
  }
}

/** @param value of a label that isn't ours, or of the version. */
function demandOf(label: string, value: unknown): string | null {
  if (label === 'bver') {
    const isKnown = VERSIONS.includes(value) || (typeof value === 'number' && value < VERSION_MIN);
    return isKnown ? null : `SenML version ${shortened(String(value))} is not understood; 10 and 26 are.`;
  }
  return label.endsWith('_') ? `The field "${shortened(label)}" must be understood, and isn't.` : null;
}

function basesOf(record: NonNullable<SentRecord>): Partial<Base> {
  const given: Record<string, unknown> = {};
  for (const label of BASES) if (record[label] !== undefined) given[label] = record[label];
  return given;
}

const NOTHING_SAID: Behind = { station: '' };

/** Rates whose sum over time is a volume, and its unit (RFC 8428 §4.3: the unit multiplied by seconds). */
const VOLUMES: Readonly<Record<string, string>> = { 'm3/s': 'm3', 'l/s': 'l' };

/**
 * The sum of a flow is a register's volume; of anything else it has no name, unless the entry gives `NAME/s` one.
 * @returns undefined where the entry leaves it out.
 */
function namedSum(behind: Behind, element: string, sum: number, rate: string | undefined) {
  const own = `${element}/s`;
  const meant = elementOf(behind, own);
  if (meant === null) return undefined;
  const unit = rate !== undefined && Object.hasOwn(VOLUMES, rate) ? VOLUMES[rate] : undefined;
  const isVolume = unit !== undefined && meant === undefined;
  return { name: isVolume ? 'register' : (meant?.parameter ?? own), value: measured(sum, meant, unit) };
}

/** For keeping: what is nested or long can never become a reading, and shows no more by being whole. */
function cut(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const members = Object.entries(record)
    .slice(0, KEPT_MAX)
    .filter(([, value]) => typeof value !== 'object' || value === null);
  return Object.fromEntries(
    members.map(([label, value]) => [label, typeof value === 'string' ? shortened(value, 256) : value]),
  );
}

interface Found {
  behind: Behind;
  /** What is left of the name. */
  element: string;
  /** Why nobody knows the device; `behind` then says nothing. */
  fault: Fault | null;
}

/** By entry, since an entry never changes but is replaced; gone with it. */
const known = new WeakMap<Gateway, Devices>();

function devicesOf(gateway: Gateway | undefined): Devices {
  return gateway ? known.getOrInsertComputed(gateway, () => new Devices(gateway)) : new Devices(gateway);
}

/** Devices by the beginning of names: `urn:dev:mac:0024befffe804ff1` of `urn:dev:mac:0024befffe804ff1:temperature`. */
class Devices {
  readonly #gateway: Gateway | undefined;
  /** The longest first, so that the most specific one counts. */
  readonly #addresses: readonly string[];
  readonly #byAddress: ReadonlyMap<string, Behind>;
  /** What was found, by `bn` and `n`: a device says the same names for years. */
  readonly #found = new Map<string, Map<string, Found | string>>();
  #count = 0;

  constructor(gateway: Gateway | undefined) {
    this.#gateway = gateway;
    this.#byAddress = new Map((gateway?.devices ?? []).map((device) => [device.address, device]));
    this.#addresses = [...this.#byAddress.keys()].toSorted((a, b) => b.length - a.length);
  }

  /**
   * @param n the record's own name, which is the element where there is only one device.
   * @returns (text) what is wrong with the name.
   */
  of(bn: string, n: string): Found | string {
    const known = this.#found.get(bn)?.get(n);
    if (known !== undefined) return known;
    const found = this.#find(bn + n, n);
    if (bn.length + n.length > NAME_MAX) return found;
    if (this.#count++ >= FOUND_MAX) {
      this.#found.clear();
      this.#count = 1;
    }
    this.#found.getOrInsertComputed(bn, () => new Map()).set(n, found);
    return found;
  }

  #find(name: string, n: string): Found | string {
    if (name === '') return 'The record has no name: neither `n` nor `bn`.';
    if (!NAME.test(name)) {
      return `"${shortened(name)}" is no name of SenML: letters, digits and -:./_, a letter or digit first.`;
    }
    const only = lone(this.#gateway);
    if (only) return { behind: only, element: n || name, fault: null };
    const address = this.#addresses.find((known) => name.startsWith(known) && isWhole(name, known));
    if (address === undefined) {
      return { behind: NOTHING_SAID, element: n || name, fault: unknownDevice(this.#gateway, name) };
    }
    const element = name.slice(address.length).replace(/^[-:./_]/, '') || n;
    return { behind: this.#byAddress.get(address)!, element, fault: null };
  }
}

/** Names of one gateway that are kept, and how long: a gateway may make up any. */
const FOUND_MAX = 2_000;
const NAME_MAX = 256;

const SEPARATORS = '-:./_';

/** Not in the middle of a word: `st-3` is no device of `st-31:ph`. */
function isWhole(name: string, address: string): boolean {
  const next = name.charAt(address.length);
  return next === '' || SEPARATORS.includes(next) || SEPARATORS.includes(address.at(-1)!);
}
