/** Sections over a period, areas of sections, and how one period compares with another. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AreaSection,
  areaPollutants,
  basinStatus,
  compliance,
  countsOf,
  exceeding,
  proportions,
} from '#assess/area.ts';
import { areaChange, comparable, proportionChange, sectionChange, statusChange } from '#assess/changes.ts';
import { STATUS } from '#assess/sample.ts';
import { assessSection, type PeriodStatistic, type SectionRules } from '#assess/section.ts';
import { CLASSES, type WaterClass } from '#model/class.ts';
import { loadReference } from '#seeds/reference.ts';

const { parameters, standards } = loadReference();
const standard = standards.get('gb3838-2002')!;

function statistic(parameter: string, mean: number | null, more: Partial<PeriodStatistic> = {}): PeriodStatistic {
  const valid = mean === null ? 0 : 100;
  return { parameter, count: valid, valid, mean, min: mean, max: mean, expected: 100, months: null, ...more };
}

const RULES: SectionRules = { kind: 'month', rounding: 'evaluation', coverageMin: 0.75 };
const assess = (
  statistics: PeriodStatistic[],
  more: { waterBody?: 'river' | 'lake'; target?: 'II' | null } = {},
  rules = {},
) =>
  assessSection(
    standard,
    parameters,
    { waterBody: 'river', target: 'II', statistics, ...more },
    { ...RULES, ...rules },
  );

describe('a section', () => {
  it('is classed by means, tells the others beside and what it lacks', () => {
    const found = assess([
      statistic('codmn', 3),
      statistic('nh3n', 0.83),
      statistic('tn', 3.2),
      statistic('temp', 18.26),
      statistic('fcoli', 3000),
      statistic('tp', null),
    ]);
    expect(found).toMatchObject({
      basis: 'assessed',
      class: 'III',
      meetsTarget: false,
      limiting: ['nh3n'],
      breaches: [{ parameter: 'nh3n', limit: 0.5, class: 'III', multiple: (0.83 - 0.5) / 0.5 }],
      mainPollutants: [],
      indicatorsAssessed: 2,
      beside: [
        { parameter: 'tn', value: 3.2, class: null },
        { parameter: 'temp', value: 18.3, class: null },
        { parameter: 'fcoli', value: 3000, class: 'III' },
      ],
    });
    expect(found.missing).toHaveLength(19);
    expect(found.notAssessed).toContainEqual({ parameter: 'tp', reason: 'not-measured' });
    expect(found.indicators.find(({ parameter }) => parameter === 'codmn')!.headroom).toMatchObject({
      amount: 1,
      share: 0.25,
    });
    expect(found.trophic).toBeNull();
  });

  it('of a lake has its nitrogen classed beside, its own phosphorus limits and a trophic level', () => {
    const lake = assess([statistic('tp', 0.06), statistic('tn', 1.2), statistic('chla', 10)], { waterBody: 'lake' });
    expect(lake).toMatchObject({ class: 'IV', beside: [{ parameter: 'tn', value: 1.2, class: 'IV' }] });
    expect(lake.trophic!.missing).toEqual(['sd', 'codmn']);
  });

  it('keeps what a single reading broke apart from what the means break', () => {
    const found = assess([statistic('nh3n', 0.4, { min: 0.1, max: 1.9 }), statistic('ph', 8, { min: 5.9, max: 9.3 })]);
    expect(found.breaches).toEqual([]);
    expect(found.instantaneousBreaches).toEqual([
      { parameter: 'nh3n', value: 1.9, op: '<=', limit: 0.5 },
      { parameter: 'ph', value: 5.9, op: '>=', limit: 6 },
      { parameter: 'ph', value: 9.3, op: '<=', limit: 9 },
    ]);
  });

  it.each<[string, Partial<PeriodStatistic>, Partial<SectionRules>, string | null]>([
    ['75 of 100', { valid: 75 }, {}, null],
    ['74 of 100', { valid: 74 }, {}, 'coverage'],
    ['74 of 100 where half will do', { valid: 74 }, { coverageMin: 0.5 }, null],
    ['one, nobody knowing of how many', { valid: 1, expected: null }, {}, null],
    ['one in a quarter', { valid: 1, expected: null }, { kind: 'quarter' }, 'too-few-samples'],
    ['two in a quarter', { valid: 2, expected: null }, { kind: 'quarter' }, null],
    ['seven months of a year', { months: 7 }, { kind: 'year' }, 'too-few-months'],
    ['eight months of a year', { months: 8 }, { kind: 'year' }, null],
  ])('of %s: validity is told, the class is not withheld', (_, more, rules, invalid) => {
    const found = assess([statistic('nh3n', 0.83, more)], {}, rules);
    expect(found).toMatchObject({ class: 'III', valid: invalid === null, indicators: [{ invalid }] });
    expect(found.breaches).toHaveLength(1);
  });

  it('counts coverage over what is expected, also of what never came', () => {
    const found = assess([
      statistic('nh3n', 0.1, { valid: 120 }),
      statistic('tp', null),
      statistic('tn', 1, { valid: 3 }),
    ]);
    expect(found.coverage).toEqual({ valid: 100, expected: 200, share: 0.5 });
    expect(found.indicators[0]!.coverage).toBe(1);
  });

  it('of a period without data has no class and says why', () => {
    expect(assess([statistic('nh3n', null), statistic('tp', null)])).toMatchObject({
      class: null,
      status: null,
      meetsTarget: null,
      valid: null,
      breaches: [],
      cwqi: { index: null },
      notAssessed: [
        { parameter: 'nh3n', reason: 'not-measured' },
        { parameter: 'tp', reason: 'not-measured' },
      ],
    });
  });

  it('doubts a value beyond the measuring range, a unit off by 1000, and counts it', () => {
    expect(assess([statistic('nh3n', 310)])).toMatchObject({
      class: 'worse',
      implausible: [{ parameter: 'nh3n', value: 310, range: [0, 50] }],
    });
    expect(assess([statistic('nh3n', 0.00031)])).toMatchObject({ class: 'I', implausible: [] });
  });
});

function section(reached: WaterClass | null, more: Partial<AreaSection> = {}): AreaSection {
  const codmn = reached === null ? null : [1, 3, 5, 8, 12, 20][CLASSES.indexOf(reached)]!;
  return {
    station: 's',
    waterBody: 'river',
    target: 'III',
    class: reached,
    means: new Map([['codmn', codmn]]),
    ...more,
  };
}
const sections = (text: string) =>
  text
    .split(' ')
    .map((reached, index) => section(reached === '-' ? null : (reached as WaterClass), { station: `s${index}` }));
const times = (count: number, reached: string) => new Array(count).fill(reached).join(' ');

describe('proportions by class', () => {
  it('count sections with a class, against the goal', () => {
    const found = proportions(sections('I II III IV worse -'), 0.95);
    expect(found).toMatchObject({
      sections: 6,
      assessed: 5,
      good: { count: 3, share: 0.6 },
      worse: { count: 1, share: 0.2 },
      goal: { share: 0.95, isMet: false },
    });
    expect(CLASSES.map((one) => found.byClass[one].count)).toEqual([1, 1, 1, 1, 0, 1]);
  });
  it.each([
    [19, 1, 0.95, true],
    [18, 1, 0.95, false],
    [57, 3, 0.95, true],
    [9, 1, 0.9, true],
    [2, 1, 0.666666, true],
    [2, 1, 0.666667, false],
  ])('%d good and %d not against %d: %s', (good, bad, goal, isMet) => {
    expect(proportions(sections(`${times(good, 'III')} ${times(bad, 'IV')}`), goal).goal.isMet).toBe(isMet);
  });
  it('of nothing are unknown', () => {
    expect(proportions(sections('- -'), 0.95)).toMatchObject({
      assessed: 0,
      good: { count: 0, share: null },
      goal: { isMet: null },
    });
    expect(proportions([], 0.95).goal.isMet).toBeNull();
  });
  it('add up', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.constantFrom(...CLASSES)), { maxLength: 40 }), (classes) => {
        const found = proportions(
          classes.map((one) => section(one)),
          0.95,
        );
        const sum = CLASSES.reduce((total, one) => total + found.byClass[one].count, 0);
        expect(sum).toBe(found.assessed);
        expect(found.assessed).toBe(classes.filter((one) => one !== null).length);
      }),
    );
  });
});

describe('the status of a basin', () => {
  const statusOf = (list: AreaSection[]) => basinStatus(standard, parameters, list, 'evaluation');
  it.each([
    ['90 % good', `${times(9, 'II')} worse`, '优'],
    ['just below 90 %', `${times(8, 'II')} IV`, '良好'],
    ['75 % good', `${times(6, 'III')} ${times(2, 'worse')}`, '良好'],
    ['below 75 %, worse below 20 %', `${times(7, 'I')} ${times(2, 'IV')} worse`, '轻度污染'],
    ['worse 20 %', `${times(3, 'I')} IV worse`, '中度污染'],
    ['worse just below 40 %', `${times(8, 'I')} ${times(5, 'worse')}`, '中度污染'],
    ['worse 40 %', `${times(3, 'I')} ${times(2, 'worse')}`, '重度污染'],
  ])('%s', (_, text, status) => {
    expect(statusOf(sections(text))).toMatchObject({ method: 'proportions', status: { zh: status }, class: null });
  });
  it('of fewer than five sections is that of their means: 3 and 8 mg/L are 5.5, class III', () => {
    expect(statusOf(sections('II IV'))).toEqual({ method: 'means', status: STATUS.III, class: 'III' });
    expect(statusOf(sections('II'))).toMatchObject({ method: 'means', class: 'II' });
    expect(statusOf(sections('II II II II -'))).toMatchObject({ method: 'means' });
  });
  it('averages pH by [H⁺]: 5 and 9 are 5.30, which rounds to 5 and fails', () => {
    const water = (ph: number) => section('I', { means: new Map([['ph', ph]]) });
    expect(statusOf([water(5), water(9)]).class).toBe('worse');
  });
  it('averages rivers and lakes apart, by their own limits', () => {
    const tp = (waterBody: 'river' | 'lake', value: number) =>
      section('I', { waterBody, means: new Map([['tp', value]]) });
    expect(statusOf([tp('river', 0.1), tp('river', 0.1)]).class).toBe('II');
    expect(statusOf([tp('river', 0.1), tp('lake', 0.1)]).class).toBe('IV');
  });
  it('of nothing is none', () => {
    expect(statusOf(sections('- -'))).toEqual({ method: null, status: null, class: null });
  });
});

describe('main pollutants of a basin', () => {
  const with_ = (...names: [string, number | null][]) => ({
    class: 'V' as const,
    exceeding: names.map(([parameter, multiple]) => ({ parameter, multiple })),
  });
  it('are those that exceed Class III in most sections, three at most; ties by the largest multiple', () => {
    const found = areaPollutants([
      with_(['cod', 0.2], ['tp', 0.1]),
      with_(['cod', 0.1], ['nh3n', 2]),
      with_(['cod', 0.3], ['do', null]),
      with_(['codmn', 0.5]),
      { class: 'II', exceeding: [] },
      { class: null, exceeding: [{ parameter: 'hg', multiple: 9 }] },
    ]);
    expect(found).toEqual([
      { parameter: 'cod', sections: 3, rate: 0.6, multipleMax: 0.3 },
      { parameter: 'nh3n', sections: 1, rate: 0.2, multipleMax: 2 },
      { parameter: 'codmn', sections: 1, rate: 0.2, multipleMax: 0.5 },
    ]);
  });
  it('of fewer than five are told by section', () => {
    expect(areaPollutants([with_(['cod', 1])])).toBeNull();
  });
  it('come from what is worse than Class III, without a multiple for oxygen', () => {
    const { indicators } = assess([statistic('do', 4), statistic('cod', 25), statistic('tp', 0.2), statistic('tn', 9)]);
    expect(exceeding(standard, parameters, 'river', indicators)).toEqual([
      { parameter: 'do', multiple: null },
      { parameter: 'cod', multiple: 0.25 },
    ]);
  });
});

it('compliance is of sections with a target and a class', () => {
  const list = [...sections('II III IV -'), section('worse', { target: null, station: 'none' })];
  expect(compliance(list)).toEqual({ sections: 3, met: 2, share: 2 / 3, failing: ['s2'] });
  expect(compliance([])).toEqual({ sections: 0, met: 0, share: null, failing: [] });
});

describe('changes', () => {
  it.each<[WaterClass, WaterClass, string]>([
    ['I', 'II', 'unchanged'],
    ['III', 'II', 'better'],
    ['II', 'III', 'worse'],
    ['V', 'III', 'much-better'],
    ['I', 'IV', 'much-worse'],
  ])('from %s to %s: %s', (before, after, verdict) => {
    expect(statusChange(STATUS[before], STATUS[after]).verdict).toBe(verdict);
  });

  it.each([
    ['10 points are unchanged', `${times(9, 'I')} IV`, times(10, 'I'), 'unchanged', 10],
    ['a little more is better', `${times(8, 'I')} IV`, times(9, 'I'), 'better', 100 / 9],
    ['20 points are better', `${times(8, 'I')} IV IV`, times(10, 'I'), 'better', 20],
    ['more than 20 much better', `${times(7, 'I')} IV IV IV`, times(10, 'I'), 'much-better', 30],
    ['worse sections count on their own', `${times(9, 'I')} IV`, `${times(8, 'I')} IV worse`, 'worse', -20],
    ['much worse', `${times(9, 'I')} IV`, `${times(8, 'I')} worse worse`, 'much-worse', -30],
  ])('by proportions: %s', (_, before, after, verdict, points) => {
    const found = proportionChange(countsOf(sections(before)), countsOf(sections(after)));
    expect(found.verdict).toBe(verdict);
    expect(found.points).toBeCloseTo(points, 9);
  });

  const of = (values: Record<string, number | null>) =>
    comparable(standard, parameters, 'river', new Map(Object.entries(values)), 'evaluation').indicators;

  it('of a section are of the indicators of both periods only', () => {
    const found = sectionChange(parameters, of({ codmn: 3, ph: 8, nh3n: 3 }), of({ codmn: 5, ph: 7.5, tp: 9 }));
    expect(found).toEqual({
      class: { before: 'II', after: 'III' },
      change: { verdict: 'worse', zh: '有所下降' },
      indicators: [
        { parameter: 'codmn', before: 3, after: 5, share: 2 / 3 },
        { parameter: 'ph', before: 8, after: 7.5, share: null },
      ],
    });
    expect(sectionChange(parameters, of({ codmn: null }), of({ codmn: 5 }))).toMatchObject({
      class: null,
      change: null,
    });
    expect(sectionChange(parameters, of({ nh3n: 0 }), of({ nh3n: 0.1 })).indicators[0]!.share).toBeNull();
  });

  it('of an area are of the sections of both periods, by proportions from five on', () => {
    const pairs = (before: string, after: string) =>
      sections(before).map((one, index) => {
        const now = sections(after)[index]!;
        const full = (it: AreaSection) => ({
          ...it,
          ...comparable(standard, parameters, 'river', it.means, 'evaluation'),
        });
        return { before: full(one), after: full(now) };
      });
    const change = (before: string, after: string) =>
      areaChange(standard, parameters, pairs(before, after), 'evaluation');
    const many = change('IV IV III II II -', 'III III III II II worse');
    expect(many).toMatchObject({ sections: 5, method: 'proportions', change: { verdict: 'much-better' }, points: 40 });
    expect(many.compliance).toMatchObject({ before: { share: 0.6 }, after: { share: 1 }, points: 40 });
    expect(many.cwqi.share).toBeLessThan(0);
    expect(change('IV IV', 'II II')).toMatchObject({
      sections: 2,
      method: 'status',
      change: { verdict: 'much-better' },
      points: null,
    });
    expect(change('- -', 'II II')).toMatchObject({ sections: 0, method: null, change: null });
  });
});
