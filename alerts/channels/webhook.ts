/**
 * Channel `webhook`: one POST of the notice's JSON (contracts §6), signed when the channel has a secret. The status of
 * the answer is all that counts: what a receiver writes into a 200 is its own affair.
 */
import { createHmac } from 'node:crypto';
import type { Channel } from '#model/register.ts';
import type { Resolve } from './address.ts';
import type { SendOf } from './channel.ts';
import { byStatus, createExchange, type Exchange, exchange } from './http.ts';

/** @returns the value of X-Wellkeeper-Signature: HMAC-SHA256 of the exact bytes of the body, lower-case hex. */
export function signatureOf(secret: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** @param resolve how names become addresses; the system's way, but for tests. */
export function createWebhook(resolve?: Resolve, timeoutMs?: number): SendOf<'webhook'> {
  return webhookOver(createExchange(resolve, timeoutMs));
}

function webhookOver(ask: Exchange): SendOf<'webhook'> {
  return async ({ url, secret }: Extract<Channel, { kind: 'webhook' }>, { id, payload: body }, ports) => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'idempotency-key': id,
      ...(secret === undefined ? {} : { 'x-wellkeeper-signature': signatureOf(secret, body) }),
    };
    const exchanged = await ask({ url: new URL(url), method: 'POST', headers, body, wantsText: false }, ports);
    return 'failed' in exchanged ? exchanged.failed : byStatus(exchanged.answer);
  };
}

export const sendToWebhook: SendOf<'webhook'> = webhookOver(exchange);
