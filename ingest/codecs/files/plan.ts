/** From the first bytes of a file and what the user says about it to a plan by which every row is read. */
import type { Reference } from '#model/reference.ts';
import { type BoundColumn, bindColumns } from './bind.ts';
import { type DateOrder, dateOrderOf, timeKind, writtenTime } from './dates.ts';
import { type Encoding, encodingOf } from './encoding.ts';
import { FileUndecided, FileUnreadable, shown } from './file-problem.ts';
import { type Line, LineFeed } from './lines.ts';
import { type Decimal, decimalOf } from './numbers.ts';
import { cellSet, columnNamed, type FileOptions, findColumn, pairOf, pairsOf, undecided, words } from './options.ts';
import { COLUMNS_MAX, type FileColumn, type Head, type Layout, type Profile } from './profile.ts';
import { GENERIC_PROFILE, NAMED_PROFILES } from './profiles/index.ts';
import { type FileRecord, RecordFeed } from './records.ts';
import { type Instants, zoneReader } from './zones.ts';

/** So much of a file is looked at before anything is decided; the rest must then fit. */
export const HEAD_BYTES = 262_144;
const LINES_LOOKED_AT = 6_000;
/** Of them, spread evenly, so many are asked what their dates and commas mean: planning is one turn of the event loop. */
const ROWS_ASKED = 800;
const PIECE_BYTES = 16_384;

export interface FilePlan {
  profile: Profile;
  encoding: Encoding;
  layout: Layout;
  columns: BoundColumn[];
  order: DateOrder;
  decimal: Decimal;
  /** What is told about the zone: the offset or name, and who says so. */
  zone: { name: string | null; from: 'option' | 'file' | 'rows' };
  instants: ((localMs: number) => Instants) | null;
  isMissing(cell: string): boolean;
  /** Whether a row is wanted. */
  isWanted(cells: readonly string[]): boolean;
  /** The station of all rows, or the column that names it. */
  station: { fixed: string | null; column: number | null; names: ReadonlyMap<string, string> };
  ambiguous: FileOptions['ambiguous'];
  repeated: FileOptions['repeated'];
}

/**
 * @param head the first HEAD_BYTES of the file, or all of it.
 * @throws FileUnreadable when there is no table in it; FileUndecided when it can be read in more ways than one.
 */
export function planFile(head: Uint8Array, isWhole: boolean, options: FileOptions, reference: Reference): FilePlan {
  if (head.length === 0) throw new FileUnreadable({ zh: '文件是空的。', en: 'the file is empty' });
  const encoding = options.encoding ?? encodingOf(head);
  const lines = linesOf(head, isWhole, encoding, (options.skip ?? 0) + LINES_LOOKED_AT);
  const units = new Set([...reference.parameters.values()].flatMap((parameter) => Object.keys(parameter.units)));
  const shape: Head = {
    lines,
    skip: options.skip ?? 0,
    separator: options.separator ?? null,
    isUnit: (text) => units.has(text),
  };
  const { profile, layout: found } = recognise(shape, options);
  const layout = withTime(withDistinctNames(found), options);
  if (layout.columns.length > COLUMNS_MAX) {
    const text = { zh: `超过 ${COLUMNS_MAX} 列。`, en: `There are more than ${COLUMNS_MAX} columns.` };
    throw new FileUnreadable(text, layout.headerLine, 'message.too-large');
  }
  const columns = bindColumns(layout, options, reference);
  const rows = sampleRows(layout, lines);
  const times = rows.map((cells) => timeText(cells, layout)).filter((text) => text !== '');
  const order = options.dates ?? layout.time.order ?? dateOrderOf(times);
  const zone = zoneOf(layout, options, times, order);
  return {
    profile,
    encoding,
    layout,
    columns,
    order,
    decimal: options.decimal ?? layout.decimal ?? decimalOf(valueCells(rows, columns)),
    zone,
    instants: zone.name === null ? null : zoneReader(zone.name),
    isMissing: cellSet([...layout.missing, ...words(options.missing ?? '')]),
    isWanted: wantedRows(layout.columns, options.where ?? []),
    station: stationOf(layout, options),
    ambiguous: options.ambiguous,
    repeated: options.repeated,
  };
}

