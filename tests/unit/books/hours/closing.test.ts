/** When hours close, what late readings, corrections and changed settings do to closed ones; days; volumes' marks. */
import { describe, expect, test } from 'vitest';
import { dayOf } from '#model/calendar.ts';
import { booksRig, HOUR, LATENESS, QUARTER, STATION } from '#tests/helpers/books/rig.ts';
import { rowsOf } from '#tests/helpers/rows.ts';

const ZONE = 'Asia/Shanghai';
const T0 = Date.UTC(2026, 2, 1);

describe('closing', () => {
  const rows = (...values: number[]) => values.map((value, i) => ({ timeMs: T0 + i * QUARTER, value }));

  test('an hour closes by a tick once the lateness has passed, and not a millisecond before', async () => {
    const rig = booksRig();
    rig.message(T0 + HOUR, rows(7, 8, 9, 8));
    await rig.settle();
    expect(rig.hours()).toEqual([]);
    const dueMs = T0 + HOUR + LATENESS;
    expect(rig.followers().books.nextTimerMs()).toBe(dueMs);
    rig.tick(dueMs - 1);
    await rig.settle();
    expect(rig.hours()).toEqual([]);
    rig.tick(dueMs);
    await rig.settle();
    expect(rig.hours()).toEqual([{ hourMs: T0, count: 4, valid: 4, sum: 32, min: 7, max: 9 }]);
    expect(rig.days()).toMatchObject([{ dayMs: dayOf(T0, ZONE).startMs, count: 4 }]);
    expect(rig.followers().books.nextTimerMs()).toBe(null);
  });

  test('a late reading into a closed hour is in the books at once, with what it does to its neighbours', async () => {
    const rig = booksRig();
    // Without the reading at :45 the one at 01:00 has no neighbour that it could be compared with.
    rig.message(T0, [...rows(7), { timeMs: T0 + HOUR, value: 17 }]);
    rig.tick(T0 + 10 * HOUR);
    await rig.settle();
    expect(await rig.flags()).toEqual([1, 1]);
    const before = rig.hours();
    rig.message(T0 + 11 * HOUR, [{ timeMs: T0 + 3 * QUARTER, value: 7.2 }]);
    await rig.settle();
    expect(await rig.flags()).toEqual([1, 1, 3]);
    expect(rig.hours()).toEqual([
      { hourMs: T0, count: 2, valid: 2, sum: 7 + 7.2, min: 7, max: 7.2 },
      { hourMs: T0 + HOUR, count: 1, valid: 0, sum: 0, min: null, max: null },
    ]);
    expect(before[1]).toMatchObject({ valid: 1 });
    expect(rig.reflagged).toEqual([{ series: 1, timeMs: T0 + HOUR, value: 17, flag: 3, deviceFlag: null }]);
    const versions = rowsOf(rig.derived, 'SELECT timeMs, flag, cause, by FROM version');
    expect(versions).toEqual([{ timeMs: T0 + HOUR, flag: 1, cause: 'quality', by: 'quality' }]);
  });

  test('a late reading tells a spike at the end of the hour before', async () => {
    const rig = booksRig();
    rig.message(T0, [
      { timeMs: T0 + 2 * QUARTER, value: 7 },
      { timeMs: T0 + 3 * QUARTER, value: 9.4 },
    ]);
    rig.tick(T0 + 10 * HOUR);
    await rig.settle();
    expect(await rig.flags()).toEqual([1, 1]);
    rig.message(T0 + 11 * HOUR, [{ timeMs: T0 + HOUR, value: 7 }]);
    await rig.settle();
    expect(await rig.flags()).toEqual([1, 3, 1]);
    expect(rig.hours()).toMatchObject([{ valid: 1 }, { valid: 1 }]);
  });

  test('a value that arrives while its hour is being computed is not overwritten', async () => {
    const rig = booksRig();
    rig.message(T0 + 10 * HOUR, [{ timeMs: T0, value: 30 }]);
    await rig.stepReadings();
    rig.store.afterRead = async () => {
      rig.message(T0 + 10 * HOUR, [{ timeMs: T0, value: 7 }]);
      await rig.stepReadings();
    };
    await rig.stepBooks();
    expect(await rig.store.at([{ series: 1, timeMs: T0 }])).toEqual([
      { timeMs: T0, value: 7, flag: 1, deviceFlag: null, seq: 2 },
    ]);
    await rig.settle();
    expect(rig.hours()).toMatchObject([{ valid: 1, sum: 7 }]);
    expect(rig.reflagged).toEqual([]);
    const versions = rowsOf(rig.derived, 'SELECT value, cause FROM version');
    expect(versions).toEqual([{ value: 30, cause: 'reading' }]);
  });

  test('deleting all readings of an hour removes its row, and its day when nothing is left', async () => {
    const rig = booksRig();
    rig.message(T0, rows(7, 7.1, 7.2));
    rig.tick(T0 + 10 * HOUR);
    await rig.settle();
    expect(rig.hours()).toHaveLength(1);
    rig.command(T0 + 11 * HOUR, {
      verb: 'correct',
      station: 'taocha',
      parameter: 'do',
      fromMs: T0,
      toMs: T0 + HOUR,
      action: 'delete',
      reason: 'probe in the air',
    });
    await rig.settle();
    expect([rig.hours(), rig.days(), rig.dirty()]).toEqual([[], [], 0]);
    expect(await rig.flags()).toEqual([9, 9, 9]);
  });

  test('an engineer’s flag stands when the hour is computed again', async () => {
    const rig = booksRig();
    rig.message(T0, rows(7, 7.1, 7.2));
    rig.tick(T0 + 10 * HOUR);
    rig.command(T0 + 11 * HOUR, {
      verb: 'correct',
      station: 'taocha',
      parameter: 'do',
      fromMs: T0,
      toMs: T0 + QUARTER,
      action: 'flag',
      flag: 4,
      reason: 'fouled',
    });
    await rig.settle();
    rig.message(T0 + 12 * HOUR, [{ timeMs: T0 + 3 * QUARTER, value: 7.3 }]);
    await rig.settle();
    expect(await rig.flags()).toEqual([4, 1, 1, 1]);
    expect(rig.hours()).toMatchObject([{ count: 4, valid: 3, min: 7.1 }]);
  });

  test('waits for the store to hold what was marked, and asks for another chance', async () => {
    const rig = booksRig();
    rig.message(T0 + 10 * HOUR, rows(7, 7.1));
    rig.store.failures = ['before'];
    await expect(rig.stepReadings()).rejects.toThrow('the store failed');
    await rig.stepBooks();
    expect(rig.hours()).toEqual([]);
    await rig.stepReadings();
    expect(rig.followers().books.nextTimerMs()).toBeLessThanOrEqual(T0 + 11 * HOUR);
    rig.tick(rig.followers().books.nextTimerMs()!);
    await rig.settle();
    expect(rig.hours()).toHaveLength(1);
  });

  test('a change of thresholds counts for the hours computed after it', async () => {
    const rig = booksRig();
    rig.message(T0, rows(7));
    rig.tick(T0 + 10 * HOUR);
    const parameters = [{ id: 'do', interval: 'PT15M', qc: { fail: [0, 5] } }];
    rig.command(T0 + 11 * HOUR, { verb: 'put', noun: 'station', id: 'taocha', body: { ...STATION, parameters } });
    rig.message(T0 + 11 * HOUR, [{ timeMs: T0 + 2 * HOUR, value: 7 }]);
    await rig.settle();
    expect(await rig.flags()).toEqual([4, 4]);
    const split = booksRig();
    split.message(T0, rows(7));
    split.tick(T0 + 10 * HOUR);
    await split.settle();
    split.command(T0 + 11 * HOUR, { verb: 'put', noun: 'station', id: 'taocha', body: { ...STATION, parameters } });
    split.message(T0 + 11 * HOUR, [{ timeMs: T0 + 20 * HOUR, value: 7 }]);
    split.tick(T0 + 50 * HOUR);
    await split.settle();
    expect(await split.flags()).toEqual([1, 4]);
  });
});

