/**
 * Bad input gets a clear answer and loses nothing: through real MQTT and HTTP, one case after the other on one
 * service, which has to work after each of them and to account for every value at the end.
 */
import { readFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import type { MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const DAY = 86_400_000;
const TOPIC = 'wk/v1/gw/readings';

interface Notice {
  code: string;
  message: string;
  at: string;
  quarantineId: string;
  path?: string;
}
interface Quarantined extends Notice {
  id: string;
  gateway: string;
  sample: string;
}
interface Receipt {
  accepted: number;
  duplicates: number;
  corrections: number;
  pending: number;
  quarantined: { code: string; path?: string; quarantineId: string }[];
}

let service: TestService;
let password: string;
let client: MqttClient;
let rejected: Notice[] = [];
/** When notices came: a gateway is told of ten a second at most, and each test wants to hear of its own. */
const toldAtMs: number[] = [];
/** What the gateway has sent so far, counted in values as contracts §3 counts. */
let sent = 0;
/** A time of its own for every value that shall be new. */
let clockMs = Date.now() - 3_600_000;
const nextMs = () => (clockMs += 1000);

const station = {
  name: { zh: '断面', en: 'Section' },
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  parameters: [{ id: 'ph' }, { id: 'do' }, { id: 'nh3n' }],
};
const ledger = async () =>
  (
    await service.call<{ received: number; stored: number; duplicate: number; quarantined: number; pending: number }>(
      'GET',
      '/gateways/gw/ledger',
    )
  ).body;
const quarantine = async () =>
  (await service.call<{ items: Quarantined[] }>('GET', '/quarantine?limit=1000')).body.items;
const storedAt = async (parameter: string, timeMs: number) =>
  (
    await service.call<{ items: { value: number | null; flag: number }[] }>(
      'GET',
      `/series/s1/${parameter}/readings?from=${timeMs}&to=${timeMs + 1}`,
    )
  ).body.items[0];
/** Forgets earlier notices, and waits until one more may be told. */
async function listenAnew(): Promise<void> {
  await eventually('room for a notice', () => toldAtMs.filter((at) => at > performance.now() - 1100).length < 9);
  rejected = [];
}
const publish = (payload: string | Buffer, topic = TOPIC) => client.publishAsync(topic, payload, { qos: 1 });

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  await service.call('PUT', '/stations/s1', station);
  await service.call('PUT', '/stations/foreign', station);
  password = await service.gateway('gw', ['s1']);
  client = await service.connect('gw', password);
  client.on('message', (topic, payload) => {
    if (!topic.endsWith('/rejected')) return;
    toldAtMs.push(performance.now());
    rejected.push(JSON.parse(payload.toString()) as Notice);
  });
  await client.subscribeAsync('wk/v1/gw/rejected');
});
afterAll(() => service.remove());

afterEach(async () => {
  // The service still works: a good reading over the same connection is acknowledged, stored and served.
  const time = nextMs();
  await publish(JSON.stringify({ station: 's1', time, values: { ph: 7.5 } }));
  sent++;
  expect(await storedAt('ph', time)).toMatchObject({ value: 7.5 });
  const counts = await ledger();
  expect(counts.received).toBe(sent);
  expect(counts.stored + counts.duplicate + counts.quarantined + counts.pending).toBe(counts.received);
});

