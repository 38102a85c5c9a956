/** A watch over the platform with a clock of its own and a journal that can refuse. */

import type { PlatformCondition } from '#model/alarms/platform.ts';
import type { PlatformChange } from '#model/entry.ts';
import { createPlatformWatch, type PlatformWatch } from '#platform/watch.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';

export const T0 = Date.UTC(2026, 10, 22);
export const SECOND = 1000;

/** A watch over a journal that the test can refuse, and holds as long as the test says. */
export function createRig() {
  const clock = handClock(T0);
  const journal: PlatformChange[] = [];
  const logged: string[] = [];
  const rig = {
    clock,
    journal,
    logged,
    isRefusing: false,
    /** Set: an append waits for it. */
    gate: null as Promise<void> | null,
    tries: 0,
    watch: null as unknown as PlatformWatch,
    /** Passes `seconds`, with a tick each. */
    async pass(seconds: number) {
      for (let n = 0; n < seconds; n++) {
        clock.advance(SECOND);
        rig.watch.tick();
        await settled();
      }
    },
    /** `begun clock.behind` of each change that was journaled. */
    told: () => journal.map(({ state, condition }) => `${state} ${condition}`),
  };
  const log = (fields: object) => void logged.push((fields as { event: string }).event);
  rig.watch = createPlatformWatch({
    clock,
    log: { info: log, warn: log },
    async append(change) {
      rig.tries++;
      await rig.gate;
      if (rig.isRefusing) throw new Error('the disk is full');
      journal.push(change);
    },
  });
  return rig;
}

export async function settled(): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve();
}

/** Conditions that an earlier process left, of which it said `seen`. */
export const left = (...names: PlatformCondition[]) => names.map((condition) => ({ condition, detail: 'seen' }));
export const seen = (detail = 'seen', sinceMs = T0) => ({ sinceMs, detail });