describe('days', () => {
  test('of 23 and 25 hours in a zone with daylight saving', async () => {
    const rig = booksRig({ timeZone: 'America/New_York' });
    for (const start of [Date.UTC(2026, 2, 7, 5), Date.UTC(2026, 9, 31, 4)]) {
      rig.message(
        Date.UTC(2026, 11, 1),
        Array.from({ length: 72 }, (_, i) => ({ series: 2, timeMs: start + i * HOUR, value: 7 })),
      );
    }
    await rig.settle();
    expect(rig.days(2).map((day) => day.count)).toEqual([24, 23, 24, 1, 24, 25, 23]);
  });

  test('are folded anew when the zone changes, and not kept in a zone off the UTC hours', async () => {
    const rig = booksRig();
    const values = Array.from({ length: 72 }, (_, i) => ({ series: 2, timeMs: T0 + i * HOUR, value: 7 }));
    rig.message(T0 + 100 * HOUR, values);
    await rig.settle();
    expect(rig.days(2).map((day) => day.count)).toEqual([16, 24, 24, 8]);
    for (const [timeZone, counts] of [
      ['UTC', [24, 24, 24]],
      ['Asia/Kolkata', []],
      ['UTC', [24, 24, 24]],
    ] as const) {
      rig.restart(timeZone);
      rig.tick(T0 + 101 * HOUR);
      await rig.settle();
      expect(rig.days(2).map((day) => day.count)).toEqual(counts);
    }
  });
});

test('volumes are marked as readings come and again when their flags become final', async () => {
  const marks: [number, number, number][] = [];
  let steps = 0;
  const rig = booksRig({
    volumes: {
      mark: (series, fromMs, toMs) => void marks.push([series, fromMs, toMs]),
      step: async () => {
        steps++;
        return false;
      },
      isMarked: () => false,
    },
  });
  rig.message(T0, [
    { series: 4, timeMs: T0, value: 100 },
    { series: 4, timeMs: T0 + QUARTER, value: 101 },
    { series: 1, timeMs: T0, value: 7 },
    { series: 4, timeMs: T0 + HOUR, value: -5 },
  ]);
  await rig.stepBooks();
  expect([marks, steps]).toEqual([
    [
      [4, T0, T0 + QUARTER],
      [4, T0 + HOUR, T0 + HOUR],
    ],
    0,
  ]);
  await rig.stepReadings();
  rig.tick(T0 + 4 * HOUR);
  await rig.settle();
  expect(marks.slice(2)).toEqual([[4, T0 + HOUR, T0 + HOUR]]);
  expect(steps).toBeGreaterThan(0);
});
