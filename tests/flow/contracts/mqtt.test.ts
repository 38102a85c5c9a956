/** The contract's MQTT, from outside: what a gateway vendor and a dashboard may rely on, topic by topic. */
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GUARD_MS } from '#tests/helpers/eventually.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const MINUTE = 60_000;
let service: TestService;
let password: string;
let gateway: MqttClient;
const heard: { topic: string; body: unknown; retain: boolean }[] = [];

const put = (id: string, over: object = {}) =>
  service.call('PUT', `/stations/${id}`, {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [],
    ...over,
  });
const say = (body: unknown) =>
  gateway.publishAsync('wk/v1/gw-1/readings', typeof body === 'string' ? body : JSON.stringify(body), { qos: 1 });
const reading = async (parameter: string, timeMs: number) =>
  (
    await service.call<{ items: object[]; unit: string }>(
      'GET',
      `/series/s1/${parameter}/readings?from=${timeMs}&to=${timeMs + 1}`,
    )
  ).body;
const listen = (client: MqttClient, into: typeof heard) =>
  client.on('message', (topic, payload, { retain }) => {
    into.push({ topic, body: payload.length === 0 ? null : JSON.parse(payload.toString()), retain });
  });

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  await put('s1');
  await put('s2');
  password = await service.gateway('gw-1', ['s1']);
  gateway = await service.connect('gw-1', password);
  listen(gateway, heard);
});
afterAll(() => service.remove());

describe('subscriptions', () => {
  it('a gateway reads its own rejected and ledger, and nothing else', async () => {
    const granted = await gateway
      .subscribeAsync(
        ['wk/v1/gw-1/rejected', 'wk/v1/gw-1/ledger', 'wk/v1/other/ledger', '#', 'wk/alarms/v1/#', 'wk/v1/+/rejected'],
        { qos: 1 },
      )
      .catch((error: { packet?: { granted?: number[] } }) => error.packet?.granted);
    const codes = (granted as (number | { qos: number })[]).map((grant) =>
      typeof grant === 'number' ? grant : grant.qos,
    );
    expect(codes.slice(0, 2).every((qos) => qos < 128)).toBe(true);
    expect(codes.slice(2).every((qos) => qos === 128)).toBe(true);
  });

  it('a viewer token reads alarms with the username token, and publishes nothing', async () => {
    const { body } = await service.call<{ token: string }>('POST', '/tokens', { name: 'wall', role: 'viewer' });
    const wall = await service.connect('token', body.token, { clientId: 'wall' });
    const granted = await wall.subscribeAsync('wk/alarms/v1/#', { qos: 1 });
    expect(granted[0]!.qos).toBeLessThan(128);
    await wall.publishAsync('wk/alarms/v1/s1/fake', '{}', { qos: 1, retain: true });
    expect(wall.connected).toBe(true);
    const { body: list } = await service.call<{ items: { code: string }[] }>('GET', '/quarantine?limit=1');
    expect(list.items[0]).toMatchObject({ code: 'topic.not-yours' });
    await wall.endAsync();
    await expect(service.connect('token', 'no-such-token', { clientId: 'x' })).rejects.toThrow(/not authorized/i);
  });
});

