/** The order in which a read is judged, and how long an estimate may be: each case with the water that truly ran. */
import { describe, expect, it } from 'vitest';
import { decisions } from '#books/questions/decisions.ts';
import { floorHour, HOUR_MS } from '#model/calendar.ts';
import { type Meter, meter as meterSchema } from '#model/register.ts';
import { REGISTER_METER, type Read, volumeRig } from '#tests/helpers/books/volume-rig.ts';

const T0 = Date.UTC(2026, 2, 2);
const MINUTE = 60_000;
const at = (hours: number) => T0 + hours * HOUR_MS;
const every = (minutes: number, ...values: number[]): Read[] =>
  values.map((value, index) => ({ timeMs: T0 + index * minutes * MINUTE, value }));
const ZEROED: Meter = { ...REGISTER_METER, kind: 'scheduled-reset', maxFlow: 20 };
const FLOW: Meter = { ...REGISTER_METER, parameter: 'flow', kind: 'flow', unit: 'm3/s' };

/** Over the whole hours that the reads lie in, whose volume is even; `unknownHours` between the first and the last. */
function totalOf(rig: ReturnType<typeof volumeRig>, reads: readonly Read[]) {
  const fromMs = reads[0]!.timeMs;
  const toMs = reads.at(-1)!.timeMs;
  const [startMs, endMs] = [floorHour(fromMs), ceilHour(toMs)];
  const { unknownHours, ...litres } = rig.total('m', startMs, endMs);
  const outsideMs = fromMs - startMs + endMs - toMs;
  return { ...litres, unknownHours: (Math.round(unknownHours * HOUR_MS) - outsideMs) / HOUR_MS };
}

function ceilHour(timeMs: number): number {
  return -floorHour(-timeMs);
}

async function told(meter: Meter, reads: readonly Read[], fromMs?: number, toMs?: number) {
  const rig = volumeRig({ m: meter });
  await rig.write('m', reads);
  await rig.settle();
  const filter = { meters: ['m'], kind: null, fromMs: -8e15, toMs: 8e15, limit: 1000, before: null };
  const list = decisions(rig.derived, filter).reverse();
  const total = fromMs === undefined ? totalOf(rig, reads) : rig.total('m', fromMs, toMs!);
  return { ...total, kinds: list.map(({ kind }) => kind), list };
}

describe('a register that is zeroed by schedule', () => {
  it('at midnight, read at 08:00 and 20:00: every night is a reset, none a glitch', async () => {
    const reads = Array.from({ length: 12 }, (_, index) => ({
      timeMs: at(8 + index * 12),
      value: [400, 1000][index % 2]!,
    }));
    const total = await told({ ...ZEROED, maxGap: 'PT12H' }, reads);
    expect(total).toMatchObject({ measured: 3600, estimated: 2000, unknownHours: 0, kinds: Array(5).fill('reset') });
    expect(total.list.map(({ litres }) => litres)).toEqual(Array(5).fill(400_000));
  });

  it('every hour, read half-hourly at 50 m³/h: 250 m³ of ten hours', async () => {
    const reads = Array.from({ length: 21 }, (_, index) => ({ timeMs: at(index / 2), value: [0, 25][index % 2]! }));
    expect(await told(ZEROED, reads)).toMatchObject({ measured: 250, estimated: 0, unknownHours: 0 });
  });

  it('at midnight, a day of 10 m³/h before one of 300 m³/h: 6,900 m³ of the second', async () => {
    const reads = Array.from({ length: 49 }, (_, hour) => ({
      timeMs: at(hour),
      value: (hour % 24) * (hour < 24 ? 10 : 300),
    }));
    expect(await told(ZEROED, reads, at(24), at(48))).toMatchObject({ measured: 6900, estimated: 0, unknownHours: 0 });
    expect(await told(ZEROED, reads, at(0), at(24))).toMatchObject({ measured: 230, estimated: 0, unknownHours: 0 });
  });

  it('that leaps and returns has sent a glitch, as every other register', async () => {
    const total = await told({ ...ZEROED, maxFlow: 0.1 }, every(30, 700, 800, 90_000, 900, 10, 60));
    expect(total).toMatchObject({ measured: 250, estimated: 10, unknownHours: 0, kinds: ['glitch', 'reset'] });
  });

  it('falls by a glitch where no flow leads from it to the next read, which fits the one before', async () => {
    const total = await told({ ...ZEROED, maxFlow: 0.1 }, every(30, 700, 800, 0, 900, 950));
    expect(total).toMatchObject({ measured: 250, estimated: 0, unknownHours: 0, kinds: ['glitch'] });
  });

  it('can have been zeroed unseen within a hole: what it shows is the least that ran', async () => {
    const day = 24 * 60;
    const risen = await told(ZEROED, every(day, 400, 500));
    expect(risen).toMatchObject({ measured: 0, estimated: 100, unknownHours: 24, kinds: ['gap'] });
    expect(risen.list[0]!.reason).toContain('zeroed unseen');
    const fallen = await told(ZEROED, every(day, 400, 300));
    expect(fallen).toMatchObject({ measured: 0, estimated: 300, unknownHours: 24, kinds: ['reset', 'gap'] });
    // More than can have run since: it was not zeroed.
    const slow = await told({ ...ZEROED, maxFlow: 0.005 }, every(day, 400, 500));
    expect(slow).toMatchObject({ measured: 0, estimated: 100, unknownHours: 0, kinds: ['gap'] });
  });
});

