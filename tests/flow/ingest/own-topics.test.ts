/** Topics of gateways' own, on the embedded broker and at a real Mosquitto: whose they are, wills, and commands to edge nodes. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readPayload } from '#ingest/codecs/sparkplug-b/payload.ts';
import type { Control } from '#journal/registers.ts';
import type { Gateway } from '#model/register.ts';
import * as embedded from '#tests/helpers/brokers/embedded-rig.ts';
import { hasMosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { type MqttClient, openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';
import * as outside from '#tests/helpers/brokers/outside-rig.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import type { FakeDoor } from '#tests/helpers/ingest/fake-door.ts';
import { aMetric, aPayload } from '#tests/helpers/ingest/sparkplug.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

afterEach(async () => {
  await embedded.endAll();
  await outside.endAll();
});

const NODE = 'spBv1.0/G/NDATA/n1';
const DEVICE = 'spBv1.0/G/DDATA/n1/d1';
const DEATH = 'spBv1.0/G/NDEATH/n1';
const COMMANDS = 'spBv1.0/G/NCMD/n1';
const OWN = ['spBv1.0/G/+/n1/#', 'v1/gateway/telemetry'];

let seq = 1000;
function put(control: Control, id: string, more: Partial<Gateway>): void {
  const before = control.get('gateway', id)!;
  const command = { verb: 'put', noun: 'gateway', id, body: { ...before, ...more } } as const;
  control.apply({ kind: 'command', seq: ++seq, receivedMs: 0, actor: 'admin', command });
}

const SPARKPLUG: Partial<Gateway> = { protocol: 'sparkplug-b', topics: OWN };
const birth = (n: number) =>
  Buffer.from(aPayload({ seq: n, metrics: [aMetric({ name: 'ph', alias: 1, datatype: 10, double: 7 })] }));
const data = (n: number) => Buffer.from(aPayload({ seq: n, metrics: [aMetric({ alias: 1, double: 7.5 })] }));
const taken = ({ accepted }: FakeDoor) =>
  accepted.map(({ source, topic, contentType }) => [source, topic, contentType.replace(/^application\//, '')]);
const refused = ({ refused: all }: FakeDoor) => all.map(({ source, fault: { code } }) => [source, code]);

function commandsTo(client: MqttClient): unknown[] {
  return client.packets
    .filter((packet) => packet.cmd === 'publish' && packet.topic === COMMANDS)
    .map((packet) => readPayload((packet as { payload: Buffer }).payload).metrics[0]);
}

describe('on the embedded broker', () => {
  it('the user name decides whose they are, from when the register says so', async () => {
    const { door, control, gateway } = await embedded.run();
    const client = await gateway();
    await client.publish(NODE, data(1));
    put(control, 'gw-1', SPARKPLUG);
    await client.publish(DEVICE, data(2));
    await client.publish('v1/gateway/telemetry', '{}');
    await client.publish('spBv1.0/G/NDATA/n2', data(3));
    const other = await gateway({ username: 'gw-2', password: 'pass-2' });
    await other.publish(NODE, data(4));
    expect(taken(door)).toEqual([
      ['gw-1', DEVICE, 'x-sparkplug-b'],
      ['gw-1', 'v1/gateway/telemetry', 'x-sparkplug-b'],
    ]);
    expect(refused(door)).toEqual([
      ['gw-1', 'topic.not-yours'],
      ['gw-1', 'topic.not-yours'],
      ['gw-2', 'topic.not-yours'],
    ]);
    expect(door.refused[0]!.fault.message).toContain('`topics`');
    put(control, 'gw-1', { topics: [] });
    await client.publish(NODE, data(5));
    expect(door.refused).toHaveLength(4);
  });

  it('a gateway hears what is said on its own, and nothing that others say', async () => {
    const { control, gateway } = await embedded.run();
    put(control, 'gw-1', SPARKPLUG);
    const client = await gateway();
    expect(await client.subscribe(COMMANDS, 'spBv1.0/G/+/n1/#', 'spBv1.0/G/#', 'spBv1.0/G/NCMD/n2', '#')).toEqual([
      1, 1, 128, 128, 128,
    ]);
    const other = await gateway({ username: 'gw-2', password: 'pass-2' });
    expect(await other.subscribe(COMMANDS)).toEqual([128]);
    await client.publish(NODE, data(1));
    expect(client.packets.filter(({ cmd }) => cmd === 'publish')).toEqual([]);
  });

  it('what was said in births goes with each message, also with one that has to wait for the journal', async () => {
    const { door, control, gateway } = await embedded.run();
    put(control, 'gw-1', SPARKPLUG);
    const client = await gateway();
    door.isFull = true;
    client.post('spBv1.0/G/NBIRTH/n1', birth(0));
    client.post('spBv1.0/G/DBIRTH/n1/d1', birth(1));
    client.post(DEVICE, data(2));
    const late = client.post(DEVICE, data(4));
    await eventually('held', () => door.attempts > 1);
    door.isFull = false;
    await client.acknowledged(late);
    expect(door.accepted.map(({ births }) => [births?.birth?.aliases.get(1)?.name, births?.missed])).toEqual([
      [undefined, null],
      [undefined, null],
      ['ph', null],
      ['ph', 'seq 4 came where 3 was next'],
    ]);
  });

  it('an edge node whose aliases nobody knows is asked for its births, once', async () => {
    const { door, control, gateway, broker } = await embedded.run();
    put(control, 'gw-1', SPARKPLUG);
    door.faults = [{ code: 'sparkplug.no-birth', message: '' }];
    const client = await gateway();
    await client.subscribe(COMMANDS);
    await client.publish(DEVICE, data(1));
    await client.publish(DEVICE, data(2));
    await client.next(({ cmd }) => cmd === 'publish');
    expect(commandsTo(client)).toEqual([expect.objectContaining({ name: 'Node Control/Rebirth', value: true })]);
    expect(broker.counters.birthsAsked).toBe(1);
  });

  const will = { topic: DEATH, payload: Buffer.from(aPayload({})), qos: 1 as const, retain: false };

  it('a node that goes without a word is dead, by its own will', async () => {
    const { door, control, gateway, broker } = await embedded.run();
    put(control, 'gw-1', SPARKPLUG);
    const client = await gateway({ will });
    await client.publish('spBv1.0/G/NBIRTH/n1', birth(0));
    client.socket.destroy();
    await eventually('the will', () => door.accepted.length === 2);
    expect(door.accepted[1]).toMatchObject({ source: 'gw-1', topic: DEATH });
    expect(door.accepted[1]!.births!.ended.map(({ birth: { names } }) => [...names.keys()])).toEqual([['ph']]);
    expect(broker.counters.willsIgnored).toBe(0);
  });

  it('a node that says that it goes, one whose broker ends, and one that is no gateway any more leave no will', async () => {
    const { door, control, gateway, broker } = await embedded.run();
    put(control, 'gw-1', SPARKPLUG);
    const polite = await gateway({ will, clientId: 'polite' });
    polite.send({ cmd: 'disconnect' });
    await polite.closed;
    const deleted = await gateway({ will, username: 'gw-2', password: 'pass-2', clientId: 'deleted' });
    control.apply({
      ...{ kind: 'command', seq: ++seq, receivedMs: 0, actor: 'admin' },
      command: { verb: 'delete', noun: 'gateway', id: 'gw-2' },
    });
    await deleted.closed;
    await gateway({ will, clientId: 'last' });
    await broker.close();
    expect(door.attempts).toBe(0);
  });

  it('a will on a topic that isn’t the gateway’s own is quarantined', async () => {
    const { door, gateway } = await embedded.run();
    const client = await gateway({ will });
    client.socket.destroy();
    await eventually('refused', () => door.refused.length === 1);
    expect(refused(door)).toEqual([['gw-1', 'topic.not-yours']]);
  });
});

describe.skipIf(!hasMosquitto)('at an outside broker', () => {
  async function mosquitto() {
    const { path, remove } = makeTempDir();
    outside.endings.push(remove);
    const server = await startMosquitto(path, ['allow_anonymous true']);
    outside.endings.push(() => server.stop());
    const session = join(path, 'session');
    mkdirSync(session);
    return { server, session };
  }

  async function client(port: number): Promise<MqttClient> {
    const opened = openMqtt({ port });
    outside.endings.push(() => opened.end());
    await opened.connack();
    return opened;
  }

  it('the subscription follows the register, and the topic tells whose it is', async () => {
    const { server, session } = await mosquitto();
    const rig = outside.startRig(server.port, session);
    await eventually('up', () => rig.broker.isUp);
    const node = await client(server.port);
    put(rig.control, 'gw-2', SPARKPLUG);
    await eventually('subscribed', async () => {
      await node.publish(DEVICE, data(1));
      return rig.door.accepted.length > 0;
    });
    put(rig.control, 'gw-1', { topics: ['v1/devices/+/telemetry'] });
    await eventually('subscribed, too', async () => {
      await node.publish('v1/devices/me/telemetry', '{}');
      return taken(rig.door).some(([source]) => source === 'gw-1');
    });
    expect(new Set(taken(rig.door).map((row) => row.join(' ')))).toEqual(
      new Set([`gw-2 ${DEVICE} x-sparkplug-b`, 'gw-1 v1/devices/me/telemetry json']),
    );
    put(rig.control, 'gw-2', { topics: [] });
    await eventually('unsubscribed', async () => {
      const before = rig.door.accepted.length;
      await node.publish(DEVICE, data(2));
      await node.publish('v1/devices/me/telemetry', '{"last":true}');
      await eventually('the last', () => rig.door.accepted.length > before);
      return rig.door.accepted.slice(before).every(({ source }) => source === 'gw-1');
    });
    expect(rig.door.refused).toEqual([]);
  });

  it('what is said to edge nodes is passed over, and births are asked for', async () => {
    const { server, session } = await mosquitto();
    const rig = outside.startRig(server.port, session);
    put(rig.control, 'gw-2', SPARKPLUG);
    rig.door.faults = [{ code: 'sparkplug.no-birth', message: '' }];
    await eventually('up', () => rig.broker.isUp);
    const node = await client(server.port);
    expect(await node.subscribe(COMMANDS)).toEqual([1]);
    let published = 0;
    await eventually('subscribed', async () => {
      await node.publish(DEVICE, data(++published));
      return rig.door.accepted.length > 0;
    });
    await node.next((packet) => packet.cmd === 'publish');
    expect(commandsTo(node)).toEqual([expect.objectContaining({ name: 'Node Control/Rebirth', value: true })]);
    await node.publish(COMMANDS, data(1));
    await eventually('ignored', () => (rig.broker.counters.ignored ?? 0) > 0);
    expect(taken(rig.door).filter(([, topic]) => topic !== DEVICE)).toEqual([]);
    expect(rig.door.accepted.length).toBeLessThanOrEqual(published);
  });
});
