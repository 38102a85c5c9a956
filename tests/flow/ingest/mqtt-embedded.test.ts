/** What becomes of publishes on the embedded broker, over real sockets. */
import { generate, type IPubrelPacket } from 'mqtt-packet';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  endAll,
  endings,
  MAX_MESSAGE,
  pubacks,
  publishHead,
  READINGS,
  rawPublish,
  run,
} from '#tests/helpers/brokers/embedded-rig.ts';
import { MqttClient } from '#tests/helpers/brokers/mqtt-client.ts';
import { GUARDED } from '#tests/helpers/eventually.ts';

afterEach(endAll);

describe('a gateway’s readings', () => {
  it('are acknowledged only after the door has them', async () => {
    const { door, gateway, broker } = await run();
    const opened = Promise.withResolvers<void>();
    const accept = door.accept;
    door.accept = async (delivery) => {
      await opened.promise;
      return accept(delivery);
    };
    const client = await gateway();
    const id = client.post(READINGS, '{"a":1}');
    await vi.waitFor(() => expect(broker.counters.published).toBe(1), GUARDED);
    expect(pubacks(client)).toEqual([]);
    opened.resolve();
    await client.acknowledged(id);
    expect(door.accepted).toHaveLength(1);
    const [{ source, stations, contentType, payload }] = door.accepted as [(typeof door.accepted)[0]];
    expect({ source, stations: [...stations!], contentType }).toEqual({
      source: 'gw-1',
      stations: ['station-of-gw-1'],
      contentType: 'application/json',
    });
    expect(Buffer.from(payload).toString()).toBe('{"a":1}');
  });

  it('are held side by side: 200 of 100 ms each take no 20 s, and are answered in order', async () => {
    const { door, gateway } = await run();
    door.delayMs = 100;
    const client = await gateway();
    const startedMs = performance.now();
    const ids = Array.from({ length: 200 }, (_, i) => client.post(READINGS, `{"n":${i}}`));
    await client.acknowledged(ids.at(-1)!);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    expect(pubacks(client)).toEqual(ids);
    expect(door.accepted.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).n)).toEqual(
      ids.map((_, i) => i),
    );
  });

  it('are taken at QoS 0 without an answer, also from a client that leaves at once', async () => {
    const { door, open } = await run();
    door.delayMs = 5;
    const client = open();
    const packets = Array.from({ length: 500 }, (_, i) =>
      generate({
        cmd: 'publish',
        topic: READINGS,
        payload: `{"n":${i},"x":"${'x'.repeat(300)}"}`,
        qos: 0,
        dup: false,
        retain: false,
      }),
    );
    client.raw(Buffer.concat([...packets, generate({ cmd: 'disconnect' })]));
    client.socket.end();
    await vi.waitFor(() => expect(door.accepted).toHaveLength(500), GUARDED);
    expect(pubacks(client)).toEqual([]);
  });

  it('at QoS 2 are durable before PUBREC, and the handshake completes', async () => {
    const { door, gateway, broker } = await run();
    const opened = Promise.withResolvers<void>();
    const accept = door.accept;
    door.accept = async (delivery) => {
      await opened.promise;
      return accept(delivery);
    };
    const client = await gateway();
    const id = client.post(READINGS, '{}', { qos: 2 });
    await vi.waitFor(() => expect(broker.counters.published).toBe(1), GUARDED);
    expect(client.packets.filter((packet) => packet.cmd === 'pubrec')).toEqual([]);
    opened.resolve();
    await client.acknowledged(id, 'pubrec');
    client.send({ cmd: 'pubrel', messageId: id } as IPubrelPacket);
    await client.acknowledged(id, 'pubcomp');
    expect(door.accepted).toHaveLength(1);
  });

  it('at QoS 2 may be thousands at once, and cut off in the middle loses none', async () => {
    const { door, gateway } = await run();
    const first = await gateway({ clean: false, clientId: 'same' });
    const ids = Array.from({ length: 3000 }, (_, i) => first.post(READINGS, `{"n":${i}}`, { qos: 2 }));
    await first.acknowledged(ids[100]!, 'pubrec');
    await first.end();
    const again = await gateway({ clean: false, clientId: 'same' });
    for (const id of ids) again.post(READINGS, `{"n":${id - 1}}`, { qos: 2, messageId: id, dup: true });
    await again.acknowledged(ids.at(-1)!, 'pubrec');
    for (const id of ids) again.send({ cmd: 'pubrel', messageId: id } as IPubrelPacket);
    await again.acknowledged(ids.at(-1)!, 'pubcomp');
    const seen = new Set(door.accepted.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).n));
    expect(seen.size).toBe(3000);
  });

  it('may be empty, or no UTF-8; the door decides', async () => {
    const { door, gateway } = await run();
    const client = await gateway();
    await client.publish(READINGS, '');
    await client.publish(READINGS, Buffer.from([0xff, 0xfe, 0]));
    expect(door.accepted.map(({ payload }) => [...payload])).toEqual([[], [0xff, 0xfe, 0]]);
  });

  it('are not retained and not forwarded to anybody', async () => {
    const { broker, gateway } = await run();
    const client = await gateway();
    const viewer = await gateway({ username: 'token', password: 'viewer-token' });
    await viewer.subscribe('wk/alarms/v1/#');
    await client.publish(READINGS, '{}', { retain: true });
    await client.publish('wk/alarms/v1/taocha/1', 'forged', { retain: true });
    const late = await gateway({ username: 'token', password: 'viewer-token' });
    await late.subscribe('wk/alarms/v1/#');
    await Promise.all([viewer.ping(), late.ping()]);
    for (const reader of [viewer, late]) expect(reader.packets.filter(({ cmd }) => cmd === 'publish')).toEqual([]);
    await broker.publish('wk/alarms/v1/taocha/1', 'true');
    expect((await viewer.message('wk/alarms/v1/taocha/1')).payload.toString()).toBe('true');
  });

  it('tell when the gateway was last seen', async () => {
    const { broker, gateway } = await run();
    expect(broker.lastSeenMs('gw-1')).toBeNull();
    const beforeMs = Date.now();
    await (await gateway()).publish(READINGS, '{}');
    expect(broker.lastSeenMs('gw-1')).toBeGreaterThanOrEqual(beforeMs);
    expect(broker.lastSeenMs('gw-2')).toBeNull();
  });
});

