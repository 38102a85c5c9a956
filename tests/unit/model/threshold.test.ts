/** The two ways of saying a threshold, what each demands, and how a rule is said back. */
import { describe, expect, it } from 'vitest';
import { checkRule } from '#alerts/rules/rules.ts';
import { saysOf } from '#alerts/rules/says.ts';
import { Control } from '#journal/registers.ts';
import { demandOf, isFurtherOut } from '#model/alarms/threshold.ts';
import { type Rule, rule, station } from '#model/register.ts';
import { createAlertsRig, reference } from '#tests/helpers/alerts/rig.ts';

const PARAMETERS = ['turbidity', 'ph', 'nh3n', 'do'];
const stations = ['a', 'b', 'c', 'd'].map((id) => ({
  id,
  body: station.parse({
    name: { zh: id, en: id },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    // The last one measures nothing of it, and reports nothing in time.
    parameters: id === 'd' ? [{ id: 'ec' }] : PARAMETERS.map((name) => ({ id: name, interval: 'PT5M' })),
  }),
}));
const control = new Control(
  stations.map(({ id, body }) => ({ noun: 'station', id, body, seq: 1, atMs: 0, actor: 'x' }) as const),
);
const parsed = (body: object): Rule => rule.parse({ severity: 'minor', ...body });
const threshold = (body: object) => parsed({ kind: 'threshold', parameters: ['turbidity'], ...body });
const faults = (body: object) =>
  checkRule(threshold(body), control, reference).map(({ code, path }) => `${code} ${path}`);
const says = (body: object) => saysOf(parsed(body), stations, reference);

describe('a threshold', () => {
  it.each([
    [{ above: 30 }, { op: '<=', value: 30 }],
    [
      { op: '<=', limit: 30 },
      { op: '<=', value: 30 },
    ],
    [{ below: 5 }, { op: '>=', value: 5 }],
    [{ outside: [6, 9] }, { op: 'range', value: [6, 9] }],
    [
      { op: '<', limit: 30 },
      { op: '<', value: 30 },
    ],
  ])('%o demands %o', (given, demand) => {
    const body = threshold(given);
    expect(demandOf(body as Rule & { kind: 'threshold' })).toEqual(demand);
    expect(checkRule(body, control, reference)).toEqual([]);
  });

  it.each([
    [{}, 'above'],
    [{ above: 30, op: '<=', limit: 30 }, 'limit'],
    [{ above: 30, limit: 30 }, 'limit'],
    [{ outside: [6, 9], op: '<=' }, 'op'],
    [{ above: 30, below: 5 }, 'below'],
    [{ op: '<=' }, 'limit'],
    [{ limit: 30 }, 'op'],
    [{ outside: [6, 6.1] }, 'clear.margin'],
  ])('%o is refused at %s', (given, path) => {
    expect(faults(given)).toEqual([`rule.invalid ${path}`]);
  });

  it('is refused as a range that ends before it begins', () => {
    expect(() => threshold({ outside: [9, 6] })).toThrow('the lower end first');
  });

  it.each([
    [{ above: 30 }, { above: 60 }, null],
    [{ above: 30 }, { limit: 60 }, null],
    [{ below: 5 }, { below: 2 }, null],
    [{ outside: [6, 9] }, { outside: [5, 10] }, null],
    [{ outside: [6, 9] }, { above: 10 }, null],
    [{ outside: [6, 9] }, { below: 5 }, null],
    [{ op: '>=', limit: 5 }, { limit: 2 }, null],
    [{ above: 30 }, { above: 20 }, 'steps[0].above'],
    [{ above: 30 }, { below: 60 }, 'steps[0].below'],
    [{ outside: [6, 9] }, { limit: 10 }, 'steps[0].limit'],
    [{ outside: [6, 9] }, { outside: [5, 8] }, 'steps[0].outside'],
    [{ above: 30 }, { above: 60, limit: 60 }, 'steps[0].limit'],
  ])('of %o has a step of %o: %s', (given, step, path) => {
    const expected = path === null ? [] : [`rule.invalid ${path}`];
    expect(faults({ ...given, steps: [{ ...step, severity: 'major' }] })).toEqual(expected);
  });

  it('is further out when whatever breaks it breaks the other', () => {
    expect(isFurtherOut({ op: '<=', value: 30 }, { op: '<=', value: 30 })).toBe(true);
    expect(isFurtherOut({ op: '>=', value: 30 }, { op: '<=', value: 30 })).toBe(false);
  });
});

describe('what it alarms on', () => {
  /** The values that alarm, of these, a fresh rig each. */
  async function alarming(body: object, values: readonly number[]): Promise<number[]> {
    const found: number[] = [];
    for (const value of values) {
      const rig = createAlertsRig()
        .station('weir')
        .rule('r', { kind: 'threshold', parameters: ['nh3n'], severity: 'minor', ...body });
      await rig.send({ at: 0, value });
      if (rig.alarms().length > 0) found.push(value);
    }
    return found;
  }

  it('is what lies beyond, not the limit itself', async () => {
    expect(await alarming({ above: 30 }, [3, 30, 30.1])).toEqual([30.1]);
    expect(await alarming({ op: '<=', limit: 30 }, [3, 30, 30.1])).toEqual([30.1]);
    expect(await alarming({ below: 5 }, [4.9, 5, 50])).toEqual([4.9]);
    expect(await alarming({ outside: [6, 9] }, [5.9, 6, 7, 9, 9.1])).toEqual([5.9, 9.1]);
    expect(await alarming({ outside: [6000, 9000], unit: 'µg/L' }, [5.9, 6, 9, 9.1])).toEqual([5.9, 9.1]);
  });

  it('is told with the side that was broken, and clears with the margin', async () => {
    const rig = createAlertsRig()
      .station('weir')
      .rule('r', {
        kind: 'threshold',
        parameters: ['nh3n'],
        outside: [6, 9],
        severity: 'minor',
        steps: [{ above: 10, severity: 'critical' }],
      });
    await rig.send({ at: 0, value: 5 });
    expect(rig.alarms()).toMatchObject([{ op: '>=', limit: 6, severity: 'minor' }]);
    await rig.send({ at: 5, value: 11 });
    expect(rig.alarms()).toMatchObject([{ op: '<=', limit: 9, severity: 'critical' }]);
    await rig.send({ at: 10, value: 8.9 });
    expect(rig.story().at(-1)).toBe('severity-changed raised');
    await rig.send({ at: 15, value: 7 });
    expect(rig.story().at(-1)).toBe('returned returned');
  });
});

