import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JournalWriter } from '#journal/writer.ts';
import { journalFixture, message, NOON_MS, noise, reading } from '#tests/helpers/journal/fixture.ts';

const DAY_MS = 86_400_000;
const KIB = 1024;

/** In batches of `together` messages. */
async function append(journal: JournalWriter, count: number, bytes = 900, together = count): Promise<void> {
  const one = () =>
    journal.appendMessage(message({ raw: noise(bytes), readings: [reading({ value: noise(8).readUInt32BE() / 7 })] }));
  for (let left = count; left > 0; left -= together) {
    await Promise.all(Array.from({ length: Math.min(left, together) }, one));
  }
}

const pruneAll = (journal: JournalWriter, passedSeq: number, retentionMs: number): number => {
  let total = 0;
  for (
    let count = journal.pruneTo(passedSeq, retentionMs);
    count > 0;
    count = journal.pruneTo(passedSeq, retentionMs)
  ) {
    total += count;
  }
  return total;
};

describe('pruning', () => {
  it('takes what is passed and older than the retention, in whole batches', async () => {
    const { open, read, clock } = journalFixture();
    const journal = open();
    await append(journal, 700, 900, 41);
    clock.advance(DAY_MS);
    await append(journal, 300);
    const reader = read();
    expect(pruneAll(journal, 1_000, 2 * DAY_MS)).toBe(0);
    clock.advance(DAY_MS + 1);
    expect(pruneAll(journal, 0, 2 * DAY_MS)).toBe(0);
    expect(pruneAll(journal, 122, 2 * DAY_MS)).toBe(82);
    expect(reader.oldestSeq()).toBe(83);
    expect(pruneAll(journal, 123, 2 * DAY_MS)).toBe(41);
    expect(reader.oldestSeq()).toBe(124);
    expect(pruneAll(journal, 1_000, 2 * DAY_MS)).toBe(700 - 123);
    expect(reader.read(0, 10_000).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 300 }, (_, index) => 701 + index),
    );
    expect(reader.tail(10_000)).toHaveLength(300);
  });

  it('keeps the newest batch, so that seq and received time go on from it after a restart', async () => {
    const { open, read, clock } = journalFixture();
    const journal = open();
    await append(journal, 10, 900, 1);
    clock.advance(DAY_MS);
    expect(pruneAll(journal, 10, 0)).toBe(9);
    await journal.close();
    clock.set(NOON_MS - DAY_MS);
    const again = open();
    expect(again.headSeq).toBe(10);
    expect(await again.appendTick()).toEqual({ seq: 11, receivedMs: NOON_MS });
    expect(read().oldestSeq()).toBe(10);
  });

  it('takes passed entries sooner when the journal exceeds its size, oldest first, and never unpassed ones', async () => {
    const { open, read } = journalFixture();
    const before = open();
    await append(before, 400, 800, 1);
    await before.close();
    const journal = open({ maxBytes: 200 * KIB });
    const reader = read();
    // A page holds four of these messages: 50 more entries than fit are unpassed, so all that is passed goes.
    expect(pruneAll(journal, 150, 7 * DAY_MS)).toBe(150);
    expect(reader.oldestSeq()).toBe(151);
    expect(journal.usedShare()).toBeCloseTo(250 / 200, 2);
    expect(pruneAll(journal, 400, 7 * DAY_MS)).toBe(50);
    expect(reader.oldestSeq()).toBe(201);
    expect(journal.usedShare()).toBe(0);
  });

  it('refuses messages while unpassed ones exceed the size, but neither commands nor ticks, and recovers', async () => {
    const { open, read } = journalFixture();
    const told: string[] = [];
    const log = {
      warn: (_: object, text: string) => told.push(text),
      info: (_: object, text: string) => told.push(text),
    };
    const journal = open({ maxBytes: 200 * KIB, log });
    journal.pruneTo(0, 7 * DAY_MS);
    await append(journal, 140, 800, 1);
    expect(journal.usedShare()).toBeCloseTo(0.7, 2);
    await append(journal, 60, 800, 1);
    expect(journal.usedShare()).toBeGreaterThanOrEqual(1);
    const failures: Error[] = [];
    journal.onFailure((error) => failures.push(error));
    const results = await Promise.allSettled([
      journal.appendMessage(message()),
      journal.appendCommand('ops', { verb: 'unshelve', alarm: 'a' }),
      journal.appendMessage(message()),
      journal.appendTick(),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value.seq : result.reason.code))).toEqual([
      'journal.full',
      201,
      'journal.full',
      202,
    ]);
    expect(failures).toMatchObject([{ code: 'journal.full', retryable: true }]);
    expect(journal.counters.refusedMessages).toBe(2);
    journal.pruneTo(100, 7 * DAY_MS);
    expect((await journal.appendMessage(message())).seq).toBe(203);
    expect(told).toEqual(['the journal refuses entries', 'the journal can be written again']);
    expect(read().intakeCount('g1')).toMatchObject({ received: 201 });
  });

  it('remembers across a restart how much is unpassed', async () => {
    const { open } = journalFixture();
    const journal = open({ maxBytes: 200 * KIB });
    await append(journal, 100, 800, 1);
    await journal.close();
    const again = open({ maxBytes: 200 * KIB });
    again.pruneTo(20, 7 * DAY_MS);
    expect(again.usedShare()).toBeCloseTo(0.4, 2);
    await again.close();
    // A batch of which something is unpassed counts whole.
    const { open: openOther } = journalFixture();
    const other = openOther({ maxBytes: 200 * KIB });
    await append(other, 100, 900);
    const share = other.usedShare();
    other.pruneTo(20, 7 * DAY_MS);
    expect(other.usedShare()).toBe(share);
    other.pruneTo(100, 7 * DAY_MS);
    expect(other.usedShare()).toBe(0);
  });

  it('counts about what the file takes, for small, usual and large entries', async () => {
    for (const [bytes, count] of [
      [0, 20_000],
      [500, 5_000],
      [900, 4_000],
      [3_000, 1_000],
      [20_000, 200],
    ] as const) {
      const { open } = journalFixture();
      const maxBytes = 1 << 30;
      const empty = open({ maxBytes });
      await empty.close();
      const emptyBytes = empty.sizeBytes();
      const journal = open({ maxBytes });
      await append(journal, count, bytes);
      const countedBytes = journal.usedShare() * maxBytes;
      await journal.close();
      const takenBytes = journal.sizeBytes() - emptyBytes;
      expect(takenBytes / countedBytes, `${bytes} bytes a payload`).toBeGreaterThan(0.85);
      expect(takenBytes / countedBytes, `${bytes} bytes a payload`).toBeLessThan(1.1);
    }
  });

  it('gives the space back to the disk, some spare pages apart', async () => {
    const { open, clock, read, path } = journalFixture();
    const journal = open();
    await append(journal, 20_000, 900, 1990);
    await journal.close();
    const again = open();
    const fullBytes = again.sizeBytes();
    expect(fullBytes).toBeGreaterThan(19e6);
    clock.advance(DAY_MS);
    expect(pruneAll(again, 19_990, 0)).toBe(19_900);
    // Free pages go a slice at a time, also when no entry is left to prune.
    for (let slice = 0; slice < 100; slice++) again.pruneTo(19_990, 0);
    expect(read().read(0, 100)).toHaveLength(100);
    // The file is cut at the next checkpoint, which comes with the entries that follow, whoever reads meanwhile.
    await append(again, 4_000);
    expect(again.headSeq).toBe(24_000);
    expect(statSync(path).size).toBeLessThan(fullBytes / 3);
  });
});
