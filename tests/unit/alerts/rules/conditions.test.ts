import { describe, expect, it } from 'vitest';
import { conditionFor } from '#alerts/rules/conditions.ts';
import { BREACH, CLEAR, findingOf, judge, NEAR, severityOf } from '#alerts/rules/grades.ts';
import type { Letters } from '#model/dialect.ts';
import type { Flag } from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';
import { rule, station } from '#model/register.ts';
import { reference, standard } from '#tests/helpers/alerts/rig.ts';

const river = station.parse({
  name: { zh: '站', en: 'Station' },
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  parameters: [{ id: 'nh3n', interval: 'PT5M' }],
});

function condition(body: object, parameter = 'nh3n', at = river) {
  return conditionFor(
    rule.parse({ severity: 'major', ...body }),
    'weir',
    at,
    reference.parameters.get(parameter)!,
    standard,
  );
}

function grade(
  body: object,
  value: number | null,
  options: { parameter?: string; flag?: Flag; deviceFlag?: string; censored?: Censored; letters?: Letters } = {},
) {
  const { parameter, flag = 1, deviceFlag = null, censored, letters } = options;
  return judge(condition(body, parameter)!, { value, flag, deviceFlag, censored }, standard, letters);
}

describe('thresholds', () => {
  const threshold = (op: string, limit: number, margin = 0.05) => ({
    kind: 'threshold',
    parameters: ['level'],
    op,
    limit,
    clear: { margin },
  });
  const level = (op: string, limit: number, value: number, margin?: number) =>
    grade(threshold(op, limit, margin), value, { parameter: 'level' });

  it.each([
    ['<=', 100, 100, NEAR],
    ['<=', 100, 95, CLEAR],
    ['<=', 100, 100.1, BREACH],
    ['<', 100, 100, BREACH],
    ['<', 100, 99.9, NEAR],
    ['>=', 100, 100, NEAR],
    ['>=', 100, 105, CLEAR],
    ['>=', 100, 99.9, BREACH],
    ['>', 100, 100, BREACH],
    // With a negative limit the margin still asks for more, not for less.
    ['<=', -10, -10, NEAR],
    ['<=', -10, -10.5, CLEAR],
    ['<=', -10, -9.9, BREACH],
    ['>=', -10, -9.5, CLEAR],
    ['>=', -10, -9.8, NEAR],
    // A limit of zero has no margin.
    ['<=', 0, 0, CLEAR],
    ['>=', 0, -0.001, BREACH],
  ])('a value must be %s %d: %d has grade %d', (op, limit, value, expected) => {
    const got = level(op, limit, value);
    expect(expected === BREACH ? got! >= BREACH : got === expected).toBe(true);
  });

  it('has no margin where none is wanted, but a strict limit stays strict', () => {
    expect(level('<=', 100, 100, 0)).toBe(CLEAR);
    expect(level('<', 100, 100, 0)).toBeGreaterThanOrEqual(BREACH);
  });

  it.each([
    ['MG/L', 0.5],
    ['mg/L as N', 0.5],
    ['g/m3', 0.5],
  ])('takes every spelling that readings may have: %s', (unit, limit) => {
    const body = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit, unit };
    expect(condition(body)!.bound).toMatchObject({ value: 0.5 });
  });

  it('has the very limit that a reading in its unit has: 25 µg/L of a rule and of a gateway', () => {
    for (const limit of [25, 0.3, 1.1, 33]) {
      const body = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit, unit: 'µg/L' };
      expect(condition(body)!.bound).toMatchObject({ value: limit / 1000 });
    }
  });

  it('converts its limit to the canonical unit', () => {
    const bound = condition({ kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 500, unit: 'µg/L' })!.bound;
    expect(bound).toEqual({ op: '<=', value: 0.5 });
  });
});

describe('flags', () => {
  it.each([1, 2] as Flag[])('flag %d speaks about the water', (flag) => {
    expect(grade({ kind: 'class' }, 9, { flag })).toBeGreaterThanOrEqual(BREACH);
  });

  it.each([3, 4, 9] as Flag[])('flag %d says nothing about the water', (flag) => {
    expect(grade({ kind: 'class' }, flag === 9 ? null : 9, { flag })).toBeNull();
  });

  it('makes a sensor alarm of flags 3 and 4, save under maintenance and calibration', () => {
    expect(grade({ kind: 'quality' }, 1, { flag: 3 })).toBeGreaterThanOrEqual(BREACH);
    expect(grade({ kind: 'quality' }, 1, { flag: 4, deviceFlag: 'F' })).toBeGreaterThanOrEqual(BREACH);
    expect(grade({ kind: 'quality' }, 1, { flag: 4, deviceFlag: 'M' })).toBeNull();
    expect(grade({ kind: 'quality' }, 1, { flag: 4, deviceFlag: 'C' })).toBeNull();
    expect(grade({ kind: 'quality' }, null, { flag: 9 })).toBeNull();
    expect(grade({ kind: 'quality' }, 1)).toBe(CLEAR);
  });
});

describe('classes', () => {
  it('keeps the clearing value of a range inside both margins', () => {
    const ph = (value: number) => grade({ kind: 'class' }, value, { parameter: 'ph' });
    expect([5.9, 6, 6.29, 6.3, 8.55, 8.56, 9, 9.1].map(ph)).toEqual([7, NEAR, NEAR, CLEAR, CLEAR, NEAR, NEAR, 7]);
  });

  it('takes lake limits for lakes, and what a rule demands before what a station does', () => {
    const lake = { ...river, waterBody: 'lake' as const };
    expect(condition({ kind: 'class' }, 'tp', lake)!.bound).toEqual({ op: '<=', value: 0.025 });
    expect(condition({ kind: 'class', target: 'III' }, 'tp')!.bound).toEqual({ op: '<=', value: 0.2 });
    expect(condition({ kind: 'class' }, 'tn', lake)).toBeNull();
    expect(condition({ kind: 'class', parameters: ['tn'] }, 'tn', lake)!.bound).toEqual({ op: '<=', value: 0.5 });
    expect(condition({ kind: 'class' }, 'temp')).toBeNull();
    expect(condition({ kind: 'class' }, 'nh3n', { ...river, target: null })).toBeNull();
  });

  it.each([
    [0.8, 'minor'],
    [1.2, 'major'],
    [1.8, 'major'],
    [99, 'major'],
  ])('gives %d mg/L of nh3n the severity of the nearest line', (value, severity) => {
    const body = { kind: 'class', severity: { III: 'minor', IV: 'major' } };
    expect(severityOf(condition(body)!, grade(body, value)!)).toBe(severity);
  });

  it('takes the nearest worse line when no better one is given', () => {
    const body = { kind: 'class', severity: { IV: 'critical' } };
    expect(severityOf(condition(body)!, grade(body, 0.8)!)).toBe('critical');
  });

  it('knows when a hole begins', () => {
    expect(condition({ kind: 'class' })!.holeMs).toBe(15 * 60_000);
    expect(condition({ kind: 'class' }, 'codmn')!.holeMs).toBe(3_600_000);
  });

  it('states a multiple for maxima only', () => {
    const multiple = (parameter: string, value: number) => {
      const given = condition({ kind: 'class' }, parameter)!;
      return findingOf({ condition: given, value, grade: BREACH }).multiple;
    };
    expect([multiple('nh3n', 1), multiple('do', 3), multiple('ph', 10)]).toEqual([1, null, null]);
  });
});
