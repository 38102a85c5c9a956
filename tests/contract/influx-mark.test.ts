/** The mark of a bucket, on Debian's InfluxDB and on a stand-in that shows, overwrites and refuses as openGemini does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Installation } from '#journal/installation.ts';
import { openInfluxReadings } from '#readings/influx/store.ts';
import { systemClock } from '#src/clock.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { startStandIn } from '#tests/helpers/influx/stand-in.ts';

const OWN: Installation = { id: '2f0b1c1e-6d0c-4a8e-9d0e-3f3c8a1f0b11', generation: 2 };
const OTHER: Installation = { id: '9a4d5f60-1b7a-4f2e-8f57-70f5a5f7d3c2', generation: 1 };

describe.skipIf(!hasInfluxdb)(`the mark of a bucket${hasInfluxdb ? '' : ' (influxd is not installed)'}`, () => {
  let directory: string;
  let server: Influxdb;
  let fresh = 0;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wk-mark-'));
    server = await startInfluxdb(directory);
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function bucketOf(retention?: string): Promise<string> {
    const bucket = `k${fresh++}`;
    await server.createDatabase(bucket, retention);
    return bucket;
  }

  function open(bucket: string, owner: Installation | null | undefined, url = server.url, retentionOk = false) {
    const influx = { url, token: null, org: null, bucket, api: 'v1', retentionOk } as const;
    const store = openInfluxReadings({ influx, name: () => undefined, clock: systemClock, owner });
    closers.push(() => store.close());
    return store;
  }

  it('is one point, overwritten, that says whose the bucket is and how far it was written', async () => {
    const bucket = await bucketOf();
    const store = open(bucket, OWN);
    expect(store.mark!()).toBeUndefined();
    expect(await store.check!()).toBeNull();
    expect(store.mark!()).toEqual({ found: null });
    for (const seq of [7, 2 ** 40, 12]) {
      await store.keepMark!({ ...OWN, seq });
      expect(store.mark!()).toEqual({ found: { ...OWN, seq } });
    }
    const before = store.mark!();
    expect(await store.check!()).toBeNull();
    expect(store.mark!()).toEqual(before);
    expect(store.mark!()).not.toBe(before);
    const { results } = await server.query('SELECT count("seq") FROM "wk_mark"', bucket);
    expect(results[0]!.series![0]!.values[0]![1]).toBe(1);
    await server.query('DROP MEASUREMENT "wk_mark"', bucket);
    expect(await store.check!()).toBeNull();
    expect(store.mark!()).toEqual({ found: null });
  });

  it('of another installation, or of a later generation, keeps everybody else from writing', async () => {
    const bucket = await bucketOf();
    const store = open(bucket, OWN);
    expect(await store.check!()).toBeNull();
    await store.keepMark!({ ...OWN, seq: 3 });
    for (const [owner, words] of [
      [OTHER, `belongs to another installation (${OWN.id}, this is ${OTHER.id})`],
      [null, `belongs to another installation (${OWN.id}, this is a new one)`],
      [{ ...OWN, generation: 1 }, 'was written by generation 2 of this installation, a later one than this (1)'],
    ] as const) {
      const stranger = open(bucket, owner);
      const reading = { series: 1, timeMs: 0, value: 1, flag: 1, deviceFlag: null } as const;
      expect(await stranger.check!()).toMatchObject({
        condition: 'store.foreign',
        detail: expect.stringContaining(`bucket ${bucket} at ${server.url}/ ${words}`),
      });
      await expect(stranger.write([reading])).rejects.toMatchObject({ code: 'store.foreign', retryable: true });
    }
    for (const owner of [{ ...OWN, generation: 3 }, undefined]) expect(await open(bucket, owner).check!()).toBeNull();
    const { results } = await server.query('SHOW MEASUREMENTS', bucket);
    expect(results[0]!.series![0]!.values).toEqual([['wk_mark']]);
  });

  it('is neither asked for nor kept in a bucket that deletes by age', async () => {
    const store = open(await bucketOf('30d'), OWN, server.url, true);
    expect(await store.check!()).toBeNull();
    expect(store.mark!()).toBeUndefined();
  });

  it('is seen before it counts, where a server shows late what it has confirmed', async () => {
    const bucket = await bucketOf();
    const gemini = await startStandIn(server.url, { lateMs: 1500 });
    closers.push(() => gemini.close());
    const store = open(bucket, OWN, gemini.url);
    expect(await store.check!()).toBeNull();
    expect(store.mark!()).toEqual({ found: null });
    await store.keepMark!({ ...OWN, seq: 5 });
    expect(gemini.held()).toBe(0);
    expect(await store.check!()).toBeNull();
    expect(store.mark!()).toEqual({ found: { ...OWN, seq: 5 } });
    await store.keepMark!({ ...OWN, seq: 6 });
    expect(await open(bucket, OTHER, gemini.url).check!()).toMatchObject({ condition: 'store.foreign' });
  });
});
