/** The journal's batches on the real process: a flipped bit that followers meet, and the first start on an older program's file. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { placesOf } from '#journal/format.ts';
import { journalMigrations } from '#journal/tables.ts';
import { verifyJournal } from '#journal/verify.ts';
import { openJournal } from '#journal/writer.ts';
import { systemClock } from '#src/clock.ts';
import { type Database, openDatabase, openReadOnly } from '#src/sqlite.ts';
import { childLines } from '#tests/helpers/child-lines.ts';
import { message, noise, reading } from '#tests/helpers/journal/fixture.ts';
import { leaveAsOlder } from '#tests/helpers/journal/older.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const ENV = { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' };
const MAIN = join(import.meta.dirname, '../../../src/main.ts');
const HOUR_MS = 3_600_000;
const baseMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 24 * HOUR_MS;
let service: TestService;
afterEach(() => service.remove());

async function started(): Promise<void> {
  service = await startTestService({ env: ENV });
  const station = {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    parameters: [{ id: 'ph' }],
  };
  await service.call('PUT', '/stations/s', station);
  await service.gateway('gw', ['s']);
}

const journalPath = () => join(service.dataDir, 'journal.db');

function look<T>(question: (journal: Database) => T): T {
  const journal = openReadOnly(journalPath());
  try {
    return question(journal);
  } finally {
    journal.close();
  }
}

/**
 * Messages of 1 KiB a second apart, in few batches, while no service runs; every so many of them (`each`) has a value.
 * @returns the first one's seq.
 */
async function append(count: number, each = 1): Promise<number> {
  const journal = openJournal({ path: journalPath(), clock: systemClock, maxBytes: 2 ** 30, ackMaxDelayMs: 0 });
  const { series } = journal.seriesFor('s', 'ph');
  const appended = await Promise.all(
    Array.from({ length: count }, (_, n) => {
      const one = reading({ series: series.id, timeMs: baseMs + n * 1000, value: 7 + (n % 10) / 10 });
      const readings = n % each === 0 ? [one] : [];
      return journal.appendMessage(message({ source: 'gw', gatewaySeq: n, readings, raw: noise(1024) }));
    }),
  );
  await journal.close();
  return appended[0]!.seq;
}

const ledger = async () =>
  (await service.call<Record<'received' | 'stored' | 'pending', number>>('GET', '/gateways/gw/ledger')).body;
const parked = async () =>
  (await service.call<{ items: { follower: string; seq: number; error: string }[] }>('GET', '/parked')).body.items;
const damages = async () =>
  (
    await service.call<{ items: { parameter: string; detail: string; occurrences: number }[] }>(
      'GET',
      '/alarms?station=_platform',
    )
  ).body.items.filter(({ parameter }) => parameter === 'journal.damaged');

describe('a flipped bit in an entry that followers have yet to read', () => {
  it('costs that entry: told, parked, counted as pending; the others are read, and nobody is started again', async () => {
    await started();
    await service.end();
    const firstSeq = await append(200);
    const badSeq = firstSeq + 60;
    const journal = openDatabase(journalPath(), journalMigrations);
    const row = journal.prepare('SELECT body FROM batch WHERE firstSeq = ?').get(firstSeq)!;
    const body = Buffer.from(row.body as Uint8Array);
    body[placesOf(body)[60]! + 30]! ^= 0x10;
    journal.prepare('UPDATE batch SET body = ? WHERE firstSeq = ?').run(body, firstSeq);
    journal.close();

    service = await startTestService({ dataDir: service.dataDir, env: ENV });
    const [alarm] = await eventually('the alarm', async () => {
      const found = await damages();
      return found.length > 0 ? found : null;
    });
    expect(alarm!.detail).toContain(
      `of the batch of entries ${firstSeq} to ${firstSeq + 199} can't be read: entry ${badSeq}`,
    );
    await eventually('all others stored', async () => (await ledger()).stored === 199);
    expect(await ledger()).toMatchObject({ received: 200, stored: 199, pending: 1 });
    const places = (await parked()).map(({ follower, seq }) => `${follower} ${seq}`).sort();
    expect(places).toEqual([`alerts ${badSeq}`, `books ${badSeq}`, `readings ${badSeq}`]);
    expect((await parked())[0]!.error).toContain(`entry ${badSeq} can't be read`);
    expect(look((one) => [...verifyJournal(one)])).toMatchObject([
      { code: 'journal.hash', firstSeq },
      { code: 'journal.entry', firstSeq: badSeq, lastSeq: badSeq },
    ]);
    // Ingest goes on, and the next start tells nothing again.
    expect(
      (await service.call('POST', '/readings', { station: 's', time: Date.now(), values: { ph: 7.5 } })).status,
    ).toBe(202);
    for (const { follower, seq } of await parked())
      expect((await service.call('DELETE', `/parked/${follower}/${seq}?reason=seen`)).status).toBe(202);
    await eventually('an empty list', async () => (await parked()).length === 0);
    expect(service.output()).not.toContain('followers.restarted');
    await service.end('SIGKILL');
    service = await startTestService({ dataDir: service.dataDir, env: ENV });
    await eventually('everything passed', async () => (await ledger()).stored === 199);
    expect(await parked()).toEqual([]);
    expect(await damages()).toHaveLength(1);
    expect(service.output()).not.toContain('files.lost');
  }, 240_000);
});

describe('the first start on the journal of an older program', () => {
  it('converts it through kills in the middle; all of it is followed, and the older program refuses the file', async () => {
    const MESSAGES = 30_000;
    await started();
    await service.end();
    await append(MESSAGES, 30);
    leaveAsOlder(journalPath());
    const state = () =>
      look((journal) => {
        const known = journal.prepare("SELECT name FROM sqlite_schema WHERE name IN ('batch', 'entry')").all();
        const count = (table: string) =>
          known.some(({ name }) => name === table)
            ? (journal.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n
            : 0;
        return { batches: count('batch'), old: count('entry') };
      });
    for (const wanted of [2, 4]) {
      const settings = [`WK_DATA_DIR=${service.dataDir}`, 'WK_SEEDS=none', 'WK_HTTP_PORT=0', 'WK_MQTT_PORT=0'];
      const begin = () => childLines('env', [...settings, process.execPath, MAIN]);
      let child = begin();
      await eventually(`${wanted} batches`, () => {
        // Our look at a log that has to be recovered may be in the way of its own.
        if (child.process.exitCode !== null) child = begin();
        return state().batches >= wanted;
      });
      await child.kill();
      expect(state().old).toBeGreaterThan(0);
    }
    service = await startTestService({ dataDir: service.dataDir, env: ENV });
    expect(state().old).toBe(0);
    expect(look((journal) => [...verifyJournal(journal)])).toEqual([]);
    await eventually('all stored', async () => (await ledger()).stored === MESSAGES / 30);
    expect(await ledger()).toMatchObject({ received: MESSAGES / 30, pending: 0 });
    await service.end();
    expect(() => openDatabase(journalPath(), journalMigrations.slice(0, 5))).toThrow(
      expect.objectContaining({ code: 'store.newer' }),
    );
  }, 240_000);
});
