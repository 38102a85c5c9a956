/** What the ledger says while the reading store is away, over restarts, and once it is there: stored is what it has confirmed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#tests/helpers/eventually.ts';
import { type FaultProxy, startFaultProxy } from '#tests/helpers/fault-proxy.ts';
import { freePort } from '#tests/helpers/free-port.ts';
import { hasInfluxdb, startInfluxdb } from '#tests/helpers/influx/influxdb.ts';
import { startTestService, type TestService } from '#tests/helpers/service.ts';
import { makeTempDir } from '#tests/helpers/temp-dir.ts';

describe('a store that is away', () => {
  const directory = makeTempDir();
  const time = Date.now() - 600_000;
  let proxy: FaultProxy;
  let env: Record<string, string>;
  let service: TestService;
  let basic: Record<string, string>;

  beforeAll(async () => {
    proxy = await startFaultProxy(await freePort());
    env = {
      WK_SEEDS: 'none',
      WK_LOG_LEVEL: 'warn',
      WK_INFLUX_URL: `http://127.0.0.1:${proxy.port}`,
      WK_INFLUX_API: 'v1',
    };
    service = await startTestService({ env });
    const { status } = await service.call('PUT', '/stations/s', {
      name: { zh: '断面', en: 'Section' },
      kind: 'river-section',
      waterBody: 'river',
      target: 'II',
      parameters: [{ id: 'ph' }, { id: 'nh3n' }],
    });
    expect(status).toBe(201);
    const password = await service.gateway('gw', ['s']);
    basic = { authorization: `Basic ${Buffer.from(`gw:${password}`).toString('base64')}` };
  });
  afterAll(async () => {
    await service.remove();
    await proxy.close();
    directory.remove();
  });

  const ledger = async () => (await service.call('GET', '/gateways/gw/ledger')).body;
  const send = (ph: number) =>
    service.call('POST', '/readings', { samples: [{ station: 's', time, values: { ph, nh3n: 0.1 } }] }, basic);

  it('has stored nothing of two values, after a restart neither, and a repeat is pending, too', async () => {
    expect((await send(7.5)).status).toBe(202);
    // Whatever is settled meanwhile: it has been tried.
    await eventually('an attempt', () => proxy.seen.connections > 2);
    expect(await ledger()).toMatchObject({ received: 2, stored: 0, duplicate: 0, quarantined: 0, pending: 2 });
    await service.end('SIGKILL');
    service = await startTestService({ dataDir: service.dataDir, env });
    expect(await ledger()).toMatchObject({ received: 2, stored: 0, duplicate: 0, quarantined: 0, pending: 2 });
    expect((await send(7.5)).status).toBe(202);
    expect(await ledger()).toMatchObject({ received: 4, stored: 0, duplicate: 0, quarantined: 0, pending: 4 });
    const { body } = await service.call<string>('GET', '/metrics');
    expect(body).toMatch(/settled_values_total\{verdict="stored"\} 0$/m);
  });

  it.skipIf(!hasInfluxdb)('has both once it is there', async () => {
    const influx = await startInfluxdb(directory.path);
    try {
      await influx.createDatabase('wellkeeper');
      proxy.target(influx.port);
      await eventually('nothing pending', async () => (await ledger()).pending === 0);
      expect(await ledger()).toMatchObject({ received: 4, stored: 2, duplicate: 2, quarantined: 0, pending: 0 });
      const { results } = await influx.query('SELECT count("flag") FROM "reading"', 'wellkeeper');
      expect(results[0]!.series![0]!.values[0]![1]).toBe(2);
    } finally {
      await influx.kill();
    }
  });
});
