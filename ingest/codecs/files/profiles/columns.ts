/**
 * Any table of columns: the separator, the line of the names and a row of units are found by the shape of the lines. What
 * can't be found by it (zone, order of dates within one day, parameters of foreign names) is asked.
 */
import { timeKind } from '../dates.ts';
import { FileUndecided } from '../file-problem.ts';
import {
  type FileColumn,
  type Head,
  headingLines,
  isOfWidth,
  nameAndUnit,
  type Profile,
  type TimeLayout,
} from '../profile.ts';
import { cellsOf, type Separator } from '../records.ts';

const TIME_NAME = /^(?:time|datetime|date[_ ]?time|timestamp|date and time|时间|日期时间|监测时间|采样时间)\b/i;
const EPOCH = /^\d{9,10}(?:\.\d+)?$|^\d{12,14}$/;
/** Lines under the names that tell whether they are such. */
const LOOKED_AT = 20;

export const columns: Profile = {
  id: 'columns',
  name: { zh: '一般表格', en: 'table of columns' },
  recognise(head) {
    const tables = (head.separator ? [head.separator] : ([',', ';', '\t'] as Separator[]))
      .map((separator) => tableOf(head, separator))
      .filter((table) => table !== null);
    const most = Math.max(...tables.map(({ score }) => score));
    const best = tables.filter(({ score }) => score === most);
    if (best.length > 1) {
      throw new FileUndecided(
        'separator',
        {
          zh: '有不止一种分隔符说得通；请用 separator 说明。',
          en: 'More than one separator would do: say with `separator` which it is.',
        },
        best.map(({ separator }) => separator),
      );
    }
    if (best.length === 0) return null;
    const { separator, header, rows } = best[0]!;
    const units = rows[0] !== undefined && isUnits(rows[0].cells, head) ? rows[0] : null;
    const data = rows.slice(units ? 1 : 0).map(({ cells }) => cells);
    const named = header.cells.map((name, index) => columnOf(name, index, units?.cells[index] || null));
    return {
      separator,
      quoted: true,
      headerLine: header.number,
      firstLine: (units ?? header).number + 1,
      columns: named,
      time: timeOf(named, data),
      missing: [],
      decimal: null,
      station: null,
      comment: '#',
    };
  },
};

interface Row {
  number: number;
  cells: string[];
}

/** Asked of each row once, since each is looked at under twenty others. */
type LookedAt = Row & { isData: boolean };

/**
 * The first line whose cells are names over rows of the same width. A table scores by its rows, then by its width: a
 * comma within the cells of a table of semicolons makes no better table.
 */
function tableOf(
  head: Head,
  separator: Separator,
): { separator: Separator; header: Row; rows: Row[]; score: number } | null {
  const lines = headingLines(head).filter(({ text }) => text.trim() !== '' && !text.startsWith('#'));
  const rows = lines.map(({ number, text }): LookedAt => {
    const cells = cellsOf(text, separator);
    return { number, cells, isData: looksLikeData(cells) };
  });
  for (const [at, header] of rows.entries()) {
    const width = header.cells.length;
    const named = header.cells.filter((cell) => cell !== '').length;
    if (named < 2 || named < width / 2 || header.isData) continue;
    const under = rows.slice(at + 1, at + 1 + LOOKED_AT);
    const alike = under.filter(({ cells }) => isOfWidth(cells, header.cells));
    const timed = alike.filter(({ isData }) => isData).length;
    // Broken rows among sound ones are told one by one.
    if (timed === 0 || alike.length < under.length / 2) continue;
    return { separator, header, rows: alike, score: timed * 1000 + Math.min(width, 999) };
  }
  return null;
}

/** A row of data holds a time or the half of one; names don't. */
function looksLikeData(cells: readonly string[]): boolean {
  return cells.some((cell) => timeKind(cell) !== null || EPOCH.test(cell));
}

function isUnits(cells: readonly string[], head: Head): boolean {
  if (looksLikeData(cells) || cells.some((cell) => /^[+-]?\d+(?:[.,]\d+)?$/.test(cell))) return false;
  return cells.some((cell) => cell !== '' && head.isUnit(cell));
}

function columnOf(name: string, index: number, unit: string | null): FileColumn {
  const split = nameAndUnit(name);
  return { index, name, short: split.short, unit: unit ?? split.unit };
}

/** The time of a row: a column of that name, else the first one that holds times; a date and a time of day apart. */
function timeOf(named: readonly FileColumn[], rows: readonly string[][]): TimeLayout {
  const kindOf = (index: number) => {
    // Ten digits in a column of another name are the reading of a counter.
    const isEpoch = /time|epoch|unix|时间/i.test(named[index]!.name);
    const kinds = rows
      .slice(0, LOOKED_AT)
      .map(({ [index]: cell = '' }) => (isEpoch && EPOCH.test(cell) ? 'both' : timeKind(cell)));
    return kinds.find((kind) => kind !== null) ?? null;
  };
  const byName = named.find(({ short, index }) => TIME_NAME.test(short) && kindOf(index) === 'both');
  const both = byName ?? named.find(({ index }) => kindOf(index) === 'both');
  const date = named.find(({ index }) => kindOf(index) === 'date');
  const clock = named.find(({ index }) => kindOf(index) === 'clock');
  const own = { order: null, zone: null };
  if (both) return { columns: [both.index], ...own };
  if (date && clock) return { columns: [date.index, clock.index], ...own };
  return {
    columns: [
      date?.index ??
        Math.max(
          named.findIndex(({ short }) => TIME_NAME.test(short)),
          0,
        ),
    ],
    ...own,
  };
}
