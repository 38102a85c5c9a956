/**
 * The CSV payload of contracts §4: a header naming `station,time,parameter,value` and perhaps `unit,flag,deviceFlag,censored`
 * in any order, then one value a line. None of these columns can hold a line break, so a line is a row and a broken one breaks no other.
 */
import { isUtf8 } from 'node:buffer';
import {
  type Codec,
  type Decoded,
  MAX_VALUES,
  NOT_FINITE,
  NUMBER,
  type Part,
  type Sample,
  shortened,
} from './codec.ts';
import { cellsIn } from './files/records.ts';

export const csv: Codec & { decode: typeof decode } = { decode, path, excerpt, excerptOfSeveral };

const REQUIRED = ['station', 'time', 'parameter', 'value'] as const;
const COLUMNS = [...REQUIRED, 'unit', 'flag', 'deviceFlag', 'censored'] as const;
/** The columns of an excerpt: what the device said stands in `flag` by then. */
const KEPT = [...REQUIRED, 'unit', 'flag', 'censored'] as const;
type Column = (typeof COLUMNS)[number];

/** Where each column stands in a row; columns of other names are left alone. */
interface Header {
  text: string;
  width: number;
  at: Record<Column, number>;
}

/** A row's line, the header under which it stands, and (null in a broken row) its fields as text. */
interface SentRow {
  header: string;
  line: string;
  fields: Record<(typeof KEPT)[number], string> | null;
}

interface Line {
  text: string;
  /** As an editor counts, from 1. */
  number: number;
}

const HEADER_LENGTH_MAX = 1_024;
const TEXT_LENGTH = 256;

function decode(payload: Uint8Array): Decoded {
  if (!isUtf8(payload)) return malformed('The payload is not UTF-8.');
  const lines = linesOf(new TextDecoder().decode(payload));
  const first = lines.shift();
  if (first === undefined) return malformed('The payload is empty.');
  const header = toHeader(first.text);
  if (typeof header === 'string') return malformed(header);
  if (lines.length > MAX_VALUES) {
    return { fault: { code: 'message.too-many-values', message: `The message holds more than ${MAX_VALUES} rows.` } };
  }
  return { fault: null, seq: null, samples: toSamples(header, lines) };
}

/** Whether a file is of this format by its first line, so that it can be taken in pieces as it comes. */
export function isReadingsCsv(head: Uint8Array): boolean {
  const end = head.indexOf(0x0a);
  const first = new TextDecoder().decode(
    head.subarray(0, end < 0 ? HEADER_LENGTH_MAX : Math.min(end, HEADER_LENGTH_MAX)),
  );
  return typeof toHeader(first.trim()) !== 'string';
}

/** Lines that say something; a spreadsheet's empty rows (`,,,`) don't. */
function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (/[^\s,]/.test(line)) lines.push({ text: line, number: index + 1 });
  }
  return lines;
}

/** @returns the header, or what is wrong with it. */
function toHeader(text: string): Header | string {
  if (text.length > HEADER_LENGTH_MAX) return `The header is longer than ${HEADER_LENGTH_MAX} characters.`;
  if (!isQuotedWell(text)) return 'The header has a stray quotation mark.';
  const names = cellsIn(text, ',').map((name) => name.toLowerCase());
  const missing = REQUIRED.filter((name) => !names.includes(name));
  if (missing.length > 0) return `The header lacks ${missing.join(', ')}; it names the columns ${COLUMNS.join(',')}.`;
  const place = (name: Column) => names.indexOf(name.toLowerCase());
  const repeated = COLUMNS.find((name) => place(name) !== names.lastIndexOf(name.toLowerCase()));
  if (repeated !== undefined) return `The header names ${repeated} twice.`;
  const at = Object.fromEntries(COLUMNS.map((name) => [name, place(name)])) as Record<Column, number>;
  return { text, width: names.length, at };
}

