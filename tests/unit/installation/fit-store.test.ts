/** What is made of a store on a server by its mark, where the journal is pruned or a backup was restored (flow tests do the rest). */
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDerived } from '#installation/derived.ts';
import { fitFiles } from '#installation/fit-files.ts';
import { createStoreFit } from '#installation/fit-store.ts';
import { rebuildBooks } from '#installation/rebuild.ts';
import { readInstallation, stampInstallation } from '#journal/installation.ts';
import { untoldLosses } from '#journal/losses.ts';
import { openJournalReader } from '#journal/reader.ts';
import { journalMigrations } from '#journal/tables.ts';
import { createReadingsFollower } from '#readings/follower.ts';
import { MemoryReadings } from '#readings/memory-store.ts';
import type { StoreCapabilities, StoreMark, StoreTrouble } from '#readings/store.ts';
import { openDatabase } from '#src/sqlite.ts';
import { journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';

const MINUTE = 60_000;
const CAPABILITIES: StoreCapabilities = { product: 'p', isSeenLate: false, deletes: true, earliestMs: null };

/** A store whose mark a test changes as a server would; whoever asks sees it at the next check. */
class MarkedReadings extends MemoryReadings {
  onServer: StoreMark | null = null;
  trouble: StoreTrouble | null = null;
  #marked: { found: StoreMark | null } | undefined;
  #isChecked = false;

  async check(): Promise<StoreTrouble | null> {
    this.#isChecked = this.trouble === null;
    if (this.#isChecked) this.#marked = { found: this.onServer };
    return this.trouble;
  }
  capabilities = () => (this.#isChecked ? CAPABILITIES : null);
  mark = () => this.#marked;
  async keepMark(mark: StoreMark): Promise<void> {
    this.onServer = mark;
    this.#marked = { found: mark };
  }
}

/** 20 messages of two values each, a minute apart, followed into a marked store. */
async function followed() {
  const { path, clock, open } = journalFixture();
  const dataDir = dirname(path);
  const fitOf = (storeSeq = 0) => fitFiles({ dataDir, readingsIn: 'influxdb', storeSeq, nowMs: NOON_MS });
  await fitOf();
  const append = async (from: number, to: number) => {
    const journal = open();
    for (let n = from; n < to; n++) {
      clock.advance(MINUTE);
      const readings = ['ph', 'do'].map((parameter) =>
        reading({ series: journal.seriesFor('taocha', parameter).series.id, timeMs: NOON_MS + n * MINUTE, value: n }),
      );
      await journal.appendMessage(message({ source: 'gw', readings }));
    }
    await journal.close();
  };
  await append(0, 20);
  const derived = openDerived(join(dataDir, 'derived.db'));
  onTestFinished(() => derived.close());
  const reader = openJournalReader(path);
  onTestFinished(() => reader.close());
  let store = new MarkedReadings();
  const rig = {
    derived,
    dataDir,
    append,
    fitOf,
    fit: createStoreFit({ derived, journalPath: path, store, storeName: 'the bucket b' }),
    follower: createReadingsFollower({ derived, store, reader, onReflagged: () => {} }),
    store,
    /** As another start, or thread. */
    again(other = store) {
      store = other;
      rig.store = other;
      rig.fit = createStoreFit({ derived, journalPath: path, store, storeName: 'the bucket b' });
      rig.follower = createReadingsFollower({ derived, store, reader, onReflagged: () => {} });
    },
    async follow() {
      for (;;) {
        const entries = reader.read(rig.follower.cursor(), 7);
        if (entries.length === 0) break;
        await rig.follower.apply(entries);
      }
      for (const name of ['books', 'alerts'])
        derived.prepare('INSERT OR REPLACE INTO cursor VALUES (?, ?)').run(name, rig.follower.cursor());
    },
    async prune(passedSeq: number) {
      const journal = open();
      while (journal.pruneTo(passedSeq, 0) > 0);
      await journal.close();
    },
    own: () => readInstallation(derived)!,
    held: async () => (await rig.store.read(1, 0, Number.MAX_SAFE_INTEGER, 1000)).length,
    stored: () => derived.prepare('SELECT stored, duplicate FROM source').get(),
    marked: () => derived.prepare("SELECT seq FROM cursor WHERE follower = 'marked'").get()?.seq,
  };
  expect(await rig.fit.compare()).toBe(false);
  await rig.follow();
  expect(await rig.fit.keep()).toBe(false);
  expect(rig.store.onServer).toEqual({ ...rig.own(), seq: 20 });
  return rig;
}

describe('a store on a server, by its mark', () => {
  it('that was emptied is written again as far as the journal goes; the rest is told exactly, and is not stored', async () => {
    const rig = await followed();
    await rig.prune(12);
    rig.again(new MarkedReadings());
    expect(await rig.fit.compare()).toBe(true);
    rig.follower.fellBack();
    const [loss, ...more] = rig.fit.untold();
    expect(more).toEqual([]);
    const time = (minute: number) => new Date(NOON_MS + minute * MINUTE).toISOString();
    expect(loss).toMatchObject({ condition: 'readings.lost', firstSeq: 1, lastSeq: 20 });
    expect(loss!.detail).toBe(
      `the bucket b holds what came up to entry 0, and 20 was written: what lies between is written again from the journal, ` +
        `which has entries from 13 (${time(13)}) to 20; gone are the readings of entries 1 (${time(1)}) to 12 (${time(12)}): 24 values (gw 24)`,
    );
    expect(rig.stored()).toEqual({ stored: 0, duplicate: 0 });
    await rig.follow();
    expect(await rig.held()).toBe(8);
    expect(rig.stored()).toEqual({ stored: 16, duplicate: 0 });
    const { beforeMs } = rig.derived.prepare('SELECT beforeMs FROM frozenHours').get() as { beforeMs: number };
    expect(beforeMs).toBeGreaterThan(NOON_MS + 12 * MINUTE);
    // Told until somebody says that it is; found once.
    rig.again();
    expect(await rig.fit.compare()).toBe(false);
    expect(rig.fit.untold()).toEqual([loss]);
    rig.fit.told(loss!.id);
    expect(rig.fit.untold()).toEqual([]);
    expect(await rig.fit.keep()).toBe(false);
    expect(rig.store.onServer).toMatchObject({ seq: 20 });
  });

  it('that has the mark of an older backup is written again from there, without a restart, too', async () => {
    const rig = await followed();
    const before = rig.stored();
    rig.store.onServer = { ...rig.own(), seq: 9 };
    expect(await rig.fit.compare()).toBe(false);
    // Nothing was asked of the server since.
    expect(await rig.fit.keep()).toBe(true);
    rig.follower.fellBack();
    expect(rig.follower.cursor()).toBe(9);
    expect(rig.marked()).toBe(9);
    expect(rig.fit.untold()).toMatchObject([
      { firstSeq: 10, lastSeq: 20, detail: expect.stringContaining('no stored reading is gone') },
    ]);
    await rig.follow();
    expect(rig.stored()).toEqual(before);
  });

  it('is not marked beyond flags that wait, nor beyond the books', async () => {
    const rig = await followed();
    await rig.append(20, 25);
    await rig.follow();
    rig.derived.exec(`INSERT INTO reflag (series, timeMs, flag, throughSeq) VALUES (1, ${NOON_MS}, 3, 25)`);
    await rig.fit.keep();
    expect(rig.store.onServer!.seq).toBe(20);
    rig.derived.exec("DELETE FROM reflag; UPDATE cursor SET seq = 22 WHERE follower = 'books'");
    await rig.fit.keep();
    expect(rig.store.onServer!.seq).toBe(22);
    expect(rig.marked()).toBe(22);
  });

  it('of an earlier generation counts up to where the generations part', async () => {
    const rig = await followed();
    const own = rig.own();
    for (const [name, open] of [
      ['journal.db', (path: string) => openDatabase(path, journalMigrations)],
      ['derived.db', openDerived],
    ] as const) {
      const database = open(join(rig.dataDir, name));
      stampInstallation(database, { ...own, generation: 2 });
      database.close();
    }
    // As a restore leaves it: the bucket may have more than the directory.
    rig.store.onServer = { ...own, seq: 200 };
    rig.again();
    await rig.store.check();
    expect(await rig.fit.compare()).toBe(false);
    expect(rig.fit.untold()).toEqual([]);
    await rig.append(20, 30);
    await rig.follow();
    await rig.fit.keep();
    expect(rig.store.onServer).toEqual({ ...own, generation: 2, seq: 30 });
    // An older copy of the bucket: what it has above 20 is of other entries.
    rig.store.onServer = { ...own, seq: 200 };
    expect(await rig.fit.keep()).toBe(true);
    expect(rig.fit.untold()).toMatchObject([{ firstSeq: 21, lastSeq: 30 }]);
  });

  it('without a mark is believed once when none was ever set', async () => {
    const rig = await followed();
    rig.derived.exec("DELETE FROM cursor WHERE follower = 'marked'");
    rig.again(new MarkedReadings());
    expect(await rig.fit.compare()).toBe(false);
    expect(await rig.fit.keep()).toBe(false);
    expect(rig.store.onServer).toMatchObject({ seq: 20 });
    rig.store.onServer = null;
    expect(await rig.fit.keep()).toBe(true);
  });

  it('that can not be asked is not settled against', async () => {
    const rig = await followed();
    rig.store.trouble = { condition: 'store.foreign', detail: 'of another installation' };
    await expect(rig.fit.keep()).rejects.toMatchObject({ code: 'store.foreign', retryable: true });
    await expect(rig.fit.compare()).rejects.toMatchObject({ code: 'store.foreign' });
  });

  it('is rebuilt from only when it is ours, and what it has lost is written again', async () => {
    const rig = await followed();
    const rebuild = () => rebuildBooks(rig.dataDir, () => rig.store, 'b');
    rig.again(new MarkedReadings());
    rig.store.trouble = { condition: 'store.foreign', detail: 'of another installation' };
    await expect(rebuild()).rejects.toMatchObject({ code: 'store.foreign' });
    expect(rig.follower.cursor()).toBe(20);
    rig.store.trouble = null;
    expect(await rebuild()).toMatchObject({ isBucketBehind: true, readings: null });
    expect(rig.fit.untold()).toMatchObject([{ firstSeq: 1, lastSeq: 20 }]);
    rig.again();
    expect(rig.follower.cursor()).toBe(0);
    await rig.follow();
    expect(await rig.held()).toBe(20);
    expect(await rebuild()).toMatchObject({ isBucketBehind: false, hours: 2 });
  });

  it('that is ahead of the journal keeps it from giving a seq twice', async () => {
    const rig = await followed();
    await rig.fitOf(33);
    const journal = openDatabase(join(rig.dataDir, 'journal.db'), journalMigrations);
    expect(untoldLosses(journal)).toMatchObject([{ condition: 'journal.lost', firstSeq: 21, lastSeq: 33 }]);
    expect(journal.prepare('SELECT firstSeq, lastSeq FROM batch WHERE kind = 2').all()).toMatchObject([
      { firstSeq: 21, lastSeq: 33 },
    ]);
    journal.close();
  });
});
