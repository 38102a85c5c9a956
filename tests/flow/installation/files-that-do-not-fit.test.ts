/**
 * Files that have lost what others passed (docs/decisions/0022), on the real process: 3,000 messages, SIGKILL, one file damaged,
 * and a start that must not skip what is acknowledged after it, or say that all is well.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyJournal } from '#journal/verify.ts';
import { openReadings } from '#readings/sqlite-store.ts';
import { openReadOnly } from '#src/sqlite.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { refusedStart } from '#tests/helpers/start-refused.ts';

const MESSAGES = 3000;
const WINDOW = 100;
const STEP_MS = 1000;
const HOUR_MS = 3_600_000;
const STATION = {
  name: { zh: '断面', en: 'Section' },
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  area: 'henan',
  parameters: [{ id: 'nh3n' }],
};
const baseMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 5 * HOUR_MS;
const full = mkdtempSync(join(tmpdir(), 'wk-fit-full-'));
/** The journal as it was half way. */
const half = mkdtempSync(join(tmpdir(), 'wk-fit-half-'));
const copies: string[] = [];

interface Ledger {
  received: number;
  stored: number;
  duplicate: number;
  quarantined: number;
  pending: number;
}

const ledger = (service: TestService) => asked<Ledger>(service, '/gateways/gw/ledger');

async function publish(service: TestService, from: number, to: number): Promise<void> {
  const password = await service.gateway('gw', ['s']);
  const client = await service.connect('gw', password);
  let next = from;
  const lane = async () => {
    while (next < to) {
      const message = next++;
      const values = { ph: 7 + (message % 10) / 10, do: 8, turbidity: 1 + (message % 7) };
      const samples = [{ station: 's', time: baseMs + message * STEP_MS, values }];
      await client.publishAsync('wk/v1/gw/readings', JSON.stringify({ seq: message, samples }), { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, lane));
  await eventually(`${to * 3} stored`, async () => (await ledger(service)).stored === to * 3);
}

beforeAll(async () => {
  const first = await startTestService({ dataDir: full });
  await first.call('PUT', '/stations/s', STATION);
  await publish(first, 0, MESSAGES / 2);
  await first.end('SIGKILL');
  cpSync(full, half, { recursive: true });
  const second = await startTestService({ dataDir: full });
  await publish(second, MESSAGES / 2, MESSAGES);
  await second.end('SIGKILL');
}, 180_000);

afterAll(() => {
  for (const path of [full, half, ...copies]) rmSync(path, { recursive: true, force: true });
});

/** A copy of the whole directory with something done to it. */
function damaged(damage: (at: (name: string) => string) => void): string {
  const copy = mkdtempSync(join(tmpdir(), 'wk-fit-'));
  copies.push(copy);
  cpSync(full, copy, { recursive: true });
  damage((name) => join(copy, name));
  return copy;
}

const gone = (path: string) => rmSync(path);
/** Nothing of it stands in its log alone. */
function writtenBack(path: string): void {
  const database = openReadings(path);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
const halved = (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2));
function flipped(path: string): void {
  const bytes = readFileSync(path);
  bytes[Math.floor(bytes.length / 3)]! ^= 4;
  writeFileSync(path, bytes);
}

/** What a question is answered with once the service, on a busy machine, gets to it. */
function asked<T>(service: TestService, path: string): Promise<T> {
  return eventually(`an answer to ${path}`, async () => {
    const { status, body } = await service.call<T>('GET', path);
    return status === 200 ? body : null;
  });
}

async function readingsOf(service: TestService, parameter: string): Promise<number> {
  let count = 0;
  for (let cursor = ''; ; ) {
    const range = `from=${new Date(baseMs).toISOString()}&to=${new Date(baseMs + 24 * HOUR_MS).toISOString()}`;
    const body = await asked<{ items: unknown[]; next: string | null }>(
      service,
      `/series/s/${parameter}/readings?${range}&limit=10000${cursor}`,
    );
    count += body.items.length;
    if (body.next === null) return count;
    cursor = `&cursor=${encodeURIComponent(body.next)}`;
  }
}

/** What is acknowledged after the start is stored, listed, counted and judged. */
async function worksOn(service: TestService, stored: number): Promise<void> {
  const before = await readingsOf(service, 'nh3n');
  for (let n = 0; n < 40; n++) {
    const samples = [{ station: 's', time: baseMs + n * 60_000, values: { nh3n: 0.9 } }];
    const { status } = await service.call('POST', '/readings', { samples });
    expect(status).toBe(202);
  }
  await eventually('40 readings listed', async () => (await readingsOf(service, 'nh3n')) === before + 40);
  await eventually('the statistics of their hour', async () => {
    const range = `from=${new Date(baseMs).toISOString()}&to=${new Date(baseMs + HOUR_MS).toISOString()}`;
    const body = await asked<{ items: { count: number; mean: number }[] }>(
      service,
      `/trends?station=s&parameter=nh3n&${range}&interval=PT1H`,
    );
    return body.items[0]?.count === 40 && Math.abs(body.items[0].mean - 0.9) < 1e-9;
  });
  await eventually('the alarm for NH3-N 0.9 against 0.5', async () => {
    const body = await asked<{ items: { parameter: string; value: number; limit: number }[] }>(
      service,
      '/alarms?station=s',
    );
    return body.items.some(({ parameter, value, limit }) => parameter === 'nh3n' && value === 0.9 && limit === 0.5);
  });
  const counts = await ledger(service);
  expect(counts.received).toBe(counts.stored + counts.duplicate + counts.quarantined + counts.pending);
  expect(counts).toMatchObject({ received: MESSAGES * 3, stored, pending: MESSAGES * 3 - stored });
}

async function platformDetail(service: TestService, condition: string): Promise<string> {
  return eventually(`the alarm ${condition}`, async () => {
    const body = await asked<{ items: { parameter: string; detail: string }[] }>(service, '/alarms?station=_platform');
    return body.items.find(({ parameter }) => parameter === condition)?.detail;
  });
}

/** The chain is whole, and its only break stands for what is lost. */
function chainSays(service: TestService, firstSeq: number, lastSeq: number): void {
  const journal = openReadOnly(join(service.dataDir, 'journal.db'));
  try {
    expect([...verifyJournal(journal)]).toEqual([]);
    const breaks = journal.prepare('SELECT firstSeq, lastSeq, body FROM batch WHERE kind = 2').all();
    expect(breaks).toMatchObject([{ firstSeq, lastSeq }]);
    const told = JSON.parse(Buffer.from(breaks[0]!.body as Uint8Array).toString()) as unknown;
    expect(told).toMatchObject({ condition: 'journal.lost', firstSeq, lastSeq });
  } finally {
    journal.close();
  }
}

async function started(dataDir: string, then: (service: TestService) => Promise<void>): Promise<void> {
  const service = await startTestService({ dataDir });
  try {
    await then(service);
    expect((await service.end()).code).toBe(0);
    // Mended: nothing is found by who looks afterwards.
    expect(await verify(dataDir)).toMatchObject({ code: 0, stdout: expect.stringContaining('sound / 完好') });
  } finally {
    await service.end('SIGKILL');
  }
}

const verify = (dataDir: string) => runCommand('verify', [dataDir]);

/** What `npm run verify` says before a start mends it. */
async function found(dataDir: string, ...lines: string[]): Promise<string> {
  const { code, stdout } = await verify(dataDir);
  expect(code, stdout).toBe(1);
  for (const line of lines) expect(stdout).toContain(line);
  return dataDir;
}

async function refused(dataDir: string, ...words: string[]): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const { code, output } = await refusedStart({ WK_DATA_DIR: dataDir, WK_ADMIN_TOKEN: ADMIN });
    expect(code).toBe(1);
    for (const word of words) expect(output).toContain(word);
  }
}