describe('a return to the old course within maxGap', () => {
  it.each([
    ['one zero', [1000, 1100, 0, 1300, 1500]],
    ['two zeros', [1000, 1100, 0, 0, 1400, 1500]],
    ['three zeros', [1000, 1100, 0, 0, 0, 1400, 1500]],
    ['four zeros', [1000, 1100, 0, 0, 0, 0, 1400, 1500]],
    ['another level that rises', [1000, 1100, 37, 42, 58, 1400, 1500]],
    ['falls of every kind', [1000, 1100, 3, 0, 700, 20, 1400, 1500]],
    ['a leap beyond the plausible flow', [1000, 1100, 2e8, 2e8 + 50, 1400, 1500]],
  ])('undoes the reset, and the list says so: %s', async (_, counts) => {
    const total = await told(REGISTER_METER, every(10, ...counts));
    expect(total).toMatchObject({ measured: 500, estimated: 0, unknownHours: 0 });
    const wrong = counts.length - 4;
    expect(total.list).toHaveLength(wrong);
    expect(total.list.every(({ kind, litres }) => kind === 'glitch' && litres === null)).toBe(true);
    if (wrong > 1) expect(total.list[0]!.reason).toContain('undoes the reset');
  });

  it('also where the size would make a rollover of it', async () => {
    const total = await told({ ...REGISTER_METER, size: 2000 }, every(10, 1000, 1100, 0, 0, 1400, 1500));
    expect(total).toMatchObject({ measured: 500, estimated: 0, unknownHours: 0, kinds: ['glitch', 'glitch'] });
  });

  it('comes later than the reset was believed in, or earlier, in any order: the books are the same', async () => {
    const reads = every(10, 1000, 1100, 0, 0, 1400, 1500);
    const rig = volumeRig({ m: REGISTER_METER });
    await rig.write('m', reads.slice(0, 4));
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'reset', litres: null }]);
    expect(totalOf(rig, reads.slice(0, 4))).toEqual({ measured: 100, estimated: 0, unknownHours: 1 / 6 });
    await rig.write('m', reads.slice(4));
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'glitch' }, { kind: 'glitch' }]);
    expect(totalOf(rig, reads)).toEqual({ measured: 500, estimated: 0, unknownHours: 0 });
    // The correction of the return makes a reset of it again.
    await rig.write('m', [
      { timeMs: reads[4]!.timeMs, value: 5 },
      { timeMs: reads[5]!.timeMs, value: 9 },
    ]);
    await rig.settle();
    expect(rig.decided('m')).toMatchObject([{ kind: 'reset', litres: null }]);
  });

  it('is none after longer, nor once a ruling or a replacement stands between', async () => {
    const meter = { ...REGISTER_METER, maxGap: 'PT15M' };
    const reads = every(10, 1000, 1100, 0, 0, 1400, 1500);
    expect((await told(meter, reads)).kinds).toEqual(['reset']);
    const rig = volumeRig({ m: REGISTER_METER });
    await rig.write('m', reads);
    rig.rule('m', reads[3]!.timeMs, 'reset');
    await rig.settle();
    expect(rig.decided('m').map(({ kind }) => kind)).toEqual(['pending', 'reset']);
  });

  it('is not what time alone brings into reach: a leap that stays, a signed register that stays low', async () => {
    const slow = { ...REGISTER_METER, maxFlow: 0.05, maxGap: 'PT12H' };
    const leapt = await told(slow, every(60, 100, 110, 900, 910, 920, 930, 940, 950));
    expect(leapt).toMatchObject({ measured: 60, unknownHours: 1, kinds: ['reset'] });
    const low = await told({ ...slow, kind: 'signed-register' }, every(60, 900, 910, 10, 20, 30, 40, 50, 60));
    expect(low).toMatchObject({ measured: 60, unknownHours: 1, kinds: ['reset'] });
  });

  it('of a signed register, from a level that no flow explains', async () => {
    const slow: Meter = { ...REGISTER_METER, kind: 'signed-register', maxFlow: 0.05, maxGap: 'PT4H' };
    const total = await told(slow, every(60, 900, 910, 0, 0, 0, 890, 895));
    expect(total).toMatchObject({ measured: -5, unknownHours: 0, kinds: ['glitch', 'glitch', 'glitch', 'reverse'] });
  });
});

