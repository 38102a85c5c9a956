/** Every answer of every HTTP channel: sent, failed for now, failed for good. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Outcome, Send, Sent } from '#alerts/channels/channel.ts';
import { createDingtalk, dingtalkSign, sendToDingtalk } from '#alerts/channels/dingtalk.ts';
import { createFeishu, feishuSign, sendToFeishu } from '#alerts/channels/feishu.ts';
import { createExchange } from '#alerts/channels/http.ts';
import { createSms, sendToSms } from '#alerts/channels/sms.ts';
import { createWebhook, sendToWebhook } from '#alerts/channels/webhook.ts';
import { createWecom, sendToWecom } from '#alerts/channels/wecom.ts';
import type { Channel } from '#model/register.ts';
import { ammonia, channelPorts, NOW_MS, noticeOf, summaryOf } from '#tests/helpers/alerts/channel-notice.ts';
import { answering, openRecipient, type Reply } from '#tests/helpers/alerts/http-recipient.ts';

type Kind = 'webhook' | 'wecom' | 'dingtalk' | 'feishu' | 'sms';
const SENDERS = {
  webhook: sendToWebhook,
  wecom: sendToWecom,
  dingtalk: sendToDingtalk,
  feishu: sendToFeishu,
  sms: sendToSms,
} as unknown as Record<Kind, Send>;
const impatient = createExchange(undefined, 60);
const IMPATIENT = {
  webhook: createWebhook(undefined, 60),
  wecom: createWecom(impatient),
  dingtalk: createDingtalk(impatient),
  feishu: createFeishu(impatient),
  sms: createSms(impatient),
} as unknown as Record<Kind, Send>;

const channelAt = (kind: Kind, url: string): Channel =>
  ({
    webhook: { kind, url },
    wecom: { kind, url: `${url}/cgi-bin/webhook/send`, token: 'robot-key' },
    dingtalk: { kind, url: `${url}/robot/send`, token: 'robot-token', secret: 'SECret' },
    feishu: { kind, url: `${url}/open-apis/bot/v2/hook`, token: 'robot-token', secret: 'secret' },
    sms: {
      kind,
      url: `${url}/send`,
      method: 'POST',
      to: '13800000000',
      body: '{"mobile":"{{to}}","text":"{{text}}"}',
      answer: { path: 'result.code', sent: ['0'], refused: ['bad-number'] },
    },
  })[kind] as Channel;

async function ask(kind: Kind, reply: Reply, senders = SENDERS): Promise<Sent> {
  const { url } = await openRecipient(reply);
  return senders[kind](channelAt(kind, url), noticeOf('raised'), channelPorts());
}

const NOW = 'failed-for-now';
const GOOD = 'failed-for-good';
/** What says "sent" in each platform's own words. */
const FINE: Record<Kind, unknown> = {
  webhook: '<html>rubbish',
  wecom: { errcode: 0, errmsg: 'ok' },
  dingtalk: { errcode: 0, errmsg: 'ok' },
  feishu: { code: 0, msg: 'success', data: {} },
  sms: { result: { code: 0 } },
};
const KINDS = Object.keys(FINE) as Kind[];

