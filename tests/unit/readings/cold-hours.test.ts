/** Which readings are packed, and when: hours that are closed and computed, a little at a time. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import { createColdHours } from '#readings/blocks/cold-hours.ts';
import { openDirtyHours } from '#readings/dirty-hours.ts';
import { openReadings, SqliteReadings } from '#readings/sqlite-store.ts';
import type { Packer } from '#readings/store.ts';
import { StoreError, transaction } from '#src/sqlite.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const T = Date.UTC(2026, 10, 22, 8);

function rig(change: (packer: Packer) => Packer = (packer) => packer) {
  const path = join(tempDir(), 'readings.db');
  const derived = openDerived(':memory:');
  const store = new SqliteReadings(path);
  let nowMs = 0;
  let openMs = T;
  let isBehind = false;
  const logged: string[] = [];
  const coldHours = createColdHours({
    derived,
    packer: change(store.packer()),
    isBehind: () => isBehind,
    openFromMs: () => openMs,
    clock: { monotonicMs: () => nowMs },
    log: { warn: (fields) => void logged.push((fields as { event: string }).event) },
  });
  return {
    store,
    derived,
    logged,
    coldHours,
    open(fromMs: number) {
      openMs = fromMs;
    },
    fallBehind() {
      isBehind = true;
    },
    pass(ms: number) {
      nowMs += ms;
    },
    /** Each minute of [fromMs, toMs). */
    async fill(series: number, fromMs: number, toMs: number, value = 7) {
      const readings = Array.from({ length: (toMs - fromMs) / MINUTE }, (_, n) => ({
        series,
        timeMs: fromMs + n * MINUTE,
        value: value + (n % 10) / 100,
        flag: 1 as const,
        deviceFlag: null,
        seq: n + 1,
      }));
      await store.write(readings);
    },
    run() {
      nowMs += 5000;
      let steps = 1;
      while (coldHours.step()) steps++;
      return steps;
    },
    look(sql: string): unknown[] {
      const database = openReadings(path);
      const rows = database.prepare(sql).all();
      database.close();
      return rows.map((row) => Object.values(row)[0]);
    },
  };
}

const ROWS = 'SELECT timeMs FROM reading ORDER BY series, timeMs';

