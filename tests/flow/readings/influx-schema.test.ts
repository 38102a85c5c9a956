/** What docs/operations.md promises to users' Grafana, on a real InfluxDB: its example query over what the store writes. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openInfluxReadings } from '#readings/influx/store.ts';
import type { ReadingStore } from '#readings/store.ts';
import { systemClock } from '#src/clock.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { fencesOf, readDocument } from '#tests/helpers/repository/documents.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const BUCKET = 'wellkeeper';
const HOUR_MS = 3_600_000;
const BASE_MS = 495_000 * HOUR_MS;
const MINUTE_MS = 60_000;

describe.skipIf(!hasInfluxdb)(`readings in InfluxDB${hasInfluxdb ? '' : ' (influxd is not installed)'}`, () => {
  const directory = makeTempDir();
  let influxdb: Influxdb;
  let store: ReadingStore;

  beforeAll(async () => {
    influxdb = await startInfluxdb(directory.path);
    await influxdb.createDatabase(BUCKET);
    const influx = {
      url: influxdb.url,
      token: null,
      org: null,
      bucket: BUCKET,
      api: 'v1',
      retentionOk: false,
    } as const;
    store = openInfluxReadings({ clock: systemClock, influx, name: () => ({ station: 'taocha', parameter: 'nh3n' }) });
  });
  afterAll(async () => {
    await store?.close();
    await influxdb?.stop();
    directory.remove();
  });

  /** The example, with what Grafana puts in. */
  function example(): string {
    const fence = fencesOf(readDocument('docs/operations.md')).find(({ language }) => language === 'sql')!;
    return fence.text
      .replace('$timeFilter', `time >= ${BASE_MS}ms AND time < ${BASE_MS + 2 * HOUR_MS}ms`)
      .replace('$__interval', '1h');
  }

  it('give the mean of good values by the query that is shown', async () => {
    const at = (minute: number) => ({ series: 1, timeMs: BASE_MS + minute * MINUTE_MS, deviceFlag: null, seq: minute });
    await store.write([
      { ...at(0), value: 1, flag: 1 },
      { ...at(5), value: 3, flag: 2, censored: '>' },
      { ...at(10), value: 700, flag: 3 },
      { ...at(15), value: 800, flag: 4 },
      { ...at(20), value: null, flag: 9 },
      { ...at(25), value: 900, flag: 1 },
      { ...at(60), value: 5, flag: 1 },
    ]);
    // Deleted: its value stays in InfluxDB, beside a flag 9.
    await store.write([{ ...at(25), value: null, flag: 9 }]);
    const [{ series } = {}] = (await influxdb.query(example(), BUCKET)).results;
    expect(series![0]!.values).toEqual([
      [BASE_MS, 2],
      [BASE_MS + HOUR_MS, 5],
    ]);
  });

  it('have the tags and fields that are listed, and no others', async () => {
    const listed = [
      ...readDocument('docs/operations.md').matchAll(/^\| (?:fields)? ?\| `(\w+)` \| (float|string)/gm),
    ].map(([, name, type]) => [name, type]);
    const { results } = await influxdb.query('SHOW FIELD KEYS FROM "reading"; SHOW TAG KEYS FROM "reading"', BUCKET);
    expect(results[0]!.series![0]!.values.toSorted()).toEqual(listed.toSorted());
    expect(results[1]!.series![0]!.values.flat().toSorted()).toEqual(['parameter', 'station']);
  });
});
