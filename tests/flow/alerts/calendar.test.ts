/** Rules that look at some times only: by the time of the readings, or, about silence, by the journal's clock. */
import { describe, expect, it } from 'vitest';
import { type AlertsRig, createAlertsRig, createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const AMMONIA = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 1, severity: 'minor' };

/** T0 is 08:00 in Shanghai, a Sunday. */
function createRig(ruleBody: object): AlertsRig {
  return createWeirRig({}, { enabled: false }).rule('rule', { ...AMMONIA, ...ruleBody });
}

const spans = (rig: AlertsRig) =>
  rig
    .alarms()
    .map(({ raisedAtMs, clearedAtMs, state }) => [
      state,
      (raisedAtMs - T0) / MINUTE,
      clearedAtMs === null ? null : (clearedAtMs - T0) / MINUTE,
    ]);

describe('readings', () => {
  it('outside of it neither raise nor hold; the first of them clears what stands, and says why', async () => {
    const rig = createRig({ calendar: { hours: ['08:30', '09:00'] }, for: 'PT10M' });
    for (let at = 0; at <= 75; at += 5) await rig.send({ at, value: 2 });
    expect(spans(rig)).toEqual([['returned', 40, 60]]);
    const { transitions } = rig.timeline(rig.alarms()[0]!.id);
    expect(transitions.at(-1)).toMatchObject({ event: 'returned', cause: "outside the rule's calendar" });
  });

  it('a hold that the calendar cuts off begins anew', async () => {
    const rig = createRig({ calendar: { hours: ['08:00', '08:10'] }, for: 'PT8M' });
    await rig.send({ at: 5, value: 2 }, { at: 10, value: 2 }, { at: 15, value: 2 });
    await rig.send({ at: 24 * 60, value: 2 });
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 24 * 60 + 8, value: 2 });
    expect(spans(rig)).toEqual([['raised', 24 * 60 + 8, null]]);
  });

  it('count by their own time, however late within lateness and in whatever order they arrive', async () => {
    const rig = createRig({ calendar: { hours: ['08:00', '08:30'] } });
    await rig.send({ at: 60, value: 2 });
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 20, value: 2 });
    expect(spans(rig)).toEqual([['returned', 20, 60]]);
    await rig.send({ at: 30, value: 2 });
    expect(spans(rig)).toEqual([['returned', 20, 30]]);
  });

  it('a latched alarm that the calendar clears waits for its reset all the same', async () => {
    const rig = createRig({ calendar: { hours: ['08:00', '08:30'] }, latch: true });
    await rig.send({ at: 20, value: 2 });
    await rig.send({ at: 30, value: 2 });
    expect(rig.alarms()[0]).toMatchObject({ state: 'returned', latched: true });
  });

  it('of before it opens are behind what a rule derives', async () => {
    const rig = createWeirRig({}, { enabled: false }).rule('rule', {
      kind: 'rate',
      parameters: ['nh3n'],
      severity: 'minor',
      limit: 2,
      over: 'PT30M',
      minSamples: 3,
      calendar: { hours: ['08:10', '09:00'] },
    });
    await rig.send({ at: 0, value: 0.1 });
    await rig.send({ at: 5, value: 1.1 });
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 10, value: 2.1 });
    expect(spans(rig)).toEqual([['raised', 10, null]]);
  });

  it('a late breach outside of it is no record', async () => {
    const rig = createRig({ calendar: { hours: ['08:00', '08:30'] } });
    await rig.at(600).send({ at: 45, value: 2 }, { at: 20, value: 2 });
    expect(rig.alarms().map(({ late, breachStartMs }) => [late, (breachStartMs - T0) / MINUTE])).toEqual([[true, 20]]);
  });
});

describe('silence', () => {
  /** A station that speaks each five minutes, and a rule that looks from 09:00 to 10:00. */
  function silentRig(): AlertsRig {
    const rig = createAlertsRig().station('weir');
    rig.command({ verb: 'put', noun: 'gateway', id: 'gw', body: { stations: ['weir'], passwordHash: '' } });
    return rig.rule('silent', { kind: 'missing', severity: 'minor', calendar: { hours: ['09:00', '10:00'] } });
  }

  /** Time goes on to the minute, with a tick for every timer that is due. */
  async function pass(rig: AlertsRig, minutes: number): Promise<void> {
    for (let count = 0; count < 2000; count++) {
      await rig.apply();
      const dueMs = rig.follower().nextTimerMs();
      if (dueMs === null || dueMs > T0 + minutes * MINUTE) break;
      await rig
        .at((dueMs - T0) / MINUTE)
        .tick()
        .apply();
    }
    await rig.at(minutes).tick().apply();
  }

  it('is looked for while the calendar is open; what was silent before has its time again', async () => {
    const rig = silentRig();
    await pass(rig, 60);
    expect(rig.alarms()).toEqual([]);
    await pass(rig, 74);
    expect(rig.alarms()).toEqual([]);
    await pass(rig, 75);
    expect(spans(rig)).toEqual([['raised', 75, null]]);
  });

  it('is cleared when it closes, and told anew when it opens again', async () => {
    const rig = silentRig();
    await pass(rig, 80);
    await pass(rig, 130);
    expect(spans(rig)).toEqual([['returned', 75, 120]]);
    expect(rig.timeline(rig.alarms()[0]!.id).transitions.at(-1)!.cause).toBe("outside the rule's calendar");
    await pass(rig, 25 * 60 + 15);
    expect(spans(rig)).toEqual([
      ['returned', 75, 120],
      ['raised', 25 * 60 + 15, null],
    ]);
  });

  it('is the same after restarts anywhere', async () => {
    const rig = silentRig();
    await pass(rig, 26 * 60);
    const again = createAlertsRig();
    again.seriesFor('weir', 'nh3n');
    again.append(...rig.entries);
    for (let n = 0; again.follower().cursor() < rig.entries.length; n++) {
      const from = again.follower().cursor();
      await again.follower().apply(rig.entries.slice(from, from + 7));
      if (n % 3 === 0) again.follower().checkpoint();
      again.restart();
    }
    expect(again.alarms()).toEqual(rig.alarms());
    expect(again.follower().nextTimerMs()).toBe(rig.follower().nextTimerMs());
  });

  it('no tick is needed but at its edges while it is closed', async () => {
    const rig = silentRig();
    await rig.apply();
    expect(rig.follower().nextTimerMs()).toBe(T0 + HOUR);
  });
});
