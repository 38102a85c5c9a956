/**
 * Values of SZY 206 and SL/T 427: packed BCD, least significant byte first, whose last half-byte is a sign, a unit or a digit.
 * All A = missing; all F, too, in stored values.
 */
import type { Fault } from '#model/faults.ts';
import type { Device } from '#model/protocol.ts';
import { decimalIn, hexIn, isAll } from '../bcd.ts';
import type { Meaning } from '../device.ts';

export const KINDS = [
  'flow',
  'total',
  'level',
  'velocity',
  'temp',
  'rain',
  'soil',
  'power',
  'weather',
  'gate',
  'pressure',
] as const;
export type Kind = (typeof KINDS)[number];

interface Width {
  bytes: number;
  decimals: number;
}

export const WIDTHS: Readonly<Record<Kind, Width>> = {
  flow: { bytes: 5, decimals: 3 },
  total: { bytes: 5, decimals: 0 },
  level: { bytes: 4, decimals: 3 },
  velocity: { bytes: 3, decimals: 3 },
  temp: { bytes: 2, decimals: 1 },
  rain: { bytes: 3, decimals: 1 },
  soil: { bytes: 2, decimals: 1 },
  power: { bytes: 3, decimals: 0 },
  weather: { bytes: 3, decimals: 0 },
  gate: { bytes: 3, decimals: 2 },
  pressure: { bytes: 4, decimals: 2 },
};

const MEASURED: Readonly<Partial<Record<Kind, Meaning>>> = {
  flow: { parameter: 'flow', unit: 'm3/s' },
  total: { parameter: 'register', unit: 'm3' },
  level: { parameter: 'level', unit: 'm' },
  velocity: { parameter: 'velocity', unit: 'm/s' },
  temp: { parameter: 'temp', unit: '°C' },
};

/** Bits of the list of qualities, from D0: parameter (`-`: none here), decimals, unit. D24 has five bytes, all others four. */
const QUALITIES = `
temp 1 °C|ph 2 pH|do 1 mg/L|codmn 1 mg/L|ec 0 µS/cm|orp 1 mV|turbidity 0 NTU|cod 1 mg/L|bod5 1 mg/L|nh3n 2 mg/L|tn 2 mg/L
cu 4 mg/L|zn 4 mg/L|f 2 mg/L|se 5 mg/L|as 5 mg/L|hg 5 mg/L|cd 5 mg/L|cr6 3 mg/L|pb 5 mg/L|cn 3 mg/L|phenol 3 mg/L|- 2 mg/L
sulphide 3 mg/L|fcoli 0 count/L|so4 2 mg/L|cl 2 mg/L|no3n 2 mg/L|fe 2 mg/L|mn 2 mg/L|oil 2 mg/L|las 2 mg/L|- 6 mg/L
ddt 6 mg/L|- 6 mg/L`
  .trim()
  .split(/[|\n]/)
  .map((row) => row.split(' '))
  .map(([parameter, decimals, unit], bit) => {
    return { name: `D${bit}`, parameter: parameter!, decimals: Number(decimals), unit: unit! };
  });
const BITMAP_BYTES = 5;
const COLIFORMS = 24;

export interface Value {
  /** `flow`, `flow2`, `D9`. */
  name: string;
  value: number | null | Fault;
  unit?: string;
}

/** The value of a kind whose bytes begin at `from`. */
export function valueOfKind(kind: Kind, name: string, bytes: Uint8Array, from: number): Value {
  const { bytes: width, decimals } = WIDTHS[kind];
  const span = { from, to: from + width };
  if (isMissing(bytes, span)) return { name, value: null };
  const last = bytes[span.to - 1]!;
  if (kind === 'total') return { name, value: signed(name, bytes, span, decimals, (last & 0x80) !== 0, 0x7f) };
  if (kind !== 'flow') return { name, value: nibbleSigned(name, bytes, span, decimals) };
  // Sign in the bits 7 and 6 of the last byte (00, 11), unit in 5 and 4: 00 = m³/s, 11 = m³/h.
  const [sign, unit] = [last >> 6, (last >> 4) & 3];
  if (sign === 1 || sign === 2 || unit === 1 || unit === 2) return { name, value: noNumber(name, bytes, span) };
  return { name, value: signed(name, bytes, span, decimals, sign === 3, 0x0f), unit: unit === 3 ? 'm3/h' : 'm3/s' };
}

interface Span {
  from: number;
  to: number;
}

function isMissing(bytes: Uint8Array, { from, to }: Span): boolean {
  return isAll(bytes, 0xaa, from, to) || isAll(bytes, 0xff, from, to);
}

/** F in the uppermost half-byte = negative. */
function nibbleSigned(name: string, bytes: Uint8Array, span: Span, decimals: number): number | Fault {
  const isNegative = bytes[span.to - 1]! >> 4 === 0x0f;
  return signed(name, bytes, span, decimals, isNegative, isNegative ? 0x0f : 0xff);
}

function signed(
  name: string,
  bytes: Uint8Array,
  span: Span,
  decimals: number,
  isNegative: boolean,
  mask: number,
): number | Fault {
  const number = decimalIn(bytes, decimals, { ...span, mask, step: -1 });
  if (number === null) return noNumber(name, bytes, span);
  return isNegative ? -number : number;
}

function noNumber(name: string, bytes: Uint8Array, { from, to }: Span): Fault {
  const shown = hexIn(bytes, from, to);
  return { code: 'value.not-a-number', message: `${name} is ${shown}, which is no number as the protocol writes one.` };
}

/**
 * Qualities: five bytes of which ones follow, then these, from `from` on.
 * @returns null where the bytes don't fit the list.
 */
export function qualitiesIn(bytes: Uint8Array, from = 0): { values: Value[]; end: number } | null {
  if (bytes.length < from + BITMAP_BYTES) return null;
  const values: Value[] = [];
  let at = from + BITMAP_BYTES;
  for (let bit = 0; bit < BITMAP_BYTES * 8; bit++) {
    if ((bytes[from + (bit >> 3)]! & (1 << (bit & 7))) === 0) continue;
    const quality = QUALITIES[bit];
    const span = { from: at, to: at + (bit === COLIFORMS ? 5 : 4) };
    if (!quality || span.to > bytes.length) return null;
    at = span.to;
    const { name, decimals } = quality;
    values.push({ name, value: isMissing(bytes, span) ? null : nibbleSigned(name, bytes, span, decimals) });
  }
  return { values, end: at };
}

/**
 * What a name means for a device: what its entry says, else what the standard says; of several of one kind (`flow2`) only
 * the entry can say which is which.
 */
export function meaningOf(name: string, { elements }: Device): Meaning | 'other' | undefined {
  const standard = standardOf(name);
  const said = elements && Object.hasOwn(elements, name) ? elements[name] : undefined;
  if (said === null) return null;
  if (said === undefined) return /^[a-z]+\d+$/.test(name) && standard !== 'other' ? undefined : standard;
  return said.unit === undefined && standard && standard !== 'other' ? { ...said, unit: standard.unit } : said;
}

function standardOf(name: string): NonNullable<Meaning> | 'other' {
  const bit = /^D(\d+)$/.exec(name)?.[1];
  if (bit !== undefined) {
    const { parameter, unit } = QUALITIES[Number(bit)]!;
    return parameter === '-' ? 'other' : { parameter, unit };
  }
  return MEASURED[name.replace(/\d+$/, '') as Kind] ?? 'other';
}
