/**
 * The restore drill: a service under load is backed up, killed, and restored elsewhere. Everything acknowledged before
 * the backup began is there, once; the ledger adds up; statistics and alarms answer. And what restoring refuses.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp } from '#installation/backup.ts';
import { describeFile, readManifest } from '#installation/backup-manifest.ts';
import { restore } from '#installation/restore.ts';
import { systemClock as clock } from '#src/clock.ts';
import { openReadOnly } from '#src/sqlite.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { makeTempDir, tempDir } from '#tests/helpers/temp-dir.ts';

const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' };
const PARAMETERS = ['ph', 'do', 'codmn', 'tp', 'tn'];
const STEP_MS = 1000;
const MESSAGES = 20_000;
const WINDOW = 100;
const BACKUPS = 2;
const HOUR = 3_600_000;

/** Times go to and fro, so that hardly any is newer than the door remembers: the followers have to settle them. */
const slotOf = (message: number) => (message * 7919) % MESSAGES;
const valueAt = (slot: number, parameter: number) => ((slot * 5 + parameter) % 97) / 100 + 6.5;

/** Publishes on until told to stop; every tenth message is one that was sent before, and once all were sent every one is. */
function load(service: TestService, password: string, baseMs: number) {
  const acked = new Set<number>();
  let answered = 0;
  let isStopped = false;
  let next = 0;
  let inFlight = 0;
  const run = async () => {
    const client = await service.connect('gw', password);
    client.on('error', () => {});
    const fill = (): void => {
      while (!isStopped && inFlight < WINDOW) {
        const n = next++;
        const slot = slotOf(n % 10 === 9 ? n - 5 : n);
        const values = Object.fromEntries(PARAMETERS.map((id, index) => [id, valueAt(slot, index)]));
        const payload = JSON.stringify({ samples: [{ station: 's', time: baseMs + slot * STEP_MS, values }] });
        inFlight++;
        client.publish('wk/v1/gw/readings', payload, { qos: 1 }, (error) => {
          inFlight--;
          if (error) return;
          acked.add(slot);
          answered++;
          fill();
        });
      }
    };
    fill();
  };
  return { acked, answered: () => answered, run, stop: () => (isStopped = true) };
}

interface Page {
  items: { time: string; value: number }[];
  next: string | null;
}

/** Slot → value of a parameter, as the service tells it. */
async function storedOf(service: TestService, parameter: string, baseMs: number): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  const range = `from=${new Date(baseMs).toISOString()}&to=${new Date(baseMs + MESSAGES * STEP_MS).toISOString()}`;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const path = `/series/s/${parameter}/readings?${range}&limit=10000${more}`;
    const page: Page = (await service.call<Page>('GET', path)).body;
    for (const { time, value } of page.items) found.set((Date.parse(time) - baseMs) / STEP_MS, value);
    cursor = page.next;
  }
  return found;
}

it('brings back everything that was acknowledged before the backup began', async () => {
  const { path, remove } = makeTempDir();
  const service = await startTestService({ env: ENV });
  try {
    const names = { zh: '断面', en: 'Section' };
    const station = { name: names, kind: 'river-section', waterBody: 'river', target: 'II', parameters: [] };
    await service.call('PUT', '/stations/s', station);
    await service.call('PUT', '/rules/r', { kind: 'class', select: {}, severity: 'major', parameters: ['nh3n'] });
    await service.call('POST', '/readings', { station: 's', time: Date.now(), values: { nh3n: 0.9 } });
    const alarms = async (of: TestService) =>
      (await of.call<{ items: { id: string; state: string }[] }>('GET', '/alarms?rule=r')).body.items;
    await eventually('the alarm', async () => (await alarms(service)).length === 1);
    const [alarm] = await alarms(service);
    const password = await service.gateway('gw', ['s']);
    const baseMs = Math.floor(Date.now() / HOUR) * HOUR - 30 * HOUR;
    const traffic = load(service, password, baseMs);
    await traffic.run();

    const before: number[][] = [];
    let answeredBefore = 0;
    for (let n = 0; n < BACKUPS; n++) {
      const least = traffic.answered() + 300;
      await eventually('load', () => traffic.answered() >= least);
      before.push([...traffic.acked]);
      answeredBefore = traffic.answered();
      const made = await runCommand('backup', [join(path, `backup-${n}`)], { WK_DATA_DIR: service.dataDir });
      expect(made, made.stderr).toMatchObject({ code: 0 });
    }
    expect(traffic.answered(), 'still under load at the last backup').toBeGreaterThan(answeredBefore);
    traffic.stop();
    await service.end('SIGKILL');

    for (const [n, acked] of before.entries()) {
      const dataDir = join(path, `restored-${n}`);
      const done = await runCommand('restore', [join(path, `backup-${n}`)], { WK_DATA_DIR: dataDir });
      expect(done, done.stderr).toMatchObject({ code: 0 });
      const restored = await startTestService({ dataDir, env: ENV });
      try {
        const ledger = await eventually('an empty pending', async () => {
          const { body } = await restored.call<Record<string, number>>('GET', '/gateways/gw/ledger');
          return body.pending === 0 ? body : null;
        });
        expect(ledger.received).toBe(ledger.stored! + ledger.duplicate! + ledger.quarantined!);
        let stored = 0;
        for (const [index, parameter] of PARAMETERS.entries()) {
          const found = await storedOf(restored, parameter, baseMs);
          expect(acked.filter((slot) => found.get(slot) !== valueAt(slot, index))).toEqual([]);
          stored += found.size;
          // Books and readings agree on every hour, once the books have come as far: the ledger says nothing of them.
          const path = `/trends?station=s&parameter=${parameter}&interval=PT1H&from=${new Date(baseMs).toISOString()}&to=${new Date(baseMs + 6 * HOUR).toISOString()}`;
          const counted = async () => {
            const { body } = await restored.call<{ items: { count: number }[] }>('GET', path);
            return body.items.reduce((sum, { count }) => sum + count, 0);
          };
          await eventually('no fewer in the books', async () => (await counted()) >= found.size);
          expect(await counted()).toBe(found.size);
        }
        // A reading that was settled twice would be a duplicate of itself.
        expect(ledger.stored).toBe(stored);
        expect(await alarms(restored)).toMatchObject([{ id: alarm!.id, state: 'raised' }]);
        // The gateway's password came along, and what it sends again is known.
        await (await restored.connect('gw', password)).endAsync();
      } finally {
        await restored.remove();
      }
    }
  } finally {
    await service.remove();
    remove();
  }
});

