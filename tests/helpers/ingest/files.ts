/** Files as tests read them: whole, from bytes or text, in pieces of any size. */

import { openFile, rowsOf, surveyFile } from '#ingest/codecs/files/index.ts';
import type { FileOptions } from '#ingest/codecs/files/options.ts';
import type { FileRow, TakenRow } from '#ingest/codecs/files/rows.ts';
import type { FileSurvey } from '#ingest/codecs/files/survey.ts';
import { loadReference } from '#seeds/reference.ts';

const reference = loadReference();

async function* piecesOf(content: string | Uint8Array, pieceBytes = 65_536): AsyncGenerator<Uint8Array> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

export interface ReadFile {
  survey: FileSurvey;
  rows: FileRow[];
  taken: TakenRow[];
}

/** @throws FileUnreadable, FileUndecided */
export async function readWhole(
  content: string | Uint8Array,
  options: FileOptions,
  pieceBytes?: number,
): Promise<ReadFile> {
  const { survey } = await surveyFile(piecesOf(content, pieceBytes), options, reference);
  const { plan, chunks } = await openFile(piecesOf(content, pieceBytes), options, reference);
  const rows: FileRow[] = [];
  for await (const batch of rowsOf(plan, chunks)) rows.push(...batch);
  return { survey, rows, taken: rows.filter((row) => 'values' in row) };
}
