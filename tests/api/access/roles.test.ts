/** Who may do what: every route of the description against every kind of caller. */
import { describe, expect, it } from 'vitest';
import { ROLES, type Role } from '#model/register.ts';
import { type ApiRig, basic, GATEWAY, startApi } from '#tests/helpers/api.ts';

const PUBLIC = [
  'GET /',
  'GET /healthz',
  'GET /readyz',
  'GET /openapi.json',
  'GET /a/{signed}',
  'POST /a/{signed}',
  'POST /api/v1/session',
];

/** Written out by hand from contracts §4: a route that is not here fails the test. */
const NEEDS: Record<string, Role> = {
  'GET /metrics': 'viewer',
  'GET /api/v1/session': 'viewer',
  'DELETE /api/v1/session': 'viewer',
  'GET /api/v1/stations': 'viewer',
  'GET /api/v1/stations/{id}': 'viewer',
  'PUT /api/v1/stations/{id}': 'engineer',
  'DELETE /api/v1/stations/{id}': 'engineer',
  'GET /api/v1/stations/{id}/latest': 'viewer',
  'GET /api/v1/latest': 'viewer',
  'GET /api/v1/meters': 'viewer',
  'GET /api/v1/meters/{id}': 'viewer',
  'PUT /api/v1/meters/{id}': 'engineer',
  'DELETE /api/v1/meters/{id}': 'engineer',
  'GET /api/v1/rules': 'viewer',
  'GET /api/v1/rules/{id}': 'viewer',
  'PUT /api/v1/rules/{id}': 'engineer',
  'DELETE /api/v1/rules/{id}': 'engineer',
  'POST /api/v1/rules/rehearse': 'engineer',
  'GET /api/v1/maintenance': 'viewer',
  'GET /api/v1/maintenance/{id}': 'viewer',
  'PUT /api/v1/maintenance/{id}': 'operator',
  'DELETE /api/v1/maintenance/{id}': 'operator',
  'GET /api/v1/channels': 'viewer',
  'GET /api/v1/channels/{id}': 'viewer',
  'PUT /api/v1/channels/{id}': 'admin',
  'DELETE /api/v1/channels/{id}': 'admin',
  'POST /api/v1/channels/{id}/test': 'admin',
  'GET /api/v1/routes': 'viewer',
  'PUT /api/v1/routes': 'admin',
  'GET /api/v1/statements': 'viewer',
  'GET /api/v1/statements/{id}': 'viewer',
  'GET /api/v1/gateways': 'viewer',
  'GET /api/v1/gateways/{id}': 'viewer',
  'PUT /api/v1/gateways/{id}': 'admin',
  'DELETE /api/v1/gateways/{id}': 'admin',
  'GET /api/v1/gateways/{id}/ledger': 'viewer',
  'POST /api/v1/gateways/{id}/clock': 'engineer',
  'POST /api/v1/gateways/{id}/sequence/close': 'engineer',
  'GET /api/v1/tokens': 'admin',
  'POST /api/v1/tokens': 'admin',
  'DELETE /api/v1/tokens/{id}': 'admin',
  'GET /api/v1/audit': 'admin',
  'GET /api/v1/parameters': 'viewer',
  'GET /api/v1/standards': 'viewer',
  'GET /api/v1/standards/{id}': 'viewer',
  'GET /api/v1/series/{station}/{parameter}/readings': 'viewer',
  'GET /api/v1/series/{station}/{parameter}/history': 'viewer',
  'GET /api/v1/trends': 'viewer',
  'GET /api/v1/trends/test': 'viewer',
  'POST /api/v1/trend-tests': 'viewer',
  'GET /api/v1/assessments': 'viewer',
  'POST /api/v1/assessments': 'viewer',
  'POST /api/v1/assessments/discharge': 'viewer',
  'GET /api/v1/volumes': 'viewer',
  'GET /api/v1/volumes/decisions': 'viewer',
  'POST /api/v1/volumes/decisions': 'engineer',
  'DELETE /api/v1/volumes/decisions/{id}': 'engineer',
  'GET /api/v1/balances': 'viewer',
  'GET /api/v1/plans': 'viewer',
  'GET /api/v1/plans/{recipient}/{transferYear}': 'viewer',
  'PUT /api/v1/plans/{recipient}/{transferYear}': 'engineer',
  'DELETE /api/v1/plans/{recipient}/{transferYear}': 'engineer',
  'GET /api/v1/periods': 'viewer',
  'GET /api/v1/periods/{period}': 'viewer',
  'POST /api/v1/periods/{period}/close': 'engineer',
  'POST /api/v1/periods/{period}/restate': 'engineer',
  'GET /api/v1/reports': 'viewer',
  'GET /api/v1/reports/{period}': 'viewer',
  'GET /api/v1/alarms': 'viewer',
  'GET /api/v1/alarms/figures': 'viewer',
  'GET /api/v1/alarms/{id}': 'viewer',
  'GET /api/v1/alarms/{id}/timeline': 'viewer',
  'POST /api/v1/alarms/{id}/acknowledge': 'operator',
  'POST /api/v1/alarms/{id}/unacknowledge': 'operator',
  'POST /api/v1/alarms/{id}/hand-over': 'operator',
  'POST /api/v1/alarms/{id}/reset': 'operator',
  'POST /api/v1/alarms/{id}/shelve': 'operator',
  'POST /api/v1/alarms/{id}/unshelve': 'operator',
  'POST /api/v1/alarms/{id}/comment': 'operator',
  'GET /api/v1/notices': 'viewer',
  'POST /api/v1/notices/{id}/resend': 'operator',
  'POST /api/v1/corrections': 'engineer',
  'GET /api/v1/stations/{id}/qc-results': 'viewer',
  'GET /api/v1/quarantine': 'engineer',
  'POST /api/v1/quarantine/{id}/replay': 'engineer',
  'POST /api/v1/quarantine/replay': 'engineer',
  'DELETE /api/v1/quarantine/{id}': 'engineer',
  'GET /api/v1/parked': 'engineer',
  'DELETE /api/v1/parked/{follower}/{seq}': 'engineer',
  'GET /api/v1/stream': 'viewer',
  'GET /api/v1/readings': 'engineer',
  'POST /api/v1/readings': 'engineer',
  'POST /api/v1/decode': 'viewer',
  'POST /api/v1/import': 'engineer',
  'GET /api/v1/loads': 'viewer',
  'GET /api/v1/panels': 'viewer',
  'GET /api/v1/panels/{id}': 'viewer',
  'PUT /api/v1/panels/{id}': 'engineer',
  'POST /api/v1/panels': 'engineer',
  'DELETE /api/v1/panels/{id}': 'engineer',
  'GET /api/v1/series/{station}/{parameter}/quality': 'viewer',
  'GET /api/v1/imports/{id}': 'engineer',
};
const GATEWAYS_MAY = [
  'GET /api/v1/readings',
  'POST /api/v1/readings',
  'POST /api/v1/decode',
  'GET /api/v1/gateways/{id}/ledger',
];

