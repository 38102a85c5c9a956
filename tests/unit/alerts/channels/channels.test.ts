import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type AddressPolicy, checkAddress, isPermitted, type Resolve } from '#alerts/channels/address.ts';
import type { ChannelPorts } from '#alerts/channels/channel.ts';
import { outcomeOf, retryAfterMs } from '#alerts/channels/http.ts';
import { sendToLog } from '#alerts/channels/log.ts';
import { sendToMqtt } from '#alerts/channels/mqtt.ts';
import { createWebhook, sendToWebhook, signatureOf } from '#alerts/channels/webhook.ts';
import { noticeDraft, noticePayload, sampleAlarm } from '#alerts/telling/notice.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';

const CLOSED: AddressPolicy = { allow: [], allowLoopback: false };
const LOCAL: AddressPolicy = { allow: [], allowLoopback: true };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function ports(over: Partial<ChannelPorts> = {}): ChannelPorts {
  return {
    clock: { nowMs: () => Date.UTC(2026, 10, 22), monotonicMs: () => 0 },
    log: { info: () => {}, warn: () => {} },
    policy: LOCAL,
    publish: async () => {},
    signal: new AbortController().signal,
    ...over,
  };
}

const alarm = { ...sampleAlarm(0), id: 'a-1', station: '断面' };
const draft = noticeDraft({ cause: '1/0', event: 'raised', channel: 'hook', alarms: [alarm], atMs: 0 }, null);
const notice = { id: draft.id, event: draft.event, payload: noticePayload(draft.id, draft.payload) };

interface Received {
  headers: IncomingMessage['headers'];
  method: string;
  path: string;
  body: string;
}

/** A recipient on loopback that remembers what it got. */
async function recipient(answer: (response: ServerResponse, n: number) => void) {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        headers: request.headers,
        method: request.method!,
        path: request.url!,
        body: Buffer.concat(chunks).toString(),
      });
      answer(response, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { received, port, url: `http://127.0.0.1:${port}/hook?x=1` };
}

const answering = (status: number, headers: Record<string, string> = {}) =>
  recipient((response) => response.writeHead(status, headers).end('x'));

