/** What a kind of file is, as a profile tells it of the first lines of one: where the table begins and what its columns are. */
import type { DateOrder } from './dates.ts';
import type { Text } from './file-problem.ts';
import type { Line } from './lines.ts';
import type { Decimal } from './numbers.ts';
import type { Separator } from './records.ts';

export interface FileColumn {
  /** 0-based. */
  index: number;
  /** As the file has it. */
  name: string;
  /** The name without unit and serial numbers; `--map` takes it too where it is the only one. */
  short: string;
  /** As the file states it; null = it doesn't. */
  unit: string | null;
  /** The parameter that columns of this name hold in files of this kind, with the unit that goes before the file's. */
  holds?: { parameter: string; unit?: string } | undefined;
  /** Agency flags of the column with this index. */
  flagOf?: number | undefined;
  /** A logger's own events: a row with one and no measured cell measured nothing. */
  isEvent?: boolean | undefined;
}

/** Where the time of a row stands. */
export interface TimeLayout {
  /** One column; or date, time of day, and perhaps fractions of a second. */
  columns: number[];
  /** null = found out from the rows. */
  order: DateOrder | null;
  /** Offset or zone that the file states; null = it doesn't. */
  zone: string | null;
  /** Column of the zone of each row (USGS `tz_cd`). */
  zoneColumn?: number | undefined;
  /** What the file says about its zone without being clear, for the question. */
  hint?: Text | undefined;
}

/** What an agency's flag means: nothing, a QARTOD number, "measured nothing", or a sign that belongs before the value. */
export type FlagMeaning = { flag?: string; isMissing?: boolean; sign?: '<' | '>' };

export interface Layout {
  separator: Separator;
  quoted: boolean;
  /** Line of the names. */
  headerLine: number;
  /** First line that may be data. */
  firstLine: number;
  columns: FileColumn[];
  time: TimeLayout;
  /** Cells that mean "measured nothing", besides empty ones. */
  missing: readonly string[];
  decimal: Decimal | null;
  /** Column that names the station, section or site; null = none is known. */
  station: number | null;
  /** Lines that begin so are no rows. */
  comment: string | null;
  meaningOf?: ((flag: string) => FlagMeaning) | undefined;
  /** What a cell holds, where it is wrapped (CNEMC's markup). */
  unwrap?: ((cell: string) => string) | undefined;
}

/** The first lines of a file, and what the user said of its shape. */
export interface Head {
  lines: readonly Line[];
  skip: number;
  separator: Separator | null;
  /** Units that some parameter can be converted from: they tell a row of units from a row of data. */
  isUnit(text: string): boolean;
}

export interface Profile {
  id: string;
  name: Text;
  /** @returns null for a file of another kind. */
  recognise(head: Head): Layout | null;
}

/** Lines in which a heading may stand, and characters of all of them: each is looked at by every profile. */
const HEADING_LINES_MAX = 400;
const HEADING_CHARS_MAX = 65_536;
export const COLUMNS_MAX = 512;

export function headingLines({ lines, skip }: Head): readonly Line[] {
  const heading: Line[] = [];
  let chars = 0;
  for (const line of lines.slice(skip, skip + HEADING_LINES_MAX)) {
    chars += line.text.length;
    if (chars > HEADING_CHARS_MAX && heading.length > 0) break;
    heading.push(line);
  }
  return heading;
}

/** A table of names (lower case) → what such columns hold. */
export type Known = Readonly<Record<string, { parameter: string; unit?: string }>>;

export function known(table: Known, name: string): FileColumn['holds'] {
  const key = name.toLowerCase();
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** `Temperature (C)`, `溶解氧（mg/L）` → name and unit. */
export function nameAndUnit(name: string): { short: string; unit: string | null } {
  const found = /^(.*\S)\s*[([（［]([^()（）[\]]*)[)\]）］]$/.exec(name);
  return found ? { short: found[1]!, unit: found[2]!.trim() || null } : { short: name, unit: null };
}

/** Whether a row has as many cells as there are names: cells beyond the names are empty, and so are names beyond the cells. */
export function isOfWidth(cells: readonly string[], names: readonly string[]): boolean {
  const beyond = cells.length > names.length ? cells.slice(names.length) : names.slice(cells.length);
  return beyond.every((text) => text === '');
}