describe('what is not welcome', () => {
  it.each([
    'wk/v1/gw-2/readings',
    'wk/v1/gw-1/rejected',
    'wk/v1/gw-2/senml',
    'wk/v1/gw-1/hj212/reply',
    'wk/v1/gw-2/hj212',
    'wk/v1/gw-1/readings/x',
    'wk/alarms/v1/taocha/1',
    '$SYS/broker/new/clients',
    'wk/v1/+/readings',
    '#',
    `deep${'/x'.repeat(150)}`,
    'caf\u00e9/\u0000',
    'x'.repeat(3000),
  ])('on topic %.40s is acknowledged and quarantined', async (topic) => {
    const { door, gateway } = await run();
    const client = await gateway();
    for (const qos of [1, 2] as const) {
      const id = client.nextId();
      client.raw(rawPublish(Buffer.from(topic), '{"kept":true}', qos, id));
      await client.acknowledged(id, qos === 1 ? 'puback' : 'pubrec');
      if (qos === 2) {
        client.send({ cmd: 'pubrel', messageId: id } as IPubrelPacket);
        await client.acknowledged(id, 'pubcomp');
      }
    }
    await client.publish(READINGS, '{}');
    expect(door.accepted).toHaveLength(1);
    expect(door.refused).toHaveLength(2);
    expect(door.refused[0]).toMatchObject({ source: 'gw-1', fault: { code: 'topic.not-yours' } });
    expect(door.refused[0]!.payload.toString()).toBe('{"kept":true}');
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['no UTF-8', Buffer.from([0xc3, 0x28, 0xff])],
  ])('on an %s topic likewise', async (_name, topic) => {
    const { door, gateway } = await run();
    const client = await gateway();
    client.raw(rawPublish(topic, 'x', 1, 77));
    await client.acknowledged(77);
    expect(door.refused[0]!.fault.code).toBe('topic.not-yours');
    await client.publish(READINGS, '{}');
  });

  it('is said to belong to somebody else, or to be reserved', async () => {
    const { door, gateway } = await run();
    const client = await gateway();
    await client.publish('wk/v1/gw-2/readings', '');
    await client.publish('wk/v1/gw-1/ledger', '');
    await client.publish('elsewhere', '');
    expect(door.refused.map(({ fault }) => fault.message)).toEqual([
      'wk/v1/gw-2/readings belongs to gateway gw-2; this one is gw-1',
      'wk/v1/gw-1/ledger is reserved; readings go to wk/v1/gw-1/readings',
      'elsewhere is no topic to publish to; readings go to wk/v1/gw-1/readings, or to what `topics` of the gateway names',
    ]);
  });

  it.each([1, 2] as const)(
    'for its size is drained, its first 4 KiB quarantined, and answered at QoS %i',
    async (qos) => {
      const { door, gateway } = await run();
      const client = await gateway();
      await client.publish(READINGS, Buffer.alloc(MAX_MESSAGE, 0x20));
      expect(door.accepted).toHaveLength(1);
      const id = client.post(READINGS, Buffer.alloc(MAX_MESSAGE + 1, 0x41), { qos });
      await client.acknowledged(id, qos === 1 ? 'puback' : 'pubrec');
      if (qos === 2) {
        client.send({ cmd: 'pubrel', messageId: id } as IPubrelPacket);
        await client.acknowledged(id, 'pubcomp');
      }
      expect(door.refused).toHaveLength(1);
      expect(door.refused[0]!.fault).toEqual({
        code: 'message.too-large',
        message: `The message has ${MAX_MESSAGE + 1} bytes; ${MAX_MESSAGE} are allowed`,
      });
      expect(door.refused[0]!.payload).toEqual(Buffer.alloc(4096, 0x41));
      await client.publish(READINGS, '{}');
      expect(door.accepted).toHaveLength(2);
    },
  );

  it('of 250 MB costs no memory and disturbs nobody', async () => {
    const { door, gateway } = await run();
    const client = await gateway();
    const neighbour = await gateway({ username: 'gw-2', password: 'pass-2' });
    const bytes = 250 * 2 ** 20;
    const topic = Buffer.from(READINGS);
    const block = Buffer.alloc(2 ** 20, 0x42);
    const before = process.memoryUsage();
    let most = 0;
    client.raw(publishHead(topic, bytes, 1, 99));
    for (let sent = 0; sent < bytes; sent += block.length) {
      if (!client.socket.write(block)) await new Promise((drained) => client.socket.once('drain', drained));
      if (sent % (25 * block.length) === 0) await neighbour.publish('wk/v1/gw-2/readings', '{}');
      const { rss, arrayBuffers } = process.memoryUsage();
      most = Math.max(most, rss - before.rss, arrayBuffers - before.arrayBuffers);
    }
    await client.acknowledged(99);
    expect(door.refused[0]!.fault.code).toBe('message.too-large');
    expect(door.refused[0]!.payload).toHaveLength(4096);
    expect(door.accepted).toHaveLength(10);
    // Client and broker share this process, and the collector is free to be lazy; a buffered packet would be 260 MB.
    expect(most).toBeLessThan(120e6);
  });

  it.each([
    ['a CONNECT of 100 MB', Buffer.from([0x10, 0x80, 0x80, 0x80, 0x32])],
    [
      'a CONNECT of 5 KB',
      generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        keepalive: 0,
        clientId: 'x'.repeat(5000),
      }),
    ],
    ['HTTP', Buffer.from('POST /readings HTTP/1.1\r\n\r\n')],
    ['a PUBLISH first', generate({ cmd: 'publish', topic: READINGS, payload: 'x', qos: 0, dup: false, retain: false })],
  ])('before the log-in ends the connection: %s', async (_name, bytes) => {
    const { broker, open, door } = await run();
    const client = open();
    await client.connack();
    const raw = new MqttClient(broker.port);
    endings.push(() => raw.end());
    raw.raw(bytes);
    await raw.closed;
    expect(raw.packets).toEqual([]);
    expect(broker.counters.violations).toBe(1);
    expect(door.attempts).toBe(0);
  });

  it('after the log-in ends the connection if no answer is possible: a SUBSCRIBE of megabytes', async () => {
    const { gateway, broker } = await run();
    const client = await gateway();
    client.raw(Buffer.from([0x82, 0x80, 0x80, 0x80, 0x02]));
    await client.closed;
    expect(broker.counters.violations).toBe(1);
  });

  it('stays within the number of connections', async () => {
    const { gateway, open, broker } = await run({ connections: 2 });
    const first = await gateway();
    await gateway();
    await open().closed;
    expect(broker.counters.connectionsRefused).toBe(1);
    await first.end();
    await vi.waitFor(() => expect(broker.clients()).toBe(1), GUARDED);
    await gateway();
  });
});

