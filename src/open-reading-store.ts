/** The reading store that the configuration names: InfluxDB when WK_INFLUX_URL is set, else SQLite in the data directory. */
import { join } from 'node:path';
import type { Config } from '#model/config.ts';
import { openInfluxReadings } from '#store/influx-readings.ts';
import type { ReadingStore, SeriesName } from '#store/reading-store.ts';
import { SqliteReadings } from '#store/sqlite-readings.ts';

/**
 * @param name what InfluxDB calls a series; SQLite keeps the number.
 * @throws StoreError when readings.db can't be opened; an InfluxDB that is away is found out when it is asked.
 */
export function openReadingStore(
  { dataDir, influx }: Pick<Config, 'influx' | 'dataDir'>,
  name: SeriesName,
  { readOnly = false }: { readOnly?: boolean } = {},
): ReadingStore {
  if (influx) return openInfluxReadings({ influx, name, readOnly });
  return new SqliteReadings(join(dataDir, 'readings.db'), { readOnly });
}
