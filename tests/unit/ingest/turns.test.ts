/** Fair turns at the door, by the order in which messages become entries. */
import { describe, expect, it } from 'vitest';
import { Turns } from '#ingest/turns.ts';
import { delivery, NOW_MS, openDoor } from '#tests/helpers/ingest/door.ts';
import type { MemoryJournal } from '#tests/helpers/journal/memory.ts';

/** Work that ends when told, and the order in which it began. */
function bench() {
  const turns = new Turns();
  const began: string[] = [];
  const ends: (() => void)[] = [];
  const take = (name: string, bytes = 1000) =>
    turns.take(name.split(' ')[0]!, bytes, () => {
      began.push(name);
      return new Promise<string>((resolve) => ends.push(() => resolve(name)));
    });
  /** Ends the oldest that is under way and lets the next begin. */
  const end = async () => {
    ends.shift()!();
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  };
  return { turns, began, take, end };
}

describe('turns', () => {
  it('begins at once while there is room', () => {
    const { began, take, turns } = bench();
    void take('a 1');
    void take('a 2');
    expect(began).toEqual(['a 1', 'a 2']);
    expect(turns.waiting).toBe(0);
  });

  it('goes round by sender; each keeps its order', async () => {
    const { began, take, end, turns } = bench();
    void take('a 0', 300_000);
    for (let index = 1; index <= 4; index++) void take(`a ${index}`, 300_000);
    for (const name of ['b 1', 'b 2', 'c 1']) void take(name, 300_000);
    expect(turns.waiting).toBe(7);
    while (turns.waiting > 0) await end();
    expect(began).toEqual(['a 0', 'a 1', 'b 1', 'c 1', 'a 2', 'b 2', 'a 3', 'a 4']);
  });

  it('lets nobody past those that wait, also when there is room again', async () => {
    const { began, take, end } = bench();
    void take('a 0', 300_000);
    void take('a 1', 100);
    void take('b 1', 100);
    await end();
    void take('c 1', 100);
    expect(began).toEqual(['a 0', 'a 1', 'b 1', 'c 1']);
  });

  it('goes on after a failure, and gives it to whoever waits for it', async () => {
    const { began, take, end, turns } = bench();
    const failing = turns.take('a', 300_000, () => Promise.reject(new Error('the disk is full')));
    const next = take('b 1');
    await expect(failing).rejects.toThrow('the disk is full');
    expect(began).toEqual(['b 1']);
    void end();
    expect(await next).toBe('b 1');
  });
});

/** Commits what there is, turn by turn, until all of these are durable. */
async function committed(journal: MemoryJournal, receipts: Promise<unknown>[]): Promise<void> {
  let waiting = receipts.length;
  for (const receipt of receipts) void receipt.then(() => waiting--);
  while (waiting > 0) {
    journal.commit();
    await new Promise(setImmediate);
  }
}

it('a message waits for a handful of another gateway’s, however many of them wait', async () => {
  const { gate, journal } = await openDoor({ manual: true });
  for (const id of ['noisy', 'other']) {
    const stored = journal.appendCommand('eva', { verb: 'put', noun: 'gateway', id, body: { stations: ['taocha'] } });
    journal.commit();
    await stored;
  }
  const before = journal.headSeq;
  const names = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`unknown-${index}`, 1]));
  const noisy = Array.from({ length: 80 }, () =>
    gate.accept({ ...delivery(JSON.stringify({ station: 'taocha', time: NOW_MS, values: names })), source: 'noisy' }),
  );
  const other = gate.accept({
    ...delivery(JSON.stringify({ station: 'taocha', time: NOW_MS, values: { ph: 7 } })),
    source: 'other',
  });
  await committed(journal, [...noisy, other]);
  const { seq } = await other;
  // 256 KiB are on their way to a commit at most: four messages of 79 KB, then one each in turn.
  expect(seq - before).toBeLessThanOrEqual(6);
  expect(journal.headSeq - before).toBe(81);
});

it('one that nobody registered shares its turn with all the others of its kind', async () => {
  const { gate, journal } = await openDoor({ manual: true });
  const stored = journal.appendCommand('eva', {
    verb: 'put',
    noun: 'gateway',
    id: 'own',
    body: { stations: ['taocha'] },
  });
  journal.commit();
  await stored;
  const before = journal.headSeq;
  const payload = `{"station":"taocha","time":${NOW_MS},"values":{"ph":7},"pad":"${'x'.repeat(200_000)}"}`;
  const send = (source: string) => gate.accept({ ...delivery(payload), source });
  const strangers = Array.from({ length: 20 }, (_, index) => send(`stranger-${index}`));
  const own = send('own');
  await committed(journal, [...strangers, own]);
  expect((await own).seq - before).toBeLessThanOrEqual(4);
});
