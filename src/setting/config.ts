/**
 * The only reader of the environment (design §5). One zod schema over `WK_…` variables and one YAML file of the same
 * names (`WK_CONFIG`; the environment wins); parsed once, frozen, every mistake reported at once.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { Config } from '#model/config.ts';
import { durationMs, sizeBytes } from '#model/duration.ts';

/** Any secret may come from a file instead: `WK_ADMIN_TOKEN_FILE`. */
const SECRETS = ['WK_ADMIN_TOKEN', 'WK_INFLUX_TOKEN', 'WK_MQTT_PASSWORD'] as const;

/** Bad configuration: `mistakes` are whole sentences, one per wrong setting; main prints them and exits 78. */
export class ConfigError extends Error {
  readonly code = 'config.invalid';
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(`The configuration has ${mistakes.length} mistake(s):\n${mistakes.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/** A string setting read by `read`, whose RangeError becomes the mistake's reason. */
const parsed = <T>(read: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return read(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port from 0 to 65535')
  .transform(Number)
  .pipe(z.number().max(65535, 'must be a port from 0 to 65535'));
const duration = parsed(durationMs);
const size = parsed(sizeBytes);
const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const BROKER_URL = 'must be an mqtt, mqtts, ws or wss address';
const brokerUrls = list.refine(
  (urls) => urls.length > 0 && urls.every((url) => z.url({ protocol: /^(mqtts?|wss?)$/ }).safeParse(url).success),
  BROKER_URL,
);
/** What every broker takes: NATS makes subjects of it and answers return code 2 to dots, spaces and its wildcards. */
const clientId = z
  .string()
  .regex(/^[^\s.*>\p{Cc}]+$/u, 'must be without spaces and . * >, which not every broker takes');
const yes = z.enum(['0', '1', 'true', 'false']).transform((text) => text === '1' || text === 'true');
const zone = parsed((text) => {
  try {
    return new Temporal.ZonedDateTime(0n, text).timeZoneId;
  } catch (error) {
    throw new RangeError(`"${text}" is no IANA time zone such as Asia/Shanghai`, { cause: error });
  }
});
const LISTENED = 'must be host:port, such as 0.0.0.0:5212 or [::]:5212; port 0 is any free one';
const listened = z
  .string()
  .transform((text, context) => {
    const [, ipv6, host, port] = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
    if (port !== undefined && Number(port) <= 65_535) return { host: (ipv6 ?? host)!, port: Number(port) };
    context.addIssue({ code: 'custom', message: LISTENED });
    return z.NEVER;
  })
  .optional();
const portion = z
  .string()
  .regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be a number from 0 to 1, such as 0.01')
  .transform(Number);
const rate = z
  .string()
  .regex(/^\d+(\/s)?$/, 'must be a whole number of requests a second, such as 100 or 100/s')
  .transform((text) => Number.parseInt(text, 10))
  .pipe(z.number().min(1, 'must be at least 1'));

const settings = z.object({
  WK_DATA_DIR: z.string().default('./data'),
  WK_SEEDS: z.string().default('./seeds'),
  WK_HTTP_HOST: z.string().default('127.0.0.1'),
  WK_HTTP_PORT: port.default(8080),
  WK_MQTT_URL: brokerUrls.optional(),
  WK_MQTT_USERNAME: z.string().optional(),
  WK_MQTT_PASSWORD: z.string().optional(),
  WK_MQTT_CA_FILE: z.string().optional(),
  WK_MQTT_CERT_FILE: z.string().optional(),
  WK_MQTT_KEY_FILE: z.string().optional(),
  WK_MQTT_CLIENT_ID: clientId.default('wellkeeper'),
  WK_MQTT_HOST: z.string().default('127.0.0.1'),
  WK_MQTT_PORT: port.default(1883),
  WK_MQTT_TOPICS: list.default(['wk/v1/+/readings']),
  WK_TCP_HJ212: listened,
  WK_TCP_SL651: listened,
  WK_TCP_SZY206: listened,
  WK_INFLUX_URL: webUrl.optional(),
  WK_INFLUX_TOKEN: z.string().optional(),
  WK_INFLUX_ORG: z.string().optional(),
  WK_INFLUX_BUCKET: z.string().default('wellkeeper'),
  WK_INFLUX_API: z.enum(['v1', 'v2']).default('v2'),
  WK_INFLUX_RETENTION_OK: yes.default(false),
  WK_TIME_ZONE: zone.default('Asia/Shanghai'),
  WK_ADMIN_TOKEN: z.string().min(12, 'must have at least 12 characters').optional(),
  WK_ALLOWED_LATENESS: duration.default(7_200_000),
  WK_ACK_MAX_DELAY: duration.default(20),
  WK_MAX_MESSAGE: size
    .pipe(
      z
        .number()
        .min(1024, 'must be at least 1KiB')
        .max(64 * 1024 ** 2, 'must be at most 64MiB'),
    )
    .default(262_144),
  WK_JOURNAL_RETENTION: duration.default(7 * 86_400_000),
  WK_JOURNAL_MAX_BYTES: size.pipe(z.number().min(1024 ** 2, 'must be at least 1MiB')).default(10 * 1024 ** 3),
  WK_RATE_LIMIT: rate.default(100),
  WK_BUSY_AFTER: duration.default(2000),
  WK_SEQUENCE_GRACE: duration.default(600_000),
  WK_PUBLIC_URL: webUrl.transform((url) => url.replace(/\/+$/, '')).optional(),
  WK_HEARTBEAT_URL: webUrl.optional(),
  WK_WEBHOOK_ALLOW: list.default([]),
  WK_RAW_RETENTION: duration.optional(),
  WK_CLOSINGS: z.enum(['auto', 'manual']).default('auto'),
  WK_UNKNOWN_TOLERANCE: portion.default(0.01),
  WK_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** Hours must be closed and judged before their readings go, also after a long outage of the reading store. */
const RAW_RETENTION_LEAST_MS = 7 * 86_400_000;

/** Names that are ours but no settings of the service: tests and command-line tools read them. */
const OTHER_NAMES = /^WK_(CONFIG|TEST_.*|REPLAY_.*|SIMULATE_.*|BENCH_.*|DEMO_.*)$/;

/**
 * Reads settings from an environment (and the YAML file that its `WK_CONFIG` names).
 * @returns the frozen configuration, and warnings about names that look like settings but aren't.
 * @throws ConfigError with every mistake.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): { config: Config; warnings: string[] } {
  const mistakes: string[] = [];
  const given = { ...fromFile(environment.WK_CONFIG, mistakes), ...nonEmpty(environment) };
  for (const name of SECRETS) readSecretFile(name, given, mistakes);
  const warnings = Object.keys(given)
    .filter((name) => name.startsWith('WK_') && !(name in settings.shape) && !OTHER_NAMES.test(name))
    .filter((name) => !SECRETS.some((secret) => name === `${secret}_FILE`))
    .map((name) => `${name} is no setting of this program and has no effect`);
  const result = settings.safeParse(given);
  if (!result.success) {
    for (const issue of result.error.issues) mistakes.push(`${issue.path.join('.')}: ${issue.message}`);
  }
  if (given.WK_INFLUX_URL && (given.WK_INFLUX_API ?? 'v2') === 'v2') {
    if (!given.WK_INFLUX_TOKEN) mistakes.push('WK_INFLUX_TOKEN: is needed with WK_INFLUX_URL and WK_INFLUX_API=v2');
    if (!given.WK_INFLUX_ORG) mistakes.push('WK_INFLUX_ORG: is needed with WK_INFLUX_URL and WK_INFLUX_API=v2');
  }
  const { WK_RAW_RETENTION: retentionMs, WK_ALLOWED_LATENESS: latenessMs } = result.data ?? {};
  if (retentionMs !== undefined && retentionMs < latenessMs! + RAW_RETENTION_LEAST_MS) {
    mistakes.push('WK_RAW_RETENTION: must be at least a week longer than WK_ALLOWED_LATENESS');
  }
  if (!result.success || mistakes.length > 0) throw new ConfigError(mistakes);
  return { config: deepFreeze(toConfig(result.data)), warnings };
}

function toConfig(given: z.infer<typeof settings>): Config {
  return {
    dataDir: resolve(given.WK_DATA_DIR),
    seedsDir: given.WK_SEEDS === 'none' ? null : resolve(given.WK_SEEDS),
    http: { host: given.WK_HTTP_HOST, port: given.WK_HTTP_PORT },
    mqtt: given.WK_MQTT_URL
      ? {
          kind: 'external',
          urls: given.WK_MQTT_URL,
          username: given.WK_MQTT_USERNAME ?? null,
          password: given.WK_MQTT_PASSWORD ?? null,
          caFile: given.WK_MQTT_CA_FILE ?? null,
          certFile: given.WK_MQTT_CERT_FILE ?? null,
          keyFile: given.WK_MQTT_KEY_FILE ?? null,
          clientId: given.WK_MQTT_CLIENT_ID,
        }
      : { kind: 'embedded', host: given.WK_MQTT_HOST, port: given.WK_MQTT_PORT },
    mqttLogIn: {
      username: given.WK_MQTT_USERNAME ?? 'wellkeeper',
      password: given.WK_MQTT_PASSWORD ?? null,
      clientId: given.WK_MQTT_CLIENT_ID,
    },
    mqttTopics: given.WK_MQTT_TOPICS,
    tcp: {
      hj212: given.WK_TCP_HJ212 ?? null,
      sl651: given.WK_TCP_SL651 ?? null,
      szy206: given.WK_TCP_SZY206 ?? null,
    },
    influx: given.WK_INFLUX_URL
      ? {
          url: given.WK_INFLUX_URL,
          token: given.WK_INFLUX_TOKEN ?? null,
          org: given.WK_INFLUX_ORG ?? null,
          bucket: given.WK_INFLUX_BUCKET,
          api: given.WK_INFLUX_API,
          retentionOk: given.WK_INFLUX_RETENTION_OK,
        }
      : null,
    timeZone: given.WK_TIME_ZONE,
    adminToken: given.WK_ADMIN_TOKEN ?? null,
    allowedLatenessMs: given.WK_ALLOWED_LATENESS,
    ackMaxDelayMs: given.WK_ACK_MAX_DELAY,
    maxMessageBytes: given.WK_MAX_MESSAGE,
    journalRetentionMs: given.WK_JOURNAL_RETENTION,
    journalMaxBytes: given.WK_JOURNAL_MAX_BYTES,
    rateLimit: given.WK_RATE_LIMIT,
    busyAfterMs: given.WK_BUSY_AFTER,
    sequenceGraceMs: given.WK_SEQUENCE_GRACE,
    publicUrl: given.WK_PUBLIC_URL ?? null,
    heartbeatUrl: given.WK_HEARTBEAT_URL ?? null,
    webhookAllow: given.WK_WEBHOOK_ALLOW,
    rawRetentionMs: given.WK_RAW_RETENTION ?? null,
    closings: given.WK_CLOSINGS,
    unknownTolerance: given.WK_UNKNOWN_TOLERANCE,
    logLevel: given.WK_LOG_LEVEL,
  };
}

/** An empty value is unset (contracts §2). */
function nonEmpty(environment: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(entries) as Record<string, string>;
}

function fromFile(path: string | undefined, mistakes: string[]): Record<string, string> {
  if (!path) return {};
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8')) ?? {};
  } catch (error) {
    mistakes.push(`WK_CONFIG: ${path} can't be read: ${(error as Error).message}`);
    return {};
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    mistakes.push(`WK_CONFIG: ${path} must be a mapping of setting names to values`);
    return {};
  }
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(content)) {
    if (!(name in settings.shape) && !SECRETS.some((secret) => name === `${secret}_FILE`)) {
      mistakes.push(`${name}: is no setting (in ${path})`);
    } else if (Array.isArray(value)) values[name] = value.join(',');
    else if (value !== null && value !== '') values[name] = String(value);
  }
  return values;
}

function readSecretFile(name: string, given: Record<string, string>, mistakes: string[]): void {
  const path = given[`${name}_FILE`];
  if (path === undefined) return;
  if (given[name] !== undefined) {
    mistakes.push(`${name}: is given twice, as a value and as ${name}_FILE`);
    return;
  }
  try {
    given[name] = readFileSync(path, 'utf8').trim();
  } catch (error) {
    mistakes.push(`${name}_FILE: ${path} can't be read: ${(error as Error).message}`);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
