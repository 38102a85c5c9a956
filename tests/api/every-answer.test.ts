/** Whatever is sent to whatever route, the answer is one that the description has, and never a fault of ours. */
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { problemSchema } from '#api/schemas.ts';
import { type ApiRig, startApi } from '#tests/helpers/api.ts';

interface Operation {
  responses: Record<string, { content?: Record<string, unknown> }>;
}
type Paths = Record<string, Record<string, Operation>>;

const operationsOf = ({ server }: ApiRig) =>
  Object.entries((server.swagger() as unknown as { paths: Paths }).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      path,
      url: path.replace(/\{[^}]+\}/g, 'taocha'),
      responses,
    })),
  );

/** Everything that the server says to these bytes, until it closes. */
async function said(port: number, text: string): Promise<{ status: number; type: string; body: string }> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  const isClosed = once(socket, 'close');
  socket.write(text);
  await isClosed;
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return {
    status: Number(head.split(' ')[1]),
    type: /content-type: ([\w/+]+)/i.exec(head)?.[1] ?? '',
    body,
  };
}

async function listening() {
  const rig = await startApi();
  await rig.server.listen({ host: '127.0.0.1', port: 0 });
  return { rig, port: (rig.server.server.address() as AddressInfo).port };
}

describe('a body', () => {
  it.each([
    ['none at all', undefined, {}],
    ['none of a type', undefined, { 'content-type': 'text/csv' }],
    ['none of JSON', undefined, { 'content-type': 'application/json' }],
    ['an empty one', '', { 'content-type': 'text/csv' }],
    ['an empty object', '{}', { 'content-type': 'application/json' }],
    ['null', 'null', { 'content-type': 'application/json' }],
    ['of a wrong type', 'x', { 'content-type': 'application/xml' }],
    ['of a type that is none', 'x', { 'content-type': 'x' }],
  ])(
    '%s: every route that takes one answers as described, never 500',
    { timeout: 60_000 },
    async (_name, body, headers) => {
      const rig = await startApi();
      const writing = operationsOf(rig).filter(({ method }) => method !== 'GET' && method !== 'HEAD');
      expect(writing.length).toBeGreaterThan(40);
      for (const { method, path, url, responses } of writing) {
        const query = path.endsWith('/import') ? '?id=0' : '';
        const response = await rig.server.inject({
          method: method as 'POST',
          url: url + query,
          headers: { authorization: `Bearer ${rig.tokens.admin}`, ...headers },
          ...(body === undefined ? {} : { payload: body }),
        });
        const { statusCode } = response;
        expect([method, path, statusCode, statusCode === 500]).toEqual([method, path, statusCode, false]);
        expect([method, path, Object.keys(responses)]).toEqual([
          method,
          path,
          expect.arrayContaining([String(statusCode)]),
        ]);
      }
    },
  );

  it('of POST /import?id=0 that isn’t there is 415, one that is empty says that it is no table', async () => {
    const rig = await startApi();
    const call = (headers: Record<string, string>) =>
      rig.call('POST', '/api/v1/import?id=0', { as: 'engineer', headers });
    const none = await call({});
    expect([none.statusCode, none.json().code]).toEqual([415, 'media.unsupported']);
    const empty = await call({ 'content-type': 'text/csv' });
    expect(empty.statusCode).toBe(400);
  });

  it.each(['/api/v1/import?id=cut', '/api/v1/readings', '/api/v1/panels'])(
    'that is cut short is no fault of ours: %s',
    async (path) => {
      const { rig, port } = await listening();
      const sent = request({
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { authorization: `Bearer ${rig.tokens.engineer}`, 'content-type': 'text/csv', 'content-length': 1000 },
      });
      sent.on('error', () => {});
      sent.write('stat');
      const seen = new Promise((resolve) => rig.server.server.once('request', resolve));
      await seen;
      sent.destroy();
      await expect.poll(() => new Promise((done) => rig.server.server.getConnections((_, open) => done(open)))).toBe(0);
      expect(rig.logged.filter(({ event }) => event === 'request.failed')).toEqual([]);
    },
  );
});

describe('a request that can’t be read', () => {
  const LONG = 'x'.repeat(20_000);
  it.each([
    ['a head that is too large', 431, `GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: ${LONG}\r\n\r\n`],
    ['no HTTP', 400, 'hello\r\n\r\n'],
    [
      'a part of the path that is too long',
      414,
      `GET /api/v1/stations/${LONG.slice(0, 2001)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    ],
  ])('%s is answered %i with a problem that every route describes', async (_name, status, text) => {
    const { rig, port } = await listening();
    const answer = await said(port, text);
    expect([answer.status, answer.type]).toEqual([status, 'application/problem+json']);
    expect(problemSchema.parse(JSON.parse(answer.body))).toMatchObject({ status, code: 'request.invalid' });
    for (const { path, responses } of operationsOf(rig)) {
      expect([path, Object.keys(responses)]).toEqual([path, expect.arrayContaining(['408', '413', '414', '431'])]);
    }
  });
});

it('a payload that can’t be decoded is told with its item in quarantine, as described', async () => {
  const rig = await startApi();
  const refused = await rig.call('POST', '/api/v1/readings', {
    body: '{"half":',
    headers: { 'content-type': 'application/json' },
  });
  expect(refused.statusCode).toBe(400);
  const problem = problemSchema.parse(refused.json());
  expect(problem.quarantineId).toBe(rig.reader.quarantine.list(null, 1)[0]!.id);
});
