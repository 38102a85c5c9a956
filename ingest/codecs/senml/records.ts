/** A SenML pack as JSON or CBOR → its records as they were sent (RFC 8428 §5 and §6). */
import { isUtf8 } from 'node:buffer';
import { type Token, Tokenizer, Type } from 'cborg';
import { shortened } from '../codec.ts';
import { countMembers, withQuotedNonNumbers } from '../json-text.ts';
import { shortest } from '../shortest.ts';

/** A record by the labels of JSON; null for what is no record. */
export type SentRecord = Readonly<Record<string, unknown>> | null;

/** The pack's records, or (text) why there are none. */
export type Records = { records: readonly SentRecord[]; members: number | null } | string;

/** Longer packs hold too many values whatever is in them; `readRecords` stops there. */
const RECORDS_MAX = 10_000;

/** Told apart by their first byte: JSON's is `[` or white space, CBOR's is that of an array. */
export function readRecords(payload: Uint8Array): Records {
  const [first = 0] = payload;
  return first >= 0x80 && first <= 0x9f ? fromCbor(payload) : fromJson(payload);
}

function fromJson(payload: Uint8Array): Records {
  if (!isUtf8(payload)) return 'The payload is neither UTF-8 nor a CBOR array.';
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  const pack = parsed(text);
  if (pack instanceof Error) return `The payload is not JSON: ${shortened(pack.message, 160)}`;
  if (!Array.isArray(pack)) return 'A SenML pack is an array of records: put the record into `[ ]`.';
  for (let index = 0; index < pack.length; index++) if (!isObject(pack[index])) pack[index] = null;
  return { records: pack as SentRecord[], members: countMembers(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = withQuotedNonNumbers(text);
    return quoted === text ? error : parsed(quoted);
  }
}

/**
 * Whether some label stands twice in one record, of which JSON.parse has kept the last.
 * @param labels of all records as they were read: when the text has more, a member has members of its own, or it is so.
 */
export function isRepeated({ records, members }: Exclude<Records, string>, labels: number): boolean {
  return members !== null && members !== labels && members !== membersIn(records);
}

/** Members of all objects, however deep: not by recursion, since a payload may nest as deep as it is long. */
function membersIn(value: unknown): number {
  let count = 0;
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const members = Object.values(next);
    if (!Array.isArray(next)) count += members.length;
    for (const member of members) open.push(member);
  }
  return count;
}

/** RFC 8428 §6, table 4. */
const CBOR_LABELS: ReadonlyMap<number, string> = new Map([
  [-1, 'bver'],
  [-2, 'bn'],
  [-3, 'bt'],
  [-4, 'bu'],
  [-5, 'bv'],
  [-6, 'bs'],
  [0, 'n'],
  [1, 'u'],
  [2, 'v'],
  [3, 'vs'],
  [4, 'vb'],
  [5, 's'],
  [6, 't'],
  [7, 'ut'],
  [8, 'vd'],
]);

/**
 * Read token by token and not into objects: nothing that the payload claims (a billion records, a thousand levels) is made
 * before it is there.
 */
function fromCbor(payload: Uint8Array): Records {
  try {
    return { records: new CborPack(payload).records(), members: null };
  } catch (error) {
    return `The payload is not a SenML pack in CBOR: ${shortened((error as Error).message, 160)}`;
  }
}

/** Tag 4: `[exponent, mantissa]`. */
const DECIMAL_FRACTION = 4;
/** What isn't understood may be nested, and is read over; deeper than this it is no sensor's. */
const DEPTH_MAX = 16;

class CborPack {
  readonly #tokens: Tokenizer;

  constructor(payload: Uint8Array) {
    this.#tokens = new Tokenizer(payload);
  }

  records(): SentRecord[] {
    const records: SentRecord[] = [];
    this.#eachOf(this.#next(), (head) => {
      if (records.length === RECORDS_MAX) throw new Error(`more than ${RECORDS_MAX} records`);
      records.push(this.#record(head));
    });
    if (!this.#tokens.done()) throw new Error('something follows the pack');
    return records;
  }

  #next(): Token {
    if (this.#tokens.done()) throw new Error('it ends too early');
    return this.#tokens.next();
  }

  /** Calls with the first token of each item of an array or map; the rest of the item is to be read in the call. */
  #eachOf({ value: length }: Token, read: (first: Token) => void): void {
    for (let count = 0; count < length; count++) {
      const first = this.#next();
      if (!Type.equals(first.type, Type.break)) read(first);
      else if (length === Number.POSITIVE_INFINITY) return;
      else throw new Error('an array or map ends too early');
    }
  }

  #record(head: Token): SentRecord {
    if (!Type.equals(head.type, Type.map)) {
      this.#skip(head, 0);
      return null;
    }
    const record: Record<string, unknown> = Object.create(null);
    this.#eachOf(head, (first) => {
      const label = labelOf(first);
      if (label in record) throw new Error(`the label "${shortened(label)}" stands twice in one record`);
      record[label] = this.#value(this.#next());
    });
    return record;
  }

  /** Numbers, texts, booleans and null as they are; bytes as base64url, as JSON has them; undefined for anything else. */
  #value(token: Token): unknown {
    const { type, value, encodedLength } = token;
    if (Type.equals(type, Type.float)) return encodedLength === 9 ? value : shortest(value as number);
    if (Type.equals(type, Type.uint) || Type.equals(type, Type.negint)) return Number(value);
    if (Type.equals(type, Type.string)) return value;
    if (Type.equals(type, Type.true)) return true;
    if (Type.equals(type, Type.false)) return false;
    if (Type.equals(type, Type.null)) return null;
    if (Type.equals(type, Type.bytes)) return Buffer.from(value as Uint8Array).toString('base64url');
    if (Type.equals(type, Type.tag) && value === DECIMAL_FRACTION) return this.#decimalFraction();
    this.#skip(token, 0);
    return undefined;
  }

  #decimalFraction(): number {
    const { type, value } = this.#next();
    if (!Type.equals(type, Type.array) || value !== 2) throw new Error('a decimal fraction is a pair of integers');
    const [exponent, mantissa] = [this.#next(), this.#next()].map((token) => {
      const isInteger = Type.equals(token.type, Type.uint) || Type.equals(token.type, Type.negint);
      if (!isInteger) throw new Error('a decimal fraction is a pair of integers');
      return token.value as number | bigint;
    });
    return Number(`${mantissa}e${exponent}`);
  }

  #skip(head: Token, depth: number): void {
    const { type } = head;
    if (depth > DEPTH_MAX) throw new Error(`it is nested more than ${DEPTH_MAX} deep`);
    const skip = (first: Token) => this.#skip(first, depth + 1);
    if (Type.equals(type, Type.tag)) skip(this.#next());
    if (Type.equals(type, Type.array)) this.#eachOf(head, skip);
    if (Type.equals(type, Type.map)) {
      this.#eachOf(head, (label) => {
        skip(label);
        skip(this.#next());
      });
    }
  }
}

function labelOf({ type, value }: Token): string {
  if (Type.equals(type, Type.string)) return value as string;
  const isNumber = Type.equals(type, Type.uint) || Type.equals(type, Type.negint);
  if (!isNumber) throw new Error('a label is neither text nor a number');
  return CBOR_LABELS.get(Number(value)) ?? `(${value})`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
