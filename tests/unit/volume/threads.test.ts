/**
 * What users of neighbouring systems were told by their meters, and what ours say of the same readings. Each test bears
 * the name of its thread.
 */
import { describe, expect, it } from 'vitest';
import { volumes } from '#books/questions/volumes.ts';
import { bucketEdges, HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { REGISTER_METER, type Read, volumeRig } from '#tests/helpers/books/volume-rig.ts';

const T0 = Date.UTC(2026, 2, 1);
const TO = T0 + 24 * HOUR_MS;
const at = (hours: number) => T0 + hours * HOUR_MS;
const hourly = (...values: (number | null)[]): Read[] => values.map((value, hour) => ({ timeMs: at(hour), value }));
const FLOW: Meter = { ...REGISTER_METER, parameter: 'flow', kind: 'flow', unit: 'm3/s' };

async function told(meter: Partial<Meter>, reads: readonly Read[]) {
  const rig = volumeRig({ m: { ...REGISTER_METER, maxGap: 'PT2H', ...meter } as Meter });
  await rig.write('m', reads);
  await rig.settle();
  const last = reads.at(-1)!.timeMs;
  const { measured, estimated, unknownHours } = rig.total('m', T0, last);
  return { measured, estimated, unknownHours, kinds: rig.decided('m').map(({ kind }) => kind) };
}

describe('a single wrong reading is never booked', () => {
  it('home-assistant#182493: one 0.0 among good reads; 16.39 real, 413.50 were booked', async () => {
    const reads = hourly(397.11, 402, 0, 409, 413.5);
    expect(await told({}, reads)).toEqual({ measured: 16.39, estimated: 0, unknownHours: 0, kinds: ['glitch'] });
  });

  it('grott#99: 215.7 then 215.6; 215.6 were booked', async () => {
    expect((await told({}, hourly(215.5, 215.7, 215.6, 215.8))).measured).toBe(0.3);
  });

  it('home-assistant#57055, #35606: one −0.1', async () => {
    const reads = hourly(100, 101, -0.1, 103);
    expect(await told({ size: 1000 }, reads)).toMatchObject({ measured: 3, kinds: ['glitch'] });
  });

  it('home-assistant#56005, #100651: an upgrade that jumps ahead is not production', async () => {
    const reads = hourly(100, 101, 9_000_000, 103, 104);
    expect(await told({}, reads)).toMatchObject({ measured: 4, kinds: ['glitch'] });
  });

  it('home-assistant#182493: a jump ahead that nothing follows yet is pending, and booked nowhere', async () => {
    const rig = volumeRig({ m: { ...REGISTER_METER, maxGap: 'PT2H' } });
    await rig.write('m', hourly(100, 101, 9_000_000));
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'pending', litres: null }]);
    expect(rig.total('m', T0, at(2))).toEqual({ measured: 1, estimated: 0, unknownHours: 1 });
    await rig.write('m', [{ timeMs: at(3), value: 103 }]);
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'glitch' }]);
    expect(rig.total('m', T0, at(3))).toEqual({ measured: 3, estimated: 0, unknownHours: 0 });
  });

  it('a register that counts in steps is no glitch when it moves by one, however soon (its resolution)', async () => {
    const counts = [0, 1000, 1000, 2000, 2000];
    const reads = [0, 0.01, 1, 1.01, 2].map((hour, index) => ({ timeMs: at(hour), value: counts[index]! }));
    const coarse = { maxFlow: 1, resolution: 1000, maxGap: 'PT2H' };
    expect(await told(coarse, reads)).toMatchObject({ measured: 2000, unknownHours: 0, kinds: [] });
    expect((await told({ ...coarse, resolution: 1 }, reads)).kinds).toContain('glitch');
  });

  it('home-assistant#106363: a spike of a flow beyond what the channel carries books nothing', async () => {
    const total = await told({ ...FLOW, maxFlow: 50, maxGap: 'PT2H' }, hourly(10, 10, 700, 10, 10));
    expect(total).toEqual({ measured: 4 * 36_000, estimated: 0, unknownHours: 0, kinds: ['glitch'] });
  });
});

