/** Spearman's test against scipy, and the evaluation rule's one-sided table beside it. */
import { describe, expect, it } from 'vitest';
import { twoSidedStudentP } from '#assess/student.ts';
import { casesOf, close, type Listed, test } from '#tests/helpers/assess/trend-cases.ts';

describe('Spearman', () => {
  const cases = casesOf<{ name: string; values: Listed[]; rho: number; p: number }>('spearman.json');

  it.each(cases)('corrects for ties and is two-sided, as by scipy: $name', ({ values, rho, p }) => {
    const found = test(values, 'spearman');
    close(found.rho!, rho);
    close(found.p, p);
    expect(found.trend).toBe(p >= 0.05 ? 'no trend' : rho > 0 ? 'increasing' : 'decreasing');
  });

  // The vectors of the evaluation rules' section 9.
  it.each([
    [[0.9, 0.8, 0.75, 0.7, 0.6], -1, 0.05, 'decreasing'],
    [[0.5, 0.6, 0.55, 0.7, 0.8, 0.75], 0.885714, 0.05, 'increasing'],
    [[0.5, 0.6, 0.55, 0.7, 0.8, 0.75], 0.885714, 0.01, 'no trend'],
    [[1.9, 2.1, 1.8, 2.0, 2.2, 1.7, 2.3], 0.285714, 0.05, 'no trend'],
    [[2, 2, 2, 2, 2], 0, 0.05, 'no trend'],
  ] as const)('by the rule, %j: r = %s, at %s %s', (values, rs, alpha, trend) => {
    const { rho, evaluation } = test(values, 'spearman', { alpha });
    expect(rho).toBeCloseTo(rs, 6);
    expect(evaluation).toMatchObject({ rule: '环办[2011]22号', sides: 1, alpha, trend });
    expect(evaluation!.rs).toBeCloseTo(rs, 6);
  });

  it('keeps the one-sided table apart: a rise to the rule alone', () => {
    const found = test([1, 2, 0, 7, 5, 6, 9, 3, 4, 8], 'spearman');
    expect(found.rho).toBeCloseTo(0.6, 12);
    expect(found.evaluation).toMatchObject({ sides: 1, critical: 0.564, trend: 'increasing' });
    expect(found.trend).toBe('no trend');
    expect(found.p).toBeCloseTo(0.06668799999999998, 9);
  });

  it('takes the stricter row between two, the approximation beyond 30, and has no table for other levels', () => {
    const rising = (n: number) => Array.from({ length: n }, (_, index) => index);
    expect(test(rising(11), 'spearman').evaluation!.critical).toBe(0.564);
    expect(test(rising(31), 'spearman').evaluation!.critical).toBeCloseTo(0.3003, 4);
    const other = test(rising(10), 'spearman', { alpha: 0.1 });
    expect(other).toMatchObject({ trend: 'increasing', rho: 1 });
    expect(other.evaluation).toBeUndefined();
    // Two of 10! orders.
    expect(other.p).toBeCloseTo(2 / 3_628_800, 12);
  });

  it('knows what is below a limit', () => {
    const found = test(['<1', '<1', '<1', 2, 3, 4, 5], 'spearman');
    expect(found.rho).toBeCloseTo(0.9636241116594317, 12);
    expect(test([1, 1, 1, 2, 3, 4, 5], 'spearman').rho).toBe(found.rho);
    expect(test(['<9', '<9', '<9', 2, 3, 4, 5], 'spearman').rho).toBeLessThan(1);
  });

  // scipy 1.17.1: 2 * t.sf(t, degrees).
  it.each([
    [2.2281388519862753, 10, 0.05],
    [12.706204736432095, 1, 0.05],
    [0, 7, 1],
    [1.959963984540054, 1_000_000, 0.0500002772952217],
    [-10, 20, 3.1637817587143855e-9],
  ])('P(|T| >= %s) of %s degrees is %s', (t, degrees, p) => {
    close(twoSidedStudentP(t, degrees) / p, 1);
  });
});
