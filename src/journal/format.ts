/**
 * The journal's bytes (docs/decisions/0023): a batch is what one group commit made durable, a header in a chain of hashes and a
 * body of entries, one after the other. Pure; integers are big-endian.
 *
 * An entry: its length with these 4 bytes and the checksum (4), seq (6), `receivedMs` (6), kind (1), the length of the source
 * (2) and of the body (4), source, body, the payload as received, CRC-32C over all of it (4). Each says its own seq, so that it
 * can be told apart where its neighbour is damaged.
 */
import { createHash } from 'node:crypto';
import { crc32c } from './crc32c.ts';
import type { EntryRow } from './entry-codec.ts';
import type { Installation } from './installation.ts';

/** The body as it is, or packed in frames (frames.ts). */
export const PLAIN = 1;
export const PACKED = 2;
/** The newest that this program reads. */
export const FORMAT = 2;
export const BATCH_KINDS = { entries: 1, break: 2 } as const;
const HASH_BYTES = 32;
/** Before the first batch. */
export const NO_HASH: Uint8Array = new Uint8Array(HASH_BYTES);

/** `received` = that of the last entry, never below the batch before; `epoch` 0 = a writer alone. */
export interface BatchHeader {
  format: number;
  installation: Uint8Array;
  generation: number;
  epoch: number;
  firstSeq: number;
  lastSeq: number;
  received: number;
  prevHash: Uint8Array;
  kind: number;
}

export interface Batch extends BatchHeader {
  hash: Uint8Array;
  body: Uint8Array;
}

/** `message`: as JSON, by earlier programs; `columns`: a message as it is written now. */
const KINDS = { message: 1, columns: 2, command: 3, tick: 4, start: 5 } as const;
const KIND_NAMES: readonly (keyof typeof KINDS | undefined)[] = [
  undefined,
  'message',
  'columns',
  'command',
  'tick',
  'start',
];

/** What an entry consists of; `source` of a command is its actor, `raw` the payload of a message. */
export interface EntryParts {
  receivedMs: number;
  kind: keyof typeof KINDS;
  source: string | null;
  /** Bytes of `columns`, else text. */
  body: string | Uint8Array | null;
  raw: Uint8Array | null;
}

const SEQ_AT = 4;
const RECEIVED_AT = 10;
const KIND_AT = 16;
const SOURCE_LENGTH_AT = 17;
const BODY_LENGTH_AT = 19;
const TEXT_AT = 23;
const CRC_BYTES = 4;
/** Of an entry without source, body and payload. */
export const ENTRY_BYTES = TEXT_AT + CRC_BYTES;
/** A source is an id or a name. */
const SOURCE_MAX = 0xffff;

