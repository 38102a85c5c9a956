/**
 * A laboratory's result as it is written: a number, a limit of the method that it lies beyond, or "not found". Pure.
 *
 * Below the limit of detection: `<0.005`, `＜0.005`, `≤0.005`, and as Chinese reports have it the limit with an L, `0.025L`
 * (环办监测函〔2020〕82号 as secondary sources give it: "检出限 + L"). Not found without a number: `ND`, `未检出`; with it: `ND(0.005)`. Above what
 * the method can tell: `>24000`, `≥24000`. Powers of ten as reports of bacteria have them: `2.4×10^4`, `2.4×10⁴`.
 */
import { NUMBER } from './codec.ts';

/** `below` and `above`: the value is beyond this limit; `notFound`: below a limit that isn't said. */
type LaboratoryResult = { value: number } | { below: number } | { above: number } | { notFound: true };

const NOT_FOUND = /^(?:n\.?\s?d\.?|bdl|<\s?(?:mdl|dl|lod|rl)|not detected|未检出|未测出|低于检出限)$/i;
const NOT_FOUND_WITH_LIMIT = /^(?:n\.?d\.?|未检出|未测出)\s*\(\s*<?\s*([^()]+?)\s*\)$/i;
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const LENGTH_MAX = 64;

/** @returns null for what is none of these. */
export function laboratoryResult(text: string): LaboratoryResult | null {
  if (text.length > LENGTH_MAX) return null;
  const plain = withPowers(text).normalize('NFKC').trim();
  if (NOT_FOUND.test(plain)) return { notFound: true };
  const stated = NOT_FOUND_WITH_LIMIT.exec(plain);
  if (stated) return limited('below', stated[1]!.replace(/l$/i, ''));
  const beyond = /^([<>≤≥]=?)\s*(.+)$/.exec(plain);
  if (beyond) return limited(beyond[1]!.startsWith('<') || beyond[1] === '≤' ? 'below' : 'above', beyond[2]!);
  const marked = /^(.+?)\s*[Ll]$/.exec(plain);
  if (marked) return limited('below', marked[1]!);
  const value = numberOf(plain);
  return value === null ? null : { value };
}

/** A limit is a positive number: nothing is below zero, and `<0` is a slip of the pen. */
function limited(side: 'below' | 'above', text: string): LaboratoryResult | null {
  const limit = numberOf(text);
  if (limit === null || !(limit > 0)) return null;
  return side === 'below' ? { below: limit } : { above: limit };
}

function numberOf(text: string): number | null {
  const number = text.replace(/\s*[×x*]\s*10\^?([+-]?\d+)$/i, 'e$1');
  if (!NUMBER.test(number)) return null;
  const value = Number(number);
  return Number.isFinite(value) ? value : null;
}

/** `10⁴` as `10^4`, before normalisation makes 104 of it. */
function withPowers(text: string): string {
  return text.replace(/⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (power) => {
    const digits = [...power].map((digit) => (digit === '⁻' ? '-' : SUPERSCRIPTS.indexOf(digit)));
    return `^${digits.join('')}`;
  });
}
