/** The SMS gateway's templates: what they become, what no value can break out of, and what the register refuses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sendToSms, smsCall } from '#alerts/channels/sms.ts';
import { type ChannelOf, channel as schema } from '#model/alarms/channel.ts';
import { PLACEHOLDERS, type Placeholder } from '#model/alarms/placeholders.ts';
import { ammonia, channelPorts, noticeOf } from '#tests/helpers/alerts/channel-notice.ts';
import { answering, openRecipient } from '#tests/helpers/alerts/http-recipient.ts';

type Sms = ChannelOf<'sms'>;
const sms = (over: object): Sms =>
  schema.parse({ kind: 'sms', url: 'https://sms.example/send', to: '13800000000', ...over }) as Sms;
const values = (over: Partial<Record<Placeholder, string>> = {}) => ({
  ...(Object.fromEntries(PLACEHOLDERS.map((name) => [name, name])) as Record<Placeholder, string>),
  ...over,
});

describe('a template', () => {
  it('is filled in for each number, with secrets that stand nowhere else', async () => {
    const { url, asked } = await openRecipient(answering(200));
    const channel = sms({
      url: `${url}/{{user}}/send?to={{to}}&sign={{secret}}`,
      headers: { Authorization: 'Bearer {{token}}', 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'text={{text}}&level={{severity}}',
      user: 'acc/ount',
      secret: 's&c=ret',
      token: 'tok',
      to: '13800000000, +8613900000000',
    });
    const sent = await sendToSms(channel, noticeOf('raised', [ammonia()]), channelPorts());
    expect(sent).toMatchObject({ outcome: 'sent', status: '2 of 2 have it' });
    expect(asked.map(({ path }) => path).sort()).toEqual([
      '/acc%2Fount/send?to=%2B8613900000000&sign=s%26c%3Dret',
      '/acc%2Fount/send?to=13800000000&sign=s%26c%3Dret',
    ]);
    expect(asked[0]!.headers).toMatchObject({ authorization: 'Bearer tok' });
    const form = new URLSearchParams(asked[0]!.body);
    expect([...form.keys()]).toEqual(['text', 'level']);
    expect(form.get('text')).toContain('神定河口 氨氮 0.83 mg/L');
  });

  it('may be a GET without a body', () => {
    const call = smsCall(
      sms({ method: 'GET', url: 'https://sms.example/?m={{to}}&c={{text}}' }),
      values({ text: 'a b&c' }),
    );
    expect([call.method, call.url.href, call.body]).toEqual(['GET', 'https://sms.example/?m=to&c=a%20b%26c', null]);
  });

  it('can’t be broken out of by any value', () => {
    const json = sms({ body: '{"to":"{{to}}","content":"{{text}}"}' });
    const form = sms({ body: 'a={{text}}&b=2', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    const xml = sms({ body: '<m><t>{{text}}</t></m>', headers: { 'content-type': 'text/xml; charset=utf-8' } });
    const path = sms({ url: 'https://sms.example/a/{{text}}/b?q={{text}}', headers: { 'x-station': '{{text}}' } });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (given) => {
        const text = given.toWellFormed();
        const filled = (channel: Sms) => smsCall(channel, values({ text }));
        expect(JSON.parse(filled(json).body!)).toEqual({ to: 'to', content: text });
        expect([...new URLSearchParams(filled(form).body!).entries()]).toEqual([
          ['a', text],
          ['b', '2'],
        ]);
        expect(filled(xml).body!.match(/[<>]/g)).toHaveLength(8);
        const { url, headers } = filled(path);
        expect([url.host, url.searchParams.get('q')]).toEqual(['sms.example', text]);
        expect(headers['x-station']).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });

  it('is not read again: a value that looks like a placeholder stays text', () => {
    const call = smsCall(
      sms({ body: '{"c":"{{text}}"}', secret: 'hush' }),
      values({ text: '{{secret}}', secret: 'hush' }),
    );
    expect(JSON.parse(call.body!)).toEqual({ c: '{{secret}}' });
  });
});

describe('the register refuses', () => {
  const bad: [string, object, string][] = [
    ['an unknown placeholder', { body: '{{password}}' }, 'body'],
    ['a placeholder in the host', { url: 'https://{{to}}.example/', body: '{{text}}' }, 'url'],
    ['a password in the address', { url: 'https://u:p@sms.example/', body: '{{text}}' }, 'url'],
    ['a credential in a header', { headers: { 'X-Api-Key': 'written-out' }, body: '{{text}}' }, 'headers'],
    ['a header of HTTP itself', { headers: { Host: 'other' }, body: '{{text}}' }, 'headers'],
    ['a line end in a header', { headers: { 'x-a': 'a\r\nb: c' }, body: '{{text}}' }, 'headers'],
    ['no telephone number', { to: 'somebody', body: '{{text}}' }, 'to'],
    ['a GET with a body', { method: 'GET', body: '{{text}}' }, 'body'],
    ['a request that says nothing', { body: 'hello' }, 'body'],
  ];
  it.each(bad)('%s', (_name, over, path) => {
    const { error } = schema.safeParse({ kind: 'sms', url: 'https://sms.example/', to: '13800000000', ...over });
    expect(error?.issues.map((issue) => issue.path[0])).toContain(path);
  });

  it.each([
    [{ kind: 'email', url: 'smtp://u:p@mail.example', from: 'a@b.org', to: 'c@d.org' }, 'url'],
    [{ kind: 'email', url: 'smtp://mail.example', from: 'a@b.org', to: 'nobody' }, 'to'],
    [{ kind: 'email', url: 'smtp://mail.example', from: 'a@b.org', to: 'c@d.org', user: 'x', tls: 'never' }, 'tls'],
    [{ kind: 'wecom', token: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k' }, 'token'],
    [{ kind: 'dingtalk', url: 'https://oapi.dingtalk.com/robot/send?access_token=t' }, 'url'],
    [{ kind: 'log', perMinute: 0 }, 'perMinute'],
  ])('%j', (body, path) => {
    expect(schema.safeParse(body).error?.issues.map((issue) => issue.path[0])).toContain(path);
  });
});
