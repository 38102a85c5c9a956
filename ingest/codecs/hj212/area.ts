/**
 * The data area: `DataTime=…;w01001-Rtd=8.02,w01001-Flag=N;…`. Every field has its factor's code before it, so the two
 * separators mean the same here; empty, doubled and exchanged ones are all seen in the field.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { asBuffer } from './framer.ts';

/** What a frame says of one factor, each as sent. */
export interface Factor {
  code: string;
  rtd: string | undefined;
  avg: string | undefined;
  flag: string | undefined;
  sampleTime: string | undefined;
  /** Fields of quality controls, and those that a device's entry may name. */
  others: Map<string, string> | undefined;
  /** A field that stands twice and says two things. */
  repeated: { field: string; values: [string, string] } | undefined;
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
  const bytes = asBuffer(body);
  if (isAscii(bytes)) return bytes.toString('latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : GB18030.decode(bytes);
}

const SEMICOLON = 0x3b;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const DASH = 0x2d;
const BLANK = 0x20;

/** Hot: each field is looked at once, and of what is usual only the value is cut out. */
export function areaIn(text: string): Area {
  const area: Area = { dataTime: null, flag: null, factors: new Map() };
  let factor: Factor | undefined;
  for (let start = 0; start < text.length; ) {
    if (text.charCodeAt(start) <= BLANK) {
      start++;
      continue;
    }
    let equals = -1;
    let dash = -1;
    let end = start;
    for (; end < text.length; end++) {
      const char = text.charCodeAt(end);
      if (char === SEMICOLON || char === COMMA) break;
      if (equals >= 0) continue;
      if (char === EQUALS) equals = end;
      else if (char === DASH) dash = end;
    }
    if (equals > start) {
      const value = trimmed(text, equals + 1, end);
      if (dash > start) {
        if (!isOf(factor, text, start, dash)) factor = factorOf(area, text.slice(start, dash));
        setField(factor!, fieldAt(text, dash + 1, equals), value);
      } else setOwn(area, text.slice(start, equals).trim(), value);
    }
    start = end + 1;
  }
  return area;
}

function setOwn(area: Area, name: string, value: string): void {
  if (name === 'DataTime') area.dataTime ??= value;
  else if (name === 'Flag') area.flag ??= value === '' ? null : value;
}

function trimmed(text: string, start: number, end: number): string {
  const value = text.slice(start, end);
  return text.charCodeAt(start) <= BLANK || text.charCodeAt(end - 1) <= BLANK ? value.trim() : value;
}

/** Whether the field's code is that of the factor before it, as it mostly is. */
function isOf(factor: Factor | undefined, text: string, start: number, dash: number): boolean {
  return factor !== undefined && dash - start === factor.code.length && text.startsWith(factor.code, start);
}

/** The usual names are not cut out. */
function fieldAt(text: string, start: number, end: number): string {
  if (end - start === 3) {
    if (text.startsWith('Avg', start)) return 'Avg';
    if (text.startsWith('Rtd', start)) return 'Rtd';
  } else if (end - start === 4 && text.startsWith('Flag', start)) return 'Flag';
  return text.slice(start, end).trim();
}

function factorOf({ factors }: Area, code: string): Factor {
  const known = factors.get(code);
  if (known) return known;
  const nothing = undefined;
  const factor: Factor = {
    code,
    rtd: nothing,
    avg: nothing,
    flag: nothing,
    sampleTime: nothing,
    others: nothing,
    repeated: nothing,
  };
  factors.set(code, factor);
  return factor;
}

function setField(factor: Factor, field: string, value: string): void {
  switch (field) {
    case 'Rtd':
      if (factor.rtd !== undefined) repeat(factor, field, factor.rtd, value);
      factor.rtd = value;
      return;
    case 'Avg':
      if (factor.avg !== undefined) repeat(factor, field, factor.avg, value);
      factor.avg = value;
      return;
    case 'Flag':
      if (factor.flag !== undefined) repeat(factor, field, factor.flag, value);
      factor.flag = value;
      return;
    case 'SampleTime':
      if (factor.sampleTime !== undefined) repeat(factor, field, factor.sampleTime, value);
      factor.sampleTime = value;
      return;
  }
  factor.others ??= new Map();
  const before = factor.others.get(field);
  if (before !== undefined) repeat(factor, field, before, value);
  factor.others.set(field, value);
}

function repeat(factor: Factor, field: string, before: string, value: string): void {
  if (before !== value) factor.repeated ??= { field, values: [before, value] };
}

const BEIJING_MS = 8 * 3_600_000;

/** Epoch ms of 14 or 17 digits of Beijing time; null for what is no such time. */
export function stampMs(text: string): number | null {
  if (text.length !== 14 && text.length !== 17) return null;
  const month = digitsAt(text, 4, 2);
  const day = digitsAt(text, 6, 2);
  const hour = digitsAt(text, 8, 2);
  const minute = digitsAt(text, 10, 2);
  const second = digitsAt(text, 12, 2);
  const ms = text.length === 17 ? digitsAt(text, 14, 3) : 0;
  const utcMs = Date.UTC(digitsAt(text, 0, 4), month - 1, day, hour, minute, second, ms);
  // What isn't all digits is NaN. A day that the month doesn't have is one of the next.
  const isThere = new Date(utcMs).getUTCDate() === day && month >= 1 && month <= 12;
  return isThere && hour < 24 && minute < 60 && second < 60 ? utcMs - BEIJING_MS : null;
}

function digitsAt(text: string, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const char = text.charCodeAt(at);
    if (char < 0x30 || char > 0x39) return Number.NaN;
    value = value * 10 + (char - 0x30);
  }
  return value;
}

/** 14 digits of Beijing time, or (`isPrecise`) 17. */
export function stampOf(ms: number, isPrecise = false): string {
  const digits = new Date(ms + BEIJING_MS).toISOString().replace(/\D/g, '');
  return isPrecise ? digits : digits.slice(0, 14);
}
