/** Volumes computed from readings as of a time, and books that an older version of the program has left. */
import { describe, expect, it } from 'vitest';
import { decisions } from '#books/questions/decisions.ts';
import { meterVolumes, volumes } from '#books/questions/volumes.ts';
import { createVolumesAsOf } from '#books/water/as-of.ts';
import { derivedMigrations } from '#installation/derived.ts';
import { rulingId } from '#model/accounting.ts';
import { bucketEdges, HOUR_MS } from '#model/calendar.ts';
import type { Meter } from '#model/register.ts';
import { openDatabase } from '#src/sqlite.ts';
import { REGISTER_METER, volumeRig } from '#tests/helpers/books/volume-rig.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const T0 = Date.UTC(2025, 0, 1);
const HALF_HOUR = HOUR_MS / 2;
const COUNT = 12_000;
const SWAP_MS = T0 + 3000 * HALF_HOUR + 60_000;
const METERS: Record<string, Meter> = {
  counted: {
    ...REGISTER_METER,
    size: 1_000_000,
    replacements: [{ at: new Date(SWAP_MS).toISOString(), start: 0 }],
  },
  flow: { ...REGISTER_METER, parameter: 'flow', kind: 'flow', unit: 'm3/s', gap: 'register' },
  zeroed: { ...REGISTER_METER, station: 'elsewhere', kind: 'scheduled-reset', maxGap: 'PT3H' },
};

/** Half a year of half hours: more than one step of a rebuild, with glitches, resets undone, rollovers and holes. */
async function filled() {
  const rig = volumeRig(METERS);
  const all = Array.from({ length: COUNT }, (_, index) => T0 + index * HALF_HOUR);
  const count = (timeMs: number) => ((timeMs >= SWAP_MS ? timeMs - SWAP_MS : timeMs - T0) / 10_000) % 1_000_000;
  await rig.write(
    'counted',
    all
      .filter((_, index) => index % 97 > 3)
      .map((timeMs, index) => ({ timeMs, value: index % 501 === 7 || index % 401 < 2 ? 0 : count(timeMs) })),
  );
  await rig.write(
    'flow',
    all.filter((_, index) => index % 211 > 8).map((timeMs) => ({ timeMs, value: (timeMs / HALF_HOUR) % 90 })),
  );
  await rig.write(
    'zeroed',
    all.filter((_, index) => index % 131 > 9).map((timeMs) => ({ timeMs, value: ((timeMs - T0) / 36_000) % 2400 })),
  );
  rig.rule('counted', T0 + 500 * HALF_HOUR, 'glitch');
  await rig.settle();
  return rig;
}

describe('volumes as of now', () => {
  it('are those of the books, month by month and to the litre', async () => {
    const rig = await filled();
    const journal = openDatabase(':memory:', ['CREATE TABLE control (seq INTEGER, atMs INTEGER)']);
    const ids = Object.keys(METERS);
    const versions = [
      ...ids.map((id) => rig.control.version('meter', id)!),
      rig.control.version('ruling', rulingId('counted', T0 + 500 * HALF_HOUR))!,
    ];
    const { volumesAsOf, accountsAsOf } = createVolumesAsOf({
      journal,
      reader: { control: () => versions, seriesByName: rig.seriesOf },
      store: rig.store,
      readings: async ({ series, fromMs, toMs, limit }) =>
        (await rig.store.read(series, fromMs, toMs, limit)).map((reading) => ({ ...reading, provisional: false })),
    });
    const edgesMs = bucketEdges(T0 + 12_345, T0 + COUNT * HALF_HOUR, 'month', 'Asia/Kolkata', 20);
    const meters = ids.map((id) => ({ id, meter: METERS[id]! }));
    const expected = meterVolumes(rig.derived, { meters, edgesMs });
    const asked = { meters: [...ids, 'none'], edgesMs, asOfMs: 1, register: rig.register };
    const found = await volumesAsOf(asked);
    expect(found.map(({ meter, buckets }) => ({ meter, buckets }))).toEqual(expected);
    for (const { meter, decisions: decided } of found) {
      const filter = { meters: [meter], kind: null, fromMs: edgesMs[0]!, toMs: edgesMs.at(-1)!, before: null };
      const kept = decisions(rig.derived, { ...filter, limit: 10_000 }).reverse();
      expect(decided.map((decision) => ({ meter, ...decision }))).toEqual(kept);
      expect(decided.length).toBeGreaterThan(20);
    }
    expect((await accountsAsOf({ asOfMs: 1 })).flatMap((text) => JSON.parse(text))).toEqual(versions);
    expect(expected[1]!.buckets.every(({ estimatedLitres }) => estimatedLitres > 0)).toBe(true);
    journal.close();
  });
});

describe('books of an older version', () => {
  it('get their running totals, and are marked so that their decisions are found', () => {
    const { path, remove } = makeTempDir();
    const file = `${path}/derived.db`;
    const old = derivedMigrations.findIndex((ddl) => ddl.includes('CREATE TABLE volumeDay'));
    const before = openDatabase(file, derivedMigrations.slice(0, old));
    const insert = before.prepare('INSERT INTO volumeHour VALUES (?, ?, ?, ?, ?)');
    for (let hour = 0; hour < 2000; hour += 7) insert.run('m', T0 + hour * HOUR_MS, 1000 + hour, 10, HOUR_MS);
    before.exec("INSERT INTO volumeMonth VALUES ('m', 0, 1, 1, 1)");
    before.close();
    const derived = openDatabase(file, derivedMigrations);
    const edgesMs = [T0 + 30 * HOUR_MS, T0 + 1500 * HOUR_MS];
    const [bucket] = volumes(derived, { meters: [{ id: 'm', meter: REGISTER_METER }], edgesMs });
    const counted = Array.from({ length: 2000 }, (_, hour) => hour).filter(
      (hour) => hour % 7 === 0 && hour >= 30 && hour < 1500,
    );
    expect(bucket!.measuredLitres).toBe(counted.reduce((sum, hour) => sum + 1000 + hour, 0));
    expect(derived.prepare('SELECT meter FROM volumeDirty').all()).toEqual([{ meter: 'm' }]);
    derived.close();
    remove();
  });
});
