/**
 * `items` of `GET /trends` as JSON, row by row: ten years of days are six hundred kilobytes, and an object for each of them, carried
 * from thread to thread and written then, took three quarters of the answer's time. Runs in the query worker.
 */
import { zonedTexts } from '#api/instants.ts';
import { classOn, type Ladder } from '#assess/classify.ts';
import type { TrendBucket, TrendQuery } from '#books/questions/queries.ts';
import type { WaterClass } from '#model/class.ts';
import { settled } from '#model/decimal.ts';

export interface TrendWriting {
  /** What the series sends in; 0 when that isn't known. */
  intervalMs: number;
  /** The classes' limits for its parameter; empty when there are none. */
  ladder: Ladder;
}

export interface TrendItems extends TrendWriting {
  query: TrendQuery;
}

export function trendItemsText(
  buckets: readonly TrendBucket[],
  timeZone: string,
  { intervalMs, ladder }: TrendWriting,
): string {
  const text = zonedTexts(timeZone);
  let items = '';
  for (const { startMs, endMs, count, valid, mean, min, max, provisional } of buckets) {
    const expected = intervalMs > 0 ? (endMs - startMs) / intervalMs : null;
    const found = mean === null ? null : classOfMean(ladder, mean);
    // One text a row: the more pieces there are, the longer it takes to put them together in the end.
    items += `${items === '' ? '' : ','}{"start":"${text(startMs)}","end":"${text(endMs)}","count":${count},"expected":${numberText(expected)},"valid":${valid},"mean":${numberText(mean)},"min":${numberText(min)},"max":${numberText(max)},"class":${found === null ? 'null' : `"${found}"`}${provisional ? ',"provisional":true' : ''}}`;
  }
  return `[${items}]`;
}

/** More than settling moves a mean, as a share of it: its last of twelve digits is up to 5e-12. */
const UNSETTLED = 1e-11;

/** Class of the settled mean. Settling takes ten times as long as comparing with the limits, and only a mean at one needs it. */
function classOfMean(ladder: Ladder, mean: number): WaterClass | null {
  const found = classOn(ladder, mean * (1 - UNSETTLED));
  return found === classOn(ladder, mean * (1 + UNSETTLED)) ? found : classOn(ladder, settled(mean));
}

/** As JSON has it: what isn't finite is null. */
function numberText(value: number | null): string {
  return value !== null && Number.isFinite(value) ? String(value) : 'null';
}
