/** The grammar of rules of kind `expression`: what it computes, what stays unknown, and what it refuses where and why. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpressionError, isTrue, parametersNamed, parseExpression } from '#alerts/rules/expression.ts';
import { settled } from '#model/decimal.ts';

const VALUES: Record<string, number> = { nh3n: 0.8, do: 4, ph: 7.5, zero: 0, huge: 1e200 };
const evaluated = (text: string) => isTrue(parseExpression(text), (name) => VALUES[name] ?? null);

describe('an expression', () => {
  it.each([
    ['nh3n > 0.5', true],
    ['nh3n >= 0.8 and nh3n <= 0.8 and nh3n = 0.8', true],
    ['nh3n != 0.8', false],
    ['nh3n > 0.5 and do < 5', true],
    ['nh3n > 1 or do < 5', true],
    ['not nh3n > 1', true],
    ['not (nh3n > 0.5 and do < 5)', false],
    // `and` binds before `or`, * before +, a sign before all; from the left.
    ['do < 5 or nh3n > 1 and nh3n > 2', true],
    ['1 + 2 * 3 = 7', true],
    ['(1 + 2) * 3 = 9', true],
    ['10 - 4 - 3 = 3', true],
    ['16 / 4 / 2 = 2', true],
    ['-do + 4 = 0', true],
    ['−do + 4 = 0', true],
    ['2 * -do = -8', true],
    ['abs(ph - 8) <= 0.5', true],
    ['min(nh3n, do, ph) = 0.8 and max(nh3n, do) = 4', true],
    ['(do) < (5)', true],
    ['((do < 5))', true],
    ['1e3 = 1000 and .5 = 0.5 and 5.e-1 = .5', true],
    // 0.2 * 0.5 in binary is 0.09999999999999998: by decimals it is at 0.1, not below it.
    ['(1 - nh3n) * 0.5 < 0.1', false],
  ])('%s is %s', (text, expected) => {
    expect(evaluated(text)).toBe(expected);
  });

  it.each([
    ['codmn > 1', null],
    ['codmn > 1 or do < 5', true],
    ['codmn > 1 or do > 5', null],
    ['codmn > 1 and do > 5', false],
    ['codmn > 1 and do < 5', null],
    ['not codmn > 1', null],
    ['min(codmn, do) < 5', null],
    ['1 / zero > 1', null],
    ['huge * huge > 1', null],
    ['zero / zero = 0 or do < 5', true],
  ])('%s with unknown parts is %s', (text, expected) => {
    expect(evaluated(text)).toBe(expected);
  });

  it.each([
    ['', 'at character 1: expected a number or a parameter, not "the end"'],
    ['nh3n', 'at character 1: a comparison such as "do < 5" is needed here, not a number'],
    ['nh3n >', 'at character 7: expected a number or a parameter, not "the end"'],
    ['nh3n > 0.5 and do', 'at character 16: a comparison such as "do < 5" is needed here, not a number'],
    ['(nh3n > 1) + 1 > 2', 'at character 1: a number is needed here, not a comparison'],
    ['abs(do < 5) > 1', 'at character 8: expected ")" before "<"'],
    ['1 < do < 5', 'at character 8: "<" is not expected here'],
    ['do < 5)', 'at character 7: ")" is not expected here'],
    ['(do < 5', 'at character 8: expected ")" before "the end"'],
    ['do < 5 && ph > 1', 'at character 8: "&" is not understood'],
    ['abs(do, ph) > 1', 'at character 4: abs takes one value'],
    ['max(do) > 1', 'at character 4: max takes two or more values'],
    ['abs do > 1', 'at character 5: expected "(" before "do"'],
    ['and do > 1', 'at character 1: expected a number or a parameter, not "and"'],
    ['do > 1 do > 2', 'at character 8: "do" is not expected here'],
    ['process.exit(1) > 0', 'at character 1: a comparison such as "do < 5" is needed here, not a number'],
    [`${'('.repeat(60)}do > 1${')'.repeat(60)}`, 'at character 52: nested more than 50 deep'],
    [`${'-'.repeat(60)}1 > 1`, 'at character 52: nested more than 50 deep'],
  ])('refuses %s', (text, message) => {
    expect(() => parseExpression(text)).toThrow(message);
  });

  it('names its parameters once each, where they are first', () => {
    expect(parametersNamed('do < 5 and max(nh3n, do) > 1')).toEqual([
      { id: 'do', at: 1 },
      { id: 'nh3n', at: 16 },
    ]);
  });

  it('computes what JavaScript computes, and compares by decimals', () => {
    const sum = fc.letrec<{ sum: string }>((tie) => ({
      sum: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('1', '2.5', '0.1', 'nh3n', 'do', 'ph'),
        fc.tuple(tie('sum'), fc.constantFrom('+', '-', '*', '/'), tie('sum')).map(([a, op, b]) => `(${a} ${op} ${b})`),
        fc.tuple(fc.constantFrom('min', 'max'), tie('sum'), tie('sum')).map(([f, a, b]) => `${f}(${a}, ${b})`),
        tie('sum').map((a) => `abs(-${a})`),
      ),
    })).sum;
    const value = (text: string): number => {
      const javascript = text
        .replace(/\b(min|max|abs)\(/g, 'Math.$1(')
        .replace(/\b(nh3n|do|ph)\b/g, (name) => `${VALUES[name]}`);
      return spelledOut(javascript);
    };
    fc.assert(
      fc.property(sum, sum, (a, b) => {
        const [left, right] = [value(a), value(b)];
        const expected = Number.isFinite(left) && Number.isFinite(right) ? settled(left) < settled(right) : null;
        const ours = evaluated(`${a} < ${b}`);
        // What is infinite on the way to a finite number is unknown to us.
        expect([expected, null]).toContain(ours);
        if (!/\//.test(a + b)) expect(ours).toBe(expected);
      }),
    );
  });

  it('never throws anything but its own error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'do<5>=!()+-*/, .and or abs1e'.split('')) }), (text) => {
        try {
          parseExpression(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpressionError);
        }
      }),
    );
  });
});

/** A second reading of the same arithmetic, by reducing innermost parts as text. */
function spelledOut(text: string): number {
  const number = '(-?(?:\\d[\\d.e+-]*|Infinity|NaN))';
  let rest = text;
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest
      .replace(new RegExp(`Math\\.abs\\(-${number}\\)`, 'g'), (_all, a: string) => `${Math.abs(Number(a))}`)
      .replace(
        new RegExp(`Math\\.(min|max)\\(${number}, ${number}\\)`, 'g'),
        (_all, f: 'min' | 'max', a: string, b: string) => `${Math[f](Number(a), Number(b))}`,
      )
      .replace(new RegExp(`\\(${number} ([-+*/]) ${number}\\)`, 'g'), (_all, a: string, op: string, b: string) => {
        const [left, right] = [Number(a), Number(b)];
        return `${op === '+' ? left + right : op === '-' ? left - right : op === '*' ? left * right : left / right}`;
      });
  }
  return Number(rest);
}
