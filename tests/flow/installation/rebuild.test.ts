/**
 * `npm run rebuild`: books that are computed anew from the reading store are the same to the bit, also when
 * WK_RAW_RETENTION has deleted what a part of them was computed from.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { type Database, openReadOnly } from '#src/sqlite.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { rowsOf } from '#tests/helpers/rows.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_ALLOWED_LATENESS: 'PT1M' };
const HOUR = 3_600_000;
const MINUTE = 60_000;
let service: TestService;
afterEach(() => service?.remove());

const DAY = 24 * HOUR;
const lastHourMs = Math.floor(Date.now() / HOUR) * HOUR - HOUR;

let influx: Influxdb;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wk-rebuild-'));
  if (hasInfluxdb) influx = await startInfluxdb(directory);
});
afterAll(async () => {
  await influx?.kill();
  rmSync(directory, { recursive: true, force: true });
});

/** Where readings rest, and how to see them past the service. */
interface Store {
  env: Record<string, string>;
  readings(): Promise<unknown[]>;
}

let databases = 0;
const STORES: Record<string, () => Promise<Store>> = {
  SQLite: async () => ({
    env: ENV,
    async readings() {
      const store = new SqliteReadings(join(service.dataDir, 'readings.db'), { readOnly: true });
      const all: unknown[] = [];
      for (let series = 1; series <= 20; series++) {
        for (const reading of await store.traced(series, 0, Number.MAX_SAFE_INTEGER, 1e6))
          all.push({ series, ...reading });
      }
      await store.close();
      return all;
    },
  }),
  InfluxDB: async () => {
    const database = `rebuild${databases++}`;
    await influx.createDatabase(database);
    return {
      env: { ...ENV, WK_INFLUX_URL: influx.url, WK_INFLUX_API: 'v1', WK_INFLUX_BUCKET: database },
      async readings() {
        const { results } = await influx.query('SELECT * FROM "reading"', database);
        return results[0]?.series?.[0]?.values ?? [];
      },
    };
  },
};

/** Two and a half days of 5-minute readings: waves, a spike, a flat stretch, a gap, impossible and missing values. */
function csv(fromMs: number): string {
  const lines = ['station,time,parameter,value,unit,flag'];
  for (let timeMs = fromMs, n = 0; timeMs < fromMs + 60 * HOUR; timeMs += 5 * MINUTE, n++) {
    if (n > 300 && n < 340) continue;
    const time = new Date(timeMs).toISOString();
    const wave = Math.sin(n / 17) / 3;
    const ph = n === 200 ? 11.9 : n > 400 && n < 520 ? 7.7 : 7.5 + wave;
    const oxygen = n === 100 ? '' : n === 101 ? 900 : 8 + wave * 3.3;
    lines.push(`s,${time},ph,${ph},,${n === 50 ? 'C' : ''}`, `s,${time},do,${oxygen},,`);
    lines.push(`s,${time},register,${1000 + n * 0.7},,`, `s,${time},flow,${2 + wave},,`);
  }
  return lines.join('\n');
}

async function fill(fromMs: number): Promise<void> {
  const names = { zh: '断面', en: 'Section' };
  const parameters = ['ph', 'do', 'register', 'flow'].map((id) => ({ id, interval: 'PT5M' }));
  await service.call('PUT', '/stations/s', { name: names, kind: 'offtake', waterBody: 'river', parameters });
  for (const [id, parameter, kind] of [
    ['m', 'register', 'register'],
    ['f', 'flow', 'flow'],
  ]) {
    const size = kind === 'register' ? { size: 1_000_000, unit: 'm3' } : { unit: 'm3/s' };
    const meter = { station: 's', parameter, kind, ...size, maxFlow: 100, measures: 'delivery', recipient: 'beijing' };
    const put = await service.call('PUT', `/meters/${id}`, meter);
    expect(put.status, JSON.stringify(put.body)).toBeLessThan(300);
  }
  const [header, ...rows] = csv(fromMs).split('\n');
  for (let row = 0; row < rows.length; row += 1000) {
    const { status, body } = await service.call(
      'POST',
      '/readings',
      [header, ...rows.slice(row, row + 1000)].join('\n'),
    );
    expect(status, JSON.stringify(body)).toBe(202);
  }
  const at = (n: number) => new Date(fromMs + n * 5 * MINUTE).toISOString();
  for (const correction of [
    { parameter: 'ph', from: at(60), to: at(70), action: 'flag', flag: 4, reason: 'a boat' },
    { parameter: 'do', from: at(80), to: at(82), action: 'set', value: 7.25, reason: 'the laboratory says so' },
    { parameter: 'register', from: at(150), to: at(151), action: 'delete', reason: 'misread' },
  ]) {
    const { status, body } = await service.call('POST', '/corrections', { station: 's', ...correction });
    expect(status, JSON.stringify(body)).toBeLessThan(300);
  }
}

