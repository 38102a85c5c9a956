/** What every ReadingStore must do, whatever it is made of. An adapter's test calls `readingStoreContract`. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Flag } from '#model/flag.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import type { ReadingStore, ReadingToStore } from '#readings/store.ts';

const T = Date.UTC(2026, 10, 22, 8);
const MINUTE = 60_000;

function reading(series: number, minute: number, value: number | null, more: Partial<ReadingToStore> = {}) {
  return {
    series,
    timeMs: T + minute * MINUTE,
    value,
    flag: (value === null ? 9 : 1) as Flag,
    deviceFlag: null,
    ...more,
  };
}

/** As the store gives it back. */
const plain = ({ timeMs, value, flag, deviceFlag, censored }: ReadingToStore) => ({
  timeMs,
  value,
  flag,
  deviceFlag,
  ...(censored && { censored }),
});

/**
 * @param open makes an empty store; the returned `close` also removes what it left on disk.
 * @param can what the store says that it can't do.
 */
export function readingStoreContract(
  name: string,
  open: () => Promise<{ store: ReadingStore; close(): Promise<void> }>,
  can: { deletes: boolean; isSeenLate?: boolean } = { deletes: true },
) {
  describe(`reading store: ${name}`, () => {
    let store: ReadingStore;
    let close: () => Promise<void>;
    const all = (series: number) => store.read(series, 0, Number.MAX_SAFE_INTEGER, 100_000);

    beforeEach(async () => {
      ({ store, close } = await open());
    });
    afterEach(() => close());

    it('knows nothing at first, and an empty write changes nothing', async () => {
      await store.write([]);
      expect(await all(1)).toEqual([]);
      expect(await store.before(1, T, 5)).toEqual([]);
      expect(await store.after(1, T, 5)).toEqual([]);
      expect(await store.at([{ series: 1, timeMs: T }])).toEqual([undefined]);
      expect(await store.at([])).toEqual([]);
    });

    it('gives readings back in the order of time, each series for itself', async () => {
      await store.write([reading(1, 10, 1), reading(2, 0, 20), reading(1, 0, 2), reading(1, 5, 3)]);
      expect((await all(1)).map(({ value }) => value)).toEqual([2, 3, 1]);
      expect((await all(2)).map(({ value }) => value)).toEqual([20]);
      expect(await all(3)).toEqual([]);
    });

    it('keeps that a value is a limit, with whatever flag, until a value without one takes its place', async () => {
      const below = reading(1, 0, 0.02, { censored: '<', deviceFlag: 'L', seq: 1 });
      const above = reading(1, 5, 24_000, { censored: '>', flag: 3, seq: 1 });
      await store.write([below, above]);
      expect(await all(1)).toMatchObject([plain(below), plain(above)]);
      // A final flag comes as the whole reading, without `seq`.
      await store.write([reading(1, 0, 0.02, { censored: '<', deviceFlag: 'L', flag: 4 })]);
      expect(await store.at([{ series: 1, timeMs: T }])).toMatchObject([
        { value: 0.02, flag: 4, censored: '<', seq: 1 },
      ]);
      await store.write([reading(1, 0, 0.02, { seq: 2, uncensors: true })]);
      const [measured] = await store.before(1, T + MINUTE, 1);
      expect(measured!.censored).toBeUndefined();
      await store.write([reading(1, 0, 0.02, { flag: 2 })]);
      expect((await all(1))[0]!.censored).toBeUndefined();
      await store.write([reading(1, 5, null, { seq: 3, uncensors: true })]);
      expect((await store.after(1, T + MINUTE, 1))[0]).toMatchObject({ value: null, flag: 9 });
      await store.write([reading(1, 5, 7, { seq: 4 })]);
      expect((await all(1))[1]).toMatchObject({ value: 7 });
      expect((await all(1))[1]!.censored).toBeUndefined();
    });

    it('has no device flag where the first reading of its time had none, nor after one in its place has lost it', async () => {
      await store.write([
        reading(1, 0, 1, { isFirst: true, seq: 1 }),
        reading(1, 5, 2, { isFirst: true, deviceFlag: 'N', seq: 1 }),
      ]);
      expect((await all(1)).map(({ deviceFlag }) => deviceFlag)).toEqual([null, 'N']);
      await store.write([reading(1, 0, 1, { flag: 3 }), reading(1, 5, 2, { seq: 2 })]);
      expect((await all(1)).map(({ flag, deviceFlag }) => [flag, deviceFlag])).toEqual([
        [3, null],
        [1, null],
      ]);
    });

    it('names the device flags of a series, each once, whatever they are made of', async () => {
      const flags = ['N', 'sc', 'N', null, '~x', 'a "b" \\', '', 'sc'];
      await store.write(flags.map((deviceFlag, minute) => reading(1, minute, minute, { deviceFlag })));
      await store.write([reading(2, 0, 1, { deviceFlag: 'other' }), reading(1, 0, 0, { deviceFlag: 'S' })]);
      expect((await store.deviceFlags(1)).sort()).toEqual(
        [...new Set(['S', ...flags.slice(1)])].filter((one) => one !== null).sort(),
      );
      expect(await store.deviceFlags(3)).toEqual([]);
    });

    it('keeps the later of two readings for one time, in one call and over calls', async () => {
      await store.write([reading(1, 0, 1), reading(1, 0, 2, { flag: 3, deviceFlag: 'M' })]);
      expect(await all(1)).toEqual([plain(reading(1, 0, 2, { flag: 3, deviceFlag: 'M' }))]);
      await store.write([reading(1, 0, 3)]);
      expect(await all(1)).toEqual([plain(reading(1, 0, 3))]);
    });

    it('reads half-open ranges with a limit', async () => {
      await store.write([0, 1, 2, 3, 4].map((minute) => reading(1, minute, minute)));
      const values = async (from: number, to: number, limit = 100) =>
        (await store.read(1, T + from * MINUTE, T + to * MINUTE, limit)).map(({ value }) => value);
      expect(await values(1, 3)).toEqual([1, 2]);
      expect(await values(1, 1)).toEqual([]);
      expect(await values(3, 1)).toEqual([]);
      expect(await values(-10, 10, 2)).toEqual([0, 1]);
      expect(await values(-10, 10, 0)).toEqual([]);
      expect((await store.read(1, T + 1, T + MINUTE, 9)).length).toBe(0);
    });

    it('finds the neighbours of a time: before excludes it, after includes it', async () => {
      await store.write([0, 1, 2, 3].map((minute) => reading(1, minute, minute)));
      const minute2 = T + 2 * MINUTE;
      expect((await store.before(1, minute2, 2)).map(({ value }) => value)).toEqual([0, 1]);
      expect((await store.before(1, minute2, 1)).map(({ value }) => value)).toEqual([1]);
      expect((await store.before(1, T, 3)).length).toBe(0);
      expect((await store.before(1, Number.MAX_SAFE_INTEGER, 1)).map(({ value }) => value)).toEqual([3]);
      expect((await store.after(1, minute2, 5)).map(({ value }) => value)).toEqual([2, 3]);
      expect((await store.after(1, minute2 + 1, 1)).map(({ value }) => value)).toEqual([3]);
      expect((await store.after(1, T + 4 * MINUTE, 1)).length).toBe(0);
    });

    it('answers exact keys in the order asked, holes and repeats included', async () => {
      await store.write([reading(1, 0, 1), reading(2, 0, 2, { seq: 7 })]);
      const at = (series: number, minute: number) => ({ series, timeMs: T + minute * MINUTE });
      const found = await store.at([at(2, 0), at(1, 1), at(1, 0), at(9, 0), at(2, 0)]);
      expect(found.map((one) => one?.value)).toEqual([2, undefined, 1, undefined, 2]);
      expect(found.map((one) => one?.seq)).toEqual([7, undefined, null, undefined, 7]);
    });

    it('keeps what measured nothing, and the tombstone that deletes', async () => {
      await store.write([reading(1, 0, null, { deviceFlag: 'D' }), reading(1, 1, 5)]);
      await store.write([reading(1, 1, null)]);
      expect(await all(1)).toEqual([plain(reading(1, 0, null, { deviceFlag: 'D' })), plain(reading(1, 1, null))]);
      await store.write([reading(1, 1, 6)]);
      expect((await all(1))[1]).toEqual(plain(reading(1, 1, 6)));
    });

    it('keeps every flag and any device flag as sent', async () => {
      const odd = ['N', 'hd', '4', '', 'a b,c="d"', '检修', "';--"];
      const flags: Flag[] = [1, 2, 3, 4, 1, 2, 3];
      const written = odd.map((deviceFlag, minute) => reading(1, minute, 1, { deviceFlag, flag: flags[minute]! }));
      await store.write(written);
      expect(await all(1)).toEqual(written.map(plain));
    });

    it('keeps doubles to the last bit; negative zero is zero', async () => {
      const values = [0.1 + 0.2, 1 / 3, 1e300, -1e300, 5e-324, 2 ** 53 + 2, -1.5, 1e15, 123456789012345680000, 7];
      await store.write(values.map((value, minute) => reading(1, minute, value)));
      expect((await all(1)).map(({ value }) => value)).toEqual(values);
      await store.write([reading(2, 0, -0)]);
      expect((await all(2)).map(({ value }) => Object.is(value, 0))).toEqual([true]);
    });

    it('keeps the origin of a value when a write names none, and takes a new one', async () => {
      await store.write([reading(1, 0, 1, { seq: 11 })]);
      await store.write([reading(1, 0, 1, { flag: 3 })]);
      const origin = async () => (await store.traced(1, T, T + 1, 9)).map(({ flag, seq }) => ({ flag, seq }));
      expect(await origin()).toEqual([{ flag: 3, seq: 11 }]);
      await store.write([reading(1, 0, 2, { seq: 12 })]);
      expect(await origin()).toEqual([{ flag: 1, seq: 12 }]);
    });

    it('names the hours that hold readings, whatever they are', async () => {
      const hour = (index: number) => T + index * 60 * MINUTE;
      await store.write([reading(1, 59, 1), reading(1, 0, 2), reading(1, 60, null), reading(1, 6000, 3)]);
      await store.write([reading(2, 0, 1)]);
      expect(await store.hours(1)).toEqual([hour(0), hour(1), hour(100)]);
      expect(await store.hours(3)).toEqual([]);
      await store.write([reading(3, 1, 1), reading(3, 60 * 24 * 800, 1)]);
      expect(await store.hours(3)).toEqual([hour(0), hour(24 * 800)]);
    });

    it.skipIf(can.deletes)('says that it deletes nothing, and has deleted nothing', async () => {
      await store.write([reading(1, 0, 1)]);
      await expect(store.prune(1, T + MINUTE)).rejects.toMatchObject({ code: 'store.no-deletion', retryable: false });
      expect((await all(1)).length).toBe(1);
    });

    it.skipIf(!can.deletes)('prunes one series before a time, and nothing else', async () => {
      await store.write([0, 1, 2].flatMap((minute) => [reading(1, minute, minute), reading(2, minute, minute)]));
      await store.prune(1, T + 2 * MINUTE);
      expect((await all(1)).map(({ value }) => value)).toEqual([2]);
      expect((await all(2)).length).toBe(3);
      expect(await store.at([{ series: 1, timeMs: T }])).toEqual([undefined]);
      await store.prune(9, T);
      await store.write([reading(1, 0, 7)]);
      expect((await all(1)).map(({ value }) => value)).toEqual([7, 2]);
    });

    it('asks for dense, sparse and repeated keys over long times', async () => {
      const minutes = [...Array(300).keys()].map((index) => (index < 200 ? index * 5 : index * 5000));
      await store.write(minutes.map((minute) => reading(1, minute, minute)));
      const keys = minutes.flatMap((minute) => [
        { series: 1, timeMs: T + minute * MINUTE },
        { series: 1, timeMs: T + minute * MINUTE + 1 },
      ]);
      const found = await store.at(keys.reverse());
      expect(found.filter((one) => one !== undefined).length).toBe(300);
      expect(found.map((one) => one?.timeMs)).toEqual(
        keys.map(({ timeMs }) => (timeMs % MINUTE === 0 ? timeMs : undefined)),
      );
    });

    it('takes 10,000 readings in one write and gives them all back', async () => {
      const many = Array.from({ length: 10_000 }, (_, index) =>
        reading(index % 7, index, index / 3, { seq: index + 1 }),
      );
      await store.write(many);
      for (let series = 0; series < 7; series++) {
        const mine = many.filter((one) => one.series === series);
        expect(await all(series)).toEqual(mine.map(plain));
        expect((await store.traced(series, 0, Number.MAX_SAFE_INTEGER, 100_000)).map(({ seq }) => seq)).toEqual(
          mine.map(({ seq }) => seq),
        );
      }
    });

    it('agrees with the model after any writes', async () => {
      // A reading has no value exactly when its flag is 9.
      const measured = fc.oneof(
        fc.record({
          value: fc.double({ noNaN: true, noDefaultInfinity: true }),
          flag: fc.constantFrom<Flag>(1, 2, 3, 4),
        }),
        fc.constant({ value: null, flag: 9 as Flag }),
      );
      const place = fc.record({
        series: fc.integer({ min: 1, max: 3 }),
        timeMs: fc.integer({ min: 0, max: 12 }).map((minute) => T + minute * MINUTE),
        deviceFlag: fc.constantFrom(null, 'N', 'M'),
        seq: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
      });
      const one = fc.tuple(place, measured).map(([where, what]) => ({ ...where, ...what }));
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(one, { maxLength: 50 }), { maxLength: 5 }), async (writes) => {
          const opened = await open();
          const model = new MemoryReadings();
          for (const write of writes) {
            await opened.store.write(write);
            await model.write(write);
          }
          for (const series of [1, 2, 3]) {
            const range = [series, T, T + 12 * MINUTE, 8] as const;
            expect(await opened.store.traced(...range)).toEqual(await model.traced(...range));
            expect(await opened.store.before(series, T + 6 * MINUTE, 3)).toEqual(
              await model.before(series, T + 6 * MINUTE, 3),
            );
          }
          await opened.close();
        }),
        // Each write waits a second or two where it is seen late.
        { numRuns: can.isSeenLate ? 8 : 30 },
      );
    });
  });
}
