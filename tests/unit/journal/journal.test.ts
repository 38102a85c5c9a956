import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openJournalReader } from '#journal/reader.ts';
import { journalMigrations } from '#journal/tables.ts';
import type { Entry } from '#model/entry.ts';
import { systemClock } from '#src/clock.ts';
import { openDatabase } from '#src/sqlite.ts';
import { journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';

const HOUR_MS = 3_600_000;

describe('appending', () => {
  it('gives consecutive seqs in call order, and each is readable by others once its promise resolves', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    const reader = read();
    expect([journal.headSeq, reader.headSeq(), reader.oldestSeq()]).toEqual([0, 0, 0]);
    const appends = [
      journal.start(),
      journal.appendMessage(message({ gatewaySeq: 1, raw: Buffer.from('one') })),
      journal.appendTick(),
      journal.appendCommand('ops', { verb: 'comment', alarm: 'a1', comment: '看过' }),
      journal.appendMessage(message({ source: 'g2', readings: [], raw: new Uint8Array(0) })),
    ].map(async (append) => {
      const { seq } = await append;
      expect(reader.headSeq()).toBeGreaterThanOrEqual(seq);
      return seq;
    });
    expect(await Promise.all(appends)).toEqual([1, 2, 3, 4, 5]);
    const at = { receivedMs: NOON_MS };
    const expected: Entry[] = [
      { kind: 'start', seq: 1, ...at, downSinceMs: null },
      { kind: 'message', seq: 2, ...at, source: 'g1', gatewaySeq: 1, readings: [reading()] },
      { kind: 'tick', seq: 3, ...at },
      { kind: 'command', seq: 4, ...at, actor: 'ops', command: { verb: 'comment', alarm: 'a1', comment: '看过' } },
      { kind: 'message', seq: 5, ...at, source: 'g2', gatewaySeq: null, readings: [] },
    ];
    expect(reader.read(0, 100)).toStrictEqual(expected);
    expect(reader.read(2, 2)).toStrictEqual(expected.slice(2, 4));
    expect(reader.read(5, 10)).toEqual([]);
    expect(reader.tail(2)).toStrictEqual(expected.slice(3));
    expect(Buffer.from(reader.raw(2)!).toString()).toBe('one');
    expect(reader.raw(5)).toEqual(new Uint8Array(0));
    expect([reader.raw(3), reader.raw(99)]).toEqual([undefined, undefined]);
  });

  it('tells listeners of each commit exactly what a reader finds', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    const heard: Entry[] = [];
    journal.onCommit((entries) => heard.push(...entries));
    const body = { name: 'x', left: undefined };
    await Promise.all([
      journal.start(),
      journal.appendMessage(message({ readings: [reading({ value: -0 })] })),
      journal.appendCommand('ops', { verb: 'put', noun: 'station', id: 's', body }),
      journal.appendTick(),
    ]);
    expect(heard).toStrictEqual(read().read(0, 10));
  });

  it('shares one commit among all appends of a turn', async () => {
    const { open } = journalFixture();
    const journal = open({ clock: systemClock });
    await Promise.all(Array.from({ length: 500 }, () => journal.appendMessage(message())));
    expect(journal.counters).toMatchObject({ commits: 1, entries: 500 });
  });

  it('splits a flood into commits of bounded size, still in order', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    const numbers = Array.from({ length: 4_500 }, (_, index) => index);
    const appended = await Promise.all(numbers.map((gatewaySeq) => journal.appendMessage(message({ gatewaySeq }))));
    expect(appended.map(({ seq }) => seq)).toEqual(numbers.map((number) => number + 1));
    expect(journal.counters.commits).toBe(3);
    expect(
      read()
        .read(0, 5_000)
        .map((entry) => entry.kind === 'message' && entry.gatewaySeq),
    ).toEqual(numbers);
  });

  /** A clock on which only commits take time: it is read when one is planned, begins and ends. */
  const slowClock = (commitMs: number) => {
    let reads = 0;
    return { nowMs: () => NOON_MS, monotonicMs: () => Math.floor(++reads / 3) * commitMs };
  };
  const commitsOfTwoTurns = async (commitMs: number, ackMaxDelayMs: number) => {
    const journal = journalFixture().open({ clock: slowClock(commitMs), ackMaxDelayMs });
    for (let index = 0; index < 20; index++) await journal.appendTick();
    const before = journal.counters.commits;
    const first = journal.appendTick();
    await nextTurn();
    await nextTurn();
    await Promise.all([first, journal.appendTick()]);
    return journal.counters.commits - before;
  };

  it('lets appends of later turns join while commits are slow', async () => {
    expect(await commitsOfTwoTurns(0.1, 20)).toBe(2);
    expect(await commitsOfTwoTurns(90, 2_000)).toBe(1);
  });

  it('does not wait when waiting would break ackMaxDelayMs', async () => {
    expect(await commitsOfTwoTurns(9, 9)).toBe(2);
  });

  it('fails only the caller whose draft is wrong', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    const failures: Error[] = [];
    journal.onFailure((error) => failures.push(error));
    const results = await Promise.allSettled([
      journal.appendMessage(message({ gatewaySeq: 1 })),
      journal.appendMessage(message({ readings: [reading({ value: Number.NaN })] })),
      journal.appendMessage(message({ received: 7 })),
      journal.appendCommand('ops', { verb: 'put', noun: 'station', id: 's', body: null }),
      journal.appendMessage(message({ gatewaySeq: 2 })),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    // Nothing else was lost: who remembers other drafts has nothing to forget.
    expect(failures).toEqual([]);
    expect(read().headSeq()).toBe(2);
  });

  it('commits what is pending when it is closed, and takes nothing afterwards', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    const pending = journal.appendMessage(message());
    await journal.close();
    expect(await pending).toEqual({ seq: 1, receivedMs: NOON_MS });
    await expect(journal.appendTick()).rejects.toThrow('closed');
    expect(read().headSeq()).toBe(1);
  });

  it('reads a run of huge messages in parts', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    const readings = Array.from({ length: 5_000 }, (_, index) => reading({ series: index + 1, value: index / 7 }));
    await Promise.all(Array.from({ length: 100 }, () => journal.appendMessage(message({ readings }))));
    const reader = read();
    let after = 0;
    let parts = 0;
    for (let entries = reader.read(0, 1_000); entries.length > 0; entries = reader.read(after, 1_000)) {
      expect(entries[0]!.seq).toBe(after + 1);
      after = entries.at(-1)!.seq;
      parts += 1;
    }
    expect(after).toBe(100);
    expect(parts).toBeGreaterThan(1);
  });
});

