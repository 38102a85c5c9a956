/**
 * Queries over connections that follow the files: those that stand still are given up and others opened in their place, so
 * that a read that outlived its question can't freeze the answers of those after it.
 */
import type { Queries } from '#api/queries.ts';
import { createSnapshotWatch } from '#src/sqlite.ts';
import type { OpenQueries } from './create-queries.ts';
import { STALE_AFTER_MS, type StaleFile } from './stale-reads.ts';

export interface FreshQueries {
  ask(method: keyof Queries, query: unknown): Promise<unknown>;
  /** To be called now and then, between questions; says what stood still and has been replaced. */
  look(nowMs: number): StaleFile[];
}

interface Generation {
  opened: OpenQueries;
  /** Questions that are being answered from it. */
  asking: number;
  isOver: boolean;
}

/** @param open opens connections; called when first asked, since on a fresh start another thread makes the files. */
export function createFreshQueries(open: () => OpenQueries): FreshQueries {
  const watch = createSnapshotWatch(STALE_AFTER_MS);
  let current: Generation | null = null;

  function closeIfDone(generation: Generation): void {
    if (generation.isOver && generation.asking === 0) void generation.opened.close();
  }

  return {
    async ask(method, query) {
      current ??= { opened: open(), asking: 0, isOver: false };
      const generation = current;
      generation.asking++;
      try {
        const answer = generation.opened.queries[method] as (query: unknown) => Promise<unknown>;
        return await answer(query);
      } finally {
        generation.asking--;
        closeIfDone(generation);
      }
    },
    look(nowMs) {
      const stale = watch(nowMs);
      if (stale.length > 0 && current) {
        current.isOver = true;
        closeIfDone(current);
        current = null;
      }
      return stale;
    },
  };
}
