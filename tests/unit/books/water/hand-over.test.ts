/** Water that becomes somebody else's: what runs across the edge of a meter, or a hand-over within one, is shared by time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VolumeBucket } from '#books/questions/queries.ts';
import { clippedEdges, meterVolumes, relabelled, volumes } from '#books/questions/volumes.ts';
import { createVolumesAsOf } from '#books/water/as-of.ts';
import { partsOf } from '#books/water/meter-relations.ts';
import { bucketEdges, HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { openDatabase } from '#src/sqlite.ts';
import { REGISTER_METER, type Read, volumeRig } from '#tests/helpers/books/volume-rig.ts';

const MINUTE = 60_000;
/** Midnight in Shanghai. */
const T0 = Date.UTC(2025, 9, 30, 16);
const at = (hours: number) => T0 + hours * HOUR_MS;
const iso = (timeMs: number) => new Date(timeMs).toISOString();
const METER: Meter = { ...REGISTER_METER, measures: 'delivery', maxGap: 'PT2H' };
const FLOW: Meter = { ...METER, parameter: 'flow', kind: 'flow', unit: 'm3/s' };
type Rig = ReturnType<typeof volumeRig>;

/** 100 m³/h, read each hour of a day from `offsetMs` after midnight on: 23 intervals. */
const day = (offsetMs = 0): Read[] =>
  Array.from({ length: 24 }, (_, hour) => ({ timeMs: at(hour) + offsetMs, value: 5000 + 100 * hour }));

async function settled(meters: Record<string, Meter>, reads: readonly Read[]): Promise<Rig> {
  const rig = volumeRig(meters);
  await rig.write(Object.keys(meters)[0]!, reads);
  await rig.settle();
  return rig;
}

const partsIn = (rig: Rig, id = 'm') => partsOf([{ id, meter: rig.control.get('meter', id)! }]);
const totalOf = (buckets: readonly VolumeBucket[]) => {
  const sum = { measuredLitres: 0, estimatedLitres: 0, unknownMs: 0 };
  for (const bucket of buckets) {
    for (const key of ['measuredLitres', 'estimatedLitres', 'unknownMs'] as const) sum[key] += bucket[key];
  }
  return sum;
};

