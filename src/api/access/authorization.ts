/**
 * Who asks, and whether they may: bearer tokens, session cookies and gateways' passwords. Each route says what it
 * demands in its `config`; one that says nothing can't be registered (server.ts).
 */
import type { FastifyRequest } from 'fastify';
import type { ApiDeps } from '#api/deps.ts';
import { Problem } from '#api/problems.ts';
import { isSigned, type Pushed } from '#api/readings/platform-push.ts';
import { ROLES, type Role } from '#model/register.ts';
import { createLogInLimit, hashToken } from '#setting/secrets.ts';
import type { Caller } from './caller.ts';
import { SESSION_COOKIE, type Sessions } from './sessions.ts';
import type { TokenHolder } from './tokens.ts';

export type Access = 'public' | Role;

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
    /** A gateway with its own password may, too. */
    gateways?: boolean;
    /**
     * An IoT platform may, too, for the gateway that `?gateway=` names: with its password as a bearer, or by a signature
     * over its `identity.pushSecret`. That may be in the body: the handler checks it (`pushCaller`).
     */
    pushes?: boolean;
    /** So may anyone on this machine, unless a proxy passed it on. */
    loopback?: boolean;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

const CHALLENGE = { 'www-authenticate': 'Bearer realm="wellkeeper"' };
const GATEWAY_CHALLENGE = {
  'www-authenticate': 'Bearer realm="wellkeeper", Basic realm="wellkeeper", charset="UTF-8"',
};
const LOG_IN_RETRY_S = 60;
/** Requests of one address in a minute that are told to show a credential (401); what shows a good one isn't counted. */
const REFUSALS_PER_MINUTE = 300;
const KNOWN_MAX = 10_000;

export interface Credentials {
  /** The hook: sets `request.caller` or throws the Problem that refuses. */
  check(request: FastifyRequest): Promise<void>;
  /** For `POST /session`: the holder of a token, under the limit on failed log-ins. */
  logIn(token: string, address: string): TokenHolder;
}

export function createCredentials(deps: ApiDeps, sessions: Sessions): Credentials {
  const logIn = tokenLogIn(deps);
  const refusals = createLogInLimit(deps.clock, REFUSALS_PER_MINUTE, (address) =>
    deps.crowded('refusal.address', address),
  );

  /** What a request without a good credential is answered with: 401, and 429 when there have been too many. */
  function refusal(address: string, problem: Problem): Problem {
    if (!refusals.allows(address)) {
      return new Problem('rate.limited', 'Too many requests without a credential from this address.', {
        headers: { 'retry-after': String(LOG_IN_RETRY_S) },
      });
    }
    refusals.failed(address);
    return problem;
  }

  function bearer(token: string, address: string): Caller {
    const key = hashToken(token);
    const holder = logIn(token, address);
    return { kind: 'user', key, ...holder, by: 'bearer', isCurrent: () => isStill(key, holder.role) };
  }

  const isStill = (key: string, role: Role) => deps.tokens.holderOfHash(key)?.role === role;

  function session(cookie: string): Caller | null {
    const key = sessions.tokenHash(cookie);
    const holder = key === undefined ? undefined : deps.tokens.holderOfHash(key);
    if (key === undefined || !holder) return null;
    const isCurrent = () => sessions.tokenHash(cookie) === key && isStill(key, holder.role);
    return { kind: 'user', key, ...holder, by: 'cookie', isCurrent };
  }

  async function identify(request: FastifyRequest): Promise<Caller | null> {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      const cookie = request.cookies[SESSION_COOKIE];
      return cookie === undefined ? null : session(cookie);
    }
    const [, scheme = '', value = ''] = /^(\S+) +(\S+) *$/.exec(authorization) ?? [];
    const pushed = pushedGateway(request);
    if (scheme.toLowerCase() === 'bearer' && pushed !== null && !deps.tokens.holder(value))
      return gatewayLogIn(deps, pushed, value, request.ip);
    if (scheme.toLowerCase() === 'bearer') return bearer(value, request.ip);
    if (scheme.toLowerCase() === 'basic') return basicLogIn(deps, value, request.ip);
    const detail = 'Authorization is "Bearer TOKEN" or "Basic GATEWAY:PASSWORD".';
    throw refusal(request.ip, new Problem('token.invalid', detail, { headers: CHALLENGE }));
  }

  return {
    logIn,
    async check(request) {
      const { access, gateways, loopback } = request.routeOptions.config;
      // No access on a matched route can't be (known-routes.ts sees to that): this is the handler of unknown routes.
      if (access === 'public' || access === undefined) return;
      if (loopback && isLoopback(request)) return;
      request.caller = await identify(request);
      const pushed = pushedGateway(request);
      if (pushed !== null && request.caller) checkPusher(request.caller, pushed);
      if (!request.caller) {
        if (pushed !== null && deps.control.get('gateway', pushed)?.identity?.pushSecret !== undefined) return;
        const headers = gateways ? GATEWAY_CHALLENGE : CHALLENGE;
        throw refusal(request.ip, new Problem('token.missing', 'This needs a credential.', { headers }));
      }
      authorize(request.caller, access, gateways === true);
      if (request.caller?.kind === 'user' && request.caller.by === 'cookie')
        checkOrigin(request, deps.config.publicUrl);
    },
  };
}

