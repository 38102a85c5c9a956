/** SenML and Sparkplug B through the API and the door: what is taken, what is previewed, what can be replayed. */
import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { birthOf } from '#ingest/codecs/sparkplug-b/births.ts';
import { readPayload } from '#ingest/codecs/sparkplug-b/payload.ts';
import type { Delivery } from '#ingest/door.ts';
import { type ApiRig, GATEWAY, NOW_MS, startApi } from '#tests/helpers/api.ts';
import { casesOf } from '#tests/helpers/ingest/codecs.ts';
import { aMetric, aPayload } from '#tests/helpers/ingest/sparkplug.ts';

const put = (rig: ApiRig, body: object, id = GATEWAY.id) => rig.call('PUT', `/api/v1/gateways/${id}`, { body });
const newestOf = (rig: ApiRig, parameter: string) => {
  const series = rig.reader.seriesByName('taocha', parameter);
  return series && rig.deps.door.latest(series.id);
};

const UNIT = 'urn:dev:mac:0024befffe804ff1';
const DEVICE = { address: UNIT, station: 'taocha', elements: { temperature: { parameter: 'temp' } } };
const PACK = [
  { bn: `${UNIT}:`, bt: NOW_MS / 1000, n: 'temperature', u: 'Cel', v: 10.8 },
  { n: 'pH', u: 'pH', v: 8.02 },
  { n: 'conductivity', u: 'S/m', v: 0.0285 },
  { n: 'turbidity', u: 'NTU', v: 2.1 },
  { n: 'nh3n', u: 'kg/m3', v: 0.000155 },
  { n: 'do', u: 'mg/l', v: 9.6 },
  { n: 'flow', u: 'm3/s', v: 312.5, s: 81_234_567 },
  { n: 'temperature', u: 'Cel', t: -60, v: 10.7 },
];

describe('SenML', () => {
  it.each([
    ['application/senml+json', Buffer.from(JSON.stringify(PACK))],
    ['application/senml+cbor', Buffer.from(encode(PACK))],
    ['application/json', Buffer.from(JSON.stringify(PACK))],
  ])('as %s: nh3n 0.155 mg/L, ec 285 µS/cm, 81,234,567 m3', async (type, body) => {
    const rig = await startApi();
    await put(rig, { stations: ['taocha'], protocol: 'senml', devices: [DEVICE] });
    const headers = { 'content-type': type };
    const answer = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body, headers });
    expect([answer.statusCode, answer.json()]).toMatchObject([202, { accepted: 9, quarantined: [] }]);
    const newest = Object.entries({
      temp: 10.8,
      ph: 8.02,
      ec: 285,
      turbidity: 2.1,
      nh3n: 0.155,
      do: 9.6,
      flow: 312.5,
      register: 81_234_567,
    });
    for (const [parameter, value] of newest) expect(newestOf(rig, parameter)).toMatchObject({ value, timeMs: NOW_MS });
  });

  it('what is refused says why and where, and is replayed once the device is known, at the time that it had', async () => {
    const rig = await startApi();
    await put(rig, { stations: ['taocha'], protocol: 'senml', devices: [] });
    await put(rig, { stations: ['taocha', 'shending-mouth'], protocol: 'senml' });
    const pack = [
      { bn: `${UNIT}:`, n: 'pH', v: 8.02, t: -30 },
      { n: 'nonsense', v: 1 },
    ];
    const headers = { 'content-type': 'application/senml+json' };
    const body = Buffer.from(JSON.stringify(pack));
    const sent = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body, headers });
    const { quarantined } = sent.json();
    expect(quarantined).toMatchObject([
      { code: 'device.unknown', path: 'records[0].pH', message: expect.stringContaining('`devices`') },
      { code: 'device.unknown', path: 'records[1].nonsense' },
    ]);
    await put(rig, { stations: ['taocha'], protocol: 'senml', devices: [DEVICE] });
    rig.clock.advance(3_600_000);
    const replay = (n: number) => rig.call('POST', `/api/v1/quarantine/${quarantined[n].quarantineId}/replay`);
    expect((await replay(0)).json()).toMatchObject({ accepted: 1 });
    expect(newestOf(rig, 'ph')).toMatchObject({ value: 8.02, timeMs: NOW_MS - 30_000 });
    expect((await replay(1)).json()).toMatchObject({ quarantined: [{ code: 'parameter.unknown' }] });
  });

  it('a preview changes nothing', async () => {
    const rig = await startApi();
    await put(rig, { stations: ['taocha'], protocol: 'senml', devices: [DEVICE] });
    const headers = { 'content-type': 'application/senml+cbor' };
    const answer = await rig.call('POST', `/api/v1/decode?gateway=${GATEWAY.id}`, {
      body: Buffer.from(encode(PACK)),
      headers,
    });
    expect(answer.json().readings).toHaveLength(9);
    expect(answer.json().readings.at(-1)).toMatchObject({ parameter: 'temp', value: 10.7, unit: '°C' });
    expect(newestOf(rig, 'temp')).toBeUndefined();
  });
});