describe('what every channel over HTTP makes of', () => {
  const table: [name: string, reply: (kind: Kind) => Reply, expected: (kind: Kind) => Outcome][] = [
    ['its own way to say yes', (kind) => answering(200, FINE[kind]), () => 'sent'],
    // A webhook's receiver may write what it likes; a platform that doesn't answer as it does wasn't reached.
    ['200 with rubbish', () => answering(200, '<html>rubbish'), (kind) => (kind === 'webhook' ? 'sent' : NOW)],
    ['200 with JSON of another kind', () => answering(200, '[1]'), (kind) => (kind === 'webhook' ? 'sent' : NOW)],
    ['301', () => answering(301, '', { location: 'http://127.0.0.1:1/' }), () => GOOD],
    ['400', () => answering(400), () => GOOD],
    ['401', () => answering(401), () => GOOD],
    ['403', () => answering(403), () => GOOD],
    ['404', () => answering(404), () => GOOD],
    ['408', () => answering(408), () => NOW],
    ['413', () => answering(413), () => GOOD],
    ['429', () => answering(429, '', { 'retry-after': '7' }), () => NOW],
    ['500', () => answering(500), () => NOW],
    ['502 with a page', () => answering(502, '<html>bad gateway'), () => NOW],
    ['503', () => answering(503), () => NOW],
    ['a connection that breaks', () => (response) => response.destroy(), () => NOW],
  ];
  for (const [name, reply, expected] of table) {
    it.each(KINDS)(`${name}: %s`, async (kind) => {
      expect((await ask(kind, reply(kind))).outcome).toBe(expected(kind));
    });
  }

  it.each(KINDS)('an answer that never comes: %s', async (kind) => {
    const sent = await ask(kind, () => {}, IMPATIENT);
    expect([sent.outcome, sent.status]).toEqual([NOW, expect.stringContaining('no answer within 60 ms')]);
  });

  it.each(KINDS.filter((kind) => kind !== 'webhook'))('an answer that never ends: %s', async (kind) => {
    const sent = await ask(kind, (response) => {
      response.writeHead(200);
      const pour = () => {
        while (response.write(Buffer.alloc(65_536, 'x'))) if (response.destroyed) return;
      };
      response.on('drain', pour).on('error', () => {});
      pour();
    });
    expect(sent.outcome).toBe(NOW);
  });

  it.each(KINDS)('429 with Retry-After: %s waits as it is told', async (kind) => {
    expect(await ask(kind, answering(429, '', { 'retry-after': '7' }))).toMatchObject({ retryAfterMs: 7000 });
  });

  it.each(KINDS)('nobody who listens: %s', async (kind) => {
    const sent = await SENDERS[kind](channelAt(kind, 'http://127.0.0.1:1'), noticeOf('raised'), channelPorts());
    expect([sent.outcome, sent.status]).toEqual([NOW, expect.stringContaining('ECONNREFUSED')]);
  });

  it.each(KINDS)('a private address, by its number and by a name that leads there: %s', async (kind) => {
    const { url, asked } = await openRecipient(answering(200, FINE[kind]));
    const closed = channelPorts({ policy: { allow: [], allowLoopback: false } });
    for (const address of [url, url.replace('127.0.0.1', 'localhost'), 'http://169.254.169.254']) {
      const sent = await SENDERS[kind](channelAt(kind, address), noticeOf('raised'), closed);
      expect([sent.outcome, sent.status]).toEqual([GOOD, expect.stringContaining('channel.address-refused')]);
    }
    expect(asked).toEqual([]);
  });
});

describe('codes that come with status 200', () => {
  const codes: [Kind, unknown, Outcome, Partial<Sent>?][] = [
    ['wecom', { errcode: 93000, errmsg: 'invalid webhook url' }, GOOD],
    ['wecom', { errcode: 45009, errmsg: 'api freq out of limit' }, NOW, { holdMs: 60_000, retryAfterMs: 60_000 }],
    ['wecom', { errcode: 45002, errmsg: 'content size out of limit' }, GOOD],
    ['wecom', { errcode: -1, errmsg: 'system busy' }, NOW],
    ['dingtalk', { errcode: 310000, errmsg: 'sign not match' }, GOOD],
    ['dingtalk', { errcode: 300001, errmsg: 'token is not exist' }, GOOD],
    ['dingtalk', { errcode: 400102, errmsg: '机器人已停用' }, GOOD],
    ['dingtalk', { errcode: 130101, errmsg: 'send too fast' }, NOW, { holdMs: 600_000 }],
    ['dingtalk', { errcode: 410100, errmsg: '发送速度太快而限流' }, NOW, { holdMs: 600_000 }],
    ['dingtalk', { errcode: -1, errmsg: '系统繁忙' }, NOW],
    ['feishu', { code: 19021, msg: 'sign match fail or timestamp is not within one hour from current time' }, GOOD],
    ['feishu', { code: 19001, msg: 'param invalid: incoming webhook access token invalid' }, GOOD],
    ['feishu', { code: 19024, msg: 'Key Words Not Found' }, GOOD],
    ['feishu', { code: 11232, msg: 'frequency limited' }, NOW, { holdMs: 2000 }],
    ['feishu', { code: 77777, msg: 'nobody knows' }, NOW],
    ['sms', { result: { code: '0' } }, 'sent'],
    ['sms', { result: { code: 'bad-number' } }, GOOD],
    ['sms', { result: { code: 'busy' } }, NOW],
    ['sms', { result: {} }, NOW],
    ['sms', { code: 0 }, NOW],
  ];
  it.each(codes)('%s %j: %s', async (kind, body, outcome, more = {}) => {
    expect(await ask(kind, answering(200, body))).toMatchObject({ outcome, ...more });
  });

  it('Feishu says them with 400 and 429, too', async () => {
    expect((await ask('feishu', answering(400, { code: 9499, msg: 'Bad Request' }))).outcome).toBe(GOOD);
    expect(
      await ask('feishu', answering(429, { code: 99991400, msg: 'request trigger frequency limit' })),
    ).toMatchObject({
      outcome: NOW,
      holdMs: 1000,
    });
  });

  it('say what the platform said, and nothing of ours', async () => {
    const sent = await ask('dingtalk', answering(200, { errcode: 300001, errmsg: 'token is not exist' }));
    expect(sent.status).toBe('errcode 300001: token is not exist');
    const long = await ask('wecom', answering(200, { errcode: 1, errmsg: 'x'.repeat(5000) }));
    expect(long.status.length).toBeLessThanOrEqual(200);
  });
});

