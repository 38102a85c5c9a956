/** The client of an outside broker against a real Mosquitto: acknowledgement, memory, sessions. */

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { type Packet, parser } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import type { Receipt } from '#ingest/door.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';
import { endAll, endings, flood, numbersOf, type Rig, startRig } from '#tests/helpers/brokers/outside-rig.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

afterEach(endAll);

const READINGS = 'wk/v1/gw-1/readings';
const OPEN = ['allow_anonymous true', 'max_queued_messages 0'];
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

function directory(): string {
  const { path, remove } = makeTempDir();
  endings.push(remove);
  return path;
}

async function mosquitto(path: string, settings: readonly string[], port?: number): Promise<Mosquitto> {
  const server = await startMosquitto(path, [...OPEN, ...settings], port === undefined ? {} : { port });
  endings.push(() => server.stop());
  return server;
}

const up = (rig: Rig) => eventually('subscribed', () => rig.broker.isUp);

/** A door whose answers the test gives, each on its own. */
function holdDoor(rig: Rig): { answer: (n: number) => void; asked: number[] } {
  const { accept } = rig.door;
  const waiting = new Map<number, () => void>();
  const asked: number[] = [];
  rig.door.accept = async (delivery): Promise<Receipt> => {
    const { n } = JSON.parse(Buffer.from(delivery.payload).toString());
    asked.push(n);
    await new Promise<void>((resolve) => waiting.set(n, resolve));
    return accept(delivery);
  };
  return { asked, answer: (n) => waiting.get(n)?.() };
}

/** Passes everything on and keeps what client and broker sent, parsed. */
async function recorder(
  target: number,
): Promise<{ port: number; sent: Packet[]; received: Packet[]; cut: () => void }> {
  const sent: Packet[] = [];
  const received: Packet[] = [];
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(target, '127.0.0.1');
    const packets = parser({ protocolVersion: 5 });
    packets.on('packet', (packet) => sent.push(packet));
    client.on('data', (chunk: Buffer) => {
      packets.parse(chunk);
      behind.write(chunk);
    });
    const answers = parser({ protocolVersion: 5 });
    answers.on('packet', (packet) => received.push(packet));
    behind.on('data', (chunk: Buffer) => {
      answers.parse(chunk);
      client.write(chunk);
    });
    for (const [socket, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  endings.push(() => {
    server.close();
    cut();
  });
  return { port: (server.address() as { port: number }).port, sent, received, cut };
}

const pubackIds = (sent: readonly Packet[]) => sent.filter(({ cmd }) => cmd === 'puback').map((p) => p.messageId);

describe.skipIf(!hasMosquitto)('acknowledgement (needs mosquitto)', () => {
  it('leaves after the door has answered, in the order of arrival, and not a moment sooner', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const proxy = await recorder(server.port);
    const rig = startRig(proxy.port, path);
    await up(rig);
    const door = holdDoor(rig);
    await flood(server.port, 0, 5);
    await eventually('all five at the door at once', () => door.asked.length === 5);
    for (const n of [3, 1, 2]) door.answer(n);
    await eventually('three durable', () => rig.door.accepted.length === 3);
    expect(pubackIds(proxy.sent)).toEqual([]);
    expect(rig.broker.held()).toBe(5);
    door.answer(0);
    await eventually('four acknowledged', () => pubackIds(proxy.sent).length === 4);
    door.answer(4);
    await eventually('all acknowledged', () => pubackIds(proxy.sent).length === 5);
    const ids = pubackIds(proxy.sent) as number[];
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(rig.broker.held()).toBe(0);
  });

  it('fills the broker’s window while nothing is durable: it counts the un-acknowledged, and sends those again', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const proxy = await recorder(server.port);
    // It asks for a receive maximum as large as what it holds.
    const rig = startRig(proxy.port, path, { limits: { messages: 10 } });
    await up(rig);
    const door = holdDoor(rig);
    const sent = () => proxy.received.filter(({ cmd }) => cmd === 'publish').length;
    await flood(server.port, 0, 30);
    await eventually('a full window', () => door.asked.length === 10);
    expect(door.asked).toEqual(numbers(0, 10));
    expect(sent()).toBe(10);
    door.answer(0);
    await eventually('one acknowledged, one more sent', () => door.asked.length >= 11);
    expect(door.asked.slice(0, 11)).toEqual(numbers(0, 11));
    // One more, as MQTT 5 §3.3.4 has it; Mosquitto 2.0.11 sometimes goes on to its own window of twenty after the first PUBACK.
    expect(sent()).toBeLessThanOrEqual(20);
    proxy.cut();
    const again = () => door.asked.indexOf(1, 11);
    await eventually('ten again', () => again() > 0 && door.asked.length >= again() + 10);
    expect(door.asked.slice(again(), again() + 10)).toEqual(numbers(1, 11));
    // The ids of the first connection are dead: its answers acknowledge nothing.
    const before = pubackIds(proxy.sent).length;
    for (const n of numbers(1, 11)) door.answer(n);
    await eventually('all', () => {
      for (const n of door.asked) door.answer(n);
      return new Set(numbersOf(rig.door)).size === 30;
    });
    await eventually('acknowledged', () => pubackIds(proxy.sent).length - before === 29);
    expect(rig.broker.held()).toBe(0);
  });

  it('waits while the journal is full, and goes on in order', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const proxy = await recorder(server.port);
    const rig = startRig(proxy.port, path);
    await up(rig);
    rig.door.isFull = true;
    await flood(server.port, 0, 50);
    await eventually('all waiting', () => rig.broker.waiting() === 50);
    expect(pubackIds(proxy.sent)).toEqual([]);
    rig.door.isFull = false;
    await eventually('all acknowledged', () => pubackIds(proxy.sent).length === 50);
    expect(numbersOf(rig.door)).toEqual(numbers(0, 50));
    expect(rig.broker.counters).toMatchObject({ published: 50 });
  });

  it('of QoS 2, left in the session by an earlier subscription, is a PUBREC after the door has answered', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const earlier = openMqtt({ port: server.port, clientId: 'wellkeeper', clean: false });
    await earlier.connack();
    earlier.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'wk/v1/+/readings', qos: 2 }] });
    await earlier.acknowledged(1, 'suback');
    await earlier.end();
    const gateway = openMqtt({ port: server.port });
    endings.push(() => gateway.end());
    await gateway.connack();
    const id = gateway.post(READINGS, '{"n":7}', { qos: 2 });
    await gateway.acknowledged(id, 'pubrec');
    gateway.send({ cmd: 'pubrel', messageId: id, qos: 1 } as Packet);
    await gateway.acknowledged(id, 'pubcomp');
    const proxy = await recorder(server.port);
    const rig = startRig(proxy.port, path);
    const door = holdDoor(rig);
    await eventually('at the door', () => door.asked.length === 1);
    await up(rig);
    expect(proxy.sent.filter(({ cmd }) => cmd === 'pubrec' || cmd === 'puback')).toEqual([]);
    door.answer(7);
    await eventually('the handshake', () => proxy.sent.some(({ cmd }) => cmd === 'pubcomp'));
    expect(proxy.sent.map(({ cmd }) => cmd).filter((cmd) => cmd.startsWith('pub'))).toEqual(['pubrec', 'pubcomp']);
    expect(numbersOf(rig.door)).toEqual([7]);
  });

  it('of QoS 0 is none; retained and repeated messages are messages', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const gateway = openMqtt({ port: server.port });
    endings.push(() => gateway.end());
    await gateway.connack();
    await gateway.publish(READINGS, '{"n":1}', { retain: true });
    const rig = startRig(server.port, path);
    await up(rig);
    gateway.post(READINGS, '{"n":2}', { qos: 0 });
    await gateway.publish(READINGS, '{"n":3}', { dup: true });
    await eventually('three', () => rig.door.accepted.length === 3);
    expect(numbersOf(rig.door)).toEqual([1, 2, 3]);
    expect(rig.broker.lastSeenMs('gw-1')).not.toBeNull();
  });
});

