/** Every limit of GB 3838-2002 table 1 at, just inside and just outside, as the standard's file prints it. */
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLASSES, meets, TARGETS, type WaterBody, type WaterClass } from '#model/class.ts';
import { loadReference } from '#seeds/reference.ts';
import { classOf, limitFor, participates, worstClass } from '#src/assess/classify.ts';

const standard = loadReference().standards.get('gb3838-2002')!;

// Read again with another parser, so that the table below owes nothing to the code under test.
const printed = (
  parse(readFileSync('seeds/reference/gb3838-2002.csv'), { columns: true }) as Record<string, string>[]
).filter((row) => row.table === '1');

interface Case {
  parameter: string;
  waterBody: WaterBody;
  op: string;
  limits: number[];
}
const cases = printed
  .filter((row) => row.operator === '<=' || row.operator === '>=')
  .flatMap((row) =>
    (['river', 'lake'] as const).flatMap((waterBody): Case[] => {
      const own = TARGETS.map((target) => row[`lake_class_${target}`]!);
      const river = TARGETS.map((target) => row[`class_${target}`]!);
      const texts = waterBody === 'lake' && own.some((text) => text !== '') ? own : river;
      if (texts.every((text) => text === '')) return [];
      return [{ parameter: row.parameter!, waterBody, op: row.operator!, limits: texts.map(Number) }];
    }),
  );

/** The best class by the definition: the first whose inclusive limit holds. */
function expected({ op, limits }: Case, value: number): WaterClass {
  const index = limits.findIndex((limit) => (op === '<=' ? value <= limit : value >= limit));
  return index === -1 ? 'worse' : TARGETS[index]!;
}

describe('classOf', () => {
  it('covers the 22 numeric items of table 1, total nitrogen for lakes only', () => {
    expect(cases).toHaveLength(22 * 2 - 1);
  });

  it.each(cases)('$parameter in a $waterBody: at, just inside and just outside every limit', (item) => {
    for (const limit of item.limits) {
      for (const value of [limit, limit * (1 - 1e-12), limit * (1 + 1e-12)]) {
        expect(classOf(standard, item.parameter, item.waterBody, value), String(value)).toBe(expected(item, value));
      }
    }
    expect(classOf(standard, item.parameter, item.waterBody, item.op === '<=' ? 0 : 99)).toBe('I');
    expect(classOf(standard, item.parameter, item.waterBody, item.op === '<=' ? 1e9 : 0)).toBe('worse');
  });

  it.each([
    ['nh3n', 'river', 0.5, 'II'],
    ['nh3n', 'river', 0.83, 'III'],
    ['do', 'river', 7.5, 'I'],
    ['do', 'river', 1.9, 'worse'],
    ['tp', 'river', 0.1, 'II'],
    ['tp', 'lake', 0.1, 'IV'],
    ['cod', 'river', 15, 'I'],
    ['tn', 'lake', 1.2, 'IV'],
    ['tn', 'river', 1.2, null],
    ['temp', 'river', 30, null],
    ['flow', 'river', 300, null],
    ['so4', 'river', 300, null],
    ['nothing', 'lake', 1, null],
    ['ph', 'river', 6, 'I'],
    ['ph', 'river', 9, 'I'],
    ['ph', 'lake', 5.99, 'worse'],
    ['ph', 'lake', 9.01, 'worse'],
  ] as const)('%s in a %s at %d is %s', (parameter, waterBody, value, reached) => {
    expect(classOf(standard, parameter, waterBody, value)).toBe(reached);
  });

  it('agrees with limitFor: the limit of the class reached is met, that of the next better one is not', () => {
    fc.assert(
      fc.property(fc.constantFrom(...cases), fc.double({ min: 0, max: 50_000, noNaN: true }), (item, value) => {
        const reached = classOf(standard, item.parameter, item.waterBody, value)!;
        const met = TARGETS.map((target) => meets(value, limitFor(standard, item.parameter, item.waterBody, target)!));
        expect(met.indexOf(true)).toBe(reached === 'worse' ? -1 : TARGETS.indexOf(reached));
      }),
    );
  });
});

describe('limitFor', () => {
  it('says how each side is compared', () => {
    expect(limitFor(standard, 'nh3n', 'river', 'II')).toEqual({ op: '<=', value: 0.5 });
    expect(limitFor(standard, 'do', 'lake', 'III')).toEqual({ op: '>=', value: 5 });
    expect(limitFor(standard, 'ph', 'river', 'II')).toEqual({ op: 'range', value: [6, 9] });
    expect(limitFor(standard, 'tp', 'lake', 'II')).toEqual({ op: '<=', value: 0.025 });
  });
  it('is null where the standard has no class limit', () => {
    for (const parameter of ['temp', 'flow', 'so4', 'chloroform']) {
      expect(limitFor(standard, parameter, 'river', 'II')).toBeNull();
    }
    expect(limitFor(standard, 'tn', 'river', 'II')).toBeNull();
  });
});

describe('worstClass', () => {
  it('lets one indicator decide', () => {
    expect(worstClass(['I', 'III', 'II'])).toBe('III');
    expect(worstClass(['worse', 'V'])).toBe('worse');
    expect(worstClass([])).toBeNull();
  });
  it('is never better than any of them', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...CLASSES), { minLength: 1 }), (classes) => {
        const worst = CLASSES.indexOf(worstClass(classes)!);
        expect(worst).toBe(Math.max(...classes.map((reached) => CLASSES.indexOf(reached))));
      }),
    );
  });
});

it('participates: 21 indicators', () => {
  expect(participates(standard, 'nh3n')).toBe(true);
  expect(participates(standard, 'tn')).toBe(false);
  expect(participates(standard, 'turbidity')).toBe(false);
});
