/** How a recipient's year goes against its plan. */
import { DAY_MS } from '#model/calendar.ts';

export interface YearSoFar {
  planLitres: number;
  /** Planned litres by month, first month first; null = even over the year. */
  monthLitres: readonly number[] | null;
  /** Starts of the twelve months, and the end of the year. */
  edgesMs: readonly number[];
  /** How far the year has got; within it. */
  atMs: number;
  deliveredLitres: number;
  /** Delivered in [recentFromMs, atMs). */
  recentLitres: number;
  recentFromMs: number;
  /** Too little is known of the delivered or the recent water to say where the year is heading. */
  isUnknown?: boolean;
}

export interface Progress {
  /** Delivered of the plan, from 0; above 1 when it is exceeded. */
  share: number;
  /** What the plan would have had delivered by now. */
  plannedLitres: number;
  /** Litres a day, over the recent stretch; null before any of it has passed. */
  runRateLitresPerDay: number | null;
  /** What the year comes to if the run-rate holds; null also where too little is known to say. */
  projectedLitres: number | null;
  /** When the plan is reached if the run-rate holds, perhaps after the year; null: it is not in sight. */
  completionMs: number | null;
}

/** Beyond so many years a date is no projection any more. */
const SIGHT_MS = 10 * 366 * DAY_MS;

export function progressOf(year: YearSoFar): Progress {
  const { planLitres, deliveredLitres, atMs, recentLitres, recentFromMs, edgesMs, isUnknown = false } = year;
  const recentMs = atMs - recentFromMs;
  const perMs = recentMs > 0 ? recentLitres / recentMs : null;
  const aheadPerMs = isUnknown ? null : perMs;
  const endMs = edgesMs.at(-1)!;
  return {
    share: deliveredLitres / planLitres,
    plannedLitres: plannedBy(year),
    runRateLitresPerDay: perMs === null ? null : Math.round(perMs * DAY_MS),
    projectedLitres: aheadPerMs === null ? null : deliveredLitres + Math.round(aheadPerMs * (endMs - atMs)),
    completionMs: completion(planLitres - deliveredLitres, aheadPerMs, atMs),
  };
}

function completion(missingLitres: number, perMs: number | null, atMs: number): number | null {
  // When a plan that is reached was reached is a matter of record, not of projection.
  if (missingLitres <= 0 || perMs === null || perMs <= 0) return null;
  const leftMs = missingLitres / perMs;
  return leftMs > SIGHT_MS ? null : Math.round(atMs + leftMs);
}

/** What the plan has had delivered by `atMs`. */
export function plannedBy({
  planLitres,
  monthLitres,
  edgesMs,
  atMs,
}: Pick<YearSoFar, 'planLitres' | 'monthLitres' | 'edgesMs' | 'atMs'>): number {
  if (!monthLitres) {
    const startMs = edgesMs[0]!;
    return Math.round((planLitres * (atMs - startMs)) / (edgesMs.at(-1)! - startMs));
  }
  let litres = 0;
  for (const [index, planned] of monthLitres.entries()) {
    const startMs = edgesMs[index]!;
    const endMs = edgesMs[index + 1]!;
    litres += planned * Math.min(1, Math.max(0, (atMs - startMs) / (endMs - startMs)));
  }
  return Math.round(litres);
}
