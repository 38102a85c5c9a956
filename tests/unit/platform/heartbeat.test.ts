/** The dead man's switch: when a ping goes out, when it doesn't, and what is said of that. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHeartbeat } from '#platform/heartbeat.ts';

let server: Server;
let requests: string[];
let status: number;
/** What a request waits for before it is answered. */
let gate: Promise<void>;

beforeEach(async () => {
  requests = [];
  status = 200;
  gate = Promise.resolve();
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void gate.then(() => response.writeHead(status).end('ok'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function heartbeat(sickness: () => string | null = () => null) {
  const logged: object[] = [];
  const log = (fields: object) => void logged.push(fields);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/ping/secret-of-the-check`;
  return { logged, ...createHeartbeat({ url, sickness, log: { info: log, warn: log } as never }) };
}

describe('heartbeat', () => {
  it('asks the address, and says nothing while all is well', async () => {
    const { ping, counts, logged } = heartbeat();
    await ping();
    await ping();
    expect(requests).toEqual(['GET /ping/secret-of-the-check', 'GET /ping/secret-of-the-check']);
    expect(counts()).toEqual({ sent: 2, failed: 0, withheld: 0 });
    expect(logged).toEqual([]);
  });

  it('is withheld while the service is not well, so that somebody is called', async () => {
    let sickness: string | null = 'store.unreachable';
    const { ping, counts, logged } = heartbeat(() => sickness);
    await ping();
    await ping();
    expect(requests).toEqual([]);
    sickness = null;
    await ping();
    expect(counts()).toEqual({ sent: 1, failed: 0, withheld: 2 });
    expect(logged).toMatchObject([
      { event: 'heartbeat.withheld', reason: 'store.unreachable' },
      { event: 'heartbeat.sent' },
    ]);
  });

  it('tells an outage once and its end once, without the secret path', async () => {
    const { ping, counts, logged } = heartbeat();
    status = 503;
    await ping();
    await ping();
    status = 204;
    await ping();
    expect(counts()).toEqual({ sent: 1, failed: 2, withheld: 0 });
    expect(logged).toMatchObject([{ event: 'heartbeat.failed', reason: '503' }, { event: 'heartbeat.sent' }]);
    expect(JSON.stringify(logged)).not.toContain('secret-of-the-check');
  });

  it('survives an address where nobody listens', async () => {
    const { ping, counts, logged } = heartbeat();
    server.close();
    await once(server, 'close');
    await ping();
    expect(counts()).toMatchObject({ failed: 1 });
    expect(logged).toMatchObject([{ event: 'heartbeat.failed', reason: 'ECONNREFUSED' }]);
  });

  it('has one ping under way at a time', async () => {
    const { ping } = heartbeat();
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const first = ping();
    await ping();
    resolve();
    await first;
    expect(requests).toHaveLength(1);
  });

  it('does nothing without an address', async () => {
    const none = createHeartbeat({ url: null, sickness: () => 'x', log: {} as never });
    await none.ping();
    expect(none.counts()).toEqual({ sent: 0, failed: 0, withheld: 0 });
  });
});
