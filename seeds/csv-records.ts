/**
 * RFC 4180 records with the line that each begins on, so that a fault in a seed or in a replayed file can name it.
 * A generator: a file of years is read record by record. Bad quoting is a value (`fault`), not an exception.
 */
export interface CsvRecord {
  /** 1-based line on which the record begins. */
  line: number;
  cells: string[];
  /** Why the record can't be trusted, or null. */
  fault: string | null;
}

/** Records of `text`; a byte order mark, CRLF, a missing last newline and empty lines are all accepted. */
export function* csvRecords(text: string): Generator<CsvRecord> {
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  while (at < text.length) {
    const begin = line;
    const cells: string[] = [];
    let fault: string | null = null;
    for (;;) {
      const cell = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at);
      cells.push(cell.value);
      fault ??= cell.fault;
      line += cell.newlines;
      at = cell.end;
      if (text[at] !== ',') break;
      at += 1;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    line += 1;
    if (cells.length > 1 || cells[0] !== '') yield { line: begin, cells, fault };
  }
}

interface Cell {
  value: string;
  end: number;
  newlines: number;
  fault: string | null;
}

function plainCell(text: string, start: number): Cell {
  let end = start;
  while (end < text.length && text[end] !== ',' && text[end] !== '\n') end += 1;
  // The carriage return belongs to the line ending, not to the value.
  if (text[end - 1] === '\r' && end > start && text[end] !== ',') end -= 1;
  return { value: text.slice(start, end), end, newlines: 0, fault: null };
}

function quotedCell(text: string, start: number): Cell {
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) {
      const value = text.slice(start + 1);
      return { value, end: text.length, newlines: countNewlines(value), fault: 'a quotation mark is not closed' };
    }
    if (text[quote + 1] !== '"') {
      const value = text.slice(start + 1, quote).replaceAll('""', '"');
      const rest = plainCell(text, quote + 1);
      const fault = rest.value === '' ? null : 'text after a closing quotation mark';
      return { value, end: rest.end, newlines: countNewlines(value), fault };
    }
    at = quote + 2;
  }
}

function countNewlines(text: string): number {
  return text.split('\n').length - 1;
}

/** Records after the header, as objects by column name; a record of another length than the header gets a `fault`. */
export function* csvRows(text: string): Generator<{ line: number; row: Record<string, string>; fault: string | null }> {
  let header: string[] | undefined;
  for (const record of csvRecords(text)) {
    if (!header) {
      header = record.cells.map((name) => name.trim());
      const repeated = header.find((name, i) => name !== '' && header!.indexOf(name) !== i);
      // As an object by name a row would keep the last of both.
      if (repeated !== undefined) yield { line: record.line, row: {}, fault: `the header names ${repeated} twice` };
      continue;
    }
    const { line, cells } = record;
    const fault =
      cells.length === header.length ? record.fault : `${cells.length} cells where the header has ${header.length}`;
    yield {
      line,
      row: Object.fromEntries(header.map((name, i) => [name, cells[i] ?? ''])),
      fault: record.fault ?? fault,
    };
  }
}
