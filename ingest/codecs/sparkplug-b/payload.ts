/**
 * The messages `Payload`, `Metric` and `PropertySet` of sparkplug_b.proto (Eclipse Tahu; Sparkplug 3.0 §6.4), by the wire
 * format and not by a datatype: the value is read from the field that it is sent in, since DATA may leave datatypes out.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { shortest } from '../shortest.ts';

/** Datatypes of §6.4.16 by which an integer's bits are told apart; all others show what they are. */
const INT8 = 1;
const INT16 = 2;
const INT32 = 3;
const INT64 = 4;
const BOOLEAN = 11;

/** An integer whose sign nobody has told yet: `bits` of 32 or 64. */
export interface Bits {
  bits: 32 | 64;
  raw: bigint;
}

/** What a metric's value field holds; texts stand for what is no number (a template, a data set). */
export type Wire = number | boolean | string | Bits | null;

/** 64 bits; a number where that is exact, as it always is. */
export type Alias = number | bigint;
export const aliasOf = (bits: bigint): Alias => (bits <= Number.MAX_SAFE_INTEGER ? Number(bits) : bits);

export interface Metric {
  name: string | undefined;
  alias: Alias | undefined;
  /** Epoch ms. */
  timestamp: number | undefined;
  datatype: number | undefined;
  isNull: boolean;
  properties: Properties | undefined;
  /** Undefined where no value field is there. */
  value: Wire | undefined;
}

/** The properties that mean something here. */
export interface Properties {
  /** `Quality`: 0, 192 or 500 (§6.4.9.1), or a maker's own number. */
  quality?: number | undefined;
  /** `engUnit`, by custom of Ignition and others. */
  unit?: string | undefined;
}

export interface Payload {
  timestamp: number | undefined;
  seq: number | undefined;
  uuid: string | undefined;
  metrics: Metric[];
}

/** More metrics than may be in one message; reading stops there. */
const METRICS_MAX = 5_001;

/** @throws for what is no such message, or breaks off. */
export function readPayload(bytes: Uint8Array): Payload {
  const reader = new BinaryReader(bytes);
  const payload: Payload = { timestamp: undefined, seq: undefined, uuid: undefined, metrics: [] };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Varint) payload.timestamp = readNumber(reader);
    else if (field === 2 && type === WireType.LengthDelimited && payload.metrics.length < METRICS_MAX) {
      payload.metrics.push(readMetric(reader, endOf(reader)));
    } else if (field === 3 && type === WireType.Varint) payload.seq = Number(reader.uint64());
    else if (field === 4 && type === WireType.LengthDelimited) payload.uuid = reader.string();
    else skip(reader, field, type);
  }
  return payload;
}

/** The message's number alone; undefined where it has none, or can't be read. */
export function seqOf(bytes: Uint8Array): number | undefined {
  try {
    const reader = new BinaryReader(bytes);
    let seq: number | undefined;
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 3 && type === WireType.Varint) seq = Number(reader.uint64());
      else skip(reader, field, type);
    }
    return seq;
  } catch {
    return undefined;
  }
}

function readMetric(reader: BinaryReader, end: number): Metric {
  const metric: Metric = {
    name: undefined,
    alias: undefined,
    timestamp: undefined,
    datatype: undefined,
    isNull: false,
    properties: undefined,
    value: undefined,
  };
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (!readField(reader, metric, field, type)) skip(reader, field, type);
  }
  ends(reader, end);
  return metric;
}

/** @returns false for a field that isn't wanted, or is of another wire type than it should be. */
function readField(reader: BinaryReader, metric: Metric, field: number, type: WireType): boolean {
  if (WIRE_TYPES[field] !== type) return false;
  switch (field) {
    case 1:
      metric.name = reader.string();
      break;
    case 2:
      metric.alias = readAlias(reader);
      break;
    case 3:
      metric.timestamp = readNumber(reader);
      break;
    case 4:
      metric.datatype = reader.uint32();
      break;
    case 7:
      metric.isNull = reader.bool();
      break;
    case 9:
      metric.properties = readProperties(reader, endOf(reader));
      break;
    default:
      metric.value = readValue(reader, field);
  }
  return true;
}

/** Of the fields of `Metric` that are read. 5, 6 and 8 (historical, transient, metadata) change nothing here. */
const WIRE_TYPES: Readonly<Record<number, WireType>> = {
  1: WireType.LengthDelimited,
  2: WireType.Varint,
  3: WireType.Varint,
  4: WireType.Varint,
  7: WireType.Varint,
  9: WireType.LengthDelimited,
  10: WireType.Varint,
  11: WireType.Varint,
  12: WireType.Bit32,
  13: WireType.Bit64,
  14: WireType.Varint,
  15: WireType.LengthDelimited,
  16: WireType.LengthDelimited,
  17: WireType.LengthDelimited,
  18: WireType.LengthDelimited,
};

