/** Silence and maintenance in the real service: nothing arrives, so it is the service's own ticks that raise and let go. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none' } });
});
afterAll(async () => {
  await service.remove();
});

interface Alarm {
  id: string;
  key: string;
  state: string;
  suppressedBy: string | null;
  detail: string | null;
}

const alarms = async () => (await service.call<{ items: Alarm[] }>('GET', '/alarms?rule=silent')).body.items;
const alarmOf = async (key: string) => (await alarms()).find((alarm) => alarm.key === key);
const put = async (path: string, body: object) => expect((await service.call('PUT', path, body)).status).toBe(201);
const station = (id: string) =>
  put(`/stations/${id}`, {
    name: { zh: '站', en: 'Station' },
    kind: 'gate',
    waterBody: 'river',
    parameters: [{ id: 'level', interval: 'PT1M' }],
  });

describe('a service to which nobody speaks', () => {
  it('raises what is missing by itself, holds the stations of a silent gateway, and clears with a reading', async () => {
    for (const id of ['inlet', 'outlet', 'alone']) await station(id);
    await service.gateway('gw', ['inlet', 'outlet']);
    await service.gateway('lone', ['alone']);
    await put('/maintenance/pump', {
      stations: ['alone'],
      from: new Date(Date.now() - 60_000).toISOString(),
      to: new Date(Date.now() + 6000).toISOString(),
      reason: 'the pump is changed',
    });
    await put('/rules/silent', { kind: 'missing', for: 'PT1S', severity: 'minor' });
    const held = await eventually('the alarm in the window', () => alarmOf('silent/alone/_station'));
    expect(held).toMatchObject({ state: 'raised', suppressedBy: 'maintenance/pump' });
    await eventually(
      'the end of the window',
      async () => (await alarmOf('silent/alone/_station'))?.suppressedBy === null,
    );
    await service.call('POST', '/readings', { station: 'alone', time: Date.now(), values: { level: 3 } });
    expect(await alarmOf('silent/alone/_station')).toMatchObject({ state: 'returned' });
  });

  it('makes one alarm of a gateway with its stations', async () => {
    const gateway = await eventually('the gateway', () => alarmOf('silent/_gateways/gw'));
    expect(gateway).toMatchObject({
      state: 'raised',
      suppressedBy: null,
      detail: expect.stringMatching(/^gateway offline: 2 stations/),
    });
    for (const id of ['inlet', 'outlet']) {
      expect(await alarmOf(`silent/${id}/_station`)).toMatchObject({ suppressedBy: gateway.id });
    }
  });
});
