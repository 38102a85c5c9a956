/** Rules of kind `assessed`: the class of a closed day or month, judged as `GET /assessments` does. */
import { describe, expect, it } from 'vitest';
import { createPeriodRig, DAY, hourly, LATENESS, MIDNIGHT, type PeriodRig } from '#tests/helpers/alerts/period-rig.ts';
import { HOUR } from '#tests/helpers/alerts/rig.ts';

const D1 = MIDNIGHT;
const D2 = D1 + DAY;
const D3 = D2 + DAY;
const D4 = D3 + DAY;

const RULE = { kind: 'assessed', period: 'day', severity: { III: 'minor', IV: 'major', V: 'critical' } };

function createWeirRig(rule: object = RULE): PeriodRig {
  return createPeriodRig().put('station', 'weir', {}).put('rule', 'daily', rule);
}

/** Readings of a whole day, received at its end. */
const day = (rig: PeriodRig, startMs: number, value: number, hours = 24) =>
  rig.at(startMs + DAY - 1).message(hourly(startMs, value, { hours }));

const story = (rig: PeriodRig) => rig.changes.map(({ transition }) => transition.event);

describe('a day that misses its class', () => {
  it('is raised when the day closes, with the mean as compared, and says what it came from', async () => {
    const rig = day(createWeirRig(), D1, 0.8149);
    await rig.pass(D2 + LATENESS - 1);
    expect(rig.alarms()).toEqual([]);
    await rig.pass(D2 + LATENESS);
    expect(rig.alarms()).toMatchObject([
      {
        key: 'daily/weir/nh3n',
        rule: 'daily',
        station: 'weir',
        parameter: 'nh3n',
        severity: 'minor',
        state: 'raised',
        basis: 'day',
        breachStartMs: D1,
        raisedAtMs: D2,
        detectedAtMs: D2 + LATENESS,
        clearedAtMs: null,
        value: 0.81,
        unit: 'mg/L',
        op: '<=',
        limit: 0.5,
        target: 'II',
        class: 'III',
        multiple: 0.62,
        late: false,
        detail: 'mean 0.8149 mg/L of 24 readings, 100 % of those expected',
      },
    ]);
    expect(rig.told()).toEqual(['raised daily/weir/nh3n']);
    expect(rig.waiting()).toBe(0);
  });

  it('compares what reports compare: 0.505 is 0.50, which meets Class II', async () => {
    const rig = day(createWeirRig(), D1, 0.505);
    await rig.pass(D2 + LATENESS);
    expect(rig.alarms()).toEqual([]);
  });

  it('stands until a later valid day meets the target, and follows the class meanwhile', async () => {
    const rig = day(createWeirRig(), D1, 0.8);
    await rig.pass(D2 + LATENESS);
    // Too few readings to stand for the day, however good.
    await day(rig, D2, 0.1, 17).pass(D3 + LATENESS);
    expect(rig.alarms()).toMatchObject([{ state: 'raised', severity: 'minor', clearedAtMs: null }]);
    await day(rig, D3, 1.4).pass(D4 + LATENESS);
    expect(rig.alarms()).toMatchObject([{ state: 'raised', severity: 'major', value: 1.4, class: 'IV' }]);
    await day(rig, D4, 0.1, 18).pass(D4 + DAY + LATENESS);
    expect(rig.alarms()).toMatchObject([{ state: 'returned', breachStartMs: D1, clearedAtMs: D4 + DAY }]);
    expect(story(rig)).toEqual(['raised', 'severity-changed', 'returned']);
    expect(rig.changes.at(-1)!.transition.cause).toBe(
      'the day that ended at 2026-11-25T16:00:00.000Z was within the limits',
    );
  });

  it('says nothing of a day that is not valid, nor of one without a reading', async () => {
    const rig = day(createWeirRig(), D1, 5, 17);
    await rig.pass(D3 + LATENESS);
    expect(rig.alarms()).toEqual([]);
  });

  it('counts final flags: readings that turn out to have failed are in no mean', async () => {
    const rig = createWeirRig();
    // Beyond what the instrument can measure.
    await rig
      .at(D2 - 1)
      .message(hourly(D1, 9999))
      .pass(D2 + LATENESS);
    expect(rig.alarms()).toEqual([]);
  });
});

