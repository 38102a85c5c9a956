/** What the demonstration says of an alarm. */
import { expect, it } from 'vitest';
import { type AlarmItem, alarmLine } from '#seeds/alarm-line.ts';

const WATER: AlarmItem = {
  id: 'a1',
  station: 'shending-mouth',
  parameter: 'nh3n',
  severity: 'minor',
  state: 'raised',
  class: 'III',
  target: 'II',
  value: 0.83,
  unit: 'mg/L',
  limit: 0.5,
  op: '<=',
  late: false,
};
const BARE = { class: null, target: null, value: null, unit: '1', limit: null, op: null };

it.each([
  [WATER, 'ALARM raised, minor: shending-mouth nh3n 0.83 mg/L (limit <= 0.5, class III, target II)'],
  [
    { ...WATER, class: null, target: null, limit: 30, value: 31, parameter: 'turbidity', unit: 'NTU' },
    'ALARM raised, minor: shending-mouth turbidity 31 NTU (limit <= 30)',
  ],
  [
    { ...WATER, ...BARE, station: '_platform', parameter: 'routes.nobody', detail: 'Nobody is told of alarms.' },
    'ALARM raised, minor: the platform itself (routes.nobody): Nobody is told of alarms.',
  ],
  [{ ...WATER, ...BARE, parameter: '_station' }, 'ALARM raised, minor: shending-mouth'],
  [{ ...WATER, ...BARE, station: '_gateways', parameter: 'g-1' }, 'ALARM raised, minor: gateway g-1'],
])('says what a person understands: %#', (alarm, line) => {
  expect(alarmLine(alarm)).toBe(line);
});
