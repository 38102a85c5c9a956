import { describe, expect, it } from 'vitest';
import { openRejudgedInbox } from '#readings/rejudged.ts';
import { transaction } from '#src/sqlite.ts';
import { createAlertsRig, createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

describe('a breach of the target class', () => {
  it('raises, tells and returns with the object of contracts §6', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.3 });
    await rig.send({ at: 5, value: 0.83 });
    const [alarm] = rig.alarms();
    expect(alarm).toMatchObject({
      key: 'class-target/weir/nh3n',
      severity: 'minor',
      state: 'raised',
      breachStartMs: T0 + 5 * MINUTE,
      raisedAtMs: T0 + 5 * MINUTE,
      detectedAtMs: T0 + 5 * MINUTE,
      value: 0.83,
      unit: 'mg/L',
      limit: 0.5,
      op: '<=',
      target: 'II',
      class: 'III',
      multiple: 0.66,
      basis: 'instantaneous',
      late: false,
      occurrences: 1,
      chattering: false,
      firstOut: null,
    });
    expect(alarm!.id).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    await rig.send({ at: 10, value: 0.48 });
    expect(rig.alarms()[0]!.state).toBe('raised');
    await rig.send({ at: 15, value: 0.475 });
    expect(rig.alarms()[0]).toMatchObject({ state: 'returned', clearedAtMs: T0 + 15 * MINUTE });
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'returned']);
    expect(rig.notices()[0]!.payload).toMatchObject({
      event: 'raised',
      alarm: { id: alarm!.id, state: 'raised', breachStart: '2026-11-22T00:05:00.000Z', clearedAt: null },
      url: `https://wells.example/#/alarms/${alarm!.id}`,
    });
  });

  it('does not flap between the limit and the margin', async () => {
    const rig = createWeirRig();
    for (let n = 0; n < 50; n++) await rig.send({ at: n * 5, value: n % 2 === 0 ? 0.51 : 0.49 });
    expect(rig.story()).toEqual(['raised raised']);
  });

  it('takes DO as a minimum and states no multiple', async () => {
    const rig = createWeirRig();
    await rig.send({ parameter: 'do', at: 0, value: 5.5 });
    expect(rig.alarms()[0]).toMatchObject({ op: '>=', limit: 6, class: 'III', multiple: null });
    await rig.send({ parameter: 'do', at: 5, value: 6.2 });
    expect(rig.story()).toEqual(['raised raised']);
    await rig.send({ parameter: 'do', at: 10, value: 6.31 });
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });

  it.each([
    { value: 9.2, op: '<=', limit: 9 },
    { value: 5.1, op: '>=', limit: 6 },
  ])('takes pH as a range: $value breaks $op $limit', async ({ value, op, limit }) => {
    const rig = createWeirRig();
    await rig.send({ parameter: 'ph', at: 0, value });
    expect(rig.alarms()[0]).toMatchObject({ op, limit, class: 'worse', severity: 'critical', multiple: null });
  });

  it('judges unrounded values, limits inclusive', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.5 }, { parameter: 'ph', at: 0, value: 9 }, { parameter: 'do', at: 0, value: 6 });
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 5, value: 0.5000001 });
    expect(rig.alarms()).toHaveLength(1);
  });

  it('changes severity with the class, both ways', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 5, value: 1.2 });
    await rig.send({ at: 10, value: 1.3 });
    await rig.send({ at: 15, value: 9 });
    expect(rig.alarms()[0]).toMatchObject({ severity: 'critical', class: 'worse', value: 9 });
    await rig.send({ at: 20, value: 0.7 });
    expect(rig.alarms()[0]).toMatchObject({ severity: 'minor', class: 'III', value: 0.7 });
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', ...Array(3).fill('severity-changed')]);
  });

  it('is silent about indicators outside the classification unless a rule names them', async () => {
    const rig = createAlertsRig()
      .station('lake', { waterBody: 'lake', kind: 'reservoir', parameters: [] })
      .rule('class-target', { kind: 'class', severity: 'major' })
      .rule('nitrogen', { kind: 'class', parameters: ['tn'], severity: 'minor' });
    await rig.send(
      { station: 'lake', parameter: 'tn', at: 0, value: 1.2 },
      { station: 'lake', parameter: 'tp', at: 0, value: 0.03 },
    );
    expect(
      rig
        .alarms()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['class-target/lake/tp', 'nitrogen/lake/tn']);
  });
});