describe('late and corrected readings', () => {
  it('raise what was missed, while it is not too long ago', async () => {
    const rig = day(createWeirRig(), D1, 0.8, 17);
    await rig.pass(D2 + LATENESS);
    expect(rig.alarms()).toEqual([]);
    await rig
      .at(D2 + 20 * HOUR)
      .message(hourly(D1 + 17 * HOUR, 0.8, { hours: 7 }))
      .settle();
    expect(rig.alarms()).toMatchObject([{ state: 'raised', late: false, raisedAtMs: D2, value: 0.8 }]);
  });

  it('are a record and one digest beyond the allowed lateness and a day', async () => {
    const rig = createWeirRig();
    await rig.pass(D3 + DAY + 2 * LATENESS);
    await rig.message([...hourly(D1, 0.8), ...hourly(D2, 0.8)]).settle();
    expect(rig.alarms()).toMatchObject([{ state: 'cleared', late: true, breachStartMs: D1, clearedAtMs: D3 }]);
    expect(rig.told()).toEqual(['late-found daily/weir/nh3n']);
  });

  it('withdraw what does not hold, however long ago, and tell whoever was told', async () => {
    const rig = day(createWeirRig(), D1, 0.8);
    await rig.pass(D1 + 10 * DAY);
    const correction = { station: 'weir', parameter: 'nh3n', fromMs: D1, toMs: D2, action: 'set', value: 0.2 } as const;
    await rig.command({ verb: 'correct', ...correction, reason: 'wrong reagent' }).settle();
    expect(rig.alarms()).toMatchObject([{ state: 'withdrawn' }]);
    expect(rig.told()).toEqual(['raised daily/weir/nh3n', 'withdrawn daily/weir/nh3n']);
  });

  it('clear in between: one alarm becomes two', async () => {
    const rig = createWeirRig();
    for (const startMs of [D1, D2, D3]) day(rig, startMs, 0.8);
    await rig.pass(D4 + LATENESS);
    const correction = { station: 'weir', parameter: 'nh3n', fromMs: D2, toMs: D3, action: 'set', value: 0.2 } as const;
    await rig.command({ verb: 'correct', ...correction, reason: 'wrong reagent' }).settle();
    expect(rig.alarms()).toMatchObject([
      { state: 'returned', breachStartMs: D1, raisedAtMs: D2, clearedAtMs: D3 },
      { state: 'raised', breachStartMs: D3, raisedAtMs: D4, clearedAtMs: null },
    ]);
  });

  it('join: two alarms become one', async () => {
    const rig = createWeirRig();
    for (const [startMs, value] of [
      [D1, 0.8],
      [D2, 0.2],
      [D3, 0.8],
    ] as const)
      day(rig, startMs, value);
    await rig.pass(D4 + LATENESS);
    const correction = { station: 'weir', parameter: 'nh3n', fromMs: D2, toMs: D3, action: 'set', value: 0.9 } as const;
    await rig.command({ verb: 'correct', ...correction, reason: 'wrong reagent' }).settle();
    const standing = rig.alarms().filter(({ state }) => state !== 'withdrawn');
    expect(standing).toMatchObject([{ state: 'raised', breachStartMs: D1, raisedAtMs: D2, clearedAtMs: null }]);
    expect(rig.alarms()).toHaveLength(2);
  });

  it('are recorded and told to nobody when they are imported', async () => {
    const rig = createWeirRig();
    await rig.pass(D3);
    await rig.import([...hourly(D1 - 5 * DAY, 3), ...hourly(D1, 3)]).settle();
    expect(rig.alarms()).toMatchObject([
      { state: 'cleared', late: true, breachStartMs: D1 - 5 * DAY, clearedAtMs: D2 },
    ]);
    expect(rig.told()).toEqual([]);
  });

  it('put days into the inbox, not readings, and none without such a rule', async () => {
    const rig = createPeriodRig().put('station', 'weir', {});
    await rig.at(D4).message(hourly(D1, 3)).settle();
    expect(rig.waiting()).toBe(0);
    rig.put('rule', 'daily', RULE).at(D4 + HOUR);
    await rig.settle();
    rig.message(hourly(D1 + 1, 3));
    const { readings, books, readForBooks } = rig.followers();
    await readings.apply(rig.entries.slice(readings.cursor()));
    for (let seq = 0; seq < rig.entries.length; seq = books.cursor())
      await books.apply(readForBooks(books.cursor(), 10));
    expect(rig.waiting()).toBe(2);
  });
});