/** Of the journal in this directory. */
function newestEntry(directory: string): unknown {
  const journal = openReadOnly(join(directory, 'journal.db'));
  try {
    return journal.prepare('SELECT * FROM batch ORDER BY firstSeq DESC LIMIT 1').get();
  } finally {
    journal.close();
  }
}

describe('restoring', () => {
  const directory = makeTempDir();
  const backup = join(directory.path, 'backup');
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({ env: { ...ENV, WK_ADMIN_TOKEN: '' } });
    await backUp(service.dataDir, backup, clock);
  });
  afterAll(async () => {
    await service?.remove();
    directory.remove();
  });

  /** A copy of the backup that may be spoilt. */
  async function ownBackup(): Promise<string> {
    const path = join(tempDir(), 'backup');
    await backUp(service.dataDir, path, clock);
    return path;
  }

  it('is from files that nobody else may read, the secrets among them', () => {
    expect(readdirSync(backup).toSorted()).toEqual(
      ['admin.token', 'backup.json', 'derived.db', 'installation.key', 'journal.db', 'readings.db'].toSorted(),
    );
    for (const name of readdirSync(backup)) expect(statSync(join(backup, name)).mode & 0o777, name).toBe(0o600);
    expect(statSync(backup).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(backup, 'admin.token'), 'utf8')).toBe(
      readFileSync(join(service.dataDir, 'admin.token'), 'utf8'),
    );
  });

  it('is the same whether the service runs or has ended', async () => {
    const dataDir = join(tempDir(), 'data');
    await restore({ backup, dataDir, force: false, clock });
    const again = join(tempDir(), 'backup');
    const { headSeq, cursors } = await backUp(dataDir, again, clock);
    expect({ headSeq, cursors }).toMatchObject({ headSeq: readManifest(backup).headSeq });
    expect(cursors).toEqual(readManifest(backup).cursors);
    await restore({ backup: again, dataDir: join(tempDir(), 'data'), force: false, clock });
  });

  it('never overwrites a backup', async () => {
    const again = await runCommand('backup', [backup], { WK_DATA_DIR: service.dataDir });
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("isn't empty") });
    await expect(backUp(join(directory.path, 'nothing'), join(directory.path, 'b'), clock)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('refuses the directory of a running service, forced or not', async () => {
    for (const args of [[backup], [backup, '--force']]) {
      const refused = await runCommand('restore', args, { WK_DATA_DIR: service.dataDir });
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('in use') });
    }
    expect((await service.call('GET', '/healthz')).status).toBe(200);
  });

  it('refuses a directory that holds something; forced, it moves an installation aside', async () => {
    const dataDir = tempDir();
    writeFileSync(join(dataDir, 'journal.db'), 'of an installation before');
    writeFileSync(join(dataDir, 'journal.db-wal'), 'and its log');
    writeFileSync(join(dataDir, 'notes.txt'), 'not ours');
    await expect(restore({ backup, dataDir, force: false, clock })).rejects.toMatchObject({ code: 'state.conflict' });
    expect(readFileSync(join(dataDir, 'journal.db'), 'utf8')).toBe('of an installation before');
    const { replacedInto } = await restore({ backup, dataDir, force: true, clock });
    expect(readdirSync(replacedInto!).toSorted()).toEqual(['journal.db', 'journal.db-wal']);
    expect(existsSync(join(dataDir, 'journal.db-wal'))).toBe(false);
    expect(newestEntry(dataDir)).toEqual(newestEntry(backup));
    expect(readFileSync(join(dataDir, 'notes.txt'), 'utf8')).toBe('not ours');
  });

  it('is not in the way of a backup that lies in the data directory', async () => {
    const dataDir = tempDir();
    mkdirSync(join(dataDir, 'backups'));
    const inside = join(dataDir, 'backups/1');
    await backUp(service.dataDir, inside, clock);
    expect(await restore({ backup: inside, dataDir, force: false, clock })).toMatchObject({ replacedInto: null });
    expect(existsSync(join(inside, 'journal.db'))).toBe(true);
  });

  describe('of readings in InfluxDB', () => {
    /** The data directory of an installation that keeps its readings there. */
    async function withoutReadings(): Promise<string> {
      const dataDir = join(tempDir(), 'data');
      await restore({ backup, dataDir, force: false, clock });
      rmSync(join(dataDir, 'readings.db'));
      return dataDir;
    }

    it('needs no readings.db, and puts back what there was', async () => {
      const dataDir = await withoutReadings();
      const own = join(tempDir(), 'backup');
      const manifest = await backUp(dataDir, own, clock, 'influxdb');
      expect(manifest).toMatchObject({ readingsIn: 'influxdb', cursors: readManifest(backup).cursors });
      expect(readdirSync(own)).not.toContain('readings.db');
      const restored = join(tempDir(), 'data');
      await restore({ backup: own, dataDir: restored, force: false, clock, readingsIn: 'influxdb' });
      // Of a new generation, and otherwise the same.
      const { installation } = readManifest(own);
      const again = await backUp(restored, join(tempDir(), 'again'), clock, 'influxdb');
      expect(again).toMatchObject({ headSeq: manifest.headSeq, cursors: manifest.cursors });
      expect(again.installation).toEqual({ id: installation!.id, generation: installation!.generation + 1 });
      expect(existsSync(join(restored, 'readings.db'))).toBe(false);
    });

    it('keeps a readings.db of earlier days', async () => {
      const own = join(tempDir(), 'backup');
      await backUp(service.dataDir, own, clock, 'influxdb');
      expect(readdirSync(own)).toContain('readings.db');
      const dataDir = join(tempDir(), 'data');
      await restore({ backup: own, dataDir, force: false, clock, readingsIn: 'influxdb' });
      expect(existsSync(join(dataDir, 'readings.db'))).toBe(true);
    });

    it('refuses a loss of readings.db where they should be in it', async () => {
      const dataDir = await withoutReadings();
      await expect(backUp(dataDir, join(tempDir(), 'backup'), clock)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('restores only where the readings are looked for in the same place', async () => {
      const own = join(tempDir(), 'backup');
      await backUp(await withoutReadings(), own, clock, 'influxdb');
      const env = { WK_DATA_DIR: join(tempDir(), 'data') };
      const inSqlite = await runCommand('restore', [own], env);
      expect(inSqlite).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no readings') });
      const influx = { ...env, WK_INFLUX_URL: 'http://127.0.0.1:1', WK_INFLUX_API: 'v1' };
      const inInflux = await runCommand('restore', [backup], influx);
      expect(inInflux).toMatchObject({ code: 1, stderr: expect.stringContaining('holds readings in SQLite') });
      expect(existsSync(env.WK_DATA_DIR)).toBe(false);
      const done = await runCommand('restore', [own], influx);
      expect(done, done.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('npm run rebuild') });
    });
  });

  const SPOILT: [string, string, (path: string) => void][] = [
    ['a file that grew', 'store.corrupt', (path) => appendFileSync(join(path, 'readings.db'), 'x')],
    [
      'a changed byte',
      'store.corrupt',
      (path) => {
        const bytes = readFileSync(join(path, 'journal.db'));
        bytes[bytes.length - 1]! ^= 1;
        writeFileSync(join(path, 'journal.db'), bytes);
      },
    ],
    ['no list', 'store.corrupt', (path) => writeFileSync(join(path, 'backup.json'), '{}')],
    ['no backup', 'not-found', (path) => writeFileSync(path.replace(/backup$/, 'x'), '')],
  ];
  it.each(SPOILT)('refuses %s and touches nothing', async (what, code, spoil) => {
    const own = await ownBackup();
    spoil(own);
    const from = what === 'no backup' ? own.replace(/backup$/, 'none') : own;
    const dataDir = join(tempDir(), 'data');
    await expect(restore({ backup: from, dataDir, force: true, clock })).rejects.toMatchObject({ code });
    expect(existsSync(dataDir)).toBe(false);
  });

  it('refuses a backup that a newer program made', async () => {
    const own = await ownBackup();
    const database = new DatabaseSync(join(own, 'derived.db'));
    database.exec('PRAGMA user_version=99');
    database.close();
    const manifest = readManifest(own);
    const files = await Promise.all(manifest.files.map(({ name }) => describeFile(own, name)));
    writeFileSync(join(own, 'backup.json'), JSON.stringify({ ...manifest, files }));
    const dataDir = join(tempDir(), 'data');
    await expect(restore({ backup: own, dataDir, force: false, clock })).rejects.toMatchObject({ code: 'store.newer' });
    expect(existsSync(dataDir)).toBe(false);
  });
});
