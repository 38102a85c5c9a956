/**
 * Drives followers that depend on the same things, turn by turn: one batch each a round, and a rest when none of them
 * moved. Each loop rests for itself, so that followers that wait for a store hold up none that doesn't.
 *
 * What is derived needn't be on disk as often as what is received: a loop may let entries gather, so that one commit holds
 * many. Nobody waits for that: whoever reads says `hurry`, and what is behind isn't held up further.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#src/clock.ts';
import type { Pump } from './follower-pump.ts';

export interface FollowerLoop {
  /** Resolves after `stop`, once the batch that is being applied has ended. */
  run(): Promise<void>;
  /** There may be something to do. */
  wake(): void;
  /** Somebody waits for it. */
  hurry(): void;
  stop(): void;
}

export interface FollowerLoopOptions {
  pumps: readonly Pump[];
  clock: Clock;
  /** After a pump's turn; `moved` as the pump says. */
  onTurn: (pump: Pump, moved: boolean) => void;
  /** Work of this loop that is no follower's; says whether there is more of it. */
  extra?: () => Promise<boolean>;
  /** For how long entries gather from the begin of a round until the next; left out: not at all. */
  gathering?: { ms: number; headSeq: () => number };
}

export function createFollowerLoop({ pumps, clock, onTurn, extra, gathering }: FollowerLoopOptions): FollowerLoop {
  let isStopping = false;
  let isHurried = false;
  let alarm = Promise.withResolvers<void>();
  let haste = Promise.withResolvers<void>();

  async function until(signal: Promise<void>, untilMs: number | null): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = untilMs === null ? undefined : setTimeout(over.resolve, Math.max(1, untilMs - clock.monotonicMs()));
    await Promise.race([signal, over.promise]);
    clearTimeout(timer);
  }

  async function rest(untilMs: number | null): Promise<void> {
    await until(alarm.promise, untilMs);
    alarm = Promise.withResolvers<void>();
  }

  /** Every pump has passed what there was when the round began: what has come since may gather. */
  async function gather(ms: number, beganMs: number): Promise<void> {
    if (!isHurried && !isStopping) await until(haste.promise, beganMs + ms);
    haste = Promise.withResolvers<void>();
  }

  return {
    async run() {
      while (!isStopping) {
        const beganMs = clock.monotonicMs();
        const headSeq = gathering?.headSeq() ?? 0;
        isHurried = false;
        let hasMoved = false;
        let retryAtMs: number | null = null;
        for (const pump of pumps) {
          const { moved, retryAtMs: pumpRetryAtMs } = await pump.step();
          hasMoved ||= moved;
          if (pumpRetryAtMs !== null) retryAtMs = Math.min(retryAtMs ?? Number.POSITIVE_INFINITY, pumpRetryAtMs);
          onTurn(pump, moved);
        }
        const isMore = (await extra?.()) ?? false;
        if (!hasMoved && !isMore) await rest(retryAtMs);
        else if (gathering && !isMore && pumps.every(({ follower }) => follower.cursor() >= headSeq)) {
          await gather(gathering.ms, beganMs);
        } else await nextTurn();
      }
    },
    wake: () => alarm.resolve(),
    hurry() {
      isHurried = true;
      haste.resolve();
    },
    stop() {
      isStopping = true;
      alarm.resolve();
      haste.resolve();
    },
  };
}
