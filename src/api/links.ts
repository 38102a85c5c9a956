/**
 * Acknowledgement links: whoever was sent one may take that one alarm over, once and for a while, without logging in.
 * The link is `base64url(claims).base64url(HMAC-SHA256(key, claims))`; nothing is kept for it until it is used.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const claims = z.strictObject({ alarm: z.string(), channel: z.string(), untilMs: z.number(), nonce: z.string() });

/** What a link lets its holder do: acknowledge `alarm` as `link:CHANNEL` before `untilMs`. */
export type LinkClaims = z.infer<typeof claims>;

/** Keeps keys for different uses of the installation's secret apart. */
const PURPOSE = 'wellkeeper acknowledgement link v1';

function mac(secret: string, text: string): Buffer {
  return createHmac('sha256', createHmac('sha256', secret).update(PURPOSE).digest()).update(text).digest();
}

/** @returns the part of the address after `/a/`. */
export function signLink(secret: string, link: { alarm: string; channel: string; untilMs: number }): string {
  const body = Buffer.from(JSON.stringify({ ...link, nonce: randomBytes(9).toString('base64url') })).toString(
    'base64url',
  );
  return `${body}.${mac(secret, body).toString('base64url')}`;
}

/** The claims of a link that we signed and that hasn't expired; null for any other text. */
export function verifyLink(secret: string, signed: string, nowMs: number): LinkClaims | null {
  const [body = '', signature = '', ...rest] = signed.split('.');
  const given = Buffer.from(signature, 'base64url');
  const expected = mac(secret, body);
  if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const link = claims.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
  return link.untilMs > nowMs ? link : null;
}

const USED_MAX = 100_000;

/** Which links have been used, until they would have expired anyway; the alarm's own state outlives a restart. */
export function createUsedLinks(): { isUsed(link: LinkClaims): boolean; use(link: LinkClaims, nowMs: number): void } {
  const used = new Map<string, number>();
  return {
    isUsed: ({ nonce }) => used.has(nonce),
    use({ nonce, untilMs }, nowMs) {
      for (const [old, oldUntilMs] of used) {
        if (oldUntilMs > nowMs && used.size < USED_MAX) break;
        used.delete(old);
      }
      used.set(nonce, untilMs);
    },
  };
}
