/** What was decided about single reads of meters: listed, overruled by an engineer with a reason, and undone. */

import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { decisionView } from '#api/books/decision-view.ts';
import { decisionsPage, decisionsQuery, rulingBody, rulingView } from '#api/books/schemas/volumes.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, isoText } from '#api/instants.ts';
import { invalid, notFound, Problem } from '#api/problems.ts';
import { documented, givenIdParams, LIST_LIMIT } from '#api/schemas.ts';
import { rulingId } from '#model/accounting.ts';
import { isUsable } from '#model/flag.ts';
import type { Meter } from '#model/register.ts';
import { eraAt, meterProfile, profileIn } from '#volume/profile.ts';

const END_OF_TIME_MS = 8.64e15;

export function decisionRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  ruleRoute(api, deps);
  undoRoute(api, deps);
}

function listRoute(api: Api, deps: ApiDeps): void {
  const { control, config, queries } = deps;
  api.route({
    method: 'GET',
    url: '/volumes/decisions',
    config: { access: 'viewer' },
    schema: {
      querystring: decisionsQuery,
      ...documented({
        tag: 'statistics',
        summary: 'What was decided about reads that could not simply be subtracted, newest first',
        description:
          'Rollover, reset, replacement, glitch (never booked), reverse flow, and `pending` until a following read decides; `gap` = a read after longer than `maxGap`. A reset that a return to the old course within `maxGap` undoes becomes `glitch`, and its reason says so.',
        answer: decisionsPage,
        faults: ['range.invalid', 'cursor.invalid', 'id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ query }) {
      if (query.meter !== undefined && !control.get('meter', query.meter)) throw notFound(`meter "${query.meter}"`);
      const edge = (text: string | undefined, name: string, absentMs: number) =>
        text === undefined ? absentMs : instantMs(text, name, config.timeZone);
      const after = fromCursor(query.cursor, ['number', 'string', 'string']);
      const limit = query.limit ?? LIST_LIMIT;
      await deps.caughtUp('books');
      const rows = await queries.decisions({
        meters: query.meter === undefined ? control.list('meter').map(({ id }) => id) : [query.meter],
        kind: query.kind ?? null,
        fromMs: edge(query.from, 'from', -END_OF_TIME_MS),
        toMs: edge(query.to, 'to', END_OF_TIME_MS),
        limit: limit + 1,
        before: after && { timeMs: after[0], meter: after[1], kind: after[2] },
      });
      return pageOf(
        rows,
        limit,
        (row) => decisionView(deps.control, row),
        ({ timeMs, meter, kind }) => toCursor(timeMs, meter, kind),
      );
    },
  });
}

function ruleRoute(api: Api, deps: ApiDeps): void {
  const { control, config, journal } = deps;
  api.route({
    method: 'POST',
    url: '/volumes/decisions',
    config: { access: 'engineer' },
    schema: {
      body: rulingBody,
      ...documented({
        tag: 'statistics',
        summary: 'Rules about one read of a meter; the volumes around it are computed again',
        description:
          'A second ruling about the same read takes the place of the first; every version stays in the audit. For a flow meter `glitch` and `accepted`.',
        status: 201,
        answer: rulingView,
        faults: ['range.invalid', 'id.invalid', 'not-found', 'state.conflict', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { meter: name, time, kind, reason } = request.body;
      const meter = control.get('meter', name);
      if (!meter) throw notFound(`meter "${name}"`);
      const timeMs = instantMs(time, 'time', config.timeZone);
      refuseKind(deps, meter, kind, timeMs);
      await refuseUnread(deps, meter, timeMs);
      const id = rulingId(name, timeMs);
      const body = { meter: name, timeMs, kind, reason };
      const { seq, receivedMs } = await journal.appendCommand(actorOf(request), {
        verb: 'put',
        noun: 'ruling',
        id,
        body,
      });
      const answer = { id, meter: name, time: isoText(timeMs), kind, reason, seq, at: isoText(receivedMs) };
      return reply.code(201).send(answer);
    },
  });
}

/** @throws Problem `request.invalid` for a ruling that this meter can't have. */
function refuseKind({ reference }: ApiDeps, meter: Meter, kind: string, timeMs: number): void {
  if (meter.kind === 'flow') {
    if (kind !== 'glitch' && kind !== 'accepted') throw invalid('kind', 'a flow is only ruled a glitch or accepted');
    return;
  }
  if (kind !== 'rollover') return;
  const profile = meterProfile(meter, reference.parameters.get('register')!);
  if (profileIn(profile, eraAt(profile, timeMs)).sizeLitres === null) {
    throw invalid('kind', 'a register without a size never rolls over');
  }
}

/** @throws Problem `not-found` where nothing was read, `state.conflict` for a read that volumes don't use. */
async function refuseUnread(deps: ApiDeps, meter: Meter, timeMs: number): Promise<void> {
  const series = deps.reader.seriesByName(meter.station, meter.parameter);
  await deps.caughtUp('readings');
  const rows = series
    ? await deps.queries.readings({ series: series.id, fromMs: timeMs, toMs: timeMs + 1, limit: 1, asOfMs: null })
    : [];
  const row = rows[0];
  if (!row) throw notFound(`reading of ${meter.parameter} at ${meter.station} at ${isoText(timeMs)}`);
  if (row.value === null || !isUsable(row.flag)) {
    throw new Problem('state.conflict', `The reading has flag ${row.flag}, so volumes don't use it: correct it first.`);
  }
}

function undoRoute(api: Api, deps: ApiDeps): void {
  const { control, journal } = deps;
  api.route({
    method: 'DELETE',
    url: '/volumes/decisions/:id',
    config: { access: 'engineer' },
    schema: {
      params: givenIdParams,
      ...documented({
        tag: 'statistics',
        summary: 'Undoes a ruling: the read is decided by rule again, as if it had never been',
        status: 204,
        faults: ['not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params;
      if (!control.get('ruling', id)) throw notFound(`ruling "${id}"`);
      await journal.appendCommand(actorOf(request), { verb: 'delete', noun: 'ruling', id });
      return reply.code(204).send();
    },
  });
}
