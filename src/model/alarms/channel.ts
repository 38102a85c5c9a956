/**
 * A channel's register entry: where notices go, and how. One schema per kind; what all kinds share is how often, in
 * which language, and who stands in. `secret` and `token` are never shown again (src/api/registers/registers.ts), so a body may
 * lack them: what is kept is then taken over.
 */
import { z } from 'zod';
import { id, text } from '#model/fields.ts';
import { takesSecret, unknownPlaceholder } from './placeholders.ts';

const CHANNEL_KINDS = ['webhook', 'mqtt', 'log', 'email', 'wecom', 'dingtalk', 'feishu', 'sms'] as const;

/** Notices a minute when `perMinute` doesn't say: below what the platforms allow, so that their clock may differ. */
export const PER_MINUTE: Readonly<Record<(typeof CHANNEL_KINDS)[number], number>> = {
  webhook: 6000,
  mqtt: 6000,
  log: 6000,
  email: 30,
  wecom: 18,
  dingtalk: 18,
  feishu: 60,
  sms: 10,
};
/** Attempts before the fallback takes over when `fallbackAfter` doesn't say: about four minutes of back-off. */
export const FALLBACK_AFTER = 8;
/** One notice goes to at most so many addresses or numbers. */
const RECIPIENTS_MAX = 50;

const shared = {
  language: z.enum(['zh', 'en']).optional(),
  /** Notices a minute at most; what is beyond goes together in one summary. */
  perMinute: z.int().min(1).max(60_000).optional(),
  /** The channel that takes over what this one can't tell anybody. */
  fallback: id.optional(),
  fallbackAfter: z.int().min(1).max(100).optional(),
};
const http = z.url({ protocol: /^https?$/ });
const secret = z.string().min(1).max(500).optional();
const robotToken = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,200}$/, 'the key or token alone, without the address around it')
  .optional();