function toSamples(header: Header, lines: readonly Line[]): Sample[] {
  return lines.map((line) => toSample(header, line, isQuotedWell(line.text) ? cellsIn(line.text, ',') : undefined));
}

function toSample(header: Header, line: Line, fields: readonly string[] | undefined): Sample {
  if (fields === undefined) return broken(header, line, 'The row has a stray quotation mark.');
  if (fields.length !== header.width) {
    return broken(header, line, `The row has ${fields.length} columns, the header ${header.width}.`);
  }
  const field = (name: Column): string => fields[header.at[name]] ?? '';
  const named: Record<(typeof KEPT)[number], string> = {
    station: field('station'),
    time: field('time'),
    parameter: field('parameter'),
    value: field('value'),
    unit: field('unit'),
    flag: header.at.deviceFlag < 0 ? field('flag') : deviceFlagOf(field('deviceFlag'), field('flag')),
    censored: field('censored'),
  };
  const value = {
    value: toValue(named.value),
    unit: named.unit || undefined,
    flag: named.flag || undefined,
    censored: named.censored || undefined,
  };
  const values = Object.fromEntries([[named.parameter, value]]);
  const sent: SentRow = { header: header.text, line: line.text, fields: named };
  return { station: named.station, time: toTime(named.time), values, index: line.number, fault: null, sent };
}

/**
 * Beside a column for the device's own letter, as our own export has one, `flag` is a verdict: the letter is what the device
 * said. Where it said nothing, a doubt (3, 4) is taken over, since it may be a person's; that a value was good is for our own
 * tests to say again.
 */
function deviceFlagOf(deviceFlag: string, flag: string): string {
  // Undoes the quotation mark that keeps spreadsheets from reading a formula (../../src/api/csv-field.ts).
  const letter = deviceFlag.replace(/^'(?=[=+\-@])/, '');
  if (letter !== '') return letter;
  return flag === '3' || flag === '4' ? flag : '';
}

function broken(header: Header, line: Line, message: string): Sample {
  const sent: SentRow = { header: header.text, line: line.text, fields: null };
  const fault = { code: 'row.malformed', message } as const;
  return { station: undefined, time: undefined, values: null, index: line.number, fault, sent };
}

/** An empty field measured nothing; what is no number stays text, for the resolver to refuse. */
function toValue(text: string): unknown {
  if (text === '') return null;
  if (NUMBER.test(text)) return Number(text);
  return NOT_FINITE.test(text) ? Number.NaN : text;
}

function toTime(text: string): unknown {
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

const FIELD = '(?:[^",]*|\\s*"(?:[^"]|"")*"\\s*)';
const QUOTED_WELL = new RegExp(`^${FIELD}(?:,${FIELD})*$`);

/** RFC 4180 §2: a field is quoted as a whole or has no quotation mark. */
function isQuotedWell(line: string): boolean {
  return !line.includes('"') || QUOTED_WELL.test(line);
}

function malformed(message: string): Decoded {
  return { fault: { code: 'message.malformed', message } };
}

function path(sample: Sample): string {
  return `row ${sample.index}`;
}

function excerpt(sample: Sample): Uint8Array {
  const { header, line, fields } = sample.sent as SentRow;
  if (fields === null) return Buffer.from(`${header}\n${shortened(line, 4 * TEXT_LENGTH)}\n`);
  const columns = KEPT.filter((name) => name !== 'censored' || fields[name] !== '');
  return Buffer.from(`${columns.join(',')}\n${columns.map((name) => quoted(fields[name])).join(',')}\n`);
}

/** Under the header of all of them: a broken row might be a sound one under another. */
function excerptOfSeveral(parts: readonly Part[]): Uint8Array {
  const rows = parts.map(({ sample }) => sample.sent as SentRow);
  return Buffer.from(`${rows[0]!.header}\n${rows.map(({ line }) => line).join('\n')}\n`);
}

function quoted(field: string): string {
  const text = shortened(field, TEXT_LENGTH);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