describe('a reset', () => {
  it('hass_wibeee#191: never takes back what was counted, and never counts the register again', async () => {
    const total = await told({}, hourly(438.816, 440, 1, 2.5));
    expect(total).toEqual({ measured: 2.684, estimated: 0, unknownHours: 1, kinds: ['reset'] });
  });

  it('hass_wibeee#191: is pending on the word of one read, and decided by the next', async () => {
    const rig = volumeRig({ m: { ...REGISTER_METER, maxGap: 'PT2H' } });
    await rig.write('m', hourly(438, 440, 1));
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'pending', litres: null }]);
    expect(rig.total('m', T0, at(2))).toEqual({ measured: 2, estimated: 0, unknownHours: 1 });
    await rig.write('m', [{ timeMs: at(3), value: 2 }]);
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'reset', litres: null }]);
    expect(rig.total('m', T0, at(3))).toEqual({ measured: 3, estimated: 0, unknownHours: 1 });
  });

  it('hass_wibeee#191: legitimately signed meters fall without being reset', async () => {
    const total = await told({ kind: 'signed-register' }, hourly(100, 140, 120));
    expect(total).toEqual({ measured: 20, estimated: 0, unknownHours: 0, kinds: ['reverse'] });
  });
});

describe('totals', () => {
  it('prometheus#3746, #3806, PR#1161, #11433: are whole, lose no edge and are never extrapolated or negative', async () => {
    const rig = volumeRig({ m: REGISTER_METER });
    const reads = Array.from({ length: 25 }, (_, hour) => ({ timeMs: at(hour) - 7 * 60_000, value: hour * 1.001 }));
    await rig.write('m', reads);
    await rig.settle();
    const edgesMs = bucketEdges(T0, TO, 'hour', 'UTC', 100);
    const meters = [{ id: 'm', meter: rig.control.get('meter', 'm')! }];
    const hours = volumes(rig.derived, { meters, edgesMs });
    expect(hours.every(({ measuredLitres }) => Number.isInteger(measuredLitres) && measuredLitres >= 0)).toBe(true);
    const before = rig.total('m', at(-1), T0).measured;
    const sum = hours.reduce((all, hour) => all + hour.measuredLitres, 0);
    expect(Math.round(before * 1000) + sum).toBe(24 * 1001);
  });

  it('thingsboard#15553, #11090: days add up to the counter, several reads in one packet too', async () => {
    const rig = volumeRig({ m: { ...REGISTER_METER, maxGap: 'P1D' } });
    const counts = [3528.55, 3550.1, 3560, 3580.7, 3599.9, 3627.9];
    await rig.write('m', counts.map((value, index) => ({ timeMs: at(index * 17), value })).reverse());
    await rig.settle();
    const edgesMs = bucketEdges(T0, at(96), 'day', 'Asia/Shanghai', 100);
    const days = volumes(rig.derived, { meters: [{ id: 'm', meter: rig.control.get('meter', 'm')! }], edgesMs });
    const sum = days.reduce((all, { measuredLitres }) => all + measuredLitres, 0);
    expect(sum).toBe(Math.round((3627.9 - 3528.55) * 1000));
  });
});

