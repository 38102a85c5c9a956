/**
 * A TCP proxy on a random port of loopback that does to a server what networks and overload do: delays, cuts in one
 * direction or both, resets, half-closed connections, and answers of its own in the server's place.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as open, type Socket } from 'node:net';

export type Trouble =
  | { kind: 'none' }
  /** Everything arrives, this much later, both ways. */
  | { kind: 'delay'; ms: number }
  /** Nothing arrives any more, in one direction or both; connections stay open. */
  | { kind: 'cut'; direction: 'up' | 'down' | 'both' }
  /** Every connection ends with RST, new ones at once. */
  | { kind: 'reset' }
  /** The request gets through; then the connection is ended before the answer. */
  | { kind: 'half-close' }
  /** Nobody listens behind: the request is answered with this status and body, and the server never sees it. */
  | { kind: 'answer'; status: number; body: string; headers?: Record<string, string> };

export interface FaultProxy {
  readonly port: number;
  /** Connections, and pieces of requests, that came since the last `set`. */
  readonly seen: { connections: number; requests: number };
  /** From now on; `reset` also ends what is open. */
  set(trouble: Trouble): void;
  /** Another server behind, for one that came back on another port. */
  target(port: number): void;
  close(): Promise<void>;
}

export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let trouble: Trouble = { kind: 'none' };
  let port = targetPort;
  const seen = { connections: 0, requests: 0 };
  const pairs = new Set<{ client: Socket; server: Socket }>();

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    seen.connections++;
    if (trouble.kind === 'reset') {
      seen.requests++;
      client.resetAndDestroy();
      return;
    }
    const behind = open({ host: '127.0.0.1', port, allowHalfOpen: true });
    const pair = { client, server: behind };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      behind.destroy();
    };
    for (const socket of [client, behind]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (chunk: Buffer) => up(pair, chunk));
    behind.on('data', (chunk: Buffer) => down(pair, chunk));
    client.on('end', () => later(() => behind.end()));
    behind.on('end', () => later(() => client.end()));
    client.resume();
  });

  function later(act: () => void): void {
    if (trouble.kind === 'delay') setTimeout(act, trouble.ms);
    else act();
  }

  function up({ client, server: behind }: { client: Socket; server: Socket }, chunk: Buffer): void {
    seen.requests++;
    switch (trouble.kind) {
      case 'cut':
        if (trouble.direction === 'down') behind.write(chunk);
        return;
      case 'answer':
        answer(client, trouble);
        return;
      default:
        later(() => behind.writable && behind.write(chunk));
    }
  }

  function down({ client, server: behind }: { client: Socket; server: Socket }, chunk: Buffer): void {
    switch (trouble.kind) {
      case 'cut':
        if (trouble.direction === 'up') client.write(chunk);
        return;
      case 'half-close':
        client.end();
        behind.destroy();
        return;
      case 'answer':
        return;
      default:
        later(() => client.writable && client.write(chunk));
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    set(next) {
      trouble = next;
      seen.connections = 0;
      seen.requests = 0;
      if (next.kind === 'reset') for (const { client } of pairs) client.resetAndDestroy();
    },
    target(next) {
      port = next;
      for (const { client } of pairs) client.destroy();
    },
    async close() {
      for (const { client, server: behind } of pairs) {
        client.destroy();
        behind.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers a request's first bytes at once and closes; what else of it comes is read and thrown away. */
function answer(client: Socket, { status, body, headers }: Trouble & { kind: 'answer' }): void {
  if (client.writableEnded) return;
  const lines = Object.entries({
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  client.end(`HTTP/1.1 ${status} Trouble\r\n${lines.join('')}\r\n${body}`);
}
