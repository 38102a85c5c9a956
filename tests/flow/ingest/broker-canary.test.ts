/** An outside broker is tried with a message of our own: what it does to topics, to our session and to full queues. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { afterEach, describe, expect, it } from 'vitest';
import { CANARY_TOPIC } from '#ingest/transports/topics.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import {
  endAll,
  endings,
  flood,
  numbersOf,
  type Rig,
  type RigOptions,
  startRig,
} from '#tests/helpers/brokers/outside-rig.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

afterEach(endAll);

const OPEN = ['allow_anonymous true'];

function directory(): string {
  const { path, remove } = makeTempDir();
  endings.push(remove);
  return path;
}

async function mosquitto(path: string, settings: readonly string[] = OPEN, port?: number): Promise<Mosquitto> {
  const server = await startMosquitto(path, settings, port === undefined ? {} : { port });
  endings.push(() => server.stop());
  return server;
}

/** A rig that tries its broker, and each `canaryMs` again. */
const tried = (port: number, path: string, { limits, ...more }: RigOptions = {}) =>
  startRig(port, path, { ...more, limits: { canaryMs: 60_000, ...limits } });
const verdict = (rig: Rig) => eventually('tried', () => rig.canaries.length > 0);
const up = (rig: Rig) => eventually('subscribed', () => rig.broker.isUp);

const persistent = (path: string) => {
  mkdirSync(`${path}/store`, { recursive: true });
  return [...OPEN, 'persistence true', `persistence_location ${path}/store/`, 'max_queued_messages 0'];
};

async function saved(server: Mosquitto, path: string): Promise<void> {
  const writtenMs = () => statSync(`${path}/store/mosquitto.db`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const beforeMs = writtenMs();
  server.save();
  await eventually('saved', () => writtenMs() > beforeMs);
}

describe.skipIf(!hasMosquitto)('the canary (needs mosquitto)', () => {
  it('comes back as it was sent, concerns no door, and nobody is told', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const rig = tried(server.port, path, { limits: { canaryMs: 20 } });
    await verdict(rig);
    expect(rig.canaries).toEqual([{ levels: 'kept', detail: '' }]);
    await flood(server.port, 0, 5);
    await eventually('five', () => rig.door.accepted.length === 5);
    expect(numbersOf(rig.door)).toEqual([0, 1, 2, 3, 4]);
    expect(rig.door.refused).toEqual([]);
    await rig.broker.close();
    const next = tried(server.port, path);
    await verdict(next);
    expect([...rig.lost, ...next.lost]).toEqual([]);
  });

  it('tells an older copy of the session: the broker is killed while we are away and 1,500 messages are gone', async () => {
    const path = directory();
    const server = await mosquitto(path, persistent(path));
    const first = tried(server.port, path);
    await verdict(first);
    await saved(server, path);
    const savedMs = Date.now();
    await first.broker.close();
    await flood(server.port, 0, 1500);
    await server.kill();
    await mosquitto(path, persistent(path), server.port);
    const second = tried(server.port, path);
    await verdict(second);
    const subscribed = second.logged.find(({ fields }) => fields.event === 'mqtt.subscribed');
    expect(subscribed?.fields.sessionPresent).toBe(true);
    expect(second.lost).toHaveLength(1);
    expect(second.lost[0]!.fromMs).toBeLessThanOrEqual(savedMs);
    expect(second.lost[0]!.fromMs).toBeGreaterThan(savedMs - 60_000);
    expect(second.broker.counters).toMatchObject({ sessionsLost: 1 });
    expect(second.door.accepted).toEqual([]);
    await second.broker.close();
    const third = tried(server.port, path);
    await verdict(third);
    expect(third.lost).toEqual([]);
  });

  it('tells none of a broker that saved when it ended: the 1,500 messages are there', async () => {
    const path = directory();
    const server = await mosquitto(path, persistent(path));
    const first = tried(server.port, path);
    await verdict(first);
    await first.broker.close();
    await flood(server.port, 0, 1500);
    await server.stop();
    await mosquitto(path, persistent(path), server.port);
    const second = tried(server.port, path);
    await eventually('all', () => second.door.accepted.length === 1500);
    await verdict(second);
    expect(second.canaries).toEqual([{ levels: 'kept', detail: '' }]);
    expect(second.lost).toEqual([]);
  });

  it.each([
    ['to read', 'topic write'],
    ['to write', 'topic read'],
  ])('that an access list doesn’t allow %s is told, and refuses nothing', async (_, right) => {
    const path = directory();
    const acl = join(path, 'acl');
    writeFileSync(acl, `topic readwrite wk/v1/gw-1/readings\n${right} ${CANARY_TOPIC}\n`);
    const server = await mosquitto(path, [...OPEN, `acl_file ${acl}`]);
    const rig = tried(server.port, path);
    await verdict(rig);
    expect(rig.canaries).toMatchObject([{ levels: 'untried' }]);
    await flood(server.port, 0, 5);
    await eventually('five', () => rig.door.accepted.length === 5);
    expect(rig.broker.isUp).toBe(true);
    expect(rig.troubles).toEqual([['broker.unreachable', null]]);
  });

  it('is behind the news of messages that Mosquitto’s default queue of 1,000 has dropped', async () => {
    const path = directory();
    const server = await mosquitto(path, [...OPEN, 'sys_interval 1']);
    const first = tried(server.port, path);
    await verdict(first);
    await eventually('a first count', () => JSON.stringify(readSession(path).dropped) !== '{}');
    await first.broker.close();
    await flood(server.port, 0, 2100);
    const second = tried(server.port, path);
    await eventually('told', () => second.dropped.length > 0);
    const kept = new Set(numbersOf(second.door)).size;
    expect(kept).toBeLessThan(2100);
    await eventually('all that are gone', () => second.dropped.reduce((sum, count) => sum + count, 0) >= 2100 - kept);
  });
});

