/** The journal's format (docs/decisions/0023): the chain of group commits, what a flipped bit costs, and the conversion of an older file. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DamagedBatch } from '#journal/batch-reader.ts';
import { convertEntries } from '#journal/convert.ts';
import { crc32c } from '#journal/crc32c.ts';
import { type Batch, type EntryParts, encodeBody, hashOf, placesOf, salvage, seqAt } from '#journal/format.ts';
import { keepLoss } from '#journal/losses.ts';
import { openJournalReader } from '#journal/reader.ts';
import { journalMigrations } from '#journal/tables.ts';
import { verifyJournal } from '#journal/verify.ts';
import { type Database, openDatabase } from '#src/sqlite.ts';
import { allEntries, journalFixture, message, NOON_MS, reading } from '#tests/helpers/journal/fixture.ts';
import { oldMessage } from '#tests/helpers/journal/old-message.ts';

const codes = (database: Database) => [...verifyJournal(database)].map(({ code }) => code);

/** A closed journal of three batches of five messages, and a hand in its file. */
async function chained() {
  const fixture = journalFixture();
  const journal = fixture.open();
  for (let batch = 0; batch < 3; batch++) {
    fixture.clock.advance(1000);
    const five = Array.from({ length: 5 }, (_, n) =>
      message({ gatewaySeq: batch * 5 + n, raw: Buffer.from('x'.repeat(40)) }),
    );
    await Promise.all(five.map((draft) => journal.appendMessage(draft)));
  }
  await journal.close();
  const database = openDatabase(fixture.path, journalMigrations);
  onTestFinished(() => database.close());
  const batches = () => database.prepare('SELECT * FROM batch ORDER BY firstSeq').all() as unknown as Batch[];
  return {
    ...fixture,
    database,
    batches,
    /** Changes the body of a batch in place. */
    spoil(firstSeq: number, change: (body: Buffer, places: number[]) => void) {
      const batch = batches().find((one) => one.firstSeq === firstSeq)!;
      const body = Buffer.from(batch.body);
      change(body, placesOf(body));
      database.prepare('UPDATE batch SET body = ? WHERE firstSeq = ?').run(body, firstSeq);
    },
    /** What a reader finds now, and what it tells. */
    readAll() {
      const told: DamagedBatch[] = [];
      const reader = openJournalReader(fixture.path, (damage) => told.push(damage));
      const seqs = allEntries(reader).map(({ seq }) => seq);
      reader.close();
      return { seqs, told };
    },
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

it('CRC-32C gives the values of RFC 3720, appendix B.4', () => {
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from(range(0, 31)))).toBe(0x46dd794e);
  expect(crc32c(Buffer.from('..123456789'), 2)).toBe(0xe3069283);
});

