/** Asks InfluxDB whether it can be trusted with readings: reached, let in, the bucket there, and nothing in it deleted by age. */
import { HttpError } from '@influxdata/influxdb-client';
import type { InfluxConfig } from '#model/config.ts';
import { storeError, storeTrouble } from './influx-answers.ts';
import type { InfluxClient } from './influx-client.ts';
import { identifier } from './influx-lines.ts';
import type { StoreTrouble } from './reading-store.ts';

interface Buckets {
  buckets?: { name: string; retentionRules?: { everySeconds?: number }[] }[];
}

/** What is in the way, or null. Never rejects. */
export async function checkInfluxdb(client: InfluxClient, influx: InfluxConfig): Promise<StoreTrouble | null> {
  try {
    const retention =
      influx.api === 'v2' ? await bucketRetention(client, influx) : await policyRetention(client, influx);
    if (retention === null || influx.retentionOk) return null;
    const detail = `bucket ${influx.bucket} at ${client.address} deletes what is older than ${retention}`;
    return { condition: 'store.retention', detail };
  } catch (error) {
    return (
      storeTrouble(storeError(error, `check of ${client.address}`)) ?? {
        condition: 'store.unreachable',
        detail: error instanceof Error ? error.message : String(error),
      }
    );
  }
}

/** The default retention policy's duration; null: for ever. */
async function policyRetention(client: InfluxClient, { bucket }: InfluxConfig): Promise<string | null> {
  const [policies] = await client.query([`SHOW RETENTION POLICIES ON ${identifier(bucket)}`]);
  const { columns, values } = policies!;
  const cell = (row: (typeof values)[number], name: string) => row[columns.indexOf(name)];
  // JSON says true where InfluxDB's type is a boolean.
  const row = values.find((one) => (cell(one, 'default') as unknown) === true) ?? values[0];
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
    const isRouteMissing = error instanceof HttpError && error.statusCode === 404 && !/bucket/.test(error.body ?? '');
    const mayNotList = error instanceof HttpError && error.statusCode === 403;
    if (isRouteMissing || mayNotList) return policyRetention(client, influx);
    throw error;
  }
  const bucket = answer.buckets?.find(({ name }) => name === influx.bucket);
  if (!bucket) throw storeError(notFound(influx.bucket), `check of ${client.address}`);
  const seconds = bucket.retentionRules?.[0]?.everySeconds ?? 0;
  return seconds === 0 ? null : `${seconds} s`;
}

function notFound(bucket: string): HttpError {
  return new HttpError(404, 'Not Found', JSON.stringify({ message: `bucket "${bucket}" not found` }));
}
