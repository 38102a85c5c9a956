/** The contract's HTTP, from outside: who may do what, how errors look, registers, pages, sessions, tokens, audit. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, startTestService, type TestService } from '#tests/helpers/service.ts';

type Role = 'viewer' | 'operator' | 'engineer' | 'admin';
const ROLES: Role[] = ['viewer', 'operator', 'engineer', 'admin'];
const tokens = new Map<Role, string>();
let service: TestService;
let password: string;

const STATION = {
  name: { zh: '陶岔', en: 'Taocha' },
  kind: 'canal-section',
  waterBody: 'river',
  target: 'II',
  area: 'nanyang',
  river: 'canal',
  location: { lat: 32.677, lon: 111.708 },
  parameters: [
    {
      id: 'ph',
      interval: 'PT5M',
      qc: {
        fail: [0, 14],
        suspect: [2, 12],
        ratePerHour: [1, 3],
        spike: [0.5, 2],
        flat: { tolerance: 0.01, suspect: 'PT3H', fail: 'PT6H' },
      },
    },
    { id: 'nh3n' },
  ],
};
const METER = {
  station: 'taocha',
  parameter: 'register',
  kind: 'register',
  size: 1_000_000,
  resolution: 0.1,
  unit: 'm3',
  direction: 1,
  maxFlow: 420,
  maxGap: 'PT1H',
  measures: 'delivery',
  recipient: 'a-new-one',
  from: '2020-01-01T00:00:00+08:00',
};
const RULE = {
  kind: 'threshold',
  select: { stations: ['taocha'] },
  parameters: ['ph'],
  op: '<=',
  limit: 9,
  severity: 'major',
  enabled: true,
};
const as = (role: Role) => ({ authorization: `Bearer ${tokens.get(role)}` });
const anonymous = (path: string, init: RequestInit = {}) => fetch(service.url + path, init);

beforeAll(async () => {
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  for (const role of ROLES) {
    const { status, body } = await service.call<{ id: string; token: string }>('POST', '/tokens', {
      name: `a-${role}`,
      role,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: expect.any(String), token: expect.any(String) });
    tokens.set(role, body.token);
  }
  expect((await service.call('PUT', '/stations/taocha', STATION)).status).toBe(201);
  password = await service.gateway('gw', ['taocha']);
});
afterAll(() => service.remove());

describe('without a credential', () => {
  it.each(['/healthz', '/readyz', '/openapi.json', '/docs', '/'])('%s answers 200', async (path) => {
    expect((await anonymous(path)).status).toBe(200);
  });

  it('/metrics answers from loopback, but not through a proxy', async () => {
    expect((await anonymous('/metrics')).status).toBe(200);
    const forwarded = { 'x-forwarded-for': '203.0.113.7' };
    expect((await anonymous('/metrics', { headers: forwarded })).status).toBe(401);
    expect((await anonymous('/metrics', { headers: { ...forwarded, ...as('viewer') } })).status).toBe(200);
  });

  it('everything else is 401, as a problem with a code', async () => {
    for (const path of [
      '/stations',
      '/alarms',
      '/latest',
      '/audit',
      '/quarantine',
      '/stream',
      '/parameters',
      '/volumes',
    ]) {
      const answer = await anonymous(`/api/v1${path}`);
      expect(answer.status, path).toBe(401);
      expect(answer.headers.get('content-type')).toMatch('application/problem+json');
      expect(await answer.json()).toMatchObject({ status: 401, code: 'token.missing', title: expect.any(String) });
    }
  });

  it('an acknowledgement link that is not signed leads nowhere', async () => {
    expect((await anonymous('/a/forged')).status).toBe(404);
    expect((await anonymous('/a/forged', { method: 'POST' })).status).toBe(404);
  });
});

describe('roles', () => {
  const NEEDS: [string, string, unknown, Role][] = [
    ['GET', '/stations', undefined, 'viewer'],
    ['GET', '/alarms', undefined, 'viewer'],
    ['GET', '/routes', undefined, 'viewer'],
    ['POST', '/decode', { station: 'taocha', time: 1e12, values: { ph: 7 } }, 'viewer'],
    ['POST', '/alarms/none/acknowledge', {}, 'operator'],
    ['POST', '/alarms/none/shelve', { until: '2099-01-01T00:00:00Z', reason: 'x' }, 'operator'],
    ['POST', '/alarms/none/comment', { comment: 'x' }, 'operator'],
    ['PUT', '/stations/role-test', STATION, 'engineer'],
    ['PUT', '/meters/role-test', METER, 'engineer'],
    ['PUT', '/rules/role-test', RULE, 'engineer'],
    [
      'POST',
      '/corrections',
      {
        station: 'taocha',
        parameter: 'ph',
        from: '2026-01-01T00:00:00Z',
        to: '2026-01-02T00:00:00Z',
        action: 'delete',
        reason: 'x',
      },
      'engineer',
    ],
    ['POST', '/readings', { station: 'taocha', time: Date.now(), values: { ph: 7 } }, 'engineer'],
    ['GET', '/quarantine', undefined, 'engineer'],
    ['GET', '/parked', undefined, 'engineer'],
    ['PUT', '/channels/role-test', { kind: 'log' }, 'admin'],
    ['PUT', '/routes', [], 'admin'],
    ['GET', '/tokens', undefined, 'admin'],
    ['PUT', '/gateways/role-test', { stations: [] }, 'admin'],
    ['GET', '/audit', undefined, 'admin'],
  ];
  it.each(NEEDS)('%s %s', async (method, path, body, needed) => {
    for (const role of ROLES) {
      const { status, body: answer } = await service.call(method, path, body, as(role));
      const isEnough = ROLES.indexOf(role) >= ROLES.indexOf(needed);
      if (isEnough) expect([200, 201, 202, 404], `${role}: ${JSON.stringify(answer)}`).toContain(status);
      else
        expect({ status, code: (answer as { code: string }).code }, role).toEqual({
          status: 403,
          code: 'role.too-low',
        });
    }
  });

  it('a gateway may only post readings of its own stations and read its own ledger', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`gw:${password}`).toString('base64')}` };
    const { status, body } = await service.call(
      'POST',
      '/readings',
      { station: 'taocha', time: Date.now(), values: { ph: 7.1 } },
      basic,
    );
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 1 });
    const foreign = await service.call(
      'POST',
      '/readings',
      { station: 'role-test', time: Date.now(), values: { ph: 7.1 } },
      basic,
    );
    expect(foreign.status).toBe(202);
    expect(foreign.body).toMatchObject({ accepted: 0, quarantined: [{ code: 'gateway.not-owner' }] });
    expect((await service.call('GET', '/stations', undefined, basic)).status).toBe(403);
    expect((await service.call('GET', '/gateways/gw/ledger', undefined, basic)).status).toBe(200);
  });
});

describe('registers', () => {
  const ENTRIES: [string, string, object][] = [
    ['stations', 'fresh-station', STATION],
    ['meters', 'fresh-meter', METER],
    ['rules', 'fresh-rule', RULE],
    ['channels', 'fresh-channel', { kind: 'webhook', url: 'http://127.0.0.1:9/x', secret: 's3cret', language: 'zh' }],
  ];
  it.each(ENTRIES)('%s: PUT 201, PUT 200, GET, list, DELETE, 404', async (plural, id, body) => {
    const path = `/${plural}/${id}`;
    expect((await service.call('GET', path)).status).toBe(404);
    const made = await service.call('PUT', path, body);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const { secret: _secret, ...shown } = body as { secret?: string };
    expect(made.body).toMatchObject({ id, ...shown });
    expect(JSON.stringify(made.body)).not.toContain('s3cret');
    expect((await service.call('PUT', path, body)).status).toBe(200);
    const got = await service.call<Record<string, unknown>>('GET', path);
    expect(got.body).toEqual(made.body);
    // What was read can be put back.
    const { hasSecret: _has, ...again } = got.body;
    expect((await service.call('PUT', path, again)).status).toBe(200);
    const { body: list } = await service.call<{ items: { id: string }[]; next: null }>('GET', `/${plural}?limit=1000`);
    expect(list.items.map((item) => item.id)).toContain(id);
    expect((await service.call('DELETE', path)).status).toBe(204);
    expect((await service.call('GET', path)).status).toBe(404);
    expect((await service.call('DELETE', path)).status).toBe(404);
  });

  it('refuse bodies that do not fit with 400 and every place that is wrong', async () => {
    const { status, body } = await service.call<{ code: string; errors: { path: string }[] }>('PUT', '/stations/bad', {
      ...STATION,
      kind: 'ocean',
      location: { lat: 99, lon: 0 },
      parameters: [{ id: 'ph', interval: 'five minutes' }],
    });
    expect(status).toBe(400);
    expect(body.code).toBe('request.invalid');
    expect(body.errors.map(({ path }) => path).sort()).toEqual(['kind', 'location.lat', 'parameters[0].interval']);
  });

  it.each(['a b', 'ü', 'x'.repeat(65), '%00', 'a/b', "'"])('refuse the id %j', async (id) => {
    const { status, body } = await service.call('PUT', `/stations/${encodeURIComponent(id)}`, STATION);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'id.invalid' });
  });

  it('take ids of 1 to 64 of A-Z a-z 0-9 . _ -', async () => {
    for (const id of ['A', 'Z9._-a', 'x'.repeat(64)]) {
      expect((await service.call('PUT', `/stations/${id}`, STATION)).status, id).toBe(201);
      expect((await service.call('DELETE', `/stations/${id}`)).status).toBe(204);
    }
  });

  it('page with limit and cursor', async () => {
    for (const id of ['p1', 'p2', 'p3', 'p4', 'p5']) await service.call('PUT', `/stations/${id}`, STATION);
    const seen: string[] = [];
    let path: string | null = '/stations?limit=2';
    while (path) {
      const { body }: { body: { items: { id: string }[]; next: string | null } } = await service.call('GET', path);
      expect(body.items.length).toBeLessThanOrEqual(2);
      seen.push(...body.items.map(({ id }) => id));
      path = body.next === null ? null : `/stations?limit=2&cursor=${encodeURIComponent(body.next)}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(['p1', 'p2', 'p3', 'p4', 'p5', 'taocha']));
    for (const limit of ['0', '1001', 'x', '-1'])
      expect((await service.call('GET', `/stations?limit=${limit}`)).status, limit).toBe(400);
    expect((await service.call('GET', '/stations?cursor=nonsense')).body).toMatchObject({ code: 'cursor.invalid' });
  });

  it('serve parameters and standards as data', async () => {
    const { body } = await service.call<{ items: { id: string; aliases: string[]; unit: string }[] }>(
      'GET',
      '/parameters',
    );
    expect(body.items.find(({ id }) => id === 'codmn')).toMatchObject({
      unit: 'mg/L',
      aliases: expect.arrayContaining(['w01019']),
    });
    const ids =
      'temp ph do ec turbidity codmn cod bod5 nh3n tp tn cu zn f se as hg cd cr6 pb cn phenol oil las sulphide fcoli chla algae sd flow level register';
    expect(body.items.map(({ id }) => id)).toEqual(expect.arrayContaining(ids.split(' ')));
    const { body: standards } = await service.call<{ items: { id: string }[] }>('GET', '/standards');
    const { body: standard } = await service.call<{ items: { parameter: string; river: object }[] }>(
      'GET',
      `/standards/${standards.items[0]!.id}`,
    );
    expect(standard.items.find(({ parameter }) => parameter === 'nh3n')!.river).toMatchObject({
      II: '0.5',
      III: '1.0',
    });
    expect((await service.call('GET', '/standards/none')).status).toBe(404);
  });
});

describe('errors', () => {
  it('are problems: 404, 405 with Allow, 415, and a body that is no JSON', async () => {
    const lost = await service.call('GET', '/nothing-here');
    expect(lost.status).toBe(404);
    expect(lost.headers.get('content-type')).toMatch('application/problem+json');
    expect(lost.body).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      status: 404,
      code: 'not-found',
    });
    const method = await service.call('PATCH', '/stations/taocha', {});
    expect(method.status).toBe(405);
    expect(method.headers.get('allow')).toContain('PUT');
    expect(
      (await service.call('PUT', '/stations/taocha', '<xml/>', { 'content-type': 'application/xml' })).status,
    ).toBe(415);
    const broken = await service.call('PUT', '/stations/taocha', '{"name":', { 'content-type': 'application/json' });
    expect(broken.status).toBe(400);
    expect(broken.body).toMatchObject({ code: 'request.invalid' });
  });

  it('no bytes are no body, whatever content type a client names on every request', async () => {
    const named = { 'content-type': 'application/json' };
    await service.call('PUT', '/channels/bare', { kind: 'log' });
    expect((await service.call('POST', '/channels/bare/test', undefined, named)).status).toBe(202);
    expect((await service.call('DELETE', '/channels/bare', undefined, named)).status).toBe(204);
    expect((await service.call('POST', '/alarms/none/acknowledge', undefined, named)).status).toBe(404);
    expect((await service.call('PUT', '/stations/taocha', undefined, named)).status).toBe(400);
  });

  it('every list takes a limit', async () => {
    for (const path of [
      '/parked',
      '/parameters',
      '/standards',
      '/notices',
      '/alarms',
      '/quarantine',
      '/tokens',
      '/audit',
    ])
      expect(
        (await service.call<{ items: object[] }>('GET', `${path}?limit=1`)).body.items?.length,
        path,
      ).toBeLessThanOrEqual(1);
    const first = await service.call<{ items: object[]; next: string }>('GET', '/parameters?limit=3');
    const second = await service.call<{ items: object[] }>('GET', `/parameters?limit=3&cursor=${first.body.next}`);
    const { body } = await service.call<{ items: object[]; next: null }>('GET', '/parameters');
    expect([...first.body.items, ...second.body.items]).toEqual(body.items.slice(0, 6));
    expect(body.next).toBeNull();
  });

  it('the description names every route of the contract', async () => {
    const { paths } = (await (await anonymous('/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, object>;
    };
    const wanted =
      `/stations /stations/{id} /gateways /gateways/{id} /gateways/{id}/ledger /meters /meters/{id} /rules /rules/{id} /channels /channels/{id}
      /channels/{id}/test /routes /tokens /tokens/{id} /audit /parameters /standards /standards/{id} /stations/{id}/latest /series/{station}/{parameter}/readings
      /series/{station}/{parameter}/history /trends /readings /decode /volumes /alarms /alarms/{id} /alarms/{id}/timeline /alarms/{id}/acknowledge /alarms/{id}/shelve
      /alarms/{id}/unshelve /alarms/{id}/comment /corrections /notices /notices/{id}/resend /quarantine /quarantine/{id}/replay /parked /stream /session`.split(
        /\s+/,
      );
    expect(wanted.filter((path) => !(`/api/v1${path}` in paths))).toEqual([]);
  });
});

describe('sessions', () => {
  it('a token becomes a cookie: HttpOnly, SameSite=Strict; unsafe methods need a matching Origin', async () => {
    const opened = await anonymous('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: tokens.get('engineer') }),
    });
    expect(opened.status).toBeLessThan(300);
    const set = opened.headers.get('set-cookie')!;
    expect(set).toMatch(/HttpOnly/i);
    expect(set).toMatch(/SameSite=Strict/i);
    const cookie = set.split(';')[0]!;
    const put = (headers: Record<string, string>) =>
      anonymous('/api/v1/stations/by-cookie', {
        method: 'PUT',
        headers: { cookie, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(STATION),
      });
    expect((await anonymous('/api/v1/stations', { headers: { cookie } })).status).toBe(200);
    expect((await put({})).status).toBe(403);
    expect((await put({ origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await put({ origin: service.url })).status).toBe(201);
    const closed = await anonymous('/api/v1/session', { method: 'DELETE', headers: { cookie, origin: service.url } });
    expect(closed.status).toBe(204);
    expect((await anonymous('/api/v1/stations', { headers: { cookie } })).status).toBe(401);
    const wrong = await anonymous('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"token":"wrong"}',
    });
    expect(wrong.status).toBe(401);
  });

  it('a deleted token is worth nothing at once, nor is its session; the audit says who did what', async () => {
    const { body } = await service.call<{ id: string; token: string }>('POST', '/tokens', {
      name: 'short-lived',
      role: 'viewer',
    });
    const headers = { authorization: `Bearer ${body.token}` };
    expect((await service.call('GET', '/stations', undefined, headers)).status).toBe(200);
    const { body: list } = await service.call<{ items: object[] }>('GET', '/tokens');
    expect(list.items).toContainEqual({ id: body.id, name: 'short-lived', role: 'viewer' });
    expect((await service.call('DELETE', `/tokens/${body.id}`, undefined, as('admin'))).status).toBe(204);
    expect((await service.call('GET', '/stations', undefined, headers)).status).toBe(401);
    const { body: audit } = await service.call<{ items: { actor: string; at: string }[] }>('GET', '/audit?limit=1');
    expect(audit.items[0]).toMatchObject({ actor: 'a-admin', at: expect.stringMatching(/Z$/) });
    const everything = JSON.stringify((await service.call('GET', '/audit?limit=1000')).body);
    for (const secret of [ADMIN, body.token, password, 's3cret']) expect(everything).not.toContain(secret);
  });
});
