/** Errors: every one is RFC 9457 with a stable code, says where, and tells nothing that is ours alone. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FAULTS } from '#model/faults.ts';
import { StoreError } from '#src/sqlite.ts';
import { startApi, TAOCHA } from '#tests/helpers/api.ts';

describe('problems', () => {
  it('have the members of RFC 9457, a code and the request id', async () => {
    const rig = await startApi();
    const response = await rig.call('GET', '/api/v1/stations/nowhere');
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(response.json()).toEqual({
      type: 'urn:wellkeeper:fault:not-found',
      title: FAULTS['not-found'].meaning,
      status: 404,
      detail: 'There is no station "nowhere".',
      code: 'not-found',
      requestId: expect.stringMatching(/^req-/),
    });
  });

  const LONG_ID = 'x'.repeat(65);
  it.each([
    ['GET', '/nothing', 404, 'not-found'],
    ['GET', '/api/v1/nothing', 404, 'not-found'],
    ['GET', '/api/v1/stations/a/b/c', 404, 'not-found'],
    ['POST', '/api/v1/stations', 405, 'method.not-allowed'],
    ['PATCH', '/api/v1/stations/taocha', 405, 'method.not-allowed'],
    ['DELETE', '/healthz', 405, 'method.not-allowed'],
    ['GET', `/api/v1/stations/${LONG_ID}`, 400, 'id.invalid'],
    ['GET', '/api/v1/stations/a%20b', 400, 'id.invalid'],
    ['GET', '/api/v1/stations/a%2Fb', 400, 'id.invalid'],
    ['GET', '/api/v1/stations/%E6%B0%B4', 400, 'id.invalid'],
    ['GET', '/api/v1/stations/%', 400, 'request.invalid'],
    ['GET', '/api/v1/stations?limit=0', 400, 'request.invalid'],
    ['GET', '/api/v1/stations?limit=1001', 400, 'request.invalid'],
    ['GET', '/api/v1/stations?limit=ten', 400, 'request.invalid'],
    ['GET', '/api/v1/stations?limit=1e2', 400, 'request.invalid'],
    ['GET', '/api/v1/stations?surprise=1', 400, 'request.invalid'],
    ['GET', '/api/v1/stations?limit=1&limit=2', 400, 'request.invalid'],
    ['GET', '/api/v1/stations?cursor=forged', 400, 'cursor.invalid'],
    ['GET', '/api/v1/audit?cursor=WyJ0ZXh0Il0', 400, 'cursor.invalid'],
    ['GET', '/api/v1/trends?station=taocha', 400, 'request.invalid'],
    ['GET', '/api/v1/alarms?state=asleep', 400, 'request.invalid'],
    ['GET', '/api/v1/stream?stations=a%20b', 400, 'id.invalid'],
  ])('%s %s gives %i %s', async (method, url, status, code) => {
    const rig = await startApi();
    const response = await rig.call(method, url);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
    expect(response.headers['content-type']).toBe('application/problem+json');
  });

  it('405 names what is allowed', async () => {
    const rig = await startApi();
    expect((await rig.call('PATCH', '/api/v1/stations/taocha')).headers.allow).toBe('DELETE, GET, HEAD, PUT');
    expect((await rig.call('GET', '/api/v1/decode')).headers.allow).toBe('POST');
  });

  it.each([
    ['{"kind":', 'application/json', 400, 'request.invalid'],
    ['[]', 'application/json', 400, 'request.invalid'],
    ['null', 'application/json', 400, 'request.invalid'],
    ['', 'application/json', 400, 'request.invalid'],
    ['{"__proto__":{"admin":true}}', 'application/json', 400, 'request.invalid'],
    ['kind=lake', 'application/x-www-form-urlencoded', 415, 'media.unsupported'],
    ['<station/>', 'application/xml', 415, 'media.unsupported'],
    ['{}', '', 415, 'media.unsupported'],
    [JSON.stringify({ area: 'x'.repeat(300_000) }), 'application/json', 413, 'message.too-large'],
  ])('a body of %j as "%s" gives %i %s', async (body, type, status, code) => {
    const rig = await startApi();
    const headers = type === '' ? {} : { 'content-type': type };
    const response = await rig.call('PUT', '/api/v1/stations/new', {
      body,
      headers: headers as Record<string, string>,
    });
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
  });

  it('lists every mistake of a body with its path', async () => {
    const rig = await startApi();
    const body = {
      ...TAOCHA,
      kind: 'ocean',
      name: { zh: '' },
      parameters: [{ id: 'ph', interval: 'often' }],
      colour: 1,
    };
    const response = await rig.call('PUT', '/api/v1/stations/new', { body });
    const { code, errors } = response.json<{ code: string; errors: { path: string }[] }>();
    expect([response.statusCode, code]).toEqual([400, 'request.invalid']);
    expect(errors.map(({ path }) => path).sort()).toEqual(['', 'kind', 'name.en', 'name.zh', 'parameters[0].interval']);
  });

  it('an unknown error is 500 internal: the log has it, the client does not', async () => {
    const rig = await startApi();
    rig.queries.alarms = async () => {
      throw new Error('the password is swordfish');
    };
    const response = await rig.call('GET', '/api/v1/alarms');
    const problem = response.json();
    expect([response.statusCode, problem.code]).toEqual([500, 'internal']);
    expect(response.body).not.toContain('swordfish');
    const line = rig.logged.find(({ reqId }) => reqId === problem.requestId);
    expect(JSON.stringify(line)).toContain('swordfish');
  });

  it.each([
    [new StoreError('journal.full', 'The journal is full.', true), 503, 'journal.full'],
    [new StoreError('overloaded', 'The query worker restarted.', true), 503, 'overloaded'],
    [new StoreError('store.corrupt', '/var/lib/secret/path is damaged', false), 500, 'internal'],
  ])('%s becomes %i %s', async (error, status, code) => {
    const rig = await startApi();
    rig.queries.alarms = async () => {
      throw error;
    };
    const response = await rig.call('GET', '/api/v1/alarms');
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
    expect(response.headers['retry-after']).toBe(status === 503 ? '5' : undefined);
    expect(response.body).not.toContain('/var/lib');
  });

  it('sends strict headers, and no HSTS or forced https unless it is public under https', async () => {
    const plain = (await (await startApi()).call('GET', '/', { as: 'nobody' })).headers;
    const policy = String(plain['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/unsafe|upgrade-insecure/);
    expect(plain['strict-transport-security']).toBeUndefined();
    expect(plain['x-content-type-options']).toBe('nosniff');
    const rig = await startApi({ config: { publicUrl: 'https://water.example' } });
    expect((await rig.call('GET', '/', { as: 'nobody' })).headers['strict-transport-security']).toMatch(/max-age/);
  });

  it('the start page loads nothing inline and nothing from elsewhere', async () => {
    const rig = await startApi();
    const { body } = await rig.call('GET', '/', { as: 'nobody' });
    expect(body).toContain('守井人');
    expect(body).not.toMatch(/<script>|<style|style=|onclick=|https?:/);
    for (const [, path] of body.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect([path, (await rig.call('GET', path!, { as: 'nobody' })).statusCode]).toEqual([path, 200]);
    }
  });

  it('refuses a head of more than 16 KiB', async () => {
    const rig = await startApi();
    await rig.server.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((rig.server.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 431 /);
    socket.destroy();
  });
});
