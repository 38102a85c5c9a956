/** Laboratory panels: put by sample or by CSV, read with completeness, class and comparison with the sensors. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { decodePanels } from '#ingest/codecs/panel-csv.ts';
import { type Panel, panel as panelSchema } from '#model/panel.ts';
import { id as idSchema } from '#model/register.ts';
import { actorOf } from '../caller.ts';
import { fromCursor, pageOf, toCursor } from '../cursors.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { rangeOf } from '../instants.ts';
import { canonicalPanel, judgedPanel } from '../panels.ts';
import { fromZod, notFound, Problem, type ProblemError } from '../problems.ts';
import { documented, idParams, LIST_LIMIT } from '../schemas/common.ts';
import { judgedPanelView, panelBody, panelPage, panelsQuery, panelsTaken, panelView } from '../schemas/panels.ts';
import { dropOwnId } from './registers.ts';

const CSV_BYTES_MAX = 4 << 20;
const ERRORS_MAX = 100;
const EARLIEST = '2000-01-01T00:00:00Z';

export async function panelRoutes(api: Api, deps: ApiDeps): Promise<void> {
  api.addContentTypeParser('text/csv', { parseAs: 'string', bodyLimit: CSV_BYTES_MAX }, (_request, body, done) =>
    done(null, body),
  );
  listRoute(api, deps);
  oneRoute(api, deps);
  putRoute(api, deps);
  csvRoute(api, deps);
  deleteRoute(api, deps);
}

function listRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/panels',
    config: { access: 'viewer' },
    schema: {
      querystring: panelsQuery,
      ...documented({
        tag: 'readings',
        summary: 'Laboratory panels, newest sample first',
        answer: panelPage,
        faults: ['range.invalid', 'cursor.invalid', 'id.invalid'],
      }),
    },
    async handler({ query }) {
      const { timeZone } = deps.config;
      const nowMs = deps.clock.nowMs() + 86_400_000;
      const { fromMs, toMs } = rangeOf(
        { ...query, from: query.from ?? EARLIEST },
        { nowMs, timeZone, defaultMs: null },
      );
      const [time, id] = fromCursor(query.cursor, ['string', 'string']) ?? [];
      const limit = query.limit ?? LIST_LIMIT;
      const before = time === undefined ? null : { time, id: id! };
      const station = query.station ?? null;
      const found = await deps.queries.panels({ station, fromMs, toMs, limit: limit + 1, before });
      const view = ({ id, panel }: (typeof found)[number]) => ({ id, ...panel });
      return pageOf(found, limit, view, ({ id, panel }) => toCursor(panel.time, id));
    },
  });
}

function oneRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/panels/:id',
    config: { access: 'viewer' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'readings',
        summary: 'One panel: how complete it is, its class, and how far the sensors are from it',
        answer: judgedPanelView,
        faults: ['id.invalid', 'not-found', 'overloaded'],
      }),
    },
    async handler({ params: { id } }) {
      const panel = await deps.queries.panel({ id });
      if (!panel) throw notFound(`panel "${id}"`);
      return { id, ...panel, ...(await judgedPanel(deps, panel)) };
    },
  });
}

function putRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'PUT',
    url: '/panels/:id',
    config: { access: 'engineer' },
    preValidation: dropOwnId,
    schema: {
      params: idParams,
      body: panelBody,
      ...documented({
        tag: 'readings',
        summary: 'Puts the panel of one sample; every earlier version is kept',
        status: [200, 201],
        answer: panelView,
        faults: ['request.invalid', 'id.invalid', 'message.too-large', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params;
      const { panel, errors } = canonicalPanel(deps, request.body);
      refuse(errors);
      const isKnown = (await deps.queries.panel({ id })) !== null;
      await deps.journal.appendCommand(actorOf(request), { verb: 'put', noun: 'panel', id, body: panel });
      return reply.code(isKnown ? 200 : 201).send({ id, ...panel });
    },
  });
}

function csvRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/panels',
    config: { access: 'engineer' },
    schema: {
      body: z.unknown().describe('CSV: `sample,station,time,parameter,value` and perhaps `lab,unit,method`'),
      consumes: ['text/csv'],
      ...documented({
        tag: 'readings',
        summary: 'Puts panels by CSV, one indicator a row; all of it or, with every mistake listed, nothing',
        description: '`<0.005` = not found, with the detection limit.',
        status: 201,
        answer: panelsTaken,
        faults: ['request.invalid', 'media.unsupported', 'message.too-large', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      if (typeof request.body !== 'string') throw new Problem('media.unsupported', 'Panels are sent as text/csv.');
      const panels = sound(deps, request.body);
      await Promise.all(panels.map(({ id, panel }) => put(deps, request, id, panel)));
      const items = panels.reduce((sum, { panel }) => sum + panel.items.length, 0);
      return reply.code(201).send({ panels: panels.map(({ id }) => id), items });
    },
  });
}

function put({ journal }: ApiDeps, request: FastifyRequest, id: string, body: Panel) {
  return journal.appendCommand(actorOf(request), { verb: 'put', noun: 'panel', id, body });
}

/** @throws Problem that lists what is wrong, by row of the file. */
function sound(deps: ApiDeps, csv: string): { id: string; panel: Panel }[] {
  const { panels, faults } = decodePanels(csv);
  const errors: ProblemError[] = faults.map(({ row, message }) => ({ path: `row ${row}`, message }));
  const checked = panels.map(({ id, panel, rows }) => {
    const parsed = panelSchema.safeParse(panel);
    const named = idSchema.safeParse(id);
    const own = [
      ...(named.success ? [] : [{ path: 'sample', message: named.error.issues[0]!.message }]),
      ...(parsed.success ? [] : (fromZod(parsed.error).errors ?? [])),
    ];
    const { panel: canonical, errors: more } = own.length > 0 ? { panel, errors: [] } : canonicalPanel(deps, panel);
    for (const { path, message } of [...own, ...more]) {
      const [, index] = /^items\[(\d+)\]/.exec(path) ?? [];
      errors.push({ path: `row ${rows[Number(index ?? 0)] ?? rows[0]}`, message });
    }
    return { id, panel: canonical };
  });
  refuse(errors);
  return checked;
}

function refuse(errors: readonly ProblemError[]): void {
  if (errors.length === 0) return;
  const { path, message } = errors[0]!;
  throw new Problem('request.invalid', `${path}: ${message}`, { errors: errors.slice(0, ERRORS_MAX) });
}

function deleteRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'DELETE',
    url: '/panels/:id',
    config: { access: 'engineer' },
    schema: {
      params: idParams,
      ...documented({
        tag: 'readings',
        summary: 'Deletes a panel; its versions stay in the audit',
        status: 204,
        faults: ['id.invalid', 'not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { id } = request.params;
      if (!(await deps.queries.panel({ id }))) throw notFound(`panel "${id}"`);
      await deps.journal.appendCommand(actorOf(request), { verb: 'delete', noun: 'panel', id });
      return reply.code(204).send();
    },
  });
}
