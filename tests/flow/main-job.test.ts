/** The main job through the outside only: a reading over MQTT, its notice by webhook, trends and volumes by HTTP. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectWebhooks, type WebhookCollector } from '#tests/helpers/alerts/webhook-collector.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let service: TestService;
let hook: WebhookCollector;

const iso = (ms: number) => new Date(ms).toISOString();
const station = (overrides: object = {}) => ({
  name: { zh: '测试断面', en: 'Test section' },
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  parameters: [{ id: 'nh3n', interval: 'PT5M' }, { id: 'ph' }, { id: 'do' }],
  ...overrides,
});

beforeAll(async () => {
  hook = await collectWebhooks();
  service = await startTestService({ env: { WK_SEEDS: 'none' } });
});
afterAll(async () => {
  await service.remove();
  await hook.close();
});

describe('the main job', () => {
  it('registers stations, a gateway, a rule, a channel and a route', async () => {
    expect((await service.call('PUT', '/stations/s1', station())).status).toBe(201);
    expect((await service.call('PUT', '/stations/s2', station({ target: 'II' }))).status).toBe(201);
    expect(
      (
        await service.call('PUT', '/rules/class-target', {
          kind: 'class',
          select: {},
          severity: { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' },
        })
      ).status,
    ).toBe(201);
    expect(
      (await service.call('PUT', '/channels/hook', { kind: 'webhook', url: hook.url, secret: 'shh' })).status,
    ).toBe(201);
    expect((await service.call('PUT', '/routes', [{ match: {}, channels: ['hook'] }])).status).toBe(200);
  });

  it('turns a breach over MQTT into one signed notice', async () => {
    const password = await service.gateway('gw1', ['s1']);
    const client = await service.connect('gw1', password);
    const now = Date.now();
    await client.publishAsync(
      'wk/v1/gw1/readings',
      JSON.stringify({ seq: 1, samples: [{ station: 's1', time: now - MINUTE, values: { nh3n: 0.3, ph: 7.9 } }] }),
      { qos: 1 },
    );
    await client.publishAsync(
      'wk/v1/gw1/readings',
      JSON.stringify({
        seq: 2,
        samples: [{ station: 's1', time: iso(now), values: { nh3n: { value: 0.83, unit: 'mg/L', flag: 'N' } } }],
      }),
      { qos: 1 },
    );
    const notice = await eventually('the notice', () => hook.received[0]);
    expect(notice.body).toMatchObject({
      event: 'raised',
      alarm: {
        key: 'class-target/s1/nh3n',
        rule: 'class-target',
        station: 's1',
        parameter: 'nh3n',
        severity: 'minor',
        state: 'raised',
        breachStart: iso(now),
        raisedAt: iso(now),
        acknowledgedAt: null,
        clearedAt: null,
        value: 0.83,
        unit: 'mg/L',
        limit: 0.5,
        op: '<=',
        target: 'II',
        class: 'III',
        basis: 'instantaneous',
        late: false,
        occurrences: 1,
        chattering: false,
        firstOut: null,
        shelvedUntil: null,
        suppressedBy: null,
        latched: false,
      },
    });
    expect(notice.body.alarm.multiple).toBeCloseTo(0.66, 10);
    expect(notice.headers['x-wellkeeper-signature']).toBe(
      `sha256=${createHmac('sha256', 'shh').update(notice.raw).digest('hex')}`,
    );
    expect(notice.headers['idempotency-key']).toBe(notice.body.notice);
    expect(hook.received).toHaveLength(1);
  });

  it('shows the alarm, takes its acknowledgement and clears it', async () => {
    const { body } = await service.call<{ items: { id: string }[]; next: null }>('GET', '/alarms?state=raised');
    expect(body.items).toHaveLength(1);
    const { id } = body.items[0]!;
    expect((await service.call('POST', `/alarms/${id}/acknowledge`, { comment: 'on it' })).body).toMatchObject({
      state: 'acknowledged',
      acknowledgedBy: 'admin',
    });
    const after = Date.now();
    expect(
      (await service.call('POST', '/readings', { station: 's1', time: after, values: { nh3n: 0.2 } })).status,
    ).toBe(202);
    expect((await service.call('GET', `/alarms/${id}`)).body).toMatchObject({
      state: 'cleared',
      clearedAt: iso(after),
    });
    const timeline = await service.call<{ transitions: { to: string }[]; notices: { event: string }[] }>(
      'GET',
      `/alarms/${id}/timeline`,
    );
    expect(timeline.body.transitions.map(({ to }) => to)).toEqual(['raised', 'acknowledged', 'cleared']);
    await eventually('three notices', () => hook.received.length === 3);
    expect(hook.received.map(({ body: sent }) => sent.event)).toEqual(['raised', 'acknowledged', 'cleared']);
  });

  it('reads back what it wrote at once: latest, readings, trends', async () => {
    const latest = await service.call('GET', '/stations/s1/latest');
    expect(latest.body).toMatchObject({ station: 's1', class: 'II', limiting: ['nh3n'], stale: [] });
    const from = iso(Date.now() - HOUR);
    const to = iso(Date.now() + HOUR);
    const readings = await service.call<{ items: object[] }>('GET', `/series/s1/nh3n/readings?from=${from}&to=${to}`);
    expect(readings.body.items).toHaveLength(3);
    expect(readings.body.items[1]).toMatchObject({ value: 0.83, flag: 1, deviceFlag: 'N', provisional: true });
    const trends = await service.call<{ items: { count: number; valid: number }[]; target: object }>(
      'GET',
      `/trends?station=s1&parameter=nh3n&from=${from}&to=${to}&interval=PT1H`,
    );
    expect(trends.body.target).toEqual({ class: 'II', op: '<=', limit: 0.5 });
    expect(trends.body.items.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  });

  it('closes hours of the past at once and says what they were', async () => {
    const hour = Date.UTC(2026, 0, 15, 4);
    const samples = [0, 1, 2, 3].map((index) => ({
      station: 's2',
      time: hour + index * 10 * MINUTE,
      values: { nh3n: 0.1 + index * 0.05 },
    }));
    expect((await service.call('POST', '/readings', { samples })).body).toMatchObject({
      accepted: 4,
      duplicates: 0,
      quarantined: [],
    });
    expect((await service.call('POST', '/readings', { samples })).body).toMatchObject({ accepted: 0 });
    const trends = await service.call<{ items: object[] }>(
      'GET',
      `/trends?station=s2&parameter=nh3n&from=${iso(hour)}&to=${iso(hour + HOUR)}&interval=PT1H`,
    );
    expect(trends.body.items).toEqual([
      expect.objectContaining({ count: 4, valid: 4, min: 0.1, max: 0.25, class: 'II' }),
    ]);
    expect(trends.body.items[0]).not.toHaveProperty('provisional', true);
  });

  it('finds a late breach, records it and pages nobody', async () => {
    const before = hook.received.length;
    const past = Date.now() - 6 * HOUR;
    await service.call('POST', '/readings', {
      samples: [0, 1, 2].map((index) => ({
        station: 's2',
        time: past + index * 5 * MINUTE,
        values: { nh3n: index < 2 ? 1.2 : 0.2 },
      })),
    });
    await eventually('the digest', () => hook.received.length === before + 1);
    expect(hook.received.at(-1)!.body).toMatchObject({
      event: 'late-found',
      alarm: { state: 'cleared', late: true, class: 'IV', severity: 'major' },
    });
    const { body } = await service.call<{ items: object[] }>('GET', '/alarms?station=s2');
    expect(
      body.items.filter(
        (item) =>
          (item as { late: boolean; raisedAt: string }).late && (item as { raisedAt: string }).raisedAt === iso(past),
      ),
    ).toHaveLength(1);
  });

  it('adds volumes up to the litre over any partition', async () => {
    await service.call(
      'PUT',
      '/stations/offtake',
      station({ kind: 'offtake', target: null, parameters: [{ id: 'register', interval: 'PT1H' }] }),
    );
    expect(
      (
        await service.call('PUT', '/meters/m1', {
          station: 'offtake',
          parameter: 'register',
          kind: 'register',
          size: 1_000_000,
          unit: 'm3',
          direction: 1,
          maxFlow: 100,
          maxGap: 'PT1H',
          measures: 'delivery',
          recipient: 'beijing',
        })
      ).status,
    ).toBe(201);
    const start = Date.parse('2026-03-01T00:00:00+08:00');
    const samples = Array.from({ length: 49 }, (_, index) => ({
      station: 'offtake',
      time: start + index * HOUR,
      values: { register: (999_000 + index * 123.457) % 1_000_000 },
    }));
    await service.call('POST', '/readings', { samples });
    const range = `from=${iso(start)}&to=${iso(start + 48 * HOUR)}`;
    const days = await service.call<{
      unit: string;
      items: { start: string; cubicMetres: number }[];
      total: { cubicMetres: number; measured: number };
    }>('GET', `/volumes?recipient=beijing&${range}&by=day`);
    expect(days.body.unit).toBe('m3');
    expect(days.body.items.map(({ start: edge }) => edge)).toEqual([
      '2026-03-01T00:00:00+08:00',
      '2026-03-02T00:00:00+08:00',
    ]);
    expect(days.body.total).toMatchObject({ cubicMetres: 5925.936, measured: 5925.936, estimated: 0, unknownHours: 0 });
    const hours = await service.call<{ items: { cubicMetres: number }[] }>('GET', `/volumes?meter=m1&${range}&by=hour`);
    expect(hours.body.items.reduce((sum, { cubicMetres }) => sum + Math.round(cubicMetres * 1000), 0)).toBe(5_925_936);
  });

  it('quarantines what it can not take, with the reason, and takes the rest', async () => {
    const answer = await service.call<{
      accepted: number;
      quarantined: { path: string; code: string; quarantineId: string }[];
    }>('POST', '/readings', {
      samples: [
        {
          station: 's1',
          time: Date.now(),
          values: { ph: 8, unobtainium: 1, nh3n: { value: 1, unit: 'furlong' }, do: 'high' },
        },
        { station: 'nowhere', time: Date.now(), values: { ph: 7 } },
        { station: 's1', time: '2026-11-22T08:00:00', values: { do: 9 } },
      ],
    });
    expect(answer.status).toBe(202);
    expect(answer.body.accepted).toBe(1);
    expect(answer.body.quarantined.map(({ path, code }) => [path, code])).toEqual([
      ['samples[0].values.unobtainium', 'parameter.unknown'],
      ['samples[0].values.nh3n', 'unit.unknown'],
      ['samples[0].values.do', 'value.not-a-number'],
      ['samples[1].values.ph', 'station.unknown'],
      ['samples[2].values.do', 'time.no-offset'],
    ]);
    const list = await service.call<{ items: { id: string }[] }>('GET', '/quarantine');
    expect(list.body.items.map(({ id }) => id)).toEqual(
      expect.arrayContaining(answer.body.quarantined.map(({ quarantineId }) => quarantineId)),
    );
  });

  it('keeps the ledger adding up', async () => {
    const { body } = await service.call<Record<string, number>>('GET', '/gateways/gw1/ledger');
    expect(body).toMatchObject({ received: 3, stored: 3, duplicate: 0, quarantined: 0, pending: 0 });
  });

  it('ends with code 0 on SIGTERM and remembers everything', async () => {
    expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null });
    service = await startTestService({ dataDir: service.dataDir, env: { WK_SEEDS: 'none' } });
    expect((await service.call<{ items: object[] }>('GET', '/alarms')).body.items.length).toBeGreaterThanOrEqual(2);
    expect((await service.call('GET', '/stations/s1/latest')).body).toMatchObject({ station: 's1' });
    expect(hook.received.filter(({ body }) => body.event === 'raised')).toHaveLength(1);
  });
});
