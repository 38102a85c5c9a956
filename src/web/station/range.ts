/** The stretch of time that a page shows, as its address says it: a length up to now, or two dates of the zone. */
import { DAY_MS, dateOf, HOUR_MS, instantOf, wallTimeOf } from '../core/zone.ts';

export const LENGTHS = ['P1D', 'P7D', 'P30D', 'P1Y'] as const;
export type Length = (typeof LENGTHS)[number];
const LENGTH_MS: Record<Length, number> = {
  P1D: DAY_MS,
  P7D: 7 * DAY_MS,
  P30D: 30 * DAY_MS,
  P1Y: 365 * DAY_MS,
};

export interface Range {
  fromMs: number;
  toMs: number;
  /** null for one with fixed ends. */
  length: Length | null;
}

const SHORTEST_MS = 10 * 60_000;

/** @param nowMs where ranges without fixed ends end; rounded up to a minute, so that answers can be compared. */
export function rangeOf(query: URLSearchParams, nowMs: number, standard: Length = 'P7D'): Range {
  const [from, to] = [query.get('from'), query.get('to')];
  const [fromMs, toMs] = [from, to].map((text) => (text === null ? Number.NaN : instantOf(text)));
  if (Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs! < toMs!) {
    return { fromMs: fromMs!, toMs: toMs!, length: null };
  }
  const length = LENGTHS.find((one) => one === query.get('range')) ?? standard;
  const endMs = Math.ceil(nowMs / 60_000) * 60_000;
  return { fromMs: endMs - LENGTH_MS[length], toMs: endMs, length };
}

/** What the address says for a range with fixed ends; whole days without a time. */
export function fixedQuery(fromMs: number, toMs: number): { from: string; to: string; range: undefined } {
  const wide = Math.max(toMs - fromMs, SHORTEST_MS);
  const text = (ms: number) => (wallTimeOf(ms).endsWith('T00:00') ? dateOf(ms) : wallTimeOf(ms));
  return { from: text(fromMs), to: text(fromMs + wide), range: undefined };
}

/** The range moved by part of its length, or made longer or shorter around its middle; never into the future. */
export function moved(
  { fromMs, toMs }: Range,
  by: number,
  scale: number,
  nowMs: number,
): { fromMs: number; toMs: number } {
  const width = Math.max(SHORTEST_MS, (toMs - fromMs) * scale);
  const middle = (fromMs + toMs) / 2 + by * (toMs - fromMs);
  const endMs = Math.min(middle + width / 2, Math.max(nowMs, toMs) + HOUR_MS);
  return { fromMs: endMs - width, toMs: endMs };
}
