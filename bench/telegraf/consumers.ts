/**
 * Who may stand between Mosquitto and InfluxDB here: Telegraf with a point a value, as whoever looks at single series writes
 * them, and our service with its followers and one rule.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { caughtUp, GATEWAYS, register, startService } from '#bench/shared/running-service.ts';
import type { Mosquitto } from '#tests/helpers/brokers/mosquitto.ts';
import { eventually } from '#tests/helpers/eventually.ts';
import type { Influxdb } from '#tests/helpers/influx/influxdb.ts';

export const DATABASE = 'bench';

export interface Between {
  directory: string;
  mosquitto: Mosquitto;
  influx: Influxdb;
}

export interface Consumer {
  child: ChildProcess;
  /** The gateways', as the publishing process wants them. */
  passwords: string[];
  /** Nothing that it was sent is left to be done. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** What it says of itself, such as `1.37.2`; null where there is none on PATH. */
export function telegrafVersion(): string | null {
  const { error, stdout } = spawnSync('telegraf', ['--version'], { encoding: 'utf8' });
  return error === undefined ? (/\d[\w.+~-]*/.exec(stdout)?.[0] ?? 'unknown') : null;
}

/** Resolves once it has subscribed. */
export async function startTelegraf({ directory, mosquitto, influx }: Between): Promise<Consumer> {
  const path = join(directory, 'telegraf.conf');
  writeFileSync(path, configuration(mosquitto.port, influx.url));
  const child = spawn('telegraf', ['--config', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-10_000)));
  const ended = once(child, 'exit');
  await eventually('Telegraf', () => {
    if (child.exitCode !== null) throw new Error(`telegraf ended with ${child.exitCode}:\n${log}`);
    return mosquitto.log().includes('wk/v1/+/readings');
  });
  return {
    child,
    // Mosquitto lets anybody in.
    passwords: Array.from({ length: GATEWAYS }, () => 'any'),
    settled: async () => {},
    async stop() {
      child.kill();
      await ended;
      for (const line of log.split('\n').filter((one) => one.includes(' E! '))) console.error(`telegraf: ${line}`);
    },
  };
}

/**
 * `processors.unpivot` makes a point of each value, as ours are. The buffer is ten times the default, so that a second's
 * flood fits into it, and requests are of 5,000 lines, as InfluxDB's makers advise; everything else is as it comes.
 */
function configuration(mqttPort: number, influxUrl: string): string {
  return `
[agent]
  flush_interval = "1s"
  metric_batch_size = 5000
  metric_buffer_limit = 100000
  omit_hostname = true
  skip_processors_after_aggregators = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:${mqttPort}"]
  topics = ["wk/v1/+/readings"]
  topic_tag = ""
  qos = 1
  client_id = "telegraf"
  persistent_session = true
  data_format = "json_v2"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "reading"
    [[inputs.mqtt_consumer.json_v2.object]]
      path = "samples"
      timestamp_key = "time"
      timestamp_format = "2006-01-02T15:04:05.999999999Z07:00"
      tags = ["station"]
      disable_prepend_keys = true
[[processors.unpivot]]
  tag_key = "parameter"
  value_key = "value"
[[outputs.influxdb]]
  urls = ["${influxUrl}"]
  database = "${DATABASE}"
  skip_database_creation = true
`;
}

export async function startOurs({ mosquitto, influx }: Between): Promise<Consumer> {
  const service = await startService({
    env: {
      WK_MQTT_URL: `mqtt://127.0.0.1:${mosquitto.port}`,
      WK_INFLUX_URL: influx.url,
      WK_INFLUX_API: 'v1',
      WK_INFLUX_BUCKET: DATABASE,
    },
  });
  return {
    child: service.child,
    passwords: await register(service),
    async settled() {
      await caughtUp(service);
    },
    async stop() {
      await service.end();
      await service.remove();
    },
  };
}
