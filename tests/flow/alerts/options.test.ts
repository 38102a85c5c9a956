/** Options of rules: how long an alarm stands, how many breaches raise it, how severity goes up and down. Threads of pains.md. */
import { describe, expect, it } from 'vitest';
import { type AlertsRig, createWeirRig, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const AMMONIA = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, severity: 'minor' };

/** A rig whose only rule is this one. */
function createRig(ruleBody: object): AlertsRig {
  return createWeirRig({}, { enabled: false }).rule('rule', { ...AMMONIA, ...ruleBody });
}

/** One reading each five minutes. */
async function run(rig: AlertsRig, ...values: number[]): Promise<string[]> {
  const passed = (rig.nowMs() - T0) / MINUTE;
  const from = passed === 0 ? 0 : passed + 5;
  for (const [n, value] of values.entries()) await rig.send({ at: from + n * 5, value });
  return rig.changes.map(
    ({ transition, alarm }) => `${(transition.atMs - T0) / MINUTE} ${transition.event} ${alarm.severity}`,
  );
}

describe('pains C', () => {
  it('thingsboard#10590: an hour-old backlog that arrives in a second holds no longer than its readings say', async () => {
    const rig = createRig({ for: 'PT30M' });
    rig.at(60).message({ at: 0, value: 2 }, { at: 1, value: 2 }, { at: 2, value: 2 });
    await rig.apply();
    expect(rig.alarms()).toEqual([]);
    await rig.at(600).tick().apply();
    expect(rig.alarms()).toEqual([]);
  });

  it('hydroserver: a logger that posts once an hour has every reading looked at', async () => {
    const rig = createRig({});
    for (let hour = 1; hour <= 3; hour++) {
      rig.at(hour * 60);
      rig.message(...Array.from({ length: 12 }, (_, n) => ({ at: (hour - 1) * 60 + n * 5, value: n === 4 ? 2 : 0.1 })));
      await rig.apply();
    }
    expect(rig.alarms().map(({ raisedAtMs }) => (raisedAtMs - T0) / MINUTE)).toEqual([20, 80, 140]);
  });

  it('grafana#7886: what flaps is told once where `for` and keepFiringFor say so', async () => {
    const rig = createRig({ keepFiringFor: 'PT30M' });
    await run(rig, ...Array.from({ length: 48 }, (_, n) => (n % 3 === 0 ? 2 : 0.1)));
    expect(rig.story()).toEqual(['raised raised']);
  });

  it('grafana#6202: between limit and margin nothing clears', async () => {
    const rig = createRig({ clear: { margin: 0.2 } });
    expect(await run(rig, 1.1, 0.9, 0.85, 0.81, 0.8)).toEqual(['0 raised minor', '20 returned minor']);
  });

  it('thingsboard#10979: cleared if it has not happened for ten minutes', async () => {
    const rig = createRig({ keepFiringFor: 'PT10M' });
    expect(await run(rig, 2, 0.1, 2, 0.1, 0.1)).toEqual(['0 raised minor', '20 returned minor']);
  });

  it('thingsboard#11803: severity goes up after a time, down after another, and ends after a third', async () => {
    const rig = createRig({
      steps: [
        { after: 'PT10M', limit: 2, severity: 'critical' },
        { after: 'PT20M', severity: 'major' },
      ],
      stepDownFor: 'PT10M',
      clear: { for: 'PT15M' },
    });
    const told = await run(rig, 3, 3, 3, 1.5, 1.5, 1.5, 1.5, 0.1, 0.1, 0.1, 0.1);
    expect(told).toEqual([
      '0 raised minor',
      '10 severity-changed critical',
      '25 severity-changed major',
      '50 returned major',
    ]);
  });

  it('a limit further out is more severe at once, and less so at once without stepDownFor', async () => {
    const rig = createRig({ steps: [{ limit: 2, severity: 'major' }] });
    expect(await run(rig, 1.5, 2, 2.1, 1.9)).toEqual([
      '0 raised minor',
      '10 severity-changed major',
      '15 severity-changed minor',
    ]);
  });

  it('goalert#914: told only after three in a row, decided in the rule', async () => {
    const rig = createRig({ minSamples: 3 });
    expect(await run(rig, 2, 2, 0.1, 2, 2)).toEqual([]);
    expect(await run(rig, 2)).toEqual(['25 raised minor']);
    expect(rig.alarms()).toMatchObject([{ breachStartMs: T0 + 15 * MINUTE }]);
  });

  it('thingsboard#7811 and #15103: one alarm while it lasts, another for another event', async () => {
    const rig = createRig({});
    await run(rig, ...Array.from({ length: 30 }, () => 2));
    expect(rig.alarms()).toHaveLength(1);
    await run(rig, 0.1, 2);
    expect(rig.alarms().map(({ state }) => state)).toEqual(['returned', 'raised']);
  });

  it('thingsboard#7654: every transition says why', async () => {
    const rig = createRig({});
    await run(rig, 2, 0.1);
    expect(rig.changes.map(({ transition }) => transition.cause)).toEqual([
      '2 mg/L, must be <= 1 at 2026-11-22T00:00:00.000Z',
      'readings met the clearing condition at 2026-11-22T00:05:00.000Z',
    ]);
  });
});

describe('a change of a rule', () => {
  it('counts for what is journaled after it, whatever the times of readings', async () => {
    const rig = createRig({});
    await run(rig, 0.1, 0.1, 0.1);
    rig.rule('rule', { ...AMMONIA, limit: 0.05 });
    rig.message({ at: 7, value: 0.1 });
    await rig.apply();
    expect(rig.alarms()).toMatchObject([
      { breachStartMs: T0 + 7 * MINUTE, clearedAtMs: T0 + 10 * MINUTE, limit: 0.05 },
    ]);
  });
});
