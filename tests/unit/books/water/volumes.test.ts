import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { volumes } from '#books/questions/volumes.ts';
import { createVolumeBooks } from '#books/water/volumes.ts';
import { openDerived } from '#installation/derived.ts';
import { Control } from '#journal/registers.ts';
import { HOUR_MS } from '#model/calendar.ts';
import type { Entry } from '#model/entry.ts';
import type { Parameter } from '#model/reference.ts';
import type { Meter } from '#model/register.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import { hourVolumes } from '#volume/hours.ts';
import type { HourVolume } from '#volume/model.ts';
import { meterProfile } from '#volume/profile.ts';
import { meterSegments } from '#volume/segments.ts';

const T0 = Date.UTC(2026, 0, 30);
const SERIES = { id: 7, station: 'taocha', parameter: 'register' };
const PARAMETER = { id: 'register', unit: 'm3', units: { L: { factor: 0.001, offset: 0 } } } as unknown as Parameter;
const METER: Meter = {
  station: 'taocha',
  parameter: 'register',
  kind: 'register',
  unit: 'm3',
  direction: 1,
  maxFlow: 500,
  maxGap: 'PT1H',
  measures: 'intake',
  size: 1_000_000,
};

/** Volume books over a memory store, with one meter. */
function rig(meter: Meter = METER) {
  const derived = openDerived(':memory:');
  const store = new MemoryReadings();
  const control = new Control([]);
  const books = createVolumeBooks({
    derived,
    store,
    control,
    register: PARAMETER,
    reader: {
      seriesById: (id) => (id === SERIES.id ? SERIES : undefined),
      seriesByName: (station) => (station === SERIES.station ? SERIES : undefined),
    },
  });
  const put = (body: Meter | null) =>
    control.apply({
      seq: 1,
      receivedMs: T0,
      kind: 'command',
      actor: 'test',
      command: body ? { verb: 'put', noun: 'meter', id: 'm', body } : { verb: 'delete', noun: 'meter', id: 'm' },
    } as Entry);
  put(meter);
  const settle = async () => {
    let steps = 0;
    while (await books.step()) if (++steps > 10_000) throw new Error('never done');
  };
  const write = async (readings: { timeMs: number; value: number | null; flag?: 1 | 3 | 4 | 9 }[]) => {
    await store.write(
      readings.map(({ timeMs, value, flag }) => ({
        series: SERIES.id,
        timeMs,
        value,
        flag: flag ?? (value === null ? 9 : 1),
        deviceFlag: null,
      })),
    );
    for (const { timeMs } of readings) books.mark(SERIES.id, timeMs, timeMs);
  };
  const hours = () =>
    derived.prepare('SELECT hourMs, measuredLitres, estimatedLitres, knownMs FROM volumeHour ORDER BY hourMs').all();
  const days = () => derived.prepare('SELECT * FROM volumeDay ORDER BY dayMs').all();
  return { derived, store, books, put, settle, write, hours, days };
}

