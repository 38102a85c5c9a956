/**
 * A bucket of InfluxDB that isn't what Wellkeeper left (docs/decisions/0022), on the real processes: emptied, restored from an
 * older backup, another installation's; found at a start and while the service runs.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '#tests/helpers/command.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { refusedStart } from '#tests/helpers/start-refused.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const HOUR_MS = 3_600_000;
const baseMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 5 * HOUR_MS;
const MESSAGES = 300;

describe.skipIf(!hasInfluxdb)('a bucket that is not what Wellkeeper left', { timeout: 180_000 }, () => {
  const directory = makeTempDir();
  const home = join(directory.path, 'influxdb');
  const older = join(directory.path, 'older');
  let influx: Influxdb;
  let service: TestService;
  const services: TestService[] = [];
  let bucket: string;
  let buckets = 0;

  const env = () => ({
    WK_SEEDS: 'none',
    WK_LOG_LEVEL: 'warn',
    WK_INFLUX_URL: influx.url,
    WK_INFLUX_API: 'v1',
    WK_INFLUX_BUCKET: bucket,
  });

  beforeAll(async () => {
    influx = await startInfluxdb(directory.path);
  });
  afterEach(async () => {
    for (const one of services.splice(0)) await one.remove();
  });
  afterAll(async () => {
    await influx.kill();
    directory.remove();
  });

  async function start(dataDir?: string): Promise<void> {
    service = await startTestService({ ...(dataDir === undefined ? {} : { dataDir }), env: env() });
    services.push(service);
  }

  const ledger = async () =>
    (await service.call<Record<'received' | 'stored' | 'duplicate' | 'pending', number>>('GET', '/gateways/gw/ledger'))
      .body;
  const stored = async () => {
    const { results } = await influx.query('SELECT count("value") FROM "reading"', bucket);
    return (results[0]?.series?.[0]?.values[0]?.[1] as number | undefined) ?? 0;
  };
  const rows = async () =>
    (await influx.query('SELECT * FROM "reading"', bucket)).results[0]?.series?.[0]?.values ?? [];
  const marks = async () =>
    (await influx.query('SELECT "seq" FROM "wk_mark"', bucket)).results[0]?.series?.[0]?.values ?? [];
  /** What the bucket's one mark says. */
  const marked = async () => {
    const all = await marks();
    expect(all.length).toBeLessThanOrEqual(1);
    return (all[0]?.[1] as number | undefined) ?? 0;
  };
  const alarms = async () =>
    (
      await service.call<{ items: { parameter: string; state: string; detail: string }[] }>(
        'GET',
        '/alarms?station=_platform',
      )
    ).body.items;
  const alarm = (condition: string) =>
    eventually(`the alarm ${condition}`, async () => (await alarms()).find(({ parameter }) => parameter === condition));

  async function filled(): Promise<void> {
    bucket = `m${buckets++}`;
    await influx.createDatabase(bucket);
    await start();
    const station = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river' };
    await service.call('PUT', '/stations/s', { ...station, parameters: [{ id: 'ph' }] });
  }

  async function publish(from: number, to: number): Promise<void> {
    const client = await service.connect('gw', await service.gateway('gw', ['s']));
    const samples = (n: number) => [{ station: 's', time: baseMs + n * 1000, values: { ph: 7 + (n % 10) / 10 } }];
    await Promise.all(
      Array.from({ length: to - from }, (_, n) =>
        client.publishAsync('wk/v1/gw/readings', JSON.stringify({ seq: from + n, samples: samples(from + n) }), {
          qos: 1,
        }),
      ),
    );
    await eventually('all stored', async () => (await ledger()).stored === to);
  }

  const known = () => {
    const derived = new DatabaseSync(join(service.dataDir, 'derived.db'), { readOnly: true });
    try {
      const row = derived.prepare("SELECT seq FROM cursor WHERE follower = 'marked'").get();
      return (row as { seq: number } | undefined)?.seq ?? 0;
    } finally {
      derived.close();
    }
  };

  /** The mark has come to where everything that was taken is in the store. */
  async function isMarked(after = 0): Promise<number> {
    return eventually('a mark', async () => {
      // Only what derived.db knows to be marked is missed: the answer may come after the mark.
      const seq = Math.min(await marked(), known());
      return seq > after + MESSAGES / 3 ? seq : null;
    });
  }

  async function writtenAgain(before: unknown[]): Promise<void> {
    await eventually('all readings again', async () => (await stored()) === before.length);
    const values = (all: unknown[]) => (all as unknown[][]).map((row) => row.slice(0, -1));
    expect(values(await rows())).toEqual(values(before));
    await eventually('a ledger that adds up', async () => (await ledger()).stored === MESSAGES);
    expect(await ledger()).toMatchObject({ received: MESSAGES, stored: MESSAGES, duplicate: 0, pending: 0 });
  }

  async function empty(): Promise<void> {
    await influx.query(`DROP DATABASE "${bucket}"`);
    await influx.createDatabase(bucket);
  }

  async function keepOlder(): Promise<void> {
    await influx.stop();
    rmSync(older, { recursive: true, force: true });
    cpSync(home, older, { recursive: true });
    await influx.start();
  }

  async function putOlderBack(): Promise<void> {
    await influx.stop();
    rmSync(home, { recursive: true });
    cpSync(older, home, { recursive: true });
    await influx.start();
  }

  it('is written again when it was emptied, and told', async () => {
    await filled();
    await publish(0, MESSAGES);
    await isMarked();
    const before = await rows();
    await service.end();
    await empty();
    await start(service.dataDir);
    const { detail } = await alarm('readings.lost');
    expect(detail).toMatch(
      new RegExp(
        `the bucket ${bucket} holds what came up to entry 0, and \\d+ was written: .*; no stored reading is gone\\. What to do: `,
      ),
    );
    await writtenAgain(before);
    await isMarked();
    // While it runs, and nothing is to be written, too.
    await empty();
    await writtenAgain(before);
    // Each loss is told by itself.
    await eventually('a second alarm', async () => {
      return (await alarms()).filter(({ parameter }) => parameter === 'readings.lost').length === 2;
    });
    await service.end('SIGKILL');
    await start(service.dataDir);
    expect(await ledger()).toMatchObject({ received: MESSAGES, stored: MESSAGES, pending: 0 });
    expect(service.output()).not.toContain('files.lost');
  });

  it('is written again from where an older backup ends, at a start and when it comes back', async () => {
    await filled();
    await publish(0, MESSAGES / 2);
    const firstSeq = await isMarked();
    await keepOlder();
    await publish(MESSAGES / 2, MESSAGES);
    await isMarked(firstSeq);
    const before = await rows();
    await service.end();
    await putOlderBack();
    expect(await stored()).toBe(MESSAGES / 2);
    // It may have been marked once more before it was copied.
    const heldSeq = await marked();
    await start(service.dataDir);
    expect((await alarm('readings.lost')).detail).toContain(`holds what came up to entry ${heldSeq}, and`);
    await writtenAgain(before);
    await isMarked(firstSeq);
    await putOlderBack();
    await writtenAgain(before);
  });

  it('of another installation is refused by its name with the way out, at a start and when it comes', async () => {
    await filled();
    await publish(0, MESSAGES);
    await isMarked();
    const first = service;
    const strange = makeTempDir();
    try {
      const { code, output } = await refusedStart({ ...env(), WK_DATA_DIR: strange.path, WK_ADMIN_TOKEN: ADMIN });
      expect(code).toBe(78);
      expect(output).toContain(`bucket ${bucket} at ${influx.url}/ belongs to another installation`);
      expect(output).toContain('dropping its measurement wk_mark');
      const own = bucket;
      bucket = `m${buckets++}`;
      await influx.createDatabase(bucket);
      await start();
      const station = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river' };
      await service.call('PUT', '/stations/s', { ...station, parameters: [{ id: 'ph' }] });
      await publish(0, MESSAGES);
      await isMarked();
      // Somebody copies the one over the other.
      await empty();
      await influx.query(`SELECT * INTO "${bucket}".."wk_mark" FROM "${own}".."wk_mark" GROUP BY *`);
      expect((await alarm('store.foreign')).detail).toContain('belongs to another installation');
      const { status } = await service.call('POST', '/readings', {
        samples: [{ station: 's', time: Date.now(), values: { ph: 7 } }],
      });
      expect(status).toBe(202);
      expect(await stored()).toBe(0);
      // Handed over: it is as one that was emptied.
      await influx.query('DROP MEASUREMENT "wk_mark"', bucket);
      await alarm('readings.lost');
      await eventually('all written again', async () => (await stored()) === MESSAGES + 1);
      await isMarked();
      await service.end();
      bucket = own;
      const { code: refused, stderr } = await runCommand('rebuild', [], { ...env(), WK_DATA_DIR: service.dataDir });
      expect(refused).toBe(1);
      expect(stderr).toContain(`bucket ${own} at ${influx.url}/ belongs to another installation`);
    } finally {
      strange.remove();
      await first.end();
    }
  });

  it('without a mark, of an installation from before marks, is taken as it is and marked', async () => {
    await filled();
    await publish(0, MESSAGES);
    await isMarked();
    await service.end();
    await influx.query('DROP MEASUREMENT "wk_mark"', bucket);
    const derived = new DatabaseSync(join(service.dataDir, 'derived.db'));
    derived.exec("DELETE FROM cursor WHERE follower = 'marked'");
    derived.close();
    const before = await rows();
    await start(service.dataDir);
    await isMarked();
    expect(await rows()).toEqual(before);
    expect((await alarms()).map(({ parameter }) => parameter)).not.toContain('readings.lost');
  });
});
