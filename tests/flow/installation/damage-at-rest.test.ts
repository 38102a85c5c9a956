/**
 * One bit flipped in a row of the books, in a reading and in a batch of the journal while the service is stopped
 * (docs/decisions/0024, 0023): what is asked, told, found by `npm run verify` and cured by `npm run rebuild`.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, it } from 'vitest';
import { placesOf, seqAt } from '#journal/format.ts';
import { SqliteReadings } from '#readings/sqlite-store.ts';
import { openReadOnly } from '#src/sqlite.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn', WK_ALLOWED_LATENESS: 'PT1M' };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MESSAGES = 48;
const baseMs = Math.floor(Date.now() / HOUR) * HOUR - 6 * HOUR;
const timeOf = (n: number) => baseMs + n * 5 * MINUTE;
/** Of a reading whose hour stays open, so that it stands in a row of its own; it is the first that comes. */
const openMs = Math.floor(Date.now() / MINUTE) * MINUTE + 5 * MINUTE;
const OPEN_VALUE = 8.25;
const phOf = (n: number) => 7 + n / 100;
let service: TestService;
afterEach(() => service?.remove());

const at = (ms: number) => new Date(ms).toISOString();

async function ask<T>(path: string): Promise<T> {
  const { status, body } = await service.call<T>('GET', path);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

function edit(name: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(service.dataDir, name));
  work(database);
  database.close();
}

/** The lowest bit of a stored double. */
function flipDouble(name: string, table: string, column: string, where: string): void {
  edit(name, (database) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(Number(database.prepare(`SELECT ${column} AS cell FROM ${table} WHERE ${where}`).get()!.cell));
    bytes[7]! ^= 1;
    const { changes } = database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(bytes.readDoubleBE(0));
    expect(changes).toBe(1);
  });
}

/** @returns the entry that brought this reading. */
async function seqOf(timeMs: number): Promise<number> {
  const readings = new SqliteReadings(join(service.dataDir, 'readings.db'), { readOnly: true });
  const [found] = await readings.at([{ series: 1, timeMs }]);
  await readings.close();
  return found!.seq!;
}

/** Its hours are closed: all of them stand in one block. */
function flipInBlock(): void {
  edit('readings.db', (readings) => {
    const { body } = readings.prepare('SELECT body FROM block').get() as { body: Uint8Array };
    body[20]! ^= 2;
    readings.prepare('UPDATE block SET body = ?').run(body);
  });
}

function rowsLeft(): number {
  const readings = openReadOnly(join(service.dataDir, 'readings.db'));
  const { count } = readings.prepare('SELECT count(*) AS count FROM reading').get() as { count: number };
  readings.close();
  return count;
}

function flipEntry(seq: number): void {
  edit('journal.db', (journal) => {
    const row = journal
      .prepare('SELECT firstSeq, body FROM batch WHERE firstSeq <= ? ORDER BY firstSeq DESC')
      .get(seq) as { firstSeq: number; body: Uint8Array };
    const body = Buffer.from(row.body);
    const place = placesOf(body).find((one) => seqAt(body, one) === seq)!;
    body[place + 40]! ^= 8;
    journal.prepare('UPDATE batch SET body = ? WHERE firstSeq = ?').run(body, row.firstSeq);
  });
}

const trends = (hour: number) =>
  service.call<{ code?: string; items: { count: number; mean: number }[] }>(
    'GET',
    `/trends?station=s&parameter=ph&from=${at(baseMs + hour * HOUR)}&to=${at(baseMs + (hour + 1) * HOUR)}&interval=PT1H`,
  );
const readings = () =>
  ask<{ items: { time: string; value: number | null; flag: number }[] }>(
    `/series/s/ph/readings?from=${at(baseMs)}&to=${at(baseMs + 6 * HOUR)}&limit=1000`,
  );
const openReading = async () =>
  (
    await ask<{ items: { value: number | null; flag: number }[] }>(
      `/series/s/ph/readings?from=${at(openMs)}&to=${at(openMs + 1)}`,
    )
  ).items[0];
const alarm = (condition: string) =>
  eventually(`the alarm ${condition}`, async () => {
    const { items } = await ask<{ items: { parameter: string; detail: string }[] }>('/alarms?station=_platform');
    return items.find(({ parameter }) => parameter === condition);
  });
const ledger = () => ask<Record<'received' | 'stored' | 'pending', number>>('/gateways/gw/ledger');

