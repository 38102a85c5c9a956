/**
 * Channel `wecom`: a WeCom (企业微信) group robot. POST https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=KEY with
 * `{ "msgtype": "markdown", "markdown": { "content" } }`, the content at most 4096 bytes of UTF-8, at most 20 messages
 * a minute a robot; the answer `{ "errcode": 0, "errmsg": "ok" }`. There is no signature: the key is the password.
 * Source: developer.work.weixin.qq.com/document/path/91770 (群机器人配置说明), /90313 (全局错误码).
 */
import { fitted, markdown } from '../templates/render.ts';
import type { SendOf } from './channel.ts';
import { type Exchange, exchange } from './http.ts';
import { askRobot, messageFor, type RobotCodes } from './robot.ts';

const ADDRESS = 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send';
const CONTENT_MAX_BYTES = 4096;

const WECOM_CODES: RobotCodes = {
  code: 'errcode',
  text: 'errmsg',
  // 93000 the key is no robot's, 93004 disabled, 93008 not in the group; 40008, 40058, 44004, 45002: our content.
  never: new Set([93000, 93004, 93008, 40001, 40008, 40014, 40058, 44004, 45002]),
  // 45009 too many calls a minute, 45033 too many at once.
  limitMs: new Map([
    [45009, 60_000],
    [45033, 2_000],
  ]),
};

export function createWecom(ask: Exchange): SendOf<'wecom'> {
  return async (channel, notice, ports) => {
    const content = fitted(messageFor(channel, notice, ports), CONTENT_MAX_BYTES, (message) => markdown(message, '\n'));
    const { token, url: base = ADDRESS } = channel;
    const url = token === undefined ? null : new URL(`${base}?key=${encodeURIComponent(token)}`);
    return askRobot({ url, body: { msgtype: 'markdown', markdown: { content } }, codes: WECOM_CODES, ask }, ports);
  };
}

export const sendToWecom: SendOf<'wecom'> = createWecom(exchange);
