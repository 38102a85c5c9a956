/** The client of an outside broker with gateways `gw-1` and `gw-2` and a door that answers when the test says. */
import { join } from 'node:path';
import type { CanaryVerdict } from '#ingest/transports/broker-canary.ts';
import { startMqttClient } from '#ingest/transports/mqtt-client.ts';
import type { MqttClientBroker, MqttClientOptions } from '#ingest/transports/outside-broker.ts';
import { Control } from '#journal/registers.ts';
import { systemClock } from '#src/clock.ts';
import { createFakeDoor, type FakeDoor } from '#tests/helpers/ingest/fake-door.ts';
import { openMqtt } from './mqtt-client.ts';

export interface Rig {
  broker: MqttClientBroker;
  door: FakeDoor;
  control: Control;
  troubles: [condition: string, detail: string | null][];
  lost: { fromMs: number; toMs: number }[];
  logged: { fields: Record<string, unknown>; message: string }[];
  counts: { ups: number };
  canaries: CanaryVerdict[];
  dropped: number[];
}

export type RigOptions = Partial<Omit<MqttClientOptions, 'mqtt' | 'door'>> & {
  urls?: string[];
  mqtt?: Partial<MqttClientOptions['mqtt']>;
  door?: FakeDoor;
};

/** What a test has opened; `endAll` belongs into its `afterEach`. */
export const endings: (() => unknown)[] = [];
export async function endAll(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end();
}

/** @param directory of the session file; the same one is the same installation. */
export function startRig(port: number, directory: string, options: RigOptions = {}): Rig {
  const { urls, mqtt, limits, door = createFakeDoor(), ...rest } = options;
  const rig: Omit<Rig, 'broker' | 'control'> = {
    door,
    troubles: [],
    lost: [],
    logged: [],
    counts: { ups: 0 },
    canaries: [],
    dropped: [],
  };
  const note = (fields: object, message: string) => {
    rig.logged.push({ fields: fields as Record<string, unknown>, message });
  };
  const control = new Control(
    ['gw-1', 'gw-2'].map((id) => ({
      noun: 'gateway',
      id,
      seq: 1,
      atMs: 0,
      actor: 'admin',
      body: { stations: [`station-of-${id}`], passwordHash: '' },
    })),
  );
  const broker = startMqttClient({
    mqtt: {
      kind: 'external',
      urls: urls ?? [`mqtt://127.0.0.1:${port}`],
      username: null,
      password: null,
      caFile: null,
      certFile: null,
      keyFile: null,
      clientId: 'wellkeeper',
      ...mqtt,
    },
    topics: ['wk/v1/+/readings'],
    sessionPath: join(directory, 'mqtt-session.json'),
    door,
    control,
    clock: systemClock,
    log: { info: note, warn: note, error: note },
    maxMessageBytes: 64 * 1024,
    onTrouble: (condition, trouble) => rig.troubles.push([condition, trouble?.detail ?? null]),
    onSessionLost: (fromMs, toMs) => rig.lost.push({ fromMs, toMs }),
    onCanary: ({ levels, detail }) => rig.canaries.push({ levels, detail }),
    onDropped: (count) => rig.dropped.push(count),
    onUp: () => rig.counts.ups++,
    // Tests of acknowledgements count every packet: the broker is tried where a test asks for it.
    limits: { pauseMinMs: 50, pauseMaxMs: 400, canaryMs: 0, canaryQuietMs: 1000, ...limits },
    ...rest,
  });
  endings.push(() => broker.close());
  return { ...rig, control, broker };
}

/** The numbers that `flood` gave the messages that the door has taken, in order. */
export const numbersOf = (door: FakeDoor): number[] =>
  door.accepted.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).n);

/** Publishes `{"n":from}` … up to, not including, `{"n":to}` as gw-1; resolves when the broker has acknowledged all. */
export async function flood(port: number, from: number, to: number, more: object = {}): Promise<void> {
  const client = openMqtt({ port, ...more });
  await client.connack();
  // In pieces, or Mosquitto takes so much unread input for an attack.
  for (let n = from; n < to; ) {
    let last = 0;
    for (const end = Math.min(to, n + 1000); n < end; n++) last = client.post('wk/v1/gw-1/readings', `{"n":${n}}`);
    await client.acknowledged(last);
  }
  await client.end();
}
