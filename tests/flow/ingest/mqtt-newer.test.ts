/** What the embedded broker does with clients of MQTT 5, which it doesn't speak. */
import { connect as mqttJs } from 'mqtt';
import { generate } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { endAll, endings, run } from '#tests/helpers/brokers/embedded-rig.ts';
import { MqttClient } from '#tests/helpers/brokers/mqtt-client.ts';

afterEach(endAll);

describe('a client of MQTT 5', () => {
  it('leaves a log line, a counter and a sign of life', async () => {
    const { open, broker, logged, gateway } = await run();
    expect(broker.lastSeenMs('gw-1')).toBeNull();
    const client = open({ protocolVersion: 5 });
    await client.next((packet) => packet.cmd === 'connack');
    await client.closed;
    expect(broker.counters).toMatchObject({ versionsRefused: 1, logInsFailed: 0, violations: 0 });
    expect(broker.lastSeenMs('gw-1')).not.toBeNull();
    const refused = logged.find(({ fields }) => fields.event === 'mqtt.version-refused');
    expect(refused?.fields).toMatchObject({ user: 'gw-1', version: 5, isKnown: true });
    await gateway();
  });

  it('with a wrong password is nobody’s sign of life', async () => {
    const { open, broker, logged } = await run();
    const client = open({ protocolVersion: 5, password: 'guess-1' });
    await client.closed;
    expect(broker.counters).toMatchObject({ versionsRefused: 1, logInsFailed: 1 });
    expect(broker.lastSeenMs('gw-1')).toBeNull();
    const refused = logged.find(({ fields }) => fields.event === 'mqtt.version-refused');
    expect(refused?.fields).toMatchObject({ isKnown: false });
    expect(JSON.stringify(logged)).not.toContain('guess-');
  });

  it('is told the reason in its own words, which a library shows', async () => {
    const { broker } = await run();
    const options = { protocolVersion: 5, username: 'gw-1', password: 'pass-1', reconnectPeriod: 0 } as const;
    const client = mqttJs(`mqtt://127.0.0.1:${broker.port}`, options);
    endings.push(() => client.endAsync(true));
    const error = await new Promise((resolve) => client.once('error', resolve));
    expect(error).toMatchObject({ code: 0x84, message: 'Connection refused: Unsupported Protocol Version' });
  });

  it('may come in pieces, and be of a version that is not defined yet, or broken', async () => {
    const { broker } = await run();
    const whole = generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      keepalive: 0,
      clientId: 'x',
      username: 'gw-1',
      password: Buffer.from('pass-1'),
    });
    const level6 = Buffer.from(whole);
    level6[8] = 6;
    const broken = Buffer.from([...whole.subarray(0, 12), ...Buffer.alloc(whole.length - 12, 0xff)]);
    for (const packet of [whole, level6, broken]) {
      const client = new MqttClient(broker.port);
      for (const byte of packet) client.raw(Buffer.from([byte]));
      const answer: number[] = [];
      client.socket.on('data', (chunk: Buffer) => answer.push(...chunk));
      await client.closed;
      expect(answer).toEqual([0x20, 3, 0, 0x84, 0]);
    }
    expect(broker.counters).toMatchObject({ versionsRefused: 3 });
  });
});
