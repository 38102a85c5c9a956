/**
 * A file of a logger or an agency through the door: read twice, so that nothing of it is taken while a question is open.
 * What can't be read of it stands in quarantine, row by row.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ApiDeps } from '#api/deps.ts';
import { Problem } from '#api/problems.ts';
import { FileUndecided, type FileUnreadable, type Language } from '#ingest/codecs/files/file-problem.ts';
import { type Chunks, openFile, rowsOf, surveyFile } from '#ingest/codecs/files/index.ts';
import type { FileOptions } from '#ingest/codecs/files/options.ts';
import type { FileRow } from '#ingest/codecs/files/rows.ts';
import type { FileSurvey } from '#ingest/codecs/files/survey.ts';
import type { Receipt, Refusal } from '#ingest/door.ts';
import { FileMessages } from './file-messages.ts';

/** Refusals that the answer lists; all of them stand in quarantine. */
export const LISTED_MAX = 100;

export interface Imported {
  rows: number;
  accepted: number;
  duplicates: number;
  corrections: number;
  pending: number;
  quarantined: number;
  compared?: number;
  refusals: Refusal[];
  file?: FileSurvey;
}

export interface FileImport {
  source: string;
  options: FileOptions;
  language: Language;
}

/** What of an unreadable file is kept in quarantine. */
const KEPT_BYTES = 4_096;

/**
 * What a file would give. @throws FileUnreadable; Problem `file.undecided` when it can't even be planned.
 */
export async function surveyed(deps: ApiDeps, chunks: Chunks, { options }: FileImport): Promise<FileSurvey> {
  try {
    const { survey } = await surveyFile(chunks, options, deps.reference, nextTurn);
    const unknown = survey.stations.filter(({ station }) => stationNamed(deps, station) === undefined);
    return unknown.length === 0 ? survey : { ...survey, questions: [...survey.questions, whoseRows(deps, unknown)] };
  } catch (error) {
    if (!(error instanceof FileUndecided)) throw error;
    const { question, says, choices } = error;
    throw undecided([{ question, says, choices }]);
  }
}

/** @throws Problem `file.undecided` while a question is open; `message.malformed` for what is no table. */
export async function takeFile(
  deps: ApiDeps,
  read: () => Chunks,
  how: FileImport,
  begun: () => Promise<unknown>,
): Promise<Imported> {
  const survey = await surveyed(deps, read(), how);
  if (survey.questions.length > 0) throw undecided(survey.questions);
  await begun();
  const { plan, chunks } = await openFile(read(), how.options, deps.reference);
  const messages = new FileMessages(plan, deps.config.maxMessageBytes, (name) => stationNamed(deps, name) ?? name);
  const sum = new Sum();
  const send = async (message: ReturnType<FileMessages['rest']>) => {
    if (message === null) return;
    const { payload, pathOf } = message;
    const { source } = how;
    const receipt = await deps.door.accept({ source, stations: null, contentType: 'application/json', payload });
    sum.add(receipt, pathOf);
  };
  for await (const rows of rowsOf(plan, chunks, undefined, nextTurn)) {
    for (const row of rows) {
      if ('values' in row) await send(messages.add(row));
      else if (row.fate !== 'left-out') sum.add(await refuse(deps, row, how), (path) => path);
    }
  }
  await send(messages.rest());
  return { rows: survey.rows.read, ...sum.counts, refusals: sum.refusals, file: survey };
}

/** Adds up receipts. */
class Sum {
  readonly counts = { accepted: 0, duplicates: 0, corrections: 0, pending: 0, quarantined: 0 };
  readonly refusals: Refusal[] = [];

  add(receipt: Receipt, pathOf: (path: string | undefined) => string | undefined): void {
    for (const name of ['accepted', 'duplicates', 'corrections', 'pending'] as const)
      this.counts[name] += receipt[name];
    for (const refusal of receipt.quarantined) {
      this.counts.quarantined += refusal.count ?? 1;
      if (this.refusals.length >= LISTED_MAX) continue;
      const path = pathOf(refusal.path);
      this.refusals.push({ ...refusal, ...(path !== undefined && { path }) });
    }
  }
}

type RefusedRow = Exclude<FileRow, { values: unknown } | { fate: 'left-out' }>;

function refuse(
  { door }: ApiDeps,
  { line, text, code, says }: RefusedRow,
  { source, language }: FileImport,
): Promise<Receipt> {
  return door.refuse(source, { code, message: says[language], path: `row ${line}` }, Buffer.from(text));
}

/** A file that is no table: its beginning goes into quarantine. */
export async function refuseFile(
  { door }: ApiDeps,
  error: FileUnreadable,
  head: Uint8Array,
  { source, language }: FileImport,
): Promise<Problem> {
  const message = error.says[language];
  const path = error.line === null ? {} : { path: `row ${error.line}` };
  const receipt = await door.refuse(source, { code: error.code, message, ...path }, head.subarray(0, KEPT_BYTES));
  return new Problem(error.code, message, { extra: { quarantineId: receipt.quarantined[0]!.quarantineId } });
}

function undecided(questions: FileSurvey['questions']): Problem {
  const detail = questions.map(({ question, says }) => `${question}: ${says.en}`).join(' ');
  return new Problem('file.undecided', detail, { extra: { questions } });
}

/** The station of this id, or the only one of this name. */
function stationNamed({ control }: ApiDeps, name: string): string | undefined {
  if (control.get('station', name)) return name;
  const named = control.list('station').filter(({ body }) => body.name.zh === name || body.name.en === name);
  return named.length === 1 ? named[0]!.id : undefined;
}

function whoseRows({ control }: ApiDeps, unknown: FileSurvey['stations']): FileSurvey['questions'][number] {
  const names = unknown.map(({ station }) => station);
  const shown = names.slice(0, 5).join(', ');
  return {
    question: 'stations',
    says: {
      zh: `没有名为“${shown}”的站点：请登记站点，或用 stations=名称=站点编号 对应，或用 where 略去这些行。`,
      en: `There is no station "${shown}": register it, say with stations=NAME=ID which it is, or leave such rows out with \`where\``,
    },
    choices: control
      .list('station')
      .slice(0, 20)
      .map(({ id }) => `${names[0]}=${id}`),
  };
}