/** Looks tokens up, under the limit on failed log-ins an address. */
function tokenLogIn({ tokens, logIns }: ApiDeps): Credentials['logIn'] {
  // What was right before from the same address: one misconfigured client must not lock out its neighbours.
  const known = new Set<string>();
  return (token, address) => {
    const key = `${address} ${hashToken(token)}`;
    if (!known.has(key) && !logIns.allows(address)) throw tooManyFailures();
    const holder = tokens.holder(token);
    known.delete(key);
    if (!holder) {
      logIns.failed(address);
      throw new Problem('token.invalid', 'The token is not valid.', { headers: CHALLENGE });
    }
    if (known.size >= KNOWN_MAX) known.delete(known.values().next().value!);
    known.add(key);
    return holder;
  };
}

function basicLogIn(deps: ApiDeps, encoded: string, address: string): Promise<Caller> {
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return gatewayLogIn(deps, decoded.slice(0, Math.max(0, colon)), decoded.slice(colon + 1), address);
}

async function gatewayLogIn(
  { control, verifier, logIns }: ApiDeps,
  id: string,
  password: string,
  address: string,
): Promise<Caller> {
  const stored = control.get('gateway', id)?.passwordHash;
  if (!verifier.knows(password, stored) && !logIns.allows(address)) throw tooManyFailures();
  const matches = await verifier.verify(password, stored);
  // It may have been rotated or deleted while it was being verified.
  const gateway = control.get('gateway', id);
  if (matches && gateway && gateway.passwordHash === stored) {
    const isCurrent = () => control.get('gateway', id)?.passwordHash === stored;
    return { kind: 'gateway', key: `gateway ${id}`, id, stations: new Set(gateway.stations), isCurrent };
  }
  logIns.failed(address);
  throw new Problem('token.invalid', 'The gateway or its password is not valid.', { headers: GATEWAY_CHALLENGE });
}

/** Of a route that platforms push to, the gateway that the address names; null for none. */
function pushedGateway(request: FastifyRequest): string | null {
  const { gateway } = request.query as { gateway?: unknown };
  return request.routeOptions.config.pushes && typeof gateway === 'string' ? gateway : null;
}

function checkPusher(caller: Caller, gateway: string): void {
  if (caller.kind === 'gateway' && caller.id === gateway) return;
  throw new Problem('role.too-low', `Only gateway "${gateway}" itself sends as gateway "${gateway}".`);
}

/**
 * Who pushes, of a request that was let through for the sake of a signature.
 * @throws Problem `token.invalid`, and `rate.limited` where there were too many failed ones.
 */
export function pushCaller(
  { control, logIns, clock }: Pick<ApiDeps, 'control' | 'logIns' | 'clock'>,
  id: string,
  pushed: Pushed,
  address: string,
): Caller {
  const gateway = control.get('gateway', id);
  const secret = gateway?.identity?.pushSecret ?? null;
  if (!logIns.allows(address)) throw tooManyFailures();
  if (!gateway || !isSigned(secret, pushed, clock.nowMs())) {
    logIns.failed(address);
    throw new Problem('token.invalid', 'The signature is not one over `identity.pushSecret` of this gateway.', {
      headers: GATEWAY_CHALLENGE,
    });
  }
  const isCurrent = () => control.get('gateway', id)?.identity?.pushSecret === secret;
  return { kind: 'gateway', key: `gateway ${id}`, id, stations: new Set(gateway.stations), isCurrent };
}

function tooManyFailures(): Problem {
  return new Problem('rate.limited', 'Too many failed log-ins from this address.', {
    headers: { 'retry-after': String(LOG_IN_RETRY_S) },
  });
}

function authorize(caller: Caller, access: Role, gateways: boolean): void {
  if (caller.kind === 'gateway') {
    if (!gateways) throw new Problem('role.too-low', 'A gateway may not do this.');
  } else if (ROLES.indexOf(caller.role) < ROLES.indexOf(access)) {
    throw new Problem('role.too-low', `This needs the role ${access}; ${caller.name} is ${caller.role}.`);
  }
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A change by cookie must come from our own pages. Host is the one of the request, which another site's page can't
 * choose; behind a proxy that rewrites it, WK_PUBLIC_URL says what it is.
 */
export function checkOrigin(request: FastifyRequest, publicUrl: string | null): void {
  if (SAFE.has(request.method)) return;
  const { origin } = request.headers;
  const own = publicUrl !== null && origin === new URL(publicUrl).origin;
  if (own || (origin !== undefined && hostOf(origin) === request.headers.host)) return;
  throw new Problem('origin.refused', `A change by cookie needs this service's own Origin, not ${origin ?? 'none'}.`);
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

/** What proxies say of whom they speak for (RFC 7239, RFC 9110 §7.6.3, and the customs of nginx, Envoy and the clouds). */
const PASSED_ON = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'true-client-ip',
  'cf-connecting-ip',
];

function isLoopback(request: FastifyRequest): boolean {
  const address = request.socket.remoteAddress ?? '';
  const isPassedOn = PASSED_ON.some((name) => request.headers[name] !== undefined);
  return /^(127\.|::1$|::ffff:127\.)/.test(address) && !isPassedOn;
}