describe('the payload', () => {
  it('is taken as the contract prints it, and one sample may stand alone', async () => {
    const time = Date.now() - MINUTE;
    await say({
      seq: 4711,
      samples: [
        {
          station: 's1',
          time: `${new Date(time + 8 * 3_600_000).toISOString().slice(0, -1)}+08:00`,
          values: { ph: 7.92, do: 9.1, nh3n: { value: 0.08, unit: 'mg/L', flag: 'N' }, codmn: null },
        },
      ],
    });
    expect(await reading('ph', time)).toMatchObject({
      station: 's1',
      parameter: 'ph',
      items: [{ value: 7.92, flag: 1 }],
      next: null,
    });
    expect((await reading('nh3n', time)).items).toEqual([
      { time: new Date(time).toISOString(), value: 0.08, flag: 1, deviceFlag: 'N', provisional: true },
    ]);
    expect((await reading('codmn', time)).items).toMatchObject([{ value: null, flag: 9 }]);
    await say({ station: 's1', time: time + 1, values: { ph: 7.93 } });
    expect((await reading('ph', time + 1)).items).toMatchObject([{ value: 7.93 }]);
  });

  it('knows HJ codes and units: w01019 is codmn, µg/L become mg/L', async () => {
    const time = Date.now() - MINUTE + 10;
    await say({
      station: 's1',
      time,
      values: { w01019: 2.5, nh3n: { value: 150, unit: 'ug/L' }, temp: { value: 68, unit: '[degF]' }, w01001: 7.5 },
    });
    expect(await reading('codmn', time)).toMatchObject({ unit: 'mg/L', items: [{ value: 2.5 }] });
    expect((await reading('nh3n', time)).items).toMatchObject([{ value: 0.15 }]);
    const [temp] = (await reading('temp', time)).items as { value: number }[];
    expect(temp!.value).toBeCloseTo(20, 9);
    expect((await reading('ph', time)).items).toMatchObject([{ value: 7.5 }]);
    // The API takes the alias as the parameter's name, too, and answers with its id.
    expect(await reading('w01019', time)).toMatchObject({ parameter: 'codmn', items: [{ value: 2.5 }] });
  });

  const FLAGS: [string | number, number][] = [
    ['N', 1],
    ['S', 1],
    ['T', 3],
    ['L', 3],
    ...['F', 'M', 'D', 'C', 'B', 'P', 'Z', 'hd'].map((letter): [string, number] => [letter, 4]),
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    ['?', 3],
  ];
  it.each(FLAGS)('device flag %s becomes %i and is kept as sent', async (flag, expected) => {
    const time = Date.now() - MINUTE + 100 + FLAGS.findIndex(([known]) => known === flag);
    await say({ station: 's1', time, values: { do: { value: 9, flag } } });
    const [item] = (await reading('do', time)).items as { flag: number; deviceFlag: string }[];
    // Not evaluated yields to a verdict of our own, good or bad.
    if (flag === 2) expect([1, 2]).toContain(item!.flag);
    else expect(item!.flag).toBe(expected);
    expect(String(item!.deviceFlag)).toBe(String(flag));
  });

  it('an unknown flag is kept with flag 3 and told as flag.unknown', async () => {
    const time = Date.now() - MINUTE + 200;
    const { body } = await service.call('POST', '/readings', {
      station: 's1',
      time,
      values: { do: { value: 9, flag: '?' } },
    });
    expect(body).toMatchObject({
      accepted: 1,
      quarantined: [],
      warnings: [{ code: 'flag.unknown', path: 'values.do' }],
    });
    expect((await reading('do', time)).items).toMatchObject([{ value: 9, flag: 3, deviceFlag: '?' }]);
  });

  it('finds gaps in seq', async () => {
    await say({ seq: 4715, station: 's1', time: Date.now() - MINUTE + 300, values: { ph: 7.5 } });
    const { body } = await service.call('GET', '/gateways/gw-1');
    expect(body).toMatchObject({
      id: 'gw-1',
      stations: ['s1'],
      lastSeen: expect.stringMatching(/Z$/),
      clockOffsetMs: expect.any(Number),
    });
    expect(JSON.stringify(body)).toContain('"missing":3');
    expect(body).not.toHaveProperty('password');
    expect(body).not.toHaveProperty('passwordHash');
  });
});

describe('what is not welcome', () => {
  it('is acknowledged and told on rejected, with exactly these members', async () => {
    const before = heard.length;
    const time = Date.now() - MINUTE + 400;
    await say({ samples: [{ station: 's2', time, values: { ph: 7 } }] });
    const { body, topic } = await eventually('the rejection', () =>
      heard.slice(before).find(({ topic: name }) => name.endsWith('/rejected')),
    );
    expect(topic).toBe('wk/v1/gw-1/rejected');
    expect(body).toEqual({
      code: 'gateway.not-owner',
      message: expect.any(String),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      quarantineId: expect.any(String),
      path: 'samples[0].values.ph',
    });
  });

  it('retained, at QoS 2 or too large for any topic: the connection stays and nothing is forwarded', async () => {
    const time = Date.now() - MINUTE + 500;
    const body = JSON.stringify({ station: 's1', time, values: { ph: 7.4 } });
    await gateway.publishAsync('wk/v1/gw-1/readings', body, { qos: 1, retain: true });
    await gateway.publishAsync('wk/v1/gw-1/readings', body, { qos: 2 });
    await gateway.publishAsync('wk/v1/gw-1/rejected', 'spoof', { qos: 1, retain: true });
    await gateway.publishAsync('x'.repeat(3000), Buffer.alloc(1_000_000), { qos: 1 });
    expect(gateway.connected).toBe(true);
    expect((await reading('ph', time)).items).toHaveLength(1);
    expect(heard.some(({ body: text }) => text === 'spoof')).toBe(false);
  });

  it('at most ten are told a second, all are quarantined', async () => {
    const before = heard.filter(({ topic }) => topic.endsWith('/rejected')).length;
    const { body: was } = await service.call<{ quarantined: number }>('GET', '/gateways/gw-1/ledger');
    await Promise.all(Array.from({ length: 50 }, () => say('{')));
    const { body: now } = await service.call<{ quarantined: number }>('GET', '/gateways/gw-1/ledger');
    expect(now.quarantined - was.quarantined).toBe(50);
    expect(heard.filter(({ topic }) => topic.endsWith('/rejected')).length - before).toBeLessThanOrEqual(20);
    expect(gateway.connected).toBe(true);
  });
});