describe('a hole', () => {
  const eleven = [
    { timeMs: Date.UTC(2014, 11, 31), value: 10 },
    { timeMs: Date.UTC(2026, 0, 1), value: 10 },
  ];
  const hours = (eleven[1]!.timeMs - eleven[0]!.timeMs) / HOUR_MS;

  it.each(['linear', 'held', undefined] as const)('of eleven years in a flow is unknown (%s)', async (gap) => {
    const total = await told({ ...FLOW, ...(gap && { gap }) }, eleven);
    expect(total).toMatchObject({ measured: 0, estimated: 0, unknownHours: hours, kinds: ['gap'] });
    expect(total.list[0]).toMatchObject({ litres: null, reason: expect.stringContaining('longer than `maxEstimate`') });
  });

  it.each([
    [undefined, 72, 0],
    [undefined, 72.01, 72.01],
    ['PT5H', 5, 0],
    ['PT5H', 6, 6],
    ['P30D', 720, 0],
  ] as const)('in a flow is estimated up to maxEstimate %s: %d h', async (maxEstimate, length, unknownHours) => {
    const reads = [0, length].map((hour) => ({ timeMs: Math.round(at(hour)), value: 10 }));
    const total = await told({ ...FLOW, ...(maxEstimate && { maxEstimate }) }, reads);
    expect(total.unknownHours).toBeCloseTo(unknownHours, 9);
    expect(total.estimated).toBe(unknownHours > 0 ? 0 : length * 36_000);
  });

  it('in a flow, filled from another meter, is what that measured however long', async () => {
    const rig = volumeRig({
      flow: { ...FLOW, gap: 'register' },
      other: { ...REGISTER_METER, maxGap: 'PT1H' },
    });
    await rig.write(
      'flow',
      [0, 100].map((hour) => ({ timeMs: at(hour), value: 10 })),
    );
    await rig.write(
      'other',
      Array.from({ length: 90 }, (_, hour) => ({ timeMs: at(hour), value: hour * 30_000 })),
    );
    await rig.settle();
    expect(rig.total('flow', T0, at(100))).toEqual({ measured: 0, estimated: 89 * 30_000, unknownHours: 11 });
  });

  it('in a register that could have held a full turn is the least that ran, its hours unknown', async () => {
    const meter = { ...REGISTER_METER, size: 1_000_000, maxFlow: 10 };
    // 10 m³/s carry 1,000,000 m³ in 27.78 h.
    const short = await told(meter, every(27 * 60, 500, 700));
    expect(short).toMatchObject({ measured: 0, estimated: 200, unknownHours: 0, kinds: ['gap'] });
    expect(short.list[0]!.reason).toContain('total is known');
    const long = await told(meter, every(28 * 60, 500, 700));
    expect(long).toMatchObject({ measured: 0, estimated: 200, unknownHours: 28, kinds: ['gap'] });
    expect(long.list[0]).toMatchObject({ litres: 200_000, reason: expect.stringContaining('turned over unseen') });
    const over = await told(meter, every(28 * 60, 999_900, 100));
    expect(over).toMatchObject({ measured: 0, estimated: 200, unknownHours: 28, kinds: ['rollover', 'gap'] });
    // Without a size a register never turns over.
    const { size: _size, ...endless } = meter;
    expect(await told(endless, every(28 * 60, 500, 700))).toMatchObject({ estimated: 200, unknownHours: 0 });
  });

  it('in a register is what an engineer rules it to be', async () => {
    const rig = volumeRig({ m: { ...REGISTER_METER, size: 1_000_000, maxFlow: 10 } });
    await rig.write('m', every(28 * 60, 500, 700));
    rig.rule('m', at(28), 'accepted');
    await rig.settle();
    expect(rig.total('m', T0, at(28))).toEqual({ measured: 0, estimated: 200, unknownHours: 0 });
  });

  it('begins and ends with a read: nothing is estimated before the first or after the last', async () => {
    const reads = [1, 2].map((hour) => ({ timeMs: at(hour), value: 10 }));
    for (const gap of ['linear', 'held'] as const) {
      const total = await told({ ...FLOW, gap }, reads, T0, at(5));
      expect(total).toMatchObject({ measured: 36_000, estimated: 0, unknownHours: 4 });
    }
  });
});

describe('maxEstimate', () => {
  it('is a duration of the meter', () => {
    expect(meterSchema.parse({ ...FLOW, maxEstimate: 'P7D' }).maxEstimate).toBe('P7D');
    expect(meterSchema.safeParse({ ...FLOW, maxEstimate: 'a week' }).error?.issues[0]?.path).toEqual(['maxEstimate']);
  });
});
