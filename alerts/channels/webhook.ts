/**
 * Channel `webhook`: one POST of the notice's JSON (contracts §6), signed when the channel has a secret. Redirects are
 * not followed, and the address is judged when the connection is made (address.ts).
 */
import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Channel } from '#model/register.ts';
import type { Notice } from '../notice.ts';
import { AddressRefused, guardedLookup, hostOf, isPermitted, type Resolve } from './address.ts';
import type { ChannelPorts, Outcome, Send, Sent } from './channel.ts';

const TIMEOUT_MS = 10_000;
/** An answer's body tells us nothing; what is longer than this isn't waited for. */
const ANSWER_MAX_BYTES = 65_536;
const RETRY_AFTER_MAX_MS = 3_600_000;

/** Any 2xx is sent; time-outs, too-early, too-many and 5xx are tried again; the rest would answer the same for ever. */
export function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return 'sent';
  if (status === 408 || status === 425 || status === 429 || status >= 500) return 'failed-for-now';
  return 'failed-for-good';
}

/** Retry-After in milliseconds from now (RFC 9110 §10.2.3: seconds or a date), at most an hour; undefined if unusable. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms));
}

/** @returns the value of X-Wellkeeper-Signature: HMAC-SHA256 of the exact bytes of the body, lower-case hex. */
export function signatureOf(secret: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** @param resolve how names become addresses; the system's way, but for tests. */
export function createWebhook(resolve?: Resolve, timeoutMs = TIMEOUT_MS): Send {
  return async (channel, notice, ports) => {
    const url = new URL(channel.url ?? '');
    const hostname = hostOf(url);
    if (isIP(hostname) !== 0 && !isPermitted(hostname, hostname, ports.policy))
      return refused(`${hostname} is private`);
    try {
      return await post(url, channel, notice, ports, resolve, timeoutMs);
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (error instanceof AddressRefused) return refused(error.message);
      const status = cause.name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : (cause.code ?? cause.message);
      return { outcome: 'failed-for-now', status };
    }
  };
}

export const sendToWebhook: Send = createWebhook();

function refused(why: string): Sent {
  return { outcome: 'failed-for-good', status: `channel.address-refused: ${why}` };
}

function post(
  url: URL,
  channel: Channel,
  notice: Notice,
  ports: ChannelPorts,
  resolve: Resolve | undefined,
  timeoutMs: number,
): Promise<Sent> {
  const { payload: body } = notice;
  const timeout = AbortSignal.timeout(timeoutMs);
  const options = {
    method: 'POST',
    signal: AbortSignal.any([ports.signal, timeout]),
    lookup: guardedLookup(ports.policy, resolve),
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'Wellkeeper',
      'idempotency-key': notice.id,
      ...(channel.secret === undefined ? {} : { 'x-wellkeeper-signature': signatureOf(channel.secret, body) }),
    },
  };
  return new Promise((done, failed) => {
    const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
    // An abort by the timer surfaces as a plain AbortError; what people want to know is that nobody answered.
    request.on('error', (error) => failed(timeout.aborted ? timeout.reason : error));
    request.on('response', (response) => {
      discard(response);
      const code = response.statusCode ?? 0;
      const wait = retryAfterMs(response.headers['retry-after'], ports.clock.nowMs());
      done({ outcome: outcomeOf(code), status: String(code), ...(wait === undefined ? {} : { retryAfterMs: wait }) });
    });
    request.end(body);
  });
}

/** Lets the connection be used again, unless the answer goes on and on. An answer that breaks off has been given. */
function discard(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) response.destroy();
  });
  response.on('error', () => response.destroy());
}
