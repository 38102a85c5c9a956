/** What a user may say about a file; all of it text, as on a command line or in a query. */
import type { DateOrder } from './dates.ts';
import type { Encoding } from './encoding.ts';
import { FileUndecided, NAME_MAX, type Question, shown, type Text } from './file-problem.ts';
import type { Decimal } from './numbers.ts';
import type { FileColumn } from './profile.ts';
import type { Separator } from './records.ts';

export interface FileOptions {
  profile?: string | undefined;
  encoding?: Encoding | undefined;
  separator?: Separator | undefined;
  /** Lines before the heading that are none of the table. */
  skip?: number | undefined;
  decimal?: Decimal | undefined;
  dates?: DateOrder | undefined;
  /** Column of the time, or `DATE,CLOCK`. */
  time?: string | undefined;
  /** `±HH:MM` or an IANA zone, for times without an offset of their own. */
  tz?: string | undefined;
  /** Which instant a local time is that comes twice when the clock goes back: by the rows' order, or always one of them. */
  ambiguous?: 'earlier' | 'later' | 'order' | undefined;
  /** What becomes of a row whose time an earlier row has with other values: told and not taken. */
  repeated?: 'first' | undefined;
  /** `column=parameter,…` */
  map?: string | undefined;
  /** `column=unit,…` */
  units?: string | undefined;
  /** Cells that mean "nothing was measured", comma-separated; an empty cell always does. */
  missing?: string | undefined;
  /** `column=value`: only such rows; several of one column are alternatives. */
  where?: readonly string[] | undefined;
  /** Whose readings they are, where no column says so. */
  station?: string | undefined;
  stationColumn?: string | undefined;
  /** `name=station,…` */
  stations?: string | undefined;
}

/**
 * `a=b,c=d`. A name may hold commas and `=` where it is the name of a column: what has no `=` belongs to the name after it.
 * @throws FileUndecided for what is no such list.
 */
export function pairsOf(text: string, question: Question, isName: (name: string) => boolean): [string, string][] {
  const pairs: [string, string][] = [];
  let open = '';
  for (const part of text.split(',')) {
    const whole = open === '' ? part : `${open},${part}`;
    const pair = pairOf(whole, isName);
    if (pair === null) {
      open = whole;
      continue;
    }
    pairs.push(pair);
    open = '';
  }
  if (open.trim() !== '') {
    throw new FileUndecided(question, {
      zh: `${question}：“${shown(open)}”不是“列=…”的形式。`,
      en: `--${question}: "${shown(open)}" is not column=…`,
    });
  }
  return pairs;
}

/** The first `=` before which the name of a column stands, else the first one. */
export function pairOf(text: string, isName: (name: string) => boolean): [string, string] | null {
  const marks = [...text.matchAll(/=/g)].map(({ index }) => index);
  const at = marks.find((mark) => isName(text.slice(0, mark).trim())) ?? marks[0];
  if (at === undefined) return null;
  const [name, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  return name === '' || value === '' ? null : [name, value];
}

/** By its name, or by what is left of it without unit and serial numbers where that is the only such column. */
export function findColumn(columns: readonly FileColumn[], name: string): FileColumn | undefined {
  const exact = columns.filter((column) => column.name === name);
  if (exact.length > 0) return exact[0];
  const short = columns.filter((column) => column.short === name);
  return short.length === 1 ? short[0] : undefined;
}

/** @throws FileUndecided naming the columns that there are. */
export function columnNamed(columns: readonly FileColumn[], name: string, question: Question): FileColumn {
  const found = findColumn(columns, name);
  if (found) return found;
  const names = columns.map((column) => column.name);
  const listed = names
    .slice(0, 40)
    .map((one) => shown(one, NAME_MAX))
    .join(', ');
  throw new FileUndecided(question, {
    zh: `没有“${shown(name)}”这一列；文件的列有：${listed}`,
    en: `there is no column "${shown(name)}"; the file has ${listed}`,
  });
}

/** Text or number: `-9999` also means -9999.0. */
export function cellSet(words: readonly string[]): (cell: string) => boolean {
  const texts = new Set(words);
  const numbers = new Set(words.map(Number).filter((number) => !Number.isNaN(number)));
  return (cell) => texts.has(cell) || (numbers.size > 0 && cell !== '' && numbers.has(Number(cell)));
}

export function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

export function undecided(question: Question, says: Text, choices: string[] = []): never {
  throw new FileUndecided(question, says, choices);
}
