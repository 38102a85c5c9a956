/** Deleting readings of a series by request: InfluxQL's DELETE in v1, the delete API in v2; 3.x and some others have neither. */
import type { InfluxConfig } from '#model/config.ts';
import { StoreError } from '#src/sqlite.ts';
import { storeError } from './answers.ts';
import type { InfluxClient } from './client.ts';
import { type Place, TIME_MIN_MS, whereSeries, within } from './rows.ts';

/** Status codes by which a server says that it knows no such request. */
const UNKNOWN_REQUEST = [404, 405, 501];

/**
 * @param beforeMs exclusive; null: all of the series.
 * @throws StoreError `store.no-deletion`, not retryable, when the server deletes nothing by request.
 */
export async function deleteReadings(
  client: InfluxClient,
  { api, org, bucket }: Pick<InfluxConfig, 'api' | 'org' | 'bucket'>,
  place: Place,
  beforeMs: number | null,
): Promise<void> {
  const { measurement, station, parameter } = place;
  if (api === 'v1') {
    await client.query([`DELETE FROM "${measurement}" WHERE ${whereSeries(place)}${within(null, beforeMs)}`]);
    return;
  }
  const text = (value: string) => `"${value.replaceAll('"', '\\"')}"`;
  try {
    await client.api(
      'POST',
      `/api/v2/delete?org=${encodeURIComponent(org ?? '')}&bucket=${encodeURIComponent(bucket)}`,
      {
        start: new Date(TIME_MIN_MS).toISOString(),
        stop: beforeMs === null ? '2200-01-01T00:00:00.000Z' : new Date(beforeMs - 1).toISOString(),
        predicate: `_measurement=${text(measurement)} AND station=${text(station)} AND parameter=${text(parameter)}`,
      },
    );
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode !== undefined && UNKNOWN_REQUEST.includes(statusCode)) throw noDeletion(client.address, error);
    throw storeError(error, `delete at ${client.address}`);
  }
}

export function noDeletion(address: string, cause?: unknown): StoreError {
  return new StoreError(
    'store.no-deletion',
    `${address} deletes nothing by request: give the bucket a retention instead of WK_RAW_RETENTION`,
    false,
    { cause },
  );
}
