/** Water that is in a sum twice because nobody has said that one meter only checks the other: told, never left out by itself. */
import { describe, expect, it } from 'vitest';
import { countedTwice, type NamedMeter, partsOf } from '#books/water/meter-relations.ts';
import type { Meter } from '#model/register.ts';
import { REGISTER_METER } from '#tests/helpers/books/volume-rig.ts';

const FROM = Date.UTC(2026, 10, 1);
const TO = Date.UTC(2026, 11, 1);
const REGISTER: Meter = { ...REGISTER_METER, measures: 'delivery' };
const FLOW: Meter = { ...REGISTER, parameter: 'flow', kind: 'flow', unit: 'm3/s' };
const named = (meters: Record<string, Meter>): NamedMeter[] =>
  Object.entries(meters).map(([id, meter]) => ({ id, meter }));
const twins = (meters: Record<string, Meter>) => countedTwice(named(meters), FROM, TO);

describe('counted twice are', () => {
  it('a register and a flow of one station, in whatever order', () => {
    expect(twins({ q: FLOW, v: REGISTER })).toEqual([['q', 'v']]);
    expect(twins({ v: REGISTER, q: FLOW })).toEqual([['q', 'v']]);
  });

  it('two meters on the same readings, each told once', () => {
    expect(twins({ a: REGISTER, b: REGISTER, c: REGISTER })).toEqual([
      ['b', 'a'],
      ['c', 'a'],
    ]);
  });

  it('parts of meters while both were one recipient’s', () => {
    const shared = {
      ...FLOW,
      recipient: [
        { recipient: 'beijing', from: null },
        { recipient: 'tianjin', from: '2026-11-15T00:00:00Z' },
      ],
    };
    const parts = partsOf(named({ q: shared, v: { ...REGISTER, recipient: 'tianjin' } }));
    const ofTianjin = parts.filter(({ recipient }) => recipient === 'tianjin');
    expect(countedTwice(ofTianjin, FROM, TO)).toEqual([['q', 'v']]);
    expect(countedTwice(ofTianjin, FROM, Date.UTC(2026, 10, 15))).toEqual([]);
  });
});

describe('not counted twice are', () => {
  it.each<[string, Record<string, Meter>]>([
    ['meters of two stations', { q: FLOW, v: { ...REGISTER, station: 'elsewhere' } }],
    ['water that is measured for something else', { q: FLOW, v: { ...REGISTER, measures: 'release' } }],
    ['water of the other direction, which is subtracted', { q: FLOW, v: { ...REGISTER, direction: -1 } }],
    [
      'one that takes over from the other',
      { q: { ...FLOW, to: '2026-11-10T00:00:00Z' }, v: { ...REGISTER, from: '2026-11-10T00:00:00Z' } },
    ],
    ['one that has ended before', { q: { ...FLOW, to: '2026-10-01T00:00:00Z' }, v: REGISTER }],
    ['one alone', { q: FLOW }],
  ])('%s', (_, meters) => {
    expect(twins(meters)).toEqual([]);
  });
});