/** Somebody else's address, so that /metrics has no exception for this machine. */
const ELSEWHERE = '192.0.2.7';

function described({ server }: ApiRig): string[] {
  const paths = server.swagger().paths as Record<string, Record<string, unknown>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

function request(route: string): [method: string, url: string] {
  const [method, path] = route.split(' ') as [string, string];
  return [method, path.replace(/\{\w+\}/g, 'nothing')];
}

describe('who may do what', () => {
  it('has a rule for every route', async () => {
    expect(described(await startApi()).sort()).toEqual([...PUBLIC, ...Object.keys(NEEDS)].sort());
  });

  it('answers 401 with a challenge to nobody, and the public routes to all', async () => {
    const rig = await startApi();
    for (const route of Object.keys(NEEDS)) {
      const response = await rig.call(...request(route), { as: 'nobody', remoteAddress: ELSEWHERE });
      expect([route, response.statusCode, response.json().code]).toEqual([route, 401, 'token.missing']);
      expect(response.headers['www-authenticate']).toMatch(/^Bearer /);
    }
    for (const route of PUBLIC) {
      const response = await rig.call(...request(route), { as: 'nobody', remoteAddress: ELSEWHERE });
      expect([route, response.statusCode === 401 || response.statusCode === 403]).toEqual([route, false]);
    }
    for (const url of ['/docs', '/docs/static/swagger-ui.css', '/stations/taocha', '/alarms?state=all']) {
      expect((await rig.call('GET', url, { as: 'nobody', remoteAddress: ELSEWHERE })).statusCode).toBe(200);
    }
  });

  it.each(ROLES)('lets a %s do just what the role allows', async (role) => {
    const rig = await startApi();
    for (const [route, needed] of Object.entries(NEEDS)) {
      // A stream that is let through would not end.
      if (route.endsWith('/stream')) continue;
      const response = await rig.call(...request(route), { as: role, remoteAddress: ELSEWHERE });
      const isRefused = response.statusCode === 403;
      expect([route, isRefused]).toEqual([route, ROLES.indexOf(role) < ROLES.indexOf(needed)]);
      if (isRefused) expect(response.json().code).toBe('role.too-low');
      expect(response.statusCode).not.toBe(401);
      expect(response.statusCode).not.toBe(500);
    }
  });

  it('lets a gateway write readings and read its own ledger, and nothing else', async () => {
    const rig = await startApi();
    for (const route of Object.keys(NEEDS)) {
      const response = await rig.call(...request(route), { as: 'gateway', remoteAddress: ELSEWHERE });
      const mayAsk = GATEWAYS_MAY.includes(route) && !route.endsWith('/ledger');
      expect([route, response.statusCode === 403]).toEqual([route, !mayAsk]);
    }
    expect((await rig.call('GET', `/api/v1/gateways/${GATEWAY.id}/ledger`, { as: 'gateway' })).statusCode).toBe(200);
  });

  it('shows metrics to this machine, unless a proxy passes the request on', async () => {
    const rig = await startApi();
    const local = await rig.call('GET', '/metrics', { as: 'nobody', remoteAddress: '127.0.0.1' });
    expect([local.statusCode, local.body]).toEqual([200, 'wellkeeper_up 1\n']);
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
      const proxied = { as: 'nobody', remoteAddress: '127.0.0.1', headers: { [name]: 'for=127.0.0.1' } } as const;
      expect((await rig.call('GET', '/metrics', proxied)).statusCode, name).toBe(401);
    }
    expect((await rig.call('GET', '/metrics', { as: 'nobody', remoteAddress: ELSEWHERE })).statusCode).toBe(401);
    expect((await rig.call('GET', '/metrics', { as: 'viewer', remoteAddress: ELSEWHERE })).statusCode).toBe(200);
  });

  it('refuses to be built with a route that forgot to say who may use it', async () => {
    const { knownRoutes } = await import('#api/known-routes.ts');
    const { default: fastify } = await import('fastify');
    const forgetful = fastify();
    knownRoutes(forgetful as unknown as Parameters<typeof knownRoutes>[0]);
    forgetful.get('/open', async () => 'for all');
    await expect(forgetful.ready()).rejects.toThrow("GET /open doesn't say who may use it");
  });
});

