/** The reading store that the configuration names: InfluxDB when WK_INFLUX_URL is set, else SQLite in the data directory. */
import { join } from 'node:path';
import type { Config } from '#model/config.ts';
import { type InfluxReadingsOptions, openInfluxReadings } from '#readings/influx/store.ts';
import { systemClock } from '#src/clock.ts';
import { SqliteReadings } from './sqlite-store.ts';
import type { ReadingStore, SeriesName } from './store.ts';

/**
 * @param name what InfluxDB calls a series; SQLite keeps the number.
 * @throws StoreError when readings.db can't be opened; an InfluxDB that is away is found out when it is asked.
 */
export function openReadingStore(
  { dataDir, influx, rawRetentionMs }: Pick<Config, 'influx' | 'dataDir' | 'rawRetentionMs'>,
  name: SeriesName,
  { readOnly = false, timeouts, owner }: Pick<InfluxReadingsOptions, 'readOnly' | 'timeouts' | 'owner'> = {},
): ReadingStore {
  if (influx) {
    const mustDelete = rawRetentionMs !== null;
    return openInfluxReadings({ influx, name, readOnly, clock: systemClock, mustDelete, timeouts, owner });
  }
  return new SqliteReadings(join(dataDir, 'readings.db'), { readOnly });
}
