/** What the InfluxDB store makes of every way in which a server can fail it: nothing refused is ever taken for written. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InfluxConfig } from '#model/config.ts';
import { openInfluxReadings } from '#readings/influx/store.ts';
import type { ReadingStore, ReadingToStore } from '#readings/store.ts';
import { systemClock } from '#src/clock.ts';
import { StoreError } from '#src/sqlite.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { startFaultProxy, type Trouble } from '#tests/helpers/fault-proxy.ts';
import { freePort } from '#tests/helpers/free-port.ts';
import { fakeInflux } from '#tests/helpers/influx/fake.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';

const T = Date.UTC(2026, 10, 22, 8);
/** Long enough for a busy machine, since the canary asks ten times; who hangs is waited for once. */
const SOON = { writeMs: 3000, queryMs: 3000 };
const SECRET = 'reader:s3cret-of-a-test';

function config(url: string, more: Partial<InfluxConfig> = {}): InfluxConfig {
  return { url, token: SECRET, org: 'org', bucket: 'b', api: 'v1', retentionOk: true, ...more };
}

function reading(index: number, more: Partial<ReadingToStore> = {}): ReadingToStore {
  return {
    series: index % 8,
    timeMs: T + index * 1000,
    value: index,
    flag: 1,
    deviceFlag: null,
    seq: index + 1,
    ...more,
  };
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function storeAgainst(say: Parameters<typeof fakeInflux>[0], more: Partial<InfluxConfig> = {}) {
  const fake = await fakeInflux(say);
  closers.push(fake.close);
  const store = openInfluxReadings({
    clock: systemClock,
    influx: config(fake.url, more),
    name: (series) => ({ station: `s${series}`, parameter: 'ph' }),
    timeouts: SOON,
  });
  closers.push(() => store.close());
  return { store, ...fake };
}

async function failure(work: Promise<unknown>): Promise<StoreError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

describe('answers to a write', () => {
  it.each([
    [500, '{"error":"timeout"}', 'store.overloaded'],
    [503, '', 'store.overloaded'],
    [502, '<html>bad gateway</html>', 'store.overloaded'],
    [429, '{"code":"too many requests","message":"rate"}', 'store.overloaded'],
    [408, '', 'store.overloaded'],
    [401, '{"code":"unauthorized","message":"unauthorized access"}', 'store.unauthorized'],
    [403, '{"error":"\\"reader\\" user is not authorized to write to database \\"b\\""}', 'store.unauthorized'],
    [404, '{"error":"database not found: \\"b\\""}', 'store.bucket-missing'],
    [404, '{"code":"not found","message":"bucket \\"b\\" not found"}', 'store.bucket-missing'],
    [404, '<html>no such page</html>', 'store.unreachable'],
    [500, '{"error":"engine: write /var/lib/influxdb/wal: no space left on device"}', 'store.read-only'],
    [403, '{"message":"server is in read-only mode"}', 'store.read-only'],
  ])('%s %s: retryable, %s', async (status, body, code) => {
    const { store } = await storeAgainst(() => ({ status, body }));
    const error = await failure(store.write([reading(1)]));
    expect(error).toMatchObject({ code, retryable: true });
    expect(error.message).not.toContain('s3cret');
  });

  it('a reset, a hang and a closed port are the server being away', async () => {
    for (const say of [() => 'reset', () => 'hang'] as (() => 'reset' | 'hang')[]) {
      const { store } = await storeAgainst(say);
      expect(await failure(store.write([reading(1)]))).toMatchObject({ code: 'store.unreachable', retryable: true });
    }
    const influx = config(`http://127.0.0.1:${await freePort()}`);
    const store = openInfluxReadings({
      clock: systemClock,
      influx,
      name: () => ({ station: 's', parameter: 'ph' }),
      timeouts: SOON,
    });
    closers.push(() => store.close());
    expect(await failure(store.write([reading(1)]))).toMatchObject({ code: 'store.unreachable', retryable: true });
    expect(await failure(store.read(1, 0, 1, 1))).toMatchObject({ code: 'store.unreachable', retryable: true });
  });

  it('413 is halved until it fits', async () => {
    const taken: number[] = [];
    const { store } = await storeAgainst((body) => {
      const lines = body.split('\n').length;
      if (lines > 7) return { status: 413, body: '{"error":"Request Entity Too Large"}' };
      taken.push(lines);
      return { status: 204 };
    });
    expect(await store.write([...Array(100).keys()].map((index) => reading(index, { series: 1 })))).toEqual([]);
    expect(taken.reduce((sum, lines) => sum + lines, 0)).toBe(100);
  });

  it.each([
    [400, '{"error":"partial write: points beyond retention policy dropped=1"}'],
    [
      422,
      '{"code":"unprocessable entity","message":"failure writing points to database: partial write: points beyond retention policy dropped=1"}',
    ],
  ])('%s is halved down to the lines that are at fault, which come back with its words', async (status, body) => {
    let requests = 0;
    const { store } = await storeAgainst((lines) => {
      requests++;
      return /value=(17|4711),/.test(lines) ? { status, body } : { status: 204 };
    });
    const rejected = await store.write([...Array(5000).keys()].map((index) => reading(index, { series: 0 })));
    expect(rejected.map((one) => one.reading.value)).toEqual([17, 4711]);
    for (const { reason } of rejected) expect(reason).toMatch(/^4\d\d .*beyond retention policy/);
    expect(requests).toBeLessThan(60);
  });

  it('one lane that fails fails the call, and nothing is in flight after it', async () => {
    let open = 0;
    const { store } = await storeAgainst((body) => {
      open++;
      return body.includes('station=s3') ? { status: 503 } : { status: 204 };
    });
    await failure(store.write([...Array(10_000).keys()].map((index) => reading(index, { series: index % 8 }))));
    expect(open).toBe(4);
  });

  it('small calls are one request each, one after the other', async () => {
    const bodies: string[] = [];
    const { store } = await storeAgainst((body) => {
      bodies.push(body);
      return { status: 204 };
    });
    const calls = [1, 2, 3].map((second) => [...Array(8).keys()].map((series) => reading(second, { series })));
    await Promise.all(calls.map((call) => store.write(call)));
    const times = bodies.filter((body) => body.startsWith('reading,')).map((body) => body.match(/ \d+$/gm)!);
    expect(times.map((each) => each.length)).toEqual([8, 8, 8]);
    expect(times.map(([first]) => Number(first))).toEqual([T + 1000, T + 2000, T + 3000]);
  });

  it('a tag that line protocol can not carry comes back, and takes nothing with it', async () => {
    const { url } = await storeAgainst(() => ({ status: 204 }));
    const names = ['a\nb', 'a\\', '', 'fine'];
    const store = openInfluxReadings({
      clock: systemClock,
      influx: config(url),
      name: (series) => ({ station: names[series]!, parameter: 'ph' }),
    });
    closers.push(() => store.close());
    const rejected = await store.write([0, 1, 2, 3].map((series) => reading(series, { series })));
    expect(rejected.map((one) => one.reading.series)).toEqual([0, 1, 2]);
  });
});

describe('what goes over the wire', () => {
  it('v1: its own paths, Basic or no credential at all', async () => {
    const { store, requests } = await storeAgainst(() => ({ status: 204 }));
    await store.write([
      reading(5, { series: 2, deviceFlag: 'M "\\' }),
      reading(6, { series: 2, value: null, flag: 9 }),
    ]);
    const write = requests.find(({ url }) => url.startsWith('/write'))!;
    expect(write.url).toBe('/write?db=b&precision=ms');
    expect(write.headers.authorization).toBe(`Basic ${Buffer.from(SECRET).toString('base64')}`);
    expect(write.body).toBe(
      `reading,parameter=ph,station=s2 value=5,flag=1,deviceFlag="M \\"\\\\",seq=6 ${T + 5000}\n` +
        `reading,parameter=ph,station=s2 flag=9,deviceFlag="",seq=7 ${T + 6000}`,
    );
    const first = await storeAgainst(() => ({ status: 204 }));
    await first.store.write([
      reading(5, { series: 2, isFirst: true }),
      reading(6, { series: 2, isFirst: true, deviceFlag: '' }),
    ]);
    expect(first.requests.find(({ url }) => url.startsWith('/write'))!.body).toBe(
      `reading,parameter=ph,station=s2 value=5,flag=1,seq=6 ${T + 5000}\n` +
        `reading,parameter=ph,station=s2 value=6,flag=1,deviceFlag="~",seq=7 ${T + 6000}`,
    );
    const open = await storeAgainst(() => ({ status: 204 }), { token: null });
    await open.store.write([reading(1)]);
    expect(open.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });

  it('v2: a token, organisation and bucket', async () => {
    const { store, requests } = await storeAgainst(() => ({ status: 204 }), { api: 'v2', token: 'tok', org: 'a b' });
    await store.write([reading(5)]);
    const write = requests.find(({ url }) => url.includes('/write'))!;
    expect(write.url).toBe('/api/v2/write?org=a%20b&bucket=b&precision=ms');
    expect(write.headers.authorization).toBe('Token tok');
    await store.read(5, 0, 1, 1);
    expect(requests.at(-1)).toMatchObject({ url: '/query' });
    expect(new URLSearchParams(requests.at(-1)!.body).get('db')).toBe('b');
  });
});

describe.skipIf(!hasInfluxdb)(`a real InfluxDB${hasInfluxdb ? '' : ' (influxd is not installed)'}`, () => {
  let directory: string;
  let server: Influxdb;
  let fresh = 0;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wk-influx-'));
    server = await startInfluxdb(directory);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function database(retention?: string): Promise<string> {
    const name = `d${fresh++}`;
    await server.createDatabase(name, retention);
    return name;
  }

  function open(bucket: string, more: Partial<InfluxConfig> = {}, url = server.url, names = 's'): ReadingStore {
    const influx = config(url, { token: null, bucket, retentionOk: false, ...more });
    const store = openInfluxReadings({
      clock: systemClock,
      influx,
      name: (series) => ({ station: `${names}${series}`, parameter: 'ph' }),
      timeouts: { writeMs: 2000, queryMs: 5000 },
    });
    closers.push(() => store.close());
    return store;
  }

  it('keeps any name and device flag apart and as they are', async () => {
    const bucket = await database();
    const names = new Map<number, { station: string; parameter: string }>();
    const store = openInfluxReadings({
      clock: systemClock,
      influx: config(server.url, { token: null, bucket, retentionOk: false }),
      name: (series) => names.get(series),
    });
    closers.push(() => store.close());
    const hostile = fc.oneof(
      fc.constantFrom("' OR 1=1; DROP DATABASE d0; --", 'a,b=c d', '"x"', '断面', "o'neill", 'a;b', '#', 'time', '/x/'),
      fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
    );
    let next = 1;
    await fc.assert(
      fc.asyncProperty(hostile, hostile, fc.string({ unit: 'grapheme' }), async (station, parameter, deviceFlag) => {
        const series = next++;
        names.set(series, { station, parameter });
        const one = reading(0, { series, deviceFlag });
        const [rejected] = await store.write([one]);
        const found = await store.traced(series, T - 1, T + 1, 10);
        if (rejected) expect(found).toEqual([]);
        else expect(found.at(-1)).toMatchObject({ value: 0, deviceFlag });
      }),
      { numRuns: 150 },
    );
  });

  it('is found unfit with a finite retention, without a bucket, and is asked again', async () => {
    const finite = await database('30d');
    expect(await open(finite).check!()).toMatchObject({ condition: 'store.retention', detail: /720h/ });
    expect(await failure(open(finite).write([reading(1)]))).toMatchObject({ code: 'store.retention', retryable: true });
    expect(await open(finite, { retentionOk: true }).check!()).toBeNull();
    const late = open('later');
    expect(await late.check!()).toMatchObject({ condition: 'store.bucket-missing' });
    expect(await failure(late.write([reading(1)]))).toMatchObject({ code: 'store.bucket-missing' });
    expect(await failure(late.read(1, 0, 1, 1))).toMatchObject({ code: 'store.bucket-missing' });
    await server.createDatabase('later');
    expect(await late.write([reading(1)])).toEqual([]);
    await server.query('DROP DATABASE later');
    expect(await failure(late.write([reading(2)]))).toMatchObject({ code: 'store.bucket-missing' });
    await server.createDatabase('later', '30d');
    expect(await failure(late.write([reading(2)]))).toMatchObject({ code: 'store.retention' });
  });

  it('points that are beyond a retention come back, the others are stored', async () => {
    const store = open(await database('30d'), { retentionOk: true });
    const now = Date.now();
    const many = [...Array(200).keys()].map((index) => reading(index, { series: 1, timeMs: now - index * 1000 }));
    const old = reading(999, { series: 1, timeMs: now - 90 * 86_400_000 });
    const rejected = await store.write([...many.slice(0, 100), old, ...many.slice(100)]);
    expect(rejected.map((one) => one.reading)).toEqual([old]);
    expect(rejected[0]!.reason).toMatch(/beyond retention policy/);
    expect((await store.read(1, 0, Number.MAX_SAFE_INTEGER, 1000)).length).toBe(200);
  });

  it('points of a type that clashes with what is there come back', async () => {
    const bucket = await database();
    await fetch(`${server.url}/write?db=${bucket}&precision=ms`, {
      method: 'POST',
      body: `reading,station=x,parameter=ph value="text" ${T}`,
    });
    const rejected = await open(bucket).write([reading(1), reading(2)]);
    expect(rejected.map((one) => one.reading.value)).toEqual([1, 2]);
    expect(rejected[0]!.reason).toMatch(/field type conflict/);
  });

  it.each([
    [{ kind: 'reset' }, 'store.unreachable'],
    [{ kind: 'half-close' }, 'store.unreachable'],
    [{ kind: 'cut', direction: 'both' }, 'store.unreachable'],
    [{ kind: 'cut', direction: 'down' }, 'store.unreachable'],
    [{ kind: 'answer', status: 503, body: '{"error":"busy"}' }, 'store.overloaded'],
  ] as [Trouble, string][])('behind a network with %j a write fails, and works afterwards', async (trouble, code) => {
    const proxy = await startFaultProxy(server.port);
    closers.push(() => proxy.close());
    const store = open(await database(), {}, `http://127.0.0.1:${proxy.port}`);
    await store.write([reading(1)]);
    proxy.set(trouble);
    expect(await failure(store.write([reading(2)]))).toMatchObject({ code, retryable: true });
    proxy.set({ kind: 'none' });
    // The connections of before may still be in the state that they were left in.
    await store.write([reading(2), reading(3)]).catch(() => store.write([reading(2), reading(3)]));
    expect(
      (await store.at([1, 2, 3].map((n) => ({ series: n, timeMs: T + n * 1000 })))).map((one) => one?.value),
    ).toEqual([1, 2, 3]);
  });

  it('killed in the middle of writing, it has everything that it said it had', async () => {
    const bucket = await database();
    const confirmed = new Set<number>();
    let failed = 0;
    let next = 0;
    for (let round = 0; round < 4; round++) {
      const store = open(bucket);
      let isOver = false;
      const writers = [0, 1, 2, 3].map(async () => {
        while (!isOver) {
          const first = next;
          next += 500;
          const batch = [...Array(500).keys()].map((index) => reading(first + index));
          await store.write(batch).then(
            () => {
              for (const { value } of batch) confirmed.add(value!);
            },
            (error: unknown) => {
              expect(error).toMatchObject({ code: 'store.unreachable', retryable: true });
              failed++;
              isOver = true;
            },
          );
        }
      });
      const enough = confirmed.size + 500 * (1 + randomBytes(1)[0]! / 64);
      await eventually('some writes', () => confirmed.size >= enough);
      await server.kill();
      isOver = true;
      await Promise.all(writers);
      await server.start();
    }
    const store = open(bucket);
    const found = new Set<number>();
    for (let series = 0; series < 8; series++) {
      for (const { value } of await store.read(series, 0, Number.MAX_SAFE_INTEGER, 1e7)) found.add(value!);
    }
    expect(failed).toBeGreaterThan(0);
    expect(confirmed.size).toBeGreaterThan(1000);
    expect([...confirmed].filter((value) => !found.has(value))).toEqual([]);
  });

  it('asks for credentials and tells wrong ones apart', async () => {
    const home = mkdtempSync(join(tmpdir(), 'wk-influx-auth-'));
    const guarded = await startInfluxdb(home, { admin: 'root:pass' });
    try {
      await guarded.createDatabase('b');
      const right = open('b', { token: 'root:pass' }, guarded.url);
      await right.write([reading(1)]);
      expect((await right.read(1, 0, Number.MAX_SAFE_INTEGER, 9)).length).toBe(1);
      for (const token of [null, 'root:wrong', 'nobody:x']) {
        const wrong = open('b', { token }, guarded.url);
        expect(await wrong.check!()).toMatchObject({ condition: 'store.unauthorized' });
        expect(await failure(wrong.read(1, 0, 1, 1))).toMatchObject({ code: 'store.unauthorized' });
      }
    } finally {
      await guarded.stop();
      rmSync(home, { recursive: true, force: true });
    }
  });
});
