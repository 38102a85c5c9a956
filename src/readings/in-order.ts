/**
 * Readings of many series as one stream in the order of their event times, whatever each series' pace. At most so many
 * readings are in memory at a time: the more series, the shorter the pages that each is read by.
 */
import type { Reading, SeriesReading } from '#model/reading.ts';
import type { ReadingStore } from './store.ts';

/** Readings in memory at a time, over all series: about 40 MB. */
const IN_MEMORY = 200_000;
const PAGE_MIN = 50;
const PAGE_MAX = 5000;
/** Reads under way at a time: a store behind a network answers them side by side. */
const READS = 16;

interface Tap {
  series: number;
  /** What was read and not yet passed on, ascending. */
  page: Reading[];
  nextMs: number;
  /** Whether the store has nothing more. */
  isDry: boolean;
}

/**
 * Readings of [fromMs, toMs), in blocks, ascending by time; those of one time in the order of `series`.
 * @param size how many readings of a series are asked for at a time.
 */
export async function* readingsInOrder(
  store: Pick<ReadingStore, 'read'>,
  series: readonly number[],
  fromMs: number,
  toMs: number,
  size = pageSize(series.length),
): AsyncGenerator<SeriesReading[]> {
  const taps = series.map((id): Tap => ({ series: id, page: [], nextMs: fromMs, isDry: false }));
  for (;;) {
    const empty = taps.filter(({ page, isDry }) => page.length === 0 && !isDry);
    for (let at = 0; at < empty.length; at += READS) {
      await Promise.all(empty.slice(at, at + READS).map((tap) => fill(store, tap, toMs, size)));
    }
    // Up to here every series is complete.
    const horizonMs = taps.reduce(
      (least, { page, isDry }) => (isDry ? least : Math.min(least, page.at(-1)!.timeMs)),
      Number.POSITIVE_INFINITY,
    );
    const block = taps.flatMap((tap) => takenThrough(tap, horizonMs));
    // Ascending runs one after another are what the sort is quickest at; it is stable.
    block.sort((a, b) => a.timeMs - b.timeMs);
    if (block.length > 0) yield block;
    if (horizonMs === Number.POSITIVE_INFINITY) return;
  }
}

function pageSize(series: number): number {
  return Math.min(PAGE_MAX, Math.max(PAGE_MIN, Math.floor(IN_MEMORY / Math.max(1, series))));
}

async function fill(store: Pick<ReadingStore, 'read'>, tap: Tap, toMs: number, size: number): Promise<void> {
  tap.page = await store.read(tap.series, tap.nextMs, toMs, size);
  tap.isDry = tap.page.length < size;
  if (!tap.isDry) tap.nextMs = tap.page.at(-1)!.timeMs + 1;
}

function takenThrough(tap: Tap, horizonMs: number): SeriesReading[] {
  const { page, series } = tap;
  const end = page.findIndex(({ timeMs }) => timeMs > horizonMs);
  tap.page = end === -1 ? [] : page.slice(end);
  const taken = end === -1 ? page : page.slice(0, end);
  return taken.map((reading) => ({ series, ...reading }));
}
