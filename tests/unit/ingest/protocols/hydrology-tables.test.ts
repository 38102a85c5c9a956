/** What the standards' identifiers are said to mean is something that the reference knows, in a unit that it converts. */
import { describe, expect, it } from 'vitest';
import { meaningOf as hydrology, idOf } from '#ingest/codecs/sl651/elements.ts';
import { meaningOf as meters } from '#ingest/codecs/szy206/quantities.ts';
import { conversionOf } from '#model/units.ts';
import { loadReference } from '#seeds/reference.ts';

const reference = loadReference();
const device = { address: '0012345678', station: 's1' };
const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0').toUpperCase());

function canonical(said: ReturnType<typeof hydrology>): [string, number] | null {
  if (!said || said === 'other') return null;
  const parameter = reference.parameters.get(said.parameter)!;
  expect([said.parameter, parameter !== undefined]).toEqual([said.parameter, true]);
  const conversion = conversionOf(parameter, said.unit!);
  expect([said, conversion !== undefined]).toEqual([said, true]);
  return [said.parameter, conversion!.factor];
}

describe('SL 651', () => {
  it('measures what the reference has', () => {
    const known = bytes.map((id) => canonical(hydrology(id, device))).filter((one) => one !== null);
    expect(known).toHaveLength(25);
    expect(canonical(hydrology('57', device))).toEqual(['chla', 1000]);
    expect([idOf('CODMN'), idOf('CD'), idOf('XYZ')]).toEqual(['4A', '55', 'XYZ']);
  });

  it.each(['28', '30', '3B', '60', '68', 'F6', 'FF2B', 'CD', 'XYZ'])('%s is for the entry to say', (name) => {
    expect(hydrology(name, device)).toBeUndefined();
  });

  it.each(['26', '45', 'F4', '0E'])('%s is nothing that has a parameter here', (name) => {
    expect(hydrology(name, device)).toBe('other');
  });

  it('takes the unit of the standard where an entry names the parameter alone', () => {
    const elements = { '68': { parameter: 'flow' }, ZU: { parameter: 'level', unit: 'cm' }, '39': null };
    expect(hydrology('68', { ...device, elements })).toEqual({ parameter: 'flow', unit: 'm3/h' });
    expect(hydrology('3B', { ...device, elements })).toEqual({ parameter: 'level', unit: 'cm' });
    expect(hydrology('39', { ...device, elements })).toBeNull();
  });
});

describe('SZY 206', () => {
  it('measures what the reference has', () => {
    const qualities = Array.from({ length: 35 }, (_, bit) => canonical(meters(`D${bit}`, device)));
    expect(qualities.filter((one) => one === null)).toHaveLength(3);
    expect(['flow', 'total', 'level', 'velocity', 'temp'].map((name) => canonical(meters(name, device)))).toEqual([
      ['flow', 1],
      ['register', 1],
      ['level', 1],
      ['velocity', 1],
      ['temp', 1],
    ]);
  });

  it('leaves to the entry which of several is which', () => {
    expect([meters('flow2', device), meters('level12', device), meters('rain2', device)]).toEqual([
      undefined,
      undefined,
      'other',
    ]);
  });
});
