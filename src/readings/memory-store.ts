/** The reading store as a plain model in memory: what the other adapters are compared with. For tests. */
import { floorHour } from '#model/calendar.ts';
import type { Reading } from '#model/reading.ts';
import { firstAtOrAfter } from './ascending.ts';
import type { ReadingStore, ReadingToStore, RejectedReading, TracedReading } from './store.ts';

export class MemoryReadings implements ReadingStore {
  readonly #series = new Map<number, Map<number, TracedReading>>();
  /** Ascending times of a series; made when asked for, forgotten when a time is added. */
  readonly #times = new Map<number, number[]>();

  async write(readings: readonly ReadingToStore[]): Promise<RejectedReading[]> {
    for (const { series, timeMs, value, flag, deviceFlag, censored, seq } of readings) {
      const byTime = this.#series.getOrInsertComputed(series, () => new Map());
      const known = byTime.get(timeMs);
      if (!known) this.#times.delete(series);
      const stored = value === null ? null : value + 0;
      byTime.set(timeMs, { timeMs, value: stored, flag, deviceFlag, censored, seq: seq ?? known?.seq ?? null });
    }
    return [];
  }

  async read(series: number, fromMs: number, toMs: number, limit: number): Promise<Reading[]> {
    return this.#pick(series, (times) => slice(times, fromMs, toMs, limit)).map(untraced);
  }

  async traced(series: number, fromMs: number, toMs: number, limit: number): Promise<TracedReading[]> {
    return this.#pick(series, (times) => slice(times, fromMs, toMs, limit));
  }

  async before(series: number, timeMs: number, count: number): Promise<Reading[]> {
    return this.#pick(series, (times) => {
      const end = firstAtOrAfter(times, timeMs);
      return times.slice(Math.max(0, end - count), end);
    }).map(untraced);
  }

  async after(series: number, timeMs: number, count: number): Promise<Reading[]> {
    return this.#pick(series, (times) => slice(times, timeMs, Number.POSITIVE_INFINITY, count)).map(untraced);
  }

  async at(keys: readonly { series: number; timeMs: number }[]): Promise<(TracedReading | undefined)[]> {
    return keys.map(({ series, timeMs }) => {
      const known = this.#series.get(series)?.get(timeMs);
      return known && { ...known };
    });
  }

  async deviceFlags(series: number): Promise<string[]> {
    const all = [...(this.#series.get(series)?.values() ?? [])].flatMap(({ deviceFlag }) => deviceFlag ?? []);
    return [...new Set(all)];
  }

  async hours(series: number): Promise<number[]> {
    const times = [...(this.#series.get(series)?.keys() ?? [])].sort((a, b) => a - b);
    return [...new Set(times.map(floorHour))];
  }

  async prune(series: number, beforeMs: number): Promise<void> {
    const byTime = this.#series.get(series);
    for (const timeMs of byTime?.keys() ?? []) if (timeMs < beforeMs) byTime!.delete(timeMs);
    this.#times.delete(series);
  }

  async close(): Promise<void> {
    // Nothing to give back; the contents stay readable, as a file's would.
  }

  #pick(series: number, choose: (times: number[]) => number[]): TracedReading[] {
    const byTime = this.#series.get(series);
    if (!byTime) return [];
    const times = this.#times.getOrInsertComputed(series, () => [...byTime.keys()].sort((a, b) => a - b));
    return choose(times).map((timeMs) => ({ ...byTime.get(timeMs)! }));
  }
}

function untraced({ seq: _, ...reading }: TracedReading): Reading {
  return reading;
}

function slice(times: number[], fromMs: number, toMs: number, limit: number): number[] {
  const start = firstAtOrAfter(times, fromMs);
  return times.slice(start, Math.min(firstAtOrAfter(times, toMs), start + limit));
}
