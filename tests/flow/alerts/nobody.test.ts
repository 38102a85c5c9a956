/** What reaches nothing but the service's own log is told to nobody: everything says so until a recipient is routed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAlertsRig, T0 } from '#tests/helpers/alerts/rig.ts';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const LOG = { kind: 'log' };
const HOOK = { kind: 'webhook', url: 'http://127.0.0.1:1/' };
const rig = () =>
  createAlertsRig()
    .station('weir', { owner: { name: 'Wang', channels: ['hook'] } })
    .rule('high', { kind: 'threshold', parameters: ['nh3n'], above: 1, severity: 'minor' })
    .channel('log', LOG)
    .channel('hook', HOOK);

describe('the timeline of an alarm', () => {
  it.each([
    ['without routes', [], '; told to nobody: no route names a channel'],
    ['to the log', [{ channels: ['log'] }], '; told to nobody: the routes name only the log'],
    ['to a recipient', [{ channels: ['log', 'hook'] }], ''],
    ['to a recipient later', [{ channels: ['log'] }, { channels: ['hook'], after: 'PT15M' }], ''],
    ['to the owner', [{ to: ['owner'] }], ''],
    [
      'of another rule',
      [{ match: { rule: ['other'] }, channels: ['hook'] }, { channels: ['log'] }],
      '; told to nobody: the routes name only the log',
    ],
  ])('%s', async (_name, routes, said) => {
    const one = rig().routes(...routes);
    await one.send({ at: 0, value: 2 });
    const [raised] = one.timeline(one.alarms()[0]!.id).transitions;
    expect(raised!.cause).toBe(`2 mg/L, must be <= 1 at 2026-11-22T00:00:00.000Z${said}`);
  });
});

it('that somebody can be told again is told to nobody who has not heard of it', async () => {
  const one = rig().routes({ channels: ['log'] });
  const change = { verb: 'platform', condition: 'routes.nobody', sinceMs: T0, detail: '' } as const;
  await one.command({ ...change, state: 'begun' }).apply();
  await one
    .routes({ channels: ['hook'] })
    .command({ ...change, state: 'ended' })
    .apply();
  expect(one.story()).toEqual(['raised raised', 'returned returned']);
  expect(one.notices().map(({ channel, event }) => `${event} ${channel}`)).toEqual(['raised log', 'returned log']);
});

describe('as shipped', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service?.remove());
  const condition = async () => {
    const { items } = (
      await service.call<{ items: { parameter: string; state: string }[] }>('GET', '/alarms?station=_platform')
    ).body;
    return items.filter(({ parameter }) => parameter === 'routes.nobody').map(({ state }) => state);
  };

  it('a rule about silence is there, enabled, and expects nothing while no gateway owns a station', async () => {
    const { items } = (
      await service.call<{ items: { kind: string; enabled: boolean; says: { en: string } }[] }>('GET', '/rules')
    ).body;
    expect(items.filter(({ kind }) => kind === 'missing')).toMatchObject([
      {
        id: 'silence',
        enabled: true,
        says: { en: expect.stringMatching(/^alarms when nothing is heard .* at \d+ stations$/) },
      },
    ]);
    expect((await service.call<{ items: object[] }>('GET', '/alarms?rule=silence')).body.items).toEqual([]);
  });

  it('the condition stands until a recipient is routed, and routes say which of them reach nobody', async () => {
    await eventually('the condition', async () => (await condition()).includes('raised'));
    const [route] = (await service.call<object[]>('GET', '/routes')).body;
    expect(route).toEqual({ match: {}, channels: ['log'] });
    const again = await service.call<object[]>('PUT', '/routes', [route]);
    expect([again.status, again.headers.get('wk-warning')]).toEqual([200, 'routes.nobody']);
    expect(again.body).toMatchObject([{ ...route, warning: { code: 'routes.nobody' } }]);
    // What was answered can be put back.
    expect((await service.call('PUT', '/routes', again.body)).body).toEqual(again.body);
    expect((await service.call('GET', '/routes')).body).toEqual([route]);
    await service.call('PUT', '/channels/hook', { kind: 'mqtt' });
    const routes = [
      { match: {}, channels: ['log'] },
      { match: { severity: ['critical'] }, channels: ['hook'] },
    ];
    const put = await service.call<object[]>('PUT', '/routes', routes);
    expect([put.status, put.headers.get('wk-warning')]).toEqual([200, null]);
    expect(put.body).toEqual([
      { ...routes[0], warning: expect.objectContaining({ code: 'routes.nobody' }) },
      routes[1],
    ]);
    await eventually('its end', async () => (await condition())[0] === 'returned');
    expect((await service.call('PUT', '/routes', [])).headers.get('wk-warning')).toBe('routes.nobody');
  });
});