describe('a journal that ends before what its followers have passed', { timeout: 120_000 }, () => {
  const CASES: [string, (at: (name: string) => string) => void][] = [
    ['journal.db-wal halved', (at) => halved(at('journal.db-wal'))],
    ['one bit of journal.db-wal flipped', (at) => flipped(at('journal.db-wal'))],
    ['journal.db-wal deleted', (at) => gone(at('journal.db-wal'))],
    [
      'an older journal.db put back',
      (at) => {
        for (const name of ['journal.db', 'journal.db-wal']) cpSync(join(half, name), at(name));
        gone(at('journal.db-shm'));
      },
    ],
  ];

  it.each(CASES)('goes on above it: %s', async (_, damage) => {
    await started(await found(damaged(damage), 'files.lost: journal.db: '), async (service) => {
      const detail = await platformDetail(service, 'journal.lost');
      const [, from, to] = /entries (\d+) to (\d+), received until/.exec(detail) ?? [];
      expect(Number(to)).toBeGreaterThanOrEqual(MESSAGES);
      expect(Number(from)).toBeLessThan(Number(to));
      expect(detail).toMatch(/of them had settled \d+ values \(gw \d+\); no stored reading is gone/);
      expect(await readingsOf(service, 'ph')).toBe(MESSAGES);
      await worksOn(service, MESSAGES * 3);
      chainSays(service, Number(from), Number(to));
    });
  });

  it('is not begun anew beside the others: journal.db deleted, or emptied', async () => {
    const all = (at: (name: string) => string) => ['journal.db', 'journal.db-wal', 'journal.db-shm'].map(at);
    const without = damaged((at) => {
      for (const path of all(at)) gone(path);
    });
    await found(without, 'file.missing: journal.db: it is not there');
    await refused(without, 'journal.db is missing or empty', 'npm run restore');
    await refused(
      damaged((at) => {
        writeFileSync(at('journal.db'), '');
      }),
      'journal.db is missing or empty',
    );
  });
});