describe('cold hours', () => {
  it('are packed once they are closed, and not before', async () => {
    const { fill, run, look, open, store } = rig();
    await fill(1, T, T + 4 * HOUR);
    const before = await store.traced(1, 0, T * 2, 1e6);
    run();
    expect(look(ROWS)).toHaveLength(240);
    open(T + 2 * HOUR);
    run();
    expect(look(ROWS)).toEqual(Array.from({ length: 120 }, (_, n) => T + 2 * HOUR + n * MINUTE));
    open(T + 4 * HOUR);
    run();
    expect(look(ROWS)).toEqual([]);
    expect(look('SELECT count(*) FROM block')).toEqual([1]);
    expect(await store.traced(1, 0, T * 2, 1e6)).toEqual(before);
  });

  it('that close as time goes on wait until there are 60 readings', async () => {
    const { fill, run, look, open } = rig();
    await fill(1, T, T + 59 * MINUTE);
    run();
    open(T + HOUR);
    run();
    expect(look(ROWS)).toHaveLength(59);
    await fill(1, T + 2 * HOUR, T + 2 * HOUR + MINUTE);
    open(T + 3 * HOUR);
    run();
    expect(look(ROWS)).toEqual([]);
  });

  it('wait until the oldest has been closed for a day', async () => {
    const { fill, run, look, open } = rig();
    await fill(1, T, T + MINUTE);
    await fill(1, T + 5 * HOUR, T + 5 * HOUR + MINUTE);
    run();
    open(T + 24 * HOUR);
    run();
    expect(look(ROWS)).toHaveLength(2);
    open(T + 25 * HOUR);
    run();
    expect(look(ROWS)).toEqual([]);
  });

  it('that had been closed when they came are packed within 60 s, however few', async () => {
    const { fill, run, look, open, derived, pass, coldHours } = rig();
    const dirty = openDirtyHours(derived);
    // A station's readings of some hours, a single late one, and one that isn't closed; the books come to the first entry later.
    open(-2 * HOUR);
    await fill(1, T + 20 * HOUR, T + 20 * HOUR + 30 * MINUTE);
    await fill(2, T + 23 * HOUR, T + 23 * HOUR + MINUTE);
    await fill(3, T + 24 * HOUR, T + 24 * HOUR + MINUTE);
    run();
    open(T + 24 * HOUR);
    transaction(derived, () => dirty.mark(2, T + 23 * HOUR, 1));
    run();
    expect(look(ROWS)).toEqual([T + 23 * HOUR, T + 24 * HOUR]);
    dirty.clear(2, T + 23 * HOUR, 1);
    let passedMs = 0;
    while (look(ROWS).length > 1) {
      pass(1000);
      passedMs += 1000;
      while (coldHours.step());
    }
    expect(passedMs).toBeLessThanOrEqual(60_000);
    // The same with an installation that has run for long.
    await fill(1, T + 22 * HOUR, T + 22 * HOUR + MINUTE);
    run();
    expect(look(ROWS)).toEqual([T + 24 * HOUR]);
    // This one closes as time goes on.
    open(T + 25 * HOUR);
    run();
    expect(look(ROWS)).toEqual([T + 24 * HOUR]);
  });

  it('whose flags alone change wait, too', async () => {
    const { fill, run, look, open, store } = rig();
    await fill(1, T, T + 2 * HOUR);
    open(T + 2 * HOUR);
    run();
    await store.write([{ series: 1, timeMs: T + HOUR, value: 7, flag: 4, deviceFlag: null }]);
    run();
    expect(look(ROWS)).toEqual([T + HOUR]);
    open(T + 25 * HOUR + HOUR);
    run();
    expect(look(ROWS)).toEqual([]);
  });

  it('wait for the books, so that final flags go in with them', async () => {
    const { fill, run, look, open, derived } = rig();
    const dirty = openDirtyHours(derived);
    await fill(1, T, T + 3 * HOUR);
    await fill(2, T, T + HOUR);
    open(T + 3 * HOUR);
    transaction(derived, () => dirty.mark(1, T + HOUR, 5));
    run();
    expect(look(ROWS)).toHaveLength(120);
    dirty.clear(1, T + HOUR, 5);
    run();
    expect(look(ROWS)).toEqual([]);
  });

  it('wait while the books have much to compute', async () => {
    const { fill, run, look, open, derived } = rig();
    await fill(1, T, T + HOUR);
    open(T + HOUR);
    derived.exec(`WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < 10001)
      INSERT INTO dirtyHour (series, hourMs, firstSeq, lastSeq) SELECT 9, value * 3600000, 1, 1 FROM n`);
    run();
    expect(look(ROWS)).toHaveLength(60);
    derived.exec('DELETE FROM dirtyHour WHERE hourMs = 3600000');
    run();
    expect(look(ROWS)).toEqual([]);
  });

  it('take in what comes late and what is corrected, with the entries that brought it', async () => {
    const { fill, run, look, open, store } = rig();
    await fill(1, T, T + 2 * HOUR);
    open(T + 2 * HOUR);
    run();
    const late = { series: 1, timeMs: T + 90, value: 3, flag: 1 as const, deviceFlag: 'N', seq: 400 };
    const flagged = { series: 1, timeMs: T + MINUTE, value: 7.01, flag: 4 as const, deviceFlag: null };
    await store.write([late, flagged]);
    const seen = await store.traced(1, T, T + 2 * MINUTE, 9);
    expect(seen).toMatchObject([{ value: 7 }, { value: 3, seq: 400 }, { value: 7.01, flag: 4, seq: 2 }]);
    expect(look(ROWS)).toHaveLength(2);
    run();
    expect(look(ROWS)).toEqual([]);
    expect(await store.traced(1, T, T + 2 * MINUTE, 9)).toEqual(seen);
  });

  it('rest between two looks, and are packed a few milliseconds at a time', async () => {
    let calls = 0;
    const { fill, run, open, pass, coldHours, look } = rig((packer) => ({
      ...packer,
      pack: (series, limits) => {
        calls++;
        let asked = 0;
        return packer.pack(series, {
          ...limits,
          isEnough: (readings) => {
            if (asked++ > 0) pass(9);
            return limits.isEnough(readings);
          },
        });
      },
    }));
    for (const series of [1, 2, 3]) await fill(series, T, T + 20 * HOUR);
    open(T + 24 * HOUR);
    run();
    expect(calls).toBeGreaterThan(6);
    expect(look(ROWS)).toEqual([]);
    expect(coldHours.isDue()).toBe(false);
    pass(5000);
    expect(coldHours.isDue()).toBe(true);
  });

  it('wait while entries wait to be settled, but not beyond a minute', async () => {
    const { fill, run, look, open, fallBehind, pass, coldHours } = rig();
    await fill(1, T, T + HOUR);
    open(T + HOUR);
    run();
    await fill(1, T, T + HOUR, 8);
    fallBehind();
    let passedMs = 0;
    for (; look(ROWS).length > 0; passedMs += 1000) {
      pass(1000);
      while (coldHours.step());
    }
    expect(passedMs).toBeGreaterThan(30_000);
    expect(passedMs).toBeLessThan(60_000);
  });

  it('are tried again when the disk was full', async () => {
    let isFull = true;
    const { fill, run, look, open, pass, logged } = rig((packer) => ({
      ...packer,
      pack(...values) {
        if (isFull) throw new StoreError('store.full', 'disk full', true);
        return packer.pack(...values);
      },
    }));
    await fill(1, T, T + HOUR);
    open(T + HOUR);
    run();
    expect(logged).toEqual(['packing.failed']);
    isFull = false;
    run();
    expect(look(ROWS)).toHaveLength(60);
    pass(60_000);
    run();
    expect(look(ROWS)).toEqual([]);
  });

  it('have their space given back, but for what the next hour takes', async () => {
    const { fill, run, look, open, store } = rig();
    for (let series = 1; series <= 40; series++) await fill(series, T, T + 48 * HOUR);
    const full = look('PRAGMA page_count')[0] as number;
    open(T + 48 * HOUR);
    run();
    run();
    expect(look('PRAGMA freelist_count')[0]).toBeLessThanOrEqual(256);
    expect(look('PRAGMA page_count')[0]).toBeLessThan(full / 3);
    const used = (look('PRAGMA page_count')[0] as number) - (look('PRAGMA freelist_count')[0] as number);
    expect((used * 4096) / (40 * 48 * 60)).toBeLessThanOrEqual(4);
    await store.close();
  });

  it('are no matter of a store that packs by itself', () => {
    const derived = openDerived(':memory:');
    const parts = {
      derived,
      isBehind: () => false,
      openFromMs: () => T,
      clock: { monotonicMs: () => 0 },
      log: { warn() {} },
    };
    const coldHours = createColdHours({ ...parts, packer: null });
    expect(coldHours.isDue()).toBe(false);
    expect(coldHours.step()).toBe(false);
  });
});