describe('received time', () => {
  it('never goes back, also when the wall clock steps back an hour, also across a restart', async () => {
    const { open, clock } = journalFixture();
    const journal = open();
    const first = await journal.start();
    clock.advance(5_000);
    const second = await journal.appendMessage(message());
    expect(second.receivedMs).toBe(NOON_MS + 5_000);
    clock.set(NOON_MS - HOUR_MS);
    expect(journal.receivedNowMs()).toBe(NOON_MS + 5_000);
    expect((await journal.appendTick()).receivedMs).toBe(NOON_MS + 5_000);
    await journal.close();
    const again = open();
    expect(again.headSeq).toBe(3);
    expect(again.receivedNowMs()).toBe(NOON_MS + 5_000);
    const fourth = await again.appendMessage(message());
    expect(fourth).toEqual({ seq: 4, receivedMs: NOON_MS + 5_000 });
    clock.set(NOON_MS + 6_000);
    expect((await again.appendTick()).receivedMs).toBe(NOON_MS + 6_000);
    expect(first.receivedMs).toBe(NOON_MS);
  });

  it('is the moment of the append, not of the commit', async () => {
    const { open, clock } = journalFixture();
    const journal = open();
    const one = journal.appendTick();
    clock.advance(15);
    const two = journal.appendTick();
    expect([(await one).receivedMs, (await two).receivedMs]).toEqual([NOON_MS, NOON_MS + 15]);
  });

  it('tells in the start entry since when nobody was here', async () => {
    const { open, read, clock } = journalFixture();
    const journal = open();
    await journal.start();
    clock.advance(HOUR_MS);
    await journal.appendTick();
    await journal.close();
    clock.advance(2 * HOUR_MS);
    await open().start();
    const starts = read()
      .read(0, 10)
      .filter((entry) => entry.kind === 'start');
    expect(starts.map((entry) => entry.downSinceMs)).toEqual([null, NOON_MS + HOUR_MS]);
    expect(starts[1]!.receivedMs).toBe(NOON_MS + 3 * HOUR_MS);
  });
});

