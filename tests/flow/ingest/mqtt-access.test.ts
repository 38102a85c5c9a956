/** Who gets into the embedded broker, and what each may read there, over real sockets. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startEmbeddedBroker } from '#ingest/transports/mqtt-embedded.ts';
import { createLogInLimit, createPasswordVerifier, hashPassword } from '#setting/secrets.ts';
import { systemClock } from '#src/clock.ts';
import { endAll, endings, MAX_MESSAGE, READINGS, run } from '#tests/helpers/brokers/embedded-rig.ts';
import { MqttClient } from '#tests/helpers/brokers/mqtt-client.ts';
import { GUARDED } from '#tests/helpers/eventually.ts';

afterEach(endAll);

describe('a log-in', () => {
  it.each([
    ['a wrong password', { password: 'wrong' }],
    ['somebody else’s password', { password: 'pass-2' }],
    ['no such gateway', { username: 'gw-9' }],
    ['a name from the prototype', { username: '__proto__' }],
    ['no credentials', { username: undefined, password: undefined }],
    ['no password', { password: undefined }],
    ['a token that is none', { username: 'token', password: 'x' }],
  ])('is refused for %s', async (_name, options) => {
    const { open, broker, logged } = await run();
    const client = open(options);
    expect((await client.connack()).returnCode).toBe(5);
    await client.closed;
    expect(broker.counters.logInsFailed).toBe(1);
    expect(broker.clients()).toBe(0);
    expect(JSON.stringify(logged)).not.toContain('pass-');
  });

  it('is refused unchecked after ten failures, but not for who was let in before', async () => {
    const { open, gateway, broker } = await run();
    await gateway();
    for (let i = 0; i < 10; i++) await open({ password: `guess-${i}` }).connack();
    expect((await open({ username: 'gw-2', password: 'pass-2' }).connack()).returnCode).toBe(5);
    expect(broker.counters).toMatchObject({ logInsFailed: 10, logInsLimited: 1 });
    await gateway();
  });

  it('needs a client id for a session to be kept under, and none otherwise', async () => {
    const { broker, open } = await run();
    expect((await open({ clientId: '', clean: true }).connack()).returnCode).toBe(0);
    const connect = {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
      clientId: '',
    } as const;
    const bytes = generate({ ...connect, username: 'gw-1', password: Buffer.from('pass-1') });
    // The flags stand behind two bytes of fixed header, the protocol's name and its level: take CleanSession away.
    bytes[9]! &= ~2;
    const client = new MqttClient(broker.port);
    endings.push(() => client.end());
    client.raw(bytes);
    expect((await client.connack()).returnCode).toBe(2);
    await client.closed;
  });

  it('takes over one’s own connection, nobody else’s', async () => {
    const { gateway, broker } = await run();
    const first = await gateway({ clientId: 'same' });
    const stranger = await gateway({ clientId: 'same', username: 'gw-2', password: 'pass-2' });
    await first.publish(READINGS, '{}');
    const second = await gateway({ clientId: 'same' });
    await first.closed;
    await second.publish(READINGS, '{}');
    await stranger.publish('wk/v1/gw-2/readings', '{}');
    await vi.waitFor(() => expect(broker.clients()).toBe(2), GUARDED);
  });

  it('ends at once with a new password or the gateway’s deletion', async () => {
    const { gateway, open, put, control, broker } = await run();
    const client = await gateway();
    const other = await gateway({ username: 'gw-2', password: 'pass-2' });
    const passwordHash = await hashPassword('new');
    put({
      verb: 'put',
      noun: 'gateway',
      id: 'gw-1',
      body: { stations: ['a', 'b'], passwordHash: control.get('gateway', 'gw-1')!.passwordHash },
    });
    await client.publish(READINGS, '{}');
    put({ verb: 'put', noun: 'gateway', id: 'gw-1', body: { stations: [], passwordHash } });
    await client.closed;
    expect((await open().connack()).returnCode).toBe(5);
    const renewed = await gateway({ password: 'new' });
    put({ verb: 'delete', noun: 'gateway', id: 'gw-1' });
    await renewed.closed;
    expect((await open({ password: 'new' }).connack()).returnCode).toBe(5);
    await other.publish('wk/v1/gw-2/readings', '{}');
    broker.disconnectGateway('gw-2');
    await other.closed;
  });

  it('is told to the log with who and where, and nothing secret', async () => {
    const { gateway, logged } = await run();
    const client = await gateway({ clientId: 'logged' });
    await client.end();
    await vi.waitFor(() => expect(logged).toHaveLength(2), GUARDED);
    expect(logged.map(({ fields }) => fields)).toEqual([
      { event: 'mqtt.connected', client: 'gw-1', address: '127.0.0.1' },
      { event: 'mqtt.disconnected', client: 'gw-1', address: '127.0.0.1' },
    ]);
  });

  it('ignores a will', async () => {
    const { gateway, door, broker } = await run();
    const client = await gateway({ will: { topic: READINGS, payload: Buffer.from('{}'), qos: 1, retain: true } });
    expect(broker.counters.willsIgnored).toBe(1);
    await client.end();
    await vi.waitFor(() => expect(broker.clients()).toBe(0), GUARDED);
    expect(door.attempts).toBe(0);
  });

  it('may be followed by readings without waiting for the answer', async () => {
    const { open, door } = await run();
    const client = open();
    const ids = Array.from({ length: 300 }, () => client.post(READINGS, `{"x":"${'x'.repeat(500)}"}`));
    await client.acknowledged(ids.at(-1)!);
    expect(door.accepted).toHaveLength(300);
  });
});

describe('what a gateway is told', () => {
  it('names each refusal on its rejected topic', async () => {
    const { door, gateway } = await run();
    const client = await gateway();
    expect(await client.subscribe('wk/v1/gw-1/rejected', 'wk/v1/gw-1/ledger')).toEqual([1, 1]);
    door.faults = [{ code: 'unit.unknown', message: 'furlongs', path: 'samples[0].values.ph' }];
    await client.publish(READINGS, '{}');
    const told = JSON.parse((await client.message('wk/v1/gw-1/rejected')).payload.toString());
    expect(told).toEqual({
      code: 'unit.unknown',
      message: 'furlongs',
      at: '2026-11-22T00:00:00.000Z',
      quarantineId: 'q-1-0',
      path: 'samples[0].values.ph',
    });
    await client.publish('elsewhere', 'x');
    const second = JSON.parse((await client.message('wk/v1/gw-1/rejected', 1)).payload.toString());
    expect(second).toMatchObject({ code: 'topic.not-yours', quarantineId: 'q-1-0' });
    expect(second).not.toHaveProperty('path');
  });

  it('is at most ten refusals a second', async () => {
    const { door, gateway, broker } = await run();
    const client = await gateway();
    const other = await gateway({ username: 'gw-2', password: 'pass-2' });
    await client.subscribe('wk/v1/gw-1/rejected');
    await other.subscribe('wk/v1/gw-2/rejected');
    door.faults = Array.from({ length: 8 }, () => ({ code: 'value.not-finite', message: 'NaN' }) as const);
    await client.publish(READINGS, '{}');
    await client.publish(READINGS, '{}');
    await other.publish('wk/v1/gw-2/readings', '{}');
    await Promise.all([client.ping(), other.ping()]);
    await client.message('wk/v1/gw-1/rejected', 9);
    await other.message('wk/v1/gw-2/rejected', 7);
    expect(client.received('wk/v1/gw-1/rejected')).toHaveLength(10);
    expect(broker.counters.rejectedSurplus).toBe(6);
  });

  it('is its ledger, retained', async () => {
    const { broker, gateway } = await run();
    await broker.publishLedger('gw-1', '{"received":7}');
    const client = await gateway();
    await client.subscribe('wk/v1/gw-1/ledger');
    const { payload, retain } = await client.message('wk/v1/gw-1/ledger');
    expect([payload.toString(), retain]).toEqual(['{"received":7}', true]);
    await broker.clearRetained('wk/v1/gw-1/ledger');
    const late = await gateway();
    await late.subscribe('wk/v1/gw-1/ledger');
    await late.ping();
    expect(late.received('wk/v1/gw-1/ledger')).toEqual([]);
  });

  it('is nothing of anybody else’s: wide subscriptions fail and the connection stays', async () => {
    const { broker, gateway } = await run();
    const client = await gateway();
    const filters = [
      '#',
      '+/#',
      'wk/#',
      'wk/v1/+/rejected',
      'wk/v1/gw-1/#',
      READINGS,
      'wk/v1/gw-2/ledger',
      '$SYS/#',
      'wk/alarms/v1/#',
    ];
    expect(await client.subscribe(...filters)).toEqual(filters.map(() => 128));
    expect(await client.subscribe('wk/v1/gw-1/ledger', '#')).toEqual([1, 128]);
    expect(broker.counters.subscriptionsRefused).toBe(filters.length + 1);
    await broker.publish('wk/alarms/v1/taocha/1', '{}');
    await broker.publishLedger('gw-2', '{}');
    await client.ping();
    expect(client.packets.filter(({ cmd }) => cmd === 'publish')).toEqual([]);
  });
});

describe('a viewer’s token', () => {
  it('reads alarms, retained ones at once, and nothing else', async () => {
    const { broker, gateway } = await run();
    await broker.publish('wk/alarms/v1/taocha/1', '{"state":"raised"}', { retain: true });
    const viewer = await gateway({ username: 'token', password: 'viewer-token' });
    expect(await viewer.subscribe('wk/alarms/v1/#', '#', 'wk/v1/gw-1/ledger', '$SYS/#')).toEqual([1, 128, 128, 128]);
    expect((await viewer.message('wk/alarms/v1/taocha/1')).retain).toBe(true);
    await broker.publish('wk/alarms/v1/taocha/1', '{"state":"cleared"}');
    await broker.clearRetained('wk/alarms/v1/taocha/1');
    const { payload } = await viewer.message('wk/alarms/v1/taocha/1', 2);
    expect(payload).toHaveLength(0);
    const late = await gateway({ username: 'token', password: 'viewer-token' });
    await late.subscribe('wk/alarms/v1/taocha/+');
    await late.ping();
    expect(late.received('wk/alarms/v1/taocha/1')).toEqual([]);
  });

  it('publishes nothing: acknowledged and quarantined', async () => {
    const { door, gateway } = await run();
    const viewer = await gateway({ username: 'token', password: 'viewer-token' });
    await viewer.publish('wk/v1/token/readings', '{}');
    await viewer.publish('wk/alarms/v1/taocha/1', '{}');
    expect(door.accepted).toEqual([]);
    expect(door.refused.map(({ source, fault }) => [source, fault.code])).toEqual([
      ['user:token', 'topic.not-yours'],
      ['user:token', 'topic.not-yours'],
    ]);
  });

  it('has a limited number of subscriptions, and may exchange them', async () => {
    const { gateway } = await run({ subscriptionsPerClient: 2 });
    const viewer = await gateway({ username: 'token', password: 'viewer-token' });
    expect(await viewer.subscribe('wk/alarms/v1/a/+', 'wk/alarms/v1/b/+', 'wk/alarms/v1/c/+')).toEqual([1, 1, 128]);
    viewer.send({ cmd: 'unsubscribe', messageId: 500, unsubscriptions: ['wk/alarms/v1/a/+'] });
    await viewer.acknowledged(500, 'unsuback');
    expect(await viewer.subscribe('wk/alarms/v1/c/+')).toEqual([1]);
  });

  it('that is changed ends every viewer’s connection', async () => {
    const { gateway, put } = await run();
    const viewer = await gateway({ username: 'token', password: 'viewer-token' });
    const client = await gateway();
    put({ verb: 'delete', noun: 'token', id: 't1' });
    await viewer.closed;
    await client.publish(READINGS, '{}');
  });

  it('that does not read is disconnected and holds up nobody', async () => {
    const { broker, gateway, logged } = await run();
    const viewer = await gateway({ username: 'token', password: 'viewer-token' });
    const reader = await gateway({ username: 'token', password: 'viewer-token' });
    await viewer.subscribe('wk/alarms/v1/#');
    await reader.subscribe('wk/alarms/v1/#');
    viewer.socket.pause();
    const client = await gateway();
    const payload = 'x'.repeat(100_000);
    const isBehind = (): boolean => logged.some(({ fields }) => fields.event === 'mqtt.behind');
    for (let i = 0; i < 500 && !isBehind(); i++) {
      void broker.publish(`wk/alarms/v1/s/${i}`, payload);
      await reader.message(`wk/alarms/v1/s/${i}`);
      await client.publish(READINGS, '{}');
    }
    expect(isBehind()).toBe(true);
    expect(broker.clients()).toBe(2);
  });
});

describe('the broker', () => {
  it('closes all connections and its port', async () => {
    const { broker, gateway, open } = await run();
    const client = await gateway();
    await broker.close();
    await client.closed;
    await expect(open().connack()).rejects.toThrow('the connection ended first');
    await broker.close();
  });

  it('refuses to start on a port that is taken', async () => {
    const { broker, door, control } = await run();
    const starting = startEmbeddedBroker({
      host: '127.0.0.1',
      port: broker.port,
      door,
      control,
      clock: systemClock,
      log: { info() {}, warn() {}, error() {} },
      maxMessageBytes: MAX_MESSAGE,
      checkViewer: () => false,
      verifier: createPasswordVerifier(),
      logIns: createLogInLimit(systemClock),
    });
    await expect(starting).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('strangers that say nothing', () => {
  it('by the thousand keep nobody out', async () => {
    const { broker, gateway, crowded } = await run();
    const silent = Array.from({ length: 2600 }, () => connect(broker.port, '127.0.0.1').on('error', () => {}));
    endings.push(() => {
      for (const socket of silent) socket.destroy();
    });
    const clients = await Promise.all(Array.from({ length: 32 }, () => gateway()));
    expect(clients).toHaveLength(32);
    expect(broker.counters).toMatchObject({ connectionsRefused: 0, logInsFailed: 0 });
    expect(broker.counters.connectionsEvicted).toBeGreaterThan(0);
    expect(new Set(crowded)).toEqual(new Set(['mqtt.silent 127.0.0.1']));
    expect(broker.clients()).toBe(32);
  });

  it('give way also when all connections are taken', async () => {
    const { broker, gateway, logged } = await run({ connections: 3 });
    await gateway();
    const silent = connect(broker.port, '127.0.0.1').on('error', () => {});
    endings.push(() => silent.destroy());
    const isClosed = once(silent, 'close');
    await once(silent, 'connect');
    await gateway();
    await gateway();
    await isClosed;
    expect(logged.map(({ fields }) => fields.event)).toContain('mqtt.evicted');
    expect(broker.clients()).toBe(3);
  });
});

it('of one credential the oldest connection gives way to the newest', async () => {
  const { broker, gateway, open, crowded } = await run({ connectionsPerCredential: 2 });
  const [first, second] = [await gateway(), await gateway()];
  const other = await gateway({ username: 'gw-2', password: 'pass-2' });
  await gateway();
  await first.closed;
  await second.ping();
  await other.ping();
  expect(broker.counters.connectionsEvicted).toBe(1);
  for (let index = 0; index < 3; index++) {
    expect((await open({ username: 'token', password: 'viewer-token' }).connack()).returnCode).toBe(0);
  }
  expect(crowded).toEqual(['mqtt.credential gateway gw-1', 'mqtt.credential token "wall"']);
});

it('a gateway that is called token keeps no reader out', async () => {
  const { gateway, put } = await run();
  put({
    verb: 'put',
    noun: 'gateway',
    id: 'token',
    body: { stations: [], passwordHash: await hashPassword('its-own') },
  });
  const viewer = await gateway({ username: 'token', password: 'viewer-token' });
  expect(await viewer.subscribe('wk/alarms/v1/#')).toEqual([1]);
  const itself = await gateway({ username: 'token', password: 'its-own' });
  expect(await itself.subscribe('wk/v1/token/ledger')).toEqual([1]);
});
