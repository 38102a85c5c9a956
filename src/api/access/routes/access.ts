/** Tokens, sessions, and the audit of what was done with them. */
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import { type Credentials, checkOrigin } from '#api/access/authorization.ts';
import { actorOf, callerOf } from '#api/access/caller.ts';
import { SESSION_COOKIE, SESSION_MS, type Sessions } from '#api/access/sessions.ts';
import { ADMIN_ACTOR } from '#api/access/tokens.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import {
  auditItem,
  sessionBody,
  sessionView,
  tokenBody,
  tokenMade,
  tokenView,
} from '#api/registers/schemas/registers.ts';
import { documented, idParams, LIST_LIMIT, listOf, pageQuery } from '#api/schemas.ts';
import type { Command, CommandEntry } from '#model/entry.ts';
import { IDENTITY_SECRETS } from '#model/protocol.ts';
import { generateSecret, hashToken } from '#setting/secrets.ts';

/** Names that already mean somebody in the audit. */
const RESERVED = new Set([ADMIN_ACTOR, 'seed']);

export function accessRoutes(api: Api, deps: ApiDeps, credentials: Credentials, sessions: Sessions): void {
  tokenReads(api, deps);
  tokenWrites(api, deps);
  sessionRoutes(api, deps, credentials, sessions);
  auditRoute(api, deps);
}

function tokenReads(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/tokens',
    config: { access: 'admin' },
    schema: {
      querystring: pageQuery,
      ...documented({
        tag: 'access',
        summary: 'All tokens by name and role; the tokens themselves are never shown',
        answer: listOf(tokenView),
        faults: ['cursor.invalid'],
      }),
    },
    async handler({ query }) {
      const after = fromCursor(query.cursor, ['string'])?.[0] ?? '';
      const limit = query.limit ?? LIST_LIMIT;
      const entries = deps.control.list('token').filter(({ id }) => id > after);
      const view = ({ id, body: { name, role } }: (typeof entries)[number]) => ({ id, name, role });
      return pageOf(entries, limit, view, ({ id }) => toCursor(id));
    },
  });
}

function tokenWrites(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/tokens',
    config: { access: 'admin' },
    schema: {
      body: tokenBody,
      ...documented({
        tag: 'access',
        summary: 'Makes a token; this answer is the only one that shows it',
        status: 201,
        answer: tokenMade,
        faults: ['state.conflict', 'media.unsupported', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { name, role } = request.body;
      const isTaken = RESERVED.has(name) || deps.control.list('token').some(({ body }) => body.name === name);
      if (isTaken) throw new Problem('state.conflict', `There is a "${name}" already; names stand in the audit.`);
      const token = generateSecret();
      const id = `tk-${randomBytes(6).toString('hex')}`;
      const body = { name, role, hash: hashToken(token) };
      await deps.journal.appendCommand(actorOf(request), { verb: 'put', noun: 'token', id, body });
      return reply.code(201).send({ id, name, role, token });
    },
  });

  api.route({
    method: 'DELETE',
    url: '/tokens/:id',
    config: { access: 'admin' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'access',
        summary: 'Deletes a token and ends its sessions',
        status: 204,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params;
      if (!deps.control.get('token', id)) throw notFound(`token "${id}"`);
      await deps.journal.appendCommand(actorOf(request), { verb: 'delete', noun: 'token', id });
      return reply.code(204).send();
    },
  });
}

function sessionRoutes(api: Api, deps: ApiDeps, credentials: Credentials, sessions: Sessions): void {
  const { publicUrl } = deps.config;
  const cookie = {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: publicUrl?.startsWith('https:') ?? false,
  } as const;

  api.route({
    method: 'POST',
    url: '/session',
    config: { access: 'public' },
    schema: {
      body: sessionBody,
      ...documented({
        tag: 'access',
        summary: 'Opens a browser session: sets a cookie that is worth what the token is worth',
        answer: sessionView,
        faults: ['request.invalid', 'token.invalid', 'origin.refused', 'media.unsupported'],
        isPublic: true,
      }),
    },
    async handler(request, reply) {
      // Another site's page must not log its visitor in here under a token of its own.
      if (request.headers.origin !== undefined) checkOrigin(request, publicUrl);
      const holder = credentials.logIn(request.body.token, request.ip);
      const value = sessions.open(hashToken(request.body.token), holder.name);
      return reply.setCookie(SESSION_COOKIE, value, { ...cookie, maxAge: SESSION_MS / 1000 }).send(holder);
    },
  });

  api.route({
    method: 'GET',
    url: '/session',
    config: { access: 'viewer' },
    schema: documented({ tag: 'access', summary: 'Who is asking, and as what', answer: sessionView }),
    async handler(request) {
      const caller = callerOf(request);
      return caller.kind === 'user' ? { name: caller.name, role: caller.role } : { name: caller.id, role: 'viewer' };
    },
  });

  api.route({
    method: 'DELETE',
    url: '/session',
    config: { access: 'viewer' },
    schema: documented({ tag: 'access', summary: 'Ends the session', status: 204, faults: ['origin.refused'] }),
    async handler(request, reply) {
      const value = request.cookies[SESSION_COOKIE];
      if (value !== undefined) sessions.close(value);
      return reply.clearCookie(SESSION_COOKIE, cookie).code(204).send();
    },
  });
}

function auditRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/audit',
    config: { access: 'admin' },
    schema: {
      querystring: pageQuery,
      ...documented({
        tag: 'access',
        summary: 'Every command with its actor, newest first; never pruned',
        answer: listOf(auditItem),
        faults: ['cursor.invalid'],
      }),
    },
    async handler({ query }) {
      const before = fromCursor(query.cursor, ['number'])?.[0] ?? null;
      const limit = query.limit ?? LIST_LIMIT;
      const { rows, isMore } = deps.reader.commandPage(before, limit);
      return pageOf(rows, limit, auditView, ({ seq }) => toCursor(seq), isMore);
    },
  });
}

function auditView({ seq, receivedMs, actor, command }: CommandEntry): z.infer<typeof auditItem> {
  return {
    seq,
    at: isoText(receivedMs),
    actor,
    verb: command.verb,
    ...('noun' in command ? { noun: command.noun } : {}),
    command: withoutSecrets(command),
  };
}

const SECRETS = new Set(['passwordHash', 'otherHashes', 'hash', 'secret', 'token', ...IDENTITY_SECRETS]);

function withoutSecrets(command: Command): unknown {
  return command.verb === 'put' ? { ...command, body: hidden(command.body) } : command;
}

/** Secrets stand in entries, and in members of them. */
function hidden(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, SECRETS.has(key) ? '[secret]' : hidden(member)]),
  );
}
