import { describe, expect, it } from 'vitest';
import type { Follower } from '#journal/follower.ts';
import type { Entry } from '#model/entry.ts';
import { createPump } from '#process/follower-pump.ts';

const entry = (seq: number): Entry => ({ seq, receivedMs: seq, kind: 'tick' });

/** A follower that remembers what it applied and throws as told; time moves only when a retry is waited for. */
function rig(
  count: number,
  fault: (entries: readonly Entry[], attempt: number) => Error | null,
  unreadable: (attempt: number) => boolean = () => false,
) {
  let cursor = 0;
  let attempt = 0;
  let nowMs = 0;
  let reads = 0;
  const applied: number[] = [];
  const parked: number[] = [];
  const follower: Follower = {
    name: 'readings',
    cursor: () => cursor,
    async apply(entries) {
      const error = fault(entries, ++attempt);
      if (error) throw error;
      applied.push(...entries.map(({ seq }) => seq));
      cursor = entries.at(-1)!.seq;
    },
    skip(skipped) {
      cursor = skipped.seq;
    },
    nextTimerMs: () => null,
  };
  const pump = createPump({
    follower,
    read(after, limit) {
      if (unreadable(++reads)) throw new Error('a page can not be read');
      return Array.from({ length: count }, (_, index) => entry(index + 1))
        .filter(({ seq }) => seq > after)
        .slice(0, limit);
    },
    park: ({ seq }) => parked.push(seq),
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    onError: () => {},
  });
  async function drain(steps = 1000): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const { moved, retryAtMs } = await pump.step();
      if (retryAtMs !== null) nowMs = retryAtMs;
      else if (!moved) return;
    }
    throw new Error('the pump does not come to rest');
  }
  return { drain, applied, parked, cursor: () => cursor, attempts: () => attempt };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('the pump of a follower', () => {
  it('applies every entry once, in order', async () => {
    const { drain, applied } = rig(1234, () => null);
    await drain();
    expect(applied).toEqual(range(1, 1234));
  });

  it('parks exactly the entry that can not be digested, after three tries, and goes on', async () => {
    const { drain, applied, parked } = rig(500, (entries) =>
      entries.some(({ seq }) => seq === 137) ? new Error('poison') : null,
    );
    await drain();
    expect(parked).toEqual([137]);
    expect(applied).toEqual(range(1, 500).filter((seq) => seq !== 137));
  });

  it('parks two bad neighbours and the last entry', async () => {
    const bad = new Set([41, 42, 300]);
    const { drain, applied, parked } = rig(300, (entries) =>
      entries.some(({ seq }) => bad.has(seq)) ? new Error('poison') : null,
    );
    await drain();
    expect(parked).toEqual([41, 42, 300]);
    expect(applied).toEqual(range(1, 300).filter((seq) => !bad.has(seq)));
  });

  it('never parks for a failure that will pass, however long it lasts', async () => {
    const away = Object.assign(new Error('the store is away'), { retryable: true });
    const { drain, applied, parked, attempts } = rig(10, (_, attempt) => (attempt <= 50 ? away : null));
    await drain();
    expect(attempts()).toBeGreaterThan(50);
    expect(parked).toEqual([]);
    expect(applied).toEqual(range(1, 10));
  });

  it('forgives a failure that does not repeat', async () => {
    const { drain, applied, parked } = rig(10, (_, attempt) => (attempt <= 2 ? new Error('once or twice') : null));
    await drain();
    expect(parked).toEqual([]);
    expect(applied).toEqual(range(1, 10));
  });

  it('tries again while the journal can not be read, and parks nothing for it', async () => {
    const { drain, applied, parked } = rig(
      500,
      () => null,
      (attempt) => attempt <= 10,
    );
    await drain();
    expect(parked).toEqual([]);
    expect(applied).toEqual(range(1, 500));
  });
});
