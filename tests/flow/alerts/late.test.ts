import { describe, expect, it } from 'vitest';
import { openRejudgedInbox } from '#readings/rejudged.ts';
import { createWeirRig, HOUR, MINUTE, T0 } from '#tests/helpers/alerts/rig.ts';

const DAY = 24 * 60;

/** A rig whose clock stands a day after T0, so that readings before hour 22 are late. */
const nextDay = (ruleBody = {}) => createWeirRig({}, ruleBody).at(DAY);

describe('late readings', () => {
  it('never page: a breach becomes a record and one digest per message and channel', async () => {
    const rig = nextDay();
    rig.message(
      ...[0, 5, 10].map((at) => ({ at, value: 0.8 })),
      { at: 15, value: 0.1 },
      { at: 0, parameter: 'do', value: 4 },
      ...[600, 605].map((at) => ({ at, value: 3 })),
    );
    await rig.apply();
    expect(
      rig
        .alarms()
        .map(({ key, state, late, breachStartMs, clearedAtMs, severity }) => [
          key,
          state,
          late,
          (breachStartMs - T0) / MINUTE,
          (clearedAtMs! - T0) / MINUTE,
          severity,
        ]),
    ).toEqual(
      expect.arrayContaining([
        ['class-target/weir/nh3n', 'cleared', true, 0, 15, 'minor'],
        ['class-target/weir/do', 'cleared', true, 0, 0, 'major'],
        ['class-target/weir/nh3n', 'cleared', true, 600, 605, 'critical'],
      ]),
    );
    expect(rig.story()).toEqual(Array(3).fill('late-found cleared'));
    expect(rig.notices()).toHaveLength(1);
    expect(rig.notices()[0]).toMatchObject({
      event: 'late-found',
      payload: { alarms: [{ late: true }, { late: true }, { late: true }] },
    });
    expect(rig.notices()[0]!.alarms).toHaveLength(3);
    const { transitions } = rig.timeline(rig.alarms()[0]!.id);
    expect(transitions[0]!.cause).toMatch(/found late by \d+ h/);
  });

  it('found beside a breach that pages leave that alarm its own name, also after a crash', async () => {
    const rig = nextDay();
    rig.message({ at: DAY - 5, value: 0.1 });
    await rig.apply();
    // What is read again after a crash must not meet what it has found itself.
    rig.message({ at: 0, value: 0.8 }, { at: DAY, value: 0.8 });
    await rig.apply();
    rig.restart().message({ at: DAY + 5, value: 0.1 });
    await rig.apply();
    expect(rig.story()).toEqual(['raised raised', 'late-found cleared', 'returned returned']);
    expect(rig.alarms().map(({ late, state }) => [late, state])).toEqual(
      expect.arrayContaining([
        [true, 'cleared'],
        [false, 'returned'],
      ]),
    );
  });

  it('extend the record that is there, in either direction, and tell nobody again', async () => {
    const rig = nextDay();
    for (const at of [60, 65, 55, 50, 70]) {
      rig.message({ at, value: 0.8 });
      await rig.restart().apply();
    }
    expect(rig.alarms()).toHaveLength(1);
    expect(rig.alarms()[0]).toMatchObject({
      breachStartMs: T0 + 50 * MINUTE,
      raisedAtMs: T0 + 50 * MINUTE,
      clearedAtMs: T0 + 70 * MINUTE,
    });
    expect(rig.notices()).toHaveLength(1);
    // Across a hole it is another one.
    rig.message({ at: 90, value: 0.8 });
    await rig.apply();
    expect(rig.alarms()).toHaveLength(2);
  });

  it('keep the worst value of the run', async () => {
    const rig = nextDay();
    rig.message({ at: 0, value: 0.8 }, { at: 5, value: 1.3 }, { at: 10, value: 0.9 });
    await rig.apply();
    expect(rig.alarms()[0]).toMatchObject({ value: 1.3, class: 'IV', severity: 'major' });
  });

  it('hold as long as the rule says', async () => {
    const rig = nextDay({ for: 'PT10M' });
    rig.message(
      { at: 0, value: 0.8 },
      { at: 5, value: 0.8 },
      { at: 8, value: 0.1 },
      { at: 30, value: 0.8 },
      { at: 40, value: 0.8 },
    );
    await rig.apply();
    expect(rig.alarms().map(({ breachStartMs, raisedAtMs }) => [breachStartMs - T0, raisedAtMs - T0])).toEqual([
      [30 * MINUTE, 40 * MINUTE],
    ]);
  });

  it('find nothing again that was alarmed when it happened', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.8 }, { at: 5, value: 0.8 });
    await rig.send({ at: 10, value: 0.1 });
    rig.at(DAY).message({ at: 0, value: 0.8, verdict: 'unsettled' }, { at: 5, value: 0.8, verdict: 'unsettled' });
    await rig.apply();
    expect(rig.alarms()).toHaveLength(1);
    expect(rig.story()).toEqual(['raised raised', 'returned returned']);
  });

  it('are late by more than the allowed lateness, not by all of it', async () => {
    const rig = createWeirRig();
    rig.at(120).message({ at: 0, value: 0.8 });
    await rig.apply();
    expect(rig.alarms()[0]).toMatchObject({ late: false, state: 'raised' });
    const late = createWeirRig();
    late.at(121).message({ at: 0, value: 0.8 });
    await late.apply();
    expect(late.alarms()[0]).toMatchObject({ late: true, state: 'cleared' });
  });

  it('page for the part of a backfill that is not late, with its own breach start', async () => {
    const rig = nextDay();
    rig.message(...Array.from({ length: 12 * 6 }, (_, n) => ({ at: DAY - 6 * 60 + n * 5, value: 0.8 })));
    await rig.apply();
    const [record, alarm] = rig.alarms();
    expect(record).toMatchObject({
      late: true,
      state: 'cleared',
      breachStartMs: T0 + 18 * HOUR,
      clearedAtMs: T0 + 22 * HOUR - 5 * MINUTE,
    });
    expect(alarm).toMatchObject({ late: false, state: 'raised', breachStartMs: T0 + 22 * HOUR });
    expect(
      rig
        .notices()
        .map(({ event }) => event)
        .sort(),
    ).toEqual(['late-found', 'raised']);
  });

  it('are withdrawn by a late correction of the only reading that they rest on', async () => {
    const rig = nextDay();
    rig.message({ at: 0, value: 8 }, { at: 30, value: 8 }, { at: 35, value: 8 });
    await rig.apply();
    rig.message({ at: 0, value: 0.08, verdict: 'correction' }, { at: 30, value: 0.08, verdict: 'correction' });
    await rig.apply();
    expect(rig.alarms().map(({ state }) => state)).toEqual(['withdrawn', 'cleared']);
  });

  it('become a record when a second look finds them good', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 8, flag: 3 }, { at: 5, value: 0.1 });
    const series = rig.seriesFor('weir', 'nh3n');
    await rig.at(190).tick().apply();
    openRejudgedInbox(rig.derived).put({ series, timeMs: T0, value: 8, flag: 1, deviceFlag: null });
    rig.follower().takeRejudged();
    expect(rig.alarms()[0]).toMatchObject({ late: true, state: 'cleared', value: 8 });
  });

  it('that go on after a record was withdrawn and the service restarted are a record of their own', async () => {
    const lived = async (isRestarted: boolean) => {
      const rig = await createWeirRig().apply();
      rig.message({ at: -200, value: 0.8 });
      await rig.apply();
      rig.message({ at: -200, value: 0.1, verdict: 'correction' });
      await rig.apply();
      if (isRestarted) rig.restart();
      rig.message({ at: -195, value: 0.8 });
      await rig.apply();
      return rig.alarms().map(({ id, state, breachStartMs }) => ({ id, state, breachStartMs }));
    };
    expect(await lived(true)).toEqual(await lived(false));
    expect(await lived(true)).toMatchObject([{ state: 'withdrawn' }, { state: 'cleared' }]);
  });

  it('of a year leave one record and one notice', async () => {
    const rig = createWeirRig().at(400 * DAY);
    for (let n = 0; n < 20; n++) {
      rig.message(...Array.from({ length: 5000 }, (_, m) => ({ at: (n * 5000 + m) * 5, value: 0.8 })));
    }
    await rig.apply(5);
    expect(rig.alarms()).toHaveLength(1);
    expect(rig.notices()).toHaveLength(1);
  });
});

describe('our own downtime', () => {
  it('makes no alarm', async () => {
    const rig = createWeirRig();
    await rig.send({ at: 0, value: 0.2 });
    rig.append({ kind: 'start', seq: rig.entries.length + 1, receivedMs: T0 + 500 * MINUTE, downSinceMs: T0 });
    await rig.restart().apply();
    expect(rig.alarms()).toEqual([]);
  });
});
