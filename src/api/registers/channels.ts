/** What the register of channels does beyond reading and writing: what is kept, what is shown, what must exist. */

import type { Caller } from '#api/access/caller.ts';
import type { ApiDeps } from '#api/deps.ts';
import type { ProblemError } from '#api/problems.ts';
import { missingCredential } from '#model/alarms/channel.ts';
import type { Channel } from '#model/register.ts';

/**
 * Secrets are never shown, so a body that was read, changed and put back lacks them. Another address, or another kind,
 * gets none of them.
 */
export function keepSecrets(body: Channel, before: Channel | undefined): Channel {
  if (before === undefined || before.kind !== body.kind || before.url !== body.url) return body;
  const { secret = before.secret, token = before.token } = body;
  // The kind is the same, so what the one may have the other may, too.
  return { ...body, ...(secret === undefined ? {} : { secret }), ...(token === undefined ? {} : { token }) } as Channel;
}

/**
 * The address of a webhook may be its password, and a template may hold one: only those who may change them see more
 * than where it leads.
 */
export function shownChannel(channel: Channel, caller: Caller): object {
  const { secret, token, ...body } = channel;
  const isAdmin = caller.kind === 'user' && caller.role === 'admin';
  const hasToken = ['wecom', 'dingtalk', 'feishu', 'sms'].includes(body.kind) ? { hasToken: token !== undefined } : {};
  const shown = { ...body, hasSecret: secret !== undefined, ...hasToken };
  if (isAdmin || body.url === undefined) return shown;
  const { protocol, origin, host } = new URL(body.url);
  const whereTo = { ...shown, url: origin === 'null' ? `${protocol}//${host}` : origin };
  if (body.kind !== 'sms') return whereTo;
  const { headers: _headers, body: _body, ...rest } = whereTo as Partial<Extract<Channel, { kind: 'sms' }>>;
  return rest;
}

export function channelErrors({ control }: ApiDeps, body: Channel, id: string): ProblemError[] {
  const missing = missingCredential(body);
  const errors = missing === null ? [] : [{ path: missing, message: `a channel of kind ${body.kind} needs it` }];
  if (body.fallback === undefined) return errors;
  const chain = [id];
  for (let next: string | undefined = body.fallback; next !== undefined; ) {
    if (chain.includes(next)) return [...errors, { path: 'fallback', message: 'leads back to a channel before it' }];
    const channel: Channel | undefined = control.get('channel', next);
    if (!channel) return [...errors, { path: 'fallback', message: `there is no channel "${next}"` }];
    chain.push(next);
    next = channel.fallback;
  }
  return errors;
}

/** What needs this channel, or null. */
export function userOfChannel({ control }: ApiDeps, id: string): string | null {
  const routes = control.list('routes').flatMap(({ body }) => body);
  if (routes.some(({ channels = [] }) => channels.includes(id))) return 'a route';
  const station = control.list('station').find(({ body: { owner, chiefs = [] } }) => {
    return owner?.channels.includes(id) || chiefs.some(({ channels }) => channels.includes(id));
  });
  if (station) return `station "${station.id}"`;
  const leaning = control.list('channel').find(({ body }) => body.fallback === id);
  return leaning ? `channel "${leaning.id}"` : null;
}