describe.skipIf(!hasMosquitto)('memory (needs mosquitto)', () => {
  it('is bounded while a backlog of 20,000 drains through a slow door, and every message is counted', async () => {
    const path = directory();
    // Unlimited windows: what Mosquitto sends at once is up to us to bound.
    const server = await mosquitto(path, ['max_inflight_messages 0']);
    const first = startRig(server.port, path);
    await up(first);
    await first.broker.close();
    await flood(server.port, 0, 20_000);
    const rig = startRig(server.port, path, { limits: { messages: 300 } });
    rig.door.delayMs = 10;
    let most = 0;
    await eventually(
      'the whole backlog',
      () => {
        most = Math.max(most, rig.broker.held());
        return rig.door.accepted.length >= 20_000;
      },
      60_000,
    );
    expect(most).toBeLessThanOrEqual(300);
    expect(most).toBeGreaterThan(100);
    await eventually('acknowledged', () => rig.broker.held() === 0);
    expect(numbersOf(rig.door)).toEqual(numbers(0, 20_000));
    expect(rig.broker.counters).toMatchObject({ published: 20_000, connections: 1 });
  });

  it('is bounded in bytes, and a connection that isn’t read because of us doesn’t count as dead', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const limits = { bytes: 100_000, keepaliveSeconds: 1 };
    const rig = startRig(server.port, path, { limits });
    await up(rig);
    const door = holdDoor(rig);
    const gateway = openMqtt({ port: server.port });
    endings.push(() => gateway.end());
    await gateway.connack();
    const fill = 'x'.repeat(30_000);
    for (const n of numbers(0, 100)) gateway.post(READINGS, `{"n":${n},"fill":"${fill}"}`);
    await eventually('the limit', () => rig.broker.held() === 4);
    // Three times the keepalive and more: pings go on, their answers wait behind what isn't read.
    const untilMs = performance.now() + 5000;
    await eventually('time', () => performance.now() > untilMs);
    expect(rig.broker.held()).toBe(4);
    expect(rig.broker.counters).toMatchObject({ connections: 1 });
    await eventually('all', () => {
      for (const n of door.asked) door.answer(n);
      return rig.door.accepted.length === 100;
    });
    expect(rig.broker.counters).toMatchObject({ connections: 1, published: 100 });
  });
});

