/** Readings over HTTP, and what would become of a payload. Everything goes through the door, as MQTT does. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { pushCaller } from '#api/access/authorization.ts';
import type { Caller } from '#api/access/caller.ts';
import { callerOf, sourceOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import { createIdempotency } from '#api/readings/idempotency.ts';
import { formatSaid, MEDIA_TYPES, type Payload, takePayloads } from '#api/readings/payload.ts';
import { echoOf, type Pushed } from '#api/readings/platform-push.ts';
import { qcView } from '#api/readings/qc-view.ts';
import { decoded, payload as payloadSchema, receipt } from '#api/readings/schemas/readings.ts';
import { documented } from '#api/schemas.ts';
import { inTurns } from '#api/turns.ts';
import { classOf } from '#assess/classify.ts';
import type { Delivery, Receipt } from '#ingest/door.ts';
import { isUsable } from '#model/flag.ts';
import { surfaceWaterStandard } from '#model/reference.ts';
import { type Gateway, id } from '#model/register.ts';

/** What is kept of a payload that is too large (contracts §3). */
const KEPT_BYTES = 4096;

const consumes = MEDIA_TYPES;

/** Platforms put more into the address: what they sign. */
const pushQuery = z.looseObject({ gateway: id.optional().describe('For which gateway a platform pushes') });

export async function readingsInRoutes(api: Api, deps: ApiDeps): Promise<void> {
  takePayloads(api, deps.config.maxMessageBytes);
  postReadings(api, deps);
  getReadings(api, deps);
  postDecode(api, deps);
}

function postReadings(api: Api, deps: ApiDeps): void {
  const idempotency = createIdempotency(deps.clock);
  api.route({
    method: 'POST',
    url: '/readings',
    config: { access: 'engineer', gateways: true, pushes: true },
    schema: {
      querystring: pushQuery,
      // The body's schema documents; the door is what judges it.
      body: payloadSchema,
      consumes,
      ...documented({
        tag: 'readings',
        summary: 'Takes readings as JSON or CSV; the answer means that they are durable',
        description:
          'The MQTT payload, or CSV with the columns `station,time,parameter,value,unit,flag`. JSON, `text/plain` and `application/octet-stream` of a gateway are read as its `protocol`. What can not be taken is quarantined value by value, and the rest is taken. A gateway (`Basic`) writes its own stations; an engineer any. `Idempotency-Key` is honoured for 24 h. With `gateway`, an IoT platform pushes for that gateway: by its `Basic`, by its password as bearer, or by a signature over its `identity.pushSecret`. It is answered 200, also when all is quarantined: platforms drop what is answered otherwise, and what is quarantined is kept.',
        status: [200, 202],
        answer: receipt,
        faults: [
          'message.malformed',
          'message.too-many-values',
          'message.too-large',
          'media.unsupported',
          'idempotency.conflict',
          'journal.full',
          'journal.unwritable',
          'overloaded',
        ],
      }),
    },
    async handler(request, reply) {
      const body = payloadOf(request.body);
      const { gateway } = request.query;
      const caller = gateway === undefined ? callerOf(request) : pusherOf(deps, request, gateway, body.bytes);
      if (gateway !== undefined) return reply.code(200).send(receiptView(await deliver(deps, caller, body)));
      const key = request.headers['idempotency-key'];
      const take = async () => answerOf(await deliver(deps, caller, body));
      const { status, body: answer } =
        typeof key === 'string' ? await idempotency.once(caller.key, key, hashed(body), take) : await take();
      if (status === 202) return reply.code(202).send(answer);
      throw answer;
    },
  });
}

/** Trials of an address before a platform pushes to it: it wants back what it sends. */
function getReadings(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/readings',
    config: { access: 'engineer', gateways: true, pushes: true },
    schema: {
      querystring: pushQuery.extend({ gateway: id }),
      ...documented({
        tag: 'readings',
        summary: 'Answers an IoT platform that tries out the address to which it will push',
        description:
          'With the credential that a push has: `msg` of the query (OneNET) or `echostr` of the query or headers (Tencent and others) as plain text, nothing where none is sent.',
        answer: z.string(),
        type: 'text/plain',
        faults: ['id.invalid'],
      }),
    },
    async handler(request, reply) {
      pusherOf(deps, request, request.query.gateway, null);
      return reply.type('text/plain; charset=utf-8').send(echoOf(pushedIn(request, null)) ?? '');
    },
  });
}

/** @param body null of a trial. @throws Problem `token.invalid` */
function pusherOf(
  deps: ApiDeps,
  request: Pick<FastifyRequest, 'caller' | 'headers' | 'query' | 'ip'>,
  gateway: string,
  body: Uint8Array | null,
): Caller {
  return request.caller ?? pushCaller(deps, gateway, pushedIn(request, body), request.ip);
}