describe('a rule says what it does', () => {
  it.each([
    [
      { kind: 'threshold', parameters: ['turbidity'], above: 30, for: 'PT10M' },
      'alarms when turbidity is above 30 NTU for 10 minutes at 3 stations',
      '3 个站点的浊度高于 30 NTU，持续 10 分钟时报警',
    ],
    [
      { kind: 'threshold', parameters: ['turbidity'], op: '>', limit: 30 },
      'alarms when turbidity is at or below 30 NTU at 3 stations',
      '3 个站点的浊度达到或低于 30 NTU 时报警',
    ],
    [
      {
        kind: 'threshold',
        parameters: ['ph', 'do'],
        outside: [6, 9],
        minSamples: 2,
        select: { stations: ['a'] },
        enabled: false,
      },
      'alarms when pH or dissolved oxygen (mg/L) is below 6 or above 9, 2 times in a row at 1 station (disabled)',
      '1 个站点的pH值或溶解氧（mg/L）低于 6 或高于 9，连续 2 次时报警（已停用）',
    ],
    [
      { kind: 'threshold', parameters: ['do', 'ph'], below: 1.5 },
      'alarms when dissolved oxygen (mg/L) or pH is below 1.5 at 3 stations',
      '3 个站点的溶解氧（mg/L）或pH值低于 1.5 时报警',
    ],
    [
      { kind: 'threshold', parameters: ['do', 'nh3n'], below: 1.5 },
      'alarms when dissolved oxygen or ammonia nitrogen is below 1.5 mg/L at 3 stations',
      '3 个站点的溶解氧或氨氮低于 1.5 mg/L 时报警',
    ],
    [
      { kind: 'class', for: 'PT1H30M' },
      "alarms when an indicator of water class is worse than its station's target class for 1 hour 30 minutes at 4 stations",
      '4 个站点的任一评价指标劣于该站目标类别，持续 1 小时 30 分钟时报警',
    ],
    [
      { kind: 'class', target: 'III', parameters: ['nh3n'] },
      'alarms when ammonia nitrogen is worse than Class III at 3 stations',
      '3 个站点的氨氮劣于Ⅲ类时报警',
    ],
    [
      { kind: 'quality' },
      "alarms when a sensor's readings are suspect or bad at 4 stations",
      '4 个站点的任一指标的数据可疑或不合格时报警',
    ],
    [
      { kind: 'rate', parameters: ['turbidity'], direction: 'rising', limit: 20, over: 'PT3H' },
      'alarms when turbidity rises by more than 20 NTU an hour over 3 hours at 3 stations',
      '3 个站点的浊度在 3 小时内上升超过每小时 20 NTU 时报警',
    ],
    [
      { kind: 'flat-line', parameters: ['ph'], tolerance: 0.005, over: 'PT12H' },
      'alarms when pH stays within 0.005 over 12 hours at 3 stations',
      '3 个站点的pH值在 12 小时内变化不超过 0.005 时报警',
    ],
    [
      { kind: 'expression', when: 'nh3n > 0.8 and do < 5', calendar: { months: [5] } },
      'alarms when "nh3n > 0.8 and do < 5" is true at 3 stations (in its calendar only)',
      '3 个站点的“nh3n > 0.8 and do < 5”成立时报警（仅在规定时段）',
    ],
    [
      { kind: 'missing' },
      'alarms when nothing is heard of what is expected for three intervals (at least 5 minutes) at 3 stations',
      '3 个站点的三个采样间隔（至少 5 分钟）内没有收到应有的数据时报警',
    ],
    [
      { kind: 'assessed', period: 'day' },
      "alarms when the mean of a day of an indicator of water class is worse than its station's target class at 4 stations",
      '4 个站点的任一评价指标一日的均值劣于该站目标类别时报警',
    ],
    [
      { kind: 'volume-balance', period: 'month', maxLossShare: 0.05, minLossShare: -0.01, periods: 2 },
      'alarms when the share of the intake lost over a month is above 5 % or below -1 %, 2 times in a row at 4 stations',
      '4 个站点的一月的水量损失率高于 5 %或低于 -1 %，连续 2 次时报警',
    ],
    [
      { kind: 'meter-disagreement', period: 'day', maxShare: 0.02 },
      'alarms when two meters of the same water differ by more than 2 % over a day at 4 stations',
      '4 个站点的同一水流的两个计量点一日水量相差超过 2 % 时报警',
    ],
  ])('%o', (body, en, zh) => {
    expect(says(body)).toEqual({ zh, en });
  });
});
