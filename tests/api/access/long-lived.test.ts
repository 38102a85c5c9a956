/** Answers and bodies that go on for long end with the credential that began them. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startApi } from '#tests/helpers/api.ts';
import { eventually } from '#tests/helpers/service.ts';

async function begun() {
  const rig = await startApi();
  await rig.server.listen({ host: '127.0.0.1', port: 0 });
  const made = await rig.call('POST', '/api/v1/tokens', { body: { name: 'leaver', role: 'engineer' } });
  const { id, token } = made.json() as { id: string; token: string };
  const { port } = rig.server.server.address() as AddressInfo;
  const start = (method: string, path: string, headers: Record<string, string>): ClientRequest => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers });
    sent.on('error', () => {});
    onTestFinished(() => void sent.destroy());
    return sent;
  };
  return {
    rig,
    start,
    headers: { authorization: `Bearer ${token}` },
    forget: () => rig.call('DELETE', `/api/v1/tokens/${id}`),
  };
}

describe('a deleted token', () => {
  it('ends the CSV that it asked for', async () => {
    const { rig, start, headers, forget } = await begun();
    let pages = 0;
    await rig.call('POST', '/api/v1/readings', {
      body: { station: 'taocha', time: '2026-11-21T00:00:00Z', values: { ph: 7 } },
    });
    // A series without end.
    rig.queries.readings = async ({ fromMs, limit }) => {
      pages++;
      return Array.from({ length: limit }, (_, n) => ({
        timeMs: fromMs + n,
        value: 7,
        flag: 1 as const,
        deviceFlag: null,
        provisional: false,
      }));
    };
    const path = '/api/v1/series/taocha/ph/readings?from=2026-11-01&to=2026-11-22';
    const sent = start('GET', path, { ...headers, accept: 'text/csv' });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    let isOver = false;
    response.on('error', () => {}).on('close', () => (isOver = true));
    response.resume();
    expect((await forget()).statusCode).toBe(204);
    await eventually('the end of the CSV', () => isOver);
    expect(pages).toBeGreaterThan(0);
  });

  it('ends the import that it began', async () => {
    const { rig, start, headers, forget } = await begun();
    const sent = start('POST', '/api/v1/import?id=long', { ...headers, 'content-type': 'text/csv' });
    let isOver = false;
    sent.on('close', () => (isOver = true));
    sent.write('station,time,parameter,value\n');
    await eventually('the import to begin', () => rig.reader.commands(null, 1)[0]?.command.verb === 'import');
    expect((await forget()).statusCode).toBe(204);
    await eventually('the end of the import', () => isOver);
  });

  it('still gets the answer to its own deletion', async () => {
    const { rig } = await begun();
    const made = await rig.call('POST', '/api/v1/tokens', { body: { name: 'itself', role: 'admin' } });
    const { id, token } = made.json() as { id: string; token: string };
    const { port } = rig.server.server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/tokens/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(204);
  });
});
