/** Results as laboratories write them. */
import { describe, expect, it } from 'vitest';
import { judge } from '#assess/judge.ts';
import { laboratoryResult } from '#ingest/codecs/result.ts';
import { parameterOf } from '#ingest/resolve.ts';
import { converted } from '#model/reference.ts';
import { conversionOf } from '#model/units.ts';
import { loadReference } from '#seeds/reference.ts';

const reference = loadReference();

describe('a result', () => {
  it.each([
    ['0.12', { value: 0.12 }],
    ['1.5E-3', { value: 0.0015 }],
    ['２.４', { value: 2.4 }],
    ['2.4×10^4', { value: 24_000 }],
    ['2.4×10⁴', { value: 24_000 }],
    ['3*10^-2', { value: 0.03 }],
    ['<0.005', { below: 0.005 }],
    ['＜ 0.005', { below: 0.005 }],
    ['≤0.005', { below: 0.005 }],
    ['0.025L', { below: 0.025 }],
    ['0.025 l', { below: 0.025 }],
    ['ND(0.005)', { below: 0.005 }],
    ['未检出（0.005L）', { below: 0.005 }],
    ['>24000', { above: 24_000 }],
    ['≥2.4×10⁴', { above: 24_000 }],
    ['ND', { notFound: true }],
    ['n.d.', { notFound: true }],
    ['未检出', { notFound: true }],
    ['<MDL', { notFound: true }],
  ])('%s', (text, result) => expect(laboratoryResult(text)).toEqual(result));

  it.each(['', '-', '<', '<0', '<-1', '>ND', '0x1F', '1,5', '0.1/0.2', '5 mg/L', '1e999', 'L', '9'.repeat(65)])(
    '%s is none',
    (text) => expect(laboratoryResult(text)).toBeNull(),
  );
});

describe('a unit', () => {
  const convert = (id: string, amount: number, unit: string) => {
    const conversion = conversionOf(parameterOf(reference, id)!, unit);
    return conversion && converted(amount, conversion);
  };

  it('of nanograms and grams converts to the last bit', () => {
    for (let amount = 1; amount < 2000; amount++) {
      expect(convert('hg', amount, 'ng/L')).toBe(Number(`${amount}e-6`));
      expect(convert('hg', amount, 'ug/L')).toBe(Number(`${amount}e-3`));
      expect(convert('hg', amount, 'g/L')).toBe(amount * 1000);
    }
    expect(convert('flow', 3600, 'm3/h')).toBe(1);
  });

  it.each([
    ['nh3n', 'MG/L', 1],
    ['hg', 'NG/L', 1e-6],
    ['ec', 'MS/CM', 1000],
    ['flow', 'ft3/s', 0.028316846592],
    ['flow', 'cfs', 0.028316846592],
    ['nh3n', 'mg/L as N', 1],
    ['nh3n', 'ug/l as N', 0.001],
    ['nh3n', 'mg/L（以N计）', 1],
    ['nh3n', 'mg N/L', 1],
    ['nh3n', 'mg/L-N', 1],
    ['tp', 'MG/L AS P', 1],
    ['no3n', 'mg/L as NO3', 0.22591],
    ['nh3n', 'mg/L as NH4', 0.77648],
  ])('of %s may be %s', (id, unit, factor) => expect(convert(id, 1, unit)).toBeCloseTo(factor, 12));

  it.each([
    ['nh3n', 'mg/L as P'],
    ['hg', 'mg/L as N'],
    ['nh3n', 'mgl'],
    ['register', 'ml'],
    ['nh3n', `MG/L${' '.repeat(10_000)}as`],
  ])('of %s is not %s', (id, unit) => expect(convert(id, 1, unit)).toBeUndefined());
});

describe('a result above what the method can tell', () => {
  const standard = reference.standards.get('gb3838-2002')!;
  const sample = { waterBody: 'river', target: 'II', values: new Map(), rounding: 'evaluation' } as const;
  const judged = (id: string, above: number) => judge(standard, reference.parameters.get(id), sample, { above });

  it('breaks a limit that it reaches, and shows as it is written', () => {
    // Class II 0.5, III 1.0 mg/L: more than 1.0 is class IV at least.
    expect(judged('nh3n', 1)).toMatchObject({ value: 1, rank: 3 });
    expect(judged('nh3n', 0.5)).toMatchObject({ value: 0.5, rank: 2 });
  });

  it('says nothing about a higher limit', () => expect(judged('nh3n', 0.4)).toBe('measuring-range'));
});
