/**
 * The books as they are, or as somebody saw them who asked at an earlier time. Volumes, balances, plans, closings and
 * reports all read them through this, so that one figure can't come out in two ways.
 */

import type { ApiDeps } from '#api/deps.ts';
import { Problem } from '#api/problems.ts';
import type { DecisionRow, MeterVolumes, VolumeQuery } from '#books/questions/queries.ts';
import { clippedEdges, relabelled } from '#books/questions/volumes.ts';
import type { Control } from '#journal/registers.ts';
import { DAY_MS } from '#model/calendar.ts';
import { type Amount, addAmounts, NO_WATER } from '#volume/balance.ts';
import { questionsTogether } from './questions-together.ts';
import { registersThen } from './registers-then.ts';

/** As of an earlier time volumes are computed from readings: a longer range would take too long. */
export const AS_OF_MAX_MS = 400 * DAY_MS;

export type BookParts = Pick<ApiDeps, 'control' | 'queries' | 'reference' | 'clock'>;

export interface BookView {
  control: Pick<Control, 'get' | 'list' | 'version'>;
  /** Nothing has happened after this. */
  nowMs: number;
  asOfMs: number | null;
  /** Longest range that can be asked for. */
  longestMs: number;
  /**
   * In the order of `meters`. What is asked side by side may be answered together: as of a time that is much cheaper.
   * @throws Problem `range.too-long`.
   */
  meterVolumes(query: VolumeQuery): Promise<MeterVolumes[]>;
  /** Newest first, at most `limit`. */
  decisions(meters: readonly string[], fromMs: number, toMs: number, limit: number): Promise<DecisionRow[]>;
}

/** @param asOfMs null = as they are. */
export async function bookView(parts: BookParts, asOfMs: number | null): Promise<BookView> {
  return asOfMs === null ? booksNow(parts) : booksAsOf(parts, asOfMs);
}

/** As `asOf`, had today's rules of counting been those of then, for flags too. */
export async function recountedView(parts: BookParts, asOfMs: number): Promise<BookView> {
  return booksAsOf(parts, asOfMs, true);
}

export function booksNow({ control, queries, clock }: Pick<BookParts, 'control' | 'queries' | 'clock'>): BookView {
  return {
    control,
    nowMs: clock.nowMs(),
    asOfMs: null,
    longestMs: Number.POSITIVE_INFINITY,
    meterVolumes: (query) => queries.meterVolumes(query),
    decisions: (meters, fromMs, toMs, limit) =>
      queries.decisions({ meters: [...meters], kind: null, fromMs, toMs, limit, before: null }),
  };
}

async function booksAsOf({ queries, reference }: BookParts, asOfMs: number, todaysFlags = false): Promise<BookView> {
  const register = reference.parameters.get('register')!;
  const ask = questionsTogether(async (meter, edgesMs) => {
    const then = { asOfMs, register, ...(todaysFlags ? { todaysFlags } : {}) };
    const answers = await queries.volumesAsOf({ meters: [meter], edgesMs, ...then });
    return answers[0];
  });
  return {
    control: await registersThen(queries, asOfMs),
    nowMs: asOfMs,
    asOfMs,
    longestMs: AS_OF_MAX_MS,
    async meterVolumes({ meters, edgesMs }) {
      if (edgesMs.at(-1)! - edgesMs[0]! > AS_OF_MAX_MS) {
        const detail = 'As of an earlier time volumes are computed from readings: 400 days at most.';
        throw new Problem('range.too-long', detail);
      }
      return Promise.all(
        meters.map(async (part): Promise<MeterVolumes> => {
          const clipped = clippedEdges(part, edgesMs);
          const isAny = clipped[0]! < clipped.at(-1)!;
          const answer = isAny ? await ask(part.id, clipped) : undefined;
          // A meter that wasn't there yet has counted nothing.
          return { meter: part.id, buckets: relabelled(answer?.buckets ?? emptyBuckets(edgesMs), edgesMs) };
        }),
      );
    },
    async decisions(meters, fromMs, toMs, limit) {
      const answers = await Promise.all(meters.map((meter) => ask(meter, [fromMs, toMs])));
      const all = answers.flatMap((answer, index): DecisionRow[] => {
        return (answer?.decisions ?? []).map((decision) => ({ meter: meters[index]!, ...decision }));
      });
      // In the order of the list of decisions.
      const nameOf = ({ meter, kind }: DecisionRow) => `${meter}/${kind}`;
      all.sort((a, b) => b.timeMs - a.timeMs || (nameOf(a) < nameOf(b) ? -1 : 1));
      return all.slice(0, limit);
    },
  };
}

function emptyBuckets(edgesMs: readonly number[]) {
  return edgesMs.slice(1).map((endMs, index) => ({ startMs: edgesMs[index]!, endMs, ...NO_WATER }));
}

/** One amount over all meters and buckets. */
export function totalOf(answers: readonly MeterVolumes[]): Amount {
  return answers.flatMap(({ buckets }) => buckets).reduce<Amount>(addAmounts, NO_WATER);
}
