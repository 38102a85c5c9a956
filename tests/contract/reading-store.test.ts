/** The embedded store and the model in memory under the one contract; and what only a file can do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Flag } from '#model/flag.ts';
import type { Censored } from '#model/reading.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import type { ReadingToStore, RejectedReading } from '#readings/store.ts';
import { packAll } from '#tests/helpers/readings/packed.ts';
import { makeTempDir, tempDir } from '#tests/helpers/temp-dir.ts';
import { readingStoreContract } from './reading-store.ts';

readingStoreContract('memory', async () => {
  const store = new MemoryReadings();
  return { store, close: () => store.close() };
});

readingStoreContract('sqlite', async () => {
  const directory = makeTempDir();
  const store = new SqliteReadings(join(directory.path, 'readings.db'));
  return {
    store,
    async close() {
      await store.close();
      directory.remove();
    },
  };
});

/** All that it is given stands in blocks at once. */
class PackedReadings extends SqliteReadings {
  override async write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]> {
    const rejected = await super.write(readings);
    packAll(this);
    return rejected;
  }
}

readingStoreContract('sqlite, all in blocks', async () => {
  const directory = makeTempDir();
  const store = new PackedReadings(join(directory.path, 'readings.db'));
  return {
    store,
    async close() {
      await store.close();
      directory.remove();
    },
  };
});

describe('rows and blocks together', () => {
  const T = Date.UTC(2026, 10, 22, 8);
  const MINUTE = 60_000;
  const times = fc.integer({ min: 0, max: 3000 }).map((minute) => T + minute * MINUTE);
  const one = fc.record({
    series: fc.integer({ min: 1, max: 2 }),
    timeMs: times,
    value: fc.oneof(
      fc.integer({ min: 0, max: 900 }).map((n) => n / 100),
      fc.double({ noNaN: true }),
      fc.constant(null),
    ),
    flag: fc.constantFrom<Flag>(1, 2, 3, 4, 9),
    censored: fc.constantFrom<Censored | undefined>('<', '>', undefined),
    deviceFlag: fc.constantFrom(null, 'N', 'M', '检修'),
    seq: fc.option(fc.integer({ min: 1, max: 1e9 }), { nil: undefined }),
  });
  const dense = fc
    .tuple(times, fc.integer({ min: 1, max: 900 }), fc.double({ noNaN: true, min: 0, max: 9 }))
    .map(([fromMs, count, value]) =>
      Array.from({ length: count }, (_, index) => ({
        series: 1,
        timeMs: fromMs + index * MINUTE,
        value: index % 2 ? value : Math.round(value * 100) / 100,
        flag: 1 as Flag,
        deviceFlag: null,
        censored: undefined,
        seq: index + 1,
      })),
    );
  type Step =
    | { kind: 'write'; readings: ReadingToStore[] }
    | { kind: 'pack'; beforeMs: number }
    | { kind: 'prune'; series: number; beforeMs: number }
    | { kind: 'reopen' };
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('write' as const), readings: fc.array(one, { maxLength: 40 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('write' as const), readings: dense }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('pack' as const), beforeMs: times }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('prune' as const), series: fc.constantFrom(1, 2), beforeMs: times }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
  );

  it('agree with the model after any writes, corrections and prunes, whatever is packed in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 14 }),
        times,
        times,
        fc.integer({ min: 0, max: 500 }),
        async (steps, fromMs, toMs, count) => {
          const directory = makeTempDir();
          const path = join(directory.path, 'readings.db');
          let store = new SqliteReadings(path);
          const model = new MemoryReadings();
          for (const one of steps) {
            if (one.kind === 'write') for (const to of [store, model]) await to.write(one.readings);
            else if (one.kind === 'prune') for (const to of [store, model]) await to.prune(one.series, one.beforeMs);
            else if (one.kind === 'reopen') {
              await store.close();
              store = new SqliteReadings(path);
            } else {
              packAll(store, one.beforeMs);
            }
          }
          const reader = new SqliteReadings(path, { readOnly: true });
          for (const asked of [store, reader]) {
            for (const series of [1, 2]) {
              const all = [series, 0, Number.MAX_SAFE_INTEGER, 1e6] as const;
              expect(await asked.traced(...all)).toEqual(await model.traced(...all));
              expect(await asked.read(series, fromMs, toMs, count)).toEqual(
                await model.read(series, fromMs, toMs, count),
              );
              expect(await asked.before(series, fromMs, count)).toEqual(await model.before(series, fromMs, count));
              expect(await asked.after(series, fromMs, count)).toEqual(await model.after(series, fromMs, count));
              const keys = steps.flatMap((one) => (one.kind === 'write' ? one.readings.slice(0, 20) : []));
              expect(await asked.at(keys)).toEqual(await model.at(keys));
              expect(await asked.hours(series)).toEqual(await model.hours(series));
              expect((await asked.deviceFlags(series)).sort()).toEqual((await model.deviceFlags(series)).sort());
            }
          }
          await reader.close();
          await store.close();
          directory.remove();
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('the embedded store as a file', () => {
  const reading = { series: 1, timeMs: 1000, value: 7.25, flag: 1 as const, deviceFlag: null };

  it('keeps its readings over a restart, and a reader sees each write', async () => {
    const path = join(tempDir(), 'readings.db');
    const first = new SqliteReadings(path);
    await first.write([reading]);
    const reader = new SqliteReadings(path, { readOnly: true });
    expect((await reader.read(1, 0, 9999, 9)).length).toBe(1);
    await first.write([{ ...reading, timeMs: 2000 }]);
    expect((await reader.read(1, 0, 9999, 9)).length).toBe(2);
    await expect(reader.write([reading])).rejects.toThrow(/readonly/);
    await reader.close();
    await first.close();
    const again = new SqliteReadings(path);
    expect((await again.read(1, 0, 9999, 9)).map(({ timeMs }) => timeMs)).toEqual([1000, 2000]);
    await again.close();
    await again.close();
  });

  it('keeps nothing of a write that fails half-way', async () => {
    const path = join(tempDir(), 'readings.db');
    const store = new SqliteReadings(path);
    const broken = { ...reading, series: 2, timeMs: 1.5 };
    await expect(store.write([reading, broken])).rejects.toThrow();
    expect(await store.read(1, 0, 9999, 9)).toEqual([]);
    await store.write([reading]);
    expect((await store.read(1, 0, 9999, 9)).length).toBe(1);
    await store.close();
  });

  it('refuses a file that is no database', () => {
    const path = join(tempDir(), 'readings.db');
    writeFileSync(path, 'these are not the pages you are looking for '.repeat(100));
    expect(() => new SqliteReadings(path)).toThrow(
      expect.objectContaining({ code: 'store.corrupt', retryable: false }),
    );
  });
});
