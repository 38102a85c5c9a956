/**
 * Channel `dingtalk`: a DingTalk (钉钉) custom group robot. POST
 * https://oapi.dingtalk.com/robot/send?access_token=TOKEN&timestamp=MS&sign=SIGN with
 * `{ "msgtype": "markdown", "markdown": { "title", "text" } }`; the answer `{ "errcode": 0, "errmsg": "ok" }`. At most
 * 20 messages a minute a robot; beyond them it is silenced for ten minutes.
 * SIGN (加签, when the robot asks for it) = urlencode(base64(HMAC-SHA256(secret, `${timestamp}\n${secret}`))), the
 * timestamp in milliseconds and no more than an hour off.
 * Source: open.dingtalk.com/document/robots/custom-robot-access, /robots/customize-robot-security-settings.
 */
import { createHmac } from 'node:crypto';
import { fitted, markdown, oneLine } from '../templates/render.ts';
import type { SendOf } from './channel.ts';
import { type Exchange, exchange } from './http.ts';
import { askRobot, messageFor, type RobotCodes } from './robot.ts';

const ADDRESS = 'https://oapi.dingtalk.com/robot/send';
/** The platform takes more; nobody reads more in a chat. */
const TEXT_MAX_BYTES = 8000;
const SILENCED_MS = 600_000;

const DINGTALK_CODES: RobotCodes = {
  code: 'errcode',
  text: 'errmsg',
  // 310000: signature, keyword or address of the sender isn't what the robot's security settings ask for. 300001,
  // 400101, 400106: no such token or robot. 400013 group dissolved, 400102 robot disabled. The others: our content.
  never: new Set([
    ...[310000, 300001, 400101, 400106, 400013, 400102],
    ...[400105, 40035, 43004, 430101, 430102, 430103, 430104],
  ]),
  limitMs: new Map([
    [130101, SILENCED_MS],
    [410100, SILENCED_MS],
  ]),
};

/** @returns the value of the query's `sign` before it is encoded for a URL. */
export function dingtalkSign(secret: string, timestampMs: number): string {
  return createHmac('sha256', secret).update(`${timestampMs}\n${secret}`).digest('base64');
}

export function createDingtalk(ask: Exchange): SendOf<'dingtalk'> {
  return async (channel, notice, ports) => {
    const message = messageFor(channel, notice, ports);
    // Two spaces before the end of a line break it; one end alone is a space in DingTalk's Markdown.
    const text = fitted(message, TEXT_MAX_BYTES, (short) => markdown(short, '  \n'));
    const { token, secret, url: base = ADDRESS } = channel;
    const url = token === undefined ? null : new URL(base);
    url?.searchParams.set('access_token', token!);
    if (secret !== undefined) {
      const timestampMs = ports.clock.nowMs();
      url?.searchParams.set('timestamp', String(timestampMs));
      url?.searchParams.set('sign', dingtalkSign(secret, timestampMs));
    }
    const body = { msgtype: 'markdown', markdown: { title: oneLine(message.title), text } };
    return askRobot({ url, body, codes: DINGTALK_CODES, ask }, ports);
  };
}

export const sendToDingtalk: SendOf<'dingtalk'> = createDingtalk(exchange);
