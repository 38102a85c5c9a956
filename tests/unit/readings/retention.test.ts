/** When readings go (WK_RAW_RETENTION), what must be done before, and that frozen hours stay as they are. */

import { describe, expect, test } from 'vitest';
import { openBookState } from '#books/clock.ts';
import { openFrozenHours } from '#readings/frozen-hours.ts';
import { createRawRetention } from '#readings/retention.ts';
import { StoreError } from '#src/sqlite.ts';
import { booksRig, HOUR, LATENESS, QUARTER } from '#tests/helpers/books/rig.ts';

const DAY = 24 * HOUR;
const T0 = Date.UTC(2026, 2, 1);
const RETENTION = 10 * DAY;
const ALL = [1, 2, 3, 4, 5];
const REGISTER = 4;
const NAMES: Record<number, string> = { 1: 'do', 2: 'ph', 3: 'fcoli', 4: 'register', 5: 'tn' };

/** Series 1, 2 and the register have a reading every quarter over `days` days. */
async function filled(days: number, lookBack: ReadonlyMap<number, number> = new Map()) {
  const rig = booksRig();
  for (let day = 0; day < days; day++) {
    const readings = Array.from({ length: 96 }, (_, n) => T0 + day * DAY + n * QUARTER).flatMap((timeMs) =>
      [1, 2, REGISTER].map((series) => ({ series, timeMs, value: 7 + (timeMs % 7) / 10 })),
    );
    rig.message(T0 + (day + 1) * DAY, readings);
  }
  rig.tick(T0 + days * DAY + LATENESS + HOUR);
  await rig.settle();
  let nowMs = 0;
  const logged: string[] = [];
  const log = (fields: object) => void logged.push((fields as { event: string }).event);
  let failure: Error | null = null;
  const retention = createRawRetention({
    derived: rig.derived,
    store: {
      async prune(series, beforeMs) {
        if (failure) throw failure;
        await rig.store.prune(series, beforeMs);
      },
    },
    reader: { allSeries: () => ALL.map((id) => ({ id, station: 'taocha', parameter: NAMES[id]! })) },
    booksClockMs: () => openBookState(rig.derived).clockMs(),
    lookBackMs: (series) => lookBack.get(series) ?? 0,
    retentionMs: RETENTION,
    clock: { monotonicMs: () => nowMs },
    log: { info: log, warn: log },
  });
  const first = async (series: number) => (await rig.store.after(series, -1e15, 1))[0]?.timeMs;
  return {
    rig,
    logged,
    first,
    frozenMs: (series: number) => openFrozenHours(rig.derived).beforeMs(series),
    fail(error: Error | null) {
      failure = error;
    },
    /** A minute later, until nothing is left to do. */
    async run() {
      nowMs += 60_000;
      while (await retention.step());
    },
  };
}

describe('raw retention', () => {
  test('deletes what is older, save meters, and leaves what later flags look back at', async () => {
    const { rig, run, first, frozenMs, logged } = await filled(20);
    const hours = rig.hours();
    await run();
    const beforeMs = T0 + 20 * DAY + HOUR + LATENESS - RETENTION - HOUR;
    expect(frozenMs(1)).toBe(beforeMs);
    expect(frozenMs(REGISTER)).toBe(Number.NEGATIVE_INFINITY);
    expect(await first(1)).toBe(beforeMs - 2 * DAY);
    expect(await first(2)).toBe(beforeMs - 2 * DAY);
    expect(await first(REGISTER)).toBe(T0);
    expect(rig.hours()).toEqual(hours);
    expect(logged).toEqual(['retention.pruned']);
  });

  test('leaves as much as the tests of a series look back at', async () => {
    const { run, first, frozenMs } = await filled(20, new Map([[2, 7 * DAY]]));
    await run();
    expect(await first(1)).toBe(frozenMs(1) - 2 * DAY);
    expect(await first(2)).toBe(frozenMs(2) - 7 * DAY);
  });

  test('does so once a day', async () => {
    const { rig, run, frozenMs, logged } = await filled(20);
    await run();
    const beforeMs = frozenMs(1);
    rig.tick(T0 + 21 * DAY);
    await rig.settle();
    await run();
    expect(frozenMs(1)).toBe(beforeMs);
    rig.tick(T0 + 22 * DAY);
    await rig.settle();
    await run();
    expect(frozenMs(1)).toBeGreaterThan(beforeMs);
    expect(logged).toEqual(['retention.pruned', 'retention.pruned']);
  });

  test('waits for hours that are still to be computed', async () => {
    const { rig, run, first } = await filled(20);
    // A late value: settled, and not booked yet.
    rig.message(T0 + 20 * DAY + 4 * HOUR, [{ series: 1, timeMs: T0 + DAY + 1, value: 7.5 }]);
    await rig.stepReadings();
    await run();
    expect(await first(1)).toBe(T0);
    await rig.stepBooks();
    await run();
    expect(await first(1)).toBeGreaterThan(T0);
  });

  test('a value that comes for a frozen hour all the same changes no statistics', async () => {
    const { rig, run } = await filled(20);
    await run();
    const hours = rig.hours();
    const days = rig.days();
    rig.message(T0 + 20 * DAY + 4 * HOUR, [{ series: 1, timeMs: T0 + DAY + 1, value: 20 }]);
    await rig.settle();
    expect(rig.hours()).toEqual(hours);
    expect(rig.days()).toEqual(days);
    expect(rig.dirty()).toBe(0);
  });

  test('goes on where a store was away, and gives up for the day with one that deletes nothing', async () => {
    const { run, first, fail, logged } = await filled(20);
    fail(new StoreError('store.unreachable', 'away', true));
    await run();
    expect(logged).toEqual(['retention.failed']);
    fail(null);
    await run();
    expect(await first(1)).toBeGreaterThan(T0);
    expect(logged).toEqual(['retention.failed', 'retention.pruned']);

    const other = await filled(20);
    other.fail(new StoreError('store.no-deletion', 'it can not', false));
    await other.run();
    await other.run();
    expect(await other.first(1)).toBe(T0);
    expect(other.logged).toEqual(['retention.failed']);
  });
});
