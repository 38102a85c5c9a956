/** No read outlives its question: iterating always ends, and a connection that stands still is found and replaced. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Queries } from '#api/queries.ts';
import { createFreshQueries } from '#process/fresh-queries.ts';
import { createSnapshotWatch, type Database, eachRow, openDatabase, openReadOnly } from '#src/sqlite.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const opened: Database[] = [];
afterEach(() => {
  for (const database of opened.splice(0)) if (database.isOpen) database.close();
});

function rig() {
  const path = join(tempDir(), 'some.db');
  const writer = openDatabase(path, [
    'CREATE TABLE row (n INTEGER PRIMARY KEY) STRICT; INSERT INTO row VALUES (1), (2)',
  ]);
  const reader = openReadOnly(path);
  opened.push(writer, reader);
  const all = reader.prepare('SELECT n FROM row ORDER BY n');
  return {
    path,
    reader,
    all,
    add: (n: number) => writer.prepare('INSERT INTO row VALUES (?)').run(n),
    count: () => (reader.prepare('SELECT count(*) AS n FROM row').get() as { n: number }).n,
    /** What `totalsByScan` did: an iterator that nobody asks on. */
    leak: () => all.iterate().next(),
  };
}

describe('eachRow', () => {
  it('visits rows in their order, as many as are asked for', () => {
    const { all } = rig();
    const seen: unknown[] = [];
    eachRow(all, [], ({ n }) => {
      seen.push(n);
    });
    eachRow(all, [], ({ n }) => {
      seen.push(n);
      return false;
    });
    expect(seen).toEqual([1, 2, 1]);
  });

  it.each([
    ['at its end', () => undefined],
    ['early', () => false],
    [
      'with an error',
      () => {
        throw new Error('a row that can not be read');
      },
    ],
  ])('leaves nothing open when it ends %s', (_how, visit: () => boolean | undefined) => {
    const { all, add, count } = rig();
    try {
      eachRow(all, [], visit);
    } catch (error) {
      expect(String(error)).toContain('can not be read');
    }
    add(3);
    expect(count()).toBe(3);
  });
});

describe('a connection that stands still', () => {
  it('is told once, when it has done so for a second', () => {
    const { path, add, count, leak } = rig();
    const look = createSnapshotWatch(1000);
    const mine = (nowMs: number) => look(nowMs).filter((stale) => stale.path === path);
    expect(mine(0)).toEqual([]);
    leak();
    // Nothing has been committed since: the answers are right.
    expect(mine(500)).toEqual([]);
    add(3);
    expect(count()).toBe(2);
    expect(mine(1000)).toEqual([]);
    expect(mine(1999)).toEqual([]);
    expect(mine(2000)).toEqual([{ path, ageMs: 1000 }]);
    add(4);
    expect(mine(9000)).toEqual([]);
  });

  it('is one that has missed a commit, not one that has nothing new to read, nor one that caught up', () => {
    const { path, add, count, all } = rig();
    const look = createSnapshotWatch(1000);
    const mine = (nowMs: number) => look(nowMs).filter((stale) => stale.path === path);
    mine(0);
    const rows = all.iterate();
    rows.next();
    add(3);
    expect(mine(500)).toEqual([]);
    rows.return?.();
    expect(count()).toBe(3);
    for (const nowMs of [1500, 2500, 3500]) expect(mine(nowMs)).toEqual([]);
    add(4);
    for (const nowMs of [4500, 5500, 6500]) expect(mine(nowMs)).toEqual([]);
  });

  it('is given up by the query worker: the next answer is of now, and the one under way is still given', async () => {
    const { path, add } = rig();
    const connections: Database[] = [];
    const open = () => {
      const database = openReadOnly(path);
      connections.push(database);
      const count = database.prepare('SELECT count(*) AS n FROM row');
      const queries = {
        parked: async () => (count.get() as { n: number }).n,
        // One that leaves its statement open and goes on.
        alarms: async (question: Promise<void>) => {
          database.prepare('SELECT n FROM row').iterate().next();
          await question;
          return 'answered';
        },
      } as unknown as Queries;
      return { queries, close: async () => database.close() };
    };
    const fresh = createFreshQueries(open);
    const count = () => fresh.ask('parked', undefined);
    expect(await count()).toBe(2);
    fresh.look(0);
    const question = Promise.withResolvers<void>();
    const underWay = fresh.ask('alarms', question.promise);
    add(3);
    expect(await count()).toBe(2);
    const mine = (nowMs: number) => fresh.look(nowMs).filter((stale) => stale.path === path);
    expect(mine(500)).toEqual([]);
    expect(mine(1500)).toEqual([{ path, ageMs: 1000 }]);
    expect(await count()).toBe(3);
    expect(connections.map(({ isOpen }) => isOpen)).toEqual([true, true]);
    question.resolve();
    expect(await underWay).toBe('answered');
    expect(connections.map(({ isOpen }) => isOpen)).toEqual([false, true]);
    add(4);
    expect(await count()).toBe(4);
    expect(mine(9000)).toEqual([]);
    connections[1]!.close();
  });
});
