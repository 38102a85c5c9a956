/**
 * The reader of delimited files, for `npm run replay` and `POST /import`: bytes and what the user says of them → a plan,
 * a survey of all rows, the rows. Pure; memory is bounded by one piece of the file and 22 bytes a row, and a turn of the
 * event loop by a piece.
 */
import type { Reference } from '#model/reference.ts';
import type { FileOptions } from './options.ts';
import { type FilePlan, HEAD_BYTES, planFile } from './plan.ts';
import { type FileRow, RowReader } from './rows.ts';
import { type FileSurvey, Surveyor } from './survey.ts';

export type Chunks = AsyncIterable<Uint8Array>;

/** The plan of a file and its bytes, the looked-at ones among them. @throws FileUnreadable, FileUndecided */
export async function openFile(
  chunks: Chunks,
  options: FileOptions,
  reference: Reference,
): Promise<{ plan: FilePlan; chunks: Chunks }> {
  const { head, rest, isWhole } = await headOf(chunks);
  return { plan: planFile(head, isWhole, options, reference), chunks: following(head, rest) };
}

const isHead = (length: number) => length >= HEAD_BYTES;

/** The first bytes of a stream, until there are enough to look at, and the others. */
export async function headOf(
  chunks: Chunks,
  isEnough: (length: number, newest: Uint8Array) => boolean = isHead,
): Promise<{ head: Buffer; rest: Chunks; isWhole: boolean }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let length = 0;
  let isWhole = false;
  for (;;) {
    const next = await iterator.next();
    if (next.done) {
      isWhole = true;
      break;
    }
    parts.push(next.value);
    length += next.value.length;
    if (isEnough(length, next.value)) break;
  }
  return { head: Buffer.concat(parts), rest: { [Symbol.asyncIterator]: () => iterator }, isWhole };
}

export async function* following(head: Uint8Array, rest: Chunks): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}

/** Read in one turn of the event loop: about two milliseconds. */
const PIECE_BYTES = 16_384;

/** Rows in pieces as the bytes come. @param between waited for between two pieces, by whoever has other things to do. */
export async function* rowsOf(
  plan: FilePlan,
  chunks: Chunks,
  sees?: (cells: readonly string[]) => void,
  between: () => Promise<unknown> = async () => {},
): AsyncGenerator<FileRow[]> {
  const reader = new RowReader(plan, sees);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      yield reader.push(chunk.subarray(at, at + PIECE_BYTES));
      await between();
    }
  }
  yield reader.end();
}

/** Reads all of a file and takes nothing. @throws FileUnreadable, FileUndecided */
export async function surveyFile(
  chunks: Chunks,
  options: FileOptions,
  reference: Reference,
  between?: () => Promise<unknown>,
): Promise<{ plan: FilePlan; survey: FileSurvey }> {
  const { plan, chunks: all } = await openFile(chunks, options, reference);
  const surveyor = new Surveyor(plan);
  for await (const rows of rowsOf(plan, all, surveyor.sees, between)) for (const row of rows) surveyor.add(row);
  return { plan, survey: surveyor.done() };
}
