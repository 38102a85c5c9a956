/** The production path on real servers: Mosquitto and InfluxDB beside the service, each behind a proxy that can fail. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { hasMosquitto, type Mosquitto, startMosquitto } from './brokers/mosquitto.ts';
import { eventually, GUARD_MS } from './eventually.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { hasInfluxdb, type Influxdb, startInfluxdb } from './influx/influxdb.ts';
import { startTestService, type TestService } from './service.ts';

export const hasProduction = hasInfluxdb && hasMosquitto;
export const SKIPPED = hasProduction ? '' : ' (influxd and mosquitto must be installed)';
const DATABASE = 'wellkeeper';
/** A broker with a backlog takes thousands of acknowledgements before it answers the subscription behind them. */

/** Everything that a gateway publishes waits for us, and outlives a restart of the broker. */
const PERSISTENT = (directory: string) => [
  'allow_anonymous true',
  'max_queued_messages 0',
  'max_inflight_messages 0',
  'persistence true',
  `persistence_location ${directory}/`,
  // In seconds. Saving after each change writes the whole queue for every message: a backlog would never end.
  'autosave_interval 1',
];

export interface Production {
  readonly influx: Influxdb;
  readonly toInflux: FaultProxy;
  readonly toBroker: FaultProxy;
  service: TestService;
  /** The service again, on the same files, after it was ended or killed. */
  restart(env?: Record<string, string>): Promise<void>;
  /** Ends (or kills) Mosquitto and starts it on the same port; without `keep` it forgets everything. */
  restartBroker(how?: { kill?: boolean; keep?: boolean }): Promise<void>;
  /** A gateway's connection, which comes back by itself and sends again what wasn't acknowledged. */
  gateway(): Promise<MqttClient>;
  /** How many readings InfluxDB holds. */
  stored(): Promise<number>;
  /** Once InfluxDB holds exactly so many. */
  holds(readings: number): Promise<void>;
  /** The gateway's ledger once nothing is pending and `received` is as expected. */
  settled(gateway: string, received: number, timeoutMs?: number): Promise<Record<string, number>>;
  /** The newest alarm of this condition, in this state. */
  platformAlarm(condition: string, state: string, timeoutMs?: number): Promise<Record<string, unknown>>;
  remove(): Promise<void>;
}

export async function startProduction(env: Record<string, string> = {}): Promise<Production> {
  const directory = mkdtempSync(join(tmpdir(), 'wk-production-'));
  const influx = await startInfluxdb(directory);
  await influx.createDatabase(DATABASE);
  let mosquitto: Mosquitto = await startMosquitto(directory, PERSISTENT(directory));
  const { port } = mosquitto;
  const toInflux = await startFaultProxy(influx.port);
  const toBroker = await startFaultProxy(port);
  const settings = {
    WK_SEEDS: 'none',
    WK_LOG_LEVEL: 'warn',
    WK_MQTT_URL: `mqtt://127.0.0.1:${toBroker.port}`,
    WK_INFLUX_URL: `http://127.0.0.1:${toInflux.port}`,
    WK_INFLUX_API: 'v1',
    WK_INFLUX_BUCKET: DATABASE,
    ...env,
  };
  const gateways: MqttClient[] = [];
  const production: Production = {
    influx,
    toInflux,
    toBroker,
    service: await startTestService({ env: settings }),
    async restart(more = {}) {
      production.service = await startTestService({
        dataDir: production.service.dataDir,
        env: { ...settings, ...more },
      });
    },
    async restartBroker({ kill = false, keep = true } = {}) {
      await (kill ? mosquitto.kill() : mosquitto.stop());
      if (!keep) rmSync(join(directory, 'mosquitto.db'), { force: true });
      mosquitto = await startMosquitto(directory, PERSISTENT(directory), { port });
    },
    async gateway() {
      const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
        clientId: `gateway-${gateways.length}`,
        clean: false,
        reconnectPeriod: 100,
      });
      client.on('error', () => {});
      gateways.push(client);
      return client;
    },
    async stored() {
      const { results } = await influx.query('SELECT count("flag") FROM "reading"', DATABASE);
      return Number(results[0]?.series?.[0]?.values[0]?.[1] ?? 0);
    },
    async holds(readings) {
      await eventually(`${readings} readings in InfluxDB`, async () => (await production.stored()) === readings);
    },
    settled: (gateway, received, timeoutMs = GUARD_MS) =>
      eventually(
        `${received} values of ${gateway} settled`,
        async () => {
          const { body } = await production.service.call<Record<string, number>>('GET', `/gateways/${gateway}/ledger`);
          return body.pending === 0 && body.received! >= received ? body : null;
        },
        timeoutMs,
      ),
    platformAlarm: (condition, state, timeoutMs = GUARD_MS) =>
      eventually(
        `${condition} ${state}`,
        async () => {
          const { body } = await production.service.call<{ items: Record<string, unknown>[] }>(
            'GET',
            `/alarms?station=_platform&state=${state}`,
          );
          return body.items.find(({ parameter }) => parameter === condition);
        },
        timeoutMs,
      ),
    async remove() {
      for (const client of gateways) client.end(true);
      await production.service.remove();
      await toInflux.close();
      await toBroker.close();
      await mosquitto.kill();
      await influx.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return production;
}
