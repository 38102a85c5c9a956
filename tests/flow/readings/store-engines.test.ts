/** The service on servers that only look like InfluxDB: what it does right on them, and what it refuses to begin with. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#tests/helpers/eventually.ts';
import { startFaultProxy } from '#tests/helpers/fault-proxy.ts';
import { freePort } from '#tests/helpers/free-port.ts';
import { hasInfluxdb, type Influxdb, ownInfluxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { type Habits, type StandIn, startStandIn } from '#tests/helpers/influx/stand-in.ts';
import { startTestService, type TestService } from '#tests/helpers/service.ts';
import { refusedStart } from '#tests/helpers/start-refused.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const DAY_MS = 86_400_000;
const STEP_MS = 180_000;
const SERIES = ['ph', 'do', 'nh3n', 'codmn', 'tp'];
/** Of a week at one value each three minutes. */
const A_WEEK = 3360;
const NOTHING_SHOWN: Habits['spoils'] = ({ results }) => {
  for (const result of results) delete result.series;
};

const settings = (url: string, bucket: string) => ({
  WK_SEEDS: 'none',
  WK_LOG_LEVEL: 'info',
  WK_INFLUX_URL: url,
  WK_INFLUX_API: 'v1',
  WK_INFLUX_BUCKET: bucket,
});

/** @param station new in that store, so that its series are. */
async function startSection(env: Record<string, string>, station = 's'): Promise<TestService> {
  const service = await startTestService({ env });
  const { status } = await service.call('PUT', `/stations/${station}`, {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: SERIES.map((id) => ({ id, interval: 'PT3M' })),
  });
  expect(status).toBe(201);
  return service;
}

/** 16,800 values of five new series in one week: each counts 3,360, and is to be read. */
async function countsEachWeek(service: TestService, station = 's'): Promise<void> {
  // A whole week in Asia/Shanghai, and over since a week at least.
  const monday = Date.UTC(2026, 0, 4, 16);
  const from = monday + Math.floor((Date.now() - 14 * DAY_MS - monday) / (7 * DAY_MS)) * 7 * DAY_MS;
  const range = `from=${from}&to=${from + 7 * DAY_MS}`;
  for (let first = 0; first < A_WEEK; first += 420) {
    const samples = Array.from({ length: 420 }, (_, index) => {
      const n = first + index;
      const values = Object.fromEntries(SERIES.map((id, at) => [id, 1 + at + (n % 7) / 10]));
      return { station, time: from + n * STEP_MS, values };
    });
    expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
  }
  const trend = async (parameter: string) => {
    const { body } = await service.call<{ items: { count: number; valid: number; provisional?: boolean }[] }>(
      'GET',
      `/trends?station=${station}&parameter=${parameter}&${range}&interval=P1W`,
    );
    return body.items;
  };
  await eventually('the books', async () => (await trend('tp'))[0]?.count === A_WEEK, 120_000);
  await eventually(
    'the last hours',
    async () => {
      const weeks = await Promise.all(SERIES.map(trend));
      return weeks.every(([week]) => week!.provisional !== true);
    },
    60_000,
  );
  for (const parameter of SERIES) {
    const items = await trend(parameter);
    expect([parameter, items.length, items[0]!.count]).toEqual([parameter, 1, A_WEEK]);
    const path = `/series/${station}/${parameter}/readings?${range}&limit=10000`;
    const raw = await service.call<{ items: unknown[] }>('GET', path);
    expect([parameter, raw.body.items.length]).toEqual([parameter, A_WEEK]);
  }
  expect(service.output()).toContain('store.measured');
}

describe.skipIf(!ownInfluxdb)(`a store of your own${ownInfluxdb ? '' : ' (WK_TEST_INFLUX_URL is not set)'}`, () => {
  it('counts each week right: 5 new series, 16,800 values', { timeout: 300_000 }, async () => {
    const { url, token, org, bucket, api } = ownInfluxdb!;
    const station = `s${Date.now()}`;
    const env = { ...settings(url, bucket), WK_INFLUX_API: api, WK_INFLUX_RETENTION_OK: '1' };
    const service = await startSection(
      { ...env, ...(token !== null && { WK_INFLUX_TOKEN: token }), ...(org !== null && { WK_INFLUX_ORG: org }) },
      station,
    );
    try {
      await countsEachWeek(service, station);
    } finally {
      await service.remove();
    }
  });
});