describe('credentials', () => {
  it('the first PUT gives a password, a second none, rotation a new one and disconnects at once', async () => {
    const first = await service.call<{ password?: string }>('PUT', '/gateways/gw-2', { name: 'Two', stations: ['s2'] });
    expect(first.body).toMatchObject({ id: 'gw-2', stations: ['s2'], password: expect.any(String) });
    const second = await service.call<{ password?: string }>('PUT', '/gateways/gw-2', { stations: ['s2', 's1'] });
    expect(second.body).toEqual({ id: 'gw-2', stations: ['s2', 's1'] });
    const client = await service.connect('gw-2', first.body.password!);
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    const rotated = await service.call<{ password?: string }>('PUT', '/gateways/gw-2?rotate=true', {
      stations: ['s2'],
    });
    await closed;
    await expect(service.connect('gw-2', first.body.password!)).rejects.toThrow(/not authorized/i);
    const again = await service.connect('gw-2', rotated.body.password!);
    const gone = new Promise<void>((resolve) => again.once('close', () => resolve()));
    expect((await service.call('DELETE', '/gateways/gw-2')).status).toBe(204);
    await gone;
    await expect(service.connect('gw-2', rotated.body.password!)).rejects.toThrow(/not authorized/i);
  });
});

it('the ledger stands retained on its topic each minute and adds up', async () => {
  const ledger = await eventually(
    'the ledger',
    () => heard.find(({ topic }) => topic === 'wk/v1/gw-1/ledger'),
    2 * GUARD_MS,
  );
  const body = ledger.body as Record<string, number>;
  expect(Object.keys(body).sort()).toEqual(['duplicate', 'pending', 'quarantined', 'received', 'since', 'stored']);
  expect(body.received).toBe(body.stored! + body.duplicate! + body.quarantined! + body.pending!);
  const later = await service.connect('gw-1', password, { clientId: 'second' });
  const retained: typeof heard = [];
  listen(later, retained);
  await later.subscribeAsync('wk/v1/gw-1/ledger', { qos: 1 });
  expect(await eventually('the retained ledger', () => retained[0])).toMatchObject({
    retain: true,
    topic: 'wk/v1/gw-1/ledger',
  });
});

describe('alarm topics', () => {
  it('stand retained until cleared: final object unretained, then empty', async () => {
    expect(
      (
        await service.call('PUT', '/rules/r1', {
          kind: 'threshold',
          select: {},
          parameters: ['ec'],
          op: '<=',
          limit: 500,
          severity: 'major',
        })
      ).status,
    ).toBe(201);
    const { body } = await service.call<{ token: string }>('POST', '/tokens', { name: 'panel', role: 'viewer' });
    const panel = await service.connect('token', body.token, { clientId: 'panel' });
    const alarms: typeof heard = [];
    listen(panel, alarms);
    await panel.subscribeAsync('wk/alarms/v1/s1/#', { qos: 1 });
    const time = Date.now();
    await say({ station: 's1', time: time - 2000, values: { ec: 600 } });
    const raised = await eventually('the alarm', () => alarms[0]);
    const id = (raised.body as { id: string }).id;
    expect(raised.topic).toBe(`wk/alarms/v1/s1/${id}`);
    expect((await service.call('GET', `/alarms/${id}`)).body).toEqual(raised.body);

    const late = await service.connect('token', body.token, { clientId: 'late' });
    const retained: typeof heard = [];
    listen(late, retained);
    await late.subscribeAsync('wk/alarms/v1/s1/+', { qos: 1 });
    expect(await eventually('the retained alarm', () => retained[0])).toMatchObject({
      retain: true,
      body: { id, state: 'raised' },
    });

    await service.call('POST', `/alarms/${id}/acknowledge`, {});
    await say({ station: 's1', time: time - 1000, values: { ec: 400 } });
    await eventually('the emptied topic', () => alarms.some((message) => message.body === null));
    expect(alarms.map((message) => (message.body as { state: string } | null)?.state ?? null)).toEqual([
      'raised',
      'acknowledged',
      'cleared',
      null,
    ]);
    expect(alarms.every(({ topic }) => topic === raised.topic)).toBe(true);
    const after = await service.connect('token', body.token, { clientId: 'after' });
    const nothing: typeof heard = [];
    listen(after, nothing);
    await after.subscribeAsync('wk/alarms/v1/s1/#', { qos: 1 });
    await after.publishAsync('wk/none', '', { qos: 1 });
    expect(nothing).toEqual([]);
  });
});
