/** Rules of kind `volume-balance` and `meter-disagreement`: what the canal loses, and meters of the same water. */
import { describe, expect, it } from 'vitest';
import {
  createPeriodRig,
  DAY,
  LATENESS,
  MIDNIGHT,
  type PeriodReading,
  type PeriodRig,
} from '#tests/helpers/alerts/period-rig.ts';
import { HOUR } from '#tests/helpers/alerts/rig.ts';

const D1 = MIDNIGHT;
const D2 = D1 + DAY;
const D3 = D2 + DAY;
const RULE = { kind: 'volume-balance', period: 'day', maxLossShare: 0.05, minLossShare: -0.02, severity: 'minor' };

/** What a register counts from `startMs` on, hour by hour: so many m³ an hour, for so many hours. */
function counted(
  station: string,
  startMs: number,
  perHour: number,
  { from = 0, hours = 24, parameter = 'register' } = {},
) {
  return Array.from({ length: hours + 1 }, (_, hour): PeriodReading => {
    return { station, parameter, timeMs: startMs + hour * HOUR, value: from + hour * perHour };
  });
}

/** Water comes in at `head` and is delivered at `tail`. */
function createCanalRig(tail: object = {}, rule: object = RULE): PeriodRig {
  return createPeriodRig()
    .put('station', 'head', { kind: 'canal-section', target: null, parameters: [] })
    .put('station', 'tail', { kind: 'offtake', target: null, parameters: [] })
    .put('meter', 'in', { station: 'head' })
    .put('meter', 'out', { station: 'tail', measures: 'delivery', recipient: 'beijing', ...tail })
    .put('rule', 'loss', rule);
}

describe('volume-balance', () => {
  it('alarms of the canal when the share that is lost leaves its bounds, and says what was counted', async () => {
    const rig = createCanalRig();
    await rig
      .at(D2)
      .message([...counted('head', D1, 1000), ...counted('tail', D1, 900)])
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toMatchObject([
      {
        key: 'loss/_canal/loss',
        station: '_canal',
        parameter: 'loss',
        severity: 'minor',
        state: 'raised',
        basis: 'day',
        breachStartMs: D1,
        raisedAtMs: D2,
        value: 0.1,
        unit: '1',
        op: '<=',
        limit: 0.05,
        class: null,
        multiple: null,
        detail: 'intake 24000 m3, deliveries 21600 m3, releases 0 m3, ecological supply 0 m3: loss 2400 m3',
      },
    ]);
    expect(rig.told()).toEqual(['raised loss/_canal/loss']);
  });

  it('alarms of more that goes out than came in, and of neither within the bounds', async () => {
    const rig = createCanalRig();
    await rig
      .at(D2)
      .message([...counted('head', D1, 1000), ...counted('tail', D1, 1030)])
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toMatchObject([{ value: -0.03, op: '>=', limit: -0.02 }]);
    const next = [
      ...counted('head', D2, 1000, { from: 24_000 }).slice(1),
      ...counted('tail', D2, 1000, { from: 24_720 }).slice(1),
    ];
    await rig
      .at(D3)
      .message(next)
      .pass(D3 + LATENESS);
    expect(rig.alarms()).toMatchObject([{ state: 'returned', clearedAtMs: D3 }]);
  });

  it('says nothing while hours are unknown, tells why in the log, and is judged once they are known', async () => {
    const rig = createCanalRig();
    await rig
      .at(D2)
      .message([...counted('head', D1, 1000), ...counted('tail', D1, 900, { hours: 12 })])
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toEqual([]);
    expect(rig.logged).toContainEqual({
      event: 'alerts.period-unknown',
      rule: 'loss',
      from: new Date(D1).toISOString(),
      to: new Date(D2).toISOString(),
      meters: ['out'],
      hours: 12,
    });
    await rig
      .at(D2 + 5 * HOUR)
      .message(counted('tail', D1 + 12 * HOUR, 900, { from: 10_800, hours: 13 }))
      .settle();
    expect(rig.alarms()).toMatchObject([{ state: 'raised', value: 0.1, raisedAtMs: D2 }]);
  });

  it('sets what a meter counts against what was taken in its travel time earlier, and waits for it', async () => {
    const rig = createCanalRig({ travelTime: 'P1D' });
    await rig
      .at(D2)
      .message(counted('head', D1, 1000))
      .pass(D2 + LATENESS);
    await rig
      .at(D3)
      .message(counted('tail', D2, 900))
      .pass(D3 + LATENESS - 1);
    expect(rig.alarms()).toEqual([]);
    await rig.pass(D3 + LATENESS);
    expect(rig.alarms()).toMatchObject([
      { breachStartMs: D1, raisedAtMs: D2, detectedAtMs: D3 + LATENESS, value: 0.1 },
    ]);
  });

  it('wants so many periods in a row, and is more severe further out', async () => {
    const rig = createCanalRig(
      {},
      { ...RULE, period: 'hour', periods: 3, steps: [{ limit: 0.2, severity: 'critical' }] },
    );
    const tail = [0, 900, 1800, 2400, 3100, 4100];
    for (const [hour, value] of tail.entries()) {
      const timeMs = D1 + hour * HOUR;
      const head = { station: 'head', parameter: 'register', timeMs, value: hour * 1000 };
      await rig.pass(timeMs);
      await rig.message([head, { ...head, station: 'tail', value }]).settle();
    }
    await rig.pass(D1 + 5 * HOUR + LATENESS);
    expect(rig.alarms()).toMatchObject([
      { basis: 'hour', breachStartMs: D1, raisedAtMs: D1 + 3 * HOUR, clearedAtMs: D1 + 5 * HOUR, severity: 'critical' },
    ]);
  });

  it('says nothing of a trickle', async () => {
    const rig = createCanalRig({}, { ...RULE, minIntake: 1000 });
    await rig
      .at(D2)
      .message([...counted('head', D1, 41), ...counted('tail', D1, 10)])
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toEqual([]);
  });

  it('is judged anew when a meter is put right', async () => {
    const rig = createCanalRig();
    await rig
      .at(D2)
      .message([...counted('head', D1, 1000), ...counted('tail', D1, 900)])
      .pass(D2 + LATENESS);
    await rig
      .put('meter', 'out', {
        station: 'tail',
        measures: 'delivery',
        recipient: 'beijing',
        to: new Date(D1).toISOString(),
      })
      .settle();
    expect(rig.alarms()).toMatchObject([{ state: 'raised' }]);
    await rig.remove('meter', 'in').settle();
    expect(rig.alarms()).toMatchObject([{ state: 'withdrawn' }]);
  });
});