describe('a chain of batches', () => {
  it('is one batch a commit, each hashed over its header and body and bound to the one before', async () => {
    const { batches, database, readAll } = await chained();
    const found = batches();
    expect(
      found.map(({ firstSeq, lastSeq, kind, format, epoch, generation }) => [
        firstSeq,
        lastSeq,
        kind,
        format,
        epoch,
        generation,
      ]),
    ).toEqual([
      [1, 5, 1, 1, 0, 1],
      [6, 10, 1, 1, 0, 1],
      [11, 15, 1, 1, 0, 1],
    ]);
    expect(found.map(({ received }) => received)).toEqual([NOON_MS + 1000, NOON_MS + 2000, NOON_MS + 3000]);
    let before = Buffer.alloc(32);
    for (const batch of found) {
      expect(Buffer.from(batch.prevHash)).toEqual(before);
      expect(Buffer.from(batch.hash)).toEqual(Buffer.from(hashOf(batch, batch.body)));
      before = Buffer.from(batch.hash);
    }
    expect(codes(database)).toEqual([]);
    expect(readAll()).toEqual({ seqs: range(1, 15), told: [] });
  });

  it('goes on from the last pruned hash', async () => {
    const { open, clock, database, batches } = await chained();
    const [, second] = batches();
    const journal = open();
    clock.advance(86_400_000);
    expect(journal.pruneTo(10, 0)).toBe(10);
    await journal.appendTick();
    await journal.close();
    expect(database.prepare('SELECT lastSeq, hash FROM pruned').get()).toMatchObject({
      lastSeq: 10,
      hash: second!.hash,
    });
    expect(codes(database)).toEqual([]);
    database.exec('UPDATE pruned SET hash = zeroblob(32)');
    expect([...verifyJournal(database)]).toMatchObject([{ code: 'journal.chain', firstSeq: 11, lastSeq: 15 }]);
  });

  it.each([
    ['lastSeq', 'UPDATE batch SET lastSeq = 9 WHERE firstSeq = 6', ['journal.hash', 'journal.gap']],
    ['received', 'UPDATE batch SET received = received - 1500 WHERE firstSeq = 6', ['journal.time', 'journal.hash']],
    ['prevHash', 'UPDATE batch SET prevHash = zeroblob(32) WHERE firstSeq = 6', ['journal.chain', 'journal.hash']],
    ['hash', 'UPDATE batch SET hash = zeroblob(32) WHERE firstSeq = 6', ['journal.hash', 'journal.chain']],
    [
      'installation',
      'UPDATE batch SET installation = zeroblob(16) WHERE firstSeq = 6',
      ['journal.installation', 'journal.hash'],
    ],
    ['format', 'UPDATE batch SET format = 3 WHERE firstSeq = 6', ['journal.format', 'journal.hash']],
    ['format, to another', 'UPDATE batch SET format = 2 WHERE firstSeq = 6', ['journal.hash']],
    ['a batch that is gone', 'DELETE FROM batch WHERE firstSeq = 6', ['journal.gap', 'journal.chain']],
    ['the newest generation', 'UPDATE batch SET generation = 2 WHERE firstSeq = 11', ['journal.hash']],
  ])('shows a change of its headers: %s', async (_, change, expected) => {
    const { database, readAll } = await chained();
    database.exec(change);
    expect(codes(database)).toEqual(expected);
    const { seqs } = readAll();
    // What can be read is read, whatever the header says; nothing is made up.
    expect(seqs).toEqual(change.startsWith('DELETE') ? [...range(1, 5), ...range(11, 15)] : range(1, 15));
  });
});

describe('a batch that is packed', () => {
  const RAW = (n: number) =>
    Buffer.from(
      JSON.stringify({ seq: n, station: `s${n % 7}`, values: { ph: 7 + n / 1000, do: 9, nh3n: 0.15 } }).repeat(6),
    );

  /** Two batches of several frames each. */
  async function packed() {
    const fixture = journalFixture();
    const journal = fixture.open();
    const messages = (from: number) =>
      range(from, from + 199).map((n) => journal.appendMessage(message({ gatewaySeq: n, raw: RAW(n) })));
    for (const from of [1, 201]) await Promise.all(messages(from));
    await journal.close();
    const database = openDatabase(fixture.path, journalMigrations);
    onTestFinished(() => database.close());
    const batches = () => database.prepare('SELECT * FROM batch ORDER BY firstSeq').all() as unknown as Batch[];
    return { ...fixture, database, batches };
  }

  it('takes a fraction of the room and gives back every entry with its payload', async () => {
    const { database, batches, read } = await packed();
    const found = batches();
    expect(found.map(({ firstSeq, lastSeq, format }) => [firstSeq, lastSeq, format])).toEqual([
      [1, 200, 2],
      [201, 400, 2],
    ]);
    const plainBytes = range(1, 200).reduce((sum, n) => sum + RAW(n).length, 0);
    expect(found[0]!.body.length).toBeLessThan(plainBytes / 8);
    expect(codes(database)).toEqual([]);
    const reader = read();
    expect(allEntries(reader).map((entry) => entry.kind === 'message' && entry.gatewaySeq)).toEqual(range(1, 400));
    for (const seq of [1, 77, 200, 201, 400]) expect(Buffer.from(reader.raw(seq)!)).toEqual(RAW(seq));
  });

  it('loses one frame to a flipped bit, and tells which entries those are', async () => {
    const { database, batches, path } = await packed();
    const { body } = batches()[0]!;
    const spoilt = database.prepare('UPDATE batch SET body = ? WHERE firstSeq = 1');
    const frameEnd = 8 + Buffer.from(body).readUInt32BE(0) + 4;
    expect(frameEnd).toBeLessThan(body.length / 2);
    // In the lengths, in what is packed, in the checksum; of the first frame and of the next.
    for (const at of [0, 3, 5, 8, 11, 40, frameEnd - 1, frameEnd, frameEnd + 30, body.length - 1]) {
      const changed = Buffer.from(body);
      changed[at]! ^= 16;
      spoilt.run(changed);
      const told: DamagedBatch[] = [];
      const reader = openJournalReader(path, (damage) => told.push(damage));
      const seqs = allEntries(reader).map(({ seq }) => seq);
      reader.close();
      expect(told).toHaveLength(1);
      const [{ stretches, lastSeq }] = told as [DamagedBatch];
      expect(lastSeq).toBe(200);
      expect(stretches).toHaveLength(1);
      const [{ firstSeq, lastSeq: end }] = stretches as [(typeof stretches)[0]];
      expect(end - firstSeq + 1).toBeLessThan(120);
      expect(seqs).toEqual([...range(1, firstSeq - 1), ...range(end + 1, 400)]);
      expect([...new Set(codes(database))]).toEqual(['journal.hash', 'journal.entry']);
    }
  });

  it('is refused by a program that knows nothing of it, as a file that is too new', async () => {
    const { path } = await packed();
    const before = journalMigrations.slice(0, -1);
    expect(() => openDatabase(path, before)).toThrow(expect.objectContaining({ code: 'store.newer' }));
  });
});