/** Another place of the same API. The token has a field of its own, or it would be shown with the address. */
const robotUrl = http
  .refine((url) => !/[?#]/.test(url), 'the address without its query: the key or access_token goes into `token`')
  .optional();

/** Whether a channel has a recipient: the service's own log has none. */
export function isHeard({ kind }: { kind: (typeof CHANNEL_KINDS)[number] }): boolean {
  return kind !== 'log';
}

/** `a@b.org, c@d.org` as its parts. */
export function recipientsOf(to: string): string[] {
  return [
    ...new Set(
      to
        .split(/[,;\s]+/)
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  ];
}

function listOf(part: z.ZodType<string>, what: string) {
  return z
    .string()
    .min(1)
    .max(5000)
    .refine((list) => recipientsOf(list).length > 0, `at least one ${what}`)
    .refine((list) => recipientsOf(list).length <= RECIPIENTS_MAX, `at most ${RECIPIENTS_MAX}`)
    .refine((list) => recipientsOf(list).every((one) => part.safeParse(one).success), `${what}s, separated by commas`);
}

/** The contracts give these three any of url, secret and to; each uses what it knows. */
const anyAddress = { url: http.optional(), secret, to: text.optional() };

const email = z
  .strictObject({
    kind: z.literal('email'),
    ...shared,
    /** `smtp://host:587` begins in the clear and turns to TLS, `smtps://host:465` is TLS from the start. */
    url: z.url({ protocol: /^smtps?$/ }),
    user: text.optional(),
    /** The account's password. */
    secret,
    from: z.email(),
    to: listOf(z.email(), 'address'),
    /** Whether STARTTLS must be had. `never` is for a relay on the same machine. */
    tls: z.enum(['required', 'if-offered', 'never']).default('required'),
    /** PEM of the authority that signed the server's certificate, when it is none of the public ones. */
    ca: z.string().startsWith('-----BEGIN CERTIFICATE-----').max(20_000).optional(),
  })
  .refine(({ url }) => !hasUserInfo(url), { path: ['url'], message: 'name and password go into `user` and `secret`' })
  .refine(({ url, user, tls }) => user === undefined || url.startsWith('smtps:') || tls === 'required', {
    path: ['tls'],
    message: 'a password is only sent where TLS is required',
  });

/** Where a template stands decides how values are escaped, so the host, which nothing may change, has none. */
const template = (max: number) =>
  z
    .string()
    .max(max)
    .superRefine((written, context) => {
      const unknown = unknownPlaceholder(written);
      if (unknown !== null) context.addIssue({ code: 'custom', message: `there is no placeholder {{${unknown}}}` });
    });

/** Headers that carry credentials: a value written out would be shown to whoever may read the register. */
const CREDENTIAL_HEADER = /auth|cookie|key|token|secret|password|signature/i;
const FORBIDDEN_HEADER = /^(host|content-length|transfer-encoding|connection|upgrade|expect|te|trailer)$/i;

const sms = z
  .strictObject({
    kind: z.literal('sms'),
    ...shared,
    url: template(2000).refine(isTemplateUrl, 'an http or https address without placeholders in its host'),
    method: z.enum(['POST', 'GET', 'PUT']).default('POST'),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/), template(1000).regex(/^[\x20-\x7e]*$/, 'printable ASCII'))
      .optional(),
    /** Its `content-type` header says how values are escaped; without one it is JSON. */
    body: template(5000).optional(),
    user: text.optional(),
    secret,
    token: secret,
    /** Telephone numbers; one request each. */
    to: listOf(z.string().regex(/^\+?\d{3,20}$/), 'telephone number'),
    /** What the gateway says in a JSON answer. Without it the HTTP status alone decides. */
    answer: z
      .strictObject({
        /** Where the code stands: `result.code`. */
        path: z.string().regex(/^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$/),
        /** Codes that mean sent, as they are written in the answer. */
        sent: z.array(text).min(1).max(50),
        /** Codes that mean never; every other one is tried again. */
        refused: z.array(text).max(200).default([]),
      })
      .optional(),
  })
  .superRefine(({ headers = {}, method, body, url }, context) => {
    for (const [name, value] of Object.entries(headers)) {
      const path = ['headers', name];
      if (FORBIDDEN_HEADER.test(name)) context.addIssue({ code: 'custom', path, message: 'is set by HTTP itself' });
      if (CREDENTIAL_HEADER.test(name) && !takesSecret(value)) {
        context.addIssue({ code: 'custom', path, message: 'write {{secret}} or {{token}} and put the value there' });
      }
    }
    if (method === 'GET' && body !== undefined) {
      context.addIssue({ code: 'custom', path: ['body'], message: 'a GET has none' });
    }
    if (![url, body ?? ''].some((part) => part.includes('{{'))) {
      context.addIssue({ code: 'custom', path: ['body'], message: 'says nothing: there is no placeholder' });
    }
  });

function isTemplateUrl(url: string): boolean {
  if (!URL.canParse(url) || !/^https?:\/\//.test(url) || hasUserInfo(url)) return false;
  return !/^https?:\/\/[^/?#]*\{\{/.test(url);
}

function hasUserInfo(url: string): boolean {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
}

const webhook = z.strictObject({ kind: z.literal('webhook'), ...shared, ...anyAddress, url: http });
const mqtt = z.strictObject({ kind: z.literal('mqtt'), ...shared, ...anyAddress });
const log = z.strictObject({ kind: z.literal('log'), ...shared, ...anyAddress });
const wecom = z.strictObject({ kind: z.literal('wecom'), ...shared, token: robotToken, url: robotUrl });
/** `secret` = the key of 加签 (DingTalk) or 签名校验 (Feishu), for robots that ask for a signature. */
const dingtalk = z.strictObject({ kind: z.literal('dingtalk'), ...shared, token: robotToken, secret, url: robotUrl });
const feishu = z.strictObject({ kind: z.literal('feishu'), ...shared, token: robotToken, secret, url: robotUrl });

export const channel = z.discriminatedUnion('kind', [webhook, mqtt, log, email, wecom, dingtalk, feishu, sms]);
/** Every kind with the members that the contracts name (§4), so that they can be asked for without telling kinds apart. */
type WithShared<C> = C extends unknown
  ? C & { [P in Exclude<'url' | 'secret' | 'token' | 'to', keyof C>]?: undefined }
  : never;
export type Channel = WithShared<z.infer<typeof channel>>;
export type ChannelOf<K extends Channel['kind']> = Extract<Channel, { kind: K }>;

/** What a channel can't do without although a body may leave it out; null when nothing is missing. */
export function missingCredential(body: Channel): 'token' | 'secret' | null {
  if ((body.kind === 'wecom' || body.kind === 'dingtalk' || body.kind === 'feishu') && !body.token) return 'token';
  return body.kind === 'email' && body.user !== undefined && !body.secret ? 'secret' : null;
}
