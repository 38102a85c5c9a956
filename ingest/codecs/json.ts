/** The JSON payload of contracts §3: `{ seq?, samples: [{ station, time, values }] }`, or one sample standing alone. */
import { isUtf8 } from 'node:buffer';
import type { Fault, FaultCode } from '#model/faults.ts';
import { type Codec, type Decoded, MAX_VALUES, type Part, type Sample, shortened } from './codec.ts';
import { countMembers, type Repeated, repeatedNames, withQuotedNonNumbers } from './json-text.ts';

type JsonObject = Record<string, unknown>;

export const json: Codec & { decode: typeof decode } = { decode, path, excerpt, excerptOfSeveral };

function decode(payload: Uint8Array): Decoded {
  if (!isUtf8(payload)) return malformed('The payload is not UTF-8.');
  const text = textOf(payload);
  let message: unknown;
  try {
    message = parse(text);
  } catch (error) {
    return malformed(`The payload is not JSON: ${shortened((error as Error).message, 160)}`);
  }
  if (!isObject(message)) return malformed(notAnObject(message));
  const { samples } = message;
  const seq = toSeq(message.seq);
  if (samples !== undefined && !Array.isArray(samples)) return malformed('`samples` is not an array.', seq);
  if (samples === undefined && message.values === undefined) {
    return malformed('The object has neither `samples` nor, as one sample, `values`.', seq);
  }
  const decoded = samples === undefined ? [toSample(message, -1)] : samples.map(toSample);
  if (countValues(decoded) > MAX_VALUES) {
    const fault: Fault = {
      code: 'message.too-many-values',
      message: `The message holds more than ${MAX_VALUES} values.`,
    };
    return { fault, seq };
  }
  // Fewer members than the text has: JSON.parse kept the last of several. (Members that we don't read count as well.)
  if (countMembers(text) === countRead(message, decoded)) {
    return { fault: null, seq, samples: decoded };
  }
  return withoutRepeated(message, decoded, repeatedNames(withQuotedNonNumbers(text)));
}

function notAnObject(message: unknown): string {
  if (!Array.isArray(message)) return 'The payload is not a JSON object: send { "samples": [ … ] }.';
  return 'The payload is an array: put it into `samples`, as { "samples": [ … ] }.';
}

/** JSON has no NaN and no Infinity; loggers write them bare, and one must not cost the rest of its message. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = withQuotedNonNumbers(text);
    if (quoted === text) throw error;
    return JSON.parse(quoted);
  }
}

/** Members of the message, its samples and their values. */
function countRead(message: JsonObject, samples: readonly Sample[]): number {
  let count = Object.keys(message).length;
  for (const { sent, values, index } of samples) {
    if (index >= 0 && isObject(sent)) count += Object.keys(sent).length;
    for (const name in values) {
      count++;
      const value = values[name];
      if (isObject(value)) for (const _ in value) count++;
    }
  }
  return count;
}

/** Which of two is meant is not guessed: what stands twice is quarantined, each under its name, and the rest is taken. */
function withoutRepeated(message: JsonObject, samples: readonly Sample[], repeated: readonly Repeated[]): Decoded {
  const isLone = message.samples === undefined;
  const ofSample = new Map<number, Repeated[]>();
  for (const { path, values } of repeated) {
    const [first, index, ...rest] = path;
    if (path.length === 1 && (first === 'samples' || first === 'seq')) {
      return malformed(`\`${first}\` stands twice.`, first === 'seq' ? null : toSeq(message.seq));
    }
    if (isLone) ofSample.getOrInsertComputed(-1, () => []).push({ path, values });
    else if (first === 'samples') ofSample.getOrInsertComputed(index as number, () => []).push({ path: rest, values });
  }
  const sound = samples.flatMap((sample) => split(sample, ofSample.get(sample.index) ?? []));
  return { fault: null, seq: toSeq(message.seq), samples: sound };
}

