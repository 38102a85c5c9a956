/** Loads the demonstration's past through the API, once: a file beside the databases remembers how far it got. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Api, call, patiently } from '../api-client.ts';
import { historySamples } from './history.ts';
import { batches } from './messages.ts';
import type { World } from './sites.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;
/** Days a request: small enough for WK_MAX_MESSAGE and 5,000 values, and cheap to repeat when refused. */
const VALUES_MAX = 3000;

export interface HistoryOptions {
  api: Api;
  world: World;
  dataDirectory: string;
  nowMs: number;
  /** Resolves after so many milliseconds; rejects when the demonstration ends. */
  pause(ms: number): Promise<void>;
}

/**
 * Loads what is missing between a year ago (or where the last run ended) and now, in order of time.
 * @returns values sent, 0 when nothing was missing.
 */
export async function loadHistory({ api, world, dataDirectory, nowMs, pause }: HistoryOptions): Promise<number> {
  const marker = join(dataDirectory, 'demo-history.json');
  const fromMs = Math.max(loadedUntilMs(marker), nowMs - YEAR_MS);
  let sent = 0;
  for (let dayMs = fromMs; dayMs < nowMs; dayMs += 7 * DAY_MS) {
    const untilMs = Math.min(dayMs + 7 * DAY_MS, nowMs);
    for (const samples of batches(historySamples(world, dayMs, untilMs), VALUES_MAX)) {
      await post(api, { samples }, pause);
      for (const sample of samples) sent += Object.keys(sample.values).length;
    }
    writeFileSync(marker, `${JSON.stringify({ until: new Date(untilMs).toISOString() })}\n`);
  }
  return sent;
}

function loadedUntilMs(marker: string): number {
  try {
    return Date.parse((JSON.parse(readFileSync(marker, 'utf8')) as { until: string }).until);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Number.NEGATIVE_INFINITY;
    throw new Error(`${marker} is damaged; delete it to load the history again`, { cause: error });
  }
}

/** Posts once; asked to slow down, waits and tries again. */
async function post(api: Api, body: unknown, pause: (ms: number) => Promise<void>): Promise<void> {
  await patiently(() => call(api, 'POST', '/readings', body), pause);
}