describe('meter-disagreement', () => {
  const APART = { kind: 'meter-disagreement', period: 'day', maxShare: 0.02, severity: 'major' };
  const createPairRig = (rule: object = APART) =>
    createCanalRig({}, rule).put('meter', 'check', {
      station: 'tail',
      measures: 'delivery',
      parameter: 'flow',
      kind: 'flow',
    });

  const flow = (perHour: number) => counted('tail', D1, 0, { parameter: 'flow', from: perHour / 3600 });

  it('alarms of the meter that checks, with both in the detail', async () => {
    const rig = createPairRig();
    await rig
      .at(D2)
      .message([...counted('tail', D1, 900), ...flow(990)])
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toMatchObject([
      {
        key: 'loss/tail/flow/check',
        station: 'tail',
        parameter: 'flow',
        basis: 'day',
        state: 'raised',
        value: 0.1,
        unit: '1',
        op: '<=',
        limit: 0.02,
        detail: 'check 23760 m3, out 21600 m3: difference 2160 m3',
      },
    ]);
  });

  it('leaves alone what is little, in shares or in cubic metres', async () => {
    const rig = createPairRig({ ...APART, minDifference: 3000 });
    await rig
      .at(D2)
      .message([...counted('tail', D1, 900), ...flow(990)])
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toEqual([]);
  });

  it('follows late readings of either meter', async () => {
    const rig = createPairRig();
    await rig
      .at(D2)
      .message([...counted('tail', D1, 900), ...flow(990)])
      .pass(D2 + LATENESS);
    const correction = {
      station: 'tail',
      parameter: 'flow',
      fromMs: D1,
      toMs: D2 + 1,
      action: 'set',
      value: 0.25,
    } as const;
    await rig.command({ verb: 'correct', ...correction, reason: 'wrong factor' }).settle();
    expect(rig.alarms()).toMatchObject([{ state: 'withdrawn' }]);
  });

  it('compares no meter that is not in use', async () => {
    const rig = createPairRig().put('meter', 'check', {
      station: 'tail',
      measures: 'delivery',
      parameter: 'flow',
      kind: 'flow',
      from: new Date(D2).toISOString(),
    });
    await rig
      .at(D2)
      .message([...counted('tail', D1, 900), ...flow(990)])
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toEqual([]);
  });
});
