/** Rows whose bits flipped at rest: met when they are read, and never told as a number (docs/decisions/0024). */
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createAssessmentQueries } from '#books/questions/assessments.ts';
import { createLoadQueries } from '#books/questions/loads.ts';
import { knotsOf } from '#books/water/rows.ts';
import type { MeanKind } from '#model/reference.ts';
import { takeDamages } from '#readings/damage.ts';
import { openReadings, SqliteReadings } from '#readings/sqlite-store.ts';
import type { Database } from '#src/sqlite.ts';
import { booksRig, HOUR, LATENESS, QUARTER } from '#tests/helpers/books/rig.ts';
import { REGISTER_METER, volumeRig } from '#tests/helpers/books/volume-rig.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const T = Date.UTC(2026, 10, 22);
beforeEach(() => void takeDamages());

function flippedFloat(value: number, bit: number): number {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value);
  bytes.setBigUint64(0, bytes.getBigUint64(0) ^ (1n << BigInt(bit)));
  return bytes.getFloat64(0);
}

const flippedInteger = (value: number, bit: number) => BigInt.asIntN(64, BigInt(value) ^ (1n << BigInt(bit)));
const damaged = expect.objectContaining({ code: 'books.damaged' });

describe('a reading', () => {
  const path = () => join(tempDir(), 'readings.db');
  const reading = { series: 3, timeMs: T, value: 7.92, flag: 1, deviceFlag: 'N', seq: 12 } as const;

  async function flipped(file: string, column: string, value: number | bigint | string | null) {
    const written = new SqliteReadings(file);
    await written.write([{ ...reading, timeMs: T - 1 }, reading, { ...reading, timeMs: T + 1, censored: '<' }]);
    await written.close();
    const database = openReadings(file);
    database.prepare(`UPDATE reading SET ${column} = ? WHERE timeMs = ?`).run(value, T);
    database.close();
    const store = new SqliteReadings(file, { readOnly: true });
    const found = await store.read(3, T - 10, Number.MAX_SAFE_INTEGER, 10);
    const at = await store.at([{ series: 3, timeMs: T }]);
    await store.close();
    return { found, at };
  }

  it('that is sound is read as it was written, whatever stands in it', async () => {
    const store = new SqliteReadings(path());
    const all = [
      { ...reading, deviceFlag: null, value: null, flag: 9 },
      { ...reading, timeMs: T + 1, value: -0, deviceFlag: '' },
      { ...reading, timeMs: -1, value: 1e300, flag: 4, censored: '>', deviceFlag: '水位计' },
    ] as const;
    await store.write(all);
    const found = await store.read(3, -1e15, 1e15, 10);
    expect(found.map(({ timeMs }) => timeMs)).toEqual([-1, T, T + 1]);
    expect(takeDamages()).toEqual([]);
    await store.close();
  });

  it('is told as missing when any bit of its value has flipped', async () => {
    const file = path();
    for (let bit = 0; bit < 64; bit++) {
      const value = flippedFloat(reading.value, bit);
      if (Number.isNaN(value)) continue;
      const { found, at } = await flipped(file, 'value', value);
      expect(found[1], `bit ${bit}`).toEqual({ timeMs: T, value: null, flag: 9, deviceFlag: null });
      expect(found.map(({ value: other }) => other)).toEqual([7.92, null, 7.92]);
      expect(at[0]).toMatchObject({ value: null, flag: 9, seq: 12 });
      expect(takeDamages()).toEqual([
        { condition: 'readings.damaged', detail: `series 3 at ${new Date(T).toISOString()} in readings.db` },
      ]);
    }
  });

  it('and when any bit of its flag and checksum, or its device flag, has', async () => {
    const sealed = await sealedOf(reading);
    const file = path();
    for (let bit = 0; bit < 63; bit++) {
      const { found } = await flipped(file, 'flag', flippedInteger(sealed, bit));
      expect(found[1], `bit ${bit}`).toMatchObject({ value: null, flag: 9 });
    }
    for (const flag of ['L', 'n', '', null])
      expect((await flipped(file, 'deviceFlag', flag)).found[1]!.value).toBeNull();
  });

  async function sealedOf(one: typeof reading): Promise<number> {
    const file = path();
    const store = new SqliteReadings(file);
    await store.write([one]);
    await store.close();
    const database = openReadings(file);
    const { flag } = database.prepare('SELECT flag FROM reading').get() as { flag: number };
    database.close();
    return flag;
  }

  it('of an earlier version, without a checksum, is believed until it is written again', async () => {
    const { found } = await flipped(path(), 'flag', 3);
    expect(found[1]).toEqual({ timeMs: T, value: 7.92, flag: 3, deviceFlag: 'N' });
    expect(takeDamages()).toEqual([]);
  });
});