describe('holding', () => {
  const held = () => createWeirRig({}, { for: 'PT10M', clear: { margin: 0, for: 'PT10M' } });

  it('is completed by a reading, never by time', async () => {
    const rig = held();
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 5, value: 0.8 });
    await rig.at(60).tick().apply();
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 11, value: 0.8 });
    expect(rig.alarms()[0]).toMatchObject({ breachStartMs: T0, raisedAtMs: T0 + 11 * MINUTE, detectedAtMs: T0 + HOUR });
  });

  it('is not held nor broken by flags 3, 4 and 9', async () => {
    const rig = held();
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 3, value: 0.1, flag: 3 }, { at: 6, value: 99, flag: 4 }, { at: 9, value: null });
    await rig.send({ at: 10, value: 0.8 });
    expect(rig.alarms()[0]).toMatchObject({ breachStartMs: T0, raisedAtMs: T0 + 10 * MINUTE, value: 0.8 });
  });

  it('ends in a hole of more than three intervals, unless it has raised', async () => {
    const rig = held();
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 16, value: 0.8 });
    expect(rig.alarms()).toEqual([]);
    await rig.send({ at: 31, value: 0.8 });
    expect(rig.alarms()[0]).toMatchObject({ breachStartMs: T0 + 16 * MINUTE });
    await rig.send({ at: 300, value: 0.8 });
    expect(rig.story()).toEqual(['raised raised']);
  });

  it('clears when every reading kept the margin for clear.for', async () => {
    const rig = held();
    for (const at of [0, 5, 10]) await rig.send({ at, value: 0.8 });
    await rig.send({ at: 15, value: 0.4 });
    await rig.send({ at: 20, value: 0.6 });
    await rig.send({ at: 25, value: 0.4 });
    await rig.send({ at: 30, value: 0.4 });
    expect(rig.alarms()[0]!.state).toBe('raised');
    await rig.send({ at: 35, value: 0.4 });
    expect(rig.alarms()[0]).toMatchObject({ state: 'returned', clearedAtMs: T0 + 35 * MINUTE });
  });

  it('goes on over a restart', async () => {
    const rig = held();
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 5, value: 0.8 });
    await rig.restart().send({ at: 10, value: 0.8 });
    expect(rig.alarms()[0]).toMatchObject({ breachStartMs: T0, raisedAtMs: T0 + 10 * MINUTE });
    await rig.restart().send({ at: 15, value: 0.4 });
    await rig.restart().send({ at: 25, value: 0.4 });
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
    expect(rig.notices()).toHaveLength(2);
  });
});

