import { describe, expect, it } from 'vitest';
import { checkRule, selectStations } from '#alerts/rules.ts';
import { rule, station } from '#model/register.ts';
import { Control, type ControlVersion } from '#store/control.ts';
import { reference } from '#tests/helpers/alerts-rig.ts';

const base = { name: { zh: '站', en: 'Station' }, kind: 'river-section', waterBody: 'river', parameters: [] };
const STATIONS: Record<string, object> = {
  taocha: { ...base, target: 'II', area: 'nanyang', river: 'canal' },
  weir: { ...base, target: 'III', area: 'shiyan' },
  outfall: { ...base, kind: 'outfall', target: null },
};

function registers(stations = STATIONS): Control {
  const versions = Object.entries(stations).map(
    ([id, body]): ControlVersion => ({
      noun: 'station',
      id,
      seq: 1,
      atMs: 0,
      actor: 'test',
      body: station.parse(body),
    }),
  );
  return new Control(versions);
}

const check = (body: object, control = registers()) =>
  checkRule(rule.parse({ severity: 'major', ...body }), control, reference).map(
    ({ path, message }) => `${path}: ${message}`,
  );

describe('checkRule', () => {
  it.each([
    { kind: 'class' },
    { kind: 'class', severity: { III: 'minor' }, select: { targets: ['II'] } },
    { kind: 'class', target: 'II', select: { stations: ['outfall'] } },
    { kind: 'class', parameters: ['ph', 'do', 'codmn'] },
    { kind: 'quality', select: { areas: ['shiyan'] } },
    { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 500, unit: 'µg/L' },
    { kind: 'threshold', parameters: ['level'], op: '>', limit: -1 },
  ])('takes %j', (body) => {
    expect(check(body)).toEqual([]);
  });

  it.each([
    [
      { kind: 'class', select: { stations: ['taocha', 'atlantis'] } },
      'select.stations[1]: there is no station "atlantis"',
    ],
    [{ kind: 'class', select: { areas: ['mars'] } }, 'select.areas[0]: no station has area "mars"'],
    [{ kind: 'class', select: { rivers: ['styx'] } }, 'select.rivers[0]: no station has river "styx"'],
    [
      { kind: 'class', select: { stations: [] } },
      'select.stations: an empty list selects nothing; leave it out to select all',
    ],
    [{ kind: 'class', select: { areas: ['shiyan'], targets: ['II'] } }, 'select: no station fits the whole selection'],
    [{ kind: 'class', select: { stations: ['outfall'] } }, 'target: none of the selected stations has a target class'],
    [{ kind: 'class', parameters: ['flux'] }, 'parameters[0]: there is no parameter "flux"'],
    [{ kind: 'class', parameters: ['w01019'] }, 'parameters[0]: there is no parameter "w01019"; write "codmn"'],
    [
      { kind: 'class', parameters: ['ph', 'level'] },
      'parameters[1]: gb3838-2002 has no class limit for level at these stations',
    ],
    [{ kind: 'class', parameters: ['tn'] }, 'parameters[0]: gb3838-2002 has no class limit for tn at these stations'],
    [{ kind: 'class', severity: {} }, 'severity: no class has a severity'],
    [
      { kind: 'class', clear: { margin: 0.3 } },
      'clear.margin: 0.3 leaves nothing of the range of ph: no value could clear',
    ],
    [
      { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, unit: 'm³/s' },
      'unit: "m³/s" can\'t be converted to mg/L, the unit of nh3n',
    ],
    [
      { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, unit: 'constructor' },
      'unit: "constructor" can\'t be converted to mg/L, the unit of nh3n',
    ],
  ])('refuses %j', (body, expected) => {
    expect(check(body)).toEqual([expected]);
  });

  it('takes a rule for all before there are stations, and still refuses names', () => {
    expect(check({ kind: 'class', select: { targets: ['II'] } }, registers({}))).toEqual([]);
    expect(check({ kind: 'class', select: { stations: ['weir'] } }, registers({}))).toEqual([
      'select.stations[0]: there is no station "weir"',
    ]);
  });

  it('selects by every list that is given', () => {
    const select = (selection: object) =>
      selectStations(
        rule.parse({ kind: 'quality', severity: 'minor', select: selection }),
        registers().list('station'),
      ).map(({ id }) => id);
    expect(select({})).toEqual(['outfall', 'taocha', 'weir']);
    expect(select({ targets: ['II', 'III'], areas: ['shiyan'] })).toEqual(['weir']);
    expect(select({ kinds: ['outfall'] })).toEqual(['outfall']);
    expect(select({ rivers: ['canal'] })).toEqual(['taocha']);
  });
});
