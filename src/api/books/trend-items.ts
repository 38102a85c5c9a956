/**
 * `items` of `GET /trends` as JSON, row by row: ten years of days are six hundred kilobytes, and an object for each of them, carried
 * from thread to thread and written then, took three quarters of the answer's time. Runs in the query worker.
 */
import { zonedTexts } from '#api/instants.ts';
import { classOn, type Ladder } from '#assess/classify.ts';
import type { TrendBucket, TrendQuery } from '#books/questions/queries.ts';
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
    const found = mean === null ? null : classOn(ladder, settled(mean));
    items += `${items === '' ? '' : ','}{"start":"${text(startMs)}","end":"${text(endMs)}","count":${count},"expected":${numberText(expected)}`;
    items += `,"valid":${valid},"mean":${numberText(mean)},"min":${numberText(min)},"max":${numberText(max)}`;
    items += `,"class":${found === null ? 'null' : `"${found}"`}${provisional ? ',"provisional":true' : ''}}`;
  }
  return `[${items}]`;
}

/** As JSON has it: what isn't finite is null. */
function numberText(value: number | null): string {
  return value !== null && Number.isFinite(value) ? String(value) : 'null';
}
