/** GET, PUT and DELETE of a register's entries: one builder for all nouns of registers.ts. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '#api/access/caller.ts';
import { actorOf, callerOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { invalid, notFound } from '#api/problems.ts';
import { REGISTERS, type Register, type RegisterNoun, refuseReserved } from '#api/registers/registers.ts';
import { documented, idParams, LIST_LIMIT, listOf, page } from '#api/schemas.ts';
import type { NounBody } from '#journal/registers.ts';

export function registerRoutes(api: Api, deps: ApiDeps): void {
  addRegister(api, deps, REGISTERS.stations);
  addRegister(api, deps, REGISTERS.meters);
  addRegister(api, deps, REGISTERS.rules);
  addRegister(api, deps, REGISTERS.channels);
  addRegister(api, deps, REGISTERS.statements);
  addRegister(api, deps, REGISTERS.maintenance);
}

function addRegister<N extends RegisterNoun>(api: Api, deps: ApiDeps, register: Register<N>): void {
  readRoutes(api, deps, register);
  if (register.write === null) return;
  putRoute(api, deps, register);
  deleteRoute(api, deps, register);
}

function readRoutes<N extends RegisterNoun>(api: Api, deps: ApiDeps, register: Register<N>): void {
  const { noun, plural, view } = register;
  api.route({
    method: 'GET',
    url: `/${plural}`,
    config: { access: 'viewer' },
    schema: {
      querystring: z.strictObject(page),
      ...documented({
        tag: 'registers',
        summary: `All ${plural}, in the order of their ids`,
        answer: listOf(view),
        faults: ['cursor.invalid'],
      }),
    },
    async handler(request) {
      const { query } = request;
      const after = fromCursor(query.cursor, ['string'])?.[0] ?? '';
      const limit = query.limit ?? LIST_LIMIT;
      const entries = deps.control.list(noun).filter(({ id }) => id > after);
      const caller = callerOf(request);
      return pageOf(
        entries,
        limit,
        (entry) => shown(register, entry, caller, deps.journal.receivedNowMs(), deps),
        ({ id }) => toCursor(id),
      );
    },
  });

  api.route({
    method: 'GET',
    url: `/${plural}/:id`,
    config: { access: 'viewer' },
    schema: {
      params: idParams,
      ...documented({ tag: 'registers', summary: `One ${noun}`, answer: view, faults: ['id.invalid', 'not-found'] }),
    },
    async handler(request) {
      const { id } = request.params;
      const body = deps.control.get(noun, id);
      if (!body) throw notFound(`${noun} "${id}"`);
      return shown(register, { id, body }, callerOf(request), deps.journal.receivedNowMs(), deps);
    },
  });
}

function putRoute<N extends RegisterNoun>(api: Api, deps: ApiDeps, register: Register<N>): void {
  const { noun, plural, body: schema, view, write } = register;
  const dropAdded = async (request: FastifyRequest) => {
    request.body = withoutAdded(request.body, register.added);
  };
  api.route({
    method: 'PUT',
    url: `/${plural}/:id`,
    config: { access: write! },
    preValidation: [dropOwnId, dropAdded],
    schema: {
      params: idParams,
      body: schema,
      ...documented({
        tag: 'registers',
        summary: `Puts a ${noun}: 201 when it is new, 200 when it was there`,
        status: [200, 201],
        answer: view,
        faults: [
          ...(noun === 'rule' ? (['rule.invalid'] as const) : []),
          ...(noun === 'meter' ? (['state.conflict'] as const) : []),
          ...(noun === 'channel' ? (['channel.address-refused'] as const) : []),
          'id.invalid',
          'media.unsupported',
          'message.too-large',
          'journal.full',
          'journal.unwritable',
        ],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params as z.infer<typeof idParams>;
      refuseReserved(noun, id);
      const given = request.body as NounBody[N];
      const before = deps.control.get(noun, id);
      const body = register.merge?.(given, before) ?? given;
      await register.check?.(deps, body, id);
      let put = body;
      const { receivedMs } = await deps.journal.appendCommand(actorOf(request), (nowMs) => {
        put = register.receive?.(deps, body, id, nowMs) ?? body;
        return { verb: 'put', noun, id, body: put };
      });
      const answer = shown(register, { id, body: put }, callerOf(request), receivedMs, deps);
      return reply.code(before === undefined ? 201 : 200).send(answer);
    },
  });
}

function deleteRoute<N extends RegisterNoun>(api: Api, deps: ApiDeps, register: Register<N>): void {
  const { noun, plural, write } = register;
  api.route({
    method: 'DELETE',
    url: `/${plural}/:id`,
    config: { access: write! },
    schema: {
      params: idParams,
      ...documented({
        tag: 'registers',
        summary: `Deletes a ${noun}; what was measured stays`,
        status: 204,
        faults: ['id.invalid', 'not-found', 'state.conflict', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params;
      if (!deps.control.get(noun, id)) throw notFound(`${noun} "${id}"`);
      register.checkDelete?.(deps, id);
      await deps.journal.appendCommand(actorOf(request), { verb: 'delete', noun, id });
      return reply.code(204).send();
    },
  });
}

function shown<N extends RegisterNoun>(
  { show }: Register<N>,
  { id, body }: { id: string; body: NounBody[N] },
  caller: Caller,
  nowMs: number,
  deps: ApiDeps,
): object {
  return { id, ...(show?.(body, caller, nowMs, deps) ?? body) };
}

/** What was read and is put back has what was added when it was shown. */
export function withoutAdded(body: unknown, added: readonly string[] = []): unknown {
  if (typeof body !== 'object' || body === null || !added.some((name) => name in body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !added.includes(name)));
}

/** A body that was read and is put back names its own id; another one's is a mistake. */
export async function dropOwnId(request: FastifyRequest): Promise<void> {
  const { body } = request;
  if (typeof body !== 'object' || body === null || !('id' in body)) return;
  const { id: own, ...rest } = body;
  if (own !== (request.params as { id?: unknown }).id) throw invalid('id', 'is not the id of the path');
  request.body = rest;
}
