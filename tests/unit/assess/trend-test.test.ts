/**
 * Tests for trends against pyMannKendall and rkt (their answers in tests/cases/trend-tests), against autocovariances computed
 * independently, against hand counts, and against what must hold of any series.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile, twoSidedP } from '#assess/normal.ts';
import { TREND_METHODS, type TrendMethod } from '#assess/trend-test.ts';
import { casesOf, close, type Listed, noise, test } from '#tests/helpers/assess/trend-cases.ts';

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
  const cases = casesOf<{ name: string; values: Listed[]; results: Record<string, [string, ...number[]]> }>(
    'pymannkendall.json',
  );

  it.each(
    cases.flatMap(({ name, values, results }) =>
      Object.entries(results).map(([method, expected]) => ({ name, method, values, expected })),
    ),
  )('$method: $name', ({ method, values, expected }) => {
    const [name, serial] = method.split(' ') as [TrendMethod, string?];
    const { trend, p, z, tau, s, varS, slope, intercept } = test(values, name, { serial: serial === 'serial' });
    const [expectedTrend, ...numbers] = expected;
    // Its z of the serial test has no correction for continuity, which all its others have.
    const isContinuous = serial === undefined;
    if (isContinuous) expect(trend).toBe(expectedTrend);
    for (const [index, got] of [p, z, tau, s, varS, slope, intercept].entries()) {
      if (index > 1 || isContinuous) close(got, numbers[index]!);
    }
    if (!isContinuous) close(z! * (s! / (s! - Math.sign(s!))), numbers[1]!);
  });
});

describe('by place', () => {
  const cases = casesOf<{
    name: string;
    values: Listed[];
    expected: { n: number; s: number; slope: number; independent: number; hamedRao: number; yueWang: number };
  }>('by-place.json');

  it.each(cases)('agrees with autocovariances computed independently: $name', ({ values, expected }) => {
    const [plain, hamedRao, yueWang] = (['mann-kendall', 'hamed-rao', 'yue-wang'] as const).map((by) =>
      test(values, by),
    );
    expect(plain).toMatchObject({ n: expected.n, s: expected.s });
    close(plain!.slope, expected.slope);
    close(plain!.varS, expected.independent);
    close(hamedRao!.varS, expected.hamedRao);
    close(yueWang!.varS, expected.yueWang);
  });

  it('missing values at the ends change nothing, and those between only how far apart their neighbours are', () => {
    const values = [5, 3, 6, 4, 7, 5, 9, 6, 8, 9, 7, 12];
    for (const method of ['hamed-rao', 'yue-wang'] as const) {
      const there = test(values, method);
      const { varS, slope } = test([null, null, ...values, null], method);
      expect({ varS, slope }).toEqual({ varS: there.varS, slope: there.slope });
      const apart = test(
        values.flatMap((value) => [value, null]),
        method,
      );
      close(apart.slope! * 2, there.slope!);
    }
    // Twice as far apart no two are neighbours: there is no lag 1 to learn from.
    const apart = test(
      values.flatMap((value) => [value, null]),
      'yue-wang',
    );
    expect(apart.varS).toBe(test(values, 'mann-kendall').varS);
  });

  it('finds no fall in eight values by the memory of lag 1', () => {
    const found = test([5, 8, 8, 2, 6, 2, 3, 4], 'yue-wang');
    expect(found).toMatchObject({ trend: 'no trend', s: -8 });
    expect(found.p).toBeGreaterThan(0.1);
  });

  it('keeps its level in noise: 120 values without a trend, at 0.05', () => {
    const random = noise(20_261_130);
    let found = 0;
    for (let series = 0; series < 400; series++) {
      const values = Array.from({ length: 120 }, random);
      if (test(values, 'yue-wang').trend !== 'no trend') found++;
    }
    // 5.5 % is 22; all lags found about 200.
    expect(found).toBeGreaterThan(8);
    expect(found).toBeLessThan(36);
  });
});

describe('seasons that depend on each other', () => {
  const cases = casesOf<{
    period: number;
    values: Listed[];
    s: number;
    varS: number;
    serialVarS: number;
    p: number;
    serialP: number;
    slope: number;
  }>('rkt.json');

  it.each(cases)('agree with rkt, ties and missing values included: S = $s', ({ values, period, ...expected }) => {
    const plain = test(values, 'seasonal-kendall', { period });
    const serial = test(values, 'seasonal-kendall', { period, serial: true });
    expect(plain.s).toBe(expected.s);
    close(plain.varS, expected.varS);
    close(serial.varS, expected.serialVarS);
    close(plain.p, expected.p);
    close(serial.p, expected.serialP);
    close(plain.slope, expected.slope);
    expect({ ...serial, p: 0, z: 0, varS: 0, trend: '', confidence: null }).toEqual({
      ...plain,
      p: 0,
      z: 0,
      varS: 0,
      trend: '',
      confidence: null,
    });
  });

  it('of one season are the plain test', () => {
    const values = [3, 1, null, 4, 1, 5, 9, 2, '<3', 6];
    const one = test(values, 'seasonal-kendall', { period: 1, serial: true });
    close(one.varS, test(values, 'mann-kendall').varS!);
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

describe('holds of any series', () => {
  const series = fc.array(fc.option(fc.integer({ min: -50, max: 50 })), { minLength: 8, maxLength: 60 });
  const method = fc.constantFrom(...TREND_METHODS);

  it('turned around, it has the opposite sign and the same certainty', () => {
    fc.assert(
      fc.property(series, method, (values, by) => {
        const there = test(values, by, { period: 4 });
        const back = test(
          values.map((value) => (value === null ? null : -value)),
          by,
          { period: 4 },
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
        const { slope, confidence, p } = test(values, by, { period: 4 });
        if (p !== null) expect(p >= 0 && p <= 1).toBe(true);
        if (confidence === null) return;
        expect(confidence[0]).toBeLessThanOrEqual(slope! + 1e-12);
        expect(confidence[1]).toBeGreaterThanOrEqual(slope! - 1e-12);
      }),
    );
  });

  it('makes no difference whether a seasonal list is asked with its seasons serial or not, but for the variance', () => {
    fc.assert(
      fc.property(series, (values) => {
        const { varS } = test(values, 'seasonal-kendall', { period: 4, serial: true });
        if (varS !== null) expect(varS).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
