/** Standards of criteria: GB 18918-2002 table 1 with its conditions, and one rule of every shape that others have. */
import { describe, expect, it } from 'vitest';
import { assessCriteria, type CriterionSample, type Occasion, type Verdict } from '#assess/criteria.ts';
import type { Parameter, Standard } from '#model/reference.ts';
import { loadReference } from '#seeds/reference.ts';
import { loadCriteria } from '#seeds/reference-criteria.ts';

const { parameters, standards } = loadReference();
const gb18918 = standards.get('gb18918-2002')!;

type Sent = number | CriterionSample | (number | CriterionSample)[];
const samplesOf = (values: Record<string, Sent>): Occasion['samples'] =>
  new Map(
    Object.entries(values).map(([id, sent]) => [
      id,
      [sent].flat().map((one) => (typeof one === 'number' ? { value: one } : one)),
    ]),
  );

function discharge(level: string, values: Record<string, Sent>, more: Partial<Occasion> = {}) {
  return assessCriteria(gb18918, parameters, { level, samples: samplesOf(values), ...more });
}

describe('GB 18918-2002 table 1', () => {
  // [parameter, 1A, 1B, 2, 3] as printed; without brackets, built from 2006 on.
  const TABLE: [string, ...(number | null)[]][] = [
    ['cod', 50, 60, 100, 120],
    ['bod5', 10, 20, 30, 60],
    ['ss', 10, 20, 30, 50],
    ['avoil', 1, 3, 5, 20],
    ['oil', 1, 3, 5, 15],
    ['las', 0.5, 1, 2, 5],
    ['tn', 15, 20, null, null],
    ['nh3n', 5, 8, 25, null],
    ['tp', 0.5, 1, 3, 5],
    ['chroma', 30, 30, 40, 50],
    ['fcoli', 1000, 10000, 10000, null],
  ];
  const cases = TABLE.flatMap(([parameter, ...limits]) =>
    limits.map((limit, index) => ({ parameter, level: gb18918.levels[index]!, limit })),
  );

  it.each(cases)('$parameter at level $level: $limit', ({ parameter, level, limit }) => {
    const judged = (value: number) => discharge(level, { [parameter]: value, temp: 20 }, { builtOn: '2006-01-01' });
    if (limit === null) {
      expect(judged(1e6).notJudged).toContainEqual(expect.objectContaining({ parameter, reason: 'no-limit' }));
      return;
    }
    const isMet = (value: number) => judged(value).verdicts.map((one) => one.isMet);
    expect([limit * (1 - 1e-9), limit, limit * (1 + 1e-9)].map(isMet)).toEqual([[true], [true], [false]]);
  });

  it('has the twelve basic items, phosphorus by date of construction', () => {
    expect(new Set(gb18918.criteria.map(({ parameter }) => parameter)).size).toBe(12);
    expect(gb18918.criteria).toHaveLength(13);
  });

  it.each([
    ['1A', 5, 8],
    ['1B', 8, 15],
    ['2', 25, 30],
  ])('ammonia at level %s is %d, at 12 °C and less %d', (level, usual, cold) => {
    const limitAt = (temp: number) => discharge(level, { nh3n: 0, temp }).verdicts[0]!.limit;
    expect([11.9, 12, 12.1, 25].map(limitAt)).toEqual([`<= ${cold}`, `<= ${cold}`, `<= ${usual}`, `<= ${usual}`]);
  });

  it('leaves ammonia open while the temperature isn’t known, save where it changes nothing', () => {
    const reason = (level: string) =>
      discharge(level, { nh3n: 3 }).notJudged.find(({ parameter }) => parameter === 'nh3n');
    expect(reason('1A')!.reason).toBe('condition-unknown');
    expect(reason('3')!.reason).toBe('no-limit');
  });

  it.each([
    ['2005-12-31', '<= 1'],
    ['2006-01-01', '<= 0.5'],
  ])('phosphorus of works built on %s at level 1A: %s', (builtOn, limit) => {
    expect(discharge('1A', { tp: 0.7 }, { builtOn }).verdicts.map((one) => one.limit)).toEqual([limit]);
  });

  it('leaves phosphorus open while the date isn’t known', () => {
    const { verdicts, notJudged } = discharge('1A', { tp: 0.7 });
    expect(verdicts).toEqual([]);
    expect(notJudged.filter(({ parameter }) => parameter === 'tp').map(({ reason }) => reason)).toEqual([
      'built-unknown',
      'built-unknown',
    ]);
  });

  it.each([
    ['cod', 350, 141, 'value'],
    ['cod', 351, 140.4, false],
    ['cod', 400, 160, false],
    ['cod', 400, 159.9, true],
    ['bod5', 160, 61, 'value'],
    ['bod5', 200, 100, false],
    ['bod5', 200, 99.9, true],
  ] as const)('%s of level 3 with an inflow of %d and an outflow of %d', (parameter, inflow, outflow, expected) => {
    const [verdict] = discharge('3', { [parameter]: outflow }, { inflow: new Map([[parameter, inflow]]) }).verdicts;
    if (expected === 'value') expect(verdict!.limit).toMatch(/^<= /);
    else expect(verdict).toMatchObject({ isMet: expected, limit: expect.stringMatching(/^removal > 0\./) });
    // Other levels know no such rule.
    const [plain] = discharge('1A', { [parameter]: outflow }, { inflow: new Map([[parameter, inflow]]) }).verdicts;
    expect(plain!.limit).toMatch(/^<= /);
  });

  it('takes the mean of a day’s samples, but each reading of pH, and states multiples', () => {
    const { verdicts } = discharge('1A', { cod: [40, 80], ph: [7, 9.5, 5.9] });
    expect(verdicts).toEqual([
      expect.objectContaining({ parameter: 'cod', value: 60, isMet: false, multiple: 0.2 }),
      expect.objectContaining({
        parameter: 'ph',
        value: null,
        isMet: false,
        multiple: null,
        samples: { count: 3, failed: 2, allowed: 0 },
      }),
    ]);
  });

  it.each([
    ['not-finite', Number.NaN],
    ['negative', -9999],
    ['negative', -0.001],
  ])('says why not: %s', (reason, value) => {
    expect(discharge('1A', { cod: value }).notJudged[0]).toMatchObject({ parameter: 'cod', reason });
  });

  it('judges zero, half a detection limit, and none above the limit', () => {
    expect(discharge('1A', { cod: 0 }).verdicts[0]).toMatchObject({ value: 0, isMet: true });
    expect(discharge('1A', { cod: { value: 30, below: true } }).verdicts[0]).toMatchObject({ value: 15, isMet: true });
    expect(discharge('1A', { cod: { value: 51, below: true } }).notJudged[0]).toMatchObject({
      reason: 'detection-limit',
    });
    expect(
      discharge('1A', {}).notJudged.every(({ reason }) => reason === 'not-measured' || reason === 'built-unknown'),
    ).toBe(true);
  });
});

