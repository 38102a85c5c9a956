/** Rehearsing a rule over stored readings: the alarms that the service would have raised, and what is said of them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRehearsable, type Rehearsal, rehearse, whyNotRehearsable } from '#alerts/looking-back/rehearse.ts';
import { openDerived } from '#installation/derived.ts';
import type { ControlVersion } from '#journal/registers.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Flag } from '#model/flag.ts';
import type { Noun } from '#model/noun.ts';
import type { Series } from '#model/reading.ts';
import { type Rule, rule as ruleSchema, station as stationSchema } from '#model/register.ts';
import { readingsInOrder } from '#readings/in-order.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import { play } from '#src/rule-tests/play.ts';
import { HOUR, MINUTE, reference, standard, T0 } from '#tests/helpers/alerts/rig.ts';
import { anAlarm } from '#tests/helpers/api.ts';

const STATIONS = ['lock', 'weir'];
const PARAMETERS = ['nh3n', 'do'];
const SERIES: Series[] = STATIONS.flatMap((name, n) =>
  PARAMETERS.map((parameter, m) => ({ id: n * PARAMETERS.length + m + 1, station: name, parameter })),
);
const station = stationSchema.parse({
  name: { zh: '站', en: 'Station' },
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  area: 'shiyan',
  parameters: PARAMETERS.map((id) => ({ id, interval: 'PT5M' })),
});
const AMMONIA = { kind: 'threshold', parameters: ['nh3n'], op: '<=', limit: 0.5, severity: 'minor' };

const put = (noun: Noun, id: string, body: unknown): ControlVersion => ({
  noun,
  id,
  seq: 1,
  atMs: T0,
  actor: 'test',
  body,
});
const registers = STATIONS.map((id) => put('station', id, station));

interface Taken {
  series: number;
  /** Minutes after T0. */
  at: number;
  value: number | null;
  flag?: Flag;
}

interface Given {
  rule?: object;
  readings?: readonly Taken[];
  present?: Alarm[] | null;
  from?: number;
  to?: number;
  more?: ControlVersion[];
  limits?: { readings: number; alarms: number };
}

async function rehearsed({ rule = AMMONIA, readings = [], present = null, from = 0, to = 600, ...rest }: Given) {
  const store = new MemoryReadings();
  await store.write(
    readings.map(({ series, at, value, flag }) => ({
      series,
      timeMs: T0 + at * MINUTE,
      value,
      flag: flag ?? (value === null ? 9 : 1),
      deviceFlag: null,
    })),
  );
  const rehearsal = {
    rule: ruleSchema.parse(rule),
    replaces: present && 'ammonia',
    fromMs: T0 + from * MINUTE,
    toMs: T0 + to * MINUTE,
  } as Rehearsal;
  return rehearse(rehearsal, {
    openDerived: () => openDerived(':memory:'),
    registers: [...registers, ...(rest.more ?? [])],
    series: SERIES,
    store,
    reference,
    standard,
    allowedLatenessMs: 2 * HOUR,
    timeZone: 'UTC',
    alarmsOf: () => present ?? [],
    ...(rest.limits ? { limits: rest.limits } : {}),
  });
}

/** Every five minutes from `at` on, of ammonia at `lock`. */
const every5 = (at: number, ...values: (number | null)[]): Taken[] =>
  values.map((value, n) => ({ series: 1, at: at + n * 5, value }));
const minutes = (timeMs: number | null) => (timeMs === null ? null : (timeMs - T0) / MINUTE);
const spans = (alarms: readonly Alarm[]) =>
  alarms.map((alarm) => [minutes(alarm.breachStartMs), minutes(alarm.raisedAtMs), minutes(alarm.clearedAtMs)]);

