/** Rules that derive something from several readings: rate, flat-line, expression. */
import { describe, expect, it } from 'vitest';
import { type AlertsRig, createAlertsRig, MINUTE, type Sent, T0 } from '#tests/helpers/alerts/rig.ts';

function createRig(ruleBody: Record<string, unknown>): AlertsRig {
  const parameters = ['nh3n', 'do', 'ph'].map((id) => ({ id, interval: 'PT5M' }));
  return createAlertsRig()
    .station('weir', { parameters })
    .rule('rule', { severity: 'major', ...ruleBody })
    .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
    .routes({ channels: ['hook'] });
}

/** Values each five minutes from `from` on, one message each. */
async function run(
  rig: AlertsRig,
  parameter: string,
  from: number,
  values: (number | null)[],
  more: Partial<Sent> = {},
) {
  for (const [n, value] of values.entries()) {
    if (value !== null) await rig.send({ parameter, at: from + n * 5, value, ...more });
  }
}

const standing = (rig: AlertsRig) => rig.alarms().filter(({ state }) => state === 'raised' || state === 'acknowledged');

const RISING = { kind: 'rate', parameters: ['nh3n'], direction: 'rising', limit: 1, over: 'PT30M', minSamples: 3 };

describe('a rule of kind rate', () => {
  it('raises on the slope of the readings in `over`, with what it saw', async () => {
    const rig = createRig(RISING);
    await run(rig, 'nh3n', 0, [0.1, 0.1, 0.1, 0.3, 0.5]);
    expect(standing(rig)).toMatchObject([
      {
        key: 'rule/weir/nh3n',
        raisedAtMs: T0 + 20 * MINUTE,
        value: 1.2,
        unit: 'mg/L/h',
        op: '<=',
        limit: 1,
        multiple: null,
        detail: 'from 0.1 to 0.5 in 20 min (5 readings)',
      },
    ]);
    await run(rig, 'nh3n', 25, [0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });

  it('needs its samples, and takes both directions unless it is told one', async () => {
    const either = createRig({ ...RISING, direction: 'either', unit: 'µg/L', limit: 1000 });
    await run(either, 'nh3n', 0, [2, 1]);
    expect(standing(either)).toEqual([]);
    await run(either, 'nh3n', 10, [0.5]);
    expect(standing(either)).toMatchObject([{ value: -9, op: '>=', limit: -1 }]);
    const falling = createRig({ ...RISING, direction: 'falling' });
    await run(falling, 'nh3n', 0, [1, 2, 3, 4]);
    expect(falling.alarms()).toEqual([]);
  });

  it('a suspect or failed reading never raises a water alarm (invariant 6)', async () => {
    const rig = createRig(RISING);
    await run(rig, 'nh3n', 0, [0.1, 0.1, 0.1]);
    await run(rig, 'nh3n', 15, [9, 9, 9], { flag: 3 });
    await run(rig, 'nh3n', 30, [0.1]);
    expect(rig.alarms()).toEqual([]);
  });

  it('an out-of-order reading withdraws what it disproves, and raises what it proves', async () => {
    const rig = createRig({ ...RISING, limit: 1.5 });
    await run(rig, 'nh3n', 0, [0.1, 0.1, null, null, null, 0.7]);
    expect(standing(rig)).toMatchObject([{ raisedAtMs: T0 + 25 * MINUTE, value: 1.54285714286 }]);
    await rig.send({ at: 20, value: 0.2 });
    expect(standing(rig)).toEqual([]);
    expect(rig.story()).toEqual(['raised raised', 'withdrawn withdrawn']);
    await rig.send({ at: 19, value: 0 }, { at: 25, value: 1.7, verdict: 'correction' });
    expect(standing(rig)).toMatchObject([{ raisedAtMs: T0 + 25 * MINUTE }]);
  });

  it('a correction withdraws it', async () => {
    const rig = createRig(RISING);
    await run(rig, 'nh3n', 0, [0.1, 0.1, 0.1, 3]);
    rig.command({
      verb: 'correct',
      station: 'weir',
      parameter: 'nh3n',
      fromMs: T0 + 15 * MINUTE,
      toMs: T0 + 16 * MINUTE,
      action: 'set',
      value: 0.1,
      reason: 'sample bottle',
    });
    await rig.apply();
    expect(rig.story()).toEqual(['raised raised', 'withdrawn withdrawn']);
  });

  it('found in late readings it is a record', async () => {
    const rig = createRig(RISING);
    rig.at(600).message(...[0.1, 0.1, 0.1, 3, 3.1].map((value, n) => ({ at: n * 5, value })));
    await rig.apply();
    expect(rig.alarms()).toMatchObject([{ state: 'cleared', late: true, breachStartMs: T0 + 15 * MINUTE }]);
    expect(rig.notices().map(({ event }) => event)).toEqual(['late-found']);
  });

  it('goes on after a restart as if there had been none', async () => {
    const rig = createRig(RISING);
    await run(rig, 'nh3n', 0, [0.1, 0.1, 0.1, 0.3]);
    rig.follower().checkpoint();
    rig.restart();
    await run(rig, 'nh3n', 20, [0.5, 0.5]);
    rig.restart();
    await run(rig, 'nh3n', 30, [0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });
});

const FLAT = { kind: 'flat-line', parameters: ['ph'], tolerance: 0.02, over: 'PT30M' };

describe('a rule of kind flat-line', () => {
  it('raises when nothing moved beyond the tolerance for all of `over`, and clears at the first move', async () => {
    const rig = createRig(FLAT);
    await run(rig, 'ph', 0, [7.1, 7.31, 7.32, 7.31, 7.3, 7.31, 7.31]);
    expect(rig.alarms()).toEqual([]);
    await run(rig, 'ph', 35, [7.31]);
    expect(standing(rig)).toMatchObject([
      {
        raisedAtMs: T0 + 35 * MINUTE,
        value: 0.02,
        limit: 0.02,
        op: '>',
        detail: '7.3 to 7.32 pH since 2026-11-22T00:05:00.000Z (7 readings)',
      },
    ]);
    await run(rig, 'ph', 40, [7.4]);
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });

  it('says nothing across a hole, in which it may have moved', async () => {
    const rig = createRig(FLAT);
    await run(rig, 'ph', 0, [7, 7, 7, 7, null, null, null, 7, 7, 7, 7, 7]);
    expect(rig.alarms()).toEqual([]);
  });

  it('is about the sensor: also in suspect readings, and not under a maintenance letter', async () => {
    const suspect = createRig(FLAT);
    await run(suspect, 'ph', 0, [7, 7, 7, 7, 7, 7, 7], { flag: 3 });
    expect(standing(suspect)).toHaveLength(1);
    const served = createRig(FLAT);
    await run(served, 'ph', 0, [7, 7, 7, 7, 7, 7, 7], { flag: 4, deviceFlag: 'M' });
    expect(served.alarms()).toEqual([]);
    const water = createRig({ ...FLAT, concerns: 'water' });
    await run(water, 'ph', 0, [7, 7, 7, 7, 7, 7, 7], { flag: 3 });
    expect(water.alarms()).toEqual([]);
  });
});

const SEWAGE = { kind: 'expression', when: 'nh3n > 0.8 and do < 5' };

describe('a rule of kind expression', () => {
  const both = (at: number, nh3n: number, oxygen: number): Sent[] => [
    { at, value: nh3n },
    { at, parameter: 'do', value: oxygen },
  ];

  it('is judged on the newest values of one station, with what it was true of', async () => {
    const rig = createRig(SEWAGE);
    await rig.send({ at: 0, value: 0.9 });
    await rig.send({ at: 3, parameter: 'do', value: 4 });
    expect(standing(rig)).toMatchObject([
      {
        key: 'rule/weir/_station',
        parameter: '_station',
        raisedAtMs: T0 + 3 * MINUTE,
        value: null,
        limit: null,
        detail: 'nh3n > 0.8 and do < 5: nh3n 0.9 mg/L, do 4 mg/L',
      },
    ]);
    await rig.send({ at: 6, parameter: 'do', value: 6 });
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });

  it('does not mix values that came together with those before', async () => {
    const rig = createRig(SEWAGE);
    await rig.send(...both(0, 0.1, 4));
    await rig.send(...both(5, 0.9, 7));
    await rig.send(...both(10, 0.1, 4));
    expect(rig.alarms()).toEqual([]);
  });

  it('takes no value older than three intervals', async () => {
    const rig = createRig(SEWAGE);
    await rig.send({ at: 0, value: 0.9 });
    await rig.send({ at: 16, parameter: 'do', value: 4 });
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 14, value: 0.9 });
    expect(standing(rig)).toMatchObject([{ raisedAtMs: T0 + 16 * MINUTE }]);
  });

  it('clears by a condition of its own, where it has one', async () => {
    const rig = createRig({ ...SEWAGE, clear: { when: 'nh3n < 0.5', for: 'PT5M' } });
    await rig.send(...both(0, 0.9, 4));
    await rig.send(...both(5, 0.7, 7));
    await rig.send(...both(10, 0.4, 7));
    expect(rig.story()).toEqual(['raised raised']);
    await rig.send(...both(15, 0.4, 7));
    expect(rig.alarms()).toMatchObject([{ state: 'returned', clearedAtMs: T0 + 15 * MINUTE }]);
  });

  it('each station for itself, also two in one message', async () => {
    const rig = createRig(SEWAGE).station('ford', { parameters: [{ id: 'nh3n', interval: 'PT5M' }] });
    await rig.send(...both(0, 0.9, 4), ...both(0, 0.9, 4).map((one) => ({ ...one, station: 'ford' })));
    expect(
      standing(rig)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['rule/ford/_station', 'rule/weir/_station']);
    expect(new Set(standing(rig).map(({ id }) => id)).size).toBe(2);
  });

  it('another expression in its place counts for what comes after it, and only for that', async () => {
    const rig = createRig(SEWAGE);
    await rig.send(...both(0, 0.9, 7));
    rig.rule('rule', { kind: 'expression', severity: 'major', when: 'do > 6' });
    await rig.apply();
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 5, parameter: 'do', value: 7 });
    expect(standing(rig)).toMatchObject([{ raisedAtMs: T0 + 5 * MINUTE }]);
    rig.rule('rule', { kind: 'quality', severity: 'major' });
    await rig.apply();
    expect(rig.alarms()).toMatchObject([{ state: 'withdrawn' }]);
  });

  it('found late it is a record', async () => {
    const rig = createRig(SEWAGE);
    rig.at(600).message(...both(0, 0.9, 4), ...both(5, 0.9, 4), ...both(10, 0.1, 8));
    await rig.apply();
    expect(rig.alarms()).toMatchObject([{ late: true, breachStartMs: T0, clearedAtMs: T0 + 10 * MINUTE }]);
  });

  it('goes on after a restart', async () => {
    const rig = createRig({ ...SEWAGE, for: 'PT10M' });
    await rig.send(...both(0, 0.9, 4));
    rig.follower().checkpoint();
    rig.restart();
    await rig.send({ at: 5, value: 0.9 });
    rig.restart();
    await rig.send({ at: 10, value: 0.9 });
    expect(standing(rig)).toMatchObject([{ breachStartMs: T0, raisedAtMs: T0 + 10 * MINUTE }]);
  });
});
