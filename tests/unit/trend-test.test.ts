/** Tests for trends against pyMannKendall, against hand counts, and against what must hold of any series. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile, twoSidedP } from '#assess/normal.ts';
import { midRanks } from '#assess/ranks.ts';
import { TREND_METHODS, type TrendMethod, type TrendTest, trendTest } from '#assess/trend-test.ts';

const known = JSON.parse(
  readFileSync(join(import.meta.dirname, '../cases/trend-tests/pymannkendall.json'), 'utf8'),
) as {
  cases: {
    name: string;
    values: (number | null)[];
    results: Record<Exclude<TrendMethod, 'spearman'>, [string, ...number[]]>;
  }[];
};

function test(values: readonly (number | string | null)[], method: TrendMethod, period = 12, alpha = 0.05): TrendTest {
  return trendTest(
    values.map((value) =>
      value === null
        ? null
        : typeof value === 'string'
          ? { value: Number(value.slice(1)), censored: true }
          : { value, censored: false },
    ),
    { method, period, alpha },
  );
}

describe('the normal distribution', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.1, and textbooks' 1.96 and 2.5758.
  it.each([
    [0, 0.5],
    [1, 0.8413447460685429],
    [1.959963984540054, 0.975],
    [2.5758293035489004, 0.995],
    [-3, 0.0013498980316300946],
    [-6, 9.865876450376981e-10],
  ])('P(Z <= %s) = %s', (z, p) => {
    expect(normalCdf(z)).toBeCloseTo(p, 14);
    if (z > -5) expect(normalQuantile(p)).toBeCloseTo(z, 9);
  });

  it('inverts itself, and has both tails', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true }), (p) => {
        expect(Math.abs(normalCdf(normalQuantile(p)) - p)).toBeLessThan(1e-12);
      }),
    );
    expect(twoSidedP(1.959963984540054)).toBeCloseTo(0.05, 14);
    expect(() => normalQuantile(0)).toThrow(RangeError);
  });
});

describe('agrees with pyMannKendall', () => {
  it.each(
    known.cases.flatMap(({ name, values, results }) =>
      Object.entries(results).map(([method, expected]) => ({ name, method, values, expected })),
    ),
  )('$method: $name', ({ method, values, expected }) => {
    const { trend, p, z, tau, s, varS, slope, intercept } = test(values, method as TrendMethod);
    const [expectedTrend, ...numbers] = expected as [string, ...number[]];
    expect(trend).toBe(expectedTrend);
    for (const [index, got] of [p, z, tau, s, varS, slope, intercept].entries()) {
      expect(Math.abs(got! - numbers[index]!)).toBeLessThan(1e-9 * Math.max(1, Math.abs(got!)));
    }
  });
});

describe('Mann–Kendall by hand', () => {
  it('counts pairs: five rising values have S = 10, Var(S) = 5·4·15/18', () => {
    const found = test([1, 2, 3, 4, 5], 'mann-kendall');
    expect(found).toMatchObject({ n: 5, s: 10, varS: 300 / 18, tau: 1, slope: 1, intercept: 1, trend: 'increasing' });
    expect(found.z).toBeCloseTo(9 / Math.sqrt(300 / 18), 12);
    expect(found.p).toBeCloseTo(0.0274863361115103, 12);
  });

  it('takes nulls for places: the slope is per step of the list', () => {
    expect(test([1, null, 3, null, 5, null, 7], 'mann-kendall')).toMatchObject({ n: 4, slope: 1, s: 6 });
  });

  it('knows that values below a detection limit tie, and are below what was measured above it', () => {
    // <2 <2 1 3 4: the pairs of the censored with each other and with 1 are undecided; all others rise.
    expect(test(['<2', '<2', 1, 3, 4], 'mann-kendall').s).toBe(2 * 2 + 2 + 1);
    expect(test([3, '<2', '<1', 2.5], 'mann-kendall').s).toBe(-2 - 1 + 2);
  });

  it('answers all equal values with zeros and p 1, not with a refusal', () => {
    for (const method of ['mann-kendall', 'hamed-rao', 'yue-wang', 'seasonal-kendall'] as const) {
      const found = test(Array<number>(24).fill(5), method);
      expect(found).toMatchObject({ s: 0, varS: 0, z: 0, slope: 0, p: 1, trend: 'no trend' });
      expect(found.refused).toBeUndefined();
    }
  });

  it.each([
    [[], 'mann-kendall'],
    [[1], 'hamed-rao'],
    [[1, null, 2, 3], 'yue-wang'],
    [[1, 2, 3, 4, 5, 6], 'seasonal-kendall'],
    [[1, 2, 3, 4], 'spearman'],
  ] as const)('refuses %j by %s, with the reason', (values, method) => {
    const found = test(values, method);
    expect(found.refused).toMatch(/too few|nothing to compare/);
    expect(found).toMatchObject({ trend: 'no trend', p: null, z: null, s: null, slope: null, confidence: null });
  });
});

describe('Spearman against the table of critical values', () => {
  // The vectors of the evaluation rules' section 9.
  it.each([
    [[0.9, 0.8, 0.75, 0.7, 0.6], -1, 0.05, 'decreasing'],
    [[0.5, 0.6, 0.55, 0.7, 0.8, 0.75], 0.885714, 0.05, 'increasing'],
    [[0.5, 0.6, 0.55, 0.7, 0.8, 0.75], 0.885714, 0.01, 'no trend'],
    [[1.9, 2.1, 1.8, 2.0, 2.2, 1.7, 2.3], 0.285714, 0.05, 'no trend'],
    [[2, 2, 2, 2, 2], 0, 0.05, 'no trend'],
  ] as const)('%j: r = %s, at %s %s', (values, rho, alpha, trend) => {
    const found = test(values, 'spearman', 12, alpha);
    expect(found.rho).toBeCloseTo(rho, 6);
    expect(found.trend).toBe(trend);
  });

  it('takes the stricter row between two, the approximation beyond 30, and refuses other levels', () => {
    const rising = (n: number) => Array.from({ length: n }, (_, index) => index);
    expect(test(rising(11), 'spearman').critical).toBe(0.564);
    expect(test(rising(31), 'spearman').critical).toBeCloseTo(0.3003, 4);
    expect(test(rising(10), 'spearman', 12, 0.1).refused).toMatch(/0.05 and 0.01/);
  });
});

describe('holds of any series', () => {
  const series = fc.array(fc.option(fc.integer({ min: -50, max: 50 })), { minLength: 8, maxLength: 60 });
  const method = fc.constantFrom(...TREND_METHODS);

  it('turned around, it has the opposite sign and the same certainty', () => {
    fc.assert(
      fc.property(series, method, (values, by) => {
        const there = test(values, by, 4);
        const back = test(
          values.map((value) => (value === null ? null : -value)),
          by,
          4,
        );
        expect(back.s).toBe(there.s === null ? null : 0 - there.s);
        if (there.p !== null && back.p !== null) expect(back.p).toBeCloseTo(there.p, 9);
        if (there.slope !== null) expect(back.slope!).toBeCloseTo(-there.slope, 9);
      }),
    );
  });

  it('its slope lies between its confidence limits, and p between 0 and 1', () => {
    fc.assert(
      fc.property(series, method, (values, by) => {
        const { slope, confidence, p } = test(values, by, 4);
        if (p !== null) expect(p >= 0 && p <= 1).toBe(true);
        if (confidence === null) return;
        expect(confidence[0]).toBeLessThanOrEqual(slope! + 1e-12);
        expect(confidence[1]).toBeGreaterThanOrEqual(slope! - 1e-12);
      }),
    );
  });

  it('ranks are a permutation up to ties', () => {
    expect(midRanks([3, 1, 3, 2])).toEqual([3.5, 1, 3.5, 2]);
  });
});
