/** A made-up InfluxDB whose answers to writes a test decides; the canary finds it fit. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { canaryServer } from './canary-server.ts';

/** A server that says of each write what `say` says; everything else it answers as an empty database. */
export async function fakeInflux(
  say: (body: string, request: IncomingMessage) => { status: number; body?: string } | 'hang' | 'reset',
) {
  const requests: { url: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const canary = canaryServer();
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const known = canary(request.url!, body);
      if (known) {
        response.writeHead(known.status, { 'content-type': 'application/json' }).end(known.body);
        return;
      }
      requests.push({ url: request.url!, headers: request.headers, body });
      const answer = request.url!.includes('/write')
        ? say(body, request)
        : {
            status: 200,
            body: JSON.stringify({ results: [{ series: [] }], buckets: [{ name: 'b', retentionRules: [] }] }),
          };
      if (answer === 'hang') return;
      if (answer === 'reset') {
        request.socket.resetAndDestroy();
        return;
      }
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body ?? '');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
