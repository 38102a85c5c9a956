/** Gateway → Mosquitto → service → InfluxDB on real servers, as the outside sees it; and with InfluxDB in every trouble. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectWebhooks, type WebhookCollector } from '#tests/helpers/alerts/webhook-collector.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import type { Trouble } from '#tests/helpers/fault-proxy.ts';
import { hasProduction, type Production, SKIPPED, startProduction } from '#tests/helpers/production.ts';
import { startTestService } from '#tests/helpers/service.ts';
import { refusedStart } from '#tests/helpers/start-refused.ts';

const MINUTE = 60_000;

describe.skipIf(!hasProduction)(`the production path${SKIPPED}`, () => {
  let production: Production;
  let hook: WebhookCollector;
  const beganMs = Date.now() - 30 * MINUTE;
  let sent = 0;

  beforeAll(async () => {
    hook = await collectWebhooks();
    production = await startProduction();
    const { service } = production;
    const section = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river', target: 'II' };
    for (const id of ['s', 'b'])
      await service.call('PUT', `/stations/${id}`, { ...section, parameters: [{ id: 'nh3n' }] });
    await service.gateway('gw', ['s', 'b']);
    await service.call('PUT', '/rules/class-target', { kind: 'class', severity: 'major' });
    await service.call('PUT', '/channels/hook', { kind: 'webhook', url: hook.url });
    await service.call('PUT', '/routes', [{ match: {}, channels: ['hook'] }]);
  });
  afterAll(async () => {
    await production.remove();
    await hook.close();
  });

  /** Two values of a message, one second after the message before. */
  function message(station = 's', nh3n = 0.1): string {
    const time = beganMs + sent++ * 1000;
    return JSON.stringify({ samples: [{ station, time, values: { nh3n, ph: 7.5 } }] });
  }

  async function publish(count: number): Promise<void> {
    const client = await production.gateway();
    const all = Array.from({ length: count }, () => client.publishAsync('wk/v1/gw/readings', message(), { qos: 1 }));
    await Promise.all(all);
  }

  const raisedWater = () => hook.received.filter(({ body }) => body.event === 'raised' && body.alarm.station === 'b');

  it('brings readings into InfluxDB in the documented shape, and back out through the API', async () => {
    await publish(50);
    const ledger = await production.settled('gw', 100);
    expect(ledger).toMatchObject({ received: 100, stored: 100, duplicate: 0, quarantined: 0 });
    await production.holds(100);
    const { body: metrics } = await production.service.call<string>('GET', '/metrics');
    expect(metrics).toMatch(/^wellkeeper_mqtt_up 1$/m);
    expect(metrics).toMatch(/^wellkeeper_mqtt_held \d+$/m);
    const { results } = await production.influx.query(
      `SELECT "value", "flag" FROM "reading" WHERE "station" = 's' AND "parameter" = 'nh3n' LIMIT 1`,
      'wellkeeper',
    );
    expect(results[0]!.series![0]).toMatchObject({ columns: ['time', 'value', 'flag'], values: [[beganMs, 0.1, 1]] });
    const { body } = await production.service.call<{ items: object[] }>(
      'GET',
      `/series/s/nh3n/readings?from=${beganMs}&to=${Date.now()}`,
    );
    expect(body.items.length).toBe(50);
    const trend = await production.service.call<{ items: { count: number }[] }>(
      'GET',
      `/trends?station=s&parameter=nh3n&from=${beganMs}&to=${Date.now()}&interval=P1D`,
    );
    expect(trend.body.items.reduce((sum, { count }) => sum + count, 0)).toBe(50);
  });

  it('tells duplicates and corrections of old times apart by reading InfluxDB', async () => {
    // Older than the door's memory of 64 readings a series, so only the store can tell.
    await publish(100);
    await production.settled('gw', 300);
    const before = await production.stored();
    const client = await production.gateway();
    const old = (nh3n: number) => JSON.stringify({ samples: [{ station: 's', time: beganMs, values: { nh3n } }] });
    await client.publishAsync('wk/v1/gw/readings', old(0.1), { qos: 1 });
    await client.publishAsync('wk/v1/gw/readings', old(0.2), { qos: 1 });
    const ledger = await production.settled('gw', 302);
    expect(ledger).toMatchObject({ received: 302, stored: 301, duplicate: 1 });
    expect(await production.stored()).toBe(before);
    const { body } = await production.service.call<{ items: { value: number }[] }>(
      'GET',
      `/series/s/nh3n/history?time=${beganMs}`,
    );
    expect(body.items.map(({ value }) => value)).toEqual([0.2, 0.1]);
  });

  it('acknowledges, alarms and tells of it while InfluxDB is gone, and writes everything when it is back', async () => {
    await production.influx.kill();
    await publish(100);
    const client = await production.gateway();
    await client.publishAsync('wk/v1/gw/readings', message('b', 0.9), { qos: 1 });
    await eventually('the page about the water', () => raisedWater().length === 1);
    const alarm = await production.platformAlarm('store.unreachable', 'raised');
    expect(alarm).toMatchObject({ rule: 'platform', station: '_platform', severity: 'major', value: null });
    expect(String(alarm.detail)).toMatch(/InfluxDB does not answer.*Seen: .*(hang up|ECONN).*Start InfluxDB/);
    await eventually('the page about InfluxDB', () =>
      hook.received.some(({ body }) => body.event === 'raised' && body.alarm.parameter === 'store.unreachable'),
    );
    const { service } = production;
    const raw = await service.call<{ code: string }>('GET', `/series/s/nh3n/readings?from=${beganMs}`);
    expect([raw.status, raw.body.code]).toEqual([503, 'store.unavailable']);
    expect((await service.call('GET', '/stations/s/latest')).status).toBe(200);
    expect((await service.call('GET', '/readyz')).status).toBe(200);
    expect((await service.call<Record<string, number>>('GET', '/gateways/gw/ledger')).body.pending).toBeGreaterThan(0);
    await production.influx.start();
    const ledger = await production.settled('gw', 504);
    expect(ledger.received).toBe(ledger.stored! + ledger.duplicate!);
    await production.holds(ledger.stored! - 1);
    expect(raisedWater().length).toBe(1);
  });

  it.each([
    { kind: 'reset' },
    { kind: 'half-close' },
    { kind: 'delay', ms: 300 },
    { kind: 'cut', direction: 'down' },
    { kind: 'answer', status: 500, body: '{"error":"timeout"}' },
    { kind: 'answer', status: 429, body: '{"error":"too many requests"}' },
    { kind: 'answer', status: 503, body: '' },
    { kind: 'answer', status: 401, body: '{"error":"authorization failed"}' },
    { kind: 'answer', status: 404, body: '{"error":"database not found: \\"wellkeeper\\""}' },
  ] as Trouble[])('loses nothing when InfluxDB answers with %j for a while', async (trouble) => {
    const { received } = (await production.service.call<{ received: number }>('GET', '/gateways/gw/ledger')).body;
    production.toInflux.set(trouble);
    await publish(40);
    // Until at least one request has met the trouble.
    await eventually('an attempt', () => production.toInflux.seen.requests > 0);
    production.toInflux.set({ kind: 'none' });
    const ledger = await production.settled('gw', received + 80);
    expect(ledger.quarantined).toBe(0);
    await production.holds(ledger.stored! - 1);
  });

  it.each([
    [401, '{"error":"authorization failed"}', 'store.unauthorized'],
    [404, '{"error":"database not found: \\"wellkeeper\\""}', 'store.bucket-missing'],
    [500, '{"error":"engine: no space left on device"}', 'store.read-only'],
  ] as const)('tells of a store that answers %s %s', async (status, body, condition) => {
    production.toInflux.set({ kind: 'answer', status, body });
    await publish(1);
    const alarm = await production.platformAlarm(condition, 'raised');
    expect(String(alarm.detail)).toContain('What to do: ');
    production.toInflux.set({ kind: 'none' });
  });

  it('quarantines what InfluxDB refuses for good, with its words, and replays it', async () => {
    await production.influx.query('CREATE RETENTION POLICY "short" ON "wellkeeper" DURATION 30d REPLICATION 1 DEFAULT');
    await production.service.end();
    await production.restart({ WK_INFLUX_RETENTION_OK: '1' });
    const before = await production.settled('gw', 0);
    const client = await production.gateway();
    const old = Date.now() - 60 * 24 * 60 * MINUTE;
    const payload = JSON.stringify({ samples: [{ station: 's', time: old, values: { nh3n: 0.1 } }] });
    await client.publishAsync('wk/v1/gw/readings', payload, { qos: 1 });
    const ledger = await eventually('its quarantine', async () => {
      const { body } = await production.service.call<Record<string, number>>('GET', '/gateways/gw/ledger');
      return body.quarantined === 1 && body.pending === 0 ? body : null;
    });
    expect(ledger).toMatchObject({ received: before.received! + 1, stored: before.stored, quarantined: 1 });
    const { body } = await production.service.call<{ items: Record<string, unknown>[] }>('GET', '/quarantine');
    expect(body.items[0]).toMatchObject({ code: 'store.rejected', gateway: 'gw' });
    expect(String(body.items[0]!.message)).toMatch(/beyond retention policy/);
    await production.influx.query('ALTER RETENTION POLICY "short" ON "wellkeeper" DURATION 0s');
    await production.service.call('POST', `/quarantine/${body.items[0]!.id}/replay`);
    expect(await production.settled('gw', before.received! + 1)).toMatchObject({
      received: before.received! + 1,
      stored: before.stored! + 1,
      quarantined: 0,
    });
  });
});

describe.skipIf(!hasProduction)(`the start${SKIPPED}`, () => {
  it('refuses a bucket that deletes what is old, unless told that it is wanted', async () => {
    const production = await startProduction();
    try {
      const { influx, service } = production;
      await influx.query('ALTER RETENTION POLICY "autogen" ON "wellkeeper" DURATION 30d');
      await service.end();
      const env = { WK_SEEDS: 'none', WK_INFLUX_URL: influx.url, WK_INFLUX_API: 'v1' };
      const { code, output } = await refusedStart({ ...env, WK_DATA_DIR: service.dataDir });
      expect(code).toBe(78);
      expect(output).toMatch(/deletes what is older than 720h.*WK_INFLUX_RETENTION_OK=1/s);
      const willing = await startTestService({ env: { ...env, WK_INFLUX_RETENTION_OK: '1' } });
      await willing.remove();
    } finally {
      await production.remove();
    }
  });
});