describe('a flipped bit in a body', () => {
  it('costs one entry, which is told by its seq; verify finds it', async () => {
    const { spoil, readAll, database } = await chained();
    spoil(6, (body, places) => {
      body[places[2]! + 60]! ^= 4;
    });
    const { seqs, told } = readAll();
    expect(seqs).toEqual([...range(1, 7), ...range(9, 15)]);
    expect(told).toEqual([
      {
        firstSeq: 6,
        lastSeq: 10,
        stretches: [{ firstSeq: 8, lastSeq: 8 }],
        detail: "of the batch of entries 6 to 10 can't be read: entry 8",
      },
    ]);
    expect([...verifyJournal(database)]).toMatchObject([
      { code: 'journal.hash', firstSeq: 6, lastSeq: 10 },
      { code: 'journal.entry', firstSeq: 8, lastSeq: 8 },
    ]);
  });

  it('costs no more than that entry wherever it is, be it in a length or a seq', async () => {
    const parts = (n: number): EntryParts => ({
      kind: 'message',
      receivedMs: NOON_MS + n,
      source: 'gw',
      body: `[${n},"日"]`,
      raw: Buffer.from([n]),
    });
    const sound = Buffer.from(encodeBody(101, range(1, 4).map(parts)));
    const places = placesOf(sound);
    for (let bit = places[1]! * 8; bit < places[2]! * 8; bit++) {
      const body = Buffer.from(sound);
      body[bit >> 3]! ^= 1 << (bit & 7);
      expect(
        salvage(body, 101).map((place) => seqAt(body, place)),
        `bit ${bit}`,
      ).toEqual([101, 103, 104]);
    }
    expect(salvage(sound, 101)).toEqual(places);
    expect(salvage(sound.subarray(0, places[3]! + 5), 101)).toEqual(places.slice(0, 3));
  });

  it('whole batches that can not be read are passed over, and the newest one does not hold anybody up', async () => {
    const { spoil, readAll, open, path } = await chained();
    for (const firstSeq of [6, 11]) spoil(firstSeq, (body) => body.fill(0xa5));
    const { seqs, told } = readAll();
    expect(seqs).toEqual(range(1, 5));
    expect(new Set(told.map(({ detail }) => detail))).toEqual(
      new Set([
        "of the batch of entries 6 to 10 can't be read: entries 6 to 10",
        "of the batch of entries 11 to 15 can't be read: entries 11 to 15",
      ]),
    );
    const journal = open();
    expect(await journal.appendTick()).toMatchObject({ seq: 16 });
    await journal.close();
    const reader = openJournalReader(path);
    expect(reader.read(5, 10)).toMatchObject([{ seq: 16, kind: 'tick' }]);
    expect(reader.tail(3).map(({ seq }) => seq)).toEqual([4, 5, 16]);
    expect([reader.raw(12), reader.receivedMsAfter(7)]).toEqual([undefined, NOON_MS + 2000]);
    reader.close();
  });
});

