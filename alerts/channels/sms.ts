/**
 * Channel `sms`: any SMS gateway that takes one HTTP request for one number. The request is a template of the register
 * (model/placeholders.ts); each value is escaped for the place that it is put into, so that a name can't add a member
 * to JSON, a field to a form, a line to a header or a path to a URL.
 */
import { type ChannelOf, recipientsOf } from '#model/alarms/channel.ts';
import { fillIn, type Placeholder } from '#model/alarms/placeholders.ts';
import { placeholderTexts } from '../templates/message.ts';
import { escapeHtml, oneLine } from '../templates/render.ts';
import { overall, type Receipt, type SendOf, type Sent, unsettled } from './channel.ts';
import { byStatus, type Exchange, exchange, type HttpAnswer, type HttpCall, outcomeOf } from './http.ts';

/** A text message may be several parts of 70 characters; nobody reads more. */
const TEXT_MAX = 350;
const STATUS_MAX = 200;

type Sms = ChannelOf<'sms'>;

/** The escape for what a `content-type` says, of any value put inside a string, field or element of it. */
function escapeFor(type: string): (value: string) => string {
  if (/^application\/x-www-form-urlencoded/i.test(type)) return encodeURIComponent;
  if (/[/+]xml/i.test(type)) return escapeHtml;
  if (/^text\/plain/i.test(type)) return (value) => value;
  return (value) => JSON.stringify(value).slice(1, -1);
}

/** @returns the request for one number. */
export function smsCall(channel: Sms, values: Readonly<Record<Placeholder, string>>): HttpCall {
  const { url, method, headers = {}, body } = channel;
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const type = given.find(([name]) => name === 'content-type')?.[1] ?? 'application/json; charset=utf-8';
  const inHeader = (value: string) => oneLine(value).replace(/[^\x20-\x7e]/gu, (other) => encodeURIComponent(other));
  return {
    url: new URL(fillIn(url, values, encodeURIComponent)),
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': type }),
      ...Object.fromEntries(given.map(([name, value]) => [name, fillIn(value, values, inHeader)])),
    },
    body: body === undefined ? null : fillIn(body, values, escapeFor(type)),
    wantsText: channel.answer !== undefined,
  };
}

/** By the code in the answer when the channel says where it stands, else by the status. */
function smsSent(answer: HttpAnswer, said: Sms['answer']): Sent {
  if (said === undefined || outcomeOf(answer.status) !== 'sent') return byStatus(answer);
  const code = memberOf(answer.text, said.path.split('.'));
  if (code === undefined) return { outcome: 'failed-for-now', status: `${answer.status} without ${said.path}` };
  const status = `${said.path} ${code}`.slice(0, STATUS_MAX);
  if (said.sent.includes(code)) return { outcome: 'sent', status };
  return { outcome: said.refused.includes(code) ? 'failed-for-good' : 'failed-for-now', status };
}

function memberOf(text: string, path: readonly string[]): string | undefined {
  try {
    let at = JSON.parse(text) as unknown;
    for (const name of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined;
    return ['string', 'number', 'boolean'].includes(typeof at) ? String(at) : undefined;
  } catch {
    return undefined;
  }
}

export function createSms(ask: Exchange): SendOf<'sms'> {
  return async (channel, notice, ports) => {
    const all = recipientsOf(channel.to);
    const texts = placeholderTexts(notice, channel.language ?? 'zh', ports.names);
    const values = {
      ...texts,
      text: [...oneLine(texts.text)].slice(0, TEXT_MAX).join(''),
      user: channel.user ?? '',
      secret: channel.secret ?? '',
      token: channel.token ?? '',
    };
    const one = async (to: string): Promise<Receipt & Sent> => {
      const exchanged = await ask(smsCall(channel, { ...values, to }), ports);
      return { to, ...('failed' in exchanged ? exchanged.failed : smsSent(exchanged.answer, channel.answer)) };
    };
    const done = await Promise.all(unsettled(all, notice).map(one));
    const waits = done.flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
    const receipts = done.map(({ to, outcome, status }) => ({ to, outcome, status }));
    return {
      ...overall(all, notice.receipts, receipts),
      ...(waits.length === 0 ? {} : { retryAfterMs: Math.max(...waits) }),
    };
  };
}

export const sendToSms: SendOf<'sms'> = createSms(exchange);