describe('better knowledge', () => {
  it('withdraws by an out-of-order reading, told to those who were told', async () => {
    const rig = createWeirRig({}, { for: 'PT10M' });
    await rig.send({ at: 0, value: 0.8 });
    await rig.send({ at: 10, value: 0.8 });
    await rig.send({ at: 5, value: 0.2 });
    expect(rig.story()).toEqual(['raised raised', 'withdrawn withdrawn']);
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'withdrawn']);
  });

  it('moves event times without a word', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 10, value: 0.8 });
    await rig.send({ at: 5, value: 0.8 });
    expect(rig.alarms()).toHaveLength(1);
    expect(rig.alarms()[0]).toMatchObject({ breachStartMs: T0 + 5 * MINUTE, raisedAtMs: T0 + 5 * MINUTE });
    expect(rig.story()).toEqual(['raised raised']);
  });

  it('withdraws by a correction from the gateway, and by an engineer', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 8 }, { at: 5, value: 0.2 });
    await rig.send({ at: 0, value: 0.08, verdict: 'correction' });
    expect(rig.alarms()[0]!.state).toBe('withdrawn');
    await rig.send({ at: 20, value: 8 });
    const span = { fromMs: T0 + 20 * MINUTE, toMs: T0 + 21 * MINUTE };
    await rig
      .command({
        verb: 'correct',
        station: 'weir',
        parameter: 'nh3n',
        ...span,
        action: 'delete',
        reason: 'probe in air',
      })
      .apply();
    expect(rig.alarms().map(({ state }) => state)).toEqual(['withdrawn', 'withdrawn']);
    const { transitions } = rig.timeline(rig.alarms()[1]!.id);
    expect(transitions.at(-1)!.cause).toContain('corrected by wang: probe in air');
  });

  it('withdraws what an engineer corrects long after, open or over', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 8 });
    await rig.send({ at: 5, value: 0.2 });
    for (let at = 10; at < 24 * 60; at += 5) await rig.send({ at, value: 0.2 });
    const correct = (from: number, to: number) =>
      rig.command({
        verb: 'correct',
        station: 'weir',
        parameter: 'nh3n',
        fromMs: T0 + from * MINUTE,
        toMs: T0 + to * MINUTE,
        action: 'flag',
        flag: 4,
        reason: 'calibration',
      });
    await correct(10, 20).apply();
    expect(rig.alarms()[0]!.state).toBe('returned');
    await correct(0, 3).apply();
    expect(rig.alarms()[0]!.state).toBe('withdrawn');
  });

  it('withdraws or confirms when a flag is judged anew, and survives a crash before it is told', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8, flag: 2 });
    await rig.send({ at: 5, value: 0.2 });
    await rig.send({ at: 10, value: 8 });
    const series = rig.seriesFor('weir', 'nh3n');
    transaction(rig.derived, () => {
      const inbox = openRejudgedInbox(rig.derived);
      inbox.put({ series, timeMs: T0, value: 0.8, flag: 1, deviceFlag: null });
      inbox.put({ series, timeMs: T0 + 10 * MINUTE, value: 8, flag: 4, deviceFlag: null });
    });
    await rig.restart().at(200).tick().apply();
    expect(rig.follower().takeRejudged()).toBe(false);
    expect(openRejudgedInbox(rig.derived).list(1)).toEqual([]);
    expect(rig.story().slice(-2)).toEqual(['confirmed returned', 'withdrawn withdrawn']);
    expect(rig.notices().map(({ event }) => event)).toEqual(['raised', 'returned', 'raised', 'confirmed', 'withdrawn']);
  });

  it('takes what was judged anew by batches, and leaves out what it can not digest', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 }, { at: 0, parameter: 'do', value: 4 });
    const inbox = openRejudgedInbox(rig.derived);
    const [lost, kept] = ['nh3n', 'do'].map((parameter) => rig.seriesFor('weir', parameter)) as [number, number];
    transaction(rig.derived, () => {
      inbox.put({ series: lost, timeMs: T0, value: 0.8, flag: 4, deviceFlag: null });
      for (let n = 0; n < 1000; n++) inbox.put({ series: kept, timeMs: T0, value: 4, flag: 1, deviceFlag: null });
    });
    // A fault of the program, which must not hold up the others: the lane knows an alarm that nobody kept.
    rig.derived.exec("DELETE FROM alarm WHERE key LIKE '%nh3n'");
    expect(rig.follower().takeRejudged()).toBe(true);
    expect(rig.story()).toEqual(['raised raised', 'raised raised', 'confirmed raised']);
    expect(rig.warnings).toMatchObject([{ fields: { event: 'alerts.rejudged-left-out', reading: { series: lost } } }]);
    expect(rig.follower().takeRejudged()).toBe(false);
    expect(inbox.list(1)).toEqual([]);
    expect(rig.story()).toHaveLength(3);
  });

  it('waits while the disk refuses derived.db, entries and what was judged anew alike', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    openRejudgedInbox(rig.derived).put({
      series: rig.seriesFor('weir', 'nh3n'),
      timeMs: T0,
      value: 0.8,
      flag: 4,
      deviceFlag: null,
    });
    rig.message({ at: 5, value: 0.1 });
    rig.derived.exec('PRAGMA query_only=ON');
    await expect(rig.apply()).rejects.toMatchObject({ retryable: true, code: 'journal.unwritable' });
    expect(rig.follower().takeRejudged()).toBe(false);
    expect(rig.warnings.map(({ fields }) => fields)).toMatchObject([{ event: 'alerts.rejudged-wait' }]);
    rig.derived.exec('PRAGMA query_only=OFF');
    await rig.apply();
    expect(rig.follower().takeRejudged()).toBe(false);
    expect(rig.story()).toEqual(['raised raised', 'returned returned', 'withdrawn withdrawn']);
  });

  it('counts a command for what is journaled after it', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    await rig.station('weir', { target: 'III', parameters: [{ id: 'nh3n', interval: 'PT5M' }] }).apply();
    expect(rig.alarms()[0]!.state).toBe('raised');
    await rig.send({ at: -5, value: 0.8 });
    expect(rig.alarms()[0]).toMatchObject({ state: 'raised', breachStartMs: T0 });
    await rig.restart().send({ at: 5, value: 0.8 });
    expect(rig.alarms()[0]).toMatchObject({ state: 'returned', clearedAtMs: T0 + 5 * MINUTE });
  });

  it.each([
    [
      'rule removed',
      (rig: ReturnType<typeof createWeirRig>) => rig.command({ verb: 'delete', noun: 'rule', id: 'class-target' }),
    ],
    [
      'station removed',
      (rig: ReturnType<typeof createWeirRig>) => rig.command({ verb: 'delete', noun: 'station', id: 'weir' }),
    ],
    [
      'rule disabled',
      (rig: ReturnType<typeof createWeirRig>) =>
        rig.rule('class-target', { kind: 'class', severity: 'major', enabled: false }),
    ],
    ['station changed', (rig: ReturnType<typeof createWeirRig>) => rig.station('weir', { target: null })],
  ])('withdraws with the cause "%s"', async (cause, change) => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 });
    await change(rig).apply();
    expect(rig.alarms()[0]!.state).toBe('withdrawn');
    expect(rig.timeline(rig.alarms()[0]!.id).transitions.at(-1)!.cause).toContain(cause);
    await rig.restart().send({ at: 5, value: 0.8 });
    expect(rig.alarms()).toHaveLength(1);
  });
});
