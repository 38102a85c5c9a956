/** A rule as a form: nothing of it is lost by being shown and put back. */
import { describe, expect, it } from 'vitest';
import {
  type Draft,
  emptyDraft,
  faultsAt,
  fieldsOf,
  KINDS,
  type Members,
  REST,
  toDraft,
  toRule,
} from '../../src/web/rules/members.ts';

const RULES: Members[] = [
  {
    id: 'class-target',
    kind: 'class',
    select: { stations: ['taocha', 'sihe-mouth'], targets: ['II'], tags: { owner: ['north', 'south'] } },
    parameters: ['nh3n'],
    target: 'station',
    severity: { III: 'minor', IV: 'major' },
    for: 'PT30M',
    clear: { margin: 0.05, for: 'PT1H' },
    steps: [{ after: 'PT2H', severity: 'critical' }],
    enabled: true,
  },
  {
    kind: 'threshold',
    parameters: ['chla', 'algae'],
    above: 26,
    unit: 'µg/L',
    severity: 'major',
    latch: true,
    calendar: { months: [5, 6], hours: ['22:00', '06:00'] },
    enabled: false,
  },
  { kind: 'threshold', parameters: ['ph'], outside: [6, 9], severity: 'minor' },
  // Strict limits are no breach of a field's.
  { kind: 'threshold', parameters: ['ph'], op: '<', limit: 9, severity: 'minor' },
  { kind: 'expression', when: 'nh3n > 0.8, do < 5', clear: { when: 'do > 6', for: 'PT0S' }, severity: 'critical' },
  // Names with commas are no list of a field's.
  { kind: 'quality', select: { areas: ['Shiyan, north'] }, severity: 'minor' },
  { kind: 'of-the-future', severity: 'minor', strength: 3 },
];

describe('a rule as a form', () => {
  it('comes back as it was, whatever fields can not express', () => {
    for (const rule of RULES) {
      const { id: _id, ...members } = rule;
      expect(toRule(toDraft({ ...rule, says: { zh: '', en: '' } }))).toEqual({ rule: members, faults: [] });
    }
  });

  it('says the breach where it was said what must hold', () => {
    const stored = { kind: 'threshold', parameters: ['turbidity'], limit: 30, severity: 'minor' };
    const { limit: _limit, ...others } = stored;
    expect(toRule(toDraft({ ...stored, op: '<=' })).rule).toEqual({ ...others, above: 30 });
    expect(toRule(toDraft({ ...stored, op: '>=' })).rule).toEqual({ ...others, below: 30 });
    expect(toDraft({ kind: 'threshold', outside: [6, 9] }).entries).toEqual({ outside: '6, 9' });
    for (const outside of ['6', '6, nine', '6, 7, 8']) {
      const draft: Draft = { kind: 'threshold', entries: { outside }, rest: '' };
      expect(toRule(draft).faults).toEqual([{ path: 'outside', message: 'notNumber' }]);
    }
  });

  it('shows what fields can express in them, and the rest as JSON', () => {
    const { entries, rest } = toDraft(RULES[0]!);
    expect(entries).toMatchObject({
      'select.stations': 'taocha, sihe-mouth',
      parameters: 'nh3n',
      for: 'PT30M',
      'clear.margin': '0.05',
      enabled: 'true',
    });
    expect(JSON.parse(rest)).toEqual({
      select: { targets: ['II'], tags: { owner: ['north', 'south'] } },
      severity: { III: 'minor', IV: 'major' },
      steps: [{ after: 'PT2H', severity: 'critical' }],
    });
    expect(toDraft({ kind: 'quality', severity: 'minor', select: {} }).rest).toBe('');
  });

  it('refuses what is no number, what is no JSON object, and what is said twice', () => {
    const draft: Draft = {
      kind: 'threshold',
      entries: { above: 'ten', for: 'PT5M' },
      rest: '{ "for": "PT1H" }',
    };
    expect(toRule(draft).faults).toEqual([
      { path: 'above', message: 'notNumber' },
      { path: 'for', message: 'saidTwice' },
    ]);
    for (const rest of ['[1]', '{', 'null', '3']) {
      expect(toRule({ ...emptyDraft('quality'), rest }).faults).toEqual([{ path: REST, message: 'notJson' }]);
    }
  });

  it('shows each fault at one place', () => {
    const faults = [
      { path: 'rule.select.stations[0]', message: 'no such station' },
      { path: 'limit', message: 'too far' },
      { path: 'steps[0].limit', message: 'never counts' },
      { path: 'rule', message: 'as a whole' },
    ];
    for (const kind of KINDS) {
      const shown = [...fieldsOf(kind).map(({ path }) => path), REST].flatMap((path) => faultsAt(path, faults, kind));
      expect(shown.map(({ message }) => message).sort(), kind).toEqual(faults.map(({ message }) => message).sort());
    }
    expect(faultsAt('select.stations', faults, 'threshold')).toEqual([faults[0]]);
    expect(faultsAt(REST, faults, 'rate')).toEqual([faults[2], faults[3]]);
  });
});
