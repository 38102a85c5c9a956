/** What the tests of trend tests share: cases from tests/cases/trend-tests, lists as they are written there, noise. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { TrendValue } from '#assess/ranks.ts';
import { type TrendMethod, type TrendTest, trendTest } from '#assess/trend-test.ts';

export const casesOf = <Case>(file: string): Case[] => {
  const path = join(import.meta.dirname, '../../cases/trend-tests', file);
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Case[] };
  if (cases.length === 0) throw new Error(`${file} has no cases`);
  return cases;
};

export type Listed = number | string | null;

/** `"<2"` and `">9"` are values beyond a limit. */
export const listed = (value: Listed): TrendValue | null => {
  if (value === null) return null;
  return typeof value === 'string'
    ? { value: Number(value.slice(1)), censored: value[0] as '<' | '>' }
    : { value, censored: null };
};

interface Settings {
  period?: number;
  alpha?: number;
  serial?: boolean;
}

export function test(values: readonly Listed[], method: TrendMethod, settings: Settings = {}): TrendTest {
  return trendTest(values.map(listed), { method, period: 12, alpha: 0.05, serial: false, ...settings });
}

export const close = (got: number | null, wanted: number, tolerance = 1e-9) =>
  expect(Math.abs(got! - wanted)).toBeLessThan(tolerance * Math.max(1, Math.abs(wanted)));

/** Seeded, so that a failure can be looked at. */
export function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
