/** No secret shows: not in the log, whatever fails, not in metrics, alarms, the audit or any register. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const secret = (name: string) => `secret-${name}-7f3a`;

it('shows no secret, also when everything that needs one fails', async () => {
  // A server that refuses whoever asks, and repeats what it was given.
  const refusing = createServer(({ url, headers }, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: `unauthorized: ${url} with ${headers.authorization}` }));
  });
  refusing.listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  closers.push(() => refusing.close());
  const at = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
  const env = {
    WK_SEEDS: 'none',
    WK_LOG_LEVEL: 'trace',
    WK_ADMIN_TOKEN: secret('admin-token'),
    WK_INFLUX_URL: at,
    WK_INFLUX_TOKEN: `user:${secret('influx')}`,
    WK_INFLUX_API: 'v1',
    WK_HEARTBEAT_URL: `${at}/${secret('heartbeat')}?key=${secret('key')}`,
  };
  const service: TestService = await startTestService({ env });
  closers.push(() => service.remove());
  const headers = { authorization: `Bearer ${env.WK_ADMIN_TOKEN}` };
  const call = <T>(method: string, path: string, body?: unknown) => service.call<T>(method, path, body, headers);
  const names = { zh: '断面', en: 'Section' };
  await call('PUT', '/stations/s', {
    name: names,
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [],
  });
  const { body: gateway } = await call<{ password: string }>('PUT', '/gateways/gw', { stations: ['s'] });
  const { body: token } = await call<{ token: string }>('POST', '/tokens', { name: 'wall', role: 'viewer' });
  await call('PUT', '/channels/hook', { kind: 'webhook', url: at, secret: secret('hook') });
  await call('PUT', '/routes', [{ match: {}, channels: ['hook'] }]);
  await call('PUT', '/rules/class-target', { kind: 'class', severity: 'major' });
  await call('POST', '/readings', { station: 's', time: Date.now(), values: { nh3n: 9 } });
  await call('POST', '/channels/hook/test');
  const wrong = await service.connect('gw', secret('wrong-password')).catch((error: Error) => error);
  expect(wrong).toBeInstanceOf(Error);
  const right = await service.connect('gw', gateway.password);
  await right.endAsync();

  await eventually('the store told as refusing, the heartbeat and the webhook as failed', async () => {
    const { body: alarms } = await call<{ items: { parameter: string }[] }>('GET', '/alarms?station=_platform');
    const { body: metrics } = await service.call<string>('GET', '/metrics', undefined, headers);
    const isTold = alarms.items.some(({ parameter }) => parameter === 'store.unauthorized');
    return isTold && /heartbeats_total\{outcome="(failed|withheld)"\} [1-9]/.test(metrics);
  });
  const shown = [service.output()];
  for (const path of [
    '/alarms',
    '/audit?limit=1000',
    '/notices',
    '/channels',
    '/gateways',
    '/tokens',
    '/routes',
    '/metrics',
    '/readyz',
  ]) {
    const { body } = await service.call<unknown>('GET', path, undefined, headers);
    shown.push(JSON.stringify(body));
  }
  await service.end();
  shown.push(service.output());
  const secrets = [
    ...Object.values(env)
      .join(' ')
      .matchAll(/secret-[a-z-]+-7f3a/g),
  ].map(([name]) => name);
  expect(secrets.length).toBe(4);
  const basic = Buffer.from(env.WK_INFLUX_TOKEN).toString('base64');
  for (const one of [...secrets, secret('hook'), secret('wrong-password'), gateway.password, token.token, basic]) {
    expect(one.length).toBeGreaterThan(10);
    for (const text of shown) expect(text.includes(one), `${one} in ${text.slice(0, 80)}…`).toBe(false);
  }
});
