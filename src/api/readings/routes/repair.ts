/** What engineers put right: corrections, quarantine, parked entries. */

import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText, rangeOf } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import {
  correction,
  dismissal,
  journaled,
  parkedPage,
  parkedParams,
  quarantinePage,
  receipt,
} from '#api/readings/schemas/readings.ts';
import { documented, givenIdParams, LIST_LIMIT, pageQuery } from '#api/schemas.ts';
import { seriesOf } from '#api/series.ts';
import type { QuarantineRow } from '#journal/quarantine.ts';
import { isImport } from '#model/entry.ts';
import type { Flag } from '#model/flag.ts';
import { isMetered, keptFromMs } from '#model/metered.ts';
import { receiptView } from './in.ts';

const SAMPLE_CHARACTERS = 1000;

export function repairRoutes(api: Api, deps: ApiDeps): void {
  correctionRoute(api, deps);
  quarantineRoute(api, deps);
  replayRoute(api, deps);
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

function quarantineRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/quarantine',
    config: { access: 'engineer' },
    schema: {
      querystring: pageQuery,
      ...documented({
        tag: 'readings',
        summary: 'What was not taken, newest first',
        answer: quarantinePage,
        faults: ['cursor.invalid'],
      }),
    },
    async handler({ query }) {
      const before = fromCursor(query.cursor, ['number'])?.[0] ?? null;
      const limit = query.limit ?? LIST_LIMIT;
      const { rows, isMore } = deps.reader.quarantine.page(before, limit, 4 * SAMPLE_CHARACTERS);
      return pageOf(rows, limit, quarantineView, ({ position }) => toCursor(position), isMore);
    },
  });
}

function replayRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/quarantine/:id/replay',
    config: { access: 'engineer' },
    schema: {
      params: givenIdParams,
      ...documented({
        tag: 'readings',
        summary: 'Puts a quarantined item through the door again, as whoever sent it',
        description:
          'It leaves quarantine when anything of it is taken; otherwise the answer says what is still wrong.',
        answer: receipt,
        faults: ['not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request) {
      const item = deps.reader.quarantine.get(request.params.id);
      if (!item) throw notFound(`quarantined item "${request.params.id}"`);
      await deps.journal.appendCommand(actorOf(request), { verb: 'replay-quarantine', quarantineId: item.id });
      return receiptView(await deps.door.replay(item, stationsOf(deps, item.source)));
    },
  });
}

/** A user may write any station, by an import too; a gateway its own, and none once it is deleted. */
function stationsOf(deps: ApiDeps, source: string): ReadonlySet<string> | null {
  if (source.startsWith('user:') || isImport(source)) return null;
  return new Set(deps.control.get('gateway', source)?.stations ?? []);
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

function quarantineView({ id, atMs, source, code, message, path, count, payload }: QuarantineRow) {
  return {
    id,
    at: isoText(atMs),
    gateway: source,
    code,
    message,
    ...(path === null ? {} : { path }),
    ...(count > 1 && { count }),
    sample: new TextDecoder().decode(payload).slice(0, SAMPLE_CHARACTERS),
  };
}
