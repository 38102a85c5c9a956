import { describe, expect, it } from 'vitest';
import { checkRule, selectStations } from '#alerts/rules/rules.ts';
import { Control, type ControlVersion } from '#journal/registers.ts';
import { meter, rule, station } from '#model/register.ts';
import { reference } from '#tests/helpers/alerts/rig.ts';

const base = { name: { zh: '站', en: 'Station' }, kind: 'river-section', waterBody: 'river', parameters: [] };
const STATIONS: Record<string, object> = {
  taocha: { ...base, target: 'II', area: 'nanyang', river: 'canal' },
  weir: { ...base, target: 'III', area: 'shiyan' },
  outfall: { ...base, kind: 'outfall', target: null, tags: { owner: 'north' } },
  sonde: { ...base, target: 'II', river: 'han', parameters: [{ id: 'ph', interval: 'PT5M' }, { id: 'do' }] },
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

describe('checkRule of rules about closed periods', () => {
  const counting = (id: string, body: object): ControlVersion => {
    const whole = { parameter: 'register', kind: 'register', unit: 'm3', maxFlow: 420, ...body };
    return { noun: 'meter', id, seq: 1, atMs: 0, actor: 'test', body: meter.parse(whole) };
  };
  const metered = (...meters: ControlVersion[]) => {
    const stations = Object.entries(STATIONS).map(([id, body]): ControlVersion => {
      return { noun: 'station', id, seq: 1, atMs: 0, actor: 'test', body: station.parse(body) };
    });
    return new Control([...stations, ...meters]);
  };
  const intake = counting('in', { station: 'taocha', measures: 'intake' });
  const delivery = counting('out', { station: 'weir', measures: 'delivery' });
  const flow = counting('check', { station: 'weir', measures: 'delivery', parameter: 'flow', kind: 'flow' });
  const loss = { kind: 'volume-balance', period: 'day', maxLossShare: 0.05 };
  const apart = { kind: 'meter-disagreement', period: 'hour', maxShare: 0.02 };

  it.each([
    { kind: 'assessed', period: 'day' },
    { kind: 'assessed', period: 'month', target: 'III', parameters: ['nh3n'], severity: { IV: 'major' } },
    { ...loss, minLossShare: -0.01, steps: [{ limit: 0.1, severity: 'critical' }] },
    { ...apart, select: { stations: ['weir'] } },
  ])('takes %j', (body) => {
    expect(check(body, metered(intake, delivery, flow))).toEqual([]);
  });

  it.each([
    [
      { kind: 'assessed', period: 'day', parameters: ['nh3n', 'tn'] },
      "parameters[1]: tn is not one of the indicators that make a section's class",
    ],
    [{ kind: 'assessed', period: 'day', severity: {} }, 'severity: no class has a severity'],
    [
      { kind: 'assessed', period: 'day', target: 'II', select: { stations: ['outfall'] } },
      'target: none of the selected stations is a section with a target class',
    ],
    [{ ...loss, minLossShare: 0.05 }, 'minLossShare: 0.05 leaves nothing below maxLossShare, 0.05'],
    [
      { ...loss, select: { stations: ['weir'] } },
      'select: no meter of the selected stations measures intake, of which a loss would be a share',
    ],
    [
      { ...loss, select: { stations: ['taocha'] } },
      'select: every meter of the selected stations measures intake, so all of it would be lost',
    ],
    [
      { ...loss, steps: [{ limit: 0.01, severity: 'critical' }] },
      'steps[0].limit: 0.01 is reached before 0.05, the limit itself',
    ],
    [
      { ...apart, select: { stations: ['taocha'] } },
      'select: no meter of the selected stations has another one of the same water: a sister, or a register',
    ],
  ])('refuses %j', (body, fault) => {
    expect(check(body, metered(intake, delivery, flow))).toEqual([fault]);
  });
});

describe('checkRule', () => {
  it.each([
    { kind: 'class' },
    { kind: 'class', severity: { III: 'minor' }, select: { targets: ['II'] } },
    { kind: 'class', target: 'II', select: { stations: ['outfall'] } },
    { kind: 'class', parameters: ['ph', 'do', 'codmn'] },
    { kind: 'quality', select: { areas: ['shiyan'] } },
    { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 500, unit: 'µg/L' },
    { kind: 'threshold', parameters: ['level'], op: '>', limit: -1 },
    {
      kind: 'threshold',
      parameters: ['nh3n'],
      op: '<=',
      limit: 1,
      severity: 'minor',
      steps: [{ limit: 2, severity: 'major' }],
    },
    { kind: 'rate', parameters: ['nh3n'], limit: 100, unit: 'µg/L', steps: [{ after: 'PT1H', severity: 'critical' }] },
    { kind: 'flat-line', parameters: ['temp'], tolerance: 0.05, unit: '°F', over: 'PT6H' },
    { kind: 'expression', when: 'nh3n > 0.5 and do < 5', clear: { when: 'nh3n < 0.4' } },
    { kind: 'missing' },
    { kind: 'missing', select: { rivers: ['han'] }, parameters: ['ph'] },
    { kind: 'quality', select: { tags: { owner: ['north'] } } },
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
    [
      { kind: 'rate', parameters: ['nh3n'], limit: 1, unit: 'h' },
      'unit: "h" can\'t be converted to mg/L, the unit of nh3n',
    ],
    [{ kind: 'expression', when: 'nh3n > 0.5 adn do < 5' }, 'when: at character 12: "adn" is not expected here'],
    [
      { kind: 'expression', when: 'nh3n > 0.5 or w01009 < 5' },
      'when: at character 15: there is no parameter "w01009"; write "do"',
    ],
    [{ kind: 'expression', when: '1 < 2' }, 'when: it names no parameter, so it never changes'],
    [
      { kind: 'expression', when: 'do < 5', clear: { when: 'do' } },
      'clear.when: at character 1: a comparison such as "do < 5" is needed here, not a number',
    ],
    [{ kind: 'missing', parameters: ['ph', 'do'] }, 'parameters[1]: do has no interval at the selected stations'],
    [
      { kind: 'missing', select: { stations: ['weir'] } },
      'select: no parameter of the selected stations has an interval, so nothing is expected',
    ],
    [{ kind: 'quality', select: { tags: { owner: ['south'] } } }, 'select.tags.owner[0]: no station has owner "south"'],
    [{ kind: 'quality', select: { tags: { owner: [] } } }, 'select.tags.owner: an empty list selects nothing'],
    [
      { kind: 'quality', select: { tags: { owner: ['north'] }, areas: ['shiyan'] } },
      'select: no station fits the whole selection',
    ],
    [
      { kind: 'quality', steps: [{ after: 'PT1H', severity: 'minor' }] },
      'steps[0].severity: minor is not more severe than the rule without the step',
    ],
    [
      { kind: 'threshold', parameters: ['do'], op: '>=', limit: 5, steps: [{ limit: 6, severity: 'critical' }] },
      'steps[0].limit: 6 is reached before 5, the limit itself',
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
    expect(select({})).toEqual(['outfall', 'sonde', 'taocha', 'weir']);
    expect(select({ targets: ['II', 'III'], areas: ['shiyan'] })).toEqual(['weir']);
    expect(select({ kinds: ['outfall'] })).toEqual(['outfall']);
    expect(select({ rivers: ['canal'] })).toEqual(['taocha']);
    expect(select({ tags: { owner: ['north', 'south'] } })).toEqual(['outfall']);
    expect(select({ tags: { constructor: [''] } })).toEqual([]);
  });
});
