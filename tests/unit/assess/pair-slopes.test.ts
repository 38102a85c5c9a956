/** Slopes by rank against all of them in a list: the same values, in a fraction of the time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairSlopes, type TimedValue } from '#assess/pair-slopes.ts';
import { compare } from '#assess/ranks.ts';
import { noise } from '#tests/helpers/assess/trend-cases.ts';

/** Every step, by its definition: a rise that ends (the earlier has a top, the later a bottom), a fall that begins. */
function allSteps(seasons: readonly (readonly TimedValue[])[]) {
  const slopes: number[] = [];
  let [s, rising] = [0, 0];
  for (const season of seasons) {
    for (const [index, a] of season.entries()) {
      for (const b of season.slice(index + 1)) {
        const slope = (b.value - a.value) / (b.time - a.time);
        s += compare(a, b);
        if (a.censored !== '>' && b.censored !== '<') {
          rising++;
          slopes.push(slope);
        }
        if (a.censored !== '<' && b.censored !== '>') slopes.push(slope);
      }
    }
  }
  return { s, rising, slopes: Float64Array.from(slopes).sort() };
}

function check(seasons: readonly (readonly TimedValue[])[], ranks?: readonly number[]): void {
  const { s, rising, slopes } = allSteps(seasons);
  const found = pairSlopes(seasons);
  expect({ s: found.s, rising: found.rising, total: found.total }).toEqual({ s, rising, total: slopes.length });
  for (const rank of ranks ?? slopes.keys().map((index) => index + 1)) {
    const [wanted, got] = [slopes[rank - 1]!, found.at(rank)];
    if (Math.abs(got - wanted) > 4 * Number.EPSILON * Math.abs(wanted)) expect(got).toBe(wanted);
  }
}

const kind = fc.constantFrom(null, null, null, '<' as const, '>' as const);
const timed = (value: fc.Arbitrary<number>, maxLength: number) =>
  fc.array(fc.record({ value, censored: kind, gap: fc.integer({ min: 1, max: 4 }) }), { maxLength }).map((list) => {
    let time = 0;
    return list.map(({ value: one, censored, gap }) => {
      time += gap;
      return { value: one, censored, time };
    });
  });

describe('slopes of pairs by rank', () => {
  it('of three by hand: 1, 1.5, 2, each of two steps', () => {
    const values = [0, 1, 3].map((value, time) => ({ value, time, censored: null }));
    const { s, rising, total, at } = pairSlopes([values]);
    expect({ s, rising, total }).toEqual({ s: 3, rising: 3, total: 6 });
    expect([1, 2, 3, 4, 5, 6].map(at)).toEqual([1, 1, 1.5, 1.5, 2, 2]);
  });

  it('are those of the list, ties, seasons and censored values included', () => {
    fc.assert(
      fc.property(fc.array(timed(fc.integer({ min: -6, max: 6 }), 25), { minLength: 1, maxLength: 3 }), (s) =>
        check(s),
      ),
    );
    fc.assert(fc.property(timed(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), 25), (season) => check([season])));
  });

  it.each([
    ['whole numbers', () => (random: number) => Math.floor(random * 1000)],
    ['ties by the thousand', () => (random: number) => Math.floor(random * 4)],
    ['thirds of a line, where all slopes are close', () => (random: number, time: number) => time / 3 + random * 1e-13],
    ['noise on a high level', () => (random: number, time: number) => 1e6 + time * 1e-6 + random * 1e-3],
    ['all the same', () => () => 0.3],
    ['a straight line', () => (_: number, time: number) => time * 0.1],
  ])('are those of the list when there are too many to list: %s', (_, make) => {
    const random = noise(20_261_130);
    const value = make();
    const season = Array.from({ length: 400 }, (_, time) => ({ value: value(random(), time), time, censored: null }));
    const steps = 400 * 399;
    check([season], [1, 2, steps / 4, steps / 2 - 1, steps / 2, steps / 2 + 1, steps - 1, steps]);
  });

  it('also where half of them are below limits, in seasons', () => {
    const random = noise(7);
    const seasons = [0, 1, 2].map(() =>
      Array.from({ length: 300 }, (_, time): TimedValue => {
        const value = Math.round(random() * 200) / 100 + time / 500;
        return value < 1.2 ? { value: 1.2, censored: '<', time } : { value, censored: null, time };
      }),
    );
    const { rising, slopes } = allSteps(seasons);
    check(seasons, [1, rising - 2000, rising, rising + 1, rising + 2000, slopes.length]);
  });

  it('with numbers at the ends of what a double holds', () => {
    const season = [1.7e308, -1.7e308, 1e308, 0, 1e-10].map((value, time) => ({ value, time, censored: null }));
    const { s, at } = pairSlopes([season]);
    expect(s).toBe(-2);
    expect(at(1)).toBe(Number.NEGATIVE_INFINITY);
    expect(at(20)).toBe(Number.POSITIVE_INFINITY);
    expect(at(10)).toBeGreaterThan(-1.7e308);
  });
});
