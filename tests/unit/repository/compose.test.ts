/** The compose files, without a container engine: what they say must fit the image, the program and each other. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { readConfig } from '#setting/config.ts';
import { packagedSetting } from '#tests/helpers/brokers/packaged-mosquitto.ts';
import { dockerfile, imageEnvironment } from '#tests/helpers/repository/dockerfile.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };
const OURS = `wellkeeper:${version}`;
/** What the images of others bring along that a health check may call. */
const TOOLS: Record<string, string[]> = {
  'eclipse-mosquitto:2': ['mosquitto_sub'],
  'influxdb:2': ['influx'],
};

const seconds = z.string().regex(/^\d+s$/);
// The part of the Compose specification that is used; anything else in a file is a mistake.
const service = z.strictObject({
  build: z.literal('.').optional(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  // `node` in our image and `influxdb` in theirs; Mosquitto reads files that this user writes.
  user: z.literal('1000:1000').optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.literal('service_completed_successfully') }))
    .optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:(\d+):\1$/)).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  secrets: z.array(z.string()).optional(),
  volumes: z.array(z.string().regex(/^[\w./-]+:\/[\w./-]+(:ro)?$/)),
  read_only: z.literal(true).optional(),
  tmpfs: z.array(z.literal('/tmp')).optional(),
  network_mode: z.literal('none').optional(),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  logging: z.strictObject({
    driver: z.literal('json-file'),
    options: z.strictObject({ 'max-size': z.string(), 'max-file': z.string() }),
  }),
  healthcheck: z
    .strictObject({
      test: z.array(z.string()).min(2),
      interval: seconds,
      timeout: seconds,
      start_period: seconds,
      retries: z.number(),
    })
    .optional(),
  restart: z.enum(['unless-stopped', 'no']),
  stop_grace_period: seconds.optional(),
});
type Service = z.infer<typeof service>;
const compose = z.looseObject({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.null()),
  secrets: z.record(z.string(), z.strictObject({ file: z.string().startsWith('./secrets/') })),
});

const parseCompose = (path: string) => compose.parse(parseYaml(read(path), { merge: true }));

/** The configuration that the service gets: its secrets in files, which exist only here. */
function configOf({ environment = {} }: Service) {
  const directory = tempDir();
  const given: Record<string, string> = { ...imageEnvironment, ...environment };
  for (const [name, path] of Object.entries(given).filter(([, value]) => value.startsWith('/run/secrets/'))) {
    given[name] = join(directory, path.split('/').at(-1)!);
    writeFileSync(given[name], `secret-of-a-test-${name}\n`);
  }
  return readConfig(given);
}

describe.each(['docker-compose.yml', 'packaging/compose.embedded.yml'])('%s', (path) => {
  const file = parseCompose(path);
  const services = Object.entries(file.services);

  it('has nothing beside services, volumes, secrets and what they share', () => {
    const others = Object.keys(file).filter((name) => !['services', 'volumes', 'secrets'].includes(name));
    expect(others.filter((name) => !name.startsWith('x-'))).toEqual([]);
  });

  it('uses each volume and secret that it defines, and no other', () => {
    const mounted = services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(':')[0]!));
    const named = mounted.filter((source) => !source.startsWith('.'));
    expect([...new Set(named)].toSorted()).toEqual(Object.keys(file.volumes).toSorted());
    const secrets = services.flatMap(([, one]) => one.secrets ?? []);
    expect([...new Set(secrets)].toSorted()).toEqual(Object.keys(file.secrets).toSorted());
    for (const source of mounted.filter((one) => one.startsWith('.')))
      expect(existsSync(join(ROOT, source))).toBe(true);
  });

  it('gives secrets as files alone, each to who names it', () => {
    for (const [name, one] of services) {
      const files = Object.values(one.environment ?? {}).filter((value) => value.startsWith('/run/secrets/'));
      expect(files.map((value) => value.slice('/run/secrets/'.length)).toSorted(), name).toEqual(
        (one.secrets ?? []).toSorted(),
      );
      const secretive = Object.keys(one.environment ?? {}).filter((key) => /PASSWORD|TOKEN|SECRET|KEY/.test(key));
      expect(secretive.filter((key) => !key.endsWith('_FILE'))).toEqual([]);
    }
  });

  it('keeps those files out of the repository, and says how to make them', () => {
    const files = Object.values(file.secrets).map((secret) => secret.file.slice(2));
    expect(
      spawnSync('git', ['check-ignore', ...files], { cwd: ROOT, encoding: 'utf8' })
        .stdout.trim()
        .split('\n'),
    ).toEqual(files);
    const header = read(path)
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .join('\n');
    for (const name of files) expect(header).toContain(name.slice('secrets/'.length));
  });

  it('runs images of the program’s version, and others by their major version', () => {
    for (const [name, { image, build }] of services) {
      expect([OURS, ...Object.keys(TOOLS)], name).toContain(image);
      expect(build, name).toBe(image === OURS ? '.' : undefined);
    }
  });

  it('runs commands that are in the image', () => {
    for (const [, { command = [] }] of services) {
      const script = command.find((word) => word.endsWith('.ts'));
      if (script) expect(existsSync(join(ROOT, script))).toBe(true);
    }
  });

  it('sets what the program knows', () => {
    const ours = services.filter(([, { image }]) => image === OURS);
    for (const [name, one] of ours) {
      const { config, warnings } = configOf(one);
      expect(warnings, name).toEqual([]);
      expect(config.dataDir).toBe('/data');
      expect(one.volumes).toContain('data:/data');
      expect(one.read_only, name).toBe(true);
      expect(Object.keys(one.environment ?? {}).filter((key) => !key.startsWith('WK_'))).toEqual([]);
    }
  });

  it('asks for health by what the images have', () => {
    for (const [name, { image, healthcheck, restart }] of services) {
      // Ours has its own; a command that ends needs none.
      expect(healthcheck !== undefined, name).toBe(image !== OURS && restart !== 'no');
      if (!healthcheck) continue;
      const [kind, ...words] = healthcheck.test;
      expect(['CMD', 'CMD-SHELL']).toContain(kind);
      expect(TOOLS[image]).toContain(words.join(' ').split(' ')[0]);
    }
  });
});