describe('a broker that makes two levels of a dot, as RabbitMQ does', () => {
  it('is told by the canary', async () => {
    const { port } = await oldBroker((topic) => topic.replaceAll('.', '/'));
    const rig = tried(port, directory());
    await verdict(rig);
    expect(rig.canaries).toEqual([
      { levels: 'split', detail: 'wk/v1/_wk.canary/readings arrived as wk/v1/_wk/canary/readings' },
    ]);
    expect(rig.door.refused).toEqual([]);
    expect(rig.broker.isUp).toBe(true);
  });
});

describe('a broker that finds what it retains by its exact topic only, as RabbitMQ does', () => {
  it('is told which topics to empty by the list of what was published', async () => {
    const { port, aedes } = await oldBroker((topic) => topic);
    aedes.authorizeSubscribe = (_client, subscription, done) =>
      done(null, subscription.topic.endsWith('#') ? { ...subscription, topic: 'nowhere/#' } : subscription);
    const path = directory();
    const first = startRig(port, path);
    await up(first);
    for (const id of ['open', 'over']) await first.broker.publish(`wk/alarms/v1/a/${id}`, '{}', { retain: true });
    await first.broker.publish('wk/alarms/v1/a/passing', '{}');
    await first.broker.close();
    const second = startRig(port, path);
    await up(second);
    expect(await second.broker.retainedTopics('wk/alarms/v1/#')).toEqual([
      'wk/alarms/v1/a/open',
      'wk/alarms/v1/a/over',
    ]);
    await second.broker.clearRetained('wk/alarms/v1/a/over');
    await second.broker.close();
    const third = startRig(port, path);
    await up(third);
    expect(await third.broker.retainedTopics('wk/alarms/v1/#')).toEqual(['wk/alarms/v1/a/open']);
  });
});

describe('a broker that hangs up on the canary', () => {
  it('is not sent it again, and goes on', async () => {
    const { port, aedes } = await oldBroker((topic) => topic);
    aedes.authorizePublish = (_client, packet, done) =>
      done(packet.topic === CANARY_TOPIC ? new Error('no right to publish') : null);
    const rig = tried(port, directory());
    await verdict(rig);
    await up(rig);
    expect(rig.canaries).toEqual([
      { levels: 'untried', detail: 'the broker ended the connection each time it was sent' },
    ]);
    expect(rig.counts.ups).toBe(3);
    await flood(port, 0, 5);
    await eventually('five', () => rig.door.accepted.length === 5);
  });
});

function readSession(path: string): { dropped: Record<string, number> } {
  return JSON.parse(readFileSync(join(path, 'mqtt-session.json'), 'utf8'));
}

/** A broker of MQTT 3.1.1 that hands topics on as it is told. */
async function oldBroker(handOn: (topic: string) => string): Promise<{ port: number; aedes: Aedes }> {
  const aedes = await Aedes.createBroker();
  aedes.authorizeForward = (_client, packet) => ({ ...packet, topic: handOn(packet.topic) });
  const server = createServer((socket) => {
    aedes.handle(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endings.push(async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    server.close();
  });
  return { port: (server.address() as { port: number }).port, aedes };
}
