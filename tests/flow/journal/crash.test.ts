/** SIGKILL at random instants: what was acknowledged is there, once, and the books of the journal add up. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openJournalReader } from '#journal/reader.ts';
import { openJournal } from '#journal/writer.ts';
import { systemClock } from '#src/clock.ts';
import { childLines } from '#tests/helpers/child-lines.ts';
import { allEntries } from '#tests/helpers/journal/fixture.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const KILLS = 24;
const CHILD = join(import.meta.dirname, '../../helpers/journal/child.ts');

function check(directory: string, acknowledged: ReadonlyMap<number, number>): number {
  const reader = openJournalReader(join(directory, 'journal.db'));
  try {
    const entries = allEntries(reader);
    expect(entries.findIndex(({ seq }, index) => seq !== index + 1)).toBe(-1);
    const numbers = new Map<number, number>();
    const readings = new Map<string, number>();
    const wrong: string[] = [];
    const stations = new Map(reader.allSeries().map(({ id, station }) => [id, station]));
    let receivedMs = 0;
    for (const entry of entries) {
      if (entry.receivedMs < receivedMs) wrong.push(`${entry.seq} went back in time`);
      receivedMs = entry.receivedMs;
      if (entry.kind !== 'message') continue;
      if (numbers.has(entry.gatewaySeq!)) wrong.push(`${entry.seq} is there twice`);
      numbers.set(entry.gatewaySeq!, entry.seq);
      readings.set(entry.source, (readings.get(entry.source) ?? 0) + entry.readings.length);
      if (entry.readings.some(({ series }) => stations.get(series) !== entry.source))
        wrong.push(`${entry.seq} has lost its series`);
    }
    for (const [number, seq] of acknowledged)
      if (numbers.get(number) !== seq) wrong.push(`acknowledged ${seq} is not there`);
    expect(wrong).toEqual([]);
    let quarantined = 0;
    for (const count of reader.intakeCounts()) {
      expect(count.received).toBe(readings.get(count.source)! + count.quarantined);
      quarantined += count.quarantined;
    }
    expect(reader.quarantine.size()).toMatchObject({ items: quarantined, dropped: 0 });
    const commands = entries.filter((entry) => entry.kind === 'command').reverse();
    expect(reader.commands(null, 1_000_000)).toEqual(commands);
    const newest = new Map(
      [...commands].reverse().map(({ seq, command }) => [command.verb === 'put' && command.id, seq]),
    );
    expect(new Map(reader.control(entries.length).map(({ id, seq }) => [id, seq]))).toEqual(newest);
    return entries.length;
  } finally {
    reader.close();
  }
}

describe('a writer that is killed', () => {
  it(`loses nothing acknowledged in ${KILLS} kills over one directory`, async () => {
    const directory = tempDir();
    const acknowledged = new Map<number, number>();
    for (let kill = 0; kill < KILLS; kill++) {
      const child = childLines(process.execPath, [CHILD, directory, String(kill * 1_000_000)]);
      await child.line((line) => line === 'open');
      // Some are killed while they start, most after some acknowledgements, in the middle of whatever they do then.
      const wanted = kill % 6 === 0 ? 0 : Math.ceil(Math.random() * 800);
      for (let seen = 0; seen < wanted; seen++) await child.line((line) => line.startsWith('ack'));
      await child.kill();
      for (const line of child.lines) {
        const [, seq, number] = /^ack (\d+) (\d+)$/.exec(line) ?? [];
        if (seq !== undefined) acknowledged.set(Number(number), Number(seq));
      }
      expect(child.lines.filter((line) => line.startsWith('fail'))).toEqual([]);
      const headSeq = check(directory, acknowledged);
      expect(headSeq).toBeGreaterThanOrEqual(acknowledged.size);
    }
    expect(acknowledged.size).toBeGreaterThan(KILLS * 20);
  });

  it('leaves no stale lock, and while it lives nobody else may write', async () => {
    const directory = tempDir();
    const open = () =>
      openJournal({ path: join(directory, 'journal.db'), clock: systemClock, maxBytes: 1 << 30, ackMaxDelayMs: 20 });
    const child = childLines(process.execPath, [CHILD, directory]);
    await child.line((line) => line.startsWith('ack'));
    expect(open).toThrow(expect.objectContaining({ code: 'store.locked', retryable: false }));
    expect(open).toThrow(/in use: another Wellkeeper process/);
    const second = childLines(process.execPath, [CHILD, directory]);
    await expect(second.line((line) => line === 'open')).rejects.toThrow('store.locked');
    const headSeq = () => {
      const reader = openJournalReader(join(directory, 'journal.db'));
      const seq = reader.headSeq();
      reader.close();
      return seq;
    };
    const before = headSeq();
    await child.line((line) => Number(/^ack (\d+)/.exec(line)?.[1]) > before);
    await child.kill();
    const journal = open();
    expect(journal.headSeq).toBe(headSeq());
    await journal.close();
    await open().close();
  });
});
