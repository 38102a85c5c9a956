/** Servers that speak InfluxDB's protocol and are none: what the canary finds of each, and the contract on what it lets in. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InfluxConfig } from '#model/config.ts';
import { openInfluxReadings } from '#readings/influx/store.ts';
import type { ReadingToStore } from '#readings/store.ts';
import { systemClock } from '#src/clock.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { type Habits, type StandIn, startStandIn, VICTORIA_METRICS } from '#tests/helpers/influx/stand-in.ts';
import { readingStoreContract } from './reading-store.ts';

const T = Date.UTC(2026, 10, 22, 8);
const WEEK_MS = 7 * 86_400_000;

describe.skipIf(!hasInfluxdb)(
  `stand-ins before InfluxDB 1.6${hasInfluxdb ? '' : ' (influxd is not installed)'}`,
  () => {
    let directory: string;
    let server: Influxdb;
    let fresh = 0;
    const closers: (() => unknown)[] = [];

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'wk-engines-'));
      server = await startInfluxdb(directory);
    });
    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close();
    });
    afterAll(async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    });

    const config = (url: string, bucket: string): InfluxConfig => ({
      url,
      token: null,
      org: null,
      bucket,
      api: 'v1',
      retentionOk: false,
    });

    async function standIn(habits: Habits): Promise<{ bucket: string; gemini: StandIn }> {
      const bucket = `e${fresh++}`;
      await server.createDatabase(bucket);
      const gemini = await startStandIn(server.url, habits);
      closers.push(() => gemini.close());
      return { bucket, gemini };
    }

    function open(url: string, bucket: string, more: { mustDelete?: boolean; seenMs?: number } = {}) {
      const { mustDelete = false, seenMs = 5000 } = more;
      const store = openInfluxReadings({
        influx: config(url, bucket),
        name: (series) => ({ station: `s${series}`, parameter: 'ph' }),
        clock: systemClock,
        mustDelete,
        timeouts: { seenMs },
      });
      closers.push(() => store.close());
      return store;
    }

    const reading = (series: number, timeMs: number, value: number): ReadingToStore => ({
      series,
      timeMs,
      value,
      flag: 1,
      deviceFlag: null,
      seq: value,
    });

    it('finds that InfluxDB shows, overwrites, counts and deletes at once, and leaves nothing there', async () => {
      const bucket = `e${fresh++}`;
      await server.createDatabase(bucket);
      const store = open(server.url, bucket, { mustDelete: true });
      expect(await store.check!()).toBeNull();
      expect(store.capabilities!()).toEqual({
        product: expect.stringMatching(/^InfluxDB 1\./),
        isSeenLate: false,
        deletes: true,
        earliestMs: null,
      });
      const { results } = await server.query('SELECT * FROM "wk_canary"', bucket);
      // Its point before 1970 goes by the same deletion.
      expect(results[0]!.series).toBeUndefined();
    });

    it('finds a series shown 2 s late, no deletion, no times before 1970', async () => {
      const { bucket, gemini } = await standIn({});
      const store = open(gemini.url, bucket);
      expect(await store.check!()).toBeNull();
      const found = { product: 'openGemini', isSeenLate: true, deletes: false, earliestMs: 0 };
      expect(store.capabilities!()).toEqual(found);
      await expect(store.prune(1, T)).rejects.toMatchObject({ code: 'store.no-deletion', retryable: false });
      // The canary's series stands there now: how late a new one is can't be measured any more, and isn't believed.
      const again = open(gemini.url, bucket);
      expect(await again.check!()).toBeNull();
      expect(again.capabilities!()).toMatchObject({ isSeenLate: true });
      const { results } = await server.query('SELECT count("flag") FROM "wk_canary"', bucket);
      expect(results[0]!.series![0]!.values[0]![1]).toBe(1);
    });

    it('resolves a write once it is seen: a new series, another week, an overwritten point', async () => {
      const { bucket, gemini } = await standIn({});
      const store = open(gemini.url, bucket);
      const weeks = [0, 1, 2].map((week) => reading(week % 2, T - week * WEEK_MS, week + 1));
      await store.write([...weeks, reading(5, T, 7)]);
      expect((await store.read(0, 0, T + 1, 9)).map(({ value }) => value)).toEqual([3, 1]);
      expect((await store.read(1, 0, T + 1, 9)).map(({ value }) => value)).toEqual([2]);
      expect(gemini.held()).toBe(0);
      await store.write([reading(5, T, 8)]);
      expect((await store.read(5, 0, T + 1, 9)).map(({ value }) => value)).toEqual([8]);
    });

    it('counts an overwritten point once, where a count over all of a series has it twice for a while', async () => {
      const { bucket, gemini } = await standIn({ lateMs: 0, makesShards: false });
      const store = open(gemini.url, bucket);
      await store.write([reading(1, T, 1)]);
      await store.write([reading(1, T, 2)]);
      const body = new URLSearchParams({ db: bucket, q: 'SELECT count("flag") FROM "reading"' });
      const answer = await fetch(`${gemini.url}/query`, { method: 'POST', body });
      expect(await answer.json()).toMatchObject({ results: [{ series: [{ values: [[expect.anything(), 2]] }] }] });
      expect((await store.read(1, 0, T + 1, 9)).map(({ value }) => value)).toEqual([2]);
      expect(await store.hours(1)).toEqual([T]);
    });

    it('refuses what lies before 1970 where that would be confirmed and dropped, and takes the rest', async () => {
      const { bucket, gemini } = await standIn({});
      const store = open(gemini.url, bucket);
      const old = reading(1, -1000, 1);
      const rejected = await store.write([reading(1, T, 1), old, reading(2, 0, 3)]);
      expect(rejected).toEqual([{ reading: old, reason: expect.stringMatching(/holds nothing before 1970-01-01T00/) }]);
      expect((await store.read(1, Number.NEGATIVE_INFINITY, T + 1, 9)).map(({ value }) => value)).toEqual([1]);
      expect((await store.read(2, 0, 1, 9)).map(({ value }) => value)).toEqual([3]);
    });

    it('takes for no reading what is kept of a line that was refused: its flag without its value', async () => {
      const { bucket, gemini } = await standIn({ lateMs: 0, makesShards: false });
      const store = open(gemini.url, bucket);
      const good = [reading(1, T - WEEK_MS, 1), reading(1, T - WEEK_MS + 60_000, 2), reading(1, T + WEEK_MS, 3)];
      await store.write(good);
      const foreign = { method: 'POST', body: `reading,station=x,parameter=y value=7i ${T}` };
      expect((await fetch(`${gemini.url}/write?db=${bucket}&precision=ms`, foreign)).status).toBe(204);
      const refused = [reading(1, T, 4), reading(1, T + 60_000, 5)];
      const rejected = await store.write(refused);
      expect(rejected.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/type conflict/),
        expect.stringMatching(/type conflict/),
      ]);
      const { results } = await server.query(`SELECT "flag", "value" FROM "reading" WHERE time >= ${T}ms`, bucket);
      expect(results[0]!.series![0]!.values).toContainEqual([T, 1, null]);
      const values = (readings: { value: number | null }[]) => readings.map(({ value }) => value);
      expect(values(await store.read(1, 0, T + 2 * WEEK_MS, 9))).toEqual([1, 2, 3]);
      expect(values(await store.read(1, 0, T + 2 * WEEK_MS, 3))).toEqual([1, 2, 3]);
      expect(values(await store.before(1, T + 3_600_000, 2))).toEqual([1, 2]);
      expect(values(await store.after(1, T, 1))).toEqual([3]);
      expect(await store.at(refused)).toEqual([undefined, undefined]);
    });

    it('says of what is never seen that the server is overloaded, and tries again', async () => {
      const { bucket, gemini } = await standIn({ lateMs: 300 });
      const store = open(gemini.url, bucket, { seenMs: 1500 });
      await store.write([reading(1, T, 1)]);
      const never = await standIn({
        lateMs: 100,
        makesShards: false,
        spoils: ({ results }, [said]) => {
          if (said!.includes('"reading"')) for (const result of results) delete result.series;
        },
      });
      const blind = open(never.gemini.url, never.bucket, { seenMs: 600 });
      await expect(blind.write([reading(1, T, 1)])).rejects.toMatchObject({
        code: 'store.overloaded',
        retryable: true,
        message: expect.stringMatching(/1 series do not show/),
      });
    });

    it.each<[string, NonNullable<Habits['spoils']>, RegExp]>([
      [
        'answers with its databases whatever is asked (VictoriaMetrics)',
        VICTORIA_METRICS,
        /answers with name where values of readings were asked for/,
      ],
      [
        'gives nulls for values',
        ({ results }) => {
          for (const { series } of results) for (const row of series?.[0]?.values ?? []) row.fill(null, 1);
        },
        /does not show within/,
      ],
      [
        'shows nothing that was written',
        ({ results }) => {
          for (const result of results) delete result.series;
        },
        /does not show within/,
      ],
      [
        'loses the fields that a later line leaves out',
        ({ results }) => {
          for (const { series } of results) {
            const [first] = series ?? [];
            const seq = first?.columns.indexOf('seq') ?? -1;
            const flag = first?.columns.indexOf('flag') ?? -1;
            for (const row of first?.values ?? []) if (seq > 0 && row[flag] === 1) row[seq] = null;
          }
        },
        /loses the fields/,
      ],
      [
        'counts wrongly',
        ({ results }, [said]) => {
          if (said!.startsWith('SELECT count')) for (const { series } of results) series![0]!.values = [];
        },
        /counts nothing where one point stands/,
      ],
      [
        'answers with fewer results than it was asked for',
        (answer, [said]) => {
          if (said!.includes('wk_canary')) answer.results = [];
        },
        /lacks results/,
      ],
    ])('refuses a server that %s', async (_, spoils, reason) => {
      const { bucket, gemini } = await standIn({ lateMs: 0, makesShards: false, spoils });
      const store = open(gemini.url, bucket, { seenMs: 300 });
      const trouble = await store.check!();
      expect(trouble).toMatchObject({ condition: 'store.unfit', detail: expect.stringMatching(reason) });
      await expect(store.write([reading(1, T, 1)])).rejects.toMatchObject({ code: 'store.unfit', retryable: true });
      const { results } = await server.query('SELECT * FROM "reading"', bucket);
      expect(results[0]!.series).toBeUndefined();
    });

    it('refuses a cluster that answers without a node that is away, and no other', async () => {
      const nodes = ['127.0.0.1:8092', '127.0.0.2:8092', '127.0.0.3:8092'];
      const checked = async (policy: string, join: string[]) => {
        const configs: Habits['configs'] = [
          ['common.ha-policy', policy],
          ['common.meta-join', join],
        ];
        const { bucket, gemini } = await standIn({ lateMs: 0, configs });
        return open(gemini.url, bucket).check!();
      };
      expect(await checked('write-available-first', nodes)).toMatchObject({
        condition: 'store.unfit',
        detail: expect.stringMatching(/openGemini at .* is a cluster with ha-policy = "write-available-first"/),
      });
      expect(await checked('write-available-first', nodes.slice(0, 1))).toBeNull();
      expect(await checked('replication', nodes)).toBeNull();
    });

    it('refuses WK_RAW_RETENTION where nothing is deleted', async () => {
      const { bucket, gemini } = await standIn({ lateMs: 0 });
      const store = open(gemini.url, bucket, { mustDelete: true });
      expect(await store.check!()).toMatchObject({
        condition: 'store.unfit',
        detail: expect.stringMatching(/WK_RAW_RETENTION/),
      });
    });

    describe('under the contract', () => {
      let gemini: StandIn;
      beforeAll(async () => {
        await server.createDatabase('contract');
        gemini = await startStandIn(server.url, { lateMs: 60, twiceMs: 1000 });
      });
      afterAll(() => gemini.close());

      readingStoreContract(
        'a stand-in that shows new series late and deletes nothing',
        async () => {
          const prefix = randomBytes(6).toString('hex');
          const store = openInfluxReadings({
            influx: config(gemini.url, 'contract'),
            name: (series) => ({ station: `${prefix}-${series}`, parameter: 'ph' }),
            clock: systemClock,
          });
          return { store, close: () => store.close() };
        },
        { deletes: false },
      );
    });
  },
);
