/** Why a file isn't read: it can't be, or a person must first say what is meant. Both languages, for whoever reads it. */

export type Language = 'zh' | 'en';
export interface Text {
  zh: string;
  en: string;
}

/** The option that answers a question, as both `npm run replay` and `POST /import` name it. */
export type Question =
  | 'profile'
  | 'encoding'
  | 'separator'
  | 'decimal'
  | 'dates'
  | 'time'
  | 'tz'
  | 'ambiguous'
  | 'where'
  | 'station'
  | 'stations'
  | 'map'
  | 'units';

/** A file that can't be read at all. `line` = where, 1-based; null: all of it. */
export class FileUnreadable extends Error {
  readonly says: Text;
  readonly line: number | null;
  readonly code: 'message.malformed' | 'message.too-large';
  constructor(says: Text, line: number | null = null, code: FileUnreadable['code'] = 'message.malformed') {
    super(says.en);
    this.says = says;
    this.line = line;
    this.code = code;
  }
}

/** A file that can be read in more ways than one, or an option that doesn't fit it; `question` names the option. */
export class FileUndecided extends Error {
  readonly question: Question;
  readonly says: Text;
  /** Answers that would do, where they can be listed. */
  readonly choices: string[];
  constructor(question: Question, says: Text, choices: string[] = []) {
    super(says.en);
    this.question = question;
    this.says = says;
    this.choices = choices;
  }
}

const SHOWN_MAX = 64;
/** Names of columns hold units and serial numbers, and are given back in options. */
export const NAME_MAX = 200;

/** A text of the file as a message may show it: short, well-formed, on one line, without what a terminal would obey. */
export function shown(text: string, most: number = SHOWN_MAX): string {
  const line = [...text]
    .map((letter) => (letter < ' ' || (letter >= '\u007f' && letter < '\u00a0') ? ' ' : letter))
    .join('');
  return (line.length > most ? `${line.slice(0, most - 1)}…` : line).toWellFormed();
}
