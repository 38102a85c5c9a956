/**
 * A real day of sonde data through the real service: replayed over MQTT by `npm run replay`'s own script in order,
 * shuffled within two hours, and with every row doubled. Hourly trends must be the same, and equal to what is
 * computed here from the file with the service's final flags.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FILE = '../shared/data/lro/MainStreet2019.csv';
const TOKEN = 'replay-test-token-0123456789';
const MAP = 'temp=temp,cond=ec,ph=ph,do=do,turb=turbidity,stage=level';
const COLUMNS = { temp: 'temp', cond: 'ec', ph: 'ph', do: 'do', turb: 'turbidity' } as const;
const HOUR_MS = 3_600_000;
const FROM = '2019-03-02T07:00:00Z';
const TO = '2019-03-03T07:00:00Z';

let directory: string;
let service: ChildProcess;
let origin: string;
let url: string;

async function until<T>(what: string, probe: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const found = await probe();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`waited 20 s for ${what}`);
}

async function api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(`${origin}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect(response.ok, `${method} ${path}: ${response.status} ${text}`).toBe(true);
  return JSON.parse(text) as Record<string, unknown>;
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}
function replay(...args: string[]): Promise<Outcome> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['seeds/replay.ts', ...args, '--url', url, '--api', origin],
      { env: { ...process.env, WK_DATA_DIR: directory, WK_ADMIN_TOKEN: TOKEN } },
      (error, stdout, stderr) => done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

/** The day's lines of the file, its header first. */
function day(): { header: string; rows: string[] } {
  const [header, ...rows] = readFileSync(FILE, 'utf8').trim().split('\n');
  return { header: header!, rows: rows.filter((row) => row.startsWith('2019-03-02 ')) };
}

/** Every row moves by less than two hours: within blocks of eight quarter hours, by a fixed permutation. */
function shuffled(rows: readonly string[]): string[] {
  const order = [5, 2, 7, 0, 3, 6, 1, 4];
  return Array.from({ length: Math.ceil(rows.length / 8) }, (_, block) =>
    order.flatMap((i) => rows[block * 8 + i] ?? []),
  ).flat();
}

async function replayed(station: string, header: string, rows: readonly string[]): Promise<Outcome> {
  const parameters = ['temp', 'ec', 'ph', 'do', 'turbidity', 'level'].map((id) => ({ id, interval: 'PT15M' }));
  await api('PUT', `/stations/${station}`, {
    name: { zh: station, en: station },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    area: 'logan',
    parameters,
  });
  const file = join(directory, `${station}.csv`);
  writeFileSync(file, `${[header, ...rows].join('\n')}\n`);
  const outcome = await replay(
    file,
    '--station',
    station,
    '--gateway',
    `gw-${station}`,
    '--map',
    MAP,
    '--units',
    'stage=cm',
    '--tz',
    '-07:00',
    '--missing',
    '-9999,NULL',
  );
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome;
}

interface Bucket {
  start: string;
  count: number;
  valid: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  provisional?: boolean;
}
async function hourly(station: string, parameter: string, count: number): Promise<Bucket[]> {
  return until(`${count} final readings of ${station} ${parameter}`, async () => {
    const answer = await api(
      'GET',
      `/trends?station=${station}&parameter=${parameter}&from=${FROM}&to=${TO}&interval=PT1H&tz=UTC`,
    );
    const items = answer.items as Bucket[];
    const known = items.reduce((total, item) => total + item.count, 0);
    return known === count && items.every((item) => item.provisional !== true) ? items : undefined;
  });
}

