/** Values of which only a limit is known: their order, their variance over all orders, and their slope, also against NADA. */
import { describe, expect, it } from 'vitest';
import { compare, ranks, scores, type TrendValue } from '#assess/ranks.ts';
import { trendTest } from '#assess/trend-test.ts';
import { casesOf, close, type Listed, listed, test } from '#tests/helpers/assess/trend-cases.ts';

describe('values below a limit', () => {
  const cases = casesOf<{ values: Listed[]; slope: number; tau: number }>('nada.json');

  /** Every slope at which S stops rising or begins to fall, and S, by their definitions. */
  function brute(values: readonly TrendValue[]) {
    const s = (slope: number) => {
      const left = values.map(({ value, censored }, place) => ({ value: value - slope * place, censored }));
      let total = 0;
      for (const [index, a] of left.entries()) for (const b of left.slice(index + 1)) total += compare(a, b);
      return total;
    };
    const slopes = values.flatMap((a, i) => values.slice(i + 1).map((b, k) => (b.value - a.value) / (k + 1)));
    const edges = [...new Set(slopes.map((slope) => Number(slope.toFixed(9))))].sort((a, b) => a - b);
    const between = edges.slice(1).map((edge, index) => s((edge + edges[index]!) / 2));
    const first = between.indexOf(0);
    // Nowhere 0 between two slopes: then it falls through 0 at one.
    if (first === -1) return [edges[between.findIndex((one) => one < 0)]!];
    return [edges[first]!, edges[between.lastIndexOf(0) + 1]!];
  }

  it.each(cases)('have the slope of Akritas, Theil and Sen: where S is 0, as by NADA ($slope)', (known) => {
    const values = known.values.map((value) => listed(value)!);
    const found = test(known.values, 'mann-kendall');
    const ends = brute(values);
    close(found.slope, (ends[0]! + ends.at(-1)!) / 2, 1e-7);
    // NADA answers with some slope at which S is 0, where there is more than one.
    expect(known.slope).toBeGreaterThan(ends[0]! - 1e-6);
    expect(known.slope).toBeLessThan(ends.at(-1)! + 1e-6);
    close(found.tau, known.tau);
  });

  it('all of them say nothing, whatever their limits: no slope, no trend, and why', () => {
    const limits = [5, 5, 4, 4, 3, 3, 2, 2, 1, 1].map((limit) => `<${limit}`);
    for (const method of ['mann-kendall', 'hamed-rao', 'yue-wang', 'seasonal-kendall'] as const) {
      const found = test(limits, method, { period: 2 });
      expect(found).toMatchObject({ n: 10, s: 0, varS: 0, z: 0, p: 1, tau: 0, trend: 'no trend' });
      expect(found).toMatchObject({ slope: null, intercept: null, confidence: null });
      expect(found.noSlope).toMatch(/beyond their limits/);
      expect(found.refused).toBeUndefined();
    }
    expect(test(limits, 'spearman')).toMatchObject({ rho: 0, p: 1, trend: 'no trend' });
  });

  it('do not make a slope of a better laboratory: half of each limit would fall by 0.2 a step', () => {
    const found = test(['<5', '<5', '<4', '<4', 2, '<3', '<2', 2, '<1', 2, '<1', 2], 'mann-kendall');
    expect(found.slope).toBe(0);
  });

  it('with one limit below all that was measured, and few of them, leave the slope that there was', () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect(test(['<1', ...values.slice(1)], 'mann-kendall').slope).toBe(1);
    expect(test([...values.slice(0, 9), '>10'], 'mann-kendall')).toMatchObject({ slope: 1, s: 45 });
    expect(test(['>10', ...values], 'mann-kendall').s).toBe(45 - 10);
  });

  it('leave the intercept open where the median can be either side', () => {
    expect(test(['<1', 2, 3, 4, 5, 6], 'mann-kendall').intercept).toBe(1);
    expect(test(['<3', '<3', 2, 4, 5], 'mann-kendall').intercept).toBeNull();
  });

  it('have the variance of all orders of them', () => {
    const values = ['<3', '<3', '<1', 1, 2, 4, '>3'].map((value) => listed(value)!);
    let [orders, squares] = [0, 0];
    const permute = (left: TrendValue[], s: number) => {
      if (left.length === 0) {
        orders++;
        squares += s * s;
      }
      for (const [index, next] of left.entries()) {
        const rest = left.filter((_, other) => other !== index);
        permute(rest, s + rest.reduce((sum, later) => sum + compare(next, later), 0));
      }
    };
    permute(values, 0);
    expect(orders).toBe(5040);
    close(trendTest(values, { method: 'mann-kendall', period: 12, alpha: 0.05, serial: false }).varS, squares / orders);
  });

  it('rank by the mean of the places that they may have', () => {
    expect(ranks(['<3', '<3', 1, 4, 5].map((value) => listed(value)!))).toEqual([2, 2, 2, 4, 5]);
    expect(ranks([3, 1, 3, 2].map((value) => listed(value)!))).toEqual([3.5, 1, 3.5, 2]);
    expect(scores(['<2', 2, '>2', 1].map((value) => listed(value)!))).toEqual({ u: [-2, 1, 3, -2], decided: 5 });
  });
});