describe('a rehearsal', () => {
  it('raises what the service would have raised, under names of its own', async () => {
    const { alarms, ...figures } = await rehearsed({
      rule: { ...AMMONIA, for: 'PT10M' },
      readings: every5(10, 0.2, 0.61, 0.58, 0.66, 0.4, 0.7, 0.2),
    });
    expect(spans(alarms)).toEqual([[15, 25, 30]]);
    expect(alarms[0]).toMatchObject({ value: 0.66, limit: 0.5, state: 'returned', late: false });
    expect(alarms[0]!.id).toMatch(/^rehearsed-/);
    expect(figures).toMatchObject({
      count: 1,
      cleared: 1,
      standing: 0,
      stoodMinutes: { median: 5, max: 5 },
      bySeverity: { minor: 1, major: 0, critical: 0 },
      byStation: [{ station: 'lock', count: 1 }],
      series: 2,
      readings: 7,
      minutesInFlood: 0,
      comparison: null,
    });
  });

  it('tells how much of the past was in breach', async () => {
    const readings = every5(-10, 9, 9, 0.2, 0.61, 0.58, 0.2);
    expect(await rehearsed({ readings })).toMatchObject({ judged: 4, breaches: 2 });
    expect(await rehearsed({ rule: { ...AMMONIA, op: '>' }, readings })).toMatchObject({ judged: 4, breaches: 2 });
    const rate = { kind: 'rate', parameters: ['nh3n'], limit: 1, minSamples: 2, over: 'PT5M', severity: 'minor' };
    expect(await rehearsed({ rule: rate, readings })).toMatchObject({ judged: 4, breaches: 3 });
    expect(await rehearsed({ readings: [] })).toMatchObject({ judged: 0, breaches: 0 });
  });

  it('looks back, so that a hold is right at the start of the range', async () => {
    const readings = every5(-30, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6);
    const rule = { ...AMMONIA, for: 'PT35M' };
    expect(spans((await rehearsed({ rule, readings })).alarms)).toEqual([[-30, 5, null]]);
    // What is raised before the range isn't the range's.
    expect((await rehearsed({ rule: AMMONIA, readings })).count).toBe(0);
  });

  it('judges what was measured together together', async () => {
    const rule = { kind: 'expression', when: 'nh3n > 0.5 and do < 5', severity: 'major' };
    const readings: Taken[] = [
      { series: 1, at: 0, value: 0.6 },
      { series: 2, at: 0, value: 4 },
      { series: 1, at: 5, value: 0.4 },
      { series: 2, at: 5, value: 4 },
    ];
    expect(spans((await rehearsed({ rule, readings })).alarms)).toEqual([[0, 0, 5]]);
  });

  it('judges by the flags that stand: what turned out to be a spike raises nothing, and a sensor alarm', async () => {
    const readings: Taken[] = [{ series: 1, at: 0, value: 9, flag: 4 }, ...every5(5, null, 0.1)];
    expect((await rehearsed({ readings })).count).toBe(0);
    expect((await rehearsed({ rule: { kind: 'quality', severity: 'minor' }, readings })).count).toBe(1);
  });

  it('runs a rule that is disabled as if it were not', async () => {
    expect((await rehearsed({ rule: { ...AMMONIA, enabled: false }, readings: every5(0, 1) })).count).toBe(1);
  });

  it('tells apart what maintenance would hold, and counts whom the routes would tell', async () => {
    const iso = (at: number) => new Date(T0 + at * MINUTE).toISOString();
    const window = { stations: ['lock'], from: iso(0), to: iso(30), reason: 'pump' };
    const more = [
      put('maintenance', 'pump', window),
      put('routes', 'routes', [
        { match: { area: ['shiyan'] }, channels: ['duty', 'log'] },
        { match: { severity: ['critical'] }, channels: ['chief'] },
      ]),
    ];
    const outcome = await rehearsed({ more, readings: every5(10, 1, 0.1, 0.1, 0.1, 0.1, 1, 0.1) });
    expect(outcome).toMatchObject({ count: 2, suppressed: 1, per10Min: { max: 1 } });
    expect(outcome.byChannel).toEqual([
      { channel: 'duty', count: 1 },
      { channel: 'log', count: 1 },
    ]);
  });

  it('says when people would have been in flood', async () => {
    const readings = Array.from({ length: 24 }, (_, n) => ({ series: 1, at: 60 + n / 2, value: n % 2 ? 0.1 : 1 }));
    const { count, per10Min, minutesInFlood, floods } = await rehearsed({ readings });
    expect(count).toBe(12);
    expect(per10Min).toMatchObject({ max: 10, shareAbove10: 0 });
    // The eleventh within ten minutes comes ten minutes after the first has gone: never more than ten.
    expect([minutesInFlood, floods]).toEqual([0, []]);
    const closer = readings.map((one, n) => ({ ...one, at: 60 + n / 4 }));
    const flooded = await rehearsed({ readings: closer });
    expect(flooded.per10Min).toMatchObject({ mean: 12 / 60, max: 12, shareAbove10: 1 / 60 });
    expect(flooded.floods.map(({ fromMs, toMs }) => [minutes(fromMs), minutes(toMs)])).toEqual([[65, 73.5]]);
    expect(flooded.minutesInFlood).toBe(8.5);
  });
});

