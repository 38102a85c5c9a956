/** A long CSV in pieces that the door takes: whole rows, each piece under the file's own header. */
import { Problem } from '#api/problems.ts';

export interface CsvPiece {
  payload: Buffer;
  /** Of the file, as an editor counts: the header is row 1. */
  firstRow: number;
  rows: number;
}

/** Judged and journaled in one turn of the event loop. */
const ROWS_MAX = 250;
const ROW_BYTES_MAX = 8192;
const NEWLINE = 0x0a;

/**
 * No column of ours can hold a line break, so that a line is a row.
 * @param bytesMax of a piece, header included.
 * @throws Problem `message.too-large` for a row beyond 8 KiB, which is no row of ours.
 */
export async function* csvPieces(stream: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<CsvPiece> {
  let header: Buffer | null = null;
  let row = 0;
  let lines: Buffer[] = [];
  let bytes = 0;
  const piece = (): CsvPiece => {
    const made = { payload: Buffer.concat([header!, ...lines]), firstRow: row - lines.length + 1, rows: lines.length };
    lines = [];
    bytes = 0;
    return made;
  };
  for await (const line of linesOf(stream)) {
    if (header === null) {
      header = line;
      row = 1;
      continue;
    }
    if (lines.length === ROWS_MAX || (lines.length > 0 && header.length + bytes + line.length > bytesMax))
      yield piece();
    lines.push(line);
    bytes += line.length;
    row++;
  }
  // A file of nothing, or of a header alone, is for the door to judge.
  if (header === null) yield { payload: Buffer.alloc(0), firstRow: 1, rows: 0 };
  else if (lines.length > 0 || row === 1) yield piece();
}

/** Lines with a line break at their end, as bytes: what isn't UTF-8 is for the door to say. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
      yield rest.subarray(start, end + 1);
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > ROW_BYTES_MAX) {
      throw new Problem('message.too-large', `A row is longer than ${ROW_BYTES_MAX} bytes.`);
    }
  }
  if (rest.length > 0) yield Buffer.concat([rest, Buffer.from('\n')]);
}
