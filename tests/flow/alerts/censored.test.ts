/** A value that is only a limit of its instrument: its alarm says so, wherever it is told, kept and found again. */
import { describe, expect, it } from 'vitest';
import { composeMessage } from '#alerts/templates/message.ts';
import { plainText } from '#alerts/templates/render.ts';
import { alarm as alarmSchema } from '#api/alarms/schemas/alarms.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { type AlertsRig, createAlertsRig, createWeirRig, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

/** `do` has to be at least 5, and what its meter can't see is below 0.02. */
function airless(): AlertsRig {
  return createAlertsRig()
    .station('weir', { parameters: ['do'].map((id) => ({ id, interval: 'PT5M' })) })
    .rule('rule', { kind: 'threshold', parameters: ['do'], below: 5, severity: 'major' })
    .channel('hook', { kind: 'webhook', url: 'http://127.0.0.1:1/' })
    .routes({ channels: ['hook'] });
}

const below = { parameter: 'do', value: 0.02, censored: '<' } as const;
const above = { value: 4000, censored: '>' } as const;

describe('an alarm of a value that is only a limit', () => {
  it('says so of itself and of its worst, in the object and to people', async () => {
    const rig = await airless().send({ at: 0, ...below });
    const view = alarmView(rig.alarms()[0]!);
    expect(view).toMatchObject({ value: 0.02, censored: '<', worst: { value: 0.02, censored: '<' } });
    expect(alarmSchema.parse(view)).toMatchObject({ censored: '<', worst: { censored: '<' } });
    const [notice] = rig.notices();
    expect(notice!.payload).toMatchObject({ alarm: { value: 0.02, censored: '<' } });
    const said = { payload: JSON.stringify(notice!.payload) };
    expect(plainText(composeMessage(said, 'zh'))).toContain('监测值：＜ 0.02 mg/L\n');
    expect(plainText(composeMessage(said, 'en'))).toContain('Value: ＜ 0.02 mg/L\n');
    expect(composeMessage(said, 'zh').short).toContain('＜ 0.02 mg/L');
    expect(rig.timeline(rig.alarms()[0]!.id).transitions[0]!.cause).toContain('<0.02 mg/L, must be >= 5');
  });

  it('keeps it for its worst alone once values are measured again, and the other way round', async () => {
    const rig = await createWeirRig().send({ at: 0, value: 0.8 });
    await rig.send({ at: 5, ...above });
    expect(alarmView(rig.alarms()[0]!)).toMatchObject({ value: 4000, censored: '>', worst: { censored: '>' } });
    await rig.send({ at: 10, value: 0.8 });
    const { censored, worst } = alarmView(rig.alarms()[0]!);
    expect([censored, worst]).toEqual([
      undefined,
      { value: 4000, censored: '>', class: 'worse', severity: 'critical', at: new Date(T0 + 5 * MINUTE).toISOString() },
    ]);
  });

  it('has nothing of the kind where values are measured as they stand', async () => {
    const rig = await createWeirRig().send({ at: 0, value: 0.8 });
    expect(Object.keys(alarmView(rig.alarms()[0]!))).not.toContain('censored');
    rig.follower().checkpoint();
    expect(rig.derived.prepare('SELECT count(*) > 0 AS n FROM alertLane').get()).toEqual({ n: 1 });
    expect(rig.derived.prepare('SELECT count(*) AS n FROM alertLane WHERE body LIKE ?').get('%censored%')).toEqual({
      n: 0,
    });
  });

  it('is the same after a restart, out of order, and when the same number comes as a measurement', async () => {
    const rig = await airless().send({ at: 10, ...below });
    await rig.send({ at: 5, ...below });
    rig.follower().checkpoint();
    await rig.restart().send({ at: 15, parameter: 'do', value: 0.02 });
    const [alarm] = rig.alarms();
    expect(alarm).toMatchObject({ value: 0.02, censored: '<', breachStartMs: T0 + 5 * MINUTE });
    await rig.send({ at: 5, parameter: 'do', value: 0.02, verdict: 'correction' });
    expect(rig.alarms()[0]!.censored).toBeUndefined();
    expect(rig.alarms()[0]!.worst!.censored).toBeUndefined();
  });

  it('is found late as such', async () => {
    const rig = await airless()
      .at(600)
      .send({ at: 0, ...below });
    expect(rig.alarms()).toMatchObject([{ late: true, value: 0.02, censored: '<', worst: { censored: '<' } }]);
  });
});