/** A value that is refused, beside one that is good: code, and path of the refused one. */
const VALUES: [string, (good: number) => string, string, string][] = [
  ['a text for a number', (t) => sample(t, '"do":"high"'), 'value.not-a-number', 'samples[0].values.do'],
  ['a boolean', (t) => sample(t, '"do":true'), 'value.not-a-number', 'samples[0].values.do'],
  ['an array', (t) => sample(t, '"do":[9]'), 'value.not-a-number', 'samples[0].values.do'],
  ['an object without value', (t) => sample(t, '"do":{"unit":"mg/L"}'), 'value.not-a-number', 'samples[0].values.do'],
  ['1e400', (t) => sample(t, '"do":1e400'), 'value.not-finite', 'samples[0].values.do'],
  ['NaN as text', (t) => sample(t, '"do":"NaN"'), 'value.not-finite', 'samples[0].values.do'],
  ['a bare NaN', (t) => sample(t, '"do":NaN'), 'value.not-finite', 'samples[0].values.do'],
  ['a bare -Infinity', (t) => sample(t, '"do":{"value":-Infinity}'), 'value.not-finite', 'samples[0].values.do'],
  ['a number in quotation marks', (t) => sample(t, '"do":"9.1"'), 'value.not-a-number', 'samples[0].values.do'],
  ['an unknown parameter', (t) => sample(t, '"unobtainium":1'), 'parameter.unknown', 'samples[0].values.unobtainium'],
  ['an unknown unit', (t) => sample(t, '"do":{"value":9,"unit":"furlong"}'), 'unit.unknown', 'samples[0].values.do'],
  [
    'an unknown station',
    (t) => samples(t, '{"station":"nowhere","time":TIME,"values":{"do":9}}'),
    'station.unknown',
    'samples[1].values.do',
  ],
  [
    'a foreign station',
    (t) => samples(t, '{"station":"foreign","time":TIME,"values":{"do":9}}'),
    'gateway.not-owner',
    'samples[1].values.do',
  ],
  [
    'a time without offset',
    (t) => samples(t, '{"station":"s1","time":"2026-11-22T08:00:00","values":{"do":9}}'),
    'time.no-offset',
    'samples[1].values.do',
  ],
  [
    'a time in seconds',
    (t) => samples(t, '{"station":"s1","time":SECONDS,"values":{"do":9}}'),
    'time.seconds',
    'samples[1].values.do',
  ],
  [
    'a time in 1970',
    (t) => samples(t, '{"station":"s1","time":"1970-01-01T00:00:00Z","values":{"do":9}}'),
    'time.impossible',
    'samples[1].values.do',
  ],
  [
    'a time of zero',
    (t) => samples(t, '{"station":"s1","time":0,"values":{"do":9}}'),
    'time.impossible',
    'samples[1].values.do',
  ],
  [
    'tomorrow',
    (t) => samples(t, '{"station":"s1","time":TOMORROW,"values":{"do":9}}'),
    'time.impossible',
    'samples[1].values.do',
  ],
  ['no time', (t) => samples(t, '{"station":"s1","values":{"do":9}}'), 'sample.malformed', 'samples[1].values.do'],
];
function sample(goodMs: number, bad: string): string {
  return `{"samples":[{"station":"s1","time":${goodMs},"values":{"ph":8,${bad}}}]}`;
}
function samples(goodMs: number, bad: string): string {
  const filled = bad
    .replace('TIME', String(goodMs))
    .replace('SECONDS', String(Math.floor(goodMs / 1000)))
    .replace('TOMORROW', String(goodMs + DAY));
  return `{"samples":[{"station":"s1","time":${goodMs},"values":{"ph":8}},${filled}]}`;
}

describe('one bad value', () => {
  it.each(VALUES)('%s over MQTT is quarantined and told; the rest is taken', async (_name, make, code, path) => {
    await listenAnew();
    const before = await ledger();
    const time = nextMs();
    await publish(make(time));
    sent += 2;
    const notice = await eventually('the rejection', () => rejected[0]);
    expect(notice).toEqual({
      code,
      path,
      message: expect.stringMatching(/\S/),
      at: expect.stringMatching(/Z$/),
      quarantineId: expect.stringMatching(/\S/),
    });
    expect(rejected).toHaveLength(1);
    expect(await storedAt('ph', time)).toMatchObject({ value: 8 });
    const item = (await quarantine()).find(({ id }) => id === notice.quarantineId);
    expect(item).toMatchObject({ gateway: 'gw', code, path, message: notice.message });
    const after = await ledger();
    expect(after.quarantined - before.quarantined).toBe(1);
    expect(after.stored - before.stored).toBe(1);
  });

  it.each(VALUES.filter(([name]) => name !== 'a foreign station'))('%s over HTTP', async (_name, make, code, path) => {
    const time = nextMs();
    const { status, body } = await service.call<Receipt>('POST', '/readings', make(time), {
      'content-type': 'application/json',
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 1, quarantined: [{ code, path, quarantineId: expect.any(String) }] });
  });

  it('1e308 is a number, beyond any measuring range: taken, failed, and no breach', async () => {
    const time = nextMs();
    await publish(sample(time, '"do":1e308'));
    sent += 2;
    const stored = await eventually('a reading or its quarantine', async () => {
      const reading = await storedAt('do', time);
      return reading ?? rejected.find(({ code }) => code === 'value.not-finite');
    });
    if ('flag' in stored) expect(stored).toMatchObject({ value: 1e308, flag: 4 });
    const trends = await service.call(
      'GET',
      `/trends?station=s1&parameter=do&from=${time - 1000}&to=${time + 1000}&interval=PT1H`,
    );
    expect(trends.status).toBe(200);
  });
});