describe('Sparkplug B', () => {
  const TOPIC = 'spBv1.0/SNWD/DDATA/taocha/sonde';
  const ENTRY = {
    stations: ['taocha'],
    protocol: 'sparkplug-b',
    topics: ['spBv1.0/SNWD/+/taocha/#'],
    devices: [{ address: 'sonde', station: 'taocha' }],
  };
  const born = birthOf(
    readPayload(
      aPayload({
        metrics: [aMetric({ name: 'ph', alias: 1, datatype: 10 }), aMetric({ name: 'temp', alias: 2, datatype: 2 })],
      }),
    ),
  );
  const data = aPayload({
    timestamp: NOW_MS,
    metrics: [
      aMetric({ alias: 1, double: 7.93 }),
      aMetric({ alias: 2, int: 0xfffd }),
      aMetric({ alias: 3, double: 1 }),
    ],
  });
  const delivery = (more: Partial<Delivery> = {}): Delivery => ({
    source: GATEWAY.id,
    stations: new Set(['taocha']),
    contentType: 'application/x-sparkplug-b',
    payload: data,
    topic: TOPIC,
    births: { birth: born, missed: null, ended: [] },
    ...more,
  });

  it('is taken by what births have said, and what they have not is refused by itself', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const receipt = await rig.deps.door.accept(delivery());
    expect(receipt).toMatchObject({ accepted: 2, quarantined: [{ code: 'sparkplug.no-birth', path: 'metrics[2]' }] });
    expect([newestOf(rig, 'ph')?.value, newestOf(rig, 'temp')?.value]).toEqual([7.93, -3]);
  });

  it('after a hole is replayed by whoever knows that no birth was missed', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const births = { birth: born, missed: 'seq 9 came where 3 was next', ended: [] };
    const { quarantined } = await rig.deps.door.accept(delivery({ births }));
    expect(quarantined.map(({ code }) => code)).toEqual(['sparkplug.missed', 'sparkplug.missed', 'sparkplug.no-birth']);
    const answers = [];
    for (const { quarantineId } of quarantined) {
      answers.push((await rig.call('POST', `/api/v1/quarantine/${quarantineId}/replay`)).json());
    }
    expect(answers).toMatchObject([{ accepted: 1 }, { accepted: 1 }, { accepted: 0 }]);
    expect([newestOf(rig, 'ph')?.value, newestOf(rig, 'temp')?.value]).toEqual([7.93, -3]);
  });

  it('a death is no value, and says who said so', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    await rig.deps.door.accept(delivery());
    rig.clock.advance(60_000);
    const ended = [{ device: 'sonde', birth: born }];
    const topic = 'spBv1.0/SNWD/NDEATH/taocha';
    const receipt = await rig.deps.door.accept(
      delivery({ topic, payload: aPayload({}), births: { birth: null, missed: null, ended } }),
    );
    expect(receipt).toMatchObject({ accepted: 2, quarantined: [] });
    expect(receipt).not.toHaveProperty('warnings');
    expect(newestOf(rig, 'ph')).toMatchObject({ value: null, flag: 9, deviceFlag: '9', timeMs: NOW_MS + 60_000 });
  });

  it('needs its topic: over HTTP it is told so', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    const headers = { 'content-type': 'application/octet-stream' };
    const answer = await rig.call('POST', '/api/v1/readings', { as: 'gateway', body: Buffer.from(data), headers });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      400,
      { code: 'message.malformed', detail: expect.stringContaining('`topics`') },
    ]);
  });

  it('vectors of other libraries go through the door to the last value', async () => {
    const rig = await startApi();
    await put(rig, ENTRY);
    rig.clock.set(Date.UTC(2026, 10, 30, 9));
    const vector = casesOf<{ name: string; topic: string; base64: string }[]>('sparkplug-b').find(
      (one) => one.name === 'dbirth',
    )!;
    const receipt = await rig.deps.door.accept(
      delivery({ topic: vector.topic, payload: Buffer.from(vector.base64, 'base64'), births: undefined }),
    );
    const codes = receipt.quarantined.map(({ code, path }) => [code, path]);
    expect(receipt.accepted).toBe(5);
    expect(codes).toEqual([
      ['parameter.unknown', 'metrics[3].total'],
      ['parameter.unknown', 'metrics[4].ice'],
      ['parameter.unknown', 'metrics[5].make'],
    ]);
    expect(newestOf(rig, 'turbidity')).toMatchObject({ value: 12, flag: 4, deviceFlag: '9' });
  });
});

describe('topics of a gateway’s own', () => {
  it.each([
    ['spBv1.0/SNWD/+/taocha/#', 'spBv1.0/SNWD/NDATA/taocha'],
    ['v1/+/telemetry', 'v1/gateway/+'],
    ['cs/v2/data/CR1', 'cs/v2/data/CR1'],
    ['a/#', 'a'],
  ])('%s and %s have topics in common: they belong to one gateway', async (own, other) => {
    const rig = await startApi();
    expect((await put(rig, { stations: [], topics: [own] })).statusCode).toBe(200);
    const taken = await put(rig, { stations: [], topics: [other] }, 'gw-2');
    expect([taken.statusCode, taken.json()]).toMatchObject([
      409,
      { code: 'topic.taken', detail: expect.stringContaining(GATEWAY.id) },
    ]);
    expect((await put(rig, { stations: [], topics: [own, other] })).statusCode).toBe(200);
    expect((await put(rig, { stations: [], topics: [] })).statusCode).toBe(200);
    expect((await put(rig, { stations: [], topics: [other] }, 'gw-2')).statusCode).toBe(201);
  });

  it.each(['', 'a/#/b', 'a+', '#', '+/v1/x/readings', 'wk/v1/gw-1/readings', '$SYS/broker', '$share/a/b'])(
    '%s is refused',
    async (topic) => {
      const rig = await startApi();
      const answer = await put(rig, { stations: [], topics: [topic] });
      expect([answer.statusCode, answer.json().code, answer.json().errors[0].path]).toEqual([
        400,
        'request.invalid',
        'topics[0]',
      ]);
    },
  );
});
