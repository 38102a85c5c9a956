/** One sample against GB 3838-2002: rounding on decimals, the worst indicator, breaches, main pollutants, what is left out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rounding } from '#assess/judge.ts';
import { roundHalfEven } from '#assess/rounding.ts';
import { assessSample } from '#assess/sample.ts';
import type { TargetClass, WaterBody } from '#model/class.ts';
import { loadReference } from '#seeds/reference.ts';

const { parameters, standards } = loadReference();
const standard = standards.get('gb3838-2002')!;

interface Options {
  waterBody?: WaterBody;
  target?: TargetClass | null;
  rounding?: Rounding;
}

function assess(
  values: Record<string, number | null>,
  { waterBody = 'river', target = 'II', rounding = 'evaluation' }: Options = {},
) {
  return assessSample(standard, parameters, { waterBody, target, values: new Map(Object.entries(values)), rounding });
}

describe('rounding half to even on decimals', () => {
  // Section 10 of the evaluation rules; GB/T 8170.
  it.each([
    [0.0034, 3, 0.003],
    // What would be 0 keeps one figure, by the decimal: the double of 0.0025 is a little more than a tie.
    [0.0025, 2, 0.002],
    [0.0035, 2, 0.004],
    [0.00251, 2, 0.003],
    [-0.0025, 2, -0.002],
    [0.000095, 3, 0.0001],
    [0.000085, 3, 0.00008],
    [0.45, 0, 0.4],
    [0.0035, 3, 0.004],
    [0.0045, 3, 0.004],
    [0.00005, 3, 0.00005],
    [4.04, 1, 4],
    [4.05, 1, 4],
    [4.15, 1, 4.2],
    [4.0500001, 1, 4.1],
    [5.95, 1, 6],
    [0.505, 2, 0.5],
    [0.515, 2, 0.52],
    [9.4, 0, 9],
    [9.5, 0, 10],
    [8.5, 0, 8],
    [0.05, 0, 0.05],
    [1.005, 2, 1],
    [2.675, 2, 2.68],
    [1e-9, 3, 1e-9],
    [123456789, 0, 123456789],
    [0, 3, 0],
    [-4.05, 1, -4],
  ])('%s to %s decimals is %s', (value, decimals, expected) => {
    expect(roundHalfEven(value, decimals)).toBe(expected);
  });

  it('moves a value by half a unit at most and leaves rounded ones alone', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        fc.integer({ min: 0, max: 5 }),
        (value, decimals) => {
          const rounded = roundHalfEven(value, decimals);
          const unit = 10 ** -decimals;
          if (value >= unit) expect(Math.abs(rounded - value)).toBeLessThanOrEqual(unit / 2 + value * 1e-15);
          if (value >= unit) expect(roundHalfEven(rounded, decimals)).toBe(rounded);
        },
      ),
    );
  });
});

describe('class and status', () => {
  it('is the worst of those that take part; class I limits nothing', () => {
    expect(assess({ ph: 7.9, do: 8.2, codmn: 1.9, nh3n: 0.12 })).toMatchObject({
      class: 'I',
      status: { zh: '优', en: 'excellent' },
      limiting: [],
      breaches: [],
      mainPollutants: [],
    });
    expect(assess({ ph: 7.9, do: 5.2, codmn: 4.6, nh3n: 0.12 })).toMatchObject({
      class: 'III',
      limiting: ['do', 'codmn'],
    });
  });

  it.each([
    ['codmn 4.05 rounds to 4.0 and meets II', { codmn: 4.05 }, 'II', []],
    ['do 5.95 rounds to 6.0 and meets II', { do: 5.95 }, 'II', []],
    ['nh3n 0.505 rounds to 0.50 and meets II', { nh3n: 0.505 }, 'II', []],
    ['pH 9.4 rounds to 9 and passes', { ph: 9.4 }, 'I', []],
    ['pH 9.5 rounds to 10 and fails', { ph: 9.5 }, 'worse', ['ph']],
    ['pH 5.5 rounds to 6 and passes', { ph: 5.5 }, 'I', []],
  ] as const)('%s', (_, values, expected, broken) => {
    const found = assess(values);
    expect(found.class).toBe(expected);
    expect(found.breaches.map(({ parameter }) => parameter)).toEqual(broken);
  });

  it('rounds hourly values to their own decimals', () => {
    // To 0.50 and meets II as evaluation data; as an hourly value 0.505 it doesn't, and 0.5005 is 0.500.
    expect(assess({ nh3n: 0.505 }, { rounding: 'hourly' })).toMatchObject({ class: 'III', rounding: 'hourly' });
    expect(assess({ nh3n: 0.5005 }, { rounding: 'hourly' }).indicators).toMatchObject([{ value: 0.5, class: 'II' }]);
    expect(assess({ ph: 9.005 }, { rounding: 'hourly' }).class).toBe('I');
    expect(assess({ ph: 9.4 }, { rounding: 'hourly' }).class).toBe('worse');
    expect(assess({ codmn: 4.005 }, { rounding: 'hourly' }).class).toBe('II');
    expect(assess({ do: 5.995 }, { rounding: 'hourly' }).indicators).toMatchObject([{ value: 6 }]);
    // Copper's are not known for certain: as given.
    expect(assess({ cu: 0.01004 }, { rounding: 'hourly' }).indicators).toMatchObject([{ value: 0.01004, class: 'II' }]);
  });

  it('takes values as they are when told so', () => {
    expect(assess({ codmn: 4.05 }, { rounding: 'none' }).class).toBe('III');
    expect(assess({ ph: 9.01 }, { rounding: 'none' }).breaches).toEqual([
      { parameter: 'ph', value: 9.01, op: '<=', limit: 9, class: 'worse', multiple: null },
    ]);
  });

  it('keeps rivers and lakes apart in phosphorus', () => {
    expect(assess({ tp: 0.05 }).class).toBe('II');
    expect(assess({ tp: 0.05 }, { waterBody: 'lake' }).class).toBe('III');
  });
});

describe('breaches of the target', () => {
  it('have a multiple of the limit, but not pH, DO and temperature', () => {
    const { breaches } = assess({ nh3n: 0.83, do: 4, ph: 5, codmn: 3 });
    expect(breaches).toEqual([
      { parameter: 'nh3n', value: 0.83, op: '<=', limit: 0.5, class: 'III', multiple: (0.83 - 0.5) / 0.5 },
      { parameter: 'do', value: 4, op: '>=', limit: 6, class: 'IV', multiple: null },
      { parameter: 'ph', value: 5, op: '>=', limit: 6, class: 'worse', multiple: null },
    ]);
  });

  it('are none without a target', () => {
    expect(assess({ nh3n: 9 }, { target: null }).breaches).toEqual([]);
  });
});

describe('main pollutants', () => {
  it('are judged against Class III whatever the target, by class and then by multiple, three at most', () => {
    const { class: reached, mainPollutants } = assess(
      { cod: 45, codmn: 7.2, nh3n: 1.4, tp: 0.29, bod5: 5 },
      { target: 'I' },
    );
    expect(reached).toBe('worse');
    expect(mainPollutants.map(({ parameter }) => parameter)).toEqual(['cod', 'tp', 'nh3n']);
    expect(mainPollutants[0]!.multiple).toBe(1.25);
  });

  it('name cyanide and heavy metals first', () => {
    const { mainPollutants } = assess({ cod: 45, pb: 0.06, cn: 0.21, codmn: 20, nh3n: 3 });
    expect(mainPollutants.map(({ parameter }) => parameter)).toEqual(['cn', 'pb', 'codmn']);
  });

  it('are none of a section that is good', () => {
    expect(assess({ nh3n: 0.9 }).mainPollutants).toEqual([]);
  });
});

describe('what is not assessed says why', () => {
  it.each([
    ['tn', 3, 'reference-indicator'],
    ['fcoli', 5000, 'reference-indicator'],
    ['temp', 21, 'reference-indicator'],
    ['turbidity', 3, 'no-limit'],
    ['unobtainium', 1, 'unknown-parameter'],
    ['nh3n', null, 'not-measured'],
    ['nh3n', -0.1, 'negative'],
    ['nh3n', -9999, 'negative'],
    ['nh3n', Number.NaN, 'not-finite'],
    ['nh3n', Number.POSITIVE_INFINITY, 'not-finite'],
    ['ph', 15, 'impossible'],
  ] as const)('%s %s: %s', (parameter, value, reason) => {
    expect(assess({ [parameter]: value })).toMatchObject({
      class: null,
      status: null,
      rounding: 'evaluation',
      limiting: [],
      breaches: [],
      mainPollutants: [],
      headroom: [],
      notAssessed: [{ parameter, reason }],
    });
  });
});

describe('odd input has a defined answer', () => {
  it.each([
    ['zero of a pollutant is Class I', { nh3n: 0, hg: 0 }, 'I'],
    ['zero of oxygen is worse than V', { do: 0 }, 'worse'],
    ['pH 0 and 14 are worse than V', { ph: 14 }, 'worse'],
    ['ammonia in µg/L taken for mg/L counts', { nh3n: 310 }, 'worse'],
    ['nothing at all has no class', {}, null],
  ] as const)('%s', (_, values, reached) => {
    expect(assess(values).class).toBe(reached);
  });
  it('tells what is beyond the measuring range', () => {
    expect(assess({ nh3n: 310, codmn: 3 }).implausible).toEqual([{ parameter: 'nh3n', value: 310, range: [0, 50] }]);
  });
  it('tells headroom to the target, of pH to the nearer end', () => {
    const { headroom } = assess({ nh3n: 0.25, ph: 6.5, do: 7 }, { rounding: 'none' });
    expect(headroom).toEqual([
      { parameter: 'nh3n', value: 0.25, op: '<=', limit: 0.5, amount: 0.25, share: 0.5 },
      { parameter: 'ph', value: 6.5, op: '>=', limit: 6, amount: 0.5, share: null },
      { parameter: 'do', value: 7, op: '>=', limit: 6, amount: 1, share: null },
    ]);
  });
});

describe('every class limit of table 1', () => {
  const cases = standard.items
    .filter(({ participates }) => participates)
    .flatMap((item) =>
      (['river', 'lake'] as const).flatMap((waterBody) =>
        (['I', 'II', 'III', 'IV', 'V'] as const).map((target) => ({
          item,
          waterBody,
          target,
          text: item[waterBody][target]!,
        })),
      ),
    )
    .filter(({ item, text }) => item.op !== 'range' && text !== null);

  it.each(cases)(
    '$item.parameter $item.op $text ($waterBody, $target) holds at it and just inside, and breaks just outside',
    ({ item, waterBody, target, text }) => {
      const limit = Number(text);
      const better = item.op === '<=' ? -1 : 1;
      const breaks = (value: number) =>
        assess({ [item.parameter]: value }, { waterBody, target, rounding: 'none' }).breaches.length;
      expect(breaks(limit)).toBe(0);
      expect(breaks(limit + better * limit * 1e-9)).toBe(0);
      expect(breaks(limit - better * limit * 1e-9)).toBe(1);
    },
  );
});
