/** What engineers put right: corrections, and entries that a follower could not digest. */

import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText, rangeOf } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import { correction, dismissal, journaled, parkedPage, parkedParams } from '#api/readings/schemas/readings.ts';
import { documented, LIST_LIMIT, pageQuery } from '#api/schemas.ts';
import { seriesOf } from '#api/series.ts';
import type { Flag } from '#model/flag.ts';
import { isMetered, keptFromMs } from '#model/metered.ts';

export function repairRoutes(api: Api, deps: ApiDeps): void {
  correctionRoute(api, deps);
  parkedRoute(api, deps);
  dismissRoute(api, deps);
}

function correctionRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/corrections',
    config: { access: 'engineer' },
    schema: {
      body: correction,
      ...documented({
        tag: 'readings',
        summary: 'Sets, deletes or flags the readings of one series in a range; every older version is kept',
        status: 202,
        answer: journaled,
        faults: ['range.invalid', 'range.pruned', 'id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { body } = request;
      const { station, parameter, series } = seriesOf(deps, body);
      if (series === null) throw notFound(`reading of ${parameter.id} at ${station.id}`);
      const range = rangeOf(body, { nowMs: deps.clock.nowMs(), timeZone: deps.config.timeZone, defaultMs: null });
      refuseExpired(deps, parameter.id, range.fromMs);
      const { action, value, flag, reason } = body;
      const { seq, receivedMs } = await deps.journal.appendCommand(actorOf(request), {
        verb: 'correct',
        station: station.id,
        parameter: parameter.id,
        ...range,
        action,
        ...(value === undefined ? {} : { value }),
        ...(flag === undefined ? {} : { flag: flag as Flag }),
        reason,
      });
      return reply.code(202).send({ seq, at: isoText(receivedMs) });
    },
  });
}

/** What was computed from readings that are gone, or about to go, stays as it is. */
function refuseExpired({ config, journal }: ApiDeps, parameter: string, fromMs: number): void {
  const keptMs = keptFromMs(config.rawRetentionMs, journal.receivedNowMs());
  if (isMetered(parameter) || fromMs >= keptMs) return;
  throw new Problem('range.pruned', `readings are kept from ${isoText(keptMs)} on (WK_RAW_RETENTION)`);
}

function parkedRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/parked',
    config: { access: 'engineer' },
    schema: {
      querystring: pageQuery,
      ...documented({
        tag: 'readings',
        summary: 'Entries of the journal that a follower could not digest',
        answer: parkedPage,
        faults: ['cursor.invalid', 'overloaded'],
      }),
    },
    async handler({ query }) {
      const after = fromCursor(query.cursor, ['string'])?.[0];
      const parked = await deps.queries.parked();
      const place = ({ follower, seq }: (typeof parked)[number]) => `${follower} ${seq}`;
      const start = after === undefined ? 0 : parked.findIndex((entry) => place(entry) === after) + 1;
      return pageOf(
        parked.slice(start),
        query.limit ?? LIST_LIMIT,
        ({ follower, seq, atMs, error }) => ({ follower, seq, at: isoText(atMs), error }),
        (entry) => toCursor(place(entry)),
      );
    },
  });
}

function dismissRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'DELETE',
    url: '/parked/:follower/:seq',
    config: { access: 'engineer' },
    schema: {
      params: parkedParams,
      querystring: dismissal,
      ...documented({
        tag: 'readings',
        summary: 'Takes a parked entry off the list, once what it said is there by other means or given up',
        status: 202,
        answer: journaled,
        faults: ['not-found', 'overloaded', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { follower, seq } = request.params;
      const known = (await deps.queries.parked()).some((entry) => entry.follower === follower && entry.seq === seq);
      if (!known) throw notFound(`parked entry ${seq} of "${follower}"`);
      const { reason } = request.query;
      const command = { verb: 'dismiss-parked', follower, seq, reason } as const;
      const journaledAt = await deps.journal.appendCommand(actorOf(request), command);
      return reply.code(202).send({ seq: journaledAt.seq, at: isoText(journaledAt.receivedMs) });
    },
  });
}
