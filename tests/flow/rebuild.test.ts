/** `npm run rebuild`: books that are computed anew from the reading store are the same to the bit. */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Database, openReadOnly } from '#store/sqlite.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_ALLOWED_LATENESS: 'PT1M' };
const HOUR = 3_600_000;
const MINUTE = 60_000;
let service: TestService;
afterEach(() => service?.remove());

const nowMs = Date.now();
const endMs = Math.floor(nowMs / HOUR) * HOUR - HOUR;
const fromMs = endMs - 60 * HOUR;

/** Two and a half days of 5-minute readings: waves, a spike, a flat stretch, a gap, impossible and missing values. */
function csv(): string {
  const lines = ['station,time,parameter,value,unit,flag'];
  for (let timeMs = fromMs, n = 0; timeMs < endMs; timeMs += 5 * MINUTE, n++) {
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

async function fill(): Promise<void> {
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
  const [header, ...rows] = csv().split('\n');
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

const rowsOf = (database: Database, sql: string) =>
  database
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }));

/** Ends the service once nothing is left to compute, and says what the books are. */
async function booksAtRest() {
  const countOf = (table: string, where = '') => `SELECT count(*) AS n FROM ${table} ${where}`;
  const waiting = [countOf('dirtyHour', `WHERE hourMs < ${endMs}`), countOf('volumeDirty'), countOf('reflag')];
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
      months: rowsOf(derived, 'SELECT * FROM volumeMonth'),
      versions: rowsOf(derived, 'SELECT * FROM version'),
      pins: rowsOf(derived, 'SELECT * FROM pin'),
      ledger: rowsOf(derived, 'SELECT name, stored, duplicate FROM source'),
    })),
    readings: look('readings.db', (readings) => rowsOf(readings, 'SELECT * FROM reading')),
  };
}

it('gives the same books', { timeout: 120_000 }, async () => {
  service = await startTestService({ env: ENV });
  const { dataDir } = service;
  await fill();
  const refused = await runCommand('rebuild', [], { WK_DATA_DIR: dataDir });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('in use') });
  await eventually('books', () =>
    look('derived.db', (derived) => rowsOf(derived, 'SELECT * FROM volumeHour').length > 80),
  );
  const before = await booksAtRest();
  expect(before.hours.length).toBeGreaterThan(200);
  expect(before.days.length).toBeGreaterThan(8);
  expect(before.versions.length).toBeGreaterThan(12);
  expect(before.months.length).toBeGreaterThan(1);

  const done = await runCommand('rebuild', [], { WK_DATA_DIR: dataDir });
  expect(done, done.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('2 meters') });
  look('derived.db', (derived) => {
    for (const table of ['hourStat', 'dayStat', 'volumeHour', 'volumeMonth']) {
      expect(rowsOf(derived, `SELECT * FROM ${table}`), table).toEqual([]);
    }
    expect(rowsOf(derived, 'SELECT DISTINCT series, hourMs FROM dirtyHour').length).toBeGreaterThanOrEqual(
      before.hours.length,
    );
  });

  service = await startTestService({ dataDir, env: ENV });
  await eventually('books again', () =>
    look('derived.db', (derived) => rowsOf(derived, 'SELECT * FROM volumeMonth').length > 1),
  );
  expect(await booksAtRest()).toEqual(before);
});
