import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Follower } from '#journal/follower.ts';
import { createFollowerLoop, type FollowerLoop } from '#process/follower-loop.ts';
import type { Pump } from '#process/follower-pump.ts';
import { systemClock as clock } from '#src/clock.ts';

const HOUR_MS = 3_600_000;

/** A loop of one follower that takes up to `limit` entries a round, and what may happen meanwhile. */
function rig({ gatheringMs = HOUR_MS, limit = 10 } = {}) {
  let [head, cursor] = [0, 0];
  const rounds: number[] = [];
  const heard: ((round: number) => void)[] = [];
  const pump = {
    follower: { cursor: () => cursor } as Follower,
    durations: {},
    async step() {
      const moved = cursor < head;
      cursor = Math.min(head, cursor + limit);
      return { moved, retryAtMs: null };
    },
  } as unknown as Pump;
  const loop: FollowerLoop = createFollowerLoop({
    pumps: [pump],
    clock,
    gathering: { ms: gatheringMs, headSeq: () => head },
    onTurn(_, moved) {
      if (moved) rounds.push(cursor);
      for (const hear of heard) hear(cursor);
    },
  });
  const ended = loop.run();
  onTestFinished(async () => {
    loop.stop();
    await ended;
  });
  return {
    loop,
    rounds,
    commit(seq: number) {
      head = seq;
      loop.wake();
    },
    reached: (seq: number) => new Promise<void>((resolve) => heard.push((at) => at >= seq && resolve())),
  };
}

/** Long enough for whatever would happen without waiting for time. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

describe('a loop that lets entries gather', () => {
  it('begins at once with what comes while it rests, and lets what comes then gather', async () => {
    const { commit, reached, rounds } = rig();
    await turns();
    const first = reached(1);
    commit(1);
    await first;
    commit(2);
    commit(3);
    await turns();
    expect(rounds).toEqual([1]);
  });

  it('goes on when the time is over, with all that has gathered', async () => {
    const { commit, reached, rounds } = rig({ gatheringMs: 5 });
    const first = reached(1);
    commit(1);
    await first;
    const rest = reached(4);
    commit(4);
    await rest;
    expect(rounds).toEqual([1, 4]);
  });

  it('goes on at once when somebody waits, also when it was told before it began to gather', async () => {
    const { loop, commit, reached, rounds } = rig();
    const first = reached(1);
    commit(1);
    await first;
    const second = reached(2);
    commit(2);
    loop.hurry();
    await second;
    await turns();
    const third = reached(3);
    commit(3);
    loop.hurry();
    await third;
    expect(rounds).toEqual([1, 2, 3]);
  });

  it('does not wait while it is behind what there was when a round began', async () => {
    const { commit, reached, rounds } = rig({ limit: 2 });
    const all = reached(5);
    commit(5);
    await all;
    expect(rounds).toEqual([2, 4, 5]);
  });

  it('ends while it lets entries gather', async () => {
    const { commit, reached } = rig();
    const first = reached(1);
    commit(1);
    await first;
    // `onTestFinished` waits for its end, an hour otherwise.
  });
});