describe('requests of the robots', () => {
  async function asked(kind: Kind, over: object = {}, notice = noticeOf('raised')) {
    const { url, asked: all } = await openRecipient(answering(200, FINE[kind]));
    const sent = await SENDERS[kind]({ ...channelAt(kind, url), ...over } as Channel, notice, channelPorts());
    expect(sent.outcome).toBe('sent');
    const [one] = all;
    return { ...one!, query: new URL(one!.path, url).searchParams, json: JSON.parse(one!.body) };
  }

  it('WeCom: markdown, the key in the query', async () => {
    const { method, path, headers, json } = await asked('wecom');
    expect([method, path, headers['content-type']]).toEqual([
      'POST',
      '/cgi-bin/webhook/send?key=robot-key',
      'application/json; charset=utf-8',
    ]);
    expect(Object.keys(json)).toEqual(['msgtype', 'markdown']);
    expect(json.msgtype).toBe('markdown');
    expect(json.markdown.content).toContain('神定河口');
  });

  it('WeCom: never more than 4096 bytes, and says how much it left out', async () => {
    const many = Array.from({ length: 400 }, (_, n) => ({
      event: 'raised' as const,
      alarm: ammonia({ id: `a-${n}` }),
    }));
    const { json } = await asked('wecom', {}, summaryOf(many));
    expect(Buffer.byteLength(json.markdown.content)).toBeLessThanOrEqual(4096);
    const listed = json.markdown.content.split('\n').filter((line: string) => line.startsWith('· ')).length;
    expect(json.markdown.content).toContain(`另有 ${400 - listed} 条未列出`);
  });

  it('DingTalk: the signature over milliseconds, the secret as the key', async () => {
    const { path, query, json } = await asked('dingtalk');
    const sign = createHmac('sha256', 'SECret').update(`${NOW_MS}\nSECret`).digest('base64');
    expect(Object.fromEntries(query)).toEqual({ access_token: 'robot-token', timestamp: String(NOW_MS), sign });
    // Base64's + and / would be something else in a query.
    expect(path).toContain(`sign=${encodeURIComponent(sign)}`);
    expect(json).toMatchObject({ msgtype: 'markdown', markdown: { title: expect.stringContaining('守井人') } });
    expect(json.markdown.text).toContain('  \n');
    const plain = await asked('dingtalk', { secret: undefined });
    expect([...plain.query.keys()]).toEqual(['access_token']);
  });

  it('Feishu: the signature over seconds, of nothing, the text as the key', async () => {
    const { path, json } = await asked('feishu');
    const seconds = Math.floor(NOW_MS / 1000);
    expect(path).toBe('/open-apis/bot/v2/hook/robot-token');
    expect(json).toMatchObject({
      timestamp: String(seconds),
      sign: createHmac('sha256', `${seconds}\nsecret`).update('').digest('base64'),
      msg_type: 'post',
    });
    const { title, content } = json.content.post.zh_cn;
    expect(title).toContain('守井人');
    expect(content.flat().map(({ tag }: { tag: string }) => tag)).toContain('a');
    const english = await asked('feishu', { secret: undefined, language: 'en' });
    expect(Object.keys(english.json)).toEqual(['msg_type', 'content']);
    expect(english.json.content.post.en_us.title).toContain('Wellkeeper');
  });

  it('have signatures of known values', () => {
    // Computed with OpenSSL: printf '1599360473\nsecret' as the key over nothing; '1577262236757\nthis is secret'.
    expect(feishuSign('secret', 1_599_360_473)).toBe('q4jswNiMy51J5JuQV566yJat0/lQ/c+22kINzUgKsGU=');
    expect(dingtalkSign('this is secret', 1_577_262_236_757)).toBe('hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=');
  });

  it.each(['wecom', 'dingtalk', 'feishu'] as const)(
    '%s without a token fails for good, and asks nobody',
    async (kind) => {
      const { url, asked: all } = await openRecipient(answering(200, FINE[kind]));
      const channel = { ...channelAt(kind, url), token: undefined } as unknown as Channel;
      expect(await SENDERS[kind](channel, noticeOf('raised'), channelPorts())).toEqual({
        outcome: GOOD,
        status: 'the channel has no token',
      });
      expect(all).toEqual([]);
    },
  );
});
