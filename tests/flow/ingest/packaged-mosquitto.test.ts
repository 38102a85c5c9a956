/** What packaging/mosquitto.conf promises, on a real Mosquitto: its window, its queue and its limits. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '#setting/secrets.ts';
import { brokerFiles, writeBrokerFiles } from '#src/brokers/files.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { type MqttClient, openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';
import { packagedSetting, packagedSettings } from '#tests/helpers/brokers/packaged-mosquitto.ts';
import { eventually } from '#tests/helpers/service.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

const PASSWORD = 'of everybody here';
const TOPIC = 'wk/v1/gw/readings';
const WINDOW = Number(packagedSetting('max_inflight_messages'));
/** Mosquitto's own default for the queue of a client that is away. */
const DEFAULT_QUEUE = 1000;
const MAX_MESSAGE = 256 * 1024;

describe.skipIf(!hasMosquitto)(`packaging/mosquitto.conf${hasMosquitto ? '' : ' (mosquitto is not installed)'}`, () => {
  const clients: MqttClient[] = [];
  let directory: ReturnType<typeof makeTempDir>;
  let broker: Mosquitto;
  const start = () => startMosquitto(directory.path, packagedSettings(directory.path));

  beforeEach(async () => {
    directory = makeTempDir();
    const passwordHash = await hashPassword(PASSWORD);
    const topics = { read: ['wk/v1/+/readings'], write: [] };
    const service = { id: 'wellkeeper', passwordHash };
    const gateways = [{ id: 'gw', passwordHash }];
    const { files } = brokerFiles('mosquitto', { gateways, gone: [], service, clientId: 'wellkeeper', topics });
    writeBrokerFiles(directory.path, files);
    broker = await start();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end();
    await broker.stop();
    directory.remove();
  });

  /** Who connects here acknowledges nothing by itself. Wellkeeper's session stays when it goes. */
  async function connect(username: 'wellkeeper' | 'gw'): Promise<MqttClient> {
    const { port } = broker;
    const client = openMqtt({
      port,
      username,
      password: PASSWORD,
      clientId: username,
      clean: username !== 'wellkeeper',
    });
    clients.push(client);
    expect(await client.connack()).toMatchObject({ returnCode: 0 });
    return client;
  }

  async function publishMany(gateway: MqttClient, count: number): Promise<void> {
    let last = 0;
    for (let n = 0; n < count; n++) last = gateway.post(TOPIC, String(n));
    await gateway.acknowledged(last);
  }

  it('sends as many messages as it says to one who acknowledges none, and more as they are acknowledged', async () => {
    const wellkeeper = await connect('wellkeeper');
    await wellkeeper.subscribe('wk/v1/+/readings');
    await publishMany(await connect('gw'), WINDOW + 500);
    await eventually('a full window', () => wellkeeper.received(TOPIC).length >= WINDOW);
    await wellkeeper.ping();
    expect(wellkeeper.received(TOPIC).length).toBe(WINDOW);
    for (const { messageId } of wellkeeper.received(TOPIC).slice(0, 100)) wellkeeper.send({ cmd: 'puback', messageId });
    // How many more is Mosquitto's own business: 2.0.11 then sends all that it has.
    await eventually('the next', () => wellkeeper.received(TOPIC).length >= WINDOW + 100);
    const numbers = wellkeeper.received(TOPIC).map(({ payload }) => Number(payload));
    expect(numbers).toEqual(numbers.map((_, n) => n));
  });

  it('keeps what came while Wellkeeper was away, in order and across a restart', async () => {
    const before = await connect('wellkeeper');
    await before.subscribe('wk/v1/+/readings');
    await before.end();
    const count = 3 * DEFAULT_QUEUE;
    await publishMany(await connect('gw'), count);
    await broker.stop();
    broker = await start();
    const wellkeeper = await connect('wellkeeper');
    expect(await wellkeeper.connack()).toMatchObject({ sessionPresent: true });
    let acknowledged = 0;
    await eventually('all of them', () => {
      const received = wellkeeper.received(TOPIC);
      for (const { messageId } of received.slice(acknowledged)) wellkeeper.send({ cmd: 'puback', messageId });
      acknowledged = received.length;
      return acknowledged >= count;
    });
    expect(wellkeeper.received(TOPIC).map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: count }, (_, n) => n),
    );
  });

  it('brings on what is too large for Wellkeeper, and disconnects nobody for what is too large for itself', async () => {
    const wellkeeper = await connect('wellkeeper');
    await wellkeeper.subscribe('wk/v1/+/readings');
    const gateway = await connect('gw');
    await gateway.publish(TOPIC, Buffer.alloc(Number(packagedSetting('message_size_limit')) + 1));
    await gateway.publish(TOPIC, Buffer.alloc(MAX_MESSAGE + 1));
    await wellkeeper.message(TOPIC);
    expect(wellkeeper.received(TOPIC).map(({ payload }) => payload.length)).toEqual([MAX_MESSAGE + 1]);
    await gateway.ping();
  });
});