/** Varints of up to four bytes, which most are, are told by how far they reach; longer ones are read as 64 bits. */
function readNumber(reader: BinaryReader): number {
  const { pos } = reader;
  const low = reader.uint32();
  if (reader.pos - pos <= 4) return low;
  reader.pos = pos;
  return Number(reader.uint64());
}

function readAlias(reader: BinaryReader): Alias {
  const { pos } = reader;
  const low = reader.uint32();
  if (reader.pos - pos <= 4) return low;
  reader.pos = pos;
  return aliasOf(BigInt(reader.uint64()));
}

function readValue(reader: BinaryReader, field: number): Wire {
  switch (field) {
    case 10:
      // Negative numbers come as 32 bits or, from some, as all 64 of a varint.
      return { bits: 32, raw: BigInt.asUintN(32, BigInt(reader.uint64())) };
    case 11:
      return { bits: 64, raw: BigInt(reader.uint64()) };
    case 12:
      return shortest(reader.float());
    case 13:
      return reader.double();
    case 14:
      return reader.bool();
    case 15:
      return reader.string();
    default:
      reader.bytes();
      return `(${field === 16 ? 'bytes' : field === 17 ? 'a data set' : 'a template'})`;
  }
}

function readProperties(reader: BinaryReader, end: number): Properties {
  const keys: string[] = [];
  const values: (Wire | undefined)[] = [];
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.LengthDelimited) keys.push(reader.string());
    else if (field === 2 && type === WireType.LengthDelimited) values.push(readProperty(reader, endOf(reader)));
    else skip(reader, field, type);
  }
  ends(reader, end);
  const of = (name: string) => values[keys.indexOf(name)];
  const quality = of('Quality');
  const unit = of('engUnit');
  return {
    quality:
      typeof quality === 'object' && quality !== null ? Number(BigInt.asIntN(quality.bits, quality.raw)) : undefined,
    unit: typeof unit === 'string' && unit.trim() !== '' ? unit : undefined,
  };
}

/** `PropertyValue`: the same values as a metric's, seven fields lower. */
function readProperty(reader: BinaryReader, end: number): Wire | undefined {
  let value: Wire | undefined;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    const isValue = field >= 3 && field <= 8 && WIRE_TYPES[field + 7] === type;
    if (isValue) value = readValue(reader, field + 7);
    else skip(reader, field, type);
  }
  ends(reader, end);
  return value;
}

/** Where the message that begins here ends; it may not reach beyond what is there. */
function endOf(reader: BinaryReader): number {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError('a length reaches beyond the payload');
  return end;
}

function ends(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new RangeError('a field reaches beyond its message');
}

/** Groups, which proto2 once had and Sparkplug never, could nest for ever. */
function skip(reader: BinaryReader, field: number, type: WireType): void {
  if (type === WireType.StartGroup || type === WireType.EndGroup)
    throw new RangeError('a group is no field of Sparkplug');
  reader.skip(type, field);
}

/**
 * An integer by its datatype: signed ones are two's complement, of 8 and 16 bits as that many bits or extended to 32.
 * @returns a bigint that is exactly what was sent; undefined where the bits are none of that datatype.
 */
export function integerOf({ bits, raw }: Bits, datatype: number): bigint | undefined {
  const width =
    datatype === INT8 ? 8 : datatype === INT16 ? 16 : datatype === INT32 ? 32 : datatype === INT64 ? 64 : null;
  if (width === null) return raw;
  if (raw < 1n << BigInt(width)) return BigInt.asIntN(width, raw);
  const extended = BigInt.asIntN(bits, raw);
  return extended >= -(1n << BigInt(width - 1)) && extended < 0n ? extended : undefined;
}

/** The command for all births again (§6.4.15): `Node Control/Rebirth` = true. */
export function rebirthCommand(nowMs: number): Uint8Array {
  const metric = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string('Node Control/Rebirth')
    .tag(3, WireType.Varint)
    .uint64(nowMs)
    .tag(4, WireType.Varint)
    .uint32(BOOLEAN)
    .tag(14, WireType.Varint)
    .bool(true)
    .finish();
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .uint64(nowMs)
    .tag(2, WireType.LengthDelimited)
    .bytes(metric)
    .finish();
}
