/** History by CSV: streamed, counted, recorded by rules that page nobody, and the same again after a broken connection. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';
import { collectWebhooks, type WebhookCollector } from '#tests/helpers/webhook-collector.ts';

const HOUR = 3_600_000;
const HEADER = 'station,time,parameter,value,unit,flag';
let service: TestService;
let hook: WebhookCollector;

interface Imported {
  rows: number;
  accepted: number;
  duplicates: number;
  corrections: number;
  pending: number;
  quarantined: number;
  refusals: { path: string; code: string; quarantineId: string }[];
}

/** Rows of one value every five minutes, oldest first. */
function csv(
  rows: number,
  { parameter = 'nh3n', value = (_: number) => 0.1 as number | string, endMs = Date.now() } = {},
) {
  const startMs = Math.floor(endMs / HOUR) * HOUR - rows * 300_000;
  const lines = Array.from({ length: rows }, (_, n) => {
    return `s,${new Date(startMs + n * 300_000).toISOString()},${parameter},${value(n)},mg/L,`;
  });
  return [HEADER, ...lines].join('\n');
}

const post = (id: string, body: string) =>
  service.call<Imported>('POST', `/import?id=${id}`, body, {
    authorization: `Bearer ${ADMIN}`,
    'content-type': 'text/csv',
  });
const progress = async (id: string) => (await service.call<Record<string, number>>('GET', `/imports/${id}`)).body;
const settled = (id: string) =>
  eventually(`import ${id} settled`, async () => {
    const found = await progress(id);
    return found.pending === 0 ? found : null;
  });

beforeAll(async () => {
  hook = await collectWebhooks();
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  const names = { zh: '断面', en: 'Section' };
  const station = {
    name: names,
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [{ id: 'nh3n' }],
  };
  await service.call('PUT', '/stations/s', station);
  await service.call('PUT', '/rules/class-target', { kind: 'class', severity: 'major' });
  await service.call('PUT', '/channels/hook', { kind: 'webhook', url: hook.url });
  await service.call('PUT', '/routes', [{ match: {}, channels: ['hook'] }]);
});
afterAll(async () => {
  await service.remove();
  await hook.close();
});

describe('POST /import', () => {
  it('takes more rows than a message may hold, says what it refused by row of the file, and adds up', async () => {
    const value = (n: number) => (n === 15 || n === 11_998 ? 'n/a' : 0.1 + (n % 7) / 100);
    const { status, body } = await post('years', csv(12_000, { value }));
    expect(status).toBe(200);
    expect(body).toMatchObject({ rows: 12_000, quarantined: 2 });
    expect(body.accepted + body.duplicates + body.corrections + body.pending).toBe(11_998);
    expect(body.refusals).toMatchObject([
      { path: 'row 17', code: 'value.not-a-number' },
      { path: 'row 12000', code: 'value.not-a-number' },
    ]);
    expect(await settled('years')).toMatchObject({ received: 12_000, stored: 11_998, quarantined: 2, duplicate: 0 });
    const { body: audit } = await service.call<{ items: object[] }>('GET', '/audit?limit=1');
    expect(audit.items[0]).toMatchObject({ actor: 'admin', verb: 'import' });
  });

  it('the same again changes nothing', async () => {
    const text = csv(3000, { parameter: 'codmn', value: (n) => 2 + (n % 5) / 10 });
    await post('twice', text);
    await settled('twice');
    await post('twice', text);
    expect(await settled('twice')).toMatchObject({ received: 6000, stored: 3000, duplicate: 3000 });
  });

  it('records breaches, also those of this minute, and pages nobody', async () => {
    const breach = (n: number) => (n % 100 < 10 ? 3 : 0.01);
    await post('breaches', csv(300, { parameter: 'tp', value: breach, endMs: Date.now() + HOUR - 1 }));
    await settled('breaches');
    const { items } = await eventually('records', async () => {
      const { body } = await service.call<{ items: { parameter: string; late: boolean; state: string }[] }>(
        'GET',
        '/alarms',
      );
      return body.items.length > 0 ? body : null;
    });
    expect(items.every(({ late, state }) => late && state === 'cleared')).toBe(true);
    // What comes from a gateway is told as ever, and by then the import would have been.
    await service.call('POST', '/readings', { station: 's', time: Date.now(), values: { bod5: 8 } });
    await eventually('a notice', () => hook.received.length > 0);
    expect(hook.received.map(({ body }) => body.alarm.parameter)).toEqual(['bod5']);
  });

  it('keeps what came before the connection broke; the file again completes it', async () => {
    const text = csv(5000, { parameter: 'cod', value: (n) => 10 + (n % 5) });
    await new Promise<void>((resolve) => {
      const sent = request(`${service.url}/api/v1/import?id=broken`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'text/csv' },
      });
      sent.on('error', () => resolve());
      sent.write(text.slice(0, text.length / 2));
      void eventually('the beginning', async () => ((await progress('broken')).received ?? 0) >= 1000).then(() =>
        sent.destroy(),
      );
    });
    const { body } = await post('broken', text);
    expect(body.rows).toBe(5000);
    const ledger = await settled('broken');
    expect(ledger.stored).toBe(5000);
    expect(ledger.received).toBe(ledger.stored! + ledger.duplicate!);
  });

  it.each([
    ['nothing', '', 400, 'message.malformed'],
    ['another file', '{"not":"csv"}\n{}', 400, 'message.malformed'],
    ['a row without an end', `${HEADER}\n${'x'.repeat(20_000)}`, 413, 'message.too-large'],
  ])('refuses %s', async (_, body, status, code) => {
    expect(await post('wrong', body)).toMatchObject({ status, body: { code } });
  });

  it('wants CSV, a name and an engineer', async () => {
    const json = await service.call('POST', '/import?id=x', { a: 1 });
    expect(json).toMatchObject({ status: 415, body: { code: 'media.unsupported' } });
    expect(await post('a b', csv(1))).toMatchObject({ status: 400, body: { code: 'id.invalid' } });
    expect(await service.call('GET', '/imports/never')).toMatchObject({ status: 404 });
  });
});