describe('what the present rule raised in the same time', () => {
  const was = (from: number, to: number | null, rest: Partial<Alarm> = {}): Alarm =>
    anAlarm({
      id: `was-${from}`,
      rule: 'ammonia',
      station: 'lock',
      breachStartMs: T0 + from * MINUTE,
      raisedAtMs: T0 + from * MINUTE,
      clearedAtMs: to === null ? null : T0 + to * MINUTE,
      ...rest,
    });
  const readings = every5(0, 0.1, 0.6, 0.1, 0.1, 0.7, 0.1, 0.1, 0.9, 0.1);

  it('is missed where the proposed one has nothing, and added to where the present one had nothing', async () => {
    const present = [was(5, 10), was(20, 25), was(35, 40), was(200, 210, { station: 'weir' })];
    const { comparison, alarms } = await rehearsed({ rule: { ...AMMONIA, limit: 0.65 }, readings, present });
    expect(spans(alarms)).toEqual([
      [35, 35, 40],
      [20, 20, 25],
    ]);
    expect(comparison).toMatchObject({ present: 4, missedCount: 2, addedCount: 0 });
    expect(comparison!.missed.map(({ id }) => id)).toEqual(['was-200', 'was-5']);
    const wider = await rehearsed({ readings, present: [was(20, 25)] });
    expect(wider.comparison).toMatchObject({ present: 1, missedCount: 0, addedCount: 2 });
  });

  it('is matched with alarms that were raised before the range and stand in it', async () => {
    const standing = every5(-20, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.1);
    const earlier = await rehearsed({ readings: standing, present: [was(5, 10)] });
    expect(earlier.comparison).toMatchObject({ present: 1, missedCount: 0 });
    const present = await rehearsed({ readings: every5(5, 0.6, 0.1), present: [was(-20, 10)] });
    expect(present.comparison).toMatchObject({ present: 0, addedCount: 0 });
  });

  it('a record of a single late reading counts like any other', async () => {
    const record = was(5, 5, { late: true, state: 'cleared' });
    expect((await rehearsed({ readings, present: [record] })).comparison).toMatchObject({ missedCount: 0 });
  });
});

describe('limits', () => {
  it.each([
    [{ readings: 3, alarms: 9 }, 'more than 3 readings by 2026-11-22T00:00:00.000Z'],
    [{ readings: 9, alarms: 1 }, 'more than 1 alarms by 2026-11-22T00:00:00.000Z'],
  ])('%j', async (limits, text) => {
    const refused = rehearsed({ limits, readings: every5(0, 1, 0.1, 1, 0.1) });
    await expect(refused).rejects.toMatchObject({ code: 'rehearsal.too-large', message: `It meets ${text}.` });
  });

  it('refuses what readings alone can not tell', () => {
    const missing = ruleSchema.parse({ kind: 'missing', severity: 'minor' });
    expect(isRehearsable(missing)).toBe(false);
    expect(whyNotRehearsable(missing)).toMatch(/when readings arrived/);
    expect(isRehearsable(ruleSchema.parse(AMMONIA))).toBe(true);
  });
});