describe('a journal of an older program', () => {
  const MESSAGES = 5000;

  /** One row an entry, as of before: the oldest pruned, and entries 3,001 to 3,010 lost, as the list of losses says. */
  function old() {
    const fixture = journalFixture();
    const database = openDatabase(fixture.path, journalMigrations.slice(0, 5));
    const insert = database.prepare('INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)');
    database.exec('BEGIN');
    for (let seq = 7; seq <= MESSAGES; seq++) {
      if (seq > 3000 && seq <= 3010) continue;
      const raw = seq % 9 === 0 ? null : Buffer.from(`{"seq":${seq}}`);
      if (seq % 100 === 0) insert.run(seq, NOON_MS + seq, seq * 100, 'tick', null, null, null);
      else insert.run(seq, NOON_MS + seq, seq * 100, 'message', 'g1', oldMessage(seq, [reading()]), raw);
    }
    const lost = {
      condition: 'journal.lost',
      firstSeq: 3001,
      lastSeq: 3010,
      toMs: NOON_MS + 3010,
      detail: 'gone',
    } as const;
    keepLoss(database, lost, NOON_MS);
    database.exec('COMMIT');
    database.close();
    return fixture;
  }

  const open = (path: string) => openDatabase(path, journalMigrations);

  it('becomes batches in steps, and goes on where a start was killed in the middle', () => {
    const { path, read } = old();
    let sizes: number[] = [];
    for (let killed = 0; killed < 2; killed++) {
      const database = open(path);
      const steps = convertEntries(database);
      sizes.push(steps.next().value as number);
      // Nothing stands twice, nothing nowhere.
      const { n } = database.prepare('SELECT count(*) AS n FROM entry').get() as { n: number };
      expect(n + sizes.reduce((sum, size) => sum + size)).toBe(MESSAGES - 16);
      expect(codes(database)).toEqual(['journal.format']);
      database.close();
    }
    const database = open(path);
    sizes = [...sizes, ...convertEntries(database)];
    expect(sizes).toEqual([2000, 994, 1990]);
    expect(database.prepare('SELECT firstSeq, lastSeq, kind FROM batch').all()).toMatchObject([
      { firstSeq: 7, lastSeq: 2006, kind: 1 },
      { firstSeq: 2007, lastSeq: 3000, kind: 1 },
      { firstSeq: 3001, lastSeq: 3010, kind: 2 },
      { firstSeq: 3011, lastSeq: 5000, kind: 1 },
    ]);
    expect(codes(database)).toEqual([]);
    expect([...convertEntries(database)]).toEqual([]);
    database.close();
    const reader = read();
    const entries = allEntries(reader);
    expect(entries.map(({ seq }) => seq)).toEqual([...range(7, 3000), ...range(3011, MESSAGES)]);
    expect(entries.every(({ seq, receivedMs }) => receivedMs === NOON_MS + seq)).toBe(true);
    expect(entries[0]).toMatchObject({ kind: 'message', source: 'g1', gatewaySeq: 7, readings: [reading()] });
    expect(Buffer.from(reader.raw(4999)!).toString()).toBe('{"seq":4999}');
    expect([reader.raw(4500), reader.raw(4995)]).toEqual([undefined, new Uint8Array(0)]);
  });

  it('is converted by whoever opens it for writing, and can not be taken back to the older program', async () => {
    const fixture = old();
    const journal = fixture.open();
    expect(journal.headSeq).toBe(MESSAGES);
    expect(await journal.appendTick()).toEqual({ seq: MESSAGES + 1, receivedMs: NOON_MS + MESSAGES });
    await journal.close();
    expect(() => openDatabase(fixture.path, journalMigrations.slice(0, 5))).toThrow(
      expect.objectContaining({ code: 'store.newer' }),
    );
  });

  it('that lost its end, and nothing came after, says so in its chain', () => {
    const { path } = old();
    const before = open(path);
    before.exec('DELETE FROM entry WHERE seq > 3000');
    for (const _ of convertEntries(before));
    expect(before.prepare('SELECT firstSeq, lastSeq, kind, received FROM batch ORDER BY firstSeq DESC').get()).toEqual({
      firstSeq: 3001,
      lastSeq: 3010,
      kind: 2,
      received: NOON_MS + 3010,
    });
    expect(codes(before)).toEqual([]);
    before.close();
  });
});
