/**
 * Nothing that grows with the request holds the main thread up: what an answer is made of is made in turns of the event loop,
 * so that messages of gateways and other requests come in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, systemClock } from '#src/clock.ts';

/** Half of what one turn of the event loop may take; a single item stays far below the other half. */
const TURN_MS = 5;

/** @returns what `each` makes of the rows, in their order; of no more of them once `isDone` says so. */
export async function inTurns<T, V>(
  rows: Iterable<T>,
  each: (row: T, index: number) => V,
  { clock = systemClock, isDone = () => false }: { clock?: Pick<Clock, 'monotonicMs'>; isDone?: () => boolean } = {},
): Promise<V[]> {
  const made: V[] = [];
  let untilMs = clock.monotonicMs() + TURN_MS;
  for (const row of rows) {
    made.push(each(row, made.length));
    if (isDone()) break;
    if (clock.monotonicMs() < untilMs) continue;
    await nextTurn();
    untilMs = clock.monotonicMs() + TURN_MS;
  }
  return made;
}

/** What the work makes, in a turn of the event loop that begins with it. */
export async function inOwnTurn<T>(work: () => T): Promise<T> {
  await nextTurn();
  return work();
}
