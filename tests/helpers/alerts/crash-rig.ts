/** A process that dies between any two statements on derived.db, with its alerts follower and dispatcher. */
import type { Database } from '#src/sqlite.ts';
import { Crash, guarded } from '#tests/helpers/mortal-database.ts';
import type { DispatchRig } from './dispatch-rig.ts';
import { type AlertsRig, HOUR, MINUTE } from './rig.ts';

export { Crash };

/**
 * A database whose process dies at the n-th statement: from there on everything throws, as for a process that is gone,
 * until `revive`, which loses what wasn't committed, as the file does.
 */
export function mortal(real: Database) {
  let left = Infinity;
  const act = <T>(work: () => T): T => {
    if (left-- <= 0) throw new Crash('the process died');
    return work();
  };
  const database = guarded(real, act, () => left > 0);
  return {
    database,
    dieAfter(statements: number) {
      left = statements;
    },
    isDead: () => left <= 0,
    revive() {
      left = Infinity;
      if (real.isTransaction) real.exec('ROLLBACK');
    },
  };
}

/** One life of the process: applies what it hasn't, sends what waits, and lets an hour pass. */
export async function live(rig: AlertsRig, dispatch: DispatchRig, batch: number): Promise<void> {
  const dispatcher = dispatch.start();
  try {
    const follower = rig.follower();
    while (follower.cursor() < rig.entries.length) {
      await follower.apply(rig.entries.slice(follower.cursor(), follower.cursor() + batch));
      dispatcher.wake();
      await dispatch.timers.advance(MINUTE);
    }
    await dispatch.timers.advance(HOUR);
  } finally {
    await dispatcher.close().catch(() => {});
  }
}
