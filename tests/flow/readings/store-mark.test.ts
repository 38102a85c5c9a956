/**
 * A bucket of InfluxDB that isn't what Wellkeeper left (docs/decisions/0022), on the real processes: emptied, restored from an
 * older backup, another installation's; found at a start and while the service runs.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '#tests/helpers/command.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { refusedStart } from '#tests/helpers/start-refused.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const HOUR_MS = 3_600_000;
const baseMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 5 * HOUR_MS;
const MESSAGES = 300;

/** An installation that writes a bucket of its own, and what a test asks and does of both. */
function bucketed(influx: Influxdb, bucket: string, onTestFinished: (end: () => Promise<void>) => void) {
  const one = { bucket, service: null as unknown as TestService };
  const env = () => ({
    WK_SEEDS: 'none',
    WK_LOG_LEVEL: 'warn',
    WK_INFLUX_URL: influx.url,
    WK_INFLUX_API: 'v1',
    WK_INFLUX_BUCKET: one.bucket,
  });

  async function start(dataDir?: string): Promise<void> {
    one.service = await startTestService({ ...(dataDir === undefined ? {} : { dataDir }), env: env() });
    onTestFinished(one.service.remove);
  }

  const ledger = async () =>
    (
      await one.service.call<Record<'received' | 'stored' | 'duplicate' | 'pending', number>>(
        'GET',
        '/gateways/gw/ledger',
      )
    ).body;
  const stored = async () => {
    const { results } = await influx.query('SELECT count("value") FROM "reading"', one.bucket);
    return (results[0]?.series?.[0]?.values[0]?.[1] as number | undefined) ?? 0;
  };
  const rows = async () =>
    (
      await influx.query(
        'SELECT "value", "flag", "deviceFlag", "seq", "station", "parameter" FROM "reading"',
        one.bucket,
      )
    ).results[0]?.series?.[0]?.values ?? [];
  const marks = async () =>
    (await influx.query('SELECT "seq" FROM "wk_mark"', one.bucket)).results[0]?.series?.[0]?.values ?? [];
  /** What the bucket's one mark says. */
  const marked = async () => {
    const all = await marks();
    expect(all.length).toBeLessThanOrEqual(1);
    return (all[0]?.[1] as number | undefined) ?? 0;
  };
  const alarms = async () =>
    (
      await one.service.call<{ items: { parameter: string; state: string; detail: string }[] }>(
        'GET',
        '/alarms?station=_platform',
      )
    ).body.items;
  const alarm = (condition: string) =>
    eventually(`the alarm ${condition}`, async () => (await alarms()).find(({ parameter }) => parameter === condition));

  async function filled(): Promise<void> {
    await influx.createDatabase(one.bucket);
    await start();
    const station = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river' };
    await one.service.call('PUT', '/stations/s', { ...station, parameters: [{ id: 'ph' }] });
  }

  async function publish(from: number, to: number): Promise<void> {
    const client = await one.service.connect('gw', await one.service.gateway('gw', ['s']));
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

  /** Through which entry the bucket is known to be marked, and the newest entry that stored anything. */
  const known = () => {
    const derived = new DatabaseSync(join(one.service.dataDir, 'derived.db'), { readOnly: true });
    try {
      const sql =
        "SELECT (SELECT seq FROM cursor WHERE follower = 'marked') AS seq, (SELECT max(seq) FROM origin) AS storedSeq";
      const { seq, storedSeq } = derived.prepare(sql).get() as { seq: number | null; storedSeq: number };
      return { seq: seq ?? 0, storedSeq };
    } finally {
      derived.close();
    }
  };

  /** The mark has come to where everything that was taken is in the store. */
  async function isMarked(): Promise<void> {
    await eventually('a mark', async () => {
      // Only what derived.db knows to be marked is missed: the answer may come after the mark.
      const { seq, storedSeq } = known();
      return Math.min(await marked(), seq) >= storedSeq;
    });
  }

  async function writtenAgain(before: unknown[]): Promise<void> {
    await eventually('all readings again', async () => (await stored()) === before.length);
    // What is written again may take another reading's place, and says that it has no device flag.
    const values = (all: unknown[]) => (all as unknown[][]).map((row) => row.map((cell) => cell || null));
    expect(values(await rows())).toEqual(values(before));
    await eventually('a ledger that adds up', async () => (await ledger()).stored === MESSAGES);
    expect(await ledger()).toMatchObject({ received: MESSAGES, stored: MESSAGES, duplicate: 0, pending: 0 });
  }

  async function empty(): Promise<void> {
    await influx.query(`DROP DATABASE "${one.bucket}"`);
    await influx.createDatabase(one.bucket);
  }

  return Object.assign(one, {
    alarm,
    alarms,
    empty,
    env,
    filled,
    isMarked,
    ledger,
    marked,
    publish,
    rows,
    start,
    stored,
    writtenAgain,
  });
}

describe.skipIf(!hasInfluxdb).concurrent('a bucket that is not what Wellkeeper left', () => {
  const directory = makeTempDir();
  let influx: Influxdb;
  beforeAll(async () => {
    influx = await startInfluxdb(directory.path);
  });
  afterAll(async () => {
    await influx?.kill();
    directory.remove();
  });

  it('is written again when it was emptied, and told', async ({ onTestFinished }) => {
    const one = bucketed(influx, 'emptied', onTestFinished);
    await one.filled();
    await one.publish(0, MESSAGES);
    await one.isMarked();
    const before = await one.rows();
    await one.service.end();
    await one.empty();
    await one.start(one.service.dataDir);
    const { detail } = await one.alarm('readings.lost');
    expect(detail).toMatch(
      new RegExp(
        `the bucket ${one.bucket} holds what came up to entry 0, and \\d+ was written: .*; no stored reading is gone\\. What to do: `,
      ),
    );
    await one.writtenAgain(before);
    await one.isMarked();
    // While it runs, and nothing is to be written, too.
    await one.empty();
    await one.writtenAgain(before);
    // Each loss is told by itself.
    await eventually('a second alarm', async () => {
      return (await one.alarms()).filter(({ parameter }) => parameter === 'readings.lost').length === 2;
    });
    await one.service.end('SIGKILL');
    await one.start(one.service.dataDir);
    expect(await one.ledger()).toMatchObject({ received: MESSAGES, stored: MESSAGES, pending: 0 });
    expect(one.service.output()).not.toContain('files.lost');
  });

  it('is written again from where an older backup ends, at a start and when it comes back', async ({
    onTestFinished,
  }) => {
    const second = await startInfluxdb(join(directory.path, 'second'));
    onTestFinished(second.kill);
    const [home, older] = ['influxdb', 'older'].map((name) => join(directory.path, 'second', name)) as [string, string];
    const copy = async (from: string, to: string) => {
      await second.stop();
      rmSync(to, { recursive: true, force: true });
      cpSync(from, to, { recursive: true });
      await second.start();
    };
    const one = bucketed(second, 'older', onTestFinished);
    await one.filled();
    await one.publish(0, MESSAGES / 2);
    await one.isMarked();
    await copy(home, older);
    await one.publish(MESSAGES / 2, MESSAGES);
    await one.isMarked();
    const before = await one.rows();
    await one.service.end();
    await copy(older, home);
    expect(await one.stored()).toBe(MESSAGES / 2);
    // It may have been marked once more before it was copied.
    const heldSeq = await one.marked();
    await one.start(one.service.dataDir);
    expect((await one.alarm('readings.lost')).detail).toContain(`holds what came up to entry ${heldSeq}, and`);
    await one.writtenAgain(before);
    await one.isMarked();
    await copy(older, home);
    await one.writtenAgain(before);
  });

  it('of another installation is refused by its name with the way out, at a start and when it comes', async ({
    onTestFinished,
  }) => {
    const one = bucketed(influx, 'foreign', onTestFinished);
    await one.filled();
    await one.publish(0, MESSAGES);
    await one.isMarked();
    const strange = makeTempDir();
    onTestFinished(strange.remove);
    const { code, output } = await refusedStart({ ...one.env(), WK_DATA_DIR: strange.path, WK_ADMIN_TOKEN: ADMIN });
    expect(code).toBe(78);
    expect(output).toContain(`bucket ${one.bucket} at ${influx.url}/ belongs to another installation`);
    expect(output).toContain('dropping its measurement wk_mark');
    const own = one.bucket;
    one.bucket = 'other';
    await one.filled();
    await one.publish(0, MESSAGES);
    await one.isMarked();
    // Somebody copies the one over the other.
    await one.empty();
    await influx.query(`SELECT * INTO "${one.bucket}".."wk_mark" FROM "${own}".."wk_mark" GROUP BY *`);
    expect((await one.alarm('store.foreign')).detail).toContain('belongs to another installation');
    const { status } = await one.service.call('POST', '/readings', {
      samples: [{ station: 's', time: Date.now(), values: { ph: 7 } }],
    });
    expect(status).toBe(202);
    expect(await one.stored()).toBe(0);
    // Handed over: it is as one that was emptied.
    await influx.query('DROP MEASUREMENT "wk_mark"', one.bucket);
    await one.alarm('readings.lost');
    await eventually('all written again', async () => (await one.stored()) === MESSAGES + 1);
    await one.isMarked();
    await one.service.end();
    one.bucket = own;
    const { code: refused, stderr } = await runCommand('rebuild', [], {
      ...one.env(),
      WK_DATA_DIR: one.service.dataDir,
    });
    expect(refused).toBe(1);
    expect(stderr).toContain(`bucket ${own} at ${influx.url}/ belongs to another installation`);
  });

  it('without a mark, of an installation from before marks, is taken as it is and marked', async ({
    onTestFinished,
  }) => {
    const one = bucketed(influx, 'unmarked', onTestFinished);
    await one.filled();
    await one.publish(0, MESSAGES);
    await one.isMarked();
    await one.service.end();
    await influx.query('DROP MEASUREMENT "wk_mark"', one.bucket);
    const derived = new DatabaseSync(join(one.service.dataDir, 'derived.db'));
    derived.exec("DELETE FROM cursor WHERE follower = 'marked'");
    derived.close();
    const before = await one.rows();
    await one.start(one.service.dataDir);
    await one.isMarked();
    expect(await one.rows()).toEqual(before);
    expect((await one.alarms()).map(({ parameter }) => parameter)).not.toContain('readings.lost');
  });
});
