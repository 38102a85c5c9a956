/** How the client of an outside broker comes and stays connected: versions, credentials, TLS, networks, rivals. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';
import { endAll, endings, flood, numbersOf, type Rig, startRig } from '#tests/helpers/brokers/outside-rig.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import { startFaultProxy } from '#tests/helpers/fault-proxy.ts';
import { freePort } from '#tests/helpers/free-port.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';
import { hasOpenssl, makeTlsFiles } from '#tests/helpers/tls-files.ts';

afterEach(endAll);

const READINGS = 'wk/v1/gw-1/readings';
const OPEN = ['allow_anonymous true', 'max_queued_messages 0'];

function directory(): string {
  const { path, remove } = makeTempDir();
  endings.push(remove);
  return path;
}

async function mosquitto(path: string, settings: readonly string[] = OPEN): Promise<Mosquitto> {
  const server = await startMosquitto(path, settings);
  endings.push(() => server.stop());
  return server;
}

/** A broker of MQTT 3.1.1 only. */
async function oldBroker(): Promise<{ port: number; aedes: Aedes }> {
  const aedes = await Aedes.createBroker();
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

const up = (rig: Rig) => eventually('subscribed', () => rig.broker.isUp);
const events = (rig: Rig) => rig.logged.map(({ fields }) => fields.event);
const versionOf = (rig: Rig) => rig.logged.findLast(({ fields }) => fields.event === 'mqtt.subscribed')?.fields.version;

describe('a broker of MQTT 3.1.1', () => {
  it('that says so is spoken to in its version', async () => {
    const { port } = await oldBroker();
    const rig = startRig(port, directory());
    await up(rig);
    expect(versionOf(rig)).toBe(4);
    await flood(port, 0, 100);
    await eventually('all', () => rig.door.accepted.length === 100);
    expect(numbersOf(rig.door)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(rig.troubles.at(-1)).toEqual(['broker.unreachable', null]);
  });

  it('doesn’t make us take our own notices for messages, however wide the subscription', async () => {
    const { port } = await oldBroker();
    const rig = startRig(port, directory(), { topics: ['wk/v1/+/+'] });
    await up(rig);
    rig.door.faults = [{ code: 'value.not-finite', message: 'too much' }];
    await flood(port, 0, 5);
    await eventually('five notices came back', () => rig.broker.counters.ignored === 5);
    await rig.broker.publishLedger('gw-1', '{}');
    await eventually('the ledger, too', () => rig.broker.counters.ignored === 6);
    expect(rig.broker.counters).toMatchObject({ published: 5, refused: 0 });
    expect(rig.door.refused).toEqual([]);
  });

  it('whose refused subscription is told is asked again on the same connection, which goes on taking messages', async () => {
    const { port, aedes } = await oldBroker();
    let isAllowed = false;
    aedes.authorizeSubscribe = (_client, subscription, done) => {
      done(null, subscription.topic === 'closed/wk/v1/+/readings' && !isAllowed ? null : subscription);
    };
    const rig = startRig(port, directory(), { topics: ['wk/v1/+/readings', 'closed/wk/v1/+/readings'] });
    await eventually('told', () => rig.troubles.at(-1)?.[0] === 'broker.subscription-refused');
    expect(rig.troubles.at(-1)?.[1]).toContain('closed/wk/v1/+/readings');
    expect(rig.broker.link()).toMatchObject({ state: 'connecting', reason: rig.troubles.at(-1)?.[1] });
    expect(rig.counts.ups).toBe(0);
    await flood(port, 0, 1);
    await eventually('what is granted arrives', () => rig.door.accepted.length === 1);
    await rig.broker.publish('wk/alarms/v1/a/b', 'x');
    isAllowed = true;
    await up(rig);
    expect(rig.troubles.at(-1)).toEqual(['broker.subscription-refused', null]);
    expect(rig.broker.counters).toMatchObject({ connections: 1 });
  });
});

describe('a broker that refuses topics of gateways’ own', () => {
  it('is told and asked again, and holds up nothing else', async () => {
    const { port, aedes } = await oldBroker();
    let isAllowed = false;
    aedes.authorizeSubscribe = (_client, subscription, done) => {
      done(null, subscription.topic.startsWith('v1/') && !isAllowed ? null : subscription);
    };
    const rig = startRig(port, directory());
    await up(rig);
    const put = (topics: string[]) => {
      const body = { ...rig.control.get('gateway', 'gw-2')!, topics };
      const command = { verb: 'put', noun: 'gateway', id: 'gw-2', body } as const;
      rig.control.apply({ kind: 'command', seq: rig.troubles.length + 10, receivedMs: 0, actor: 'admin', command });
    };
    put(['v1/gateway/telemetry']);
    await eventually('told', () => rig.troubles.at(-1)?.[0] === 'broker.subscription-refused');
    expect(rig.broker.link()).toMatchObject({ state: 'up', reason: expect.stringContaining('v1/gateway/telemetry') });
    await flood(port, 0, 1);
    await eventually('ours arrive', () => rig.door.accepted.length === 1);
    isAllowed = true;
    await eventually('granted', () => rig.troubles.at(-1)?.[1] === null);
    isAllowed = false;
    put(['v1/gateway/telemetry', 'v1/devices/me/telemetry']);
    await eventually('the new one is told', () => rig.broker.link().reason?.includes('v1/devices') === true);
    expect(rig.broker.link().reason).not.toContain('v1/gateway');
    put([]);
    await eventually('nothing is wrong any more', () => rig.broker.link().reason === null);
    expect(rig.broker.counters).toMatchObject({ connections: 1 });
  });
});

describe('a broker that says that another client has our id', () => {
  it('is believed', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        // Mosquitto 2.0.11 only closes; MQTT 5 has a reason code for it.
        socket.write(generate({ cmd: 'connack', sessionPresent: false, reasonCode: 0 }, { protocolVersion: 5 }));
        socket.end(generate({ cmd: 'disconnect', reasonCode: 0x8e }, { protocolVersion: 5 }));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endings.push(() => server.close());
    const rig = startRig((server.address() as { port: number }).port, directory());
    await eventually('told', () => events(rig).includes('mqtt.taken-over'));
    expect(rig.counts.ups).toBe(0);
  });
});

describe.skipIf(!hasMosquitto)('a connection (needs mosquitto)', () => {
  it('is MQTT 5, without our own messages', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const rig = startRig(server.port, path, { topics: ['wk/v1/+/+'] });
    await up(rig);
    expect(versionOf(rig)).toBe(5);
    rig.door.faults = [{ code: 'value.not-finite', message: 'too much' }];
    const gateway = openMqtt({ port: server.port });
    endings.push(() => gateway.end());
    await gateway.connack();
    await gateway.subscribe('wk/v1/gw-1/rejected');
    await gateway.publish(READINGS, '{}');
    const notice = await gateway.message('wk/v1/gw-1/rejected');
    expect(JSON.parse(notice.payload.toString())).toMatchObject({ code: 'value.not-finite', quarantineId: 'q-1-0' });
    await gateway.publish('wk/v1/gw-1/ledger', 'reserved');
    await eventually('the reserved one', () => rig.broker.counters.ignored === 1);
    expect(rig.broker.counters).toMatchObject({ ignored: 1, published: 1 });
  });

  it('falls back to 3.1.1 where a CONNECT of MQTT 5 is answered by hanging up, and tries 5 again later', async () => {
    const path = directory();
    const server = await mosquitto(path);
    let hangsUp = true;
    const open = new Set<Socket>();
    const shim = createServer((client) => {
      const behind = connect(server.port, '127.0.0.1');
      for (const socket of [client, behind]) {
        open.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          client.destroy();
          behind.destroy();
        });
      }
      client.once('data', (chunk: Buffer) => {
        // The protocol level stands behind the name, which is MQTT.
        if (hangsUp && chunk[chunk.indexOf('MQTT') + 4] === 5) client.destroy();
        else behind.write(chunk);
        client.pipe(behind);
      });
      behind.pipe(client);
    });
    shim.listen(0, '127.0.0.1');
    await once(shim, 'listening');
    const cut = () => {
      for (const socket of open) socket.destroy();
    };
    endings.push(() => {
      shim.close();
      cut();
    });
    const rig = startRig((shim.address() as { port: number }).port, path);
    await up(rig);
    expect(versionOf(rig)).toBe(4);
    hangsUp = false;
    cut();
    await eventually('again', () => rig.counts.ups === 2);
    expect(versionOf(rig)).toBe(5);
    expect(rig.lost).toEqual([]);
  });

  it('that can’t be made is told with its reason, and made as soon as it can', async () => {
    const path = directory();
    const port = await freePort();
    const rig = startRig(port, path);
    await eventually('told', () => rig.troubles.length > 0);
    expect(rig.troubles).toEqual([['broker.unreachable', expect.stringContaining('ECONNREFUSED')]]);
    expect(rig.broker.link()).toMatchObject({ state: 'away' });
    await expect(rig.broker.publish('wk/alarms/v1/a/b', 'x')).rejects.toThrow('away');
    expect(await rig.broker.retainedTopics('wk/alarms/v1/#')).toEqual([]);
    const server = await startMosquitto(path, OPEN, { port });
    endings.push(() => server.stop());
    await up(rig);
    expect(rig.troubles).toHaveLength(2);
    // What was refused while it was away was not kept for later.
    expect(await rig.broker.retainedTopics('wk/alarms/v1/#')).toEqual([]);
  });

  it('with a wrong password is told as such and tried until it is right', async () => {
    const path = directory();
    const passwd = join(path, 'passwd');
    const setPassword = (password: string) =>
      spawnSync('mosquitto_passwd', ['-c', '-b', passwd, 'wellkeeper', password], { env: process.env });
    setPassword('another');
    const server = await mosquitto(path, ['allow_anonymous false', `password_file ${passwd}`]);
    const rig = startRig(server.port, path, { mqtt: { username: 'wellkeeper', password: 'a-secret-word' } });
    await eventually('told', () => rig.troubles.length > 0);
    expect(rig.troubles).toEqual([['broker.unauthorized', expect.stringMatching(/[Nn]ot authori|password/)]]);
    setPassword('a-secret-word');
    server.reload();
    await up(rig);
    expect(rig.troubles.at(-1)).toEqual(['broker.unauthorized', null]);
    expect(JSON.stringify([rig.logged, rig.troubles])).not.toContain('a-secret-word');
  });

  it('takes credentials from the address, and never shows them', async () => {
    const path = directory();
    const passwd = join(path, 'passwd');
    spawnSync('mosquitto_passwd', ['-c', '-b', passwd, 'somebody', 'word-of-url'], { env: process.env });
    const server = await mosquitto(path, ['allow_anonymous false', `password_file ${passwd}`]);
    const rig = startRig(server.port, path, { urls: [`mqtt://somebody:word-of-url@127.0.0.1:${server.port}`] });
    await up(rig);
    await server.stop();
    await eventually('away', () => rig.broker.link().state === 'away');
    const shown = JSON.stringify([rig.logged, rig.troubles, rig.broker.link()]);
    expect(shown).not.toMatch(/somebody|word-of-url/);
  });

  it('over a WebSocket is one like others', async () => {
    const path = directory();
    const port = await freePort();
    // For WebSockets this Mosquitto wants an interface's name.
    await mosquitto(path, [...OPEN, `listener ${port} lo`, 'protocol websockets']);
    const rig = startRig(port, path, { urls: [`ws://127.0.0.1:${port}/mqtt`] });
    await up(rig);
    await rig.broker.publish('wk/alarms/v1/a/b', 'x', { retain: true });
    expect(await rig.broker.retainedTopics('wk/alarms/v1/#')).toEqual(['wk/alarms/v1/a/b']);
  });

  it('that the network cuts both ways is noticed and made anew, and loses nothing', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const proxy = await startFaultProxy(server.port);
    endings.push(() => proxy.close());
    const rig = startRig(proxy.port, path, { limits: { keepaliveSeconds: 1 } });
    await up(rig);
    await flood(server.port, 0, 50);
    await eventually('the first', () => rig.door.accepted.length === 50);
    proxy.set({ kind: 'cut', direction: 'both' });
    await flood(server.port, 50, 100);
    await eventually('noticed', () => rig.broker.link().state === 'away');
    expect(rig.broker.link().reason).toContain('Keepalive timeout');
    proxy.set({ kind: 'reset' });
    await flood(server.port, 100, 150);
    proxy.set({ kind: 'none' });
    await eventually('everything', () => new Set(numbersOf(rig.door)).size === 150);
    await eventually('up', () => rig.broker.isUp);
    expect(rig.lost).toEqual([]);
  });

  it('that two processes of one client id take from each other is told for what it is', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const rigs = [path, directory()].map((own) => startRig(server.port, own, { limits: { pauseMinMs: 20 } }));
    await eventually('told', () => rigs.some((rig) => events(rig).includes('mqtt.taken-over')));
    for (const rig of rigs) await rig.broker.close();
    expect(rigs.flatMap(({ lost }) => lost)).toEqual([]);
  });

  it('closes in time though the broker doesn’t answer', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const proxy = await startFaultProxy(server.port);
    endings.push(() => proxy.close());
    const rig = startRig(proxy.port, path);
    await up(rig);
    proxy.set({ kind: 'cut', direction: 'both' });
    const publishing = rig.broker.publish('wk/alarms/v1/a/b', 'x');
    const startedMs = performance.now();
    await Promise.all([rig.broker.close(), expect(publishing).rejects.toThrow('closing')]);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    await expect(rig.broker.publish('wk/alarms/v1/a/b', 'x')).rejects.toThrow('away');
  });

  it('carries our own messages to the broker, and knows what is retained there of an earlier process', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const first = startRig(server.port, path);
    await up(first);
    const topics = Array.from({ length: 300 }, (_, n) => `wk/alarms/v1/a/${n}`);
    await Promise.all(topics.map((topic) => first.broker.publish(topic, 'x', { retain: true })));
    await first.broker.publish('wk/alarms/v1/a/gone', 'x');
    await first.broker.close();
    const second = startRig(server.port, path);
    await up(second);
    const [one, other] = await Promise.all([
      second.broker.retainedTopics('wk/alarms/v1/#'),
      second.broker.retainedTopics('wk/alarms/v1/#'),
    ]);
    expect(one.sort()).toEqual(topics.sort());
    expect(other.sort()).toEqual(topics);
    await Promise.all(topics.map((topic) => second.broker.clearRetained(topic)));
    expect(await second.broker.retainedTopics('wk/alarms/v1/#')).toEqual([]);
  });

  it('quarantines what names no gateway, and lets the door judge one that isn’t registered', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const rig = startRig(server.port, path, { topics: ['#'] });
    await up(rig);
    const gateway = openMqtt({ port: server.port });
    endings.push(() => gateway.end());
    await gateway.connack();
    await gateway.publish('plant/readings', '{"n":1}');
    await gateway.publish('wk/v1/gw-9/readings', '{"n":2}');
    await gateway.publish('plant/other', '{"n":3}');
    await eventually('all three', () => rig.broker.counters.ignored! > 0 && rig.door.accepted.length === 1);
    expect(rig.door.refused).toMatchObject([{ source: 'user:unknown', fault: { code: 'topic.not-yours' } }]);
    expect(rig.door.accepted).toMatchObject([{ source: 'gw-9', stations: new Set() }]);
    expect(rig.broker.lastSeenMs('gw-9')).toBeNull();
  });

  it('brings a message that is too large whole to the door, whose business it is', async () => {
    const path = directory();
    const server = await mosquitto(path);
    const rig = startRig(server.port, path);
    await up(rig);
    const gateway = openMqtt({ port: server.port });
    endings.push(() => gateway.end());
    await gateway.connack();
    await gateway.publish(READINGS, 'x'.repeat(6_000_000));
    await gateway.publish(READINGS, '{"n":1}');
    await eventually('both', () => rig.door.accepted.length === 2);
    expect(rig.door.accepted[0]!.payload.length).toBe(6_000_000);
  });

  it.skipIf(!hasOpenssl)('by TLS checks the broker and shows its own certificate (needs openssl)', async () => {
    const path = directory();
    const { ca, serverCert, serverKey, clientCert, clientKey } = makeTlsFiles(path);
    const files = [`cafile ${ca}`, `certfile ${serverCert}`, `keyfile ${serverKey}`];
    const server = await mosquitto(path, [...OPEN, ...files, 'require_certificate true']);
    const urls = [`mqtts://127.0.0.1:${server.port}`];
    const unknown = startRig(server.port, directory(), { urls, mqtt: { clientId: 'a' } });
    await eventually('an unknown authority', () => unknown.troubles.length > 0);
    expect(unknown.troubles[0]).toEqual(['broker.unreachable', expect.stringMatching(/self-signed|certificate/)]);
    const bare = startRig(server.port, directory(), { urls, mqtt: { caFile: ca, clientId: 'b' } });
    await eventually('no certificate of our own', () => bare.troubles.length > 0);
    expect(bare.troubles[0]).toEqual(['broker.unauthorized', expect.stringMatching(/certificate/i)]);
    const mqtt = { caFile: ca, certFile: clientCert, keyFile: clientKey };
    const rig = startRig(server.port, path, { urls, mqtt });
    await up(rig);
    await rig.broker.publish('wk/alarms/v1/a/b', 'x');
    const lacking = startRig(server.port, directory(), { urls, mqtt: { caFile: join(path, 'none.crt') } });
    await eventually('a file that isn’t there', () => lacking.troubles.length > 0);
    expect(lacking.troubles[0]).toEqual(['broker.unreachable', expect.stringContaining('none.crt')]);
  });
});
