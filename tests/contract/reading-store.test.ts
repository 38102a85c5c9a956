/** The embedded store and the model in memory under the one contract; and what only a file can do. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryReadings } from '#readings/memory-store.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
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