describe('consumption by day', () => {
  const dayEdges = (days: number) => Array.from({ length: days + 1 }, (_, day) => at(day * 24));
  async function byEdges(reads: readonly Read[], edgesMs: number[]) {
    const rig = volumeRig({ m: { ...REGISTER_METER, maxGap: 'PT2H' } });
    await rig.write('m', reads);
    await rig.settle();
    return volumes(rig.derived, { meters: [{ id: 'm', meter: rig.control.get('meter', 'm')! }], edgesMs }).map(
      ({ measuredLitres, estimatedLitres }) => measuredLitres + estimatedLitres,
    );
  }

  it('thingsboard#15553: a counter that stands still over midnight ran nothing, and yesterday is not carried into today', async () => {
    const midnight = at(24);
    const reads = [
      { timeMs: T0, value: 90_300 },
      ...[-3_600_000, -1000, 0, 1000, 3_600_000].map((offset) => ({ timeMs: midnight + offset, value: 90_360.41 })),
    ];
    expect(await byEdges(reads, [midnight - 1000, midnight, midnight + 1000, midnight + 3_600_000])).toEqual([0, 0, 0]);
    expect(await byEdges(reads, dayEdges(2))).toEqual([60_410, 0]);
  });

  it('thingsboard#12658, #15115, #12002: of any period, is the counter at its end less at its start', async () => {
    const count = (hour: number) => Math.round(hour * 1.37 * 1000 + (hour % 5) * 100) / 1000;
    const reads = Array.from({ length: 24 * 9 + 1 }, (_, hour) => ({ timeMs: at(hour), value: 1000 + count(hour) }));
    const days = await byEdges(reads, dayEdges(9));
    expect(days).toEqual(days.map((_, day) => Math.round((count(24 * (day + 1)) - count(24 * day)) * 1000)));
    expect(await byEdges(reads, [at(7), at(55), at(200)])).toEqual([
      Math.round((count(55) - count(7)) * 1000),
      Math.round((count(200) - count(55)) * 1000),
    ]);
  });
});

describe('gaps', () => {
  it('home-assistant#24398, #92404: a flow is integrated over no longer a gap than maxGap; beyond it is an estimate', async () => {
    const reads = [...hourly(10, 10), { timeMs: at(11), value: 10 }];
    expect(await told({ ...FLOW, maxGap: 'PT2H' }, reads)).toEqual({
      measured: 36_000,
      estimated: 360_000,
      unknownHours: 0,
      kinds: ['gap'],
    });
  });

  it.each([
    ['linear', 36_000 * 10 * 1.5, 0],
    ['held', 36_000 * 10, 0],
    ['unknown', 0, 10],
  ] as const)('home-assistant PR#110685: the method is stated (%s)', async (gap, estimated, unknownHours) => {
    const reads = [...hourly(10, 10), { timeMs: at(11), value: 20 }];
    const total = await told({ ...FLOW, gap, maxGap: 'PT2H' }, reads);
    expect(total).toEqual({ measured: 36_000, estimated, unknownHours, kinds: ['gap'] });
  });

  it.each(['sister', 'register'] as const)('fills a gap from a %s, as far as that measured', async (gap) => {
    const rig = volumeRig({
      flow: { ...FLOW, gap, maxGap: 'PT2H', ...(gap === 'sister' ? { sister: 'other' } : {}) },
      other: { ...REGISTER_METER, station: gap === 'sister' ? 'elsewhere' : 'taocha', maxGap: 'PT2H' },
    });
    await rig.write('flow', [...hourly(10, 10), { timeMs: at(11), value: 20 }]);
    await rig.settle();
    expect(rig.total('flow', T0, at(11))).toEqual({ measured: 36_000, estimated: 0, unknownHours: 10 });
    // The other meter's readings come later, and end an hour early.
    await rig.write(
      'other',
      Array.from({ length: 11 }, (_, hour) => ({ timeMs: at(hour), value: hour * 1000 })),
    );
    await rig.settle();
    expect(rig.total('flow', T0, at(11))).toEqual({ measured: 36_000, estimated: 9000, unknownHours: 1 });
    expect(rig.decided('flow')).toMatchObject([{ kind: 'gap', litres: 9_000_000 }]);
  });

  it('VERIFI#1220, energy-sparks PR#5410: invalid readings go before gaps are measured, and estimates say so', async () => {
    const bad = { timeMs: at(5), value: 9_999_999, flag: 4 as const };
    const total = await told({}, [...hourly(10, 20), bad, { timeMs: at(9), value: 100 }]);
    expect(total).toEqual({ measured: 10, estimated: 80, unknownHours: 0, kinds: ['gap'] });
  });
});

describe('calendars', () => {
  it('thingsboard#5296, #13345: a month is the month of the calendar, not 30 days', () => {
    const edges = bucketEdges(Date.UTC(2023, 11, 31, 16), Date.UTC(2024, 11, 31, 16), 'month', 'Asia/Shanghai', 20);
    const days = edges.slice(1).map((edge, index) => (edge - edges[index]!) / (24 * HOUR_MS));
    expect(days).toEqual([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
  });
});
