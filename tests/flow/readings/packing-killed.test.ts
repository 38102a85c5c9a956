/**
 * The upgrade of a file of the last version, whose readings are all rows: packed in the background, killed (SIGKILL) over and over in
 * the middle of it. In between and in the end every reading is there, to the bit; an older program is refused.
 */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MemoryReadings } from '#readings/memory-store.ts';
import { openReadings, readingsMigrations, SqliteReadings } from '#readings/sqlite-store.ts';
import type { ReadingToStore } from '#readings/store.ts';
import { openDatabase } from '#src/sqlite.ts';
import { childLines } from '#tests/helpers/child-lines.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const CHILD = join(import.meta.dirname, '../../helpers/readings/packing/child.ts');
const T = Date.UTC(2026, 0, 1);
const SERIES = 25;
const READINGS = 3000;
const KILLS_MIN = 5;
/** What the last version without blocks has had. */
const LAST_VERSION = 3;

function readingsOf(series: number): ReadingToStore[] {
  return Array.from({ length: READINGS }, (_, n) => ({
    series,
    timeMs: T + n * 300_000,
    value: n % 97 === 0 ? null : Math.round((7 + Math.sin((n + series) / 50)) * 100) / 100,
    flag: n % 97 === 0 ? 9 : n % 31 === 0 ? 3 : 1,
    deviceFlag: n % 500 === 0 ? 'D' : 'N',
    seq: 1 + n * SERIES + series,
  }));
}

/** As it stands in the rows of that version; every other reading has no checksum, as those of versions before it. */
async function writeLastVersion(path: string, model: MemoryReadings): Promise<void> {
  const store = new SqliteReadings(path);
  for (let series = 1; series <= SERIES; series++) {
    await store.write(readingsOf(series));
    await model.write(readingsOf(series));
  }
  await store.close();
  const database = openReadings(path);
  database.exec(`UPDATE reading SET flag = flag % 64 WHERE timeMs / 300000 % 2;
    DROP TABLE block; PRAGMA auto_vacuum=NONE; PRAGMA user_version=${LAST_VERSION}; VACUUM`);
  expect(database.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 0 });
  database.close();
}

it('is packed whole, however often it is killed, and gives its pages back', { timeout: 120_000 }, async () => {
  const path = join(tempDir(), 'readings.db');
  const model = new MemoryReadings();
  await writeLastVersion(path, model);
  let kills = 0;
  for (;;) {
    const child = childLines(process.execPath, [CHILD, path]);
    const lives = 1 + Math.floor(Math.random() * 12);
    let seen = 0;
    const line = await child.line((said) => said === 'end' || ++seen === lives);
    for (let turns = Math.random() * 200; turns > 0; turns--) await nextTurn();
    await child.kill();
    expect(child.stderr()).toBe('');
    if (kills % 3 === 0) await expectSame(path, model);
    if (line === 'end') break;
    kills++;
  }
  expect(kills).toBeGreaterThanOrEqual(KILLS_MIN);
  await expectSame(path, model);

  const database = openReadings(path);
  const number = (sql: string) => Object.values(database.prepare(sql).get()!)[0] as number;
  expect(number('SELECT count(*) FROM reading')).toBe(0);
  expect(number('PRAGMA auto_vacuum')).toBe(2);
  expect(number('PRAGMA page_count') * number('PRAGMA page_size')).toBeLessThan(SERIES * READINGS * 4 + (2 << 20));
  const used = (number('PRAGMA page_count') - number('PRAGMA freelist_count')) * number('PRAGMA page_size');
  expect(used / (SERIES * READINGS)).toBeLessThanOrEqual(4);
  database.close();
  expect(() => openDatabase(path, readingsMigrations.slice(0, LAST_VERSION))).toThrow(
    expect.objectContaining({ code: 'store.newer' }),
  );
});

async function expectSame(path: string, model: MemoryReadings): Promise<void> {
  const store = new SqliteReadings(path);
  for (let series = 1; series <= SERIES; series++) {
    const all = [series, 0, Number.MAX_SAFE_INTEGER, 1e6] as const;
    expect(await store.traced(...all)).toEqual(await model.traced(...all));
  }
  await store.close();
}
