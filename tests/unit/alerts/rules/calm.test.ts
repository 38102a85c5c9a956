import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bound, Condition } from '#alerts/rules/conditions.ts';
import { CLEAR, calmRange, isCalm, judge } from '#alerts/rules/grades.ts';
import type { Flag } from '#model/flag.ts';
import type { Standard } from '#model/reference.ts';

const limit = fc.oneof(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.constantFrom(0, -0, 0.05, 0.5, 5, 6, 9));
const bound: fc.Arbitrary<Bound> = fc.oneof(
  fc.record({ op: fc.constantFrom('<=' as const, '<' as const, '>=' as const, '>' as const), value: limit }),
  fc
    .tuple(limit, limit)
    .map(([a, b]) => ({ op: 'range' as const, value: [Math.min(a, b), Math.max(a, b)] as [number, number] })),
);
const margin = fc.constantFrom(0, 0.05, 0.1, 0.3, 1);
/** At the limit, at the margin, a bit of a double beside either, and anywhere. */
const offset = fc.constantFrom(0, 1e-16, -1e-16, 1e-12, -1e-12, 1e-8, -1e-8, 0.05, -0.05, 0.1, -0.1, 0.5, -0.5, 2, -2);

const conditionOf = (given: Bound, share: number) =>
  ({ bound: given, margin: share, derive: null, waterBody: null }) as Condition;

describe('a reading at rest', () => {
  it('is found by two comparisons only where exact judgement finds the same', () => {
    fc.assert(
      fc.property(
        bound,
        margin,
        offset,
        fc.nat(1),
        fc.constantFrom<Flag>(1, 2, 3, 4),
        (given, share, beside, end, flag) => {
          const condition = conditionOf(given, share);
          const edge = given.op === 'range' ? given.value[end]! : given.value;
          const value = edge + Math.abs(edge) * beside;
          const read = { value, flag, deviceFlag: null };
          if (isCalm(calmRange(condition), read)) {
            expect(judge(condition, read, {} as Standard, undefined)).toBe(CLEAR);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('is what lies clear of the limit, whatever its sort', () => {
    const calm = (given: Bound, value: number) =>
      isCalm(calmRange(conditionOf(given, 0.05)), { value, flag: 1, deviceFlag: null });
    expect(calm({ op: '<=', value: 0.5 }, 0.47)).toBe(true);
    expect(calm({ op: '<', value: 0.5 }, 0.48)).toBe(false);
    expect(calm({ op: '>=', value: 6 }, 7)).toBe(true);
    expect(calm({ op: '>', value: 6 }, 6.2)).toBe(false);
    expect(calm({ op: 'range', value: [6, 9] }, 7)).toBe(true);
    expect(calm({ op: 'range', value: [6, 9] }, 8.9)).toBe(false);
  });

  it('is never one that is doubted, censored, or judged by more than its value', () => {
    const condition = conditionOf({ op: '<=', value: 0.5 }, 0.05);
    const read = { value: 0.1, flag: 1 as Flag, deviceFlag: null };
    expect(isCalm(calmRange(condition), read)).toBe(true);
    expect(isCalm(calmRange(condition), { ...read, flag: 3 })).toBe(false);
    expect(isCalm(calmRange(condition), { ...read, value: null, flag: 9 })).toBe(false);
    expect(isCalm(calmRange(condition), { ...read, censored: '<' })).toBe(false);
    const calendar = { timeZone: 'Asia/Shanghai' } as Condition['calendar'];
    expect(calmRange({ ...condition, ...(calendar && { calendar }) })).toBeNull();
    expect(calmRange({ ...condition, bound: null })).toBeNull();
  });
});