describe('series', () => {
  it('gives an id at once and writes its row with the first commit that uses it', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    const used = journal.seriesFor('taocha', 'ph');
    const unused = journal.seriesFor('taocha', 'do');
    expect(used).toEqual({ series: { id: 1, station: 'taocha', parameter: 'ph' }, isNew: true });
    expect(unused.series.id).toBe(2);
    expect(journal.seriesFor('taocha', 'ph')).toEqual({ series: used.series, isNew: false });
    const reader = read();
    expect(reader.allSeries()).toEqual([]);
    const readings = [reading(), reading()];
    await Promise.all([journal.appendMessage(message({ readings })), journal.appendMessage(message({ readings }))]);
    expect(reader.allSeries()).toEqual([used.series]);
    expect([reader.seriesById(1), reader.seriesById(2)]).toEqual([used.series, undefined]);
    await journal.appendMessage(message({ readings: [reading({ series: 2 })] }));
    expect(reader.seriesById(2)).toEqual(unused.series);
    expect(reader.seriesByName('taocha', 'do')).toEqual(unused.series);
    expect(reader.seriesByName('taocha', 'tn')).toBeUndefined();
    await journal.close();
    const again = open();
    expect(again.seriesFor('taocha', 'do')).toEqual({ series: unused.series, isNew: false });
    expect(again.seriesFor('shending', 'ph').series.id).toBe(3);
  });
});

describe('files that are no journal', () => {
  const codeOf = (work: () => unknown): unknown => {
    try {
      work();
      return 'nothing thrown';
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };

  it('refuses garbage', () => {
    const { open, path } = journalFixture();
    writeFileSync(path, Buffer.alloc(20_000, 'no database '));
    expect(codeOf(open)).toBe('store.corrupt');
    expect(codeOf(() => openJournalReader(path))).toBe('store.corrupt');
    // The lock was given back: the same refusal, not store.locked.
    expect(codeOf(open)).toBe('store.corrupt');
  });

  it.each([0.9, 0.5, 0.1])('refuses a journal cut to %s of its length', async (share) => {
    const { open, path } = journalFixture();
    const journal = open();
    await Promise.all(Array.from({ length: 300 }, () => journal.appendMessage(message({ raw: Buffer.alloc(600) }))));
    await journal.close();
    truncateSync(path, Math.floor(readFileSync(path).length * share));
    expect(codeOf(open)).toBe('store.corrupt');
  });

  it('refuses a journal with a page overwritten', async () => {
    const { open, path } = journalFixture();
    const journal = open();
    await Promise.all(Array.from({ length: 300 }, () => journal.appendMessage(message({ raw: Buffer.alloc(600) }))));
    await journal.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 40_960, 45_056);
    writeFileSync(path, bytes);
    expect(codeOf(open)).toBe('store.corrupt');
  });

  it('refuses a journal of a later version', () => {
    const { open, path } = journalFixture();
    openDatabase(path, [...journalMigrations, 'CREATE TABLE later (x)']).close();
    expect(codeOf(open)).toBe('store.newer');
  });
});