/** The first lines of the head; where it is whole, and short of lines, all of them. */
function linesOf(head: Uint8Array, isWhole: boolean, encoding: Encoding, max: number): Line[] {
  const feed = new LineFeed(encoding);
  const lines: Line[] = [];
  for (let at = 0; at < head.length; at += PIECE_BYTES) {
    for (const line of feed.push(head.subarray(at, at + PIECE_BYTES))) lines.push(line);
    if (lines.length >= max) return lines;
  }
  return isWhole ? [...lines, ...feed.end()] : lines;
}

/** @throws FileUndecided `profile` when the file is of two kinds, or not of the one that was asked for. */
function recognise(head: Head, options: FileOptions): { profile: Profile; layout: Layout } {
  const all = [...NAMED_PROFILES, GENERIC_PROFILE];
  const asked = options.profile === undefined ? null : all.find(({ id }) => id === options.profile);
  if (asked === undefined) {
    const ids = all.map(({ id }) => id);
    undecided(
      'profile',
      {
        zh: `没有“${shown(options.profile!)}”这种格式；有：${ids.join('、')}`,
        en: `there is no profile "${shown(options.profile!)}"; there are ${ids.join(', ')}`,
      },
      ids,
    );
  }
  const fits = (asked ? [asked] : NAMED_PROFILES).flatMap((profile) => {
    const layout = profile.recognise(head);
    return layout ? [{ profile, layout }] : [];
  });
  if (fits.length === 1) return fits[0]!;
  if (fits.length > 1) {
    const ids = fits.map(({ profile }) => profile.id);
    undecided(
      'profile',
      {
        zh: `文件像是多种格式：${ids.join('、')}；请用 profile 说明。`,
        en: `The file looks like ${ids.join(' and ')}: say with \`profile\` which it is`,
      },
      ids,
    );
  }
  if (asked) {
    undecided('profile', { zh: `文件不是 ${asked.id} 格式。`, en: `The file is no ${asked.name.en}` });
  }
  const layout = GENERIC_PROFILE.recognise(head);
  if (layout) return { profile: GENERIC_PROFILE, layout };
  throw new FileUnreadable({
    zh: '在文件开头没有找到表格：需要一行列名，其下各行的列数相同，并有时间。',
    en: 'There is no table in the first lines: a line of names is wanted, with rows of as many cells under it',
  });
}

/** Columns of one name become `Temp (1)`, `Temp (2)`: which is meant must be said, the first one isn't taken for the others. */
function withDistinctNames(layout: Layout): Layout {
  const byName = Map.groupBy(layout.columns, ({ name }) => name);
  const columns = layout.columns.map((column) => {
    const alike = byName.get(column.name)!;
    if (alike.length === 1 || column.name === '') return column;
    return { ...column, name: `${column.name} (${alike.indexOf(column) + 1})` };
  });
  return { ...layout, columns };
}

/** The layout with the column of the time as the user says, if he does. */
function withTime(layout: Layout, options: FileOptions): Layout {
  if (options.time === undefined) return layout;
  const whole = findColumn(layout.columns, options.time);
  const comma = [...options.time.matchAll(/,/g)].map(({ index }) => index);
  const halves = comma
    .map((at) => [options.time!.slice(0, at).trim(), options.time!.slice(at + 1).trim()])
    .find((names) => names.every((name) => findColumn(layout.columns, name)));
  const names = whole || !halves ? [options.time] : halves;
  const columns = names.map((name) => columnNamed(layout.columns, name, 'time').index);
  return { ...layout, time: { ...layout.time, columns, order: null } };
}