function look<T>(name: string, work: (database: Database) => T): T {
  const database = openReadOnly(join(service.dataDir, name));
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Its series: the third one of `csv`. */
const REGISTER = 3;
const BOOKS = ['hourStat', 'dayStat', 'volumeHour', 'volumeDay', 'volumeDecision'];

/** Ends the service once nothing is left to compute, and says what the books are. */
async function booksAtRest(store: Store) {
  const countOf = (table: string, where = '') => `SELECT count(*) AS n FROM ${table} ${where}`;
  const waiting = [countOf('dirtyHour', `WHERE hourMs < ${lastHourMs}`), countOf('volumeDirty'), countOf('reflag')];
  await eventually('books without marks', () =>
    look('derived.db', (derived) => waiting.every((sql) => (derived.prepare(sql).get() as { n: number }).n === 0)),
  );
  expect(await service.end()).toMatchObject({ code: 0 });
  return {
    ...look('derived.db', (derived) => ({
      // Not throughSeq: it says when an hour was computed, and nothing about the water.
      hours: rowsOf(derived, 'SELECT series, hourMs, count, valid, sum, min, max FROM hourStat'),
      days: rowsOf(derived, 'SELECT * FROM dayStat'),
      volumes: rowsOf(derived, 'SELECT * FROM volumeHour'),
      totals: rowsOf(derived, 'SELECT * FROM volumeDay'),
      decisions: rowsOf(derived, 'SELECT * FROM volumeDecision'),
      versions: rowsOf(derived, 'SELECT * FROM version'),
      pins: rowsOf(derived, 'SELECT * FROM pin'),
      ledger: rowsOf(derived, 'SELECT name, stored, duplicate FROM source'),
    })),
    readings: await store.readings(),
  };
}

async function filledBooks(store: Store, fromMs: number) {
  service = await startTestService({ env: store.env });
  await fill(fromMs);
  await eventually('books', () =>
    look('derived.db', (derived) => rowsOf(derived, 'SELECT * FROM volumeHour').length > 80),
  );
}

describe.each(Object.keys(STORES))('readings in %s', (name) => {
  const test = it.skipIf(name === 'InfluxDB' && !hasInfluxdb);

  test('gives the same books', async () => {
    const store = await STORES[name]!();
    await filledBooks(store, lastHourMs - 60 * HOUR);
    const { dataDir } = service;
    const refused = await runCommand('rebuild', [], { ...store.env, WK_DATA_DIR: dataDir });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('in use') });
    const before = await booksAtRest(store);
    expect(before.hours.length).toBeGreaterThan(200);
    expect(before.days.length).toBeGreaterThan(8);
    expect(before.versions.length).toBeGreaterThan(12);
    expect(before.totals.length).toBeGreaterThan(1);

    const done = await runCommand('rebuild', [], { ...store.env, WK_DATA_DIR: dataDir });
    expect(done, done.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('2 meters') });
    look('derived.db', (derived) => {
      for (const table of BOOKS) expect(rowsOf(derived, `SELECT * FROM ${table}`), table).toEqual([]);
      expect(rowsOf(derived, 'SELECT DISTINCT series, hourMs FROM dirtyHour').length).toBeGreaterThanOrEqual(
        before.hours.length,
      );
    });

    service = await startTestService({ dataDir, env: store.env });
    await eventually('books again', () =>
      look('derived.db', (derived) => rowsOf(derived, 'SELECT * FROM volumeDay').length > 1),
    );
    expect(await booksAtRest(store)).toEqual(before);
  });

  test('keeps what is told of readings that have gone', async () => {
    const store = await STORES[name]!();
    const fromMs = lastHourMs - 40 * DAY;
    await filledBooks(store, fromMs);
    const { dataDir } = service;
    const before = await booksAtRest(store);
    const env = { ...store.env, WK_RAW_RETENTION: 'P10D' };

    service = await startTestService({ dataDir, env });
    const metered = before.readings.length / 2;
    await eventually('old readings gone', async () => (await store.readings()).length === metered);
    const at = (ms: number) => new Date(ms).toISOString();
    const trends = (query: object) =>
      service.call<{ code: string }>(
        'GET',
        `/trends?${new URLSearchParams({ station: 's', from: at(fromMs), to: at(fromMs + DAY), interval: 'PT1H', ...query })}`,
      );
    expect(await trends({ parameter: 'ph' })).toMatchObject({ status: 200, body: { items: { length: 24 } } });
    expect(await trends({ parameter: 'ph', tz: 'Asia/Kolkata' })).toMatchObject({
      status: 400,
      body: { code: 'range.pruned' },
    });
    expect(await trends({ parameter: 'flow', tz: 'Asia/Kolkata' })).toMatchObject({ status: 200 });
    const range = { from: at(fromMs), to: at(fromMs + DAY) };
    const correction = { station: 's', parameter: 'ph', ...range, action: 'delete', reason: 'too late' };
    expect(await service.call('POST', '/corrections', correction)).toMatchObject({
      status: 400,
      body: { code: 'range.pruned' },
    });
    const late = { station: 's', time: fromMs + 1, values: { ph: 7, register: 1000.1 } };
    expect(await service.call('POST', '/readings', { samples: [late] })).toMatchObject({
      status: 202,
      body: { pending: 1, quarantined: [{ path: 'samples[0].values.ph', code: 'time.expired' }] },
    });
    const kept = await booksAtRest(store);
    // The register's late value is in its books; nothing else has changed.
    const others = (rows: Record<string, unknown>[]) => rows.filter(({ series }) => series !== REGISTER);
    expect(others(kept.hours)).toEqual(others(before.hours));
    expect(others(kept.days)).toEqual(others(before.days));
    expect(kept.versions).toEqual(before.versions);
    expect(kept.hours).not.toEqual(before.hours);

    const done = await runCommand('rebuild', [], { ...env, WK_DATA_DIR: dataDir });
    expect(done, done.stderr).toMatchObject({ code: 0 });
    service = await startTestService({ dataDir, env });
    await eventually('books again', () =>
      look('derived.db', (derived) => rowsOf(derived, 'SELECT * FROM volumeDay').length > 1),
    );
    expect(await booksAtRest(store)).toEqual(kept);
  });
});

it.skipIf(!hasInfluxdb)('takes no book away while the reading store is away', async () => {
  const store = await STORES.InfluxDB!();
  await filledBooks(store, lastHourMs - 60 * HOUR);
  const { dataDir } = service;
  const before = await booksAtRest(store);
  const away = { ...store.env, WK_INFLUX_URL: 'http://127.0.0.1:9', WK_DATA_DIR: dataDir };
  expect(await runCommand('rebuild', [], away)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('127.0.0.1:9'),
  });
  look('derived.db', (derived) => {
    expect(rowsOf(derived, 'SELECT series, hourMs, count, valid, sum, min, max FROM hourStat')).toEqual(before.hours);
    expect(rowsOf(derived, 'SELECT * FROM volumeHour')).toEqual(before.volumes);
  });
});
