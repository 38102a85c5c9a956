/** The JSON payload of contracts §3: `{ seq?, samples: [{ station, time, values }] }`, or one sample standing alone. */
import { isUtf8 } from 'node:buffer';
import type { FaultCode } from '#model/faults.ts';
import { type Codec, type Decoded, MAX_VALUES, type Sample, shortened } from './codec.ts';

type JsonObject = Record<string, unknown>;

export const json: Codec = { decode, path, excerpt };

function decode(payload: Uint8Array): Decoded {
  if (!isUtf8(payload)) return malformed('The payload is not UTF-8.');
  let message: unknown;
  try {
    message = JSON.parse(textOf(payload));
  } catch (error) {
    // JSON has no NaN and no Infinity: a message with them is not JSON, and lands here.
    return malformed(`The payload is not JSON: ${shortened((error as Error).message, 160)}`);
  }
  if (!isObject(message)) return malformed('The payload is not a JSON object.');
  const { samples } = message;
  if (samples !== undefined && !Array.isArray(samples)) return malformed('`samples` is not an array.');
  if (samples === undefined && message.values === undefined) {
    return malformed('The object has neither `samples` nor, as one sample, `values`.');
  }
  const decoded = samples === undefined ? [toSample(message, -1)] : samples.map(toSample);
  if (countValues(decoded) > MAX_VALUES) {
    return { fault: { code: 'message.too-many-values', message: `The message holds more than ${MAX_VALUES} values.` } };
  }
  return { fault: null, seq: toSeq(message.seq), samples: decoded };
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

function malformed(message: string): Decoded {
  return { fault: { code: 'message.malformed', message } };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function path(sample: Sample, name: string | null): string {
  const at = sample.index < 0 ? '' : `samples[${sample.index}]`;
  if (name === null) return at;
  return `${at}${at && '.'}values.${shortened(name)}`;
}

function excerpt(sample: Sample, name: string | null): Uint8Array {
  if (name === null || !isObject(sample.sent)) return Buffer.from(jsonText({ samples: [sample.sent] }));
  const { station, time } = sample.sent;
  // fromEntries defines an own property even for `__proto__`.
  return Buffer.from(jsonText({ station, time, values: Object.fromEntries([[name, sample.values?.[name]]]) }));
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
