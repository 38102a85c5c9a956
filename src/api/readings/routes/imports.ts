/**
 * History by CSV: a stream of any length, taken through the door a thousand rows at a time. What comes this way is judged and
 * stored like any other reading; rules only record what they find in it, and page nobody. Sending the same file again after
 * a broken connection only adds what was missing.
 */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { actorOf } from '#api/access/caller.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { isoText } from '#api/instants.ts';
import { notFound, Problem } from '#api/problems.ts';
import { csvPieces } from '#api/readings/csv-pieces.ts';
import {
  type FileImport,
  type Imported,
  LISTED_MAX,
  refuseFile,
  surveyed,
  takeFile,
} from '#api/readings/file-import.ts';
import { RepeatedReadings } from '#api/readings/repeated.ts';
import { fileSurvey, importQuery, isDescribed, optionsOf } from '#api/readings/schemas/imports.ts';
import { imported, importProgress } from '#api/readings/schemas/readings.ts';
import { spooled } from '#api/readings/spool.ts';
import { ReadingsSurveyor } from '#api/readings/survey.ts';
import { documented, givenIdParams } from '#api/schemas.ts';
import { inOwnTurn } from '#api/turns.ts';
import { isReadingsCsv } from '#ingest/codecs/csv.ts';
import { declaredCharset, type Encoding } from '#ingest/codecs/files/encoding.ts';
import { FileUnreadable } from '#ingest/codecs/files/file-problem.ts';
import { type Chunks, following, headOf } from '#ingest/codecs/files/index.ts';
import type { FileSurvey } from '#ingest/codecs/files/survey.ts';
import type { Receipt, Refusal } from '#ingest/door.ts';
import { importSource } from '#model/entry.ts';
import { type GatewayLedger, gatewayLedger } from '#readings/gateway-ledger.ts';

const MEDIA_TYPES = ['text/csv', 'text/tab-separated-values', 'text/plain'];

export async function importRoutes(api: Api, deps: ApiDeps): Promise<void> {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(MEDIA_TYPES, (_request, stream, done) => done(null, stream));
  postImport(api, deps);
  getImport(api, deps);
}

function postImport(api: Api, deps: ApiDeps): void {
  api.route({
    method: 'POST',
    url: '/import',
    config: { access: 'engineer' },
    schema: {
      querystring: importQuery,
      body: z.unknown().describe('CSV as in POST /readings, of any length; or a table of a logger or an agency'),
      consumes: MEDIA_TYPES,
      ...documented({
        tag: 'readings',
        summary: 'Takes history as a stream of CSV, or a file of a logger; the answer means that all of it is durable',
        description:
          'The columns of `POST /readings`, or a file that is recognised by its content (docs/files.md), of which nothing is taken while `questions` are open. With `dryRun=true` nothing is changed, and what would be taken is told. Rules record what they find and page nobody. `GET /imports/{id}` tells how far it is. After a broken connection send the file again: what is known counts as duplicates.',
        answer: z.union([imported, fileSurvey]),
        faults: [
          'file.undecided',
          'message.malformed',
          'message.too-large',
          'media.unsupported',
          'id.invalid',
          'journal.full',
          'journal.unwritable',
          'overloaded',
        ],
      }),
    },
    async handler(request) {
      const { query } = request;
      // Without a body, and so without its type, no parser has run.
      if (!(request.body instanceof Readable))
        throw new Problem('media.unsupported', `A file is sent as ${MEDIA_TYPES.join(', ')}.`);
      const { head, rest } = await headOf(request.body, isFirstLine);
      const all = following(head, rest);
      const source = importSource(query.id);
      const begun = () => deps.journal.appendCommand(actorOf(request), { verb: 'import', id: query.id });
      const isDryRun = query.dryRun === 'true';
      if (isReadingsCsv(head) && !isDescribed(query)) {
        if (isDryRun) return surveyReadings(deps, source, all);
        await begun();
        return take(deps, source, all);
      }
      const encoding = encodingToRead(request.headers['content-type']);
      const how: FileImport = { source, options: optionsOf(query, encoding), language: query.lang };
      try {
        if (isDryRun) return await surveyed(deps, all, how);
        return await spooled(deps.config.dataDir, all, ({ read }) => takeFile(deps, read, how, begun));
      } catch (error) {
        if (!(error instanceof FileUnreadable)) throw error;
        // A dry run changes nothing, quarantine included.
        if (isDryRun) throw new Problem(error.code, error.says[query.lang]);
        throw await refuseFile(deps, error, head, how);
      }
    },
  });
}

/** The first line tells whether the file can be taken as it comes. */
const isFirstLine = (length: number, newest: Uint8Array) => length > 65_536 || newest.includes(0x0a);

/** UTF-8, which clients declare without looking, is left to the bytes. */
function encodingToRead(contentType: string | undefined): Encoding | undefined {
  const declared = declaredCharset(contentType);
  if (declared === null || declared.encoding === 'utf-8') return undefined;
  const { charset, encoding } = declared;
  if (encoding === null) throw new Problem('media.unsupported', `The charset "${charset}" is not known.`);
  return encoding;
}

/** A dry run of the columns of `POST /readings`, as the door sees them. */
async function surveyReadings({ door, config }: ApiDeps, source: string, chunks: Chunks): Promise<FileSurvey> {
  const surveyor = new ReadingsSurveyor();
  for await (const { payload, firstRow, rows } of csvPieces(chunks, config.maxMessageBytes)) {
    const preview = () => door.preview({ source, stations: null, contentType: 'text/csv', payload });
    surveyor.add(await inOwnTurn(preview), firstRow, rows);
  }
  return surveyor.done();
}

async function take({ door, config, reference }: ApiDeps, source: string, chunks: Chunks): Promise<Imported> {
  const counts = { rows: 0, accepted: 0, duplicates: 0, corrections: 0, pending: 0, quarantined: 0 };
  const refusals: Refusal[] = [];
  const list = (refusal: Refusal) => {
    counts.quarantined += refusal.count ?? 1;
    if (refusals.length < LISTED_MAX) refusals.push(refusal);
  };
  const readings = new RepeatedReadings(reference);
  for await (const piece of csvPieces(chunks, config.maxMessageBytes)) {
    const { firstRow, rows } = piece;
    const { payload, repeated } = readings.without(piece);
    counts.rows += rows;
    for (const { row, text, message } of repeated) {
      const fault = { code: 'row.repeated', message, path: `row ${row}` } as const;
      const refused = await door.refuse(source, fault, Buffer.from(text));
      for (const refusal of refused.quarantined) list(refusal);
    }
    // Nothing but repeated rows: a header alone is no payload.
    if (rows > 0 && repeated.length === rows) continue;
    const receipt = await door.accept({ source, stations: null, contentType: 'text/csv', payload });
    if (receipt.undecodable) throw undecodable(receipt, firstRow);
    for (const name of ['accepted', 'duplicates', 'corrections', 'pending'] as const) counts[name] += receipt[name];
    for (const refusal of receipt.quarantined) list(ofWholeFile(refusal, firstRow));
  }
  return { ...counts, compared: readings.compared, refusals };
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