const START = Date.UTC(2026, 10, 2);
async function threeDays() {
  const rig = booksRig();
  const readings = Array.from({ length: 3 * 96 }, (_, n) => ({
    timeMs: START + n * QUARTER,
    value: 5 + Math.sin(n) / 5,
    verdict: 'new' as const,
  }));
  rig.message(START + 80 * HOUR, readings);
  rig.tick(START + 81 * HOUR);
  await rig.settle();
  const ask = (interval: 'PT1H' | 'P1D') =>
    rig.trends()({
      series: 1,
      mean: 'arithmetic' as MeanKind,
      edgesMs: [START, START + 56 * HOUR],
      interval,
      timeZone: 'Asia/Shanghai',
      asOfMs: null,
    });
  return { rig, ask };
}

function corrupt(derived: Database, table: string, at: string, atMs: number, column: string, bit: number): void {
  const { value } = derived.prepare(`SELECT ${column} AS value FROM ${table} WHERE ${at} = ?`).get(atMs) as {
    value: number;
  };
  const isReal = ['sum', 'min', 'max'].includes(column);
  const changed = isReal ? flippedFloat(value, bit) : flippedInteger(value, bit);
  derived.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${at} = ?`).run(changed, atMs);
}

describe('an hour and a day of statistics', () => {
  it('are refused by name when any bit of them has flipped, and nothing else is', async () => {
    const { rig, ask } = await threeDays();
    const { derived } = rig;
    const hourMs = START + 50 * HOUR;
    const dayMs = START + 16 * HOUR;
    const before = await ask('P1D');
    const cells = createAssessmentQueries({ derived, trends: rig.trends(), allowedLatenessMs: LATENESS });
    const spans = [{ startMs: dayMs, endMs: dayMs + 24 * HOUR, meansOnly: true }];
    const periods = () =>
      cells.periods({
        spans,
        series: [{ id: 1, mean: 'arithmetic' }],
        timeZone: 'Asia/Shanghai',
        asOfMs: null,
        nowMs: START + 81 * HOUR,
      });
    expect([...(await periods()).count]).toEqual([96]);
    for (const column of ['count', 'valid', 'sum', 'min', 'max', 'checksum']) {
      for (let bit = 0; bit < 52; bit += 3) {
        derived.exec('SAVEPOINT flip');
        corrupt(derived, 'hourStat', 'hourMs', hourMs, column, bit);
        await expect(ask('PT1H'), `${column} ${bit}`).rejects.toEqual(damaged);
        derived.exec('ROLLBACK TO flip');
        corrupt(derived, 'dayStat', 'dayMs', dayMs, column, bit);
        await expect(ask('P1D'), `${column} ${bit}`).rejects.toThrow(
          /dayStat of series 1 at 2026-11-02T16.*npm run rebuild/,
        );
        await expect(periods()).rejects.toEqual(damaged);
        derived.exec('ROLLBACK TO flip; RELEASE flip');
      }
    }
    expect(await ask('P1D')).toEqual(before);
    expect(takeDamages().map(({ condition }) => condition)).toContain('books.damaged');
  });

  it('make the day damaged that is folded from a damaged hour, and both are whole again when the hour is computed anew', async () => {
    const { rig, ask } = await threeDays();
    const before = await ask('P1D');
    const hourMs = START + 20 * HOUR;
    corrupt(rig.derived, 'hourStat', 'hourMs', hourMs, 'sum', 50);
    // Another hour of the day changes, and the day with it.
    rig.message(START + 82 * HOUR, [{ timeMs: START + 30 * HOUR + 1, value: 5.1 }]);
    await rig.settle();
    await expect(ask('P1D')).rejects.toEqual(damaged);
    rig.message(START + 83 * HOUR, [{ timeMs: hourMs + 1, value: 5.1 }]);
    await rig.settle();
    const after = await ask('P1D');
    expect(after.map(({ count }) => count)).toEqual(before.map(({ count }) => count + 2));
  });

  it('of an earlier version are believed', async () => {
    const { rig, ask } = await threeDays();
    const before = await ask('P1D');
    rig.derived.exec('UPDATE hourStat SET checksum = NULL; UPDATE dayStat SET checksum = NULL');
    expect(await ask('P1D')).toEqual(before);
  });
});

describe('volumes', () => {
  const DAY = 24 * HOUR;
  async function tenDays() {
    const rig = volumeRig({ m: REGISTER_METER });
    await rig.write(
      'm',
      Array.from({ length: 241 }, (_, n) => ({ timeMs: T + n * HOUR, value: 100 + n * 10 })),
    );
    await rig.settle();
    return rig;
  }

  it('are refused when any bit of an hour or of a running total has flipped', async () => {
    const rig = await tenDays();
    const part = () => rig.total('m', T + DAY, T + 3 * DAY + 5 * HOUR + 1000);
    const sound = part();
    expect(sound.measured).toBe(530.002);
    const places = [
      ['volumeHour', 'hourMs', T + 3 * DAY + 2 * HOUR],
      ['volumeHour', 'hourMs', T + 3 * DAY + 5 * HOUR],
      ['volumeDay', 'dayMs', T + 2 * DAY],
    ] as const;
    for (const [table, at, atMs] of places) {
      for (const column of ['measuredLitres', 'estimatedLitres', 'knownMs', 'checksum']) {
        for (let bit = 0; bit < 52; bit++) {
          rig.derived.exec('SAVEPOINT flip');
          corrupt(rig.derived, table, at, atMs, column, bit);
          expect(part, `${table} ${column} ${bit}`).toThrow(damaged);
          rig.derived.exec('ROLLBACK TO flip; RELEASE flip');
        }
      }
    }
    expect(part()).toEqual(sound);
    const water = createLoadQueries({ derived: rig.derived, readings: async () => [] });
    corrupt(rig.derived, 'volumeHour', 'hourMs', T + HOUR, 'knownMs', 3);
    const loads = { series: null, meters: ['m'], edgesMs: [T, T + DAY], intervalMs: null, stamps: 'start' } as never;
    await expect(water.loads(loads)).rejects.toEqual(damaged);
  });

  it('stay damaged when running totals are summed anew or moved, and are whole again when their hours are', async () => {
    const rig = await tenDays();
    const kept = rig.kept();
    corrupt(rig.derived, 'volumeHour', 'hourMs', T + 2 * DAY, 'measuredLitres', 9);
    // A read of the same day is another: the day's total is summed anew, and all later ones move.
    await rig.write('m', [{ timeMs: T + 2 * DAY + 12 * HOUR, value: 100 + 60 * 10 + 5 }]);
    await rig.settle();
    for (const day of [3, 5, 9]) expect(() => rig.total('m', T, T + day * DAY), `day ${day}`).toThrow(damaged);
    expect(rig.total('m', T, T + 2 * DAY).measured).toBe(480);
    await rig.write('m', [{ timeMs: T + 2 * DAY + 12 * HOUR, value: 100 + 60 * 10 }]);
    await rig.settle();
    expect(() => rig.total('m', T, T + 9 * DAY)).toThrow(damaged);
    rig.books.mark(rig.seriesOf('taocha', 'register').id, T, T + 10 * DAY);
    await rig.settle();
    expect(rig.kept()).toEqual(kept);
  });

  it('of an earlier version are believed, and get their checksums when they are written again', async () => {
    const rig = await tenDays();
    const kept = rig.kept();
    rig.derived.exec('UPDATE volumeHour SET checksum = NULL; UPDATE volumeDay SET checksum = NULL');
    expect(rig.total('m', T, T + 9 * DAY).measured).toBe(9 * 240);
    rig.derived.exec('DELETE FROM volumeHour; DELETE FROM volumeDay');
    rig.books.mark(rig.seriesOf('taocha', 'register').id, T, T + 10 * DAY);
    await rig.settle();
    expect(rig.kept()).toEqual(kept);
  });

  it('have knots with a checksum of their own, and are believed without', () => {
    expect(knotsOf('[[0,1,2,3]]')).toEqual([{ elapsedMs: 0, measuredLitres: 1, estimatedLitres: 2, knownMs: 3 }]);
    expect(knotsOf('[[0,1,2,3],5]')).toBeNull();
    expect(knotsOf('[[0,1,2,')).toBeNull();
  });

  it('have a list of decisions that is refused likewise', async () => {
    const rig = await tenDays();
    await rig.write('m', [{ timeMs: T + 5 * DAY + 1, value: 5 }]);
    await rig.settle();
    const [decision] = rig.decided('m');
    expect(decision).toBeDefined();
    rig.derived.exec('UPDATE volumeDecision SET litres = coalesce(litres, 0) + 1');
    expect(() => rig.decided('m')).toThrow(damaged);
  });
});
