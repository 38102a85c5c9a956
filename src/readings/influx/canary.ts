/**
 * What a server that speaks InfluxDB's protocol can do, measured before the first reading is written to it: a canary is
 * written, read until it is seen, overwritten, counted and deleted. Measurement `wk_canary`, one series, always the same
 * points, so that nothing gathers where deleting fails. Nothing is believed because of a name: several servers take these
 * requests and answer 204, and show what they were given later, twice, or never (docs/deployment.md, "Servers").
 */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { HttpError } from '@influxdata/influxdb-client';
import type { InfluxConfig } from '#model/config.ts';
import type { ReadingToStore, StoreCapabilities, TracedReading } from '#readings/store.ts';
import { StoreError } from '#src/sqlite.ts';
import { storeError, untilShard, writeVerdict } from './answers.ts';
import type { InfluxClient } from './client.ts';
import { deleteReadings } from './deletion.ts';
import { linePrefix, toLine } from './lines.ts';
import { pageOf, selectReadings, whereSeries, within } from './rows.ts';

const CANARY = { measurement: 'wk_canary', station: '_wk', parameter: 'canary' } as const;
const HOUR_MS = 3_600_000;
/** Both points of the canary lie in one week, so in one shard: an hour after the epoch, and an hour before it. */
const CANARY_MS = HOUR_MS;
const NEGATIVE_MS = -HOUR_MS;
const AGAIN_MIN_MS = 50;
const AGAIN_MAX_MS = 500;

export interface CanaryOptions {
  client: InfluxClient;
  influx: InfluxConfig;
  /** What the server calls itself (`whoIsIt`). */
  product: string;
  /** The bucket deletes by age: then the canary is of now, and goes by itself. */
  hasRetention: boolean;
  nowMs: number;
  /** How long a write may stay unseen before the server counts as unfit, ms. */
  seenMs: number;
}

/** A first point of the canary, for who asks whether writing is allowed. Rejects as `InfluxClient.write`. */
export async function sendCanary(client: InfluxClient): Promise<void> {
  const reading = { series: 0, timeMs: CANARY_MS, value: 0, flag: 2, deviceFlag: 'canary', seq: 0 } as const;
  await client.write(toLine(linePrefix(CANARY, CANARY.measurement), reading));
}

/**
 * @throws StoreError `store.unfit` with the reason when readings would not be safe there; what else is in the way as its
 * own condition (away, refused), since then nothing was measured.
 */
export async function measureInfluxdb(options: CanaryOptions): Promise<StoreCapabilities> {
  const { client, product, hasRetention, nowMs, seenMs } = options;
  const timeMs = hasRetention ? nowMs : CANARY_MS;
  const unfit = (what: string) => new StoreError('store.unfit', `${product} at ${client.address} ${what}`, true);
  const select = (atMs: number) => selectReadings(CANARY, atMs, atMs + 1, 'LIMIT 2');
  const read = async (atMs: number) => {
    const [rows] = await client.query([select(atMs)]);
    const { columns, values } = rows!;
    // VictoriaMetrics answers whatever is asked with its list of databases.
    if (values.length > 0 && !columns.includes('value')) {
      throw unfit(`answers with ${columns.join(', ') || 'no columns'} where values of readings were asked for`);
    }
    return pageOf(rows!).readings;
  };
  const write = async (reading: Omit<ReadingToStore, 'series'>) => {
    try {
      const line = toLine(linePrefix(CANARY, CANARY.measurement), { series: 0, ...reading });
      await untilShard(() => client.write(line));
    } catch (error) {
      const verdict = writeVerdict(error, `canary at ${client.address}`);
      throw verdict.kind === 'halve' ? unfit(`refuses an ordinary reading: ${verdict.reason}`) : verdict.error;
    }
  };
  const nonce = randomInt(2 ** 40);
  const [first, second] = [nonce + 1 / 3, nonce + 2 / 3];

  const wasThere = (await read(timeMs)).length > 0;
  await write({ timeMs, value: first, flag: 2, deviceFlag: 'canary', seq: nonce });
  const seen = await until(seenMs, async () => (await read(timeMs)).find(({ value }) => value === first));
  if (!seen.found) throw unfit(`does not show within ${seenMs / 1000} s what it has taken`);
  const isWhole = ({ flag, deviceFlag, seq }: TracedReading) => flag === 2 && deviceFlag === 'canary' && seq === nonce;
  if (!isWhole(seen.found)) throw unfit('gives back other fields than it was given');

  await write({ timeMs, value: second, flag: 1, deviceFlag: 'canary' });
  const again = await until(seenMs, async () => (await read(timeMs)).find(({ value }) => value === second));
  if (!again.found) throw unfit(`does not show within ${seenMs / 1000} s what overwrites a point`);
  if (again.found.seq !== nonce) throw unfit('loses the fields of a point that a later line leaves out');

  const counted = await count(client, timeMs);
  if (counted !== 1 && counted !== 2) throw unfit(`counts ${counted ?? 'nothing'} where one point stands`);
  // Of a series that stood there before nobody knows how long a new one would have taken.
  const isSeenLate = wasThere || seen.tries > 1 || again.tries > 1 || counted !== 1;
  const takesNegative = hasRetention || (await takesNegativeTimes(write, read));
  const deletes = await isDeleted(options, async () => (await read(timeMs)).length === 0);
  return { product, isSeenLate, deletes, earliestMs: takesNegative ? null : 0 };
}

