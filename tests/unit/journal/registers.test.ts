import { describe, expect, it } from 'vitest';
import { Control } from '#journal/registers.ts';
import type { Command } from '#model/entry.ts';
import { journalFixture, message, NOON_MS } from '#tests/helpers/journal/fixture.ts';

const put = (id: string, name: string): Command => ({ verb: 'put', noun: 'station', id, body: { name } });
const drop = (id: string): Command => ({ verb: 'delete', noun: 'station', id });

describe('registers in the journal', () => {
  it('shows a change to the main thread once it is on disk, and after a restart', async () => {
    const { open } = journalFixture();
    const journal = open();
    const heard: string[] = [];
    journal.control.onChange(({ seq, actor }) => heard.push(`${seq} ${actor}`));
    const appended = journal.appendCommand('admin', put('s1', 'one'));
    expect(journal.control.get('station', 's1')).toBeUndefined();
    await appended;
    expect(journal.control.get('station', 's1')).toEqual({ name: 'one' });
    await journal.appendCommand('ops', put('s2', 'two'));
    await journal.appendCommand('ops', drop('s1'));
    expect(heard).toEqual(['1 admin', '2 ops', '3 ops']);
    await journal.close();
    const { control } = open();
    expect(control.list('station').map(({ id }) => id)).toEqual(['s2']);
    expect(control.version('station', 's1')).toEqual({
      noun: 'station',
      id: 's1',
      seq: 3,
      atMs: NOON_MS,
      actor: 'ops',
      body: null,
    });
  });

  it('gives the registers as of any seq, also of commands whose entries are pruned', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    await journal.appendCommand('a', put('s1', 'first'));
    await journal.appendMessage(message());
    await journal.appendCommand('b', put('s1', 'second'));
    await journal.appendCommand('c', put('s2', 'other'));
    await journal.appendCommand('d', drop('s1'));
    await journal.appendTick();
    expect(journal.pruneTo(6, -1)).toBe(5);
    const reader = read();
    expect(reader.oldestSeq()).toBe(6);
    const asOf = (seq: number) =>
      reader
        .control(seq)
        .map(({ id, seq: since, actor, body }) => `${id}@${since} ${actor} ${JSON.stringify(body)}`)
        .sort();
    expect(asOf(0)).toEqual([]);
    expect(asOf(2)).toEqual(['s1@1 a {"name":"first"}']);
    expect(asOf(3)).toEqual(['s1@3 b {"name":"second"}']);
    expect(asOf(99)).toEqual(['s1@5 d null', 's2@4 c {"name":"other"}']);
    expect(new Control(reader.control(4)).get('station', 's1')).toEqual({ name: 'second' });
  });

  it('lists every command newest first, page by page, pruned entries too', async () => {
    const { open, read } = journalFixture();
    const journal = open();
    for (let index = 0; index < 10; index++) {
      await journal.appendCommand('ops', { verb: 'comment', alarm: `a${index}`, comment: '…' });
      await journal.appendTick();
    }
    expect(journal.pruneTo(20, -1)).toBe(19);
    const reader = read();
    const first = reader.commands(null, 4);
    expect(first.map(({ seq }) => seq)).toEqual([19, 17, 15, 13]);
    expect(first[0]).toEqual({
      kind: 'command',
      seq: 19,
      receivedMs: NOON_MS,
      actor: 'ops',
      command: { verb: 'comment', alarm: 'a9', comment: '…' },
    });
    expect(reader.commands(13, 4).map(({ seq }) => seq)).toEqual([11, 9, 7, 5]);
    expect(reader.commands(5, 4).map(({ seq }) => seq)).toEqual([3, 1]);
    expect(reader.commands(1, 4)).toEqual([]);
  });
});
