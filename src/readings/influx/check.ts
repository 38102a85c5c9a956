/**
 * Asks a server that speaks InfluxDB's protocol whether it can be trusted with readings: who it is, reached, let in, the bucket
 * there, nothing in it deleted by age, and, before the first write, what it can do (canary.ts).
 */
import { HttpError } from '@influxdata/influxdb-client';
import type { Installation } from '#journal/installation.ts';
import type { InfluxConfig } from '#model/config.ts';
import type { StoreCapabilities, StoreMark, StoreTrouble } from '#readings/store.ts';
import { StoreError } from '#src/sqlite.ts';
import { storeError, storeTrouble } from './answers.ts';
import { measureInfluxdb, sendCanary } from './canary.ts';
import { type InfluxClient, queried } from './client.ts';
import { clusterFault } from './cluster.ts';
import { identifier } from './lines.ts';
import { assertOwn, readMark } from './mark.ts';

const OPEN_GEMINI = 'openGemini';
/** The slowest server that is fit shows a new series after 2 s. */
const CANARY_SEEN_MS = 10_000;
/** Status codes by which servers say that they know no such path: 3.x 404, VictoriaMetrics 400. */
const UNKNOWN_ROUTE = [400, 404, 405, 501];

interface Buckets {
  buckets?: { name: string; retentionRules?: { everySeconds?: number }[] }[];
}

interface CheckOptions {
  /** What was measured before; null: nothing, or it may be another server by now. */
  known: StoreCapabilities | null;
  /** Whether to measure what isn't known: not for who only reads. */
  isTried: boolean;
  /** Readings are to be deleted by request (WK_RAW_RETENTION). */
  mustDelete: boolean;
  /** Whose bucket it has to be; null: nobody's yet, undefined: who only reads doesn't ask. */
  owner: Installation | null | undefined;
  nowMs: number;
  seenMs: number;
}

/** What is in the way, or null; and what the server can do, null while something is in the way or nothing was tried. */
export interface Checked {
  trouble: StoreTrouble | null;
  capabilities: StoreCapabilities | null;
  /** Undefined: not asked for, or the bucket deletes by age, and its mark with the rest. */
  marked?: { found: StoreMark | null } | undefined;
}

/** Never rejects. */
export async function checkInfluxdb(
  client: InfluxClient,
  influx: InfluxConfig,
  options: CheckOptions,
): Promise<Checked> {
  try {
    return { trouble: null, ...(await examine(client, influx, options)) };
  } catch (error) {
    const trouble = storeTrouble(storeError(error, `check of ${client.address}`));
    const detail = error instanceof Error ? error.message : String(error);
    return { trouble: trouble ?? { condition: 'store.unreachable', detail }, capabilities: null };
  }
}

async function examine(
  client: InfluxClient,
  influx: InfluxConfig,
  { known, isTried, mustDelete, owner, nowMs, seenMs }: CheckOptions,
): Promise<Omit<Checked, 'trouble'>> {
  const product = known?.product ?? nameIn(await client.ping());
  const unfit = (why: string) => new StoreError('store.unfit', `${product} at ${client.address} ${why}`, true);
  const dialect = wrongDialect(product, influx.api);
  if (dialect !== null) throw unfit(dialect);
  const retention = influx.api === 'v2' ? await bucketRetention(client, influx) : await policyRetention(client, influx);
  if (retention !== null && !influx.retentionOk) {
    const detail = `bucket ${influx.bucket} at ${client.address} deletes what is older than ${retention}`;
    throw new StoreError('store.retention', detail, true);
  }
  const marked = owner === undefined || retention !== null ? undefined : { found: await readMark(client) };
  if (marked) assertOwn(marked.found, owner ?? null, influx, client.address);
  if (known !== null || !isTried) return { capabilities: known, marked };
  const fault = product === OPEN_GEMINI ? await clusterFault(client) : null;
  if (fault !== null) throw unfit(fault);
  const hasRetention = retention !== null;
  const limitMs = Math.min(seenMs, CANARY_SEEN_MS);
  const measured = await measureInfluxdb({ client, influx, product, hasRetention, nowMs, seenMs: limitMs });
  if (mustDelete && !measured.deletes) {
    throw unfit('deletes nothing by request: give the bucket a retention instead of WK_RAW_RETENTION');
  }
  return { capabilities: measured, marked };
}

