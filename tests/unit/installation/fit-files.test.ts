/** What a start makes of files that don't fit, where the journal is pruned or the files are of other times (flow tests do the rest). */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import { fitFiles } from '#installation/fit-files.ts';
import { readInstallation, stampInstallation } from '#journal/installation.ts';
import { untoldLosses } from '#journal/losses.ts';
import { openJournalReader } from '#journal/reader.ts';
import { journalMigrations } from '#journal/tables.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { openReadings, SqliteReadings } from '#readings/sqlite-store.ts';
import { type Database, openDatabase } from '#src/sqlite.ts';
import { journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';

const MINUTE = 60_000;

function installation() {
  const fixture = journalFixture();
  const dataDir = dirname(fixture.path);
  const at = (name: string) => join(dataDir, name);
  const fit = () => fitFiles({ dataDir, readingsIn: 'sqlite', nowMs: NOON_MS });
  const open: Record<string, () => Database> = {
    'journal.db': () => openDatabase(at('journal.db'), journalMigrations),
    'derived.db': () => openDerived(at('derived.db')),
    'readings.db': () => openReadings(at('readings.db')),
  };
  function look<T>(name: string, question: (database: Database) => T): T {
    const database = open[name]!();
    try {
      return question(database);
    } finally {
      database.close();
    }
  }
  return {
    ...fixture,
    at,
    fit,
    look,
    losses: () => look('journal.db', untoldLosses),
    row: (name: string, sql: string) => look(name, (database) => database.prepare(sql).get()),
    ids: () => Object.keys(open).map((name) => look(name, readInstallation)),
    /** Messages of two values each, a minute apart, for two series. */
    async append(from: number, to: number) {
      const journal = fixture.open();
      for (let n = from; n < to; n++) {
        const readings = ['ph', 'do'].map((parameter) =>
          reading({ series: journal.seriesFor('taocha', parameter).series.id, timeMs: NOON_MS + n * MINUTE, value: n }),
        );
        fixture.clock.advance(MINUTE);
        await journal.appendMessage(message({ source: 'gw', readings }));
      }
      await journal.close();
    },
    async prune(passedSeq: number) {
      const journal = fixture.open();
      while (journal.pruneTo(passedSeq, 0) > 0);
      await journal.close();
    },
    /** What the follower `readings` does between two starts. The other two are taken to be as far. */
    async follow() {
      const derived = openDerived(at('derived.db'));
      const store = new SqliteReadings(at('readings.db'));
      const reader = openJournalReader(at('journal.db'));
      const follower = createReadingsFollower({ derived, store, reader, onReflagged: () => {} });
      for (;;) {
        const entries = reader.read(follower.cursor(), 7);
        if (entries.length === 0) break;
        await follower.apply(entries);
      }
      for (const name of ['books', 'alerts'])
        derived.prepare('INSERT OR REPLACE INTO cursor VALUES (?, ?)').run(name, follower.cursor());
      const held = await store.read(1, 0, Number.MAX_SAFE_INTEGER, 1000);
      await store.close();
      derived.close();
      reader.close();
      return held.length;
    },
  };
}

describe('files at a start', () => {
  it('are made of one installation and generation, and stay it', async () => {
    const rig = installation();
    await rig.fit();
    const [first] = rig.ids();
    expect(rig.ids()).toEqual([first, first, first]);
    expect(first).toMatchObject({ generation: 1, id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    await rig.append(0, 5);
    expect(await rig.follow()).toBe(5);
    await rig.fit();
    expect(rig.ids()).toEqual([first, first, first]);
    expect(rig.losses()).toEqual([]);
  });

  it('of an earlier version become part of it, and are believed', async () => {
    const rig = installation();
    await rig.append(0, 5);
    await rig.follow();
    for (const name of ['journal.db', 'derived.db', 'readings.db'])
      rig.look(name, (database) => database.exec('DELETE FROM installation'));
    rig.look('readings.db', (database) => database.exec('UPDATE mark SET seq = NULL, commits = 0'));
    rig.look('derived.db', (database) => database.exec('DELETE FROM storeMark; DELETE FROM seriesName'));
    await rig.fit();
    const [first] = rig.ids();
    expect(first).not.toBeNull();
    expect(rig.ids()).toEqual([first, first, first]);
    expect(rig.losses()).toEqual([]);
    expect(rig.row('readings.db', 'SELECT seq FROM mark')).toEqual({ seq: 5 });
    expect(rig.row('derived.db', 'SELECT count(*) AS n FROM seriesName')).toEqual({ n: 2 });
  });

  it('of another generation are refused by name', async () => {
    const rig = installation();
    await rig.fit();
    await rig.append(0, 3);
    await rig.follow();
    const { id } = rig.ids()[0]!;
    rig.look('readings.db', (database) => stampInstallation(database, { id, generation: 2 }));
    await expect(rig.fit()).rejects.toThrow(expect.objectContaining({ code: 'store.mismatch' }));
    await expect(rig.fit()).rejects.toThrow(/readings\.db is of another generation/);
  });

  it('are no installation without a journal, and none is begun', async () => {
    const rig = installation();
    await rig.fit();
    await rig.append(0, 3);
    await rig.follow();
    rmSync(rig.at('journal.db'));
    await expect(rig.fit()).rejects.toThrow(/journal\.db is missing or empty, and derived\.db beside it/);
    expect(existsSync(rig.at('journal.db'))).toBe(false);
  });
});

describe('a reading store that is gone beside a pruned journal', () => {
  it('is written again as far as that goes; the rest is told by seq, time and gateway, and is not stored', async () => {
    const rig = installation();
    await rig.fit();
    await rig.append(0, 20);
    expect(await rig.follow()).toBe(20);
    await rig.prune(12);
    rmSync(rig.at('readings.db'));
    await rig.fit();
    const [loss, ...more] = rig.losses();
    expect(more).toEqual([]);
    expect(loss).toMatchObject({ condition: 'readings.lost', firstSeq: 1, lastSeq: 20 });
    const time = (minute: number) => new Date(NOON_MS + minute * MINUTE).toISOString();
    expect(loss!.detail).toContain(
      `gone are the readings of entries 1 (${time(1)}) to 12 (${time(12)}): 24 values (gw 24)`,
    );
    // Stored is what the store holds: until it is written again, nothing.
    expect(rig.row('derived.db', 'SELECT stored, duplicate FROM source')).toEqual({ stored: 0, duplicate: 0 });
    // Received as before: what is gone is pending.
    expect(rig.row('journal.db', 'SELECT received FROM intake')).toEqual({ received: 40 });
    expect(await rig.follow()).toBe(8);
    expect(rig.row('derived.db', 'SELECT stored FROM source')).toEqual({ stored: 16 });
    // Statistics of what is gone stand as they are.
    const { beforeMs } = rig.row('derived.db', 'SELECT beforeMs FROM frozenHours') as { beforeMs: number };
    expect(beforeMs).toBeGreaterThan(NOON_MS + 12 * MINUTE);
    await rig.fit();
    expect(rig.losses()).toHaveLength(1);
  });

  it('tells of flags that it lost, and has their hours computed again', async () => {
    const rig = installation();
    await rig.fit();
    await rig.append(0, 5);
    await rig.follow();
    rig.look('derived.db', (database) => {
      database.exec(`INSERT INTO hourStat VALUES (1, ${NOON_MS}, 5, 5, 10, 0, 4, 5, NULL); DELETE FROM dirtyHour;
        UPDATE storeMark SET commits = commits + 1`);
    });
    await rig.fit();
    expect(rig.losses()).toMatchObject([
      { condition: 'readings.lost', detail: expect.stringContaining('final flags') },
    ]);
    expect(rig.row('derived.db', 'SELECT series, hourMs FROM dirtyHour')).toEqual({ series: 1, hourMs: NOON_MS });
    await rig.fit();
    expect(rig.losses()).toHaveLength(1);
  });
});

describe('a derived.db that is older than the others', () => {
  it('beyond the journal’s oldest entry: what is gone is told, and the ledger counts from there', async () => {
    const rig = installation();
    await rig.fit();
    await rig.append(0, 4);
    await rig.follow();
    copyFileSync(rig.at('derived.db'), rig.at('kept'));
    await rig.append(4, 20);
    await rig.follow();
    await rig.prune(12);
    for (const end of ['', '-wal', '-shm']) rmSync(rig.at(`derived.db${end}`), { force: true });
    copyFileSync(rig.at('kept'), rig.at('derived.db'));
    await rig.fit();
    expect(rig.losses()).toMatchObject([
      { condition: 'derived.lost', firstSeq: 5, detail: expect.stringContaining('entries 5 to 12') },
    ]);
    await rig.follow();
    // 4 entries counted before, 8 again: two values each.
    expect(rig.row('journal.db', 'SELECT received FROM intake')).toEqual({ received: 24 });
    expect(rig.row('derived.db', 'SELECT stored + duplicate AS n FROM source')).toEqual({ n: 24 });
    await rig.fit();
    expect(rig.losses()).toHaveLength(1);
  });
});

it('an older journal with other series beyond it: numbers keep their names, the ledger adds up', async () => {
  const rig = installation();
  await rig.fit();
  const journal = rig.open();
  await journal.appendMessage(message({ source: 'gw' }));
  await journal.close();
  copyFileSync(rig.at('journal.db'), rig.at('kept'));
  await rig.append(0, 5);
  await rig.follow();
  rmSync(rig.at('journal.db'));
  copyFileSync(rig.at('kept'), rig.at('journal.db'));
  await rig.fit();
  expect(rig.losses()).toMatchObject([{ condition: 'journal.lost', firstSeq: 2, lastSeq: 6 }]);
  expect(rig.row('journal.db', 'SELECT received FROM intake')).toEqual({ received: 11 });
  const again = rig.open();
  expect(again.headSeq).toBe(6);
  expect(again.seriesFor('taocha', 'do')).toMatchObject({ isNew: false });
  expect(again.seriesFor('taocha', 'tp').series.id).toBe(3);
  expect(await again.appendTick()).toMatchObject({ seq: 7 });
  // The hole is in nobody's way when the old end is pruned.
  rig.clock.advance(MINUTE);
  await again.appendTick();
  while (again.pruneTo(7, 0) > 0);
  expect(rig.read().oldestSeq()).toBe(8);
  await again.close();
});
