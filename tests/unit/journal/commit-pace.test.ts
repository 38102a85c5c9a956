import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CommitPace } from '#journal/commit-pace.ts';

/** Appends and commits without a journal; commits take no time, on a clock that stands. */
function rig(maxDelayMs = 20) {
  let waiting = 0;
  const commits: number[] = [];
  let heard: () => void = () => {};
  const pace = new CommitPace({
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    maxDelayMs,
    waiting: () => waiting,
    commit() {
      commits.push(waiting);
      waiting = 0;
      pace.took(0, 0);
      heard();
    },
  });
  const come = (count = 1, mayGather = true) => {
    for (let one = 0; one < count; one++) {
      waiting++;
      pace.came(mayGather);
    }
  };
  /** Long enough for whatever happens without waiting for time. */
  const turns = async () => {
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    return commits.length;
  };
  const committed = () => new Promise<void>((resolve) => (heard = resolve));
  /** Until the next message waits for company: one in 32 does. */
  const untilTry = async () => {
    for (let before = commits.length; ; before++) {
      come();
      if ((await turns()) === before) return;
    }
  };
  return { come, turns, committed, untilTry, commits };
}

describe('the pace of commits', () => {
  it('commits what comes alone at the end of the turn, and tries one in 32 whether others join', async () => {
    const { untilTry, committed, commits } = rig();
    await untilTry();
    expect(commits).toEqual(Array<number>(31).fill(1));
    await committed();
    expect(commits).toHaveLength(32);
    await untilTry();
    expect(commits).toHaveLength(63);
    await committed();
  });

  it('lets messages gather once others have joined, and no longer when none do', async () => {
    const { come, turns, committed, untilTry, commits } = rig();
    await untilTry();
    come(2);
    await committed();
    expect(commits.at(-1)).toBe(3);
    for (const together of [2, 2]) {
      const before = commits.length;
      come();
      expect(await turns()).toBe(before);
      come(together - 1);
      await committed();
    }
    expect(commits.slice(-2)).toEqual([2, 2]);
    for (let alone = 0; alone < 4; alone++) {
      const before = commits.length;
      come();
      if ((await turns()) === before) await committed();
    }
    const before = commits.length;
    come();
    expect(await turns()).toBe(before + 1);
  });

  it('commits at once when eight wait, and when something comes that has no time', async () => {
    const { come, turns, untilTry, commits } = rig();
    await untilTry();
    come(7);
    await turns();
    expect(commits.at(-1)).toBe(8);
    come(2);
    expect(await turns()).toBe(32);
    come(1, false);
    await turns();
    expect(commits.at(-1)).toBe(3);
  });

  it('gathers nothing when acknowledgements may not wait', async () => {
    const { come, turns, commits } = rig(0);
    for (let message = 1; message <= 100; message++) {
      come();
      await turns();
    }
    expect(commits).toHaveLength(100);
  });
});