/** What arrived at once and in order is what the service saw; the rehearsal must find the same in the store. */
describe('properties', () => {
  const RULES = [
    { ...AMMONIA, for: 'PT10M', clear: { margin: 0.1, for: 'PT10M' }, steps: [{ limit: 1.5, severity: 'critical' }] },
    {
      kind: 'class',
      severity: { III: 'minor', IV: 'major', worse: 'critical' },
      minSamples: 2,
      keepFiringFor: 'PT30M',
    },
    { kind: 'rate', parameters: ['do'], limit: 4, over: 'PT30M', minSamples: 2, severity: 'major' },
    { kind: 'flat-line', parameters: ['nh3n'], tolerance: 0.01, over: 'PT15M', minSamples: 2, severity: 'minor' },
    { kind: 'expression', when: 'nh3n > 0.5 and do < 6', for: 'PT5M', severity: 'minor' },
    { kind: 'quality', severity: 'minor' },
  ];
  const reading = fc.record({
    series: fc.integer({ min: 1, max: SERIES.length }),
    at: fc.integer({ min: 0, max: 120 }).map((n) => n * 5),
    value: fc.constantFrom(0.2, 0.2, 0.48, 0.6, 1.2, 2, 7),
    flag: fc.constantFrom<Flag>(1, 1, 1, 1, 2, 3, 4),
  });
  const history = fc.uniqueArray(reading, { maxLength: 200, selector: ({ series, at }) => `${series} ${at}` });

  it('the same alarms as the follower raised when the readings came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...RULES), history, async (body, readings) => {
        const inOrder = readings.toSorted((a, b) => a.at - b.at || a.series - b.series);
        const played = await play({
          reference,
          stations: Object.fromEntries(STATIONS.map((id) => [id, station])),
          rules: { rehearsed: ruleSchema.parse(body) as Rule },
          allowedLatenessMs: 2 * HOUR,
          startMs: T0,
          arrivals: inOrder.map(({ series, at, value, flag }) => {
            const { station: name, parameter } = SERIES[series - 1]!;
            const timeMs = T0 + at * MINUTE;
            return { station: name, parameter, timeMs, receivedMs: timeMs, value, flag, deviceFlag: null };
          }),
        });
        const outcome = await rehearsed({ rule: body, readings, to: 10_000 });
        // In a message of its own each value of an expression is judged by itself, too: those that stood count.
        const stories = (alarms: readonly Alarm[]) => {
          // Their ids differ, so the first one out is told by what it is about.
          const subjects = new Map(alarms.map((alarm) => [alarm.id, `${alarm.station}/${alarm.parameter}`]));
          return alarms
            .filter(({ state }) => state !== 'withdrawn')
            .map(({ id: _id, detectedAtMs: _at, rule: _rule, key: _key, detail: _detail, ruleSeq: _seq, ...rest }) => ({
              ...rest,
              firstOut: rest.firstOut === null ? null : subjects.get(rest.firstOut),
            }))
            .toSorted(
              (a, b) => a.raisedAtMs - b.raisedAtMs || (a.station + a.parameter < b.station + b.parameter ? -1 : 1),
            );
        };
        expect(stories(outcome.alarms)).toEqual(stories(played.alarms));
      }),
      { numRuns: 150 },
    );
  });

  it('readings of many series pass in the order of their times, whatever the pages', async () => {
    const times = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { maxLength: 150 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 1, max: 40 }), async (series, pace) => {
        const store = new MemoryReadings();
        const all = series.flatMap((some, n) =>
          some.map(
            (at) => ({ series: n + 1, timeMs: at * (n % 2 ? 1 : pace), value: at, flag: 1, deviceFlag: null }) as const,
          ),
        );
        await store.write(all);
        const passed = [];
        const ids = series.map((_, n) => n + 1);
        for await (const block of readingsInOrder(store, ids, 10, 2000, 7)) passed.push(...block);
        const expected = all
          .filter(({ timeMs }) => timeMs >= 10 && timeMs < 2000)
          .toSorted((a, b) => a.timeMs - b.timeMs || a.series - b.series);
        expect(passed).toEqual(expected);
      }),
    );
  });
});
