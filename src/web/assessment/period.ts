/** Periods as the service calls them: `2026-11`, `2026-Q4`, `2026`. */
import { localTime } from '../core/zone.ts';

export const KINDS = ['month', 'quarter', 'year'] as const;
export type Kind = (typeof KINDS)[number];

const two = (value: number): string => String(value).padStart(2, '0');

export function kindOf(period: string): Kind | null {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(period)) return 'month';
  if (/^\d{4}-Q[1-4]$/.test(period)) return 'quarter';
  return /^\d{4}$/.test(period) ? 'year' : null;
}

export function periodAt(timeMs: number, kind: Kind): string {
  const { year, month } = localTime(timeMs);
  return nameOf(year, month - 1, kind);
}

/** @param month from 0, may be beyond the year's. */
function nameOf(year: number, month: number, kind: Kind): string {
  const date = new Date(Date.UTC(year, month, 1));
  const [own, index] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (kind === 'year') return String(own);
  return kind === 'month' ? `${own}-${two(index + 1)}` : `${own}-Q${Math.floor(index / 3) + 1}`;
}

/** The first month of a period, from 0. */
function monthOf(period: string): number {
  const [, month, quarter] = /^\d{4}(?:-(\d\d)|-Q(\d))?$/.exec(period) ?? [];
  return month !== undefined ? Number(month) - 1 : quarter !== undefined ? 3 * (Number(quarter) - 1) : 0;
}

const LENGTHS: Record<Kind, number> = { month: 1, quarter: 3, year: 12 };

/** The period `by` before or after this one. */
export function neighbour(period: string, by: number): string {
  const kind = kindOf(period) ?? 'month';
  return nameOf(Number(period.slice(0, 4)), monthOf(period) + by * LENGTHS[kind], kind);
}

/** The period of another length around the beginning of this one. */
export const asKind = (period: string, kind: Kind): string => nameOf(Number(period.slice(0, 4)), monthOf(period), kind);
