/** A store that fell back to any entry is written again to what it was, and nothing is counted or versioned twice. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createReadingsFollower } from '#readings/follower.ts';
import type { ReadingStore } from '#readings/store.ts';
import { readingsRig } from '#tests/helpers/readings/rig.ts';
import { WORKLOAD_SERIES, workload } from '#tests/helpers/readings/workload.ts';

const ENTRIES = 80;

async function contents(store: ReadingStore) {
  const all = [];
  for (let series = 0; series < WORKLOAD_SERIES; series++)
    all.push(await store.traced(series, 0, Number.MAX_SAFE_INTEGER, 1e6));
  return all;
}

async function filled(throughSeq: number) {
  const rig = readingsRig();
  await rig.apply(workload(0, throughSeq));
  return rig;
}

it('gives the same readings, with their origins, from wherever the store fell back to (property)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(ENTRIES - 1), fc.integer({ min: 1, max: 50 }), async (heldSeq, batch) => {
      const whole = await filled(ENTRIES);
      const old = await filled(heldSeq);
      const { derived } = whole;
      const records = () => [
        derived.prepare('SELECT * FROM version ORDER BY id').all(),
        derived.prepare('SELECT * FROM source ORDER BY id').all(),
        derived.prepare('SELECT * FROM pin ORDER BY series, timeMs').all(),
        derived.prepare('SELECT * FROM origin ORDER BY seq').all(),
      ];
      const before = records();
      // As fit-losses.ts leaves it: what the store has lost doesn't count as stored until it is there again.
      derived.exec(`INSERT OR REPLACE INTO cursor VALUES ('rewrite', ${ENTRIES}), ('readings', ${heldSeq});
        UPDATE source SET stored = stored - (SELECT coalesce(sum(origin.stored), 0) FROM origin
          WHERE origin.source = source.id AND origin.seq > ${heldSeq})`);
      const follower = createReadingsFollower({
        derived,
        store: old.store,
        reader: {
          seriesById: (id) => ({ id, station: 'taocha', parameter: `s${id}` }),
          seriesByName: (station, parameter) => ({ id: Number(parameter.slice(1)), station, parameter }),
        },
        onReflagged: () => {},
      });
      while (follower.cursor() < ENTRIES) {
        const from = follower.cursor();
        await follower.apply(workload(from, Math.min(ENTRIES, from + batch)));
      }
      expect(await contents(old.store)).toEqual(await contents(whole.store));
      expect(records()).toEqual(before);
      // What comes after is settled as ever.
      await follower.apply(workload(ENTRIES, ENTRIES + 5));
      await whole.close();
      const ahead = await filled(ENTRIES + 5);
      expect(await contents(old.store)).toEqual(await contents(ahead.store));
      await old.close();
      await ahead.close();
    }),
    { numRuns: 12 },
  );
});

it('does not settle again what a lost end of the journal reaches over', async () => {
  const rig = await filled(50);
  const counts = () => rig.derived.prepare('SELECT name, stored, duplicate FROM source ORDER BY name').all();
  // The journal has nothing of 51 to 60: a cursor stands in the hole.
  rig.derived.exec("UPDATE cursor SET seq = 60 WHERE follower = 'settled'");
  rig.restart();
  const before = counts();
  await rig.apply(workload(60, 61));
  const ahead = await filled(50);
  await ahead.apply(workload(60, 61));
  expect(counts()).toEqual(ahead.derived.prepare('SELECT name, stored, duplicate FROM source ORDER BY name').all());
  expect(before).not.toEqual(counts());
  await rig.close();
  await ahead.close();
});