describe('docker-compose.yml, the production path', () => {
  const { services } = parseCompose('docker-compose.yml');
  const { wellkeeper, mosquitto, influxdb } = services as Record<string, Service>;
  const files = services['broker-files']!;

  it('wires Wellkeeper to both, and starts it without either', () => {
    const { config } = configOf(wellkeeper!);
    expect(Object.keys(wellkeeper!.depends_on!)).toEqual(['broker-files']);
    expect(config.mqtt).toMatchObject({ kind: 'external', urls: [`mqtt://mosquitto:${packagedSetting('listener')}`] });
    expect(config.influx).toMatchObject({ url: 'http://influxdb:8086', api: 'v2', retentionOk: false });
    expect(mosquitto!.ports).toEqual([`127.0.0.1:${packagedSetting('listener')}:${packagedSetting('listener')}`]);
    expect(influxdb!.ports).toEqual(['127.0.0.1:8086:8086']);
    expect(wellkeeper!.ports).toEqual([`127.0.0.1:${config.http.port}:${config.http.port}`]);
  });

  it('lets Wellkeeper in where the stores were set up', () => {
    const given = wellkeeper!.environment!;
    expect(influxdb!.environment).toMatchObject({
      DOCKER_INFLUXDB_INIT_MODE: 'setup',
      DOCKER_INFLUXDB_INIT_ORG: given.WK_INFLUX_ORG,
      DOCKER_INFLUXDB_INIT_BUCKET: given.WK_INFLUX_BUCKET,
      DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE: given.WK_INFLUX_TOKEN_FILE,
      DOCKER_INFLUXDB_INIT_RETENTION: '0',
    });
    const ofBroker = Object.entries(files.environment!).filter(([name]) => name.startsWith('WK_MQTT_'));
    expect(given).toMatchObject(Object.fromEntries(ofBroker));
    expect(ofBroker.map(([name]) => name).toSorted()).toEqual(['WK_MQTT_PASSWORD_FILE', 'WK_MQTT_USERNAME']);
  });

  it('has the broker’s files written where Mosquitto reads them, before it starts', () => {
    expect(files.command).toEqual(['node', 'src/commands/broker-files.ts', '--first-start', '/broker']);
    expect(Object.keys(mosquitto!.depends_on!)).toEqual(['broker-files']);
    for (const one of [files, mosquitto!, wellkeeper!]) expect(one.volumes).toContain('broker:/broker');
    expect(mosquitto!.volumes).toContain('./packaging/mosquitto.conf:/mosquitto/config/mosquitto.conf:ro');
    expect(packagedSetting('password_file')).toBe('/broker/passwd');
    expect(packagedSetting('acl_file')).toBe('/broker/acl');
    // A new named volume takes over what the image has there, with its owner.
    const store = packagedSetting('persistence_location').replace(/\/$/, '');
    const made = dockerfile('RUN').find((line) => line.startsWith('install -d -o node -g node'))!;
    expect(made.split(' ')).toContain(store);
    expect([files.user, wellkeeper!.user, mosquitto!.user]).toEqual([undefined, undefined, '1000:1000']);
  });

  it('takes more than Wellkeeper does, so that Wellkeeper can say what was too large', () => {
    expect(Number(packagedSetting('message_size_limit'))).toBeGreaterThan(configOf(wellkeeper!).config.maxMessageBytes);
    expect(packagedSetting('allow_anonymous')).toBe('false');
    expect(packagedSetting('persistence')).toBe('true');
  });
});

describe('packaging/compose.embedded.yml', () => {
  it('publishes the ports that the image listens on', () => {
    const { wellkeeper } = parseCompose('packaging/compose.embedded.yml').services;
    expect(wellkeeper!.ports!.map((port) => port.split(':').at(-1))).toEqual(dockerfile('EXPOSE')[0]!.split(' '));
    expect(configOf(wellkeeper!).config).toMatchObject({ mqtt: { kind: 'embedded' }, influx: null });
  });
});