async function verify(): Promise<{ code: number | null; codes: string[]; stdout: string }> {
  const { code, stdout } = await runCommand('verify', [service.dataDir]);
  return { code, codes: [...stdout.matchAll(/^([a-z]+\.[a-z]+): /gm)].map(([, found]) => found!), stdout };
}

async function filled(): Promise<void> {
  service = await startTestService({ env: ENV });
  const station = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river' };
  await service.call('PUT', '/stations/s', { ...station, parameters: [{ id: 'ph', interval: 'PT5M' }] });
  const password = await service.gateway('gw', ['s']);
  const basic = { authorization: `Basic ${Buffer.from(`gw:${password}`).toString('base64')}` };
  for (let n = -1; n < MESSAGES; n++) {
    const sample = n < 0 ? { time: openMs, values: { ph: OPEN_VALUE } } : { time: timeOf(n), values: { ph: phOf(n) } };
    const samples = [{ station: 's', ...sample }];
    expect((await service.call('POST', '/readings', { samples }, basic)).status).toBe(202);
  }
  await eventually('final flags and statistics', async () => {
    const [found, { items }] = await Promise.all([Promise.all([0, 1, 2, 3].map(trends)), readings()]);
    return found.every(({ body }) => body.items[0]?.count === 12) && items.every(({ flag }) => flag === 1 || flag > 2);
  });
}

it('a flipped bit is told, found and, where it is of what is derived, cured', { timeout: 120_000 }, async () => {
  await filled();
  await eventually('blocks of the closed hours', () => rowsLeft() === 1);
  await service.end();
  const sound = await verify();
  expect(sound, sound.stdout).toMatchObject({ code: 0, codes: [] });
  const badSeq = await seqOf(timeOf(30));
  flipDouble('derived.db', 'hourStat', 'sum', `hourMs = ${baseMs + HOUR}`);
  flipInBlock();
  flipDouble('readings.db', 'reading', 'value', `timeMs = ${openMs}`);
  flipEntry(badSeq);
  const before = await verify();
  expect(before, before.stdout).toMatchObject({
    code: 1,
    codes: expect.arrayContaining(['books.damaged', 'reading.damaged', 'journal.hash', 'journal.entry']),
  });
  expect(before.stdout).toContain(`hourStat of series 1 at ${at(baseMs + HOUR)}`);
  expect(before.stdout).toContain(`series 1 at ${at(timeOf(0))}, of entry ${await seqOf(timeOf(0))}`);
  expect(before.stdout).toContain(`series 1 at ${at(openMs)}, of entry ${await seqOf(openMs)}`);
  expect(before.stdout).toContain(`entries ${badSeq} to ${badSeq} can't be read`);

  service = await startTestService({ dataDir: service.dataDir, env: ENV });
  expect(await trends(1)).toMatchObject({ status: 500, body: { code: 'books.damaged' } });
  expect(await trends(0)).toMatchObject({ status: 200 });
  expect(await openReading()).toMatchObject({ value: null, flag: 9 });
  // Of a block it can be told which bit it was.
  expect((await readings()).items[5]).toMatchObject({ time: at(timeOf(5)), value: phOf(5) });
  expect((await alarm('books.damaged')).detail).toContain(`hourStat of series 1 at ${at(baseMs + HOUR)}`);
  expect((await alarm('readings.damaged')).detail).toContain(`series 1 at ${at(timeOf(0))} in readings.db`);
  for (const condition of ['books.damaged', 'readings.damaged'])
    expect((await alarm(condition)).detail).toMatch(/What to do: .*run npm run rebuild/);
  await service.end();

  const rebuilt = await runCommand('rebuild', [], { ...ENV, WK_DATA_DIR: service.dataDir });
  expect(rebuilt, rebuilt.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('2 damaged readings') });
  service = await startTestService({ dataDir: service.dataDir, env: ENV });
  await eventually('the reading and its hour', async () => {
    const [{ items }, { status, body }] = await Promise.all([readings(), trends(1)]);
    const { value } = (await openReading())!;
    return value === OPEN_VALUE && items[5]?.value === phOf(5) && status === 200 && body.items[0]?.count === 12;
  });
  // Writing again came to the damaged batch: it is told, and what is stored of it counts as stored.
  expect((await alarm('journal.damaged')).detail).toContain(`entry ${badSeq}`);
  expect(await ledger()).toMatchObject({ received: MESSAGES + 1, stored: MESSAGES + 1, pending: 0 });
  expect((await readings()).items).toHaveLength(MESSAGES);
  await service.end();
  const after = await verify();
  expect(new Set(after.codes), after.stdout).toEqual(new Set(['journal.hash', 'journal.entry']));
});
