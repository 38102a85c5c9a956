/**
 * What dirty hours ask for: which hours are to be computed, in which order, and which of them one read of the store
 * serves. Pure, save for the question what an hour was last computed from.
 */
import { floorHour, HOUR_MS } from '#model/calendar.ts';
import { reachBackMs, reachForwardMs } from '#quality/final.ts';
import type { Thresholds } from '#quality/thresholds.ts';
import type { DirtyHour } from './dirty-hours.ts';
import type { HourRecords } from './hour-records.ts';

/** Hours of a series, ascending and near each other; `isMarked` = these are the dirty hours, else their neighbours. */
export interface HourRun {
  series: number;
  hoursMs: number[];
  isMarked: boolean;
}

/**
 * A mark may only go once its neighbours are right, so they come first: a crash in between then loses nothing.
 * @param hoursMax how many hours of a series to read in one go.
 */
export function* hourRuns(
  marks: readonly DirtyHour[],
  records: Pick<HourRecords, 'throughSeqs'>,
  thresholdsOf: (series: number) => Thresholds,
  hoursMax: (series: number) => number,
): Generator<HourRun> {
  for (const [series, ofSeries] of Map.groupBy(marks, (mark) => mark.series)) {
    const thresholds = thresholdsOf(series);
    const apartMs = reachBackMs(thresholds) + reachForwardMs(thresholds) + HOUR_MS;
    for (const group of splitRuns(ofSeries, (mark) => mark.hourMs, apartMs)) {
      const neighbours = outdatedNeighbours(group, records, thresholds);
      const marked = group.map((mark) => mark.hourMs);
      for (const [hours, isMarked] of [[neighbours, false] as const, [marked, true] as const]) {
        for (const near of splitRuns(hours, (ms) => ms, apartMs)) {
          for (let i = 0; i < near.length; ) {
            const hoursMs = near.slice(i, i + hoursMax(series));
            i += hoursMs.length;
            yield { series, hoursMs, isMarked };
          }
        }
      }
    }
  }
}

/**
 * Hours in reach of what these marks stand for that were computed before it was stored. Their flags may differ now,
 * their values don't, so the influence ends there.
 */
function outdatedNeighbours(
  marks: readonly DirtyHour[],
  records: Pick<HourRecords, 'throughSeqs'>,
  thresholds: Thresholds,
): number[] {
  const backMs = reachBackMs(thresholds);
  const forwardMs = reachForwardMs(thresholds);
  const first = marks[0]!;
  const endMs = (hourMs: number) => hourMs + HOUR_MS + backMs;
  const computed = records.throughSeqs(first.series, floorHour(first.hourMs - forwardMs), endMs(marks.at(-1)!.hourMs));
  const marked = new Set(marks.map((mark) => mark.hourMs));
  const outdated = new Set<number>();
  for (const { hourMs, lastSeq } of marks) {
    for (let atMs = floorHour(hourMs - forwardMs); atMs < endMs(hourMs); atMs += HOUR_MS) {
      if (!marked.has(atMs) && (computed.get(atMs) ?? lastSeq) < lastSeq) outdated.add(atMs);
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
