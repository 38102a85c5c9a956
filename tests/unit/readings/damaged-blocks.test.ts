/** A bit that flips in a block, or in a row before it is packed: nothing damaged is told as a number, nor sealed anew. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeDamages } from '#readings/damage.ts';
import { scanReadings } from '#readings/damaged-readings.ts';
import { openReadings, SqliteReadings } from '#readings/sqlite-store.ts';

import { packAll } from '#tests/helpers/readings/packed.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const T = Date.UTC(2026, 10, 22, 8);
const MINUTE = 60_000;

function written(from: number, to: number) {
  return Array.from({ length: to - from }, (_, n) => ({
    series: 3,
    timeMs: T + (from + n) * MINUTE,
    value: Math.round(700 + from + n) / 100,
    flag: 1 as const,
    deviceFlag: 'N',
    seq: from + n + 11,
  }));
}

async function rig(count: number, from = 0) {
  const path = join(tempDir(), 'readings.db');
  const store = new SqliteReadings(path);
  await store.write(written(from, from + count));
  return {
    store,
    pack: () => packAll(store),
    change(sql: string, ...values: (number | bigint | Uint8Array)[]) {
      const database = openReadings(path);
      database.prepare(sql).run(...values);
      database.close();
    },
    body() {
      const database = openReadings(path);
      const { body } = database.prepare('SELECT body FROM block').get() as { body: Uint8Array };
      database.close();
      return body;
    },
    scan() {
      const database = openReadings(path);
      const damaged: object[] = [];
      const { rows: readings } = scanReadings(database, (one) => damaged.push(one));
      const rows = database
        .prepare('SELECT timeMs FROM reading')
        .all()
        .map(({ timeMs }) => timeMs);
      database.close();
      return { readings, damaged, rows };
    },
    values: async () => (await store.read(3, 0, Number.MAX_SAFE_INTEGER, 1e6)).map(({ value }) => value),
  };
}

describe('a damaged block', () => {
  it('is told as missing at the one time that is known, by every question, and others are read', async () => {
    const { store, pack, change, scan, values } = await rig(900);
    pack();
    expect(scan()).toEqual({ readings: 900, damaged: [], rows: [] });
    const before = await values();
    expect(before).toHaveLength(900);
    change(
      "UPDATE block SET body = CAST(substr(body, 1, 99) || x'00f0' || substr(body, 102) AS BLOB) WHERE fromMs = ?",
      T,
    );
    takeDamages();
    const found = await store.read(3, T, T + 1000 * MINUTE, 1e6);
    expect(found[0]).toEqual({ timeMs: T, value: null, flag: 9, deviceFlag: null });
    expect(found.slice(1).map(({ value }) => value)).toEqual(before.slice(400));
    expect(takeDamages()).toEqual([
      { condition: 'readings.damaged', detail: `series 3 at ${new Date(T).toISOString()} in readings.db` },
    ]);
    expect(await store.at([{ series: 3, timeMs: T + MINUTE }])).toEqual([undefined]);
    expect((await store.before(3, T + 10 * MINUTE, 5)).map(({ value }) => value)).toEqual([null]);
    expect(scan().damaged).toEqual([{ series: 3, timeMs: T, seq: 11, block: { mended: null } }]);
  });

  it('of which one bit has changed is read as it was written, and told', async () => {
    // At a time that nothing has been told of yet.
    const { store, pack, change, scan, values, body } = await rig(300, 2000);
    pack();
    const flipped = body();
    flipped[20]! ^= 4;
    change('UPDATE block SET body = ?', flipped);
    takeDamages();
    expect(await values()).toEqual(written(2000, 2300).map(({ value }) => value));
    expect(takeDamages()).toMatchObject([{ condition: 'readings.damaged' }]);
    expect(scan()).toMatchObject({ readings: 300, damaged: [{ series: 3, timeMs: T + 2000 * MINUTE, seq: 2011 }] });
    // What is packed into it writes it anew.
    await store.write(written(2300, 2301));
    pack();
    expect(scan()).toEqual({ readings: 301, damaged: [], rows: [] });
  });

  it('is left for the rebuild, and what is written again is packed beside it', async () => {
    const { store, pack, change, scan, values } = await rig(300);
    pack();
    change('UPDATE block SET seq = 11, body = zeroblob(200)');
    await store.write(written(0, 310));
    pack();
    expect(await values()).toEqual(written(0, 310).map(({ value }) => value));
    // The one row whose time is the block's stays a row.
    expect(scan()).toEqual({
      readings: 310,
      damaged: [{ series: 3, timeMs: T, seq: 11, block: { mended: null } }],
      rows: [T],
    });
  });

  it('takes no sound neighbour with it when it is pruned', async () => {
    const { store, pack, change, values } = await rig(900);
    pack();
    change('UPDATE block SET body = zeroblob(200) WHERE fromMs = ?', T);
    await store.prune(3, T + 500 * MINUTE);
    expect(await values()).toEqual(written(500, 900).map(({ value }) => value));
  });
});

describe('a damaged row', () => {
  it('stays a row, and the others are packed', async () => {
    const { pack, change, scan, values } = await rig(100);
    change('UPDATE reading SET value = 9.5 WHERE timeMs = ?', T + 5 * MINUTE);
    change('UPDATE reading SET flag = ? WHERE timeMs = ?', 2n ** 62n, T + 7 * MINUTE);
    change('UPDATE reading SET seq = ? WHERE timeMs = ?', 2n ** 62n, T + 9 * MINUTE);
    pack();
    expect((await values()).flatMap((value, n) => (value === null ? [n] : []))).toEqual([5, 7]);
    const { damaged } = scan();
    expect(damaged).toHaveLength(2);
  });

  it('is packed once it is written again', async () => {
    const { store, pack, change, scan, values } = await rig(100);
    change('UPDATE reading SET value = 9.5 WHERE timeMs = ?', T + 5 * MINUTE);
    pack();
    await store.write(written(5, 6));
    pack();
    expect(await values()).toEqual(written(0, 100).map(({ value }) => value));
    expect(scan()).toEqual({ readings: 100, damaged: [], rows: [] });
  });
});
