/** What a reading of a concentration stands for, and which meter a station's water is weighed with. */
import { describe, expect, it } from 'vitest';
import { concentrationByHour, stands, standsOfHours } from '#assess/load.ts';
import { weighingMeters } from '#books/water/meter-relations.ts';
import type { Meter } from '#model/register.ts';

const HOUR = 3_600_000;
const at = (hours: number, value: number) => ({ timeMs: hours * HOUR, value });
const spans = (list: readonly { startMs: number; endMs: number; value: number }[]) =>
  list.map(({ startMs, endMs, value }) => [startMs / HOUR, endMs / HOUR, value]);

describe('a reading stands for its interval', () => {
  it('at most to the next one', () => {
    const list = stands([at(0, 1), at(4, 2), at(6.5, 3), at(20, 4)], 4 * HOUR, 'start');
    expect(spans(list)).toEqual([
      [0, 4, 1],
      [4, 6.5, 2],
      [6.5, 10.5, 3],
      [20, 24, 4],
    ]);
  });

  it('that ends at its time, at most back to the one before, where that is what its stamp says', () => {
    const list = stands([at(4, 1), at(8, 2), at(10.5, 3), at(24, 4)], 4 * HOUR, 'end');
    expect(spans(list)).toEqual([
      [0, 4, 1],
      [4, 8, 2],
      [8, 10.5, 3],
      [20, 24, 4],
    ]);
  });

  it('in the books of an hour as long as they do together', () => {
    const hours = [
      { hourMs: 0, mean: 1, valid: 6 },
      { hourMs: HOUR, mean: 2, valid: 3 },
      { hourMs: 2 * HOUR, mean: 3, valid: 60 },
    ];
    expect(spans(standsOfHours(hours, HOUR / 6, 'start'))).toEqual([
      [0, 1, 1],
      [1, 1.5, 2],
      [2, 3, 3],
    ]);
    expect(spans(standsOfHours(hours, null, 'end'))[1]).toEqual([1, 2, 2]);
    expect(spans(standsOfHours(hours.slice(0, 1), HOUR, 'end'))).toEqual([[-1, 0, 1]]);
  });

  it('and an hour has their mean by time, and the time that they cover', () => {
    const hour = concentrationByHour(stands([at(0, 1), at(0.5, 3), at(2.75, 8)], 45 * 60_000, 'start'));
    expect([0, 1, 2, 3, 4].map((index) => hour(index * HOUR))).toEqual([
      { value: 2, coveredMs: HOUR },
      { value: 3, coveredMs: HOUR / 4 },
      { value: 8, coveredMs: HOUR / 4 },
      { value: 8, coveredMs: HOUR / 2 },
      { value: null, coveredMs: 0 },
    ]);
  });
});

describe('the water of a station is weighed once', () => {
  const METER: Meter = {
    station: 's',
    parameter: 'register',
    kind: 'register',
    unit: 'm3',
    direction: 1,
    maxFlow: 10,
    maxGap: 'PT1H',
    measures: 'release',
  };
  const flow = { parameter: 'flow', kind: 'flow' } as const;
  const chosen = (meters: Record<string, Partial<Meter>>) => {
    const list = Object.entries(meters).map(([id, body]) => ({ id, body: { ...METER, ...body } }));
    const { weighing, leftOut } = weighingMeters({ list: () => list as never }, 's');
    return [weighing.map(({ id }) => id), leftOut.map(({ meter, reason, of }) => `${meter} ${reason} ${of}`)];
  };

  it.each<[string, Record<string, Partial<Meter>>, string[], string[]]>([
    ['the register before a flow of the same', { a: flow, b: {} }, ['b'], ['a register b']],
    ['no sister', { a: {}, b: { ...flow, sister: 'a' }, c: { sister: 'x' } }, ['a'], ['b sister a', 'c sister x']],
    ['a flow whose register only checks another', { a: { sister: 'x' }, b: flow }, ['b'], ['a sister x']],
    ['of the same readings the first', { b: flow, a: { ...flow, recipient: 'beijing' } }, ['a'], ['b same-readings a']],
    ['both directions', { a: flow, b: { ...flow, direction: -1 } }, ['a', 'b'], []],
    ['a flow of something else', { a: { measures: 'delivery' }, b: flow }, ['a', 'b'], []],
    [
      'who took over, after the other',
      { a: { to: '2026-01-01T00:00:00Z' }, b: { from: '2026-01-01T00:00:00Z' } },
      ['a', 'b'],
      [],
    ],
    ['nothing of another station', { a: { station: 't' }, b: flow }, ['b'], []],
  ])('%s', (_, meters, weighing, leftOut) => {
    expect(chosen(meters)).toEqual([weighing, leftOut]);
  });
});
