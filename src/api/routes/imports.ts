/**
 * History by CSV: a stream of any length, taken through the door a thousand rows at a time. What comes this way is judged and
 * stored like any other reading; rules only record what they find in it, and page nobody. Sending the same file again after
 * a broken connection only adds what was missing.
 */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { Receipt, Refusal } from '#ingest/door.ts';
import { importSource } from '#model/entry.ts';
import { id } from '#model/register.ts';
import { type GatewayLedger, gatewayLedger } from '#store/gateway-ledger.ts';
import { actorOf } from '../caller.ts';
import { csvPieces } from '../csv-pieces.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { isoText } from '../instants.ts';
import { notFound, Problem } from '../problems.ts';
import { documented, givenIdParams } from '../schemas/common.ts';
import { imported, importProgress } from '../schemas/readings.ts';

/** Refusals that the answer lists; all of them stand in quarantine. */
const LISTED_MAX = 100;

export async function importRoutes(api: Api, deps: ApiDeps): Promise<void> {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('text/csv', (_request, stream, done) => done(null, stream));
  postImport(api, deps);
  getImport(api, deps);
}

function postImport(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/import',
    config: { access: 'engineer' },
    schema: {
      querystring: z.strictObject({ id: id.describe('A name for this import; the same again goes on with it') }),
      body: z.unknown().describe('CSV as in POST /readings, of any length'),
      consumes: ['text/csv'],
      ...documented({
        tag: 'readings',
        summary: 'Takes history as a stream of CSV; the answer means that all of it is durable',
        description:
          'The columns of `POST /readings`. Rules record what they find and page nobody. `GET /imports/{id}` tells how far it is. After a broken connection send the file again: what is known counts as duplicates.',
        answer: imported,
        faults: [
          'message.malformed',
          'message.too-large',
          'media.unsupported',
          'id.invalid',
          'journal.full',
          'journal.unwritable',
        ],
      }),
    },
    async handler(request) {
      const { id: name } = request.query;
      await deps.journal.appendCommand(actorOf(request), { verb: 'import', id: name });
      return take(deps, importSource(name), request.body as Readable);
    },
  });
}

async function take({ door, config }: ApiDeps, source: string, stream: Readable) {
  const counts = { rows: 0, accepted: 0, duplicates: 0, corrections: 0, pending: 0, quarantined: 0 };
  const refusals: Refusal[] = [];
  for await (const { payload, firstRow, rows } of csvPieces(stream, config.maxMessageBytes)) {
    const receipt = await door.accept({ source, stations: null, contentType: 'text/csv', payload });
    if (receipt.undecodable) throw undecodable(receipt, firstRow);
    counts.rows += rows;
    for (const name of ['accepted', 'duplicates', 'corrections', 'pending'] as const) counts[name] += receipt[name];
    counts.quarantined += receipt.quarantined.length;
    for (const refusal of receipt.quarantined) {
      if (refusals.length < LISTED_MAX) refusals.push(ofWholeFile(refusal, firstRow));
    }
  }
  return { ...counts, refusals };
}

function undecodable({ quarantined: [refusal] }: Receipt, firstRow: number): Problem {
  const { code, message, quarantineId } = refusal!;
  return new Problem(code, `From row ${firstRow} on: ${message}`, { extra: { quarantineId } });
}

/** The door counts the rows of a piece from 2, the header being row 1. */
function ofWholeFile(refusal: Refusal, firstRow: number): Refusal {
  const path = refusal.path?.replace(/^row (\d+)/, (_, row: string) => `row ${Number(row) + firstRow - 2}`);
  return { ...refusal, ...(path === undefined ? {} : { path }) };
}

function getImport(api: Api, deps: ApiDeps): void {
  const { queries, reader } = deps;
  api.route({
    method: 'GET',
    url: '/imports/:id',
    config: { access: 'engineer' },
    schema: {
      params: givenIdParams,
      ...documented({
        tag: 'readings',
        summary: 'What has become of an import so far, in values',
        answer: importProgress,
        faults: ['not-found', 'overloaded'],
      }),
    },
    async handler({ params }) {
      const ledger = await gatewayLedger(queries, reader, importSource(params.id));
      if (ledger.sinceMs === null) throw notFound(`import "${params.id}"`);
      return progressView(params.id, ledger);
    },
  });
}

function progressView(name: string, { sinceMs, ...counts }: GatewayLedger) {
  return { id: name, ...counts, since: isoText(sinceMs!) };
}