/** Asks until there is an answer, at ever longer intervals. `tries` = 1: at once. */
async function until<T>(limitMs: number, ask: () => Promise<T | undefined>): Promise<{ found?: T; tries: number }> {
  for (let tries = 1, waitedMs = 0, waitMs = AGAIN_MIN_MS; ; tries++) {
    const found = await ask();
    if (found !== undefined) return { found, tries };
    if (waitedMs >= limitMs) return { tries };
    await delay(waitMs);
    waitedMs += waitMs;
    waitMs = Math.min(2 * waitMs, AGAIN_MAX_MS);
  }
}

/** As the books ask which hours hold readings. Null: no answer that counts. */
async function count(client: InfluxClient, timeMs: number): Promise<number | null> {
  const hourMs = Math.floor(timeMs / HOUR_MS) * HOUR_MS;
  const [rows] = await client.query([
    `SELECT count("flag") FROM "${CANARY.measurement}" WHERE ${whereSeries(CANARY)}` +
      `${within(hourMs, hourMs + HOUR_MS)} GROUP BY time(1h) fill(none)`,
  ]);
  const found = rows!.values[0]?.[rows!.columns.indexOf('count')];
  return typeof found === 'number' ? found : null;
}

async function takesNegativeTimes(
  write: (reading: Omit<ReadingToStore, 'series'>) => Promise<void>,
  read: (timeMs: number) => Promise<TracedReading[]>,
): Promise<boolean> {
  const value = randomInt(2 ** 40);
  try {
    await write({ timeMs: NEGATIVE_MS, value, flag: 2, deviceFlag: 'canary', seq: value });
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store.unfit') return false;
    throw error;
  }
  const { found } = await until(3000, async () => (await read(NEGATIVE_MS)).find((one) => one.value === value));
  return found !== undefined;
}

/** Whether what is deleted is gone; a server that says no, or that it may not, deletes nothing. */
async function isDeleted({ client, influx, seenMs }: CanaryOptions, isGone: () => Promise<boolean>): Promise<boolean> {
  try {
    await deleteReadings(client, influx, CANARY, null);
  } catch (error) {
    const { code, cause } = storeError(error, `delete at ${client.address}`);
    const isBusy = cause instanceof HttpError && (cause.statusCode >= 500 || cause.statusCode === 429);
    if (code === 'store.unreachable' || (isBusy && code !== 'store.no-deletion')) throw error;
    return false;
  }
  const { found } = await until(Math.min(seenMs, 3000), async () => ((await isGone()) ? true : undefined));
  return found === true;
}