function pushedIn({ headers, query }: Pick<FastifyRequest, 'headers' | 'query'>, body: Uint8Array | null): Pushed {
  return { headers, query: query as Record<string, unknown>, body };
}

/** The same bytes as CSV and as JSON are two bodies. */
function hashed({ mediaType, bytes }: Payload): Uint8Array {
  return Buffer.concat([Buffer.from(`${mediaType}\n`), bytes]);
}

function deliver(deps: ApiDeps, caller: Caller, { mediaType, bytes, tooLarge }: Payload): Promise<Receipt> {
  const source = sourceOf(caller);
  const contentType = formatSaid(
    mediaType,
    caller.kind === 'gateway' ? deps.control.get('gateway', caller.id) : undefined,
  );
  if (tooLarge) {
    const message = `The payload is larger than ${deps.config.maxMessageBytes} bytes.`;
    return deps.door.refuse(source, { code: 'message.too-large', message }, bytes.subarray(0, KEPT_BYTES));
  }
  const stations = caller.kind === 'gateway' ? caller.stations : null;
  return deps.door.accept({ source, stations, contentType, payload: bytes });
}

/** An undecodable payload's answer is a Problem, remembered like any other answer. */
function answerOf(receipt: Receipt): { status: number; body: unknown } {
  if (!receipt.undecodable) return { status: 202, body: receiptView(receipt) };
  const refusal = receipt.quarantined[0]!;
  const problem = new Problem(refusal.code, refusal.message, { extra: { quarantineId: refusal.quarantineId } });
  return { status: problem.statusCode, body: problem };
}

export function receiptView({
  seq: _seq,
  receivedMs: _receivedMs,
  undecodable: _undecodable,
  span: _span,
  ...view
}: Receipt) {
  return view;
}

function postDecode(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/decode',
    config: { access: 'viewer', gateways: true },
    schema: {
      querystring: z.strictObject({ gateway: id.optional() }),
      body: payloadSchema,
      consumes,
      ...documented({
        tag: 'readings',
        summary: 'What would become of this payload, sent by this gateway; changes nothing',
        description:
          'Without `gateway`, as if an engineer had sent it. A gateway with its own credential asks for itself. JSON, `text/plain` and `application/octet-stream` of a gateway are read as its `protocol`.',
        answer: decoded,
        faults: ['message.too-large', 'media.unsupported', 'id.invalid', 'not-found'],
      }),
    },
    async handler(request) {
      const { mediaType, bytes, tooLarge } = payloadOf(request.body);
      if (tooLarge)
        throw new Problem('message.too-large', `The payload is larger than ${deps.config.maxMessageBytes} bytes.`);
      const { gateway, ...sender } = senderOf(deps, request.query.gateway, callerOf(request));
      return preview(deps, { ...sender, contentType: formatSaid(mediaType, gateway), payload: bytes });
    },
  });
}

function payloadOf(body: unknown): Payload {
  if (typeof body === 'object' && body !== null && 'bytes' in body) return body as Payload;
  throw new Problem('media.unsupported', 'A payload is sent with a Content-Type.');
}

function senderOf(
  deps: ApiDeps,
  named: string | undefined,
  caller: Caller,
): Pick<Delivery, 'source' | 'stations'> & { gateway: Gateway | undefined } {
  if (caller.kind === 'gateway' && named !== undefined && named !== caller.id) {
    throw new Problem('role.too-low', 'A gateway may ask for itself alone.');
  }
  const id = caller.kind === 'gateway' ? caller.id : named;
  if (id === undefined) return { source: sourceOf(caller), stations: null, gateway: undefined };
  const gateway = deps.control.get('gateway', id);
  if (!gateway) throw notFound(`gateway "${id}"`);
  return { source: id, stations: new Set(gateway.stations), gateway };
}

async function preview(deps: ApiDeps, delivery: Delivery) {
  const standard = surfaceWaterStandard(deps.reference);
  const { readings, faults, controls } = deps.door.preview(delivery);
  return {
    readings: await inTurns(readings, ({ station, parameter, timeMs, value, flag, deviceFlag, censored }) => {
      const waterBody = deps.control.get('station', station)?.waterBody;
      const judged = waterBody !== undefined && value !== null && isUsable(flag);
      return {
        station,
        parameter,
        time: isoText(timeMs),
        value,
        unit: deps.reference.parameters.get(parameter)?.unit ?? '',
        flag,
        ...(deviceFlag === null ? {} : { deviceFlag }),
        ...(censored && { censored }),
        class: judged ? classOf(standard, parameter, waterBody, value) : null,
      };
    }),
    faults,
    ...(controls.length > 0 && { qcResults: controls.map((result) => qcView(deps.reference, result)) }),
  };
}
