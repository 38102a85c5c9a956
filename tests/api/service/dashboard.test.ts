/** The dashboard's files as they come and go while the service runs. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fastify from 'fastify';
import { expect, it } from 'vitest';
import type { Api } from '#api/api.ts';
import { dashboardRoutes } from '#api/service/routes/dashboard.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

async function withBuildIn(built: string) {
  const warned: string[] = [];
  const stream = { write: (line: string) => void warned.push(line) };
  const api = fastify({ logger: { level: 'warn', stream } }) as unknown as Api;
  api.setValidatorCompiler(() => (data) => ({ value: data }));
  api.setSerializerCompiler(() => (data) => JSON.stringify(data));
  const config = { timeZone: 'Asia/Shanghai' } as Parameters<typeof dashboardRoutes>[1]['config'];
  await dashboardRoutes(api, { config }, built);
  await api.ready();
  return { warned, get: (url: string) => api.inject({ method: 'GET', url }) };
}

it('is there on the next load once it is built, as the page without it promises', async () => {
  const built = join(makeTempDir().path, 'web');
  const { get, warned } = await withBuildIn(built);
  const before = await get('/alarms');
  expect([before.statusCode, before.headers['cache-control']]).toEqual([200, 'no-cache']);
  expect(before.body).toContain('its dashboard is not built');
  expect((await get('/static/icon.svg')).statusCode).toBe(200);
  expect((await get('/assets/app-1.js')).statusCode).toBe(404);
  expect(warned).toEqual([]);

  mkdirSync(join(built, 'assets'), { recursive: true });
  writeFileSync(
    join(built, 'index.html'),
    '<meta name="time-zone" content="UTC"><script src="/assets/app-1.js"></script>',
  );
  writeFileSync(join(built, 'assets/app-1.js'), 'let built;');
  expect((await get('/alarms')).body).toContain('content="Asia/Shanghai"');
  const script = await get('/assets/app-1.js');
  expect([script.statusCode, script.body]).toEqual([200, 'let built;']);
  expect(script.headers['cache-control']).toContain('immutable');

  rmSync(built, { recursive: true });
  expect((await get('/')).body).toContain('its dashboard is not built');
});
