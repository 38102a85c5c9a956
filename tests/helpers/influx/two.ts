/** A made-up InfluxDB that answers as 2.9.1 was seen to: who it is, organizations, buckets, and what each kind of token may do. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { canaryServer } from './canary-server.ts';

/** `inactive` and `write-only` see an empty list of buckets. */
export type Right = 'all' | 'inactive' | 'write-only';

export interface InfluxTwo {
  readonly url: string;
  readonly requests: { url: string; body: string }[];
  close(): void;
}

/**
 * @param rights of each token; one that isn't named is unauthorized.
 * @param own what it answers in place of all that, of another server.
 */
export async function startInfluxTwo(
  { org, bucket }: { org: string; bucket: string },
  rights: Record<string, Right>,
  own: (path: string) => { status: number; answer: object } | null = () => null,
): Promise<InfluxTwo> {
  const requests: InfluxTwo['requests'] = [];
  const canary = canaryServer();

  function respond(url: URL, body: string, token: string, response: ServerResponse): void {
    const say = (status: number, answer: object = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', 'x-influxdb-version': 'v2.9.1' })
        .end(status === 204 ? '' : JSON.stringify(answer));
    if (url.pathname === '/ping') return void say(204);
    const others = own(url.pathname);
    if (others) return void say(others.status, others.answer);
    const right = rights[token];
    if (right === undefined) return void say(401, { code: 'unauthorized', message: 'unauthorized access' });
    const asked = url.searchParams;
    if (asked.has('org') && asked.get('org') !== org) {
      const message = `organization name "${asked.get('org')}" not found`;
      return void say(404, { code: 'not found', message });
    }
    if (url.pathname === '/api/v2/buckets') {
      const isListed = right === 'all' && asked.get('name') === bucket;
      return void say(200, { buckets: isListed ? [{ name: bucket, retentionRules: [] }] : [] });
    }
    if (url.pathname === '/query') {
      if (right !== 'all') return void say(401, { code: 'unauthorized', message: 'unauthorized' });
      const form = new URLSearchParams(body);
      const [db, rp] = bucket.split('/', 2);
      if (form.get('db') !== db || (form.get('rp') ?? undefined) !== rp) {
        return void say(404, {
          code: 'not found',
          message: `no dbrp mapping found: database "${form.get('db')}" not found`,
        });
      }
      const known = canary(url.pathname, body);
      return void say(200, known ? JSON.parse(known.body!) : { results: [{ statement_id: 0 }] });
    }
    // Writing and deleting.
    if (right === 'inactive')
      return void say(403, { code: 'forbidden', message: 'insufficient permissions for write' });
    if (asked.get('bucket') !== bucket) {
      return void say(404, { code: 'not found', message: `bucket "${asked.get('bucket')}" not found` });
    }
    canary(url.pathname, body);
    say(204);
  }

  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push({ url: request.url!, body });
      const token = (request.headers.authorization ?? '').replace(/^(Token|Basic) /, '');
      respond(new URL(request.url!, 'http://influx'), body, token, response);
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
