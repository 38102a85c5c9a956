/**
 * InfluxDB under the contract of every reading store: on Debian's 1.6 (v1), and on any server that `WK_TEST_INFLUX_URL` (with
 * `…_TOKEN`, `…_ORG`, `…_BUCKET`, `…_API`) names, so that 2.x and 3.x can be proved by whoever has one.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { InfluxConfig } from '#model/config.ts';
import type { InfluxTimeouts } from '#readings/influx/client.ts';
import { openInfluxReadings } from '#readings/influx/store.ts';
import { systemClock } from '#src/clock.ts';
import { hasInfluxdb, type Influxdb, ownInfluxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { readingStoreContract } from './reading-store.ts';

/** A write into fifty new weeks has a cluster of openGemini make fifty shards, on three nodes of one machine. */
const SLOW = { writeMs: 60_000 };

/** Series of their own for each store, so that one bucket serves them all. */
function storeOf(influx: InfluxConfig, timeouts: Partial<InfluxTimeouts> = {}) {
  const prefix = randomBytes(6).toString('hex');
  const store = openInfluxReadings({
    clock: systemClock,
    influx,
    name: (series) => ({ station: `${prefix}-${series}`, parameter: 'ph' }),
    timeouts,
  });
  return { store, close: () => store.close() };
}

describe.skipIf(!hasInfluxdb)(`InfluxDB 1.6${hasInfluxdb ? '' : ' (influxd is not installed)'}`, () => {
  let directory: string;
  let server: Influxdb;
  const influx = (): InfluxConfig => ({
    url: server.url,
    token: null,
    org: null,
    bucket: 'contract',
    api: 'v1',
    retentionOk: false,
  });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wk-influx-'));
    server = await startInfluxdb(directory);
    await server.createDatabase('contract');
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  readingStoreContract('influx v1', async () => storeOf(influx()));
});

if (ownInfluxdb) {
  const influx = ownInfluxdb;
  // What it can't do is declared, and then tested as declared.
  const tried = openInfluxReadings({ clock: systemClock, influx, name: () => undefined });
  const trouble = await tried.check!();
  if (trouble) throw new Error(trouble.detail);
  const { deletes, isSeenLate } = tried.capabilities!()!;
  await tried.close();
  readingStoreContract(`influx at WK_TEST_INFLUX_URL (${influx.api})`, async () => storeOf(influx, SLOW), {
    deletes,
    isSeenLate,
  });
} else {
  it.skip('an InfluxDB of your own (WK_TEST_INFLUX_URL is not set)', () => {});
}
