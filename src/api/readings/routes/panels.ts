/** Laboratory panels: put by sample or by CSV, read with completeness, class and comparison with the sensors. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { rangeOf } from '#api/instants.ts';
import { fromZod, notFound, Problem, type ProblemError } from '#api/problems.ts';
import { canonicalPanel, detectionLimitOf, judgedPanel } from '#api/readings/panels.ts';
import {
  judgedPanelView,
  panelBody,
  panelPage,
  panelsQuery,
  panelsTaken,
  panelView,
} from '#api/readings/schemas/panels.ts';
import { dropOwnId } from '#api/registers/routes/registers.ts';
import { documented, idParams, LIST_LIMIT } from '#api/schemas.ts';
import { inTurns } from '#api/turns.ts';
import { declaredCharset, type Encoding, encodingOfWhole } from '#ingest/codecs/files/encoding.ts';
import { FileUndecided, FileUnreadable } from '#ingest/codecs/files/file-problem.ts';
import {
  PANEL_FAULTS_MAX,
  PanelFile,
  panelRecords,
  type SentPanel,
  type SentPanels,
} from '#ingest/codecs/panel-csv.ts';
import { Turns } from '#ingest/turns.ts';
import { PANEL_ITEMS_MAX, type Panel, panel as panelSchema } from '#model/panel.ts';
import { id as idSchema } from '#model/register.ts';

const CSV_BYTES_MAX = 4 << 20;
/** Looked up or journaled at once: about what one transaction may take of a turn. */
const PANELS_AT_ONCE = 25;
const ITEMS_AT_ONCE = 200;
const EARLIEST = '1900-01-01T00:00:00Z';

