/** Gateways: their stations and passwords, how they are doing, and the ledger of what they sent. */
import { z } from 'zod';
import { actorOf, callerOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import { gatewayErrors, keptGateway, refuseTaken, shownGateway } from '#api/registers/gateways.ts';
import { refuseErrors } from '#api/registers/registers.ts';
import {
  clockBody,
  clocksSet,
  gatewayBody,
  gatewayPut,
  gatewayView,
  ledger,
  sequenceCloseBody,
  sequenceClosed,
} from '#api/registers/schemas/registers.ts';
import { closableIn, type Extent, sequenceOf } from '#api/registers/sequence.ts';
import { documented, idParams, LIST_LIMIT, listOf, pageQuery } from '#api/schemas.ts';
import { TOKEN_USER } from '#ingest/transports/broker-access.ts';
import { TCP_LISTENERS } from '#model/protocol.ts';
import type { Gap, Gateway } from '#model/register.ts';
import { gatewayLedger, ledgerView, possibleGaps } from '#readings/gateway-ledger.ts';
import { keepPassword } from '#setting/kept-password.ts';
import { generateSecret } from '#setting/secrets.ts';
import { dropOwnId } from './registers.ts';

export function gatewayRoutes(api: Api, deps: ApiDeps): void {
  readRoutes(api, deps);
  putRoute(api, deps);
  deleteRoute(api, deps);
  ledgerRoute(api, deps);
  closeRoute(api, deps);
  clockRoute(api, deps);
}

function readRoutes(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/gateways',
    config: { access: 'viewer' },
    schema: {
      querystring: pageQuery,
      ...documented({
        tag: 'registers',
        summary: 'All gateways, in the order of their ids',
        answer: listOf(gatewayView),
        faults: ['cursor.invalid'],
      }),
    },
    async handler({ query }) {
      const after = fromCursor(query.cursor, ['string'])?.[0] ?? '';
      const limit = query.limit ?? LIST_LIMIT;
      const gaps = gapsOf(deps);
      const entries = deps.control.list('gateway').filter(({ id }) => id > after);
      return pageOf(
        entries,
        limit,
        ({ id, body }) => shown(deps, id, body, 'short', gaps),
        ({ id }) => toCursor(id),
      );
    },
  });

  api.route({
    method: 'GET',
    url: '/gateways/:id',
    config: { access: 'viewer' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'registers',
        summary: 'One gateway: when it was last heard, how its clock runs, what its numbering left out',
        answer: gatewayView,
        faults: ['id.invalid', 'not-found'],
      }),
    },
    handler: async ({ params: { id } }) => shown(deps, id, gatewayOf(deps, id), 'whole'),
  });
}

function putRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'PUT',
    url: '/gateways/:id',
    config: { access: 'admin' },
    preValidation: dropOwnId,
    schema: {
      params: idParams,
      querystring: z.strictObject({ rotate: z.enum(['true', 'false']).optional() }),
      body: gatewayBody,
      ...documented({
        tag: 'registers',
        summary: 'Puts a gateway; the first time, and on `?rotate=true`, the answer holds its password',
        description:
          'Rotation disconnects it at once. What is secret in `identity` is never shown: left out, or `true`, it stays; null takes it out. An address of a device belongs to one gateway, and so does a topic. Stations may be registered later: those that are not yet are answered as `unknownStations`, with the header `Wk-Warning: station.unknown`, and what comes for them meanwhile goes to quarantine.',
        status: [200, 201],
        answer: gatewayPut,
        faults: [
          'id.invalid',
          'address.taken',
          'topic.taken',
          'media.unsupported',
          'message.too-large',
          'journal.full',
          'journal.unwritable',
        ],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params;
      const before = deps.control.get('gateway', id);
      if (id === TOKEN_USER && !before) {
        throw new Problem('id.invalid', `"${id}" is the name under which tokens log in over MQTT; choose another.`);
      }
      const body = keptGateway(request.body, before);
      refuseErrors(gatewayErrors(body));
      refuseTaken(deps, id, body);
      const isRotated = request.query.rotate === 'true';
      const password = before === undefined || isRotated ? generateSecret() : undefined;
      const hashes = password === undefined ? hashesOf(before!) : await keepPassword(password);
      const kept: Gateway = { ...body, ...hashes };
      await deps.journal.appendCommand(actorOf(request), { verb: 'put', noun: 'gateway', id, body: kept });
      if (before !== undefined && isRotated) deps.disconnectGateway(id);
      const unknown = body.stations.filter((station) => deps.control.get('station', station) === undefined);
      if (unknown.length > 0) reply.header('wk-warning', UNKNOWN_STATION);
      return reply.code(before === undefined ? 201 : 200).send({
        id,
        ...shownGateway(body),
        ...(password === undefined ? {} : { password }),
        ...(unknown.length > 0 && { warning: UNKNOWN_STATION, unknownStations: unknown }),
      });
    },
  });
}

