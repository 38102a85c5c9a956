/**
 * Runs the simulated gateways against a service: registers each over the API, then publishes over real MQTT at
 * QoS 1, each with its own connection and credential.
 */
import { connectAsync, type MqttClient } from 'mqtt';
import { readSeeds } from '#seeds/load.ts';
import type { Clock } from '#src/clock.ts';
import { type Api, registerGateway } from '../api-client.ts';
import { fleetOf, isSilent, type SimulatedGateway } from './fleet.ts';
import { batches, samplesAt } from './messages.ts';
import { type World, worldOf } from './sites.ts';

export interface SimulatorOptions {
  api: Api;
  /** Broker address such as `mqtt://127.0.0.1:1883`. */
  url: string;
  seedsDirectory: string;
  /** Stations that somebody else speaks for. */
  without?: ReadonlySet<string>;
  clock: Clock;
  say(line: string): void;
}

export interface Simulator {
  gateways: number;
  /** Values whose PUBACK has come. */
  acknowledged(): number;
  stop(): Promise<void>;
}

/** A message holds at most this many values: a fifth of what the service takes (contracts §3). */
const VALUES_MAX = 1000;
/** A gateway skips a round while more of its messages than this are unacknowledged. */
const IN_FLIGHT_MAX = 20;

/** @throws ApiError when a gateway can't be registered; the MQTT client's error when the broker refuses it. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const world = worldOf(readSeeds(options.seedsDirectory));
  const fleet = fleetOf(world.stations, options.without);
  // Whole seconds: gateways write times without fractions.
  const startMs = Math.ceil(options.clock.nowMs() / 1000) * 1000;
  const running: Runner[] = [];
  const stop = async () => {
    await Promise.all(running.map((runner) => runner.stop()));
  };
  try {
    for (const gateway of fleet) {
      const password = await registerGateway(options.api, gateway.id, gateway.name, gateway.stations);
      running.push(await startGateway(options, world, gateway, password, startMs));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    gateways: fleet.length,
    acknowledged: () => running.reduce((total, runner) => total + runner.acknowledged(), 0),
    stop,
  };
}

interface Runner {
  acknowledged(): number;
  stop(): Promise<void>;
}

async function startGateway(
  { url, clock, say }: SimulatorOptions,
  world: World,
  gateway: SimulatedGateway,
  password: string,
  startMs: number,
): Promise<Runner> {
  const client = await connectAsync(url, {
    username: gateway.id,
    password,
    clientId: `${gateway.id}-sim`,
    reconnectPeriod: 1000,
  });
  client.on('error', (error) => say(`${gateway.id}: ${error.message}`));
  let sequence = 0;
  let acknowledged = 0;
  let inFlight = 0;
  let stopped = false;
  let wasSilent = false;
  let timer: NodeJS.Timeout | undefined;

  const publish = (timeMs: number) => {
    const silent = isSilent(gateway, timeMs - startMs);
    if (silent && !wasSilent) say(`${gateway.id} falls silent`);
    const messages = batches(samplesAt(world, gateway, startMs, timeMs), VALUES_MAX);
    if (wasSilent && !silent) say(`${gateway.id} is back and sends what it kept: ${messages.flat().length} samples`);
    wasSilent = silent;
    for (const samples of messages) {
      sequence += 1;
      inFlight += 1;
      const values = samples.reduce((total, sample) => total + Object.keys(sample.values).length, 0);
      client.publishAsync(`wk/v1/${gateway.id}/readings`, JSON.stringify({ seq: sequence, samples }), { qos: 1 }).then(
        () => {
          inFlight -= 1;
          acknowledged += values;
        },
        (error: Error) => {
          inFlight -= 1;
          // Stopping closes the connection under messages on their way; that is no fault to report.
          if (!stopped) say(`${gateway.id}: ${error.message}`);
        },
      );
    }
  };
  const schedule = () => {
    const nowMs = clock.nowMs();
    const rounds = Math.floor((nowMs - startMs) / gateway.intervalMs) + 1;
    timer = setTimeout(
      () => {
        if (inFlight <= IN_FLIGHT_MAX) publish(startMs + rounds * gateway.intervalMs);
        schedule();
      },
      startMs + rounds * gateway.intervalMs - nowMs,
    );
  };
  schedule();
  return {
    acknowledged: () => acknowledged,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await endWithin(client, 2000);
    },
  };
}

/** Closes politely, or at all events after `limitMs`: a broker that is gone answers no DISCONNECT. */
async function endWithin(client: MqttClient, limitMs: number): Promise<void> {
  const force = setTimeout(() => client.end(true), limitMs);
  await client.endAsync(!client.connected);
  clearTimeout(force);
}
