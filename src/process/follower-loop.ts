/**
 * Drives followers that depend on the same things, turn by turn: one batch each a round, and a rest when none of them
 * moved. Each loop rests for itself, so that followers that wait for a store hold up none that doesn't.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#src/clock.ts';
import type { Pump } from './follower-pump.ts';

export interface FollowerLoop {
  /** Resolves after `stop`, once the batch that is being applied has ended. */
  run(): Promise<void>;
  /** There may be something to do. */
  wake(): void;
  stop(): void;
}

export interface FollowerLoopOptions {
  pumps: readonly Pump[];
  clock: Clock;
  /** After a pump's turn; `moved` as the pump says. */
  onTurn: (pump: Pump, moved: boolean) => void;
  /** Work of this loop that is no follower's; says whether there is more of it. */
  extra?: () => Promise<boolean>;
}

export function createFollowerLoop({ pumps, clock, onTurn, extra }: FollowerLoopOptions): FollowerLoop {
  let isStopping = false;
  let alarm = Promise.withResolvers<void>();

  async function rest(untilMs: number | null): Promise<void> {
    const timer =
      untilMs === null ? undefined : setTimeout(() => alarm.resolve(), Math.max(1, untilMs - clock.monotonicMs()));
    await alarm.promise;
    clearTimeout(timer);
    alarm = Promise.withResolvers<void>();
  }

  return {
    async run() {
      while (!isStopping) {
        let hasMoved = false;
        let retryAtMs: number | null = null;
        for (const pump of pumps) {
          const { moved, retryAtMs: pumpRetryAtMs } = await pump.step();
          hasMoved ||= moved;
          if (pumpRetryAtMs !== null) retryAtMs = Math.min(retryAtMs ?? Number.POSITIVE_INFINITY, pumpRetryAtMs);
          onTurn(pump, moved);
        }
        if (extra && (await extra())) hasMoved = true;
        if (hasMoved) await nextTurn();
        else await rest(retryAtMs);
      }
    },
    wake: () => alarm.resolve(),
    stop() {
      isStopping = true;
      alarm.resolve();
    },
  };
}