/** @param id a UUID. */
export function installationBytes({ id }: Installation): Uint8Array {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

/** SHA-256 over the header's fields in their order (integers as 8 bytes) and the body. */
export function hashOf(header: BatchHeader, body: Uint8Array): Uint8Array {
  const { format, installation, generation, epoch, firstSeq, lastSeq, received, prevHash, kind } = header;
  const numbers = (...values: number[]) => {
    const bytes = Buffer.allocUnsafe(8 * values.length);
    for (const [index, value] of values.entries()) bytes.writeBigInt64BE(BigInt(value), 8 * index);
    return bytes;
  };
  return createHash('sha256')
    .update(numbers(format))
    .update(installation)
    .update(numbers(generation, epoch, firstSeq, lastSeq, received))
    .update(prevHash)
    .update(numbers(kind))
    .update(body)
    .digest();
}

function partsBytes({ source, body, raw }: EntryParts): number {
  return (
    ENTRY_BYTES +
    (source === null ? 0 : Buffer.byteLength(source)) +
    (body === null ? 0 : Buffer.byteLength(body)) +
    (raw?.byteLength ?? 0)
  );
}

/** @returns how many bytes it took. */
function writeBody(bytes: Buffer, at: number, body: EntryParts['body']): number {
  if (body === null) return 0;
  if (typeof body === 'string') return bytes.write(body, at);
  bytes.set(body, at);
  return body.byteLength;
}

/**
 * The body of a batch of these entries.
 * @throws RangeError for a source of more than 65,535 bytes.
 */
export function encodeBody(firstSeq: number, entries: readonly EntryParts[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.reduce((sum, parts) => sum + partsBytes(parts), 0));
  let at = 0;
  for (const [index, parts] of entries.entries()) at = writeEntry(bytes, at, firstSeq + index, parts);
  return bytes;
}

function writeEntry(bytes: Buffer, at: number, seq: number, { receivedMs, kind, source, body, raw }: EntryParts) {
  const sourceBytes = source === null ? 0 : bytes.write(source, at + TEXT_AT);
  if (sourceBytes > SOURCE_MAX) throw new RangeError(`a source of ${sourceBytes} bytes`);
  const bodyAt = at + TEXT_AT + sourceBytes;
  const bodyBytes = writeBody(bytes, bodyAt, body);
  const rawAt = bodyAt + bodyBytes;
  if (raw) bytes.set(raw, rawAt);
  const crcAt = rawAt + (raw?.byteLength ?? 0);
  bytes.writeUInt32BE(crcAt + CRC_BYTES - at, at);
  bytes.writeUIntBE(seq, at + SEQ_AT, 6);
  bytes.writeIntBE(receivedMs, at + RECEIVED_AT, 6);
  bytes.writeUInt8(KINDS[kind], at + KIND_AT);
  bytes.writeUInt16BE(sourceBytes, at + SOURCE_LENGTH_AT);
  bytes.writeUInt32BE(bodyBytes, at + BODY_LENGTH_AT);
  bytes.writeUInt32BE(crc32c(bytes, at, crcAt), crcAt);
  return crcAt + CRC_BYTES;
}

/** Where the entries of a body begin, one after the other, as their lengths say: of a body whose hash is right. */
export function placesOf(body: Buffer): number[] {
  const places: number[] = [];
  for (let at = 0; at < body.length; at += body.readUInt32BE(at)) places.push(at);
  return places;
}

/**
 * Where those entries begin that can be read of a body which isn't what was written: wherever a length, a rising seq and a
 * checksum fit each other.
 */
export function salvage(body: Buffer, firstSeq: number): number[] {
  const places: number[] = [];
  let nextSeq = firstSeq;
  const endSeq = firstSeq + body.length / ENTRY_BYTES;
  for (let at = 0; at + ENTRY_BYTES <= body.length; ) {
    const seq = seqAt(body, at);
    if (seq >= nextSeq && seq < endSeq && isSound(body, at)) {
      places.push(at);
      nextSeq = seq + 1;
      at += body.readUInt32BE(at);
    } else at += 1;
  }
  return places;
}

/** Whether the entry that begins here is what was written. */
function isSound(body: Buffer, at: number): boolean {
  const length = body.readUInt32BE(at);
  if (length < ENTRY_BYTES || length > body.length - at) return false;
  const crcAt = at + length - CRC_BYTES;
  return crc32c(body, at, crcAt) === body.readUInt32BE(crcAt);
}

export function seqAt(body: Buffer, at: number): number {
  return body.readUIntBE(at + SEQ_AT, 6);
}

export function receivedMsAt(body: Buffer, at: number): number {
  return body.readIntBE(at + RECEIVED_AT, 6);
}

/** Whether this program can read the entry at all. */
export function isKnown(body: Buffer, at: number): boolean {
  return KIND_NAMES[body.readUInt8(at + KIND_AT)] !== undefined;
}

export function entryRowAt(body: Buffer, at: number): EntryRow {
  const sourceBytes = body.readUInt16BE(at + SOURCE_LENGTH_AT);
  const bodyBytes = body.readUInt32BE(at + BODY_LENGTH_AT);
  const bodyAt = at + TEXT_AT + sourceBytes;
  const head = {
    seq: seqAt(body, at),
    receivedMs: receivedMsAt(body, at),
    source: sourceBytes === 0 ? null : body.toString('utf8', at + TEXT_AT, bodyAt),
  };
  const code = body.readUInt8(at + KIND_AT);
  if (code === KINDS.columns) {
    return { ...head, kind: 'columns', body: null, columns: body.subarray(bodyAt, bodyAt + bodyBytes) };
  }
  const text = bodyBytes === 0 ? null : body.toString('utf8', bodyAt, bodyAt + bodyBytes);
  return { ...head, kind: KIND_NAMES[code] ?? `${code}`, body: text };
}

/** The payload of a message as received; undefined for other entries. */
export function payloadAt(body: Buffer, at: number): Uint8Array | undefined {
  const code = body.readUInt8(at + KIND_AT);
  if (code !== KINDS.message && code !== KINDS.columns) return undefined;
  const start = at + TEXT_AT + body.readUInt16BE(at + SOURCE_LENGTH_AT) + body.readUInt32BE(at + BODY_LENGTH_AT);
  return new Uint8Array(body.subarray(start, at + body.readUInt32BE(at) - CRC_BYTES));
}