describe('a whole message', () => {
  const WHOLE: [string, () => string | Buffer, string][] = [
    ['malformed JSON', () => '{"samples":[', 'message.malformed'],
    ['nothing', () => '', 'message.malformed'],
    ['bytes that are no text', () => Buffer.from([0xff, 0xfe, 0x00, 0x80]), 'message.malformed'],
    ['a number', () => '42', 'message.malformed'],
    ['samples that are no list', () => '{"samples":7}', 'message.malformed'],
    ['5,001 values', () => manyValues(5001), 'message.too-many-values'],
    ['10 MB', () => Buffer.alloc(10_000_000, 'x'), 'message.too-large'],
  ];

  it.each(WHOLE)('%s over MQTT is acknowledged, quarantined once and told', async (_name, make, code) => {
    await listenAnew();
    const before = await ledger();
    await publish(make());
    sent++;
    const notice = await eventually('the rejection', () => rejected[0]);
    expect(notice).toMatchObject({ code, quarantineId: expect.any(String) });
    expect(client.connected).toBe(true);
    expect((await ledger()).quarantined - before.quarantined).toBe(1);
    const item = (await quarantine()).find(({ id }) => id === notice.quarantineId)!;
    expect(item).toMatchObject({ gateway: 'gw', code });
    expect(item.sample.length).toBeLessThanOrEqual(4096);
  });

  it.each(WHOLE)('%s over HTTP is refused with its code', async (_name, make, code) => {
    const answer = await fetch(`${service.url}/api/v1/readings`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`gw:${password}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: make() as string,
    });
    sent++;
    const problem = (await answer.json()) as { status: number; code: string; quarantineId: string };
    expect(answer.status).toBe(code === 'message.too-large' ? 413 : 400);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(problem).toMatchObject({ status: answer.status, code, quarantineId: expect.any(String) });
    expect((await quarantine()).find(({ id }) => id === problem.quarantineId)).toMatchObject({ gateway: 'gw', code });
  });

  it('exactly 5,000 values are taken', async () => {
    const before = await ledger();
    await publish(manyValues(5000));
    sent += 5000;
    expect((await ledger()).stored - before.stored).toBe(5000);
  });

  it('a wrong topic is acknowledged and quarantined as not ours', async () => {
    for (const topic of ['wk/v1/other/readings', 'wk/v1/gw/hj212/reply', 'somewhere/else', 'wk/alarms/v1/s1/x']) {
      await listenAnew();
      await publish(JSON.stringify({ station: 's1', time: nextMs(), values: { ph: 7 } }), topic);
      sent++;
      expect(await eventually('the rejection', () => rejected[0]), topic).toMatchObject({ code: 'topic.not-yours' });
    }
    expect(client.connected).toBe(true);
  });
});

/** Five values a sample, since spelling each out alone would be too large before it is too many. */
function manyValues(count: number): string {
  const ids = ['ec', 'temp', 'turbidity', 'cod', 'tp'];
  const start = nextMs();
  clockMs += count;
  const list = Array.from({ length: Math.ceil(count / 5) }, (_, index) => ({
    station: 's1',
    time: start + index,
    values: Object.fromEntries(ids.slice(0, Math.min(5, count - index * 5)).map((id) => [id, 0.1])),
  }));
  return JSON.stringify({ samples: list });
}

describe('who may not', () => {
  it('a wrong password, an unknown gateway and none are refused at CONNECT', async () => {
    await expect(service.connect('gw', 'wrong', { clientId: 'a' })).rejects.toThrow(/not authorized/i);
    await expect(service.connect('nobody', password, { clientId: 'b' })).rejects.toThrow(/not authorized/i);
  });

  it('and by HTTP with 401', async () => {
    for (const authorization of [
      `Basic ${Buffer.from('gw:wrong').toString('base64')}`,
      'Bearer wrong',
      'Basic !',
      'Nonsense',
    ]) {
      const { status, body } = await service.call(
        'POST',
        '/readings',
        { station: 's1', time: nextMs(), values: {} },
        { authorization },
      );
      expect(status, authorization).toBe(401);
      expect(body).toMatchObject({ status: 401, code: 'token.invalid' });
    }
  });

  it('a CONNECT of 100 MB is cut off before it costs memory', async () => {
    const highWaterKiB = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${service.child.pid}/status`, 'utf8'))?.[1]);
    const before = process.platform === 'linux' ? highWaterKiB() : 0;
    const socket = connectSocket(service.mqttPort, '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    const length = 100_000_000;
    socket.write(
      Buffer.from([
        0x10,
        (length & 127) | 128,
        ((length >> 7) & 127) | 128,
        ((length >> 14) & 127) | 128,
        length >> 21,
      ]),
    );
    const chunk = Buffer.alloc(65_536, 0x41);
    let writtenBytes = 0;
    const pour = () => {
      while (!socket.destroyed && writtenBytes < length) {
        writtenBytes += chunk.length;
        if (!socket.write(chunk)) {
          socket.once('drain', pour);
          return;
        }
      }
    };
    pour();
    await closed;
    expect(writtenBytes).toBeLessThan(length);
    if (process.platform === 'linux') expect(highWaterKiB() - before).toBeLessThan(30_000);
  });
});

it('has counted what it refused in its metrics', async () => {
  const { status, body } = await service.call<string>('GET', '/metrics', undefined, {
    authorization: `Bearer ${ADMIN}`,
  });
  expect(status).toBe(200);
  expect(body).toMatch(/quarantin/);
});
