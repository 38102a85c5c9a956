/** InfluxDB 2.x as far as it differs from 1.x, against a made-up server that answers as 2.9.1 was seen to (tests/helpers/influx/two.ts). */
import { afterEach, describe, expect, it } from 'vitest';
import type { InfluxConfig } from '#model/config.ts';
import { openInfluxReadings } from '#readings/influx/store.ts';
import { systemClock } from '#src/clock.ts';
import { startInfluxTwo } from '#tests/helpers/influx/two.ts';

const T = Date.UTC(2026, 10, 22, 8);
const RIGHTS = { good: 'all', deactivated: 'inactive', 'write-only': 'write-only' } as const;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function rig(
  more: Partial<InfluxConfig> = {},
  bucket = 'wellkeeper',
  own?: Parameters<typeof startInfluxTwo>[2],
) {
  const server = await startInfluxTwo({ org: 'smd', bucket }, RIGHTS, own);
  closers.push(server.close);
  const store = openInfluxReadings({
    influx: { url: server.url, token: 'good', org: 'smd', bucket, api: 'v2', retentionOk: false, ...more },
    name: () => ({ station: 's', parameter: 'ph' }),
    clock: systemClock,
    timeouts: { seenMs: 300 },
  });
  closers.push(() => store.close());
  return { server, store };
}

const reading = { series: 1, timeMs: T, value: 7, flag: 1, deviceFlag: null, seq: 1 } as const;

describe('InfluxDB 2.x', () => {
  it('is found fit, and measured before the first write', async () => {
    const { server, store } = await rig();
    await store.write([reading]);
    expect(store.capabilities!()).toMatchObject({ product: 'InfluxDB v2.9.1', isSeenLate: false, deletes: true });
    const writes = server.requests.filter(({ url }) => url.includes('/write')).map(({ body }) => body.split(',')[0]);
    expect(writes.at(-1)).toBe('reading');
    expect(new Set(writes.slice(0, -1))).toEqual(new Set(['wk_canary']));
  });

  it('asks a bucket named database/policy, as its own upgrade makes them, for both', async () => {
    const { server, store } = await rig({}, 'telegraf/autogen');
    expect(await store.check!()).toBeNull();
    await store.write([reading]);
    await store.read(1, 0, T + 1, 9);
    const queries = server.requests.filter(({ url }) => url === '/query').map(({ body }) => new URLSearchParams(body));
    expect(
      queries
        .map((form) => [form.get('db'), form.get('rp')])
        .every(([db, rp]) => db === 'telegraf' && rp === 'autogen'),
    ).toBe(true);
    expect(server.requests.find(({ url }) => url.includes('/write'))!.url).toContain('bucket=telegraf%2Fautogen');
  });

  it('deletes what is older than 1970, too: readings since 1900, and its canary of before the epoch', async () => {
    const { server, store } = await rig();
    const twoOf = (timeMs: number) => ({ ...reading, timeMs });
    await store.write([twoOf(Date.UTC(1900, 0, 1)), twoOf(T)]);
    const deletions = () =>
      server.requests
        .filter(({ url }) => url.startsWith('/api/v2/delete'))
        .map(({ body }) => JSON.parse(body) as { start: string; stop: string; predicate: string });
    expect(deletions().map(({ start }) => start)).toEqual(['1677-09-22T00:00:00.000Z']);
    const left = new URLSearchParams({ q: `SELECT "value" FROM "wk_canary" WHERE time >= '1969-12-31T23:00:00.000Z'` });
    const asked = { method: 'POST', body: `${left}&db=wellkeeper`, headers: { authorization: 'Token good' } };
    expect(await (await fetch(`${server.url}/query?org=smd`, asked)).json()).toEqual({ results: [{}] });
    await store.prune(1, T);
    expect(deletions().at(-1)).toEqual({
      start: '1677-09-22T00:00:00.000Z',
      stop: new Date(T - 1).toISOString(),
      predicate: '_measurement="reading" AND station="s" AND parameter="ph"',
    });
  });

  it('is refused when it knows nothing of v2 but writing (VictoriaMetrics)', async () => {
    const databases = { results: [{ series: [{ columns: ['name'], values: [['_internal']] }] }] };
    const { store } = await rig({}, 'wellkeeper', (path) => {
      if (path === '/query') return { status: 200, answer: databases };
      const isListing = path === '/api/v2/buckets';
      return isListing ? { status: 400, answer: { error: `unsupported path requested: "${path}"` } } : null;
    });
    expect(await store.check!()).toMatchObject({
      condition: 'store.unfit',
      detail: expect.stringMatching(/answers with name where values of readings were asked for/),
    });
  });

  it('is not spoken to in v1, where it would answer half', async () => {
    const { server, store } = await rig({ api: 'v1', token: 'user:password' });
    expect(await store.check!()).toMatchObject({
      condition: 'store.unfit',
      detail: expect.stringMatching(
        /InfluxDB v2\.9\.1 at .* wants WK_INFLUX_API=v2, with WK_INFLUX_TOKEN and WK_INFLUX_ORG/,
      ),
    });
    await expect(store.write([reading])).rejects.toMatchObject({ code: 'store.unfit', retryable: true });
    expect(server.requests.some(({ url }) => url.startsWith('/write'))).toBe(false);
  });

  it.each([
    ['a wrong organization', { org: 'other' }, 'store.organization', /organization name "other" not found/],
    ['a deactivated token', { token: 'deactivated' }, 'store.token-inactive', /403 insufficient permissions/],
    ['a token that may only write', { token: 'write-only' }, 'store.write-only', /401 unauthorized/],
    ['a token that nobody knows', { token: 'nobody' }, 'store.unauthorized', /401 unauthorized access/],
    ['a bucket that is not there', { bucket: 'elsewhere' }, 'store.bucket-missing', /bucket "elsewhere" not found/],
  ] as const)('says what is wrong with %s', async (_, more, condition, detail) => {
    const { store } = await rig(more);
    expect(await store.check!()).toEqual({ condition, detail: expect.stringMatching(detail) });
    await expect(store.write([reading])).rejects.toMatchObject({ code: condition, retryable: true });
    // Also where a question is what meets it first.
    if (condition !== 'store.bucket-missing' && condition !== 'store.organization') {
      await expect(store.read(1, 0, T, 1)).rejects.toMatchObject({ code: condition });
    }
  });
});
