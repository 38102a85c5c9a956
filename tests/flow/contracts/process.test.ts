/** The contract's commands and settings, from outside: how the process starts, refuses to start, and ends. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { refusedStart } from '#tests/helpers/start-refused.ts';

const STATION = { name: { zh: '断面', en: 'Section' }, kind: 'river-section', waterBody: 'river', parameters: [] };
let dir: string;
const services: TestService[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'wk-process-'));
});
afterEach(async () => {
  for (const service of services.splice(0)) await service.remove();
  rmSync(dir, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}, dataDir = join(dir, 'data')): Promise<TestService> {
  const service = await startTestService({ dataDir, env: { WK_SEEDS: 'none', ...env } });
  services.push(service);
  return service;
}
const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

describe('SIGTERM', () => {
  it('once: exit 0 within 10 s, and the ports are taken back', async () => {
    const service = await start();
    const port = readFileSync(join(service.dataDir, 'http.port'), 'utf8');
    expect(port.trim()).toBe(new URL(service.url).port);
    const begun = performance.now();
    expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('repeatedly, with clients that hang on: still exit 0 within 10 s', async () => {
    const service = await start();
    await service.call('PUT', '/stations/s1', STATION);
    const client = await service.connect('gw', await service.gateway('gw', ['s1']));
    client.on('error', () => {});
    const stream = await fetch(`${service.url}/api/v1/stream`, { headers: { authorization: `Bearer ${ADMIN}` } });
    const begun = performance.now();
    const ended = service.end('SIGTERM');
    const again = setInterval(() => service.child.kill('SIGTERM'), 20);
    expect(await ended).toEqual({ code: 0, signal: null });
    clearInterval(again);
    expect(performance.now() - begun).toBeLessThan(10_000);
    await stream.body?.cancel().catch(() => {});
  });

  it('while it is still starting: exit 0, too', async () => {
    const dataDir = join(dir, 'data');
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../../src/main.ts')], {
      env: { PATH: process.env.PATH, WK_DATA_DIR: dataDir, WK_HTTP_PORT: '0', WK_MQTT_PORT: '0', WK_SEEDS: 'none' },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    await eventually('its directory', () => existsSync(dataDir));
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(existsSync(join(dataDir, 'http.port'))).toBe(false);
  });
});

describe('bad configuration', () => {
  it('exits 78 with every mistake listed', async () => {
    const { code, output } = await refusedStart({
      WK_DATA_DIR: join(dir, 'data'),
      WK_HTTP_PORT: '99999',
      WK_MQTT_PORT: 'seven',
      WK_ALLOWED_LATENESS: 'two hours',
      WK_MAX_MESSAGE: '12 apples',
      WK_TIME_ZONE: 'Middle/Earth',
      WK_INFLUX_API: 'v9',
      WK_LOG_LEVEL: 'loud',
      WK_MQTT_URL: 'http://example.org',
    });
    expect(code).toBe(78);
    for (const name of [
      'HTTP_PORT',
      'MQTT_PORT',
      'ALLOWED_LATENESS',
      'MAX_MESSAGE',
      'TIME_ZONE',
      'INFLUX_API',
      'LOG_LEVEL',
      'MQTT_URL',
    ])
      expect(output).toContain(`WK_${name}`);
  });

  it('so does a file that says nonsense, and a secret that is not there', async () => {
    const config = file('wk.yaml', 'WK_HTTP_PORT: high\nWK_NO_SUCH_THING: 1\n');
    const { code, output } = await refusedStart({
      WK_CONFIG: config,
      WK_DATA_DIR: join(dir, 'data'),
      WK_HTTP_PORT: '',
      WK_ADMIN_TOKEN_FILE: join(dir, 'absent'),
    });
    expect(code).toBe(78);
    for (const name of ['WK_HTTP_PORT', 'WK_NO_SUCH_THING', 'WK_ADMIN_TOKEN_FILE']) expect(output).toContain(name);
  });

  it('so do bad seeds, with file, line and reason', async () => {
    file('rules.yaml', 'rules: [\n');
    const { code, output } = await refusedStart({ WK_DATA_DIR: join(dir, 'data'), WK_SEEDS: dir });
    expect(code).toBe(78);
    expect(output).toMatch(/rules\.yaml:\d+/);
  });

  it('a seeds directory that does not exist is refused', async () => {
    const { code } = await refusedStart({ WK_DATA_DIR: join(dir, 'data'), WK_SEEDS: join(dir, 'absent') });
    expect(code).not.toBe(0);
    expect(code).not.toBeNull();
  });
});

describe('settings', () => {
  it('come from the YAML file, the environment wins, an empty value is unset, secrets may come from files', async () => {
    const config = file(
      'wk.yaml',
      `WK_HTTP_PORT: 0\nWK_TIME_ZONE: Europe/Berlin\nWK_ALLOWED_LATENESS: PT1H\nWK_LOG_LEVEL: warn\n`,
    );
    const token = file('token', 'a-token-out-of-a-file\n');
    const service = await start({
      WK_CONFIG: config,
      WK_HTTP_PORT: '',
      WK_ADMIN_TOKEN: '',
      WK_ADMIN_TOKEN_FILE: token,
      WK_TIME_ZONE: 'America/Denver',
    });
    const headers = { authorization: 'Bearer a-token-out-of-a-file' };
    expect((await service.call('PUT', '/stations/s1', STATION, headers)).status).toBe(201);
    const trends = await service.call(
      'GET',
      '/trends?station=s1&parameter=ph&interval=P1D&from=2026-07-01&to=2026-07-03',
      undefined,
      headers,
    );
    expect(trends.body).toMatchObject({
      timeZone: 'America/Denver',
      items: [{ start: '2026-07-01T00:00:00-06:00' }, {}],
    });
    expect((await service.call('GET', '/stations')).status).toBe(401);
  });

  it('without WK_ADMIN_TOKEN one is generated into admin.token, readable by its owner alone, and never logged', async () => {
    const service = await start({ WK_ADMIN_TOKEN: '' });
    const path = join(service.dataDir, 'admin.token');
    const token = readFileSync(path, 'utf8').trim();
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(service.output()).toContain(path);
    expect(service.output()).not.toContain(token);
    const mine = { authorization: `Bearer ${token}` };
    expect((await service.call('GET', '/tokens', undefined, mine)).status).toBe(200);
    await service.end('SIGTERM');
    // Kept over a restart; a set value always wins.
    const again = await start({ WK_ADMIN_TOKEN: '' }, service.dataDir);
    expect(readFileSync(path, 'utf8').trim()).toBe(token);
    expect((await again.call('GET', '/tokens', undefined, mine)).status).toBe(200);
    await again.end('SIGTERM');
    const set = await start({}, service.dataDir);
    expect((await set.call('GET', '/tokens')).status).toBe(200);
    expect((await set.call('GET', '/tokens', undefined, mine)).status).toBe(401);
  });

  it('WK_SEEDS=none begins empty', async () => {
    const service = await start();
    for (const register of ['stations', 'meters', 'rules', 'channels'])
      expect((await service.call('GET', `/${register}`)).body).toEqual({ items: [], next: null });
    expect((await service.call('GET', '/routes')).body).toEqual([]);
  });

  it('limits requests a second and credential, and failed log-ins an address', async () => {
    const service = await start({ WK_RATE_LIMIT: '5' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => service.call('GET', '/stations')));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThanOrEqual(10);
    expect(limited[0]!.body).toMatchObject({ code: 'rate.limited', status: 429 });
    expect(Number(limited[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    const wrong: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      const { status, headers } = await service.call('GET', '/stations', undefined, {
        authorization: `Bearer wrong-${attempt}`,
      });
      wrong.push(status);
      if (status === 429) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(wrong).toEqual([...Array(10).fill(401), 429, 429]);
    // One who was right before isn't locked out by a neighbour's mistakes.
    expect([200, 429]).toContain((await service.call('GET', '/stations')).status);
  });
});

describe('seeds', () => {
  it('load once, never overwrite and never revive', async () => {
    const service = await start({ WK_SEEDS: '' });
    const list = async (running: TestService) =>
      (await running.call<{ items: { id: string }[] }>('GET', '/stations?limit=1000')).body.items;
    const before = await list(service);
    expect(before.length).toBeGreaterThan(100);
    expect((await service.call('GET', '/rules/class-target')).body).toMatchObject({
      kind: 'class',
      for: 'PT0S',
      enabled: true,
    });
    const [first, second] = before.filter(({ id }) => id !== 'taocha') as { id: string; name: object }[];
    const meters = (await service.call<{ items: { id: string; station: string }[] }>('GET', '/meters?limit=1000')).body
      .items;
    expect(meters.length).toBeGreaterThan(0);
    const free = before.find(({ id }) => !meters.some(({ station }) => station === id) && id !== first!.id)!;
    expect(
      (await service.call('PUT', `/stations/${first!.id}`, { ...first, name: { zh: '改', en: 'Changed' } })).status,
    ).toBe(200);
    expect((await service.call('DELETE', `/stations/${free.id}`)).status).toBe(204);
    expect((await service.call('DELETE', '/rules/class-target')).status).toBe(204);
    expect(second).toBeDefined();
    await service.end('SIGTERM');
    const again = await start({ WK_SEEDS: '' }, service.dataDir);
    expect((await again.call('GET', `/stations/${first!.id}`)).body).toMatchObject({ name: { en: 'Changed' } });
    expect((await again.call('GET', `/stations/${free.id}`)).status).toBe(404);
    expect((await again.call('GET', '/rules/class-target')).status).toBe(404);
    expect(await list(again)).toHaveLength(before.length - 1);
    const audit = await again.call<{ items: { actor: string; verb: string }[] }>('GET', '/audit?limit=3');
    expect(audit.body.items.map(({ actor, verb }) => [actor, verb])).toEqual([
      ['admin', 'delete'],
      ['admin', 'delete'],
      ['admin', 'put'],
    ]);
  });
});