describe('credentials', () => {
  it.each([
    ['Bearer nonsense', 'token.invalid'],
    ['Bearer', 'token.invalid'],
    ['Digest abc', 'token.invalid'],
    ['Basic !!!', 'token.invalid'],
    [`Basic ${Buffer.from('no-colon').toString('base64')}`, 'token.invalid'],
    [basic(GATEWAY.id, 'wrong').authorization!, 'token.invalid'],
    [basic('nobody', GATEWAY.password).authorization!, 'token.invalid'],
  ])('%s is refused with 401 %s', async (value, code) => {
    const rig = await startApi();
    const response = await rig.call('POST', '/api/v1/readings', {
      as: 'nobody',
      headers: { authorization: value },
      body: {},
    });
    expect([response.statusCode, response.json().code]).toEqual([401, code]);
    expect(response.headers['www-authenticate']).toBeDefined();
  });

  it('a deleted token is worth nothing at once', async () => {
    const rig = await startApi();
    expect((await rig.call('GET', '/api/v1/stations', { as: 'viewer' })).statusCode).toBe(200);
    expect((await rig.call('DELETE', '/api/v1/tokens/tk-viewer')).statusCode).toBe(204);
    expect((await rig.call('GET', '/api/v1/stations', { as: 'viewer' })).statusCode).toBe(401);
  });

  it('ten failed log-ins in a minute are the limit of an address, without locking out who was right before', async () => {
    const rig = await startApi();
    const wrong = { as: 'nobody', remoteAddress: ELSEWHERE, headers: { authorization: 'Bearer wrong' } } as const;
    expect((await rig.call('GET', '/api/v1/stations', { as: 'viewer', remoteAddress: ELSEWHERE })).statusCode).toBe(
      200,
    );
    for (let attempt = 0; attempt < 10; attempt++) {
      expect((await rig.call('GET', '/api/v1/stations', wrong)).statusCode).toBe(401);
    }
    const refused = await rig.call('GET', '/api/v1/stations', wrong);
    expect([refused.statusCode, refused.json().code, refused.headers['retry-after']]).toEqual([
      429,
      'rate.limited',
      '60',
    ]);
    // Right, but never seen from this address: not looked at, or the limit would be none.
    expect((await rig.call('GET', '/api/v1/stations', { as: 'engineer', remoteAddress: ELSEWHERE })).statusCode).toBe(
      429,
    );
    expect((await rig.call('GET', '/api/v1/stations', { as: 'viewer', remoteAddress: ELSEWHERE })).statusCode).toBe(
      200,
    );
    expect((await rig.call('GET', '/api/v1/stations', { as: 'engineer' })).statusCode).toBe(200);
    rig.clock.advance(61_000);
    expect((await rig.call('GET', '/api/v1/stations', wrong)).statusCode).toBe(401);
  });

  it('limits requests a second by credential', async () => {
    const rig = await startApi({ config: { rateLimit: 5 } });
    const answers = [];
    for (let count = 0; count < 7; count++) answers.push(await rig.call('GET', '/api/v1/session', { as: 'viewer' }));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect(answers.at(-1)!.json()).toMatchObject({ code: 'rate.limited', status: 429 });
    expect(Number(answers.at(-1)!.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    // Another credential from the same address has a count of its own.
    expect((await rig.call('GET', '/api/v1/session', { as: 'operator' })).statusCode).toBe(200);
  });

  it('never shows or logs a token or a password', async () => {
    const rig = await startApi();
    const made = await rig.call('POST', '/api/v1/tokens', { body: { name: 'desk', role: 'operator' } });
    const { id, token } = made.json<{ id: string; token: string }>();
    expect([made.statusCode, token.length]).toEqual([201, 43]);
    const put = await rig.call('PUT', '/api/v1/gateways/gw-2', { body: { stations: ['taocha'] } });
    const { password } = put.json<{ password: string }>();
    const shown = await Promise.all(
      ['tokens', 'audit', 'gateways', 'gateways/gw-2'].map((path) => rig.call('GET', `/api/v1/${path}`)),
    );
    const everything = [...shown.map(({ body }) => body), ...rig.logged.map((line) => JSON.stringify(line))].join();
    expect(everything).toContain(id);
    for (const secret of [token, password, 'passwordHash":"$', 'otherHashes":{', '$2b$'])
      expect(everything).not.toContain(secret);
    expect(shown[0]!.json().items).toContainEqual({ id, name: 'desk', role: 'operator' });
    const taken = await rig.call('POST', '/api/v1/tokens', { body: { name: 'desk', role: 'viewer' } });
    expect([taken.statusCode, taken.json().code]).toEqual([409, 'state.conflict']);
    const reserved = await rig.call('POST', '/api/v1/tokens', { body: { name: 'admin', role: 'viewer' } });
    expect(reserved.statusCode).toBe(409);
  });
});

it('gives no gateway the name under which tokens log in over MQTT', async () => {
  const rig = await startApi();
  const answer = await rig.call('PUT', '/api/v1/gateways/token', { body: { stations: [] } });
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'id.invalid']);
});
