/** Classes, limits and how far a value is from them, as a reader sees them. The verdicts themselves are the service's. */
import type { Latest } from '../api-types.ts';
import type { Standard } from './watch.ts';

export const CLASSES = ['I', 'II', 'III', 'IV', 'V', 'worse'] as const;
export type WaterClass = (typeof CLASSES)[number];
export type Target = Exclude<WaterClass, 'worse'>;
const TARGETS: readonly Target[] = ['I', 'II', 'III', 'IV', 'V'];

/** As GB 3838-2002 prints them. */
export const NUMERALS: Record<WaterClass, string> = { I: 'Ⅰ', II: 'Ⅱ', III: 'Ⅲ', IV: 'Ⅳ', V: 'Ⅴ', worse: '劣Ⅴ' };

export type Limit = { op: '<=' | '>='; at: number } | { op: 'range'; from: number; to: number };

/** The limits of a parameter's classes, best first; empty when the standard has none. */
export function limitsOf(
  standard: Standard | null,
  parameter: string,
  waterBody: 'river' | 'lake',
): { target: Target; limit: Limit }[] {
  const item = standard?.items.find((one) => one.parameter === parameter);
  if (!item || item.op === 'delta') return [];
  const found: { target: Target; limit: Limit }[] = [];
  for (const target of TARGETS) {
    const limit = toLimit(item.op, item[waterBody][target] ?? null);
    if (limit) found.push({ target, limit });
  }
  return found;
}

function toLimit(op: '<=' | '>=' | 'range', printed: string | null): Limit | null {
  if (printed === null) return null;
  const [first = Number.NaN, last = Number.NaN] = printed.split(/[~～]/).map(Number);
  if (op === 'range') return Number.isFinite(first) && Number.isFinite(last) ? { op, from: first, to: last } : null;
  return Number.isFinite(first) ? { op, at: first } : null;
}

export function meets(value: number, limit: Limit): boolean {
  if (limit.op === 'range') return value >= limit.from && value <= limit.to;
  return limit.op === '<=' ? value <= limit.at : value >= limit.at;
}

/** How much room is left to the limit, as a share of it; below zero it is broken. */
export function headroom(value: number, limit: Limit): number {
  if (limit.op !== 'range') return (limit.op === '<=' ? limit.at - value : value - limit.at) / limit.at;
  const half = (limit.to - limit.from) / 2;
  return Math.min(value - limit.from, limit.to - value) / half;
}

export const limitText = (limit: Limit): string =>
  limit.op === 'range' ? `${limit.from}–${limit.to}` : `${limit.op === '<=' ? '≤' : '≥'} ${limit.at}`;

/** Whether a class falls short of the target; null when either isn't known. */
export function breaks(reached: WaterClass | null, target: Target | null | undefined): boolean | null {
  if (reached === null || !target) return null;
  return CLASSES.indexOf(reached) > CLASSES.indexOf(target);
}

/** When a station was last heard, ms; null when never. */
export function lastHeardMs(latest: Latest | undefined): number | null {
  const times = (latest?.items ?? []).map(({ time }) => Date.parse(time));
  return times.length === 0 ? null : Math.max(...times);
}