const READ_OF_SAMPLE: readonly unknown[] = ['station', 'time', 'values'];
const READ_OF_VALUE: readonly unknown[] = ['value', 'unit', 'flag', 'censored'];

function split(sample: Sample, repeated: readonly Repeated[]): Sample[] {
  const ofItself = repeated.find(({ path }) => path.length === 1 && READ_OF_SAMPLE.includes(path[0]));
  if (ofItself) {
    const sent = new SentTwice(sample.sent as JsonObject, ofItself);
    return [{ ...sample, fault: sample.fault ?? twice(ofItself), sent }];
  }
  const values = { ...sample.values };
  const refused: Sample[] = [];
  // What repeats its name comes before what repeats a member within it: it is told once.
  for (const repeat of repeated.toSorted((a, b) => a.path.length - b.path.length)) {
    const [where, name, member] = repeat.path as string[];
    const isWithin = repeat.path.length === 3 && READ_OF_VALUE.includes(member);
    if (where !== 'values' || !(repeat.path.length === 2 || isWithin) || !Object.hasOwn(values, name!)) continue;
    const alone: Sample = {
      ...sample,
      values: { [name!]: values[name!] },
      fault: sample.fault ?? twice(repeat),
      sent: new SentTwice(sample.sent as JsonObject, repeat),
    };
    refused.push(...(isWithin ? [alone] : repeat.values.map(() => alone)));
    delete values[name!];
  }
  // What has no list of values is one refused sample, whatever stands twice in it.
  return [sample.values === null ? sample : { ...sample, values }, ...refused];
}

function twice({ path, values }: Repeated): Fault {
  const shown = values.map((value) => shortened(value, 32)).join(', ');
  return { code: 'name.repeated', message: `"${shortened(String(path.at(-1)))}" stands twice: ${shown}.` };
}

/** A sample in which something stands several times, which no object of JSON.parse can hold. */
class SentTwice {
  readonly #sample: JsonObject;
  readonly #repeated: Repeated;

  constructor(sample: JsonObject, repeated: Repeated) {
    this.#sample = sample;
    this.#repeated = repeated;
  }

  /** JSON text of the sample with just what stands several times, and these values (JSON text, too). */
  text(named: string): string {
    const { path, values } = this.#repeated;
    const [top, name, member] = path as [string, string?, string?];
    const members = values
      .slice(0, BREADTH)
      .map((value) => `${JSON.stringify(path.at(-1))}:${value.length > TEXT_LENGTH ? '"…"' : value}`)
      .join(',');
    const { station, time } = this.#sample;
    const parts: Record<string, string> = {
      station: `"station":${jsonText(station)}`,
      time: `"time":${jsonText(time)}`,
      values: `"values":${named}`,
    };
    if (name === undefined) parts[top] = members;
    else parts.values = `"values":{${member === undefined ? members : `${JSON.stringify(name)}:{${members}}`}}`;
    return `{${Object.values(parts).join(',')}}`;
  }
}

// RFC 8259 §8.1 lets a reader ignore a byte order mark.
function textOf(payload: Uint8Array): string {
  const start = payload[0] === 0xef && payload[1] === 0xbb && payload[2] === 0xbf ? 3 : 0;
  return Buffer.from(payload.buffer, payload.byteOffset + start, payload.byteLength - start).toString('utf8');
}

function toSample(sent: unknown, index: number): Sample {
  if (!isObject(sent)) return broken(sent, index, null, 'The sample is not an object.');
  const { station, time, values } = sent;
  if (!isObject(values)) return broken(sent, index, null, 'The sample has no object `values`.');
  if (typeof station !== 'string') return broken(sent, index, values, 'The sample has no text `station`.');
  if (time === undefined) return broken(sent, index, values, 'The sample has no `time`.');
  return { station, time, values, index, fault: null, sent };
}

