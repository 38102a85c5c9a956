import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Entry } from '#model/entry.ts';
import { createEntryWindow, readThrough } from '#process/entry-window.ts';

/** A journal that grows, and counts how often each entry is read. */
function journal() {
  const reads: number[] = [];
  let head = 0;
  return {
    reads,
    grow: (by: number) => {
      head += by;
    },
    head: () => head,
    read(after: number, limit: number): Entry[] {
      const count = Math.max(0, Math.min(limit, head - after));
      return Array.from({ length: count }, (_, index) => {
        const seq = after + 1 + index;
        reads[seq] = (reads[seq] ?? 0) + 1;
        return { seq, receivedMs: seq, kind: 'tick' };
      });
    },
  };
}

it('gives what the journal gives, whoever asks for what (property)', () => {
  const ask = fc.record({
    reader: fc.nat(2),
    limit: fc.integer({ min: 1, max: 40 }),
    grow: fc.nat(20),
    forgets: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 80 }), fc.integer({ min: 1, max: 30 }), (asks, size) => {
      const source = journal();
      const window = createEntryWindow(source.read, size);
      const cursors = [0, 0, 0];
      for (const { reader, limit, grow, forgets } of asks) {
        source.grow(grow);
        const entries = window.read(cursors[reader]!, limit);
        const expected = Math.min(limit, source.head() - cursors[reader]!);
        expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => cursors[reader]! + 1 + index));
        expect(entries.length).toBeLessThanOrEqual(expected);
        cursors[reader]! += entries.length;
        if (forgets) window.forget(Math.min(...cursors));
      }
      // Nobody holds anybody up: each gets to the head alone, however far behind the others stay.
      for (const reader of [0, 1, 2]) {
        for (let turn = 0; cursors[reader]! < source.head() && turn < 10_000; turn++) {
          cursors[reader]! += window.read(cursors[reader]!, 7).length;
        }
      }
      expect(cursors).toEqual([source.head(), source.head(), source.head()]);
    }),
  );
});

it('reads each entry once while the readers go along together', () => {
  const source = journal();
  const window = createEntryWindow(source.read, 100);
  source.grow(1000);
  const cursors = [0, 0, 0];
  while (Math.min(...cursors) < 1000) {
    for (const reader of [0, 1, 2])
      cursors[reader]! += window.read(cursors[reader]!, 10 + (cursors[reader]! % 7)).length;
    window.forget(Math.min(...cursors));
  }
  expect(Math.max(...source.reads.slice(1))).toBe(1);
});

it('leaves nothing out beside seqs that were lost, wherever the readers stand (property)', () => {
  const step = fc.record({ reader: fc.nat(2), limit: fc.integer({ min: 1, max: 9 }), forgets: fc.boolean() });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }),
      fc.tuple(fc.nat(60), fc.nat(60), fc.nat(60)),
      fc.array(step, { maxLength: 60 }),
      (lost, begins, steps) => {
        const all = Array.from({ length: 60 }, (_, index) => index + 1).filter((seq) => !lost.includes(seq));
        const read = (after: number, limit: number): Entry[] =>
          all
            .filter((seq) => seq > after)
            .slice(0, limit)
            .map((seq) => ({ seq, receivedMs: seq, kind: 'tick' }));
        const window = createEntryWindow(read, 12);
        const cursors = [...begins];
        for (const { reader, limit, forgets } of steps) {
          const entries = window.read(cursors[reader]!, limit);
          expect(entries).toEqual(read(cursors[reader]!, limit).slice(0, entries.length));
          expect(entries.length > 0).toBe(read(cursors[reader]!, 1).length > 0);
          cursors[reader] = entries.at(-1)?.seq ?? cursors[reader]!;
          if (forgets) window.forget(Math.min(...cursors));
        }
      },
    ),
  );
});

it('reads no further than it is told where entries were lost, and there are fewer than their seqs say', () => {
  const seqs = [98, 99, 100, 151, 152, 153];
  const read = (after: number, limit: number): Entry[] =>
    seqs
      .filter((seq) => seq > after)
      .slice(0, limit)
      .map((seq) => ({ kind: 'tick', seq, receivedMs: seq }));
  const window = createEntryWindow(read, 100);
  expect(readThrough(window, 98, 151, 50).map(({ seq }) => seq)).toEqual([99, 100, 151]);
  expect(readThrough(window, 98, 151, 2).map(({ seq }) => seq)).toEqual([99, 100]);
  expect(readThrough(window, 151, 151, 50)).toEqual([]);
});
