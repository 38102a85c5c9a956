/** What was not taken: looked at, put through the door again, thrown away. */
import type { z } from 'zod';
import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import { fromCursor, pageOf, toCursor } from '#api/cursors.ts';
import type { ApiDeps } from '#api/deps.ts';
import { instantMs, isoText } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import {
  dismissalOfItem,
  quarantinePage,
  quarantineQuery,
  quarantineReplays,
  replayQuery,
} from '#api/readings/schemas/quarantine.ts';
import { journaled, receipt } from '#api/readings/schemas/readings.ts';
import { documented, givenIdParams, LIST_LIMIT } from '#api/schemas.ts';
import type { Receipt } from '#ingest/door.ts';
import type { QuarantineItem } from '#journal/port.ts';
import type { QuarantineFilter, QuarantineRow } from '#journal/quarantine.ts';
import { isImport } from '#model/entry.ts';
import { receiptView } from './in.ts';

const SAMPLE_CHARACTERS = 1000;
/** Of one bulk replay, unless it asks for fewer. */
const REPLAYS = 100;

export function quarantineRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  replayRoute(api, deps);
  bulkRoute(api, deps);
  dismissRoute(api, deps);
}

function listRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'GET',
    url: '/quarantine',
    config: { access: 'engineer' },
    schema: {
      querystring: quarantineQuery,
      ...documented({
        tag: 'readings',
        summary: 'What was not taken, newest first; of one gateway, with one code, that came in [from, to)',
        answer: quarantinePage,
        faults: ['cursor.invalid', 'range.invalid'],
      }),
    },
    async handler({ query }) {
      const before = fromCursor(query.cursor, ['number'])?.[0] ?? null;
      const limit = query.limit ?? LIST_LIMIT;
      const filter = filterOf(deps, query);
      const { rows, isMore } = deps.reader.quarantine.page(filter, before, limit, 4 * SAMPLE_CHARACTERS);
      return pageOf(rows, limit, quarantineView, ({ position }) => toCursor(position), isMore);
    },
  });
}

function filterOf(deps: ApiDeps, query: z.infer<typeof quarantineQuery>): QuarantineFilter {
  const { gateway: source, code, from, to } = query;
  const { timeZone } = deps.config;
  const fromMs = from === undefined ? undefined : instantMs(from, 'from', timeZone);
  const toMs = to === undefined ? undefined : instantMs(to, 'to', timeZone);
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) {
    throw new Problem('range.invalid', `from ${isoText(fromMs)} is not before to ${isoText(toMs)}.`);
  }
  return { source, code, fromMs, toMs };
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
          'It leaves quarantine when anything of it is taken; otherwise the answer says what is still wrong. A message that could not be read at all is read as the entry of its gateway says by now.',
        answer: receipt,
        faults: ['not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request) {
      const item = itemOf(deps, request.params.id);
      return receiptView(await replay(deps, item, actorOf(request)));
    },
  });
}

function itemOf({ reader }: ApiDeps, id: string): QuarantineItem {
  const item = reader.quarantine.get(id);
  if (!item) throw notFound(`quarantined item "${id}"`);
  return item;
}

async function replay(deps: ApiDeps, item: QuarantineItem, actor: string): Promise<Receipt> {
  await deps.journal.appendCommand(actor, { verb: 'replay-quarantine', quarantineId: item.id });
  return deps.door.replay(item, stationsOf(deps, item.source));
}

/** A user may write any station, by an import too; a gateway its own, and none once it is deleted. */
function stationsOf(deps: ApiDeps, source: string): ReadonlySet<string> | null {
  if (source.startsWith('user:') || isImport(source)) return null;
  return new Set(deps.control.get('gateway', source)?.stations ?? []);
}

function bulkRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/quarantine/replay',
    config: { access: 'engineer' },
    schema: {
      querystring: replayQuery,
      ...documented({
        tag: 'readings',
        summary: 'Puts quarantined items through the door again, the oldest first',
        description: `At most \`limit\` of them, ${REPLAYS} unless told; \`next\` is the cursor to go on with. Each is replayed as by itself: what can be taken leaves quarantine.`,
        answer: quarantineReplays,
        faults: ['cursor.invalid', 'range.invalid', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request) {
      const { query } = request;
      const after = fromCursor(query.cursor, ['number'])?.[0] ?? null;
      const limit = Number(query.limit ?? REPLAYS);
      const found = deps.reader.quarantine.ids(filterOf(deps, query), after, limit + 1);
      const sum = { replayed: 0, left: 0, accepted: 0, duplicates: 0, corrections: 0, pending: 0 };
      // One after the other: of two values for one time the later one counts.
      for (const { id } of found.slice(0, limit)) await replayInto(sum, deps, id, actorOf(request));
      const last = found[limit - 1];
      return { ...sum, next: found.length > limit && last ? toCursor(last.position) : null };
    },
  });
}

type Sum = Omit<z.infer<typeof quarantineReplays>, 'next'>;

async function replayInto(sum: Sum, deps: ApiDeps, id: string, actor: string): Promise<void> {
  const item = deps.reader.quarantine.get(id);
  // Somebody else was faster.
  if (!item) return;
  const { accepted, duplicates, corrections, pending } = await replay(deps, item, actor);
  sum.accepted += accepted;
  sum.duplicates += duplicates;
  sum.corrections += corrections;
  sum.pending += pending;
  const isThere = deps.reader.quarantine.get(id) !== undefined;
  sum[isThere ? 'left' : 'replayed']++;
}

function dismissRoute(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'DELETE',
    url: '/quarantine/:id',
    config: { access: 'engineer' },
    schema: {
      params: givenIdParams,
      querystring: dismissalOfItem,
      ...documented({
        tag: 'readings',
        summary: 'Throws a quarantined item away, for good',
        description: 'Who did it stands in the audit. What it stood for stays counted as quarantined.',
        status: 202,
        answer: journaled,
        faults: ['not-found', 'journal.full', 'journal.unwritable'],
      }),
    },
    async handler(request, reply) {
      const { id } = itemOf(deps, request.params.id);
      const { reason } = request.query;
      const command = {
        verb: 'dismiss-quarantine',
        quarantineId: id,
        ...(reason !== undefined && { reason }),
      } as const;
      const { seq, receivedMs } = await deps.journal.appendCommand(actorOf(request), command);
      return reply.code(202).send({ seq, at: isoText(receivedMs) });
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
