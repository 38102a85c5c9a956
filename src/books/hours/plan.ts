/**
 * What dirty hours ask for: which hours are to be computed, in which order, and which of them one read of the store
 * serves. Pure, save for the question what an hour was last computed from.
 */
import { floorHour, HOUR_MS } from '#model/calendar.ts';
import { reachBackMs, reachForwardMs } from '#quality/final.ts';
import type { Thresholds } from '#quality/thresholds.ts';
import type { DirtyHour } from '#readings/dirty-hours.ts';
import type { HourRecords } from './records.ts';

/** Hours of a series, ascending and near each other; `isMarked` = these are the dirty hours, else their neighbours. */
export interface HourRun {
  series: number;
  hoursMs: number[];
  isMarked: boolean;
}

interface PlanParts {
  records: Pick<HourRecords, 'throughSeqs'>;
  thresholdsOf: (series: number) => Thresholds;
  /** How many hours of a series to read in one go. */
  hoursMax: (series: number) => number;
  /** Series whose flags look at this one. */
  dependantsOf: (series: number) => readonly number[];
}

/** A mark may only go once its neighbours are right, so they come first: a crash in between then loses nothing. */
export function* hourRuns(marks: readonly DirtyHour[], parts: PlanParts): Generator<HourRun> {
  const { records, thresholdsOf, dependantsOf } = parts;
  for (const [series, ofSeries] of Map.groupBy(marks, (mark) => mark.series)) {
    const reach = ownReach(thresholdsOf(series));
    for (const group of splitRuns(ofSeries, (mark) => mark.hourMs, reach.backMs + reach.forwardMs + HOUR_MS)) {
      const marked = group.map((mark) => mark.hourMs);
      for (const dependant of dependantsOf(series)) {
        const hours = outdatedHours(dependant, group, records, companionReach(thresholdsOf(dependant)));
        yield* runsOf(parts, dependant, hours, false);
      }
      const isMarked = new Set(marked);
      const neighbours = outdatedHours(series, group, records, reach).filter((hourMs) => !isMarked.has(hourMs));
      yield* runsOf(parts, series, neighbours, false);
      yield* runsOf(parts, series, marked, true);
    }
  }
}

export function* runsOf(
  { thresholdsOf, hoursMax }: Pick<PlanParts, 'thresholdsOf' | 'hoursMax'>,
  series: number,
  hours: readonly number[],
  isMarked: boolean,
): Generator<HourRun> {
  const { backMs, forwardMs } = ownReach(thresholdsOf(series));
  for (const near of splitRuns(hours, (ms) => ms, backMs + forwardMs + HOUR_MS)) {
    for (let i = 0; i < near.length; ) {
      const hoursMs = near.slice(i, i + hoursMax(series));
      i += hoursMs.length;
      yield { series, hoursMs, isMarked };
    }
  }
}

/** How far readings after and before another one may depend on it. */
interface Reach {
  backMs: number;
  forwardMs: number;
}

function ownReach(thresholds: Thresholds): Reach {
  return { backMs: reachBackMs(thresholds), forwardMs: reachForwardMs(thresholds) };
}

/** Another series' value counts for what was measured near it (`holeMs`), and for the change after that. */
function companionReach({ holeMs }: Thresholds): Reach {
  return { backMs: 2 * holeMs, forwardMs: holeMs };
}

/**
 * Hours in reach of what these marks stand for that were computed before it was stored. Their flags may differ now,
 * their values don't, so the influence ends there.
 */
function outdatedHours(
  series: number,
  marks: readonly DirtyHour[],
  records: Pick<HourRecords, 'throughSeqs'>,
  { backMs, forwardMs }: Reach,
): number[] {
  const endMs = (hourMs: number) => hourMs + HOUR_MS + backMs;
  const computed = records.throughSeqs(series, floorHour(marks[0]!.hourMs - forwardMs), endMs(marks.at(-1)!.hourMs));
  const outdated = new Set<number>();
  for (const { hourMs, lastSeq } of marks) {
    for (let atMs = floorHour(hourMs - forwardMs); atMs < endMs(hourMs); atMs += HOUR_MS) {
      if ((computed.get(atMs) ?? lastSeq) < lastSeq) outdated.add(atMs);
    }
  }
  return [...outdated].sort((a, b) => a - b);
}

/** Cuts an ascending list where two items are more than `apartMs` apart. */
function* splitRuns<T>(list: readonly T[], msOf: (item: T) => number, apartMs: number): Generator<T[]> {
  let run: T[] = [];
  for (const item of list) {
    if (run.length > 0 && msOf(item) - msOf(run.at(-1)!) > apartMs) {
      yield run;
      run = [];
    }
    run.push(item);
  }
  if (run.length > 0) yield run;
}
