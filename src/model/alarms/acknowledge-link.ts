/**
 * Acknowledgement links: whoever was sent one may take that one alarm over, once and for a while, without logging in.
 * The link is `base64url(claims).base64url(HMAC-SHA256(key, claims))`. Nothing is kept for it: it is used up once its
 * alarm was acknowledged after it was sent, which the journal knows.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** What a link lets its holder do: acknowledge `alarm` as `link:CHANNEL` until `untilMs`. */
export interface LinkClaims {
  alarm: string;
  channel: string;
  /** The notice that carries it. */
  notice: string;
  sentMs: number;
  untilMs: number;
}

/** Without names and with a MAC of 128 bits (RFC 2104 §5): a link is to fit into an SMS. */
const claims = z.tuple([z.string(), z.string(), z.string(), z.number(), z.number()]);
const MAC_BYTES = 16;

/** How long a link is good. */
export const LINK_LIFE_MS = 86_400_000;

/** Keeps keys for different uses of the installation's secret apart. */
const PURPOSE = 'wellkeeper acknowledgement link v1';

export interface LinkSigner {
  /** The same claims give the same text. @returns the part of the address after `/a/`. */
  sign(link: LinkClaims): string;
  /** The claims of a link that was signed with our secret, whatever the time; null for any other text. */
  verify(signed: string): LinkClaims | null;
}

export function createLinkSigner(secret: string): LinkSigner {
  const key = createHmac('sha256', secret).update(PURPOSE).digest();
  const mac = (text: string) => createHmac('sha256', key).update(text).digest().subarray(0, MAC_BYTES);
  return {
    sign({ alarm, channel, notice, sentMs, untilMs }) {
      const body = Buffer.from(JSON.stringify([alarm, channel, notice, sentMs, untilMs])).toString('base64url');
      return `${body}.${mac(body).toString('base64url')}`;
    },
    verify(signed) {
      const [body = '', signature = '', ...rest] = signed.split('.');
      const given = Buffer.from(signature, 'base64url');
      const expected = mac(body);
      if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
      const parts = claims.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
      const [alarm, channel, notice, sentMs, untilMs] = parts;
      return { alarm, channel, notice, sentMs, untilMs };
    },
  };
}
