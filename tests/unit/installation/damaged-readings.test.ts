/** `npm run rebuild` has damaged readings written again from the journal, as far as it goes back. */
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import { fitFiles } from '#installation/fit-files.ts';
import { rebuildBooks } from '#installation/rebuild.ts';
import { openJournalReader } from '#journal/reader.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { openReadings, SqliteReadings } from '#readings/sqlite-store.ts';

import { journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';

const MINUTE = 60_000;

async function installation() {
  const fixture = journalFixture();
  const dataDir = dirname(fixture.path);
  const path = join(dataDir, 'readings.db');
  const compare = () => fitFiles({ dataDir, readingsIn: 'sqlite', nowMs: NOON_MS });
  await compare();
  return {
    dataDir,
    rebuild: () => rebuildBooks(dataDir, () => new SqliteReadings(path, { readOnly: true })),
    /** One value each, a minute apart; the fourth is corrected by the last. */
    async append(count: number) {
      const journal = fixture.open();
      const { id: series } = journal.seriesFor('taocha', 'ph').series;
      const send = async (n: number, value: number) => {
        fixture.clock.advance(MINUTE);
        const readings = [reading({ series, timeMs: NOON_MS + n * MINUTE, value, verdict: 'unsettled' })];
        await journal.appendMessage(message({ source: 'gw', readings }));
      };
      for (let n = 0; n < count; n++) await send(n, n);
      await send(3, 33);
      await journal.close();
    },
    async prune(passedSeq: number) {
      const journal = fixture.open();
      while (journal.pruneTo(passedSeq, 0) > 0);
      await journal.close();
    },
    damage(minute: number, sql: string) {
      const database = openReadings(path);
      database.prepare(`UPDATE reading SET ${sql} WHERE timeMs = ?`).run(NOON_MS + minute * MINUTE);
      database.close();
    },
    /** @returns the stored values, and what the ledger calls stored. */
    async follow() {
      await compare();
      const derived = openDerived(join(dataDir, 'derived.db'));
      const store = new SqliteReadings(path);
      const reader = openJournalReader(join(dataDir, 'journal.db'));
      const follower = createReadingsFollower({ derived, store, reader, onReflagged: () => {} });
      for (;;) {
        const entries = reader.read(follower.cursor(), 7);
        if (entries.length === 0) break;
        await follower.apply(entries);
      }
      for (const name of ['books', 'alerts'])
        derived.prepare('INSERT OR REPLACE INTO cursor VALUES (?, ?)').run(name, follower.cursor());
      const values = (await store.read(1, 0, Number.MAX_SAFE_INTEGER, 1000)).map(({ value }) => value);
      const { stored } = derived.prepare('SELECT sum(stored) AS stored FROM source').get() as { stored: number };
      await store.close();
      derived.close();
      reader.close();
      return { values, stored };
    },
  };
}

it('writes again what the journal has, counts nothing twice, and says what is older', async () => {
  const rig = await installation();
  await rig.append(20);
  const whole = await rig.follow();
  expect(whole.values.slice(0, 5)).toEqual([0, 1, 2, 33, 4]);
  expect(whole.stored).toBe(21);
  expect((await rig.rebuild()).readings).toEqual({ damaged: 0, fromSeq: null, gone: 0 });
  await rig.prune(5);

  rig.damage(1, 'value = 1.5');
  rig.damage(3, 'value = 32');
  rig.damage(12, 'flag = flag + 64');
  expect((await rig.follow()).values.filter((value) => value === null)).toHaveLength(3);
  expect((await rig.rebuild()).readings).toEqual({ damaged: 3, fromSeq: 13, gone: 1 });
  const again = await rig.follow();
  expect(again.values).toEqual(whole.values.with(1, null));
  expect(again.stored).toBe(21);

  // An entry's number that none can have: whichever it was, all are written again.
  rig.damage(15, 'value = 1e9, seq = 4611686018427387904');
  expect((await rig.rebuild()).readings).toEqual({ damaged: 2, fromSeq: 6, gone: 1 });
  expect(await rig.follow()).toEqual(again);
});
