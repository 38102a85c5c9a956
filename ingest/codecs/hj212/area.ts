/**
 * The data area: `DataTime=…;w01001-Rtd=8.02,w01001-Flag=N;…`. Every field has its factor's code before it, so the two
 * separators mean the same here; empty, doubled and exchanged ones are all seen in the field.
 */
import { isAscii, isUtf8 } from 'node:buffer';

/** What a frame says of one factor, each as sent. */
export interface Factor {
  code: string;
  rtd?: string;
  avg?: string;
  flag?: string;
  sampleTime?: string;
  /** Fields of quality controls, and those that a device's entry may name. */
  others?: Map<string, string>;
  /** A field that stands twice and says two things. */
  repeated?: { field: string; values: [string, string] };
}

export interface Area {
  dataTime: string | null;
  /** `Flag=N` without a code: of every factor that has none of its own. */
  flag: string | null;
  factors: Map<string, Factor>;
}

const GB18030 = new TextDecoder('gb18030');

/** Of two editions: ASCII with UTF-8 (2017), and what loggers made in China really write. */
export function textOf(body: Uint8Array): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (isAscii(bytes)) return bytes.toString('latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : GB18030.decode(bytes);
}

export function areaIn(text: string): Area {
  const area: Area = { dataTime: null, flag: null, factors: new Map() };
  let factor: Factor | undefined;
  for (let start = 0; start < text.length; ) {
    const end = fieldEnd(text, start);
    const equals = text.indexOf('=', start);
    if (equals > start && equals < end) {
      const name = text.slice(start, equals).trim();
      const value = text.slice(equals + 1, end).trim();
      const dash = name.lastIndexOf('-');
      if (dash > 0) {
        const code = name.slice(0, dash);
        if (factor?.code !== code) factor = factorOf(area, code);
        setField(factor, name.slice(dash + 1), value);
      } else if (name === 'DataTime') area.dataTime ??= value;
      else if (name === 'Flag') area.flag ??= value === '' ? null : value;
    }
    start = end + 1;
  }
  return area;
}

function fieldEnd(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x3b || char === 0x2c) return at;
  }
  return text.length;
}

function factorOf({ factors }: Area, code: string): Factor {
  const known = factors.get(code);
  if (known) return known;
  const factor: Factor = { code };
  factors.set(code, factor);
  return factor;
}

const OWN: Readonly<Record<string, 'rtd' | 'avg' | 'flag' | 'sampleTime'>> = {
  Rtd: 'rtd',
  Avg: 'avg',
  Flag: 'flag',
  SampleTime: 'sampleTime',
};

function setField(factor: Factor, field: string, value: string): void {
  const own = Object.hasOwn(OWN, field) ? OWN[field] : undefined;
  const before = own === undefined ? factor.others?.get(field) : factor[own];
  if (before !== undefined && before !== value) factor.repeated ??= { field, values: [before, value] };
  if (own !== undefined) factor[own] = value;
  else {
    factor.others ??= new Map();
    factor.others.set(field, value);
  }
}

const STAMP = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})?$/;
const BEIJING_MS = 8 * 3_600_000;

/** Epoch ms of 14 or 17 digits of Beijing time; null for what is no such time. */
export function stampMs(text: string): number | null {
  const digits = STAMP.exec(text);
  if (digits === null) return null;
  const [, year, month, day, hour, minute, second, ms = '0'] = digits as unknown as string[];
  const utcMs = Date.UTC(+year!, +month! - 1, +day!, +hour!, +minute!, +second!, +ms);
  const date = new Date(utcMs);
  const isThere = date.getUTCMonth() === +month! - 1 && date.getUTCDate() === +day!;
  return isThere && +hour! < 24 && +minute! < 60 && +second! < 60 ? utcMs - BEIJING_MS : null;
}

/** 14 digits of Beijing time, or (`isPrecise`) 17. */
export function stampOf(ms: number, isPrecise = false): string {
  const digits = new Date(ms + BEIJING_MS).toISOString().replace(/\D/g, '');
  return isPrecise ? digits : digits.slice(0, 14);
}
