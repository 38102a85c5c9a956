/**
 * Lines to records of cells (RFC 4180, any separator). A record is a line, or several where a quoted cell holds line
 * breaks. A stray quotation mark breaks its own line only. What a line costs is bounded by its length, whatever quotation
 * marks are in it and in the lines under it.
 */
import type { Line } from './lines.ts';

export type Separator = ',' | ';' | '\t';

export interface FileRecord {
  /** Line on which it begins. */
  line: number;
  text: string;
  /** Trimmed; null = the quotation marks of this line don't close. */
  cells: string[] | null;
}

/** Lines, and characters of all of them, that one quoted cell may go over. */
const LINES_MAX = 16;
const JOINED_MAX = 16_384;

const WELL_QUOTED: Readonly<Record<Separator, RegExp>> = {
  ',': /^(?:[^",]*|[ ]*"(?:[^"]|"")*"[ ]*)(?:,(?:[^",]*|[ ]*"(?:[^"]|"")*"[ ]*))*$/,
  ';': /^(?:[^";]*|[ ]*"(?:[^"]|"")*"[ ]*)(?:;(?:[^";]*|[ ]*"(?:[^"]|"")*"[ ]*))*$/,
  '\t': /^(?:[^"\t]*|"(?:[^"]|"")*")(?:\t(?:[^"\t]*|"(?:[^"]|"")*"))*$/,
};

const BLANK = /\s/;

export class RecordFeed {
  readonly #separator: Separator;
  readonly #quoted: boolean;
  readonly #width: number;
  #open: Line[] = [];

  /**
   * @param quoted whether quotation marks mean anything (not in USGS RDB).
   * @param width cells of a row: a line of as many is a row of its own, whatever quotation mark is open before it.
   */
  constructor(separator: Separator, quoted: boolean, width = Number.POSITIVE_INFINITY) {
    this.#separator = separator;
    this.#quoted = quoted;
    this.#width = width;
  }

  push(lines: readonly Line[], isEnd: boolean): FileRecord[] {
    if (lines.length === 0 && !isEnd) return [];
    const whole: Line[] = [];
    const broken = new Set<Line>();
    let waiting = [...this.#open, ...lines];
    this.#open = [];
    for (let at = 0; at < waiting.length; ) {
      const joined = this.#joined(waiting, at);
      if (joined === 'open' && !isEnd) {
        this.#open = waiting.slice(at);
        waiting = waiting.slice(0, at);
        break;
      }
      const line = typeof joined === 'string' ? waiting[at]! : joined.line;
      if (typeof joined === 'string' || !this.#isWell(line.text)) broken.add(line);
      whole.push(line);
      at += typeof joined === 'string' ? 1 : joined.count;
    }
    return this.#records(whole, broken);
  }

  /** The record that begins at this line; `open` = its end hasn't come yet, `never` = it is too far to be one. */
  #joined(lines: readonly Line[], at: number): { line: Line; count: number } | 'open' | 'never' {
    const first = lines[at]!;
    if (!this.#quoted || isClosed(first.text)) return { line: first, count: 1 };
    let text = first.text;
    for (let count = 2; count <= LINES_MAX; count++) {
      const next = lines[at + count - 1];
      if (next === undefined) return 'open';
      if (text.length + next.text.length >= JOINED_MAX || this.#isRow(next.text)) return 'never';
      text += `\n${next.text}`;
      // Quotation marks that close here and aren't well are no better with what comes after them.
      if (!isClosed(next.text)) return this.#isWell(text) ? { line: { number: first.number, text }, count } : 'never';
    }
    return 'never';
  }

  /** Whether a line has as many cells as a row, quotation marks aside. */
  #isRow(text: string): boolean {
    return Number.isFinite(this.#width) && text.split(this.#separator, this.#width).length === this.#width;
  }

  #isWell(text: string): boolean {
    return !this.#quoted || !text.includes('"') || WELL_QUOTED[this.#separator].test(text);
  }

  #records(lines: readonly Line[], broken: ReadonlySet<Line>): FileRecord[] {
    return lines.map((line) => ({
      line: line.number,
      text: line.text,
      cells: broken.has(line) ? null : cellsIn(line.text, this.#separator, this.#quoted),
    }));
  }
}

/** @param text whose quotation marks are well: each cell is quoted as a whole or has none. */
export function cellsIn(text: string, separator: Separator, quoted = true): string[] {
  if (!quoted || !text.includes('"')) return text.split(separator).map((cell) => cell.trim());
  const cells: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const open = firstMark(text, at, separator);
    const close = open < 0 ? -1 : closingMark(text, open);
    const found = text.indexOf(separator, close + 1 > at ? close + 1 : at);
    const end = found < 0 ? text.length : found;
    const cell = open < 0 ? text.slice(at, end) : text.slice(open + 1, close).replaceAll('""', '"');
    cells.push(cell.trim());
    at = end + 1;
  }
  return cells;
}

/** Where the cell that begins here has its first quotation mark; -1 = it isn't quoted. */
function firstMark(text: string, at: number, separator: Separator): number {
  let open = at;
  while (separator !== '\t' && BLANK.test(text[open] ?? '')) open += 1;
  return text[open] === '"' ? open : -1;
}

/** The quotation mark that ends the cell; two of them are one that is meant. */
function closingMark(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (text[close + 1] === '"') close = text.indexOf('"', close + 2);
  return close;
}

function isClosed(text: string): boolean {
  let marks = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) marks += 1;
  return marks % 2 === 0;
}

/** Cells of one line by itself, as profiles look at headings. */
export function cellsOf(text: string, separator: Separator, quoted = true): string[] {
  const [record] = new RecordFeed(separator, quoted).push([{ number: 1, text }], true);
  return record?.cells ?? text.split(separator).map((cell) => cell.trim());
}