describe('volume books', () => {
  it('rebuilds exactly, in whatever order and batches the reads come (property)', async () => {
    const step = fc.record({
      gapMs: fc.oneof(fc.integer({ min: 1, max: 20 * 60_000 }), fc.integer({ min: 1, max: 5 * HOUR_MS })),
      rise: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(-1), fc.integer({ min: 500_000, max: 999_999 })),
      flag: fc.constantFrom(1 as const, 1 as const, 1 as const, 4 as const),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 50 }),
        fc.infiniteStream(fc.nat()),
        async (steps, random) => {
          let timeMs = T0;
          let count = 990_000;
          const readings = steps.map(({ gapMs, rise, flag }) => {
            timeMs += gapMs;
            if (rise < 500_000) count = rise < 0 ? 0 : (count + rise) % 1_000_000;
            return { timeMs, value: rise < 500_000 ? count : rise, flag };
          });
          const shuffled = readings
            .map((reading) => ({ reading, key: random.next().value! }))
            .sort((a, b) => a.key - b.key)
            .map(({ reading }) => reading);
          const { settle, write, hours, days } = rig();
          for (let index = 0; index < shuffled.length; index += 3) {
            await write(shuffled.slice(index, index + 3));
            if (random.next().value! % 2 === 0) await settle();
          }
          await settle();
          const points = readings
            .filter(({ flag }) => flag === 1)
            .map(({ timeMs: at, value }) => ({ timeMs: at, value }));
          const expected = hourVolumes(
            meterSegments(meterProfile(METER, PARAMETER), points).segments,
            -8.64e15,
            8.64e15,
          );
          expect(hours()).toEqual(expected);
          const total = expected.reduce((sum, hour) => sum + hour.measuredLitres, 0);
          expect(days().at(-1)?.measuredLitres ?? 0).toBe(total);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('takes a year of reads in several steps', async () => {
    const { settle, write, derived } = rig();
    await write(
      Array.from({ length: 8760 * 2 }, (_, index) => ({ timeMs: T0 + index * 30 * 60_000, value: index * 7 })),
    );
    await settle();
    const [bucket] = volumes(derived, { meters: [{ id: 'm', meter: METER }], edgesMs: [T0, T0 + 8760 * HOUR_MS] });
    expect(bucket!.measuredLitres).toBe((8760 * 2 - 1) * 7000);
    expect(bucket!.unknownMs).toBe(30 * 60_000);
  });

  /** More reads than a step takes, two zeros among each 4000. */
  async function longRegister(stepMs: number, count: (index: number) => number) {
    const meter: Meter = { ...METER, maxGap: 'P1D', size: undefined };
    const { store, books, settle, hours } = rig(meter);
    const reads = Array.from({ length: 13_000 }, (_, index) => ({
      timeMs: T0 + index * stepMs,
      value: index % 4000 > 3997 ? 0 : count(index),
    }));
    await store.write(reads.map((read) => ({ ...read, series: SERIES.id, flag: 1 as const, deviceFlag: null })));
    books.mark(SERIES.id, T0, reads.at(-1)!.timeMs);
    await settle();
    return { reads, hours: hours() as unknown as HourVolume[], profile: meterProfile(meter, PARAMETER) };
  }

  it('goes on through a register that has more reads within maxGap than a step takes', async () => {
    const { reads, hours, profile } = await longRegister(10_000, (index) => index);
    expect(hours).toEqual(hourVolumes(meterSegments(profile, reads).segments, -8.64e15, 8.64e15));
    expect(hours.reduce((sum, { measuredLitres }) => sum + measuredLitres, 0)).toBe(12_999_000);
  });

  it('goes on through a register of which no two reads agree, and books no more than can have run', async () => {
    const { reads, hours } = await longRegister(60_000, (index) => ((index * 7919) % 10_007) * 1e6);
    expect(hours.at(-1)!.hourMs).toBeGreaterThan(T0);
    expect(hours.at(-1)!.hourMs).toBeLessThan(reads.at(-1)!.timeMs);
    for (const { measuredLitres } of hours) expect(measuredLitres).toBeLessThanOrEqual(METER.maxFlow * 1000 * 3600 + 1);
  });

  it('forgets the hours of a meter that is deleted and rebuilds one that changes', async () => {
    const { settle, write, hours, put, derived } = rig();
    await write([0, 1, 2, 3].map((index) => ({ timeMs: T0 + index * 30 * 60_000, value: index })));
    await settle();
    expect(hours()).toHaveLength(2);
    put({ ...METER, direction: -1 });
    await settle();
    expect((hours()[0] as { measuredLitres: number }).measuredLitres).toBe(-2000);
    put(null);
    await settle();
    expect(hours()).toEqual([]);
    expect(derived.prepare('SELECT count(*) n FROM volumeDay').get()).toEqual({ n: 0 });
  });
});

describe('volumes of a range', () => {
  it('add up over any partition, to the litre (property, invariant 4)', async () => {
    const { settle, write, derived } = rig();
    let litres = 0;
    const reads = Array.from({ length: 400 }, (_, index) => {
      litres += (index * 7919) % 1_000_003;
      return { timeMs: T0 + index * 37 * 60_000 + (index % 7) * 12_345, value: litres / 1000 };
    });
    await write(reads);
    await settle();
    const end = T0 + 400 * 37 * 60_000;
    const meters = [{ id: 'm', meter: METER }];
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: T0 - HOUR_MS, max: end + HOUR_MS }), { minLength: 2, maxLength: 700 }),
        (inner) => {
          const edgesMs = [...inner].sort((a, b) => a - b);
          const parts = volumes(derived, { meters, edgesMs });
          const [whole] = volumes(derived, { meters, edgesMs: [edgesMs[0]!, edgesMs.at(-1)!] });
          for (const key of ['measuredLitres', 'estimatedLitres', 'unknownMs'] as const) {
            expect(parts.reduce((sum, part) => sum + part[key], 0)).toBe(whole![key]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says that what nobody measured is unknown, within the validity of the meter', () => {
    const { derived } = rig();
    const limited = { ...METER, from: '2026-01-30T01:00:00Z', to: '2026-01-30T03:00:00Z' };
    const [bucket] = volumes(derived, { meters: [{ id: 'm', meter: limited }], edgesMs: [T0, T0 + 2 * HOUR_MS] });
    expect(bucket).toMatchObject({ measuredLitres: 0, estimatedLitres: 0, unknownMs: HOUR_MS });
  });
});