describe.skipIf(!existsSync(FILE))('a day of the Logan River, replayed (skipped where the file is not at hand)', () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wk-replay-'));
    service = spawn(process.execPath, ['src/main.ts'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        WK_DATA_DIR: directory,
        WK_SEEDS: 'none',
        WK_HTTP_PORT: '0',
        WK_MQTT_PORT: '0',
        WK_ADMIN_TOKEN: TOKEN,
        WK_LOG_LEVEL: 'error',
      },
    });
    const port = (name: string) =>
      until(name, () =>
        existsSync(join(directory, name)) ? readFileSync(join(directory, name), 'utf8').trim() : undefined,
      );
    origin = `http://127.0.0.1:${await port('http.port')}`;
    url = `mqtt://127.0.0.1:${await port('mqtt.port')}`;
    await until('readyz', () =>
      fetch(`${origin}/readyz`).then(
        (response) => response.ok || undefined,
        () => undefined,
      ),
    );
  });
  afterAll(async () => {
    const ended = new Promise((done) => service.once('exit', done));
    service.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true });
  });

  it('gives the same hourly trends in order, shuffled and doubled, equal to the file computed apart', async () => {
    const { header, rows } = day();
    expect(rows).toHaveLength(96);
    const ordered = await replayed('in-order', header, rows);
    expect(ordered.stdout).toMatch(/96 rows, 576 values, 0 missing, 0 faults, 576 acknowledged/);
    await replayed('shuffled', header, shuffled(rows));
    await replayed(
      'doubled',
      header,
      rows.flatMap((row) => [row, row]),
    );

    const names = header.split(',');
    for (const [column, parameter] of Object.entries(COLUMNS)) {
      const expected = await hourly('in-order', parameter, 96);
      expect(await hourly('shuffled', parameter, 96), parameter).toEqual(expected);
      expect(await hourly('doubled', parameter, 96), parameter).toEqual(expected);

      const answer = await api('GET', `/series/in-order/${parameter}/readings?from=${FROM}&to=${TO}&limit=1000`);
      const flags = new Map(
        (answer.items as { time: string; flag: number }[]).map((item) => [Date.parse(item.time), item.flag]),
      );
      for (const bucket of expected) {
        const startMs = Date.parse(bucket.start);
        const cells = rows.map((row) => row.split(','));
        const inHour = cells
          .map((cell) => ({
            timeMs: Date.parse(`${cell[0]!.replace(' ', 'T')}:00-07:00`),
            value: Number(cell[names.indexOf(column)]),
          }))
          .filter(({ timeMs }) => timeMs >= startMs && timeMs < startMs + HOUR_MS);
        const valid = inHour.filter(({ timeMs }) => [1, 2].includes(flags.get(timeMs)!)).map(({ value }) => value);
        expect(bucket).toMatchObject({ count: inHour.length, valid: valid.length });
        if (valid.length === 0) continue;
        const average = (list: number[]) => list.reduce((total, value) => total + value, 0) / list.length;
        const mean = parameter === 'ph' ? -Math.log10(average(valid.map((value) => 10 ** -value))) : average(valid);
        expect(bucket.mean, `${parameter} ${bucket.start}`).toBeCloseTo(mean, 9);
        expect([bucket.min, bucket.max]).toEqual([Math.min(...valid), Math.max(...valid)]);
      }
    }
  });

  it('keeps a ledger that adds up, and counts what came twice as duplicates', async () => {
    const ledger = await until('a settled ledger', async () => {
      const answer = await api('GET', '/gateways/gw-doubled/ledger');
      return answer.pending === 0 ? answer : undefined;
    });
    expect(ledger).toMatchObject({ received: 1152, stored: 576, duplicate: 576, quarantined: 0 });
  });

  it('says what is wrong with a call, and with a password', async () => {
    const { header, rows } = day();
    const file = join(directory, 'bad.csv');
    writeFileSync(file, `${header}\n${rows[0]}\nyesterday${rows[1]!.slice(16)}\n`);
    const common = [file, '--station', 'in-order', '--gateway', 'gw-in-order', '--tz', '-07:00'];
    expect(await replay(...common, '--map', 'warmth=temp')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no column "warmth"'),
    });
    expect(await replay(file, '--station', 'in-order')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--gateway'),
    });
    expect(await replay(...common, '--map', 'temp=temp', '--password', 'wrong')).toMatchObject({ code: 1 });
    const partly = await replay(...common, '--map', 'temp=temp');
    expect(partly).toMatchObject({ code: 3, stderr: expect.stringContaining('line 3: "yesterday" is no time') });
    expect(partly.stdout).toMatch(/2 rows, 1 values, 0 missing, 1 faults, 1 acknowledged/);
  });
});
