/** What is wrong on our own disk: damaged database files, a second process, an entry that a follower can't digest. */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openJournal } from '#journal/writer.ts';
import type { Command } from '#model/entry.ts';
import { systemClock } from '#src/clock.ts';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { refusedStart } from '#tests/helpers/start-refused.ts';

const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' };
let service: TestService;
afterEach(() => service.remove());

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

async function started(): Promise<void> {
  service = await startTestService({ env: ENV });
  await service.call('PUT', '/stations/s1', {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    parameters: [{ id: 'ph' }],
  });
  await service.call('POST', '/readings', { station: 's1', time: Date.now() - 60_000, values: { ph: 7.5 } });
}

describe('a damaged database file', () => {
  const DAMAGES: [string, (path: string) => void][] = [
    ['no database at all', (path) => writeFileSync(path, 'this is not a database'.repeat(1000))],
    [
      'overwritten pages',
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 100, 8192);
        writeFileSync(path, bytes);
      },
    ],
  ];

  describe.each(['journal.db', 'derived.db', 'readings.db'])('%s', (name) => {
    it.each(DAMAGES)('%s: the start is refused, says which file, and destroys nothing', async (_what, damage) => {
      await started();
      expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null });
      const path = join(service.dataDir, name);
      const sound = readFileSync(path);
      damage(path);
      const damaged = digest(path);
      const { code, output } = await refusedStart({ ...ENV, WK_DATA_DIR: service.dataDir, WK_ADMIN_TOKEN: ADMIN });
      expect(code, output).not.toBe(0);
      expect(code, output).not.toBeNull();
      expect(output).toContain(name);
      expect(output).toContain('store.corrupt');
      expect(digest(path)).toBe(damaged);
      // With the file restored from a backup, everything is there again.
      writeFileSync(path, sound);
      service = await startTestService({ dataDir: service.dataDir, env: ENV });
      expect((await service.call('GET', '/stations/s1/latest')).body).toMatchObject({ items: [{ value: 7.5 }] });
    });
  });

  it.each(['journal.db', 'derived.db', 'readings.db'])(
    '%s written by a newer version is refused, too',
    async (name) => {
      await started();
      await service.end('SIGTERM');
      const path = join(service.dataDir, name);
      const bytes = readFileSync(path);
      // The header's user version, big-endian at offset 60 (SQLite file format 1.3).
      bytes.writeUInt32BE(999, 60);
      writeFileSync(path, bytes);
      const { code, output } = await refusedStart({ ...ENV, WK_DATA_DIR: service.dataDir });
      expect(code).not.toBe(0);
      expect(output).toContain('store.newer');
    },
  );
});

it('a second process on the same directory is refused and disturbs nothing', async () => {
  await started();
  const { code, output } = await refusedStart({ ...ENV, WK_DATA_DIR: service.dataDir });
  expect(code).not.toBe(0);
  expect(code).not.toBeNull();
  expect(output).toContain('store.locked');
  expect((await service.call('GET', '/stations/s1/latest')).body).toMatchObject({ items: [{ value: 7.5 }] });
  // What tells clients where the first one listens still stands.
  expect(readFileSync(join(service.dataDir, 'http.port'), 'utf8').trim()).toBe(new URL(service.url).port);
});

it('a torn write at the end of the write-ahead log loses nothing that was committed', async () => {
  await started();
  await service.end('SIGKILL');
  appendFileSync(join(service.dataDir, 'journal.db-wal'), Buffer.alloc(5000, 0x5a));
  service = await startTestService({ dataDir: service.dataDir, env: ENV });
  expect((await service.call('GET', '/stations/s1/latest')).body).toMatchObject({ items: [{ value: 7.5 }] });
});

it('an entry that a follower throws at is parked and listed; everything else goes on', async () => {
  await started();
  await service.end('SIGTERM');
  // As if an older version, or a fault of ours, had let it pass: a correction that sets no value.
  const journal = openJournal({
    path: join(service.dataDir, 'journal.db'),
    clock: systemClock,
    maxBytes: 2 ** 30,
    ackMaxDelayMs: 0,
  });
  const broken = { verb: 'correct', station: 's1', parameter: 'ph', fromMs: 0, toMs: 4e12, action: 'set', reason: 'x' };
  const { seq } = await journal.appendCommand('admin', broken as Command);
  await journal.close();

  service = await startTestService({ dataDir: service.dataDir, env: ENV });
  const parked = await eventually('a parked entry', async () => {
    const { body } = await service.call<{ items: { follower: string; seq: number; at: string; error: string }[] }>(
      'GET',
      '/parked',
    );
    return body.items.find((item) => item.seq === seq);
  });
  expect(parked).toEqual({ follower: 'readings', seq, at: expect.stringMatching(/Z$/), error: expect.any(String) });

  const time = Date.now();
  expect((await service.call('POST', '/readings', { station: 's1', time, values: { ph: 7.6 } })).status).toBe(202);
  const { body } = await service.call<{ items: { value: number }[] }>(
    'GET',
    `/series/s1/ph/readings?from=${time - 120_000}&to=${time + 1}`,
  );
  expect(body.items.map(({ value }) => value)).toEqual([7.5, 7.6]);
  const trends = await service.call<{ items: { count: number }[] }>(
    'GET',
    `/trends?station=s1&parameter=ph&from=${time - 120_000}&to=${time + 1}&interval=P1D`,
  );
  expect(trends.body.items.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  await eventually('the metric', async () =>
    /parked\S* 1\b/.test((await service.call<string>('GET', '/metrics')).body),
  );
  expect((await service.call('DELETE', '/parked/books/1?reason=x')).status).toBe(404);
  expect((await service.call('DELETE', `/parked/readings/${seq}`)).status).toBe(400);
  const seenTo = `/parked/readings/${seq}?reason=${encodeURIComponent('sent again')}`;
  expect((await service.call('DELETE', seenTo)).status).toBe(202);
  await eventually('an empty list', async () => {
    const { body } = await service.call<{ items: unknown[] }>('GET', '/parked');
    return body.items.length === 0;
  });
});