function broken(sent: unknown, index: number, values: JsonObject | null, message: string): Sample {
  const fault = { code: 'sample.malformed' as FaultCode, message };
  return { station: undefined, time: undefined, values, index, fault, sent };
}

function countValues(samples: readonly Sample[]): number {
  let count = 0;
  for (const { values } of samples) {
    if (values === null) count++;
    else for (const _ in values) count++;
  }
  return count;
}

/** A number that can't be a rising count says nothing about gaps and is no reason to refuse readings. */
function toSeq(seq: unknown): number | null {
  return Number.isSafeInteger(seq) && (seq as number) >= 0 ? (seq as number) : null;
}

function malformed(message: string, seq: number | null = null): Decoded {
  return { fault: { code: 'message.malformed', message }, seq };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function path(sample: Sample, name: string | null): string {
  const at = sample.index < 0 ? '' : `samples[${sample.index}]`;
  if (name === null) return at;
  return `${at}${at && '.'}values.${shortened(name)}`;
}

function excerpt(sample: Sample, names: readonly string[] | null): Uint8Array {
  // fromEntries defines an own property even for `__proto__`.
  const values = Object.fromEntries((names ?? []).map((name) => [name, sample.values?.[name]]));
  if (sample.sent instanceof SentTwice) return Buffer.from(sample.sent.text(jsonText(values)));
  if (names === null || !isObject(sample.sent)) return Buffer.from(jsonText({ samples: [sample.sent] }));
  const { station, time } = sample.sent;
  return Buffer.from(jsonText({ station, time, values }));
}

function excerptOfSeveral(parts: readonly Part[]): Uint8Array {
  const bySample = new Map<Sample, Set<string>>();
  for (const { sample, names } of parts) {
    const known = bySample.getOrInsertComputed(sample, () => new Set());
    for (const name of names ?? []) known.add(name);
  }
  const texts = [...bySample].map(([sample, names]) => sampleText(sample, names));
  return Buffer.from(`{"samples":[${texts.join(',')}]}`);
}

/** The sample with just these values, however many; without any as a whole. */
function sampleText({ sent, values }: Sample, names: ReadonlySet<string>): string {
  const members = [...names].map(
    (name) => `${JSON.stringify(shortened(name, TEXT_LENGTH))}:${jsonText(values?.[name])}`,
  );
  const named = `{${members.join(',')}}`;
  if (sent instanceof SentTwice) return sent.text(named);
  if (names.size === 0 || !isObject(sent)) return jsonText(sent);
  const { station, time } = sent;
  const parts = Object.entries({ station, time }).filter(([, value]) => value !== undefined);
  return `{${parts.map(([key, value]) => `"${key}":${jsonText(value)},`).join('')}"values":${named}}`;
}

// What is longer or deeper can never become a reading, so it is kept only as far as it shows what was wrong.
const TEXT_LENGTH = 256;
const DEPTH = 6;
const BREADTH = 32;

/**
 * JSON text of something that JSON.parse gave, for keeping: numbers come back as they were (JSON.stringify would turn
 * 1e999, read as Infinity, into null: "measured nothing"), long texts, deep and broad values are cut.
 */
function jsonText(value: unknown, depth = 0): string {
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
    return value > 0 ? '1e999' : '-1e999';
  }
  if (typeof value === 'string') return JSON.stringify(shortened(value, TEXT_LENGTH));
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth > DEPTH) return '"…"';
  if (Array.isArray(value)) {
    const items = value.slice(0, BREADTH).map((item) => jsonText(item, depth + 1));
    return `[${items.join(',')}]`;
  }
  const members: string[] = [];
  for (const key in value) {
    if (members.length === BREADTH) break;
    const member = (value as JsonObject)[key];
    if (member === undefined) continue;
    members.push(`${JSON.stringify(shortened(key, TEXT_LENGTH))}:${jsonText(member, depth + 1)}`);
  }
  return `{${members.join(',')}}`;
}