export async function panelRoutes(api: Api, deps: ApiDeps): Promise<void> {
  api.addContentTypeParser('text/csv', { parseAs: 'buffer', bodyLimit: CSV_BYTES_MAX }, (_request, body, done) =>
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
  const oneByOne = new Turns(1);
  api.route({
    method: 'POST',
    url: '/panels',
    config: { access: 'engineer' },
    schema: {
      body: z.unknown().describe('CSV: `sample,station,time,parameter,value` and perhaps `lab,unit,method,limit`'),
      consumes: ['text/csv'],
      ...documented({
        tag: 'readings',
        summary: 'Puts panels by CSV, one indicator a row; all of it or, with every mistake listed, nothing',
        description:
          'Results as laboratories write them: `<0.005`, `0.005L`, `>24000`, `ND` or `未检出` with the column `limit` or the ' +
          'detection limit of the station. A known sample gets further items; the same ones are replaced, and `replaced` ' +
          'says which. UTF-8, or UTF-16 or GBK where `charset` says so or the bytes do. At most 5,000 samples.',
        status: 201,
        answer: panelsTaken,
        faults: [
          'request.invalid',
          'message.malformed',
          'media.unsupported',
          'message.too-large',
          'journal.full',
          'journal.unwritable',
        ],
      }),
    },
    async handler(request, reply) {
      if (!Buffer.isBuffer(request.body)) throw new Problem('media.unsupported', 'Panels are sent as text/csv.');
      const bytes = request.body.length;
      const panels = await sound(deps, await decoded(deps, request.body, request.headers['content-type']));
      // One file after the other: of two that add to one sample at once, the second finds what the first added.
      const taken = await oneByOne.take(request.caller!.key, bytes, async () => {
        const added = await handful(panels, ({ id, panel }) => addedTo(deps, id, panel));
        await handful(added, ({ id, panel }) => put(deps, request, id, panel));
        return added;
      });
      const items = panels.reduce((sum, { panel }) => sum + panel.items.length, 0);
      const replaced = taken.flatMap(({ id, replaced }) =>
        replaced.length > 0 ? [{ panel: id, parameters: replaced }] : [],
      );
      return reply.code(201).send({ panels: panels.map(({ id }) => id), items, replaced });
    },
  });
}

/**
 * What the sample is with these items: those that a known panel has stay, save the same ones.
 * @throws Problem when the known sample is of another station or time.
 */
async function addedTo({ queries }: ApiDeps, id: string, panel: Panel) {
  const known = await queries.panel({ id });
  if (!known) return { id, panel, replaced: [] };
  if (known.station !== panel.station || known.time !== panel.time) {
    const message = `the known sample ${id} is of ${known.station} at ${known.time}`;
    throw new Problem('request.invalid', message, { errors: [{ path: `sample ${id}`, message }] });
  }
  const own = new Set(panel.items.map(({ parameter }) => parameter));
  const kept = known.items.filter(({ parameter }) => !own.has(parameter));
  const replaced = known.items.map(({ parameter }) => parameter).filter((parameter) => own.has(parameter));
  const items = [...kept, ...panel.items];
  if (items.length > PANEL_ITEMS_MAX) {
    const message = `sample ${id} would have more than ${PANEL_ITEMS_MAX} items`;
    throw new Problem('request.invalid', message, { errors: [{ path: `sample ${id}`, message }] });
  }
  return { id, panel: { ...known, ...panel, items }, replaced };
}

function put({ journal }: ApiDeps, request: FastifyRequest, id: string, body: Panel) {
  return journal.appendCommand(actorOf(request), { verb: 'put', noun: 'panel', id, body });
}

/** Does the work for a handful of panels at once, since all of a file would be one large turn. */
async function handful<T extends { panel: Panel }, V>(
  panels: readonly T[],
  work: (one: T) => Promise<V>,
): Promise<V[]> {
  const made: V[] = [];
  for (let start = 0; start < panels.length; ) {
    let end = start;
    for (let items = 0; end < panels.length && end - start < PANELS_AT_ONCE && items < ITEMS_AT_ONCE; end++) {
      items += panels[end]!.panel.items.length;
    }
    made.push(...(await Promise.all(panels.slice(start, end).map(work))));
    start = end;
  }
  return made;
}

/**
 * The panels of a file as they were sent, read in turns.
 * @throws Problem `message.malformed` for what is no text: a name or method that nobody can read is worse than none.
 */
async function decoded(deps: ApiDeps, bytes: Buffer, contentType: string | undefined): Promise<SentPanels> {
  const file = new PanelFile((station, name) => detectionLimitOf(deps, station, name));
  try {
    const records = panelRecords(bytes, encodingIn(bytes, contentType));
    await inTurns(records, (record) => file.add(record), { isDone: () => file.isSpoilt });
  } catch (error) {
    if (error instanceof FileUnreadable) throw new Problem(error.code, error.says.en);
    if (error instanceof FileUndecided) throw unknownText('in an encoding that the bytes tell');
    throw error;
  }
  return file.done();
}

/** Text of 8 bits a character is taken only where it is declared: any bytes would do. */
function encodingIn(bytes: Buffer, contentType: string | undefined): Encoding {
  const declared = declaredCharset(contentType);
  const encoding = declared ? declared.encoding : encodingOfWhole(bytes);
  if (encoding === null) throw unknownText(declared!.charset);
  if (!declared && encoding === 'windows-1252') throw unknownText('UTF-8, UTF-16 or GBK');
  return encoding;
}

function unknownText(what: string): Problem {
  return new Problem('message.malformed', `The file is not ${what}; say \`charset\` in Content-Type.`);
}

/** @throws Problem that lists what is wrong, by row of the file. */
async function sound(deps: ApiDeps, { panels, faults }: SentPanels): Promise<{ id: string; panel: Panel }[]> {
  const errors: ProblemError[] = faults.map(({ row, message }) => ({ path: `row ${row}`, message }));
  const isDone = () => errors.length >= PANEL_FAULTS_MAX;
  const checked = await inTurns(panels, (one) => soundPanel(deps, one, errors), { isDone });
  refuse(errors);
  return checked;
}

function soundPanel(deps: ApiDeps, { id, panel, rows }: SentPanel, errors: ProblemError[]) {
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
}

function refuse(errors: readonly ProblemError[]): void {
  if (errors.length === 0) return;
  const { path, message } = errors[0]!;
  throw new Problem('request.invalid', `${path}: ${message}`, { errors: errors.slice(0, PANEL_FAULTS_MAX) });
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