describe('every shape of rule', () => {
  const hardness: Parameter = { ...parameters.get('tds')!, id: 'hardness' };
  const known = new Map([...parameters, ['hardness', hardness]]);
  const shapes: Standard = {
    ...gb18918,
    ...loadCriteria('tests/cases/standards/shapes.yaml', 'shapes.yaml', known),
  };
  function verdict(clause: string, values: Record<string, Sent>, more: Partial<Occasion> = {}): Verdict {
    const occasion = { level: 'strict', samples: samplesOf(values), ...more };
    const { verdicts, notJudged } = assessCriteria(shapes, known, occasion);
    const found = verdicts.find((one) => one.clause === clause);
    if (!found) throw new Error(JSON.stringify(notJudged.find((one) => one.clause === clause)));
    return found;
  }
  const isMet = (clause: string, ...values: Parameters<typeof verdict>[1][]) =>
    values.map((one) => verdict(clause, one).isMet);
  const repeat = (count: number, value: number): number[] => new Array(count).fill(value);

  it('closed range', () => {
    expect(isMet('closed range', { ph: 6.5 }, { ph: 8.5 }, { ph: 6.49 }, { ph: 8.51 })).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
  it('lower limit, and none at another level', () => {
    expect(isMet('lower limit', { do: 6 }, { do: 5.99 })).toEqual([true, false]);
    expect(() => verdict('lower limit', { do: 1 }, { level: 'lax' })).toThrow('no-limit');
  });
  it('an exponent in the limit', () => {
    expect(isMet('exponent', { 'benzo-a-pyrene': 0.0000028 }, { 'benzo-a-pyrene': 0.00000281 })).toEqual([true, false]);
  });
  it('not detectable', () => {
    const below = { value: 1e-5, below: true };
    expect(isMet('not detectable', { methylmercury: below }, { methylmercury: 0 }, { methylmercury: 1e-9 })).toEqual([
      true,
      true,
      false,
    ]);
  });
  it('a change', () => {
    expect(isMet('delta', { temp: 1 }, { temp: 1.1 }, { temp: -2 }, { temp: -2.1 })).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
  it('a step on another variable', () => {
    expect(
      isMet('step on another variable', { nh3n: 8, temp: 12 }, { nh3n: 8, temp: 12.1 }, { nh3n: 5, temp: 12.1 }),
    ).toEqual([true, false, true]);
  });
  it('a formula of another variable', () => {
    // EPA's chronic cadmium at a hardness of 100: e^(0.7977 ln 100 − 3.909) = 0.79 µg/L before the conversion factor.
    const { limit } = verdict('formula of hardness', { cd: 0.0007, hardness: 100 });
    expect(Number(limit.slice(3))).toBeCloseTo(0.00079, 5);
    expect(isMet('formula of hardness', { cd: 0.00078, hardness: 100 }, { cd: 0.0008, hardness: 100 })).toEqual([
      true,
      false,
    ]);
    expect(() => verdict('formula of hardness', { cd: 0.0007 })).toThrow('condition-unknown');
  });
  it('a place: date and scale', () => {
    expect(verdict('built before', { tp: 1 }, { builtOn: '2005-12-31' }).isMet).toBe(true);
    expect(() => verdict('built before', { tp: 1 }, { builtOn: '2006-01-01' })).toThrow();
    expect(verdict('small supplies', { turbidity: 3.1 }, { scale: 'small' }).isMet).toBe(false);
    expect(() => verdict('small supplies', { turbidity: 3.1 })).toThrow();
  });
  it('a rate of removal', () => {
    const removal = (cod: number) =>
      verdict('removal instead', { cod }, { level: 'lax', inflow: new Map([['cod', 500]]) });
    expect([removal(199), removal(200)].map((one) => one.isMet)).toEqual([true, false]);
  });
  it('a look-up of allowed failures, none of them twice the limit', () => {
    const clause = 'look-up of allowed failures';
    expect(isMet(clause, { bod5: [...repeat(5, 20), 30] }, { bod5: [...repeat(5, 20), 30, 30] })).toEqual([
      true,
      false,
    ]);
    expect(isMet(clause, { bod5: [...repeat(5, 20), 50] }, { bod5: [...repeat(5, 20), 50.1] })).toEqual([true, false]);
    expect(isMet(clause, { bod5: [...repeat(14, 20), 30, 30] }, { bod5: [20, 20, 30] })).toEqual([true, false]);
  });
  it('a lognormal percentile, without a share of marked samples', () => {
    const clause = '95th percentile, lognormal';
    // log10: mean 3, sample deviation √(2/3); P95 = 10^(3 + 1.65 × 0.8165) = 22,241.
    const spread = [100, 1000, 1000, 10000];
    expect(verdict(clause, { fcoli: spread }).value).toBeCloseTo(10 ** (3 + 1.65 * Math.sqrt(2 / 3)), 6);
    expect(isMet(clause, { fcoli: repeat(8, 5000) }, { fcoli: repeat(8, 5001) })).toEqual([true, false]);
    const wild = { value: 1e6, isExcludable: true };
    expect(isMet(clause, { fcoli: [...repeat(7, 4000), wild] }, { fcoli: [...repeat(5, 4000), wild] })).toEqual([
      true,
      false,
    ]);
    expect(() => verdict(clause, { fcoli: [1, 2, 3] })).toThrow('too-few-samples');
  });
  it('a geometric mean beside a threshold that a tenth may exceed', () => {
    expect(isMet('geometric mean', { fcoli: [126, 12600] }, { fcoli: [127, 12600] })).toEqual([true, false]);
    expect(
      isMet('statistical threshold', { fcoli: [...repeat(9, 1), 9999] }, { fcoli: [...repeat(8, 1), 9999] }),
    ).toEqual([true, false]);
  });
  it('a percentile by rank', () => {
    expect(
      isMet('90th percentile by rank', { pb: [...repeat(9, 0.015), 1] }, { pb: [...repeat(8, 0.015), 1, 1] }),
    ).toEqual([true, false]);
  });
  it('a share of the samples, and never more', () => {
    expect(isMet('95 % of a month', { ss: [...repeat(19, 0.3), 0.9] }, { ss: [...repeat(18, 0.3), 0.9, 0.9] })).toEqual(
      [true, false],
    );
    expect(isMet('never', { ss: [0.2, 1] }, { ss: [0.2, 1.01] })).toEqual([true, false]);
    expect(isMet('least', { do: [8, 3] }, { do: [8, 2.9] })).toEqual([true, false]);
  });
  it('a sum of ratios; what isn’t found adds nothing', () => {
    const clause = 'sum of ratios';
    expect(isMet(clause, { chloroform: 0.03, bromoform: 0.05 }, { chloroform: 0.03, bromoform: 0.051 })).toEqual([
      true,
      false,
    ]);
    expect(verdict(clause, { chloroform: 0.06, bromoform: { value: 0.05, below: true } })).toMatchObject({
      value: null,
      isMet: true,
    });
    expect(() => verdict(clause, { chloroform: 0.03 })).toThrow('not-measured');
  });
  it('rounding before comparing', () => {
    expect(isMet('rounded, half to even', { codmn: 4.05 }, { codmn: 4.051 })).toEqual([true, false]);
  });
});