describe('a journal that takes nothing for now', () => {
  it('delays every acknowledgement, answers none with a disconnection, and then takes all in order', async () => {
    const { door, gateway, broker, logged } = await run();
    const client = await gateway();
    door.isFull = true;
    const ids = Array.from({ length: 50 }, (_, i) => client.post(READINGS, `{"n":${i}}`));
    const refused = client.post('elsewhere', 'x');
    const large = client.post(READINGS, Buffer.alloc(MAX_MESSAGE + 1));
    await vi.waitFor(() => expect(broker.waiting()).toBe(52), GUARDED);
    await vi.waitFor(() => expect(broker.counters.held).toBeGreaterThan(2), GUARDED);
    // A client whose messages wait must not think that the connection is dead.
    await client.ping();
    expect(client.packets.map(({ cmd }) => cmd)).toEqual(['connack', 'pingresp']);
    door.isFull = false;
    await Promise.all([...ids, refused, large].map((id) => client.acknowledged(id)));
    expect(door.accepted.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).n)).toEqual(
      ids.map((_, i) => i),
    );
    expect(door.refused.map(({ fault }) => fault.code)).toEqual(['topic.not-yours', 'message.too-large']);
    expect(broker.waiting()).toBe(0);
    expect(logged.filter(({ fields }) => fields.event === 'mqtt.holding')).toHaveLength(1);
  });

  it('forgets what a client no longer waits for, which sends it again', async () => {
    const { door, gateway, broker } = await run();
    const client = await gateway({ clientId: 'same' });
    door.isFull = true;
    client.post(READINGS, '{"n":1}');
    await vi.waitFor(() => expect(broker.waiting()).toBe(1), GUARDED);
    await client.end();
    await vi.waitFor(() => expect(broker.waiting()).toBe(0), GUARDED);
    door.isFull = false;
    const again = await gateway({ clientId: 'same' });
    await again.publish(READINGS, '{"n":1}', { dup: true });
    expect(door.accepted).toHaveLength(1);
  });

  it('makes the broker stop reading, so that what clients send meanwhile stays with them', async () => {
    const { door, gateway, broker } = await run({ heldMessages: 20 });
    const client = await gateway();
    door.isFull = true;
    const ids: number[] = [];
    for (let i = 0; i < 300; i++) {
      // Each in a segment of its own: aedes by itself would read on after each.
      ids.push(client.post(READINGS, `{"n":${i}}`));
      await new Promise((turn) => setImmediate(turn));
    }
    await vi.waitFor(() => expect(broker.waiting()).toBeGreaterThanOrEqual(20), GUARDED);
    await vi.waitFor(() => expect(broker.counters.held).toBeGreaterThan(2), GUARDED);
    expect(broker.waiting()).toBeLessThan(40);
    door.isFull = false;
    await client.acknowledged(ids.at(-1)!);
    expect(door.accepted.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).n)).toEqual(
      ids.map((_, i) => i),
    );
  });

  it('never acknowledges what a fault of ours has lost', async () => {
    const { door, gateway, logged } = await run();
    const client = await gateway();
    door.error = new TypeError('a bug');
    client.post(READINGS, '{}');
    await client.closed;
    expect(pubacks(client)).toEqual([]);
    expect(logged.some(({ fields }) => fields.event === 'mqtt.failed')).toBe(true);
    door.error = null;
    await (await gateway()).publish(READINGS, '{}');
  });
});