describe.skipIf(!hasInfluxdb)(`stand-ins of stores${hasInfluxdb ? '' : ' (influxd is not installed)'}`, () => {
  const directory = makeTempDir();
  const closers: (() => unknown)[] = [];
  let influx: Influxdb;
  let fresh = 0;

  beforeAll(async () => {
    influx = await startInfluxdb(directory.path);
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await influx.kill();
    directory.remove();
  });

  async function standIn(habits: Habits = {}): Promise<{ gemini: StandIn; env: Record<string, string> }> {
    const bucket = `flow${fresh++}`;
    await influx.createDatabase(bucket);
    const gemini = await startStandIn(influx.url, habits);
    closers.push(() => gemini.close());
    return { gemini, env: settings(gemini.url, bucket) };
  }

  async function start(env: Record<string, string>): Promise<TestService> {
    const service = await startSection(env);
    closers.push(() => service.remove());
    return service;
  }

  it('counts each week right where a new series is shown 2 s late: 5 series, 16,800 values', async () => {
    const { gemini, env } = await standIn();
    await countsEachWeek(await start(env));
    expect(gemini.held()).toBe(0);
  });

  it('takes history from 1970 on where nothing older can be dated, and says so of the rest', async () => {
    const { env } = await standIn({ lateMs: 0 });
    const service = await start(env);
    const csv = 'station,time,parameter,value\ns,1969-12-31T23:00:00Z,ph,7.1\ns,1970-01-01T01:00:00Z,ph,7.2\n';
    const { status, body } = await service.call<Record<string, unknown>>('POST', '/import?id=old', csv);
    expect(status).toBeLessThan(300);
    const { body: listed } = await service.call<{ items: Record<string, string>[] }>('GET', '/quarantine');
    expect(JSON.stringify(body)).toContain('time.impossible');
    expect(listed.items.map(({ code, message }) => [code, message])).toEqual([
      ['time.impossible', 'The time is before 1970.'],
    ]);
    await eventually('the one of 1970', async () => {
      const found = await service.call<{ items: object[] }>(
        'GET',
        '/series/s/ph/readings?from=1970-01-01T00:00:00Z&to=1970-01-02T00:00:00Z',
      );
      return found.body.items?.length === 1;
    });
  });

  it('refuses to start on what shows nothing of what it was given, and to delete where nothing is deleted', async () => {
    const dataDir = makeTempDir();
    closers.push(() => dataDir.remove());
    const blind = await standIn({ lateMs: 0, makesShards: false, spoils: NOTHING_SHOWN });
    const refused = await refusedStart({ ...blind.env, WK_DATA_DIR: dataDir.path });
    expect(refused.code).toBe(78);
    expect(refused.output).toMatch(/openGemini at .* does not show within 10 s what it has taken/);
    const keeping = await standIn({ lateMs: 0 });
    const refusedToo = await refusedStart({ ...keeping.env, WK_DATA_DIR: dataDir.path, WK_RAW_RETENTION: 'P3650D' });
    expect(refusedToo.code).toBe(78);
    expect(refusedToo.output).toMatch(/deletes nothing by request.*WK_RAW_RETENTION/);
  });

  it('tells operators when somebody else writes integers, which makes conflicts of a week of ours', async () => {
    const bucket = `flow${fresh++}`;
    await influx.createDatabase(bucket);
    const time = Date.now() - 600_000;
    const foreign = await fetch(`${influx.url}/write?db=${bucket}&precision=ms`, {
      method: 'POST',
      body: `reading,station=x,parameter=y value=7i ${time}`,
    });
    expect(foreign.status).toBe(204);
    const service = await start(settings(influx.url, bucket));
    const samples = [{ station: 's', time, values: { ph: 7.5, nh3n: 0.1 } }];
    expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
    const alarm = await eventually('the alarm', async () => {
      const { body } = await service.call<{ items: Record<string, unknown>[] }>('GET', '/alarms?station=_platform');
      return body.items.find(({ parameter }) => parameter === 'readings.type-conflict');
    });
    expect(alarm).toMatchObject({ state: 'raised', severity: 'major' });
    expect(String(alarm.detail)).toMatch(/Seen: s\/(ph|nh3n) at .*field type conflict/);
    const { body } = await service.call<{ items: { code: string }[] }>('GET', '/quarantine');
    expect(body.items.map(({ code }) => code)).toEqual(['store.rejected', 'store.rejected']);
  });

  it('tries a store that was away when it comes; one that fails stops readings, and gateways go on', async () => {
    const proxy = await startFaultProxy(await freePort());
    closers.push(() => proxy.close());
    const { gemini } = await standIn({ lateMs: 0, makesShards: false, spoils: NOTHING_SHOWN });
    const service = await start(settings(`http://127.0.0.1:${proxy.port}`, `flow${fresh - 1}`));
    const samples = [{ station: 's', time: Date.now() - 600_000, values: { ph: 7.5, nh3n: 0.1 } }];
    expect((await service.call('POST', '/readings', { samples })).status).toBe(202);
    proxy.target(Number(new URL(gemini.url).port));
    const alarm = await eventually(
      'the alarm',
      async () => {
        const { body } = await service.call<{ items: Record<string, unknown>[] }>('GET', '/alarms?station=_platform');
        return body.items.find(({ parameter, state }) => parameter === 'store.unfit' && state === 'raised');
      },
      60_000,
    );
    expect(String(alarm.detail)).toMatch(/openGemini at .* does not show/);
    const more = [{ station: 's', time: Date.now() - 300_000, values: { ph: 7.6 } }];
    expect((await service.call('POST', '/readings', { samples: more })).status).toBe(202);
    const { results } = await influx.query('SHOW MEASUREMENTS', `flow${fresh - 1}`);
    expect(results[0]!.series![0]!.values.flat()).not.toContain('reading');
    // A server that holds readings takes its place: what waited is written.
    proxy.target(influx.port);
    await eventually(
      'three readings',
      async () => {
        const counted = await influx.query('SELECT count("flag") FROM "reading"', `flow${fresh - 1}`);
        return counted.results[0]?.series?.[0]?.values[0]?.[1] === 3;
      },
      60_000,
    );
  });
});