describe('a rule', () => {
  it('that is new judges from the next day that closes', async () => {
    const rig = createPeriodRig().put('station', 'weir', {});
    await day(day(rig, D1, 0.8), D2, 0.8).pass(D3);
    await rig
      .at(D3 + HOUR)
      .put('rule', 'daily', RULE)
      .pass(D3 + LATENESS);
    expect(rig.alarms()).toMatchObject([{ breachStartMs: D2, raisedAtMs: D3 }]);
  });

  it('that is disabled, deleted or about others withdraws, and begins anew when it is back', async () => {
    const rig = day(createWeirRig(), D1, 0.8);
    await rig.pass(D2 + LATENESS);
    await rig.put('rule', 'daily', { ...RULE, enabled: false }).settle();
    expect(rig.alarms()).toMatchObject([{ state: 'withdrawn' }]);
    expect(rig.changes.at(-1)!.transition).toMatchObject({ cause: 'rule disabled', actor: 'wang' });
    await day(rig.put('rule', 'daily', RULE), D2, 0.9).pass(D3 + LATENESS);
    expect(rig.alarms()).toMatchObject([{ state: 'withdrawn' }, { state: 'raised', breachStartMs: D2 }]);
    await rig.put('rule', 'daily', { ...RULE, parameters: ['codmn'] }).settle();
    expect(rig.alarms().map(({ state }) => state)).toEqual(['withdrawn', 'withdrawn']);
    await day(rig.put('rule', 'daily', RULE), D3, 0.9).pass(D4 + LATENESS);
    await rig.put('station', 'weir', { target: null }).settle();
    expect(rig.alarms().map(({ state }) => state)).toEqual(['withdrawn', 'withdrawn', 'withdrawn']);
  });

  it('about months is judged when the month closes by the clock, though nothing comes any more', async () => {
    const rig = createWeirRig({ kind: 'assessed', period: 'month', severity: 'major' });
    const firstMs = Date.UTC(2026, 10, 30, 16);
    for (let startMs = firstMs; startMs < firstMs + 27 * DAY; startMs += DAY) day(rig, startMs, 0.8);
    const nextMs = Date.UTC(2026, 11, 31, 16);
    await rig.pass(nextMs + LATENESS - 1);
    expect(rig.alarms()).toEqual([]);
    await rig.pass(nextMs + LATENESS);
    expect(rig.alarms()).toMatchObject([
      { basis: 'month', breachStartMs: firstMs, raisedAtMs: nextMs, state: 'raised' },
    ]);
  });

  it('judges days of zones that are off the UTC hours, too', async () => {
    const rig = createPeriodRig({ timeZone: 'Asia/Kolkata' }).put('station', 'weir', {}).put('rule', 'daily', RULE);
    const startMs = D1 + 2.5 * HOUR;
    await rig
      .at(startMs + DAY - 1)
      .message(hourly(startMs, 0.8))
      .pass(startMs + DAY + LATENESS + HOUR);
    expect(rig.alarms()).toMatchObject([{ breachStartMs: startMs, raisedAtMs: startMs + DAY }]);
  });
});