describe('a reading store that is behind what was written to it', { timeout: 120_000 }, () => {
  const CASES: [string, (at: (name: string) => string) => void][] = [
    ['readings.db deleted', (at) => gone(at('readings.db'))],
    ['readings.db emptied', (at) => writeFileSync(at('readings.db'), '')],
    ['readings.db-wal deleted', (at) => gone(at('readings.db-wal'))],
    ['readings.db-wal halved', (at) => halved(at('readings.db-wal'))],
    ['one bit of readings.db-wal flipped', (at) => flipped(at('readings.db-wal'))],
  ];

  it.each(CASES)('is written again from the journal: %s', async (_, damage) => {
    await started(await found(damaged(damage), ': readings.db: '), async (service) => {
      expect(await platformDetail(service, 'readings.lost')).toContain('no stored reading is gone');
      for (const parameter of ['ph', 'do', 'turbidity'])
        await eventually('all readings', async () => (await readingsOf(service, parameter)) === MESSAGES);
      await worksOn(service, MESSAGES * 3);
    });
  });

  it('is refused when it is cut: nothing says what the rest is worth', async () => {
    await refused(
      damaged((at) => {
        writtenBack(at('readings.db'));
        halved(at('readings.db'));
      }),
      'readings.db',
      'damaged',
    );
  });

  it('has all of it when it is cut and its log still holds what was cut off, or is refused', async () => {
    const dataDir = damaged((at) => halved(at('readings.db')));
    const service = await startTestService({ dataDir }).catch((error: Error) => {
      expect(error.message).toMatch(/readings\.db .*damaged/);
    });
    if (!service) return;
    try {
      for (const parameter of ['ph', 'do', 'turbidity']) expect(await readingsOf(service, parameter)).toBe(MESSAGES);
      await worksOn(service, MESSAGES * 3);
    } finally {
      await service.end('SIGKILL');
    }
  });
});

it('says what is gone from both: journal.db-wal and readings.db-wal deleted', { timeout: 120_000 }, async () => {
  const dataDir = damaged((at) => {
    gone(at('journal.db-wal'));
    gone(at('readings.db-wal'));
  });
  await started(dataDir, async (service) => {
    const detail = await platformDetail(service, 'readings.lost');
    const [, values] = /gone are the readings of entries \d+ .+ to \d+ .+: (\d+) values \(gw \d+\)/.exec(detail) ?? [];
    expect(Number(values)).toBeGreaterThan(0);
    const kept = MESSAGES * 3 - Number(values);
    await eventually('what the journal has', async () => {
      const counts = await Promise.all(['ph', 'do', 'turbidity'].map((parameter) => readingsOf(service, parameter)));
      return counts[0]! + counts[1]! + counts[2]! === kept;
    });
    await worksOn(service, kept);
  });
  // Nothing is found twice.
  await started(dataDir, async (service) => expect(service.output()).not.toContain('files.lost'));
});

describe('derived.db', { timeout: 120_000 }, () => {
  it('is refused by its name when it is empty', async () => {
    await refused(
      damaged((at) => writeFileSync(at('derived.db'), '')),
      'derived.db is empty',
    );
  });

  it('is made anew from the whole journal when it was deleted', async () => {
    const dataDir = damaged((at) => {
      for (const name of ['derived.db', 'derived.db-wal', 'derived.db-shm']) gone(at(name));
    });
    await started(dataDir, async (service) => {
      expect(await platformDetail(service, 'derived.lost')).toContain('nothing of the journal is gone');
      await eventually('all is settled again', async () => (await ledger(service)).stored === MESSAGES * 3);
      await worksOn(service, MESSAGES * 3);
    });
  });

  it('of another installation is refused by its name', async () => {
    const strange = mkdtempSync(join(tmpdir(), 'wk-fit-strange-'));
    copies.push(strange);
    const other = await startTestService({ dataDir: strange });
    await other.end();
    await refused(
      damaged((at) => {
        for (const name of ['derived.db-wal', 'derived.db-shm']) gone(at(name));
        cpSync(join(strange, 'derived.db'), at('derived.db'));
      }),
      'derived.db is of another installation',
    );
  });
});
