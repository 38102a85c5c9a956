import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '#setting/config.ts';

const made: string[] = [];
function file(name: string, content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'wk-config-'));
  made.push(directory);
  writeFileSync(join(directory, name), content);
  return join(directory, name);
}
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

function mistakesOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  it('wants readings to stay until their hours are surely computed', () => {
    const mistake = 'WK_RAW_RETENTION: must be at least a week longer than WK_ALLOWED_LATENESS';
    expect(mistakesOf({ WK_RAW_RETENTION: 'P7D' })).toEqual([mistake]);
    expect(mistakesOf({ WK_RAW_RETENTION: 'P30D', WK_ALLOWED_LATENESS: 'P24D' })).toEqual([mistake]);
    expect(mistakesOf({ WK_RAW_RETENTION: 'P8D' })).toEqual([]);
  });

  it('has the defaults of the contract', () => {
    const { config } = readConfig({});
    expect(config).toMatchObject({
      http: { host: '127.0.0.1', port: 8080 },
      mqtt: { kind: 'embedded', host: '127.0.0.1', port: 1883 },
      mqttTopics: ['wk/v1/+/readings'],
      influx: null,
      timeZone: 'Asia/Shanghai',
      allowedLatenessMs: 7_200_000,
      ackMaxDelayMs: 20,
      maxMessageBytes: 262_144,
      journalRetentionMs: 604_800_000,
      journalMaxBytes: 10_737_418_240,
      rateLimit: 100,
      adminToken: null,
    });
    expect(Object.isFrozen(config.http)).toBe(true);
  });

  it('opens listeners for devices only where it is told to', () => {
    expect(readConfig({}).config.tcp).toEqual({ hj212: null, sl651: null, szy206: null });
    const { config } = readConfig({
      WK_TCP_HJ212: '0.0.0.0:5212',
      WK_TCP_SL651: '[::1]:0',
      WK_TCP_SZY206: 'rtu.example:5206',
    });
    expect(config.tcp).toEqual({
      hj212: { host: '0.0.0.0', port: 5212 },
      sl651: { host: '::1', port: 0 },
      szy206: { host: 'rtu.example', port: 5206 },
    });
    for (const wrong of ['5212', ':5212', '::1:5212', '0.0.0.0:65536', 'http://a:1', '[::1]']) {
      expect(mistakesOf({ WK_TCP_HJ212: wrong })).toEqual([expect.stringMatching(/^WK_TCP_HJ212: must be host:port/)]);
    }
  });

  it('treats an empty value as unset and `none` as no seeds', () => {
    const { config } = readConfig({ WK_HTTP_PORT: '', WK_SEEDS: 'none', WK_MQTT_URL: '' });
    expect(config.http.port).toBe(8080);
    expect(config.seedsDir).toBeNull();
    expect(config.mqtt.kind).toBe('embedded');
  });

  it.each([
    [{ WK_HTTP_PORT: '99999' }, 'WK_HTTP_PORT: must be a port from 0 to 65535'],
    [{ WK_HTTP_PORT: 'http' }, 'WK_HTTP_PORT: must be a port from 0 to 65535'],
    [{ WK_MQTT_URL: 'http://broker' }, 'WK_MQTT_URL: must be an mqtt, mqtts, ws or wss address'],
    [{ WK_MQTT_URL: 'mqtt://a,amqp://b' }, 'WK_MQTT_URL: must be an mqtt, mqtts, ws or wss address'],
    [{ WK_MQTT_URL: ',' }, 'WK_MQTT_URL: must be an mqtt, mqtts, ws or wss address'],
    ...['well.keeper', 'well*', '>', 'well keeper', 'well\tkeeper'].map((WK_MQTT_CLIENT_ID): [object, string] => [
      { WK_MQTT_CLIENT_ID },
      'WK_MQTT_CLIENT_ID: must be without spaces and . * >, which not every broker takes',
    ]),
    [{ WK_ALLOWED_LATENESS: '2h' }, 'WK_ALLOWED_LATENESS: "2h" is no duration such as PT5M, P7D or 20ms'],
    [{ WK_ALLOWED_LATENESS: 'P1M' }, 'WK_ALLOWED_LATENESS: "P1M" is no duration such as PT5M, P7D or 20ms'],
    [{ WK_MAX_MESSAGE: '256 kB' }, 'WK_MAX_MESSAGE: "256 kB" is no size such as 262144, 256KiB or 10GiB'],
    [{ WK_ADMIN_TOKEN: 'short' }, 'WK_ADMIN_TOKEN: must have at least 12 characters'],
    [{ WK_RATE_LIMIT: '0' }, 'WK_RATE_LIMIT: must be at least 1'],
    [
      { WK_ADMIN_TOKEN_FILE: '/nowhere/token' },
      "WK_ADMIN_TOKEN_FILE: /nowhere/token can't be read: ENOENT: no such file or directory, open '/nowhere/token'",
    ],
  ])('refuses %j', (environment, mistake) => {
    expect(mistakesOf(environment as unknown as Record<string, string>)).toEqual([mistake]);
  });

  it('names the zone that does not exist', () => {
    expect(mistakesOf({ WK_TIME_ZONE: 'Mars/Olympus' })).toEqual([
      'WK_TIME_ZONE: "Mars/Olympus" is no IANA time zone such as Asia/Shanghai',
    ]);
  });

  it('reports every mistake at once', () => {
    const mistakes = mistakesOf({ WK_HTTP_PORT: '-1', WK_LOG_LEVEL: 'loud', WK_INFLUX_URL: 'http://127.0.0.1:8086' });
    expect(mistakes.map((line) => line.split(':')[0]).sort()).toEqual([
      'WK_HTTP_PORT',
      'WK_INFLUX_ORG',
      'WK_INFLUX_TOKEN',
      'WK_LOG_LEVEL',
    ]);
  });

  it('reads the same names from a YAML file, the environment winning', () => {
    const path = file(
      'wellkeeper.yaml',
      'WK_HTTP_PORT: 9000\nWK_TIME_ZONE: Asia/Kolkata\nWK_MQTT_TOPICS: [a/+, b/+]\n',
    );
    const { config } = readConfig({ WK_CONFIG: path, WK_HTTP_PORT: '9001' });
    expect(config.http.port).toBe(9001);
    expect(config.timeZone).toBe('Asia/Kolkata');
    expect(config.mqttTopics).toEqual(['a/+', 'b/+']);
  });

  it('refuses a name in the YAML file that is no setting', () => {
    const path = file('wellkeeper.yaml', 'WK_HTTP_PROT: 9000\n');
    expect(mistakesOf({ WK_CONFIG: path })).toEqual([`WK_HTTP_PROT: is no setting (in ${path})`]);
  });

  it('reads a secret from a file, but not twice', () => {
    const path = file('token', 'a-long-enough-token\n');
    expect(readConfig({ WK_ADMIN_TOKEN_FILE: path }).config.adminToken).toBe('a-long-enough-token');
    expect(mistakesOf({ WK_ADMIN_TOKEN_FILE: path, WK_ADMIN_TOKEN: 'another-long-token' })).toEqual([
      'WK_ADMIN_TOKEN: is given twice, as a value and as WK_ADMIN_TOKEN_FILE',
    ]);
  });

  it('warns of a variable that only looks like a setting', () => {
    expect(readConfig({ WK_HTTP_PROT: '1' }).warnings).toEqual([
      'WK_HTTP_PROT is no setting of this program and has no effect',
    ]);
  });
});
