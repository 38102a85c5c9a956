/** Nobody is locked out by others without a credential, nor by one who has one; and people hear of who tried. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCrowding } from '#platform/crowding.ts';
import { type ApiRig, startApi } from '#tests/helpers/api.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';

async function listening(options: Parameters<typeof startApi>[0] = {}) {
  const rig = await startApi(options);
  await rig.server.listen({ host: '127.0.0.1', port: 0 });
  return { rig, port: (rig.server.server.address() as AddressInfo).port };
}

/** A connection that sends this and nothing more. */
async function stranger(port: number, text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  // The end is only seen by who reads.
  if (text === '') socket.resume();
  if (text !== '') socket.write(text);
  return socket;
}

interface Answer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
}

/** A request on a connection of its own. */
async function ask(port: number, path: string, headers: Record<string, string>, body?: object): Promise<Answer> {
  const sent = request({ host: '127.0.0.1', port, path, method: body ? 'POST' : 'GET', agent: false, headers });
  sent.end(body && JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return { status: response.statusCode, headers: response.headers };
}

const logIn = (port: number, { tokens }: ApiRig) =>
  ask(port, '/api/v1/session', { 'content-type': 'application/json' }, { token: tokens.operator });

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('HTTP connections', () => {
  it('that say nothing, 2,600 of one address, don’t keep 32 log-ins out', { timeout: 60_000 }, async () => {
    const { rig, port } = await listening();
    await Promise.all(Array.from({ length: 2600 }, () => stranger(port)));
    const answers = await Promise.all(Array.from({ length: 32 }, () => logIn(port, rig)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const count = () => new Promise<number>((resolve) => rig.server.server.getConnections((_, open) => resolve(open)));
    await expect.poll(count, { timeout: 20_000 }).toBeLessThanOrEqual(1000);
    expect(rig.crowded).toContain('http.address 127.0.0.1');
  });

  const few = { connectionLimits: { connections: 6, strangersPerAddress: 3, perCredential: 2 } };

  it.each([
    ['silence', ''],
    ['half a head', 'GET /healthz HTTP/1.1\r\nhost: x\r\n'],
    [
      'a body that doesn’t end',
      'POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n{',
    ],
  ])('of strangers with %s give way to the newest, the oldest first', async (_name, text) => {
    const { rig, port } = await listening(few);
    const first = await stranger(port, text);
    const second = await stranger(port, text);
    await stranger(port, text);
    await Promise.all([stranger(port, text), once(first.resume(), 'close')]);
    expect(second.destroyed).toBe(false);
    expect((await logIn(port, rig)).status).toBe(200);
    expect(new Set(rig.crowded)).toEqual(new Set(['http.address 127.0.0.1']));
  });

  it('with a credential stay while they are in the middle of something', async () => {
    const { rig, port } = await listening(few);
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/api/v1/import?id=long',
      method: 'POST',
      headers: { 'content-type': 'text/csv', ...bearer(rig.tokens.engineer) },
    });
    sent.on('error', () => {});
    onTestFinished(() => void sent.destroy());
    sent.write('station,time,parameter,value\n');
    await expect.poll(() => rig.reader.commands(null, 1)[0]?.command.verb).toBe('import');
    for (let index = 0; index < 12; index++) await stranger(port);
    sent.end('taocha,2026-11-01T00:00:00Z,ph,7\n');
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
  });

  it('of one credential beyond its limit: the oldest idle one gives way', async () => {
    const { rig, port } = await listening(few);
    const head = (keep: string) =>
      `GET /api/v1/session HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${rig.tokens.viewer}\r\nconnection: ${keep}\r\n\r\n`;
    const held: Socket[] = [];
    for (let index = 0; index < 3; index++) {
      const socket = await stranger(port, head('keep-alive'));
      await once(socket, 'data');
      held.push(socket);
    }
    await once(held[0]!.resume(), 'close');
    expect(held.slice(1).map(({ destroyed }) => destroyed)).toEqual([false, false]);
    expect(rig.crowded).toEqual(['http.credential token "a-viewer"']);
  });

  it('all taken: who asks nothing goes first, then who is idle; nobody is cut off who is being answered', async () => {
    const { rig, port } = await listening({
      connectionLimits: { connections: 3, strangersPerAddress: 100, perCredential: 100 },
    });
    const open = async () => {
      const sent = request({ host: '127.0.0.1', port, path: '/api/v1/stream', headers: bearer(rig.tokens.viewer) });
      sent.on('error', () => {});
      sent.end();
      onTestFinished(() => void sent.destroy());
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.on('error', () => {}).resume();
      return response;
    };
    const streams = [await open(), await open()];
    const silent = await stranger(port);
    const [third] = await Promise.all([open(), once(silent, 'close')]);
    const late = await stranger(port);
    await once(late, 'close');
    expect([...streams, third].map(({ destroyed }) => destroyed)).toEqual([false, false, false]);
    expect(new Set(rig.crowded)).toEqual(new Set(['http.connections 127.0.0.1']));
  });
});

describe('requests without a good credential', () => {
  it.each([
    ['none', {}],
    ['something that is none', { authorization: 'Digest x' }],
    ['the cookie of no session', { cookie: 'wk_session=nothing' }],
  ])(
    'with %s: 300 a minute of one address, then 429 with Retry-After; a good one is let through',
    async (_name, headers) => {
      const rig = await startApi();
      const call = (remoteAddress: string) =>
        rig.call('GET', '/api/v1/stations', {
          as: 'nobody',
          headers: headers as Record<string, string>,
          remoteAddress,
        });
      for (let index = 0; index < 300; index++) expect((await call('198.51.100.7')).statusCode).toBe(401);
      const refused = await call('198.51.100.7');
      expect([refused.statusCode, refused.headers['retry-after'], refused.json().code]).toEqual([
        429,
        '60',
        'rate.limited',
      ]);
      expect((await call('198.51.100.8')).statusCode).toBe(401);
      expect(
        (await rig.call('GET', '/api/v1/stations', { as: 'viewer', remoteAddress: '198.51.100.7' })).statusCode,
      ).toBe(200);
      expect(rig.crowded).toEqual(['refusal.address 198.51.100.7']);
      rig.clock.advance(60_000);
      expect((await call('198.51.100.7')).statusCode).toBe(401);
    },
  );

  it('with a wrong token are ten a minute, and told of as well', async () => {
    const rig = await startApi();
    const call = () =>
      rig.call('GET', '/api/v1/stations', { as: 'nobody', headers: bearer('wrong'), remoteAddress: '198.51.100.7' });
    for (let index = 0; index < 10; index++) expect((await call()).statusCode).toBe(401);
    expect((await call()).statusCode).toBe(429);
    expect(rig.crowded).toEqual(['log-in.address 198.51.100.7']);
  });
});

it('a token’s hundred-and-first session is told of by the token’s name', async () => {
  const rig = await startApi();
  for (let index = 0; index <= 100; index++) {
    const body = { token: rig.tokens.operator };
    expect((await rig.call('POST', '/api/v1/session', { as: 'nobody', body })).statusCode).toBe(200);
  }
  expect(rig.crowded).toEqual(['session.token token "a-operator"']);
});

describe('what is told', () => {
  it('names the newest of each limit within the hour, is logged once a minute, and is over after a quiet hour', () => {
    const clock = handClock(0);
    const logged: object[] = [];
    const crowding = createCrowding(clock, { warn: (fields) => void logged.push(fields) });
    expect(crowding.seen()?.detail ?? null).toBeNull();
    for (let index = 0; index < 500; index++) crowding.reached('http.address', '198.51.100.7');
    crowding.reached('http.address', '198.51.100.8');
    crowding.reached('stream.credential', 'token "wall"');
    expect(crowding.seen()?.detail ?? null).toBe(
      'event streams of one credential (stream.credential), last by token "wall"; ' +
        'HTTP connections that show no credential (http.address), last by 198.51.100.8',
    );
    expect(crowding.counts()).toMatchObject({ 'http.address': 501, 'stream.credential': 1, 'session.token': 0 });
    expect(logged).toEqual([
      { event: 'access.crowded', limit: 'http.address', who: '198.51.100.7' },
      { event: 'access.crowded', limit: 'stream.credential', who: 'token "wall"' },
    ]);
    clock.advance(3_600_000);
    expect(crowding.seen()?.detail ?? null).toBeNull();
  });
});
