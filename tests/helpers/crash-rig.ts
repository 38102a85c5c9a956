/** A process that dies between any two statements on derived.db, with its alerts follower and dispatcher. */
import type { Database } from '#store/sqlite.ts';
import { type AlertsRig, HOUR, MINUTE } from './alerts-rig.ts';
import type { DispatchRig } from './dispatch-rig.ts';

export class Crash extends Error {}

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
  const database = new Proxy(real, {
    get(target, name) {
      if (name === 'exec') return (sql: string) => act(() => target.exec(sql));
      if (name === 'isTransaction') return left > 0 && target.isTransaction;
      if (name === 'prepare') {
        return (sql: string) => {
          const statement = target.prepare(sql);
          return new Proxy(statement, {
            get: (inner, method) => {
              const member = Reflect.get(inner, method) as unknown;
              return typeof member === 'function'
                ? (...given: unknown[]) => act(() => member.apply(inner, given) as unknown)
                : member;
            },
          });
        };
      }
      const member = Reflect.get(target, name) as unknown;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
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