describe('two meters on the same readings', () => {
  it.each([
    ['on a read', 12, 0, 1200, 1100],
    ['between two reads, on the hour', 12, 30 * MINUTE, 1150, 1150],
    ['between two reads, in an hour', 12.25, 30 * MINUTE, 1175, 1125],
    ['on a read in an hour', 12.5, 30 * MINUTE, 1200, 1100],
    ['a second after a read', 12 + 1 / 3600, 0, 1200.027, 1099.973],
  ])('share what runs across an edge %s', async (_, hours, offsetMs, a, b) => {
    const edge = iso(Math.round(at(hours)));
    const rig = await settled({ a: { ...METER, to: edge }, b: { ...METER, from: edge } }, day(offsetMs));
    // What nobody knows lies before the first read and after the last one.
    const before = offsetMs / HOUR_MS;
    expect(rig.total('a', T0, at(24))).toEqual({ measured: a, estimated: 0, unknownHours: before });
    expect(rig.total('b', T0, at(24))).toEqual({ measured: b, estimated: 0, unknownHours: 1 - before });
    expect(rig.total(['a', 'b'], at(1), at(23))).toEqual({ measured: 2200, estimated: 0, unknownHours: 0 });
    expect(rig.total(['a', 'b'], T0, at(24))).toEqual({ measured: 2300, estimated: 0, unknownHours: 1 });
  });

  it('add up to what one meter counts: hourly reads of 100 m³/h, handed over at 12:00', async () => {
    const noon = iso(at(12));
    const rig = await settled({ a: { ...METER, to: noon }, b: { ...METER, from: noon }, one: METER }, day());
    expect(rig.total(['a', 'b'], T0, at(23))).toEqual({ measured: 2300, estimated: 0, unknownHours: 0 });
    expect(rig.total('one', T0, at(23))).toEqual({ measured: 2300, estimated: 0, unknownHours: 0 });
  });

  it('leave none of it out, nor count any twice, in whatever parts it is asked for (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ gapMs: fc.integer({ min: 1, max: 4 * HOUR_MS }), rise: fc.integer({ min: 0, max: 90_000 }) }),
          { minLength: 2, maxLength: 25 },
        ),
        fc.integer({ min: T0, max: at(30) }),
        fc.boolean(),
        fc.uniqueArray(fc.integer({ min: at(-2), max: at(40) }), { maxLength: 12 }),
        async (steps, edgeMs, isFlow, inner) => {
          const meter = isFlow ? FLOW : METER;
          const edge = iso(edgeMs);
          let timeMs = T0;
          let litres = 0;
          const reads = steps.map(({ gapMs, rise }) => {
            timeMs += gapMs;
            litres += rise;
            return { timeMs, value: isFlow ? rise / 777 : litres / 1000 };
          });
          const rig = await settled({ whole: meter, a: { ...meter, to: edge }, b: { ...meter, from: edge } }, reads);
          const hours = bucketEdges(at(-2), at(110), 'hour', 'Asia/Shanghai', 1000);
          const ask = (ids: string[], edgesMs: readonly number[]) =>
            volumes(rig.derived, { meters: ids.map((id) => ({ id, meter: rig.control.get('meter', id)! })), edgesMs });
          expect(ask(['a', 'b'], hours)).toEqual(ask(['whole'], hours));
          const odd = [...inner, at(-3), edgeMs, at(111)].toSorted((one, two) => one - two);
          expect(totalOf(ask(['a', 'b'], odd))).toEqual(totalOf(ask(['whole'], [at(-3), at(111)])));
          // Nothing of a meter lies outside its time.
          expect(totalOf(ask(['a'], [edgeMs, at(111)]))).toEqual(totalOf([]));
          expect(totalOf(ask(['b'], [at(-3), edgeMs]))).toEqual(totalOf([]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('hear of decisions only about their own time', async () => {
    const edge = iso(at(3.5));
    const reads = [1100, 1200, 50, 150, 250, 20, 120, 220].map((value, hour) => ({ timeMs: at(hour), value }));
    const rig = await settled({ a: { ...METER, to: edge }, b: { ...METER, from: edge } }, reads);
    expect(rig.decided('a').map(({ timeMs }) => timeMs)).toEqual([at(2)]);
    expect(rig.decided('b').map(({ timeMs }) => timeMs)).toEqual([at(5)]);
    expect(rig.total(['a', 'b'], T0, at(7))).toEqual({ measured: 500, estimated: 0, unknownHours: 2 });
  });

  it('know what ran to the first read after the one ended, also across a gap', async () => {
    const edge = iso(at(4));
    const reads = [0, 1, 9].map((hour) => ({ timeMs: at(hour), value: 100 * hour }));
    const rig = await settled({ a: { ...METER, to: edge }, b: { ...METER, from: edge } }, reads);
    expect(rig.total('a', T0, at(9))).toEqual({ measured: 100, estimated: 300, unknownHours: 0 });
    expect(rig.total('b', T0, at(9))).toEqual({ measured: 0, estimated: 500, unknownHours: 0 });
  });
});

describe('a meter that is handed over', () => {
  const handed = (...times: number[]): Meter => ({
    ...METER,
    recipient: [
      { recipient: 'r0', from: null },
      ...times.map((timeMs, index) => ({ recipient: `r${(index + 1) % 3}`, from: iso(timeMs) })),
    ],
  });

  it.each([
    [12, 0, 1200, 1100],
    [12.25, 30 * MINUTE, 1175, 1125],
  ])('at %f h is split by time', async (hours, offsetMs, a, b) => {
    const rig = await settled({ m: handed(at(hours)) }, day(offsetMs));
    const edgesMs = [T0, at(24)];
    const found = meterVolumes(rig.derived, { meters: partsIn(rig), edgesMs });
    expect(found.map(({ buckets }) => totalOf(buckets))).toEqual([
      { measuredLitres: a * 1000, estimatedLitres: 0, unknownMs: offsetMs },
      { measuredLitres: b * 1000, estimatedLitres: 0, unknownMs: HOUR_MS - offsetMs },
    ]);
  });

  it('is even between two reads, not over the hour: the first half hour ran ten times faster', async () => {
    const reads = [0, 30, 60, 90].map((minute, index) => ({
      timeMs: T0 + minute * MINUTE,
      value: [0, 100, 110, 120][index]!,
    }));
    const rig = await settled({ m: handed(T0 + 30 * MINUTE) }, reads);
    const found = meterVolumes(rig.derived, { meters: partsIn(rig), edgesMs: [T0, at(1)] });
    expect(found.map(({ buckets }) => totalOf(buckets).measuredLitres)).toEqual([100_000, 10_000]);
  });

  it('has its unknown time shared out as well', async () => {
    const rig = await settled({ m: handed(at(3.5)) }, day().slice(0, 3));
    const found = meterVolumes(rig.derived, { meters: partsIn(rig), edgesMs: [T0, at(10)] });
    expect(found.map(({ buckets }) => totalOf(buckets).unknownMs / HOUR_MS)).toEqual([1.5, 6.5]);
  });

  const step = fc.record({
    gapMs: fc.oneof(fc.integer({ min: 1, max: 50 * MINUTE }), fc.integer({ min: 1, max: 9 * HOUR_MS })),
    rise: fc.oneof(fc.integer({ min: 0, max: 90_000 }), fc.constant(-1)),
  });

  it('adds up to itself, by hour, day, month and transfer year, in whatever order things came (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 25 }),
        fc.uniqueArray(fc.integer({ min: at(-5), max: at(60) }), { maxLength: 6 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        async (steps, times, isFlow, random) => {
          let timeMs = T0;
          let litres = 0;
          const reads = steps.map(({ gapMs, rise }) => {
            timeMs += gapMs;
            litres = rise < 0 ? 0 : litres + rise;
            return { timeMs, value: isFlow ? litres / 9999 : litres / 1000 };
          });
          const { recipient } = handed(...times.toSorted((a, b) => a - b));
          const plain = isFlow ? FLOW : METER;
          const meter: Meter = { ...plain, recipient };
          const rig = await settled({ m: meter }, reads);

          // The same in another order, and handed over only afterwards.
          const other = volumeRig({ m: plain });
          const shuffled = reads.map((read) => ({ read, key: random.next().value! })).toSorted((a, b) => a.key - b.key);
          for (const { read, key } of shuffled) {
            await other.write('m', [read]);
            if (key % 3 === 0) await other.settle();
            if (key % 5 === 0) other.put('meter', 'm', { ...plain, recipient: 'nobody-yet' });
          }
          other.put('meter', 'm', meter);
          await other.settle();
          expect(other.kept()).toEqual(rig.kept());

          const meters = partsIn(rig);
          for (const by of ['hour', 'day', 'month', 'transfer-year', 'total'] as const) {
            const edgesMs = bucketEdges(at(-30), at(24 * 12), by, 'Asia/Kolkata', 10_000);
            const parts = meterVolumes(rig.derived, { meters, edgesMs });
            const [whole] = meterVolumes(rig.derived, { meters: [{ id: 'm', meter }], edgesMs });
            expect(volumes(rig.derived, { meters, edgesMs })).toEqual(whole!.buckets);
            expect(
              whole!.buckets.map((bucket, index) => ({
                ...bucket,
                ...totalOf(parts.map(({ buckets }) => buckets[index]!)),
              })),
            ).toEqual(whole!.buckets);
          }

          // As of now, from readings alone.
          const { volumesAsOf } = asOf(rig);
          const edgesMs = bucketEdges(at(-30), at(24 * 12), 'day', 'Asia/Kolkata', 10_000);
          const kept = meterVolumes(rig.derived, { meters, edgesMs });
          for (const [index, part] of meters.entries()) {
            const asked = [...new Set(clippedEdges(part, edgesMs))];
            if (asked.length < 2) continue;
            const request = {
              meters: ['m'],
              edgesMs: clippedEdges(part, edgesMs) as number[],
              asOfMs: 1,
              register: rig.register,
            };
            const [found] = await volumesAsOf(request);
            expect(relabelled(found!.buckets, edgesMs)).toEqual(kept[index]!.buckets);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Volumes as of now, which are computed from the readings that the rig holds. */
function asOf(rig: Rig) {
  const journal = openDatabase(':memory:', ['CREATE TABLE control (seq INTEGER, atMs INTEGER)']);
  return createVolumesAsOf({
    journal,
    reader: { control: () => [rig.control.version('meter', 'm')!], seriesByName: rig.seriesOf },
    store: rig.store,
    readings: async ({ series, fromMs, toMs, limit }) =>
      (await rig.store.read(series, fromMs, toMs, limit)).map((reading) => ({ ...reading, provisional: false })),
  });
}
