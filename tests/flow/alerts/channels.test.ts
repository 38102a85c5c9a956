/** Channels on the real service: a robot, its fallback by mail, test sends, dead letters. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

interface NoticeView {
  id: string;
  channel: string;
  event: string;
  state: string;
  fallback?: string;
  attempts: { status: string; outcome: string }[];
  receipts?: { to: string; outcome: string }[];
}

let service: TestService;
let robot = { errcode: 0, errmsg: 'ok' };
const asked: string[] = [];
const mails: string[] = [];
const http = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  asked.push(body);
  response.end(JSON.stringify(robot));
});
const smtp = new SMTPServer({
  disabledCommands: ['STARTTLS', 'AUTH'],
  async onData(stream, _session, done) {
    let raw = '';
    for await (const chunk of stream) raw += chunk;
    mails.push(raw);
    done();
  },
});
smtp.on('error', () => {});

beforeAll(async () => {
  service = await startTestService();
  http.listen(0, '127.0.0.1');
  smtp.listen(0, '127.0.0.1');
  await Promise.all([once(http, 'listening'), once(smtp.server, 'listening')]);
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/cgi-bin/webhook/send`;
  const mail = {
    kind: 'email',
    url: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    tls: 'never',
    from: 'wells@example.org',
    to: 'duty@example.org',
  };
  expect((await service.call('PUT', '/channels/mail', mail)).status).toBe(201);
  const group = { kind: 'wecom', url, token: 'key', fallback: 'mail' };
  expect((await service.call('PUT', '/channels/group', group)).status).toBe(201);
  expect((await service.call('PUT', '/routes', [{ match: {}, channels: ['group'] }])).status).toBe(200);
});
afterAll(async () => {
  await service.remove();
  http.closeAllConnections();
  http.close();
  smtp.close();
});

const notices = async (query: string) =>
  (await service.call<{ items: NoticeView[] }>('GET', `/notices?${query}`)).body.items;
const tested = async (channel: string) =>
  (await service.call<{ notice: NoticeView }>('POST', `/channels/${channel}/test`)).body.notice;

describe('channels', () => {
  it('a test send answers what happened', async () => {
    expect(await tested('group')).toMatchObject({
      state: 'sent',
      attempts: [{ status: 'errcode 0', outcome: 'sent' }],
    });
    expect(await tested('mail')).toMatchObject({
      state: 'sent',
      receipts: [{ to: 'duty@example.org', outcome: 'sent' }],
    });
    expect(mails[0]).toContain('X-Wellkeeper-Notice');
    robot = { errcode: 93000, errmsg: 'invalid webhook url' };
    const failed = await tested('group');
    expect(failed).toMatchObject({ state: 'failed', attempts: [{ outcome: 'failed-for-good' }] });
    expect((await notices('state=dead')).map(({ id }) => id)).toEqual([failed.id]);
    robot = { errcode: 0, errmsg: 'ok' };
    expect((await service.call('POST', `/notices/${failed.id}/resend`)).status).toBe(202);
    await eventually('it to be sent', async () => (await notices('state=sent')).some(({ id }) => id === failed.id));
    expect(await notices('state=dead')).toEqual([]);
  });

  it('an alarm that the robot refuses comes by mail', async () => {
    robot = { errcode: 93000, errmsg: 'invalid webhook url' };
    const before = mails.length;
    const sample = { station: 'shending-mouth', time: new Date().toISOString(), values: { nh3n: 0.83 } };
    expect((await service.call('POST', '/readings', sample)).status).toBe(202);
    await eventually('the mail', () => mails.length > before);
    const settled = async () => {
      const found = (await notices('')).filter(({ event }) => event === 'raised');
      return found.length === 2 && found.every(({ state }) => state !== 'pending') ? found : null;
    };
    const both = await eventually('both notices to be settled', settled);
    const [byMail, byRobot] = ['mail', 'group'].map((name) => both.find(({ channel }) => channel === name));
    expect(byMail).toMatchObject({ channel: 'mail', state: 'sent' });
    expect(byRobot).toMatchObject({ channel: 'group', state: 'failed', fallback: 'mail' });
    expect(await notices('state=dead')).toEqual([]);
  });
});