/** By the headers of its answer to `/ping`. */
function nameIn(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  const version = headers['x-influxdb-version'];
  if (version !== undefined) return `InfluxDB ${version}`;
  const isGemini = Object.keys(headers).some((name) => name.startsWith('x-geminidb-'));
  return isGemini ? OPEN_GEMINI : 'the server (it does not say which)';
}

/** What is wrong with WK_INFLUX_API for this server, if that can be told; null: nothing. */
function wrongDialect(product: string, api: InfluxConfig['api']): string | null {
  // 2.x answers much of v1: a retention of 0s whatever the bucket has, and {} to a DELETE that does nothing.
  if (api === 'v1' && /^InfluxDB v?2\./.test(product))
    return 'wants WK_INFLUX_API=v2, with WK_INFLUX_TOKEN and WK_INFLUX_ORG';
  if (api === 'v2' && /^InfluxDB v?(0\.|1\.[0-7]\b)/.test(product)) return 'wants WK_INFLUX_API=v1';
  return null;
}

/** The retention policy's duration (the default one's, unless the bucket's name says which); null: for ever. */
async function policyRetention(client: InfluxClient, { bucket, api }: InfluxConfig): Promise<string | null> {
  const { db, rp } = queried(bucket, api);
  const [policies] = await client.query([`SHOW RETENTION POLICIES ON ${identifier(db)}`]);
  const { columns, values } = policies!;
  const cell = (row: (typeof values)[number], name: string) => row[columns.indexOf(name)];
  // JSON says true where InfluxDB's type is a boolean.
  const isMeant = (row: (typeof values)[number]) =>
    rp === undefined ? (cell(row, 'default') as unknown) === true : cell(row, 'name') === rp;
  const row = values.find(isMeant) ?? values[0];
  const duration = row ? String(cell(row, 'duration') ?? '0s') : '0s';
  return /^0/.test(duration) ? null : duration;
}

/** As the v2 API tells it; servers that lack that route (3.x) or the right to use it are asked by InfluxQL. */
async function bucketRetention(client: InfluxClient, influx: InfluxConfig): Promise<string | null> {
  const org = encodeURIComponent(influx.org ?? '');
  let answer: Buckets;
  try {
    answer = (await client.api(
      'GET',
      `/api/v2/buckets?org=${org}&name=${encodeURIComponent(influx.bucket)}`,
    )) as Buckets;
  } catch (error) {
    if (isRouteMissing(error) || (error instanceof HttpError && error.statusCode === 403)) {
      return policyRetention(client, influx);
    }
    throw error;
  }
  const bucket = answer.buckets?.find(({ name }) => name === influx.bucket);
  if (!bucket) {
    await assertRights(client);
    return policyRetention(client, influx);
  }
  const seconds = bucket.retentionRules?.[0]?.everySeconds ?? 0;
  return seconds === 0 ? null : `${seconds} s`;
}

/** By the status codes in use for it, and no word about what was asked for. */
function isRouteMissing(error: unknown): boolean {
  if (!(error instanceof HttpError) || !UNKNOWN_ROUTE.includes(error.statusCode)) return false;
  return !/bucket(?!s)|organi[sz]ation/.test(error.body ?? '');
}

/**
 * Of a token without rights 2.x's list of buckets is empty, as it is of a bucket that isn't there: a write tells which.
 * @throws StoreError `store.bucket-missing`, `store.token-inactive` (neither read nor write) or `store.write-only`.
 */
async function assertRights(client: InfluxClient): Promise<void> {
  const asked = `check of ${client.address}`;
  await sendCanary(client).catch((error: unknown) => {
    const refused = storeError(error, asked);
    throw refused.code === 'store.unauthorized' ? refusal('store.token-inactive', refused) : refused;
  });
  await client.query(['SHOW MEASUREMENTS LIMIT 1']).catch((error: unknown) => {
    const refused = storeError(error, asked);
    throw refused.code === 'store.unauthorized' ? refusal('store.write-only', refused) : refused;
  });
}

function refusal(condition: 'store.token-inactive' | 'store.write-only', { message, cause }: StoreError): StoreError {
  return new StoreError(condition, message, true, { cause });
}