function sampleRows(layout: Layout, lines: readonly { number: number; text: string }[]): string[][] {
  const records: FileRecord[] = new RecordFeed(layout.separator, layout.quoted, layout.columns.length).push(
    lines.filter(({ number }) => number >= layout.firstLine),
    true,
  );
  const every = Math.ceil(records.length / ROWS_ASKED);
  return records.flatMap(({ cells }, index) =>
    index % every === 0 && cells && cells.length > 1 && !isComment(layout, cells) ? [cells] : [],
  );
}

export function isComment({ comment }: Layout, cells: readonly string[]): boolean {
  return comment !== null && cells[0]!.startsWith(comment);
}

/** Date and time of day as one text. */
export function timeText(cells: readonly string[], { time }: Layout): string {
  const [first, second] = time.columns;
  const date = cells[first!] ?? '';
  return second === undefined ? date : `${date} ${cells[second] ?? ''}`.trim();
}

function* valueCells(rows: readonly string[][], columns: readonly BoundColumn[]): Generator<string> {
  for (const cells of rows) for (const { column } of columns) yield cells[column.index] ?? '';
}

/** @throws FileUndecided `tz` when neither the user nor the file says which zone the times are in. */
function zoneOf(layout: Layout, options: FileOptions, times: readonly string[], order: DateOrder): FilePlan['zone'] {
  const { zone, zoneColumn, hint } = layout.time;
  if (options.tz !== undefined) return { name: options.tz, from: 'option' };
  if (zone !== null) return { name: zone, from: 'file' };
  if (zoneColumn !== undefined) return { name: null, from: 'rows' };
  const local = times.find((text) => {
    if (timeKind(text) === null) return false;
    const written = writtenTime(text, order);
    return 'localMs' in written && written.offsetMs === null;
  });
  if (local === undefined) return { name: null, from: 'rows' };
  throw new FileUndecided('tz', {
    zh: `“${shown(local)}”没有时区：请用 tz 说明${hint ? `（${hint.zh}）` : ''}。`,
    en: `"${shown(local)}" has no offset: say with --tz which zone it is in${hint ? ` (${hint.en})` : ''}`,
  });
}

/** Rows with the wanted values: any of a column's, of every column that is named. */
function wantedRows(columns: readonly FileColumn[], where: readonly string[]): (cells: readonly string[]) => boolean {
  const wanted = new Map<number, string[]>();
  for (const text of where) {
    const pair = pairOf(text, (name) => findColumn(columns, name) !== undefined);
    if (pair === null) {
      return undecided('where', {
        zh: `where：“${shown(text)}”不是“列=值”。`,
        en: `--where: "${shown(text)}" is not column=value`,
      });
    }
    const { index } = columnNamed(columns, pair[0], 'where');
    wanted.set(index, [...(wanted.get(index) ?? []), pair[1]]);
  }
  const tests = [...wanted].map(([index, values]) => ({ index, isOne: cellSet(values) }));
  return (cells) => tests.every(({ index, isOne }) => isOne(cells[index] ?? ''));
}

function stationOf(layout: Layout, options: FileOptions): FilePlan['station'] {
  const named =
    options.stationColumn === undefined ? null : columnNamed(layout.columns, options.stationColumn, 'station').index;
  const column = named ?? layout.station;
  const names = new Map(options.stations === undefined ? [] : pairsOf(options.stations, 'station', () => false));
  const fixed = options.station ?? null;
  if (fixed !== null && named !== null) {
    undecided('station', {
      zh: 'station 与 stationColumn 只能用一个。',
      en: 'station and stationColumn: only one of them',
    });
  }
  if (fixed === null && column === null) {
    undecided('station', {
      zh: '没有说明是哪个站点的数据：请用 station 说明。',
      en: 'Whose readings are they? Say with `station`',
    });
  }
  return { fixed, column, names };
}