describe.skipIf(!hasMosquitto)('the session (needs mosquitto)', () => {
  const persistent = (path: string) => {
    mkdirSync(`${path}/store`, { recursive: true });
    return ['persistence true', `persistence_location ${path}/store/`];
  };

  it('outlives a restart of a broker with persistence: nothing is lost', async () => {
    const path = directory();
    const server = await mosquitto(path, persistent(path));
    const rig = startRig(server.port, path);
    await up(rig);
    const door = holdDoor(rig);
    await flood(server.port, 0, 100);
    await eventually('some unacknowledged', () => door.asked.length > 0);
    for (const n of numbers(0, 10)) door.answer(n);
    await server.stop();
    await eventually('noticed', () => rig.broker.link().state === 'away');
    expect(rig.broker.held()).toBe(0);
    await mosquitto(path, persistent(path), server.port);
    await eventually('everything', () => {
      for (const n of door.asked) door.answer(n);
      return new Set(numbersOf(rig.door)).size === 100;
    });
    expect(rig.lost).toEqual([]);
    await eventually('back', () => rig.counts.ups === 2);
    expect(rig.troubles[0]).toEqual(['broker.unreachable', null]);
    expect(rig.troubles.at(-1)).toEqual(['broker.unreachable', null]);
  });

  it('is reported as lost, from when to when, after a restart without persistence', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const startMs = Date.now();
    const rig = startRig(server.port, path);
    await up(rig);
    await server.kill();
    await eventually('noticed', () => rig.broker.link().state === 'away');
    await mosquitto(path, [], server.port);
    await eventually('back', () => rig.counts.ups === 2);
    expect(rig.lost).toHaveLength(1);
    const [{ fromMs, toMs }] = rig.lost as [(typeof rig.lost)[0]];
    expect(fromMs).toBeGreaterThanOrEqual(startMs);
    expect(toMs).toBeGreaterThan(fromMs);
    expect(rig.broker.counters).toMatchObject({ sessionsLost: 1, connections: 2 });
    await flood(server.port, 0, 1);
    await eventually('subscribed anew', () => rig.door.accepted.length === 1);
  });

  it('lost while we were down is reported by the next process, and once', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const first = startRig(server.port, path);
    await up(first);
    await first.broker.close();
    await server.stop();
    await mosquitto(path, [], server.port);
    const second = startRig(server.port, path);
    await up(second);
    expect(second.lost).toHaveLength(1);
    await second.broker.close();
    const third = startRig(server.port, path);
    await up(third);
    expect(third.lost).toEqual([]);
  });

  it('stays at the broker when we close, and keeps what gateways send meanwhile', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const first = startRig(server.port, path);
    await up(first);
    await first.broker.close();
    await first.broker.close();
    await flood(server.port, 0, 5);
    const second = startRig(server.port, path);
    await eventually('five', () => second.door.accepted.length === 5);
    expect(first.door.accepted).toEqual([]);
    expect(first.lost.concat(second.lost)).toEqual([]);
  });

  it('is rid of topics that are not wanted any more', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const first = startRig(server.port, path, { topics: ['wk/v1/+/readings', 'old/wk/v1/+/readings'] });
    await up(first);
    const gateway = openMqtt({ port: server.port });
    endings.push(() => gateway.end());
    await gateway.connack();
    await gateway.publish('old/wk/v1/gw-2/readings', '{"n":1}');
    await eventually('taken under the prefix', () => first.door.accepted.length === 1);
    expect(first.door.accepted[0]).toMatchObject({ source: 'gw-2', stations: new Set(['station-of-gw-2']) });
    await first.broker.close();
    const second = startRig(server.port, path, { topics: ['wk/v1/gw-1/readings', 'wk/v1/+/readings'] });
    await up(second);
    await gateway.publish('old/wk/v1/gw-2/readings', '{"n":2}');
    await gateway.publish(READINGS, '{"n":3}');
    await eventually('the wanted one', () => numbersOf(second.door).includes(3));
    expect(new Set(numbersOf(second.door))).toEqual(new Set([3]));
  });

  it('may be a shared subscription', async () => {
    const path = directory();
    const server = await mosquitto(path, []);
    const rig = startRig(server.port, path, { topics: ['$share/wellkeeper/wk/v1/+/readings'] });
    await up(rig);
    await flood(server.port, 0, 3);
    await eventually('three', () => rig.door.accepted.length === 3);
  });
});
