/** An embedded broker with two gateways, a viewer's token and a door that answers when the test says. */

import { expect } from 'vitest';
import type { BrokerLimits, EmbeddedBroker } from '#ingest/transports/embedded-broker.ts';
import { startEmbeddedBroker } from '#ingest/transports/mqtt-embedded.ts';
import { Control } from '#journal/registers.ts';
import type { Command } from '#model/entry.ts';
import { createLogInLimit, createPasswordVerifier, hashPassword, hashToken } from '#setting/secrets.ts';
import { systemClock } from '#src/clock.ts';
import { type MqttClient, openMqtt } from '#tests/helpers/brokers/mqtt-client.ts';
import { createFakeDoor, type FakeDoor } from '#tests/helpers/ingest/fake-door.ts';

export const MAX_MESSAGE = 64 * 1024;
/** Where `gw-1` publishes. */
export const READINGS = 'wk/v1/gw-1/readings';

const HASHES = { 'gw-1': await hashPassword('pass-1'), 'gw-2': await hashPassword('pass-2') };

export interface Running {
  broker: EmbeddedBroker;
  door: FakeDoor;
  control: Control;
  logged: { fields: Record<string, unknown>; message: string }[];
  /** An accepted connection of gw-1, unless told otherwise. */
  gateway(options?: object): Promise<MqttClient>;
  /** A CONNECT of which the answer is still to come. */
  /** Limits that were reached, and by whom. */
  crowded: string[];
  open(options?: object): MqttClient;
  put(command: Command): void;
}

/** What a test has opened; `endAll` belongs into its `afterEach`. */
export const endings: (() => unknown)[] = [];
export async function endAll(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end();
}

/** Starts one; it ends with the test. */
export async function run(limits: Partial<BrokerLimits> = {}): Promise<Running> {
  const door = createFakeDoor();
  const control = new Control(
    Object.entries(HASHES).map(([id, passwordHash]) => ({
      noun: 'gateway',
      id,
      seq: 1,
      atMs: 0,
      actor: 'admin',
      body: { stations: [`station-of-${id}`], passwordHash },
    })),
  );
  const logged: Running['logged'] = [];
  const crowded: string[] = [];
  const note = (fields: object, message: string) => logged.push({ fields: fields as Record<string, unknown>, message });
  const broker = await startEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    door,
    control,
    clock: systemClock,
    log: { info: note, warn: note, error: note },
    maxMessageBytes: MAX_MESSAGE,
    checkViewer: async (token) => token === 'viewer-token',
    verifier: createPasswordVerifier(),
    logIns: createLogInLimit(systemClock),
    limits,
    crowded: (limit, who) => void crowded.push(`${limit} ${who}`),
    viewerName: (key) => (key === hashToken('viewer-token') ? 'wall' : undefined),
  });
  endings.push(() => broker.close());
  let seq = 1;
  const open = (options: object = {}): MqttClient => {
    const client = openMqtt({ port: broker.port, username: 'gw-1', password: 'pass-1', ...options });
    endings.push(() => client.end());
    return client;
  };
  return {
    broker,
    door,
    control,
    logged,
    crowded,
    open,
    async gateway(options) {
      const client = open(options);
      expect((await client.connack()).returnCode).toBe(0);
      return client;
    },
    put: (command) => control.apply({ kind: 'command', seq: ++seq, receivedMs: 0, actor: 'admin', command }),
  };
}

/** The packet ids of the PUBACKs so far, in order. */
export const pubacks = (client: MqttClient): number[] =>
  client.packets.filter((packet) => packet.cmd === 'puback').map((packet) => packet.messageId!);

/** The fixed and variable header of a PUBLISH with any topic bytes and any payload length. */
export function publishHead(topic: Buffer, payloadBytes: number, qos: 1 | 2, id: number): Buffer {
  let length = 2 + topic.length + 2 + payloadBytes;
  const head = [0x30 | (qos << 1)];
  do {
    head.push((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    length >>= 7;
  } while (length > 0);
  return Buffer.from([...head, topic.length >> 8, topic.length & 0xff, ...topic, id >> 8, id & 0xff]);
}

/** A whole PUBLISH, also one that no decent client would send. */
export function rawPublish(topic: Buffer, payload: string, qos: 1 | 2, id: number): Buffer {
  return Buffer.concat([publishHead(topic, Buffer.byteLength(payload), qos, id), Buffer.from(payload)]);
}