describe('webhook', () => {
  it('posts the notice signed, with a stable key', async () => {
    const { url, received } = await answering(204);
    const sent = await sendToWebhook({ kind: 'webhook', url, secret: 'sss' }, notice, ports());
    expect(sent).toEqual({ outcome: 'sent', status: '204' });
    const [got] = received;
    expect(got).toMatchObject({ method: 'POST', path: '/hook?x=1' });
    expect(got!.headers['content-type']).toMatch('application/json');
    expect(got!.headers['idempotency-key']).toBe(notice.id);
    expect(got!.headers['x-wellkeeper-signature']).toBe(signatureOf('sss', got!.body));
    expect(JSON.parse(got!.body)).toEqual({ notice: notice.id, event: 'raised', alarm: alarmView(alarm) });
  });

  it('signs with lower-case hex HMAC-SHA256 and only with a secret', async () => {
    // RFC 4231 test case 2.
    expect(signatureOf('Jefe', 'what do ya want for nothing?')).toBe(
      'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
    const { url, received } = await answering(200);
    await sendToWebhook({ kind: 'webhook', url }, notice, ports());
    expect(received[0]!.headers).not.toHaveProperty('x-wellkeeper-signature');
  });

  it('knows for every status whether trying again can help', () => {
    const again = new Set([408, 425, 429]);
    for (let status = 100; status < 600; status++) {
      const expected =
        status >= 200 && status < 300
          ? 'sent'
          : status >= 500 || again.has(status)
            ? 'failed-for-now'
            : 'failed-for-good';
      expect([status, outcomeOf(status)]).toEqual([status, expected]);
    }
  });

  it('follows no redirect', async () => {
    const target = await answering(200);
    const { url } = await answering(307, { location: target.url });
    expect(await sendToWebhook({ kind: 'webhook', url }, notice, ports())).toEqual({
      outcome: 'failed-for-good',
      status: '307',
    });
    expect(target.received).toEqual([]);
  });

  it('passes Retry-After on, as seconds or as a date', async () => {
    const { url } = await answering(503, { 'retry-after': '7' });
    expect(await sendToWebhook({ kind: 'webhook', url }, notice, ports())).toEqual({
      outcome: 'failed-for-now',
      status: '503',
      retryAfterMs: 7000,
    });
    const nowMs = Date.UTC(2026, 10, 22);
    expect(retryAfterMs('Sun, 22 Nov 2026 00:01:00 GMT', nowMs)).toBe(60_000);
    expect(retryAfterMs('Sat, 21 Nov 2026 00:00:00 GMT', nowMs)).toBe(0);
    expect(retryAfterMs('999999999', nowMs)).toBe(3_600_000);
    expect(retryAfterMs('soon', nowMs)).toBeUndefined();
  });

  it('fails for now when nobody listens, nobody answers in time, or the connection breaks', async () => {
    const gone = await answering(200);
    for (const close of closers.splice(0)) close();
    expect(await sendToWebhook({ kind: 'webhook', url: gone.url }, notice, ports())).toEqual({
      outcome: 'failed-for-now',
      status: 'ECONNREFUSED',
    });
    const silent = await recipient(() => {});
    expect(await createWebhook(undefined, 50)({ kind: 'webhook', url: silent.url }, notice, ports())).toEqual({
      outcome: 'failed-for-now',
      status: 'no answer within 50 ms',
    });
    const rude = await recipient((response) => response.destroy());
    expect(await sendToWebhook({ kind: 'webhook', url: rude.url }, notice, ports())).toMatchObject({
      outcome: 'failed-for-now',
      status: 'ECONNRESET',
    });
  });

  it('is not held by an answer that never ends', async () => {
    const { url } = await recipient((response) => {
      response.writeHead(200);
      const pour = () => {
        while (response.write(Buffer.alloc(65_536))) if (response.destroyed) return;
      };
      response.on('drain', pour).on('error', () => {});
      pour();
    });
    expect(await sendToWebhook({ kind: 'webhook', url }, notice, ports())).toEqual({ outcome: 'sent', status: '200' });
  });
});

describe('addresses', () => {
  const FORBIDDEN = [
    ...[
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.100.100.200',
      '0.0.0.0',
      '255.255.255.255',
      '224.0.0.1',
      '192.0.2.1',
      '198.51.100.7',
      '203.0.113.9',
    ],
    ...[
      '::1',
      '::',
      'fe80::1',
      'fd00:ec2::254',
      'ff02::1',
      '::ffff:10.0.0.1',
      '::ffff:7f00:1',
      '64:ff9b::a00:1',
      '2002:a00:1::1',
      'fe80::1%eth0',
      '64:ff9b:1::1',
      '2001:0:4136:e378:8000:63bf:3fff:fdd2',
      '2001:db8::1',
      '3fff::1',
      '100::1',
    ],
  ];

  it.each(FORBIDDEN)('refuses %s', (address) => {
    expect(isPermitted(address, 'name', CLOSED)).toBe(false);
  });

  it.each(['8.8.8.8', '172.32.0.1', '2400:3200::1', '::ffff:8.8.8.8', '64:ff9b::808:808'])('permits %s', (address) => {
    expect(isPermitted(address, 'name', CLOSED)).toBe(true);
  });

  it.each([
    ['10.1.2.3', '10.0.0.0/8'],
    ['::ffff:10.1.2.3', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3'],
    ['fd00::5', 'fd00::/8'],
    ['192.168.7.7', 'Hook.Intern'],
  ])('permits %s when WK_WEBHOOK_ALLOW names %s', (address, allowed) => {
    expect(isPermitted(address, 'hook.intern', { allow: [allowed], allowLoopback: false })).toBe(true);
    expect(
      isPermitted('172.16.9.9', 'other', { allow: [allowed, 'not/a/cidr', '1.2.3.4/99'], allowLoopback: false }),
    ).toBe(false);
  });

  it('permits loopback, and nothing else private, to a service that listens there', () => {
    expect(
      ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::1'].map((address) =>
        isPermitted(address, 'n', LOCAL),
      ),
    ).toEqual([true, true, true, false, false, false]);
  });

  it.each([
    'http://2130706433/',
    'http://0x7f.1/',
    'http://127.1/',
    'http://[::ffff:7f00:1]/',
    'http://017700000001/',
    'http://[::1]:80/',
  ])('sees through the spelling %s', async (url) => {
    expect(await checkAddress(url, CLOSED)).toMatchObject({ code: 'channel.address-refused', path: 'url' });
    const sent = await sendToWebhook({ kind: 'webhook', url }, notice, ports({ policy: CLOSED }));
    expect(sent).toMatchObject({
      outcome: 'failed-for-good',
      status: expect.stringContaining('channel.address-refused'),
    });
  });

  it('judges the address that a name leads to, also when it changes after the check', async () => {
    const answers = [[{ address: '8.8.8.8', family: 4 }], [{ address: '127.0.0.1', family: 4 }]];
    const rebinding: Resolve = (_name, _options, done) => done(null, answers.shift()!);
    const { port, received } = await answering(200);
    const url = `http://hook.example:${port}/`;
    expect(await checkAddress(url, CLOSED, rebinding)).toBeNull();
    const sent = await createWebhook(rebinding)({ kind: 'webhook', url }, notice, ports({ policy: CLOSED }));
    expect(sent.outcome).toBe('failed-for-good');
    expect(received).toEqual([]);
  });

  it('connects to the permitted one of several addresses, and takes a name that does not resolve for now', async () => {
    const { port } = await answering(200);
    const both: Resolve = (_name, _options, done) =>
      done(null, [
        { address: '10.0.0.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    expect(
      await createWebhook(both)({ kind: 'webhook', url: `http://hook.example:${port}/` }, notice, ports()),
    ).toMatchObject({ outcome: 'sent' });
    const nothing: Resolve = (_name, _options, done) => done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    expect(await checkAddress('http://hook.example/', CLOSED, nothing)).toBeNull();
    expect(await createWebhook(nothing)({ kind: 'webhook', url: 'http://hook.example/' }, notice, ports())).toEqual({
      outcome: 'failed-for-now',
      status: 'ENOTFOUND',
    });
  });
});

describe('mqtt and log', () => {
  it('publishes on `to`, fails for now when the broker is away, and needs nothing without `to`', async () => {
    const published: unknown[] = [];
    const publish = async (...message: unknown[]) => void published.push(message);
    expect(await sendToMqtt({ kind: 'mqtt', to: 'alarms/all' }, notice, ports({ publish }))).toMatchObject({
      outcome: 'sent',
    });
    expect(published).toEqual([['alarms/all', notice.payload, false]]);
    expect(await sendToMqtt({ kind: 'mqtt' }, notice, ports({ publish }))).toMatchObject({ outcome: 'sent' });
    expect(published).toHaveLength(1);
    const away = async () => Promise.reject(new Error('not connected'));
    expect(await sendToMqtt({ kind: 'mqtt', to: 'x' }, notice, ports({ publish: away }))).toEqual({
      outcome: 'failed-for-now',
      status: 'not connected',
    });
  });

  it('writes one line', async () => {
    const lines: unknown[] = [];
    const log = { info: (...line: unknown[]) => void lines.push(line), warn: () => {} };
    await sendToLog({ kind: 'log' }, notice, ports({ log }));
    expect(lines).toEqual([
      [expect.objectContaining({ notice: notice.id, event: 'raised' }), 'raised: minor test/_platform/test (cleared)'],
    ]);
  });
});
