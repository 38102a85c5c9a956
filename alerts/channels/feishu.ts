/**
 * Channel `feishu`: a Feishu (飞书) custom group robot. POST https://open.feishu.cn/open-apis/bot/v2/hook/TOKEN with
 * `{ "timestamp", "sign", "msg_type": "post", "content": { "post": { "zh_cn": { "title", "content" } } } }`, at most
 * 20 KB, 100 a minute and 5 a second a robot; the answer `{ "code": 0, "msg": "success" }`.
 * `sign` (签名校验, when the robot asks for it) = base64(HMAC-SHA256(key = `${timestamp}\n${secret}`, of nothing), the
 * timestamp in whole seconds, as text, no more than an hour off.
 * A post is made of tagged pieces, so no name can become markup. Source:
 * open.feishu.cn/document/client-docs/bot-v3/add-custom-bot (自定义机器人使用指南).
 */
import { createHmac } from 'node:crypto';
import type { Message } from '../templates/message.ts';
import { linesOf, oneLine, shortened } from '../templates/render.ts';
import type { SendOf } from './channel.ts';
import { type Exchange, exchange } from './http.ts';
import { askRobot, messageFor, type RobotCodes } from './robot.ts';

const ADDRESS = 'https://open.feishu.cn/open-apis/bot/v2/hook';
/** The whole body may have 20 KB; what stands around the text is a few hundred bytes. */
const POST_MAX_BYTES = 18_000;

const FEISHU_CODES: RobotCodes = {
  code: 'code',
  text: 'msg',
  // 19001 no such token, 19021 signature or clock, 19022 our address isn't on its list, 19024 keyword missing; 19002
  // and 9499: our content.
  never: new Set([19001, 19021, 19022, 19024, 19002, 9499]),
  // 11232: 100 a minute or 5 a second; 11233 likewise for the whole tenant.
  limitMs: new Map([
    [11232, 2_000],
    [11233, 2_000],
  ]),
};

type Piece = { tag: 'text'; text: string } | { tag: 'a'; text: string; href: string };

/** @returns the body's `sign`. */
export function feishuSign(secret: string, timestampSeconds: number): string {
  return createHmac('sha256', `${timestampSeconds}\n${secret}`).digest('base64');
}

function postOf(message: Message): { title: string; content: Piece[][] } {
  const content: Piece[][] = linesOf(message).map((text) => [{ tag: 'text', text: oneLine(text) }]);
  for (const { text, url } of message.links) content.push([{ tag: 'a', text, href: url }]);
  return { title: oneLine(message.title), content };
}

export function createFeishu(ask: Exchange): SendOf<'feishu'> {
  return async (channel, notice, ports) => {
    const whole = messageFor(channel, notice, ports);
    const message = shortened(whole, POST_MAX_BYTES, (short) => JSON.stringify(postOf(short)));
    const { token, secret, url: base = ADDRESS, language = 'zh' } = channel;
    const url = token === undefined ? null : new URL(`${base.replace(/\/$/, '')}/${encodeURIComponent(token)}`);
    const timestamp = Math.floor(ports.clock.nowMs() / 1000);
    const body = {
      ...(secret === undefined ? {} : { timestamp: String(timestamp), sign: feishuSign(secret, timestamp) }),
      msg_type: 'post',
      content: { post: { [language === 'zh' ? 'zh_cn' : 'en_us']: postOf(message) } },
    };
    return askRobot({ url, body, codes: FEISHU_CODES, ask }, ports);
  };
}

export const sendToFeishu: SendOf<'feishu'> = createFeishu(exchange);
