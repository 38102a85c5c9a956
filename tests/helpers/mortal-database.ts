/** A database behind a gate that every statement passes: where a process dies, or where someone counts. */
import type { Database, Statement } from '#src/sqlite.ts';

/** Thrown by whatever a dead process still tries. */
export class Crash extends Error {}

/**
 * `real`, of which nothing is asked but through `act`; what `act` throws is what the caller of the statement sees.
 * @param isAlive while it says no, there is no transaction that anybody could roll back.
 */
export function guarded(real: Database, act: <T>(work: () => T) => T, isAlive: () => boolean): Database {
  return new Proxy(real, {
    get(target, name) {
      if (name === 'exec') return (sql: string) => act(() => target.exec(sql));
      if (name === 'isTransaction') return isAlive() && target.isTransaction;
      if (name === 'prepare') return (sql: string) => guardedStatement(target.prepare(sql), act);
      const member = Reflect.get(target, name) as unknown;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

function guardedStatement(statement: Statement, act: <T>(work: () => T) => T): Statement {
  const methods = new Map<string | symbol, unknown>();
  return new Proxy(statement, {
    get: (inner, name) =>
      methods.getOrInsertComputed(name, () => {
        const member = Reflect.get(inner, name) as unknown;
        return typeof member === 'function'
          ? (...given: unknown[]) => act(() => member.apply(inner, given) as unknown)
          : member;
      }),
  });
}
