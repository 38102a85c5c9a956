/**
 * What the group robots of WeCom, DingTalk and Feishu have in common: JSON in a POST, and an answer whose HTTP status
 * says little. They answer 200 and put what happened into a code.
 */

import type { Notice } from '#alerts/telling/notice.ts';
import type { Channel } from '#model/register.ts';
import { composeMessage, type Message } from '../templates/message.ts';
import type { ChannelPorts, Sent } from './channel.ts';
import { byStatus, type Exchange, type HttpAnswer, outcomeOf } from './http.ts';

/** How a platform says what happened. */
export interface RobotCodes {
  /** The member that holds the code, and the one that holds its text. */
  code: string;
  text: string;
  /** Codes that another attempt can't change: a wrong token, a wrong signature, a robot that is gone. */
  never: ReadonlySet<number>;
  /** Rate limits, and how long the platform then wants the whole robot to be silent. */
  limitMs: ReadonlyMap<number, number>;
}

const STATUS_MAX = 200;

/**
 * A code that no table knows is tried again: a notice that is sent too late is better than one that is dropped, and the
 * fallback or a week ends it. So is an answer that isn't the platform's: a proxy's page with status 200.
 */
function robotSent(answer: HttpAnswer, { code: codeName, text: textName, never, limitMs }: RobotCodes): Sent {
  const body = parsed(answer.text);
  const code = body?.[codeName];
  if (typeof code !== 'number') {
    const isGood = outcomeOf(answer.status) === 'sent';
    return isGood ? { outcome: 'failed-for-now', status: `${answer.status} without ${codeName}` } : byStatus(answer);
  }
  if (code === 0) return { outcome: 'sent', status: `${codeName} 0` };
  const told = typeof body?.[textName] === 'string' ? `: ${body[textName]}` : '';
  const status = `${codeName} ${code}${told}`.slice(0, STATUS_MAX);
  const holdMs = limitMs.get(code) ?? (answer.status === 429 ? (answer.retryAfterMs ?? 1000) : undefined);
  if (holdMs !== undefined) return { outcome: 'failed-for-now', status, retryAfterMs: holdMs, holdMs };
  return { outcome: never.has(code) ? 'failed-for-good' : 'failed-for-now', status };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const body = JSON.parse(text) as unknown;
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The notice as text in the channel's language; operators on the canal read Chinese. */
export function messageFor(
  { language = 'zh' }: Pick<Channel, 'language'>,
  notice: Notice,
  ports: ChannelPorts,
): Message {
  return composeMessage(notice, language, ports.names);
}

/** Posts JSON to a robot and judges its answer; a robot without a token is a matter for whoever keeps the register. */
export async function askRobot(
  { url, body, codes, ask }: { url: URL | null; body: object; codes: RobotCodes; ask: Exchange },
  ports: ChannelPorts,
): Promise<Sent> {
  if (url === null) return { outcome: 'failed-for-good', status: 'the channel has no token' };
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  const call = { url, method: 'POST', headers, body: JSON.stringify(body), wantsText: true };
  const exchanged = await ask(call, ports);
  return 'failed' in exchanged ? exchanged.failed : robotSent(exchanged.answer, codes);
}
