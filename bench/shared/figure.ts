/** What a benchmark measures, and how: every bench exports `run(): Promise<Figure[]>`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#src/clock.ts';

/** One measured number; `bench/run.ts` prints it as a line. */
export interface Figure {
  figure: string;
  value: number;
  unit: string;
  /** What it should be, such as `>= 60000`. */
  aim?: string;
  /** `value` as a share of the aim: from 1 on is good where the aim is `>=`, up to 1 where it is `<=`. */
  ofAim?: number;
  /** The same without our books: SQL, or InfluxQL, over the raw readings, in the same run and unit. */
  rawSql?: number;
  rawInfluxQl?: number;
  /** That over `value`. */
  timesFaster?: number;
}

export function figure(name: string, value: number, unit: string): Figure {
  return { figure: name, value: rounded(value), unit };
}

/** Of a figure that should be at least `aim`. */
export function atLeast(aim: number, name: string, value: number, unit: string): Figure {
  return { ...figure(name, value, unit), aim: `>= ${aim}`, ofAim: rounded(value / aim) };
}

/** Of a figure that should be at most `aim`. */
export function atMost(aim: number, name: string, value: number, unit: string): Figure {
  return { ...figure(name, value, unit), aim: `<= ${aim}`, ofAim: rounded(value / aim) };
}

/** Three digits: more would be noise. */
export function rounded(value: number): number {
  const digits = value.toPrecision(3);
  return Math.abs(value) >= 1000 ? Math.round(Number(digits)) : Number(digits);
}

/** The value below which `share` of the values lie (nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Median milliseconds of `rounds` calls, each awaited before the next. */
export async function medianMs(rounds: number, work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const beganMs = systemClock.monotonicMs();
    await work();
    times.push(systemClock.monotonicMs() - beganMs);
  }
  return median(times);
}

/** Adds up the time of what is measured, so that making the input doesn't count. */
export function stopwatch() {
  let elapsedMs = 0;
  return {
    async time(work: () => unknown): Promise<void> {
      const beganMs = systemClock.monotonicMs();
      await work();
      elapsedMs += systemClock.monotonicMs() - beganMs;
    },
    elapsedMs: () => elapsedMs,
    perSecond: (count: number) => count / (elapsedMs / 1000),
  };
}

/** Gives `work` a directory of its own and removes it afterwards, come what may. */
export async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'wk-bench-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
