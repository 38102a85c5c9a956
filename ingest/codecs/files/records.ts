/**
 * Lines to records of cells (RFC 4180, any separator). A record is a line, or several where a quoted cell holds line
 * breaks. A stray quotation mark breaks its own line only: the parser would lose its place after one.
 */
import { parse } from 'csv-parse/sync';
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
      if (next.text.split(this.#separator).length >= this.#width) return 'never';
      text += `\n${next.text}`;
      if (text.length > JOINED_MAX) return 'never';
      if (isClosed(text) && this.#isWell(text)) return { line: { number: first.number, text }, count };
    }
    return 'never';
  }

  #isWell(text: string): boolean {
    return !this.#quoted || !text.includes('"') || WELL_QUOTED[this.#separator].test(text);
  }

  #cells(texts: readonly string[]): string[][] {
    const isPlain = !this.#quoted || !texts.some((text) => text.includes('"'));
    // Nearly every file; several times as fast as the parser.
    if (isPlain) return texts.map((text) => text.split(this.#separator));
    return parse(texts.join('\n'), {
      delimiter: this.#separator,
      record_delimiter: '\n',
      relax_column_count: true,
      // A tab between cells would be trimmed as a blank.
      trim: this.#separator !== '\t',
      quote: '"',
    });
  }

  #records(lines: readonly Line[], broken: ReadonlySet<Line>): FileRecord[] {
    const sound = lines.filter((line) => !broken.has(line) && line.text !== '');
    const cells = this.#cells(sound.map(({ text }) => text));
    const byLine = new Map(sound.map((line, index) => [line, cells[index]!]));
    return lines.map((line) => {
      const own = line.text === '' ? [''] : byLine.get(line);
      return { line: line.number, text: line.text, cells: own?.map((cell) => cell.trim()) ?? null };
    });
  }
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