const UNKNOWN_STATION = 'station.unknown';

function deleteRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'DELETE',
    url: '/gateways/:id',
    config: { access: 'admin' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'registers',
        summary: 'Deletes a gateway and disconnects it at once',
        status: 204,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params;
      gatewayOf(deps, id);
      await deps.journal.appendCommand(actorOf(request), { verb: 'delete', noun: 'gateway', id });
      deps.disconnectGateway(id);
      return reply.code(204).send();
    },
  });
}

function ledgerRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/gateways/:id/ledger',
    config: { access: 'viewer', gateways: true },
    schema: {
      params: idParams,
      ...documented({
        tag: 'registers',
        summary:
          'What became of every value that a gateway sent: received = stored + duplicate + quarantined + pending',
        description: 'A gateway may read its own.',
        answer: ledger,
        faults: ['id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler(request) {
      const { id } = request.params;
      const caller = callerOf(request);
      if (caller.kind === 'gateway' && caller.id !== id)
        throw new Problem('role.too-low', 'A gateway may read its own ledger.');
      gatewayOf(deps, id);
      await deps.caughtUp('readings');
      return ledgerView(await gatewayLedger(deps.queries, deps.reader, id), gapsOf(deps));
    },
  });
}

function closeRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/gateways/:id/sequence/close',
    config: { access: 'engineer' },
    schema: {
      params: idParams,
      body: sequenceCloseBody,
      ...documented({
        tag: 'registers',
        summary: 'Says that numbers of a gateway that are missing will never come: they are declared lost',
        description:
          'Up to `through`, with what earlier counters left out. One that comes after all is taken, and is lost no more. ' +
          'Where nothing is missing nothing changes.',
        answer: sequenceClosed,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request) {
      const { id } = request.params;
      const { through, reason } = request.body;
      gatewayOf(deps, id);
      const missing = closableIn(deps.journal.numberings.of(id), through);
      if (missing > 0) {
        const command = { verb: 'close-sequence', gateway: id, through, reason } as const;
        await deps.journal.appendCommand(actorOf(request), command);
      }
      return { closed: missing, sequence: sequenceOf(deps.journal.numberings.of(id), 'whole') };
    },
  });
}

function gapsOf({ control }: ApiDeps): Gap[] {
  return control.list('gap').map(({ body }) => body);
}

function clockRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/gateways/:id/clock',
    config: { access: 'engineer' },
    schema: {
      params: idParams,
      body: clockBody,
      ...documented({
        tag: 'registers',
        summary: "Sets the clocks of a gateway's devices that are connected over TCP (HJ 212 1012, SL 651 4AH)",
        description:
          'Never done by itself. It stands in the audit before it is sent; `clockOffsetMs` shows what came of it.',
        answer: clocksSet,
        faults: ['id.invalid', 'not-found', 'state.conflict', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request) {
      const { id } = request.params;
      const { address = null } = request.body;
      const { protocol = 'json' } = gatewayOf(deps, id);
      const isOverTcp = Object.values(TCP_LISTENERS).some((heard: readonly string[]) => heard.includes(protocol));
      if (!isOverTcp) throw new Problem('state.conflict', `Gateway "${id}" speaks ${protocol}, which sets no clocks.`);
      await deps.journal.appendCommand(actorOf(request), { verb: 'set-clock', gateway: id, address });
      const set = deps.setClocks(id, address);
      if (set === null)
        throw new Problem('state.conflict', 'No listener hears the devices of this gateway (WK_TCP_…).');
      if (set.told.length > 0) return set;
      const missing = set.away.length === 0 ? `has no device "${address ?? ''}"` : 'has no device that is connected';
      throw new Problem('state.conflict', `Gateway "${id}" ${missing}: nothing was set.`);
    },
  });
}

function gatewayOf(deps: ApiDeps, id: string): Gateway {
  const gateway = deps.control.get('gateway', id);
  if (!gateway) throw notFound(`gateway "${id}"`);
  return gateway;
}

const hashesOf = ({ passwordHash, otherHashes }: Gateway) => ({ passwordHash, otherHashes });

function shown(deps: ApiDeps, id: string, body: Gateway, extent: Extent, gaps = gapsOf(deps)) {
  // The journal has what it sent, the broker also that it was refused.
  const intake = deps.reader.intakeCount(id);
  const seen = [intake?.lastSeenMs, deps.gatewaySeenMs(id)].filter((ms) => typeof ms === 'number');
  return {
    id,
    ...shownGateway(body),
    lastSeen: isoText(seen.length === 0 ? null : Math.max(...seen)),
    ...(deps.gatewayUntold(id) > 0 && { untold: deps.gatewayUntold(id) }),
    clockOffsetMs: deps.door.clockOffsetMs(id),
    sequence: sequenceOf(deps.journal.numberings.of(id), extent),
    ...possibleGaps(intake?.sinceMs ?? null, gaps),
  };
}
